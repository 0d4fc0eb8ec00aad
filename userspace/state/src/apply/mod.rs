//! What each event changes, by family.
//!
//! [`before`] holds what rules must already see: a new child, the new program, the opened file. [`after`] holds what
//! they must still see: the descriptor that is closed, the thread that ends. `docs/state.md` lists both.

mod descriptors;
mod lifecycle;
mod meta;
mod process;
mod snapshot;
mod sockets;

use crate::State;
use crate::context::Context;
use saker_driver_api::event::EventType as E;
use saker_driver_api::flags::FlagTable;
use saker_event::Event;

/// Returns the portable value of a flag, checked when the program is built.
pub(crate) const fn flag(table: FlagTable, name: &str) -> u64 {
    let names = table.names();
    let mut i = 0;
    while i < names.len() {
        if same(names[i].1.as_bytes(), name.as_bytes()) {
            return names[i].0;
        }
        i += 1;
    }
    panic!("no such flag")
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

pub(crate) fn before(state: &mut State, event: &Event<'_>, ctx: &mut Context) {
    match event.kind() {
        E::CloneExit | E::Clone3Exit | E::ForkExit | E::VforkExit => lifecycle::clone(state, event, ctx),
        E::Task => snapshot::task(state, event),
        kind if kind.is_meta() => meta::apply(state, event),
        E::OpenExit | E::OpenatExit | E::Openat2Exit | E::CreatExit | E::OpenByHandleAtExit => {
            descriptors::open(state, event, ctx);
        }
        _ if event.failed() && !sockets::learns_from_failure(event.kind()) => {}
        _ if ctx.stale => {}
        E::ExecveExit | E::ExecveatExit => lifecycle::exec(state, event, ctx),
        kind => {
            let _ = process::before(state, kind, event, ctx)
                || sockets::before(state, kind, event, ctx)
                || descriptors::before(state, kind, event, ctx);
        }
    }
}

pub(crate) fn after(state: &mut State, event: &Event<'_>, ctx: &Context) {
    let Some(thread) = ctx.thread else { return };
    match event.kind() {
        E::Procexit => lifecycle::exit(state, event, thread),
        _ if event.failed() => {}
        E::ExecveExit | E::ExecveatExit => lifecycle::close_on_exec(state, event, thread),
        E::CloseExit | E::CloseRangeExit => descriptors::after(state, event, thread),
        _ => {}
    }
}
