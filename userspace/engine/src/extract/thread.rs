//! `thread.*`: the thread itself.

use saker_driver_api::flags::CAPABILITIES;
use saker_filter::{Extracted, FieldArg};
use saker_state::{Credentials, ProcessInfo};

use super::{EventView, absent, owned, text, unsigned};

/// Names of the capabilities in a set, with blanks between.
pub(super) fn capabilities<'a>(view: &EventView<'a>, set: impl FnOnce(&Credentials) -> u64) -> Extracted<'a> {
    let Some(bits) = view.known_task().map(|task| set(task.credentials())) else { return absent() };
    let names: Vec<&str> =
        CAPABILITIES.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 != 0).map(|(_, name)| *name).collect();
    owned(Some(names.join(" ").into_bytes()))
}

pub(super) fn cgroup<'a>(view: &EventView<'a>, arg: &FieldArg) -> Extracted<'a> {
    match arg {
        FieldArg::Key(subsystem) => text(view.task().and_then(|task| task.cgroup(subsystem.as_bytes()))),
        FieldArg::None | FieldArg::Index(_) => absent(),
    }
}

pub(super) fn cgroups<'a>(view: &EventView<'a>) -> Extracted<'a> {
    let joined = view.known_task().map(|task| task.cgroups().collect::<Vec<_>>().join(&b' '));
    owned(joined.filter(|joined| !joined.is_empty()))
}

pub(super) fn name_tid<'a>(view: &EventView<'a>) -> Extracted<'a> {
    owned(view.known_task().map(|task| [task.comm(), task.tid().to_string().as_bytes()].concat()))
}

/// Memory of the process, told for its main thread only, so that sums over threads are right.
pub(super) fn memory<'a>(view: &EventView<'a>, kib: impl FnOnce(&ProcessInfo) -> u32, unit: u64) -> Extracted<'a> {
    let main = view.known_task().filter(|task| task.is_leader());
    unsigned(main.map(|task| u64::from(kib(task.process())) * unit))
}
