// SPDX-License-Identifier: GPL-2.0-only

//! One event, from its facts to its record.
//!
//! ```text
//! lock own ring ─ gather facts ─ reserve, write, publish ─ unlock ─ wake, if it is due
//!      └─ a page of user memory is not there: unlock, bring it in, start over; the last time do without
//! ```
//! Nothing sleeps under the lock, and nothing is held while a page is brought in: a page that never comes stalls its own
//! task and nobody else.

use crate::capture::{boot_ns, Capture};
use crate::context::{About, Context};
use crate::driver_api::capture::{bound_bytes, write_numbers, write_record, Attempt};
use crate::driver_api::event::Class;
use crate::driver_api::fillers::Filler;
use crate::driver_api::probe::{FactSet, RecordSink as _, Written};
use crate::driver_api::record::EventHeader;
use crate::named::KEPT;
use crate::ring::Writer;
use crate::user;

/// Times that missing pages are brought in for one event: a path may lie across two, a list points to many.
const ROUNDS: u32 = 4;

/// Records an event; the ring keeps the books of what becomes of it.
#[inline(never)]
pub(crate) fn emit(capture: &Capture, about: &About<'_>, filler: &'static Filler) {
    // Nobody wants to see the watcher watch.
    if capture.left_out_pid != 0 && about.tgid == capture.left_out_pid {
        return;
    }
    let failed = filler.is_failure(&about.call);
    let wanted = filler.wants(failed);
    let class = filler.class(failed);
    for round in (0..ROUNDS).rev() {
        let attempt = if round == 0 { Attempt::Last } else { Attempt::First };
        let Some((ring, mut writer)) = capture.lock_own_ring() else { return };
        if !writer.open {
            return;
        }
        let written = write(capture, about, filler, (wanted, class), attempt, &mut writer);
        let wake = written == Written::Committed && ring.published(class, &mut writer);
        drop(writer);
        if wake {
            ring.wake();
        }
        match written {
            Written::Faulted(fault) => user::fault_in(fault),
            Written::Committed | Written::Dropped(_) => break,
        }
    }
    if wanted.has_any(KEPT) {
        capture.slots().forget(about.task);
    }
}

#[inline(never)]
fn write(
    capture: &Capture,
    about: &About<'_>,
    filler: &'static Filler,
    (wanted, class): (FactSet, Class),
    attempt: Attempt,
    writer: &mut Writer,
) -> Written {
    let Writer { producer, facts, .. } = writer;
    if filler.plain {
        let header = EventHeader {
            ts_ns: boot_ns(),
            tid: about.tid,
            pid: about.tgid,
            cpu: producer.cpu(),
            origin: about.call.origin as u8,
            ..EventHeader::default()
        };
        let bound = filler.bound.fixed_bytes;
        return producer
            .write_record(class, about.tgid, bound, |span| Ok(write_numbers(&about.call, header, filler, span)));
    }
    let mut context = Context { capture, about, facts: &mut **facts, attempt, ts_ns: boot_ns(), cpu: producer.cpu() };
    if !wanted.is_empty() {
        if let Err(fault) = context.collect(wanted) {
            return Written::Faulted(fault);
        }
    }
    let bound = bound_bytes(&context, filler);
    producer.write_record(class, about.tgid, bound, |span| write_record(&mut context, filler, span, attempt))
}
