// SPDX-License-Identifier: GPL-2.0-only

//! What fillers ask for, answered by the kernel: lives under the lock of a ring, for one event.

use crate::capture::Capture;
use crate::driver_api::capture::Attempt;
use crate::driver_api::probe::{Call, Fact, FactSet, FactValue, Fault, ProbeContext};
use crate::driver_api::record::EventHeader;
use crate::facts::Facts;
use crate::named::NAMED;
use crate::user;
use kernel::bindings;

/// What happened.
pub(crate) enum Happening<'a> {
    /// A system call returned.
    Return,
    /// The task has become another program; the name is what was asked for.
    Exec(&'a [u8]),
    /// The task was made by this one, which is the current task.
    Fork(*mut bindings::task_struct),
    /// The task ends.
    Exit,
}

/// Whom an event is about, and what happened; the same in each round of writing it.
pub(crate) struct About<'a> {
    /// The task: the current one, or a new one that does not run yet. It stays valid as long as this lives.
    pub(crate) task: *mut bindings::task_struct,
    pub(crate) tid: u32,
    pub(crate) tgid: u32,
    pub(crate) call: Call,
    pub(crate) happening: Happening<'a>,
}

impl<'a> About<'a> {
    /// # Safety
    /// `task` is the current task, or a new one that does not run before this is dropped; so is the task in `happening`.
    pub(crate) unsafe fn of(task: *mut bindings::task_struct, call: Call, happening: Happening<'a>) -> Self {
        // SAFETY: by this function's contract; a task's ids change in its own exec only.
        let tid = unsafe { (*task).pid };
        // SAFETY: as above.
        let tgid = unsafe { (*task).tgid };
        Self { task, tid: tid as u32, tgid: tgid as u32, call, happening }
    }

    /// Returns whether the task is the current one, which may read its own memory.
    pub(crate) fn is_current(&self) -> bool {
        !matches!(self.happening, Happening::Fork(_))
    }
}

/// The context of one event on one CPU.
pub(crate) struct Context<'a> {
    pub(crate) capture: &'a Capture,
    pub(crate) about: &'a About<'a>,
    pub(crate) facts: &'a mut Facts,
    pub(crate) attempt: Attempt,
    pub(crate) ts_ns: u64,
    pub(crate) cpu: u16,
}

/// Facts that come from one look each.
const OPENED: [Fact; 5] = [Fact::OpenedPath, Fact::OpenedFlags, Fact::OpenedDev, Fact::OpenedIno, Fact::OpenedNew];
const SOCKETS: [Fact; 6] =
    [Fact::Tuple, Fact::AcceptedTuple, Fact::SocketIno, Fact::QueuePercent, Fact::QueueLen, Fact::QueueMax];
const PAIR: [Fact; 4] = [Fact::PairFd, Fact::PairFd2, Fact::PairIno, Fact::PairIno2];

const fn set_of(facts: &[Fact]) -> FactSet {
    let mut set = FactSet::EMPTY;
    let mut i = 0;
    while i < facts.len() {
        set = set.with(facts[i]);
        i += 1;
    }
    set
}

impl Context<'_> {
    /// Collects `wanted`.
    ///
    /// # Errors
    /// Returns a fault of user memory in a first attempt; in the last one the fact is unreadable instead.
    pub(crate) fn collect(&mut self, wanted: FactSet) -> Result<(), Fault> {
        const ABOUT_OPENED: FactSet = set_of(&OPENED);
        const ABOUT_SOCKETS: FactSet = set_of(&SOCKETS);
        const ABOUT_PAIR: FactSet = set_of(&PAIR);
        self.facts.clear();
        if wanted.has_any(ABOUT_OPENED) {
            self.opened();
        }
        if wanted.has_any(ABOUT_SOCKETS) {
            self.sockets(wanted)?;
        }
        if wanted.has_any(ABOUT_PAIR) {
            self.pair()?;
        }
        if wanted.has_any(NAMED) && self.about.is_current() {
            self.capture.slots().give(self.about, self.facts);
        }
        self.task_facts(wanted)
    }

    /// Marks a fact that depends on user memory, or passes the fault on where it is to be tried again.
    pub(crate) fn missed(&mut self, fact: Fact, fault: Fault) -> Result<(), Fault> {
        if self.attempt == Attempt::First {
            return Err(fault);
        }
        self.facts.unreadable(fact);
        Ok(())
    }
}

impl ProbeContext for Context<'_> {
    fn header(&self) -> EventHeader {
        EventHeader {
            ts_ns: self.ts_ns,
            tid: self.about.tid,
            pid: self.about.tgid,
            cpu: self.cpu,
            origin: self.about.call.origin as u8,
            ..EventHeader::default()
        }
    }

    fn call(&self) -> &Call {
        &self.about.call
    }

    fn snaplen_bytes(&self) -> usize {
        self.capture.snaplen_bytes
    }

    fn gather(&mut self, wanted: FactSet) {
        // The fault of a first attempt is the caller's to see, who calls `collect`.
        let _ = self.collect(wanted);
    }

    fn fact(&self, fact: Fact) -> FactValue<'_> {
        self.facts.get(fact)
    }

    fn at_entry(&self, _index: u8) -> Option<&[u8]> {
        match self.about.happening {
            Happening::Exec(name) => Some(name),
            _ => None,
        }
    }

    fn copy_from_user(&mut self, at: u64, into: &mut [u8]) -> Result<(), Fault> {
        user::copy(at, into)
    }

    fn strncpy_from_user(&mut self, at: u64, into: &mut [u8]) -> Result<usize, Fault> {
        user::copy_text(at, into)
    }

    fn fault_in(&mut self, _fault: Fault) -> bool {
        // Under the lock nothing sleeps; `emit` does it.
        false
    }
}
