// SPDX-License-Identifier: Apache-2.0

//! What the fillers ask for, answered from `/proc`, the traced thread's memory and its sockets.

use crate::clock::Clock;
use crate::entry::{AT_ENTRY, Entry, EntryPlan, EntryReader, NewFile};
use crate::facts::Facts;
use crate::launch::InodeFacts;
use crate::memory;
use crate::paths::RealPathState;
use crate::proc::{Proc, TaskStatus};
use crate::sockets::{Address, Socket, Source};
use crate::task_facts::{TaskReader, shown_path};
use rustix::fs::Stat;
use saker_driver_api::flags::FlagTable;
use saker_driver_api::param::ParamStatus;
use saker_driver_api::probe::{Call, Fact, FactSet, FactValue, Fault, ProbeContext};
use saker_driver_api::record::{EventHeader, Origin};
use saker_driver_api::syscalls::nr;
use std::io;

const CLONE_VM: u64 = 0x100;
const CLONE_VFORK: u64 = 0x4000;
/// `CLONE_CHILD_IN_PIDNS` of the portable numbering: the new task has other ids in its own namespace.
const CHILD_IN_PIDNS: u64 = 0x2000_0000;

/// Most bytes of a `struct sockaddr` (`struct sockaddr_storage`); the kernel refuses longer ones.
const ADDRESS_BYTES: usize = 128;

/// How a thread ends.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ending {
    /// Wait status.
    pub(crate) status: i32,
    /// Thread that has the children, 0 if there are none, `None` if nobody knows.
    pub(crate) reaper: Option<u32>,
}

/// The one context of a tracer; it is pointed at one thread after the other.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) proc: Proc,
    pub(crate) clock: Clock,
    tasks: TaskReader,
    entries: EntryReader,
    facts: Facts,
    tid: u32,
    tgid: u32,
    call: Call,
    entry: Entry,
    ending: Ending,
    /// The task that the call made, and the thread that made it.
    birth: Option<(u32, Option<u32>)>,
    snaplen_bytes: usize,
    inodes: InodeFacts,
    unread: FactSet,
}

/// A happening that is no system call.
pub(crate) const NO_CALL: Call =
    Call { nr: Call::UNKNOWN, native_nr: 0, origin: Origin::Syscall, args: [0; 6], ret: 0 };

/// What tells one file from another, whatever its name.
const INODE: [Fact; 2] = [Fact::OpenedDev, Fact::OpenedIno];

impl Context {
    pub(crate) fn new(snaplen_bytes: usize, inodes: InodeFacts, unread: FactSet) -> io::Result<Self> {
        let mut proc = Proc::open()?;
        let clock = Clock::new();
        Ok(Self {
            entries: EntryReader::new(&mut proc),
            tasks: TaskReader::new(clock.ns_per_tick()),
            proc,
            clock,
            facts: Facts::new(),
            tid: 0,
            tgid: 0,
            call: NO_CALL,
            entry: Entry::default(),
            ending: Ending::default(),
            birth: None,
            snaplen_bytes,
            inodes,
            unread,
        })
    }

    /// Points the context at a thread and what it did; the entry facts are the caller's, who gets them back from
    /// [`Context::take_entry`].
    pub(crate) fn point_at(&mut self, tid: u32, tgid: u32, call: Call, entry: Entry) {
        (self.tid, self.tgid, self.call, self.entry, self.birth) = (tid, tgid, call, entry, None);
    }

    /// Says that the call the context is pointed at made the task `birth`, or is seen by that task; `maker` is the thread
    /// that made it, if known.
    pub(crate) fn at_birth_of(&mut self, birth: u32, maker: Option<u32>) {
        self.birth = Some((birth, maker));
    }

    /// Hands in the status of the thread that the context is pointed at, so that it is not read again for the next
    /// record.
    pub(crate) fn saw(&mut self, status: TaskStatus) {
        self.tasks.saw(self.tid, status);
    }

    /// Returns the status of a thread.
    pub(crate) fn look(&mut self, tid: u32) -> Option<TaskStatus> {
        self.tasks.look(&mut self.proc, tid)
    }

    /// Forgets a thread that is gone.
    pub(crate) fn forget(&mut self, tid: u32) {
        self.tasks.forget(tid);
    }

    pub(crate) fn point_at_ending(&mut self, tid: u32, tgid: u32, ending: Ending) {
        self.point_at(tid, tgid, NO_CALL, Entry::default());
        self.ending = ending;
    }

    pub(crate) fn take_entry(&mut self) -> Entry {
        std::mem::take(&mut self.entry)
    }

    /// Looks at what will be gone when the call returns.
    pub(crate) fn look_at_entry(&mut self, who: (u32, u32), call: &Call, plan: &EntryPlan, entry: &mut Entry) {
        self.entries.look(&mut self.proc, who, call, plan, entry);
    }

    fn returned_fd(&self) -> Option<i32> {
        i32::try_from(self.call.ret).ok().filter(|fd| *fd >= 0)
    }

    fn opened(&mut self) {
        const ALL: [Fact; 4] = [Fact::OpenedPath, Fact::OpenedFlags, Fact::OpenedDev, Fact::OpenedIno];
        let Some(fd) = self.returned_fd() else { return ALL.iter().for_each(|fact| self.facts.absent(*fact)) };
        let Self { tid, proc, facts, .. } = self;
        let link = format_args!("{tid}/fd/{fd}");
        let looks_deleted = proc.link(link).is_ok_and(|path| path.ends_with(b" (deleted)"));
        // PERF: each look at `/proc` is about a twentieth of what watching an open costs.
        let stat = (self.inodes == InodeFacts::Keep || looks_deleted).then(|| proc.stat(link).ok());
        match stat {
            Some(Some(stat)) => {
                facts.int(Fact::OpenedDev, device(&stat));
                facts.int(Fact::OpenedIno, stat.st_ino);
            }
            Some(None) => INODE.iter().for_each(|fact| facts.unreadable(*fact)),
            None => INODE.iter().for_each(|fact| facts.absent(*fact)),
        }
        let unlinked = stat.flatten().is_some_and(|stat| stat.st_nlink == 0);
        match proc.last_link() {
            Some(link) => {
                let (path, flags) = shown_path(link, unlinked);
                facts.bytes(Fact::OpenedPath, path, ParamStatus::OK);
                facts.int(Fact::OpenedFlags, flags);
            }
            None => {
                facts.unreadable(Fact::OpenedPath);
                facts.unreadable(Fact::OpenedFlags);
            }
        }
    }

    fn tuple(&mut self, fact: Fact, fd: Option<i32>, source: Source) {
        let socket = fd.and_then(|fd| Socket::of(self.tid, self.tgid, fd));
        let Some(socket) = socket else { return self.facts.unreadable(fact) };
        let (peer, status) = match socket.peer() {
            Some(peer) => (Some(peer), ParamStatus::OK),
            None => self.asked_for().map_or((None, ParamStatus::OK), |asked| (Some(asked), ParamStatus::USER)),
        };
        let mut found = None;
        self.facts.bytes_with(fact, status, |to| found = socket.tuple(source, peer.as_ref(), to));
        if found.is_none() {
            self.facts.absent(fact);
        }
    }

    /// The address that a connect which is pending or failed was given: the socket tells none until it is connected.
    fn asked_for(&self) -> Option<Address> {
        if self.call.nr != nr::CONNECT || !self.call.failed() {
            return None;
        }
        let mut bytes = [0; ADDRESS_BYTES];
        let len = usize::try_from(self.call.arg(2)).ok()?;
        let bytes = bytes.get_mut(..len)?;
        memory::copy(self.tid, self.call.arg(1), bytes).ok()?;
        Address::parse(bytes)
    }

    /// The two descriptors that pipe(2) or socketpair(2) wrote into the caller's memory, and what they are.
    fn pair(&mut self) {
        let at = match self.call.nr {
            nr::SOCKETPAIR => self.call.arg(3),
            _ => self.call.arg(0),
        };
        let fds: Option<[u8; 8]> = memory::array(self.tid, at);
        let halves = fds.and_then(|fds| Some((*fds.first_chunk::<4>()?, *fds.last_chunk::<4>()?)));
        let [one, two] = halves.map_or([None, None], |(one, two)| [Some(one), Some(two)]);
        self.pair_half(Fact::PairFd, Fact::PairIno, one);
        self.pair_half(Fact::PairFd2, Fact::PairIno2, two);
    }

    fn pair_half(&mut self, fd_fact: Fact, ino_fact: Fact, fd: Option<[u8; 4]>) {
        let Some(fd) = fd.map(i32::from_ne_bytes) else {
            self.facts.unreadable(fd_fact);
            return self.facts.unreadable(ino_fact);
        };
        self.facts.int(fd_fact, i64::from(fd).cast_unsigned());
        self.inode(ino_fact, Some(fd));
    }

    fn inode(&mut self, fact: Fact, fd: Option<i32>) {
        let tid = self.tid;
        match fd.map(|fd| self.proc.stat(format_args!("{tid}/fd/{fd}"))) {
            Some(Ok(stat)) => self.facts.int(fact, stat.st_ino),
            Some(Err(_)) => self.facts.unreadable(fact),
            None => self.facts.absent(fact),
        }
    }

    fn entry_paths(&mut self, wanted: FactSet) {
        for (fact, real) in AT_ENTRY.into_iter().zip(&self.entry.real).filter(|(fact, _)| wanted.has(*fact)) {
            match real.state {
                RealPathState::Found => self.facts.bytes(fact, &real.path, ParamStatus::OK),
                RealPathState::None => self.facts.absent(fact),
                RealPathState::Unreadable => self.facts.unreadable(fact),
            }
        }
    }

    /// Returns the `CLONE_*` bits of the call, in the kernel's numbers.
    pub(crate) fn clone_flags(&self) -> u64 {
        match self.call.nr {
            nr::VFORK => CLONE_VM | CLONE_VFORK,
            nr::CLONE => self.call.arg(0) & !0xff,
            nr::CLONE3 => memory::array(self.tid, self.call.arg(0)).map_or(0, u64::from_ne_bytes),
            _ => 0,
        }
    }

    fn gather_clone_flags(&mut self) {
        let nested = matches!(self.facts.get(Fact::Vtid), FactValue::Int(vtid) if vtid != u64::from(self.tid));
        let nested = if nested { CHILD_IN_PIDNS } else { 0 };
        self.facts.int(Fact::CloneFlags, FlagTable::Clone.from_kernel(self.clone_flags()) | nested);
    }

    fn ending(&mut self) {
        let Ending { status, reaper } = self.ending;
        let [low, code, ..] = status.to_le_bytes();
        self.facts.int(Fact::ExitStatus, i64::from(status).cast_unsigned());
        self.facts.int(Fact::ExitCode, code);
        self.facts.int(Fact::ExitSignal, low & 0x7f);
        self.facts.int(Fact::ExitCore, low >> 7);
        match reaper {
            Some(reaper) => self.facts.int(Fact::Reaper, reaper),
            None => self.facts.absent(Fact::Reaper),
        }
    }

    /// Collects task facts of any thread, as scans of `/proc` need them.
    pub(crate) fn gather_task(&mut self, tid: u32, wanted: FactSet) {
        self.facts.clear();
        self.tasks.gather(&mut self.proc, tid, self.clock.boot_epoch_ns(), wanted, &mut self.facts);
    }
}

/// Returns a device number as `.scap` files encode it.
pub(crate) fn device(stat: &Stat) -> u32 {
    let (major, minor) = (rustix::fs::major(stat.st_dev), rustix::fs::minor(stat.st_dev));
    (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12)
}

const OPENED: [Fact; 4] = [Fact::OpenedPath, Fact::OpenedFlags, Fact::OpenedDev, Fact::OpenedIno];
const PAIR: [Fact; 4] = [Fact::PairFd, Fact::PairFd2, Fact::PairIno, Fact::PairIno2];
const ENDING: [Fact; 5] = [Fact::ExitStatus, Fact::ExitCode, Fact::ExitSignal, Fact::ExitCore, Fact::Reaper];
/// How full a listening socket's queue is: no safe call tells.
const QUEUE: [Fact; 3] = [Fact::QueuePercent, Fact::QueueLen, Fact::QueueMax];

impl ProbeContext for Context {
    fn header(&self) -> EventHeader {
        EventHeader {
            ts_ns: self.clock.now_ns(),
            tid: self.tid,
            pid: self.tgid,
            cpu: u16::try_from(rustix::thread::sched_getcpu()).unwrap_or(u16::MAX),
            origin: self.call.origin as u8,
            ..EventHeader::default()
        }
    }

    fn call(&self) -> &Call {
        &self.call
    }

    fn snaplen_bytes(&self) -> usize {
        self.snaplen_bytes
    }

    fn gather(&mut self, wanted: FactSet) {
        self.facts.clear();
        for fact in Fact::ALL.iter().filter(|fact| self.unread.has(**fact)) {
            self.facts.absent(*fact);
        }
        let wanted = wanted.without(self.unread);
        let any = |of: &[Fact]| of.iter().any(|fact| wanted.has(*fact));
        let Self { tasks, proc, facts, tid, birth, clock, .. } = self;
        match birth {
            Some(birth) => tasks.gather_at_birth(proc, *tid, *birth, clock, wanted, facts),
            None => tasks.gather(proc, *tid, clock.boot_epoch_ns(), wanted, facts),
        }
        self.facts.int(Fact::Tid, self.tid);
        self.facts.int(Fact::Pid, self.tgid);
        self.entry_paths(wanted);
        if any(&OPENED) {
            self.opened();
        }
        match self.entry.new_file {
            NewFile::Unknown => self.facts.unreadable(Fact::OpenedNew),
            known => self.facts.int(Fact::OpenedNew, known == NewFile::Yes),
        }
        if any(&PAIR) {
            self.pair();
        }
        if any(&ENDING) {
            self.ending();
        }
        if any(&QUEUE) {
            QUEUE.iter().for_each(|fact| self.facts.absent(*fact));
        }
        if wanted.has(Fact::Tuple) {
            #[expect(clippy::cast_possible_truncation, reason = "the kernel, too, looks at the low half")]
            let fd = self.call.arg(0) as i32;
            self.tuple(Fact::Tuple, Some(fd), Source::of(&self.call));
        }
        if wanted.has(Fact::AcceptedTuple) {
            self.tuple(Fact::AcceptedTuple, self.returned_fd(), Source::Peer);
        }
        if wanted.has(Fact::SocketIno) {
            self.inode(Fact::SocketIno, self.returned_fd());
        }
        if wanted.has(Fact::CloneFlags) {
            self.gather_clone_flags();
        }
    }

    fn fact(&self, fact: Fact) -> FactValue<'_> {
        self.facts.get(fact)
    }

    fn at_entry(&self, index: u8) -> Option<&[u8]> {
        self.entry.text(index)
    }

    fn copy_from_user(&mut self, at: u64, into: &mut [u8]) -> Result<(), Fault> {
        memory::copy(self.tid, at, into)
    }

    fn strncpy_from_user(&mut self, at: u64, into: &mut [u8]) -> Result<usize, Fault> {
        memory::copy_text(self.tid, at, into)
    }

    fn fault_in(&mut self, _fault: Fault) -> bool {
        // Reading another process's memory has brought its pages in already.
        false
    }
}
