// SPDX-License-Identifier: Apache-2.0

//! Facts about threads and processes, from the files of `/proc/TID`.

use crate::clock::Clock;
use crate::facts::Facts;
use crate::proc::{Proc, TaskStat, TaskStatus, cgroups, open_files_limit, read_open};
use rustix::fs::Stat;
use rustix::io::Errno;
use saker_driver_api::capture::MAX_TEXTS_BYTES;
use saker_driver_api::param::ParamStatus;
use saker_driver_api::probe::{Fact, FactSet};
use std::os::fd::OwnedFd;

/// Most bytes kept of the arguments, and of the environment.
const LIST_BYTES: usize = MAX_TEXTS_BYTES;
/// Most bytes read of any other file.
const FILE_BYTES: usize = 16 << 10;

/// `RealPath` bits.
pub(crate) const DELETED: u64 = 1;
pub(crate) const MEMFD: u64 = 4;
const EXE_WRITABLE: u64 = 1;
const EXE_FROM_MEMFD: u64 = 4;
const CAP_DAC_OVERRIDE: u64 = 1 << 1;
const CAP_FOWNER: u64 = 1 << 3;

/// What a new task has from the thread that made it. Both are recorded, one right after the other, so it is read once
/// for both.
const INHERITED: [Fact; 5] = [Fact::Exe, Fact::Args, Fact::Cwd, Fact::FdLimit, Fact::Cgroups];

/// Threads whose files are kept open.
const MAX_KEPT: usize = 8;

/// A file of a thread that is read again and again.
#[derive(Clone, Copy, Debug)]
enum File {
    Stat,
    Status,
    Cmdline,
    Cgroup,
    Limits,
}

impl File {
    const COUNT: usize = 5;

    fn name(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::Status => "status",
            Self::Cmdline => "cmdline",
            Self::Cgroup => "cgroup",
            Self::Limits => "limits",
        }
    }
}

/// Open files of a thread that makes tasks: a shell makes many, and each time the same files are read.
#[derive(Debug)]
struct Kept {
    tid: u32,
    files: [Option<OwnedFd>; File::COUNT],
}

/// Reads task facts; keeps the buffers.
#[derive(Debug)]
pub(crate) struct TaskReader {
    buf: Vec<u8>,
    /// The status for the next look at that thread.
    saw: Option<(u32, TaskStatus)>,
    /// The new task whose birth the inherited facts were read for, and those facts.
    birth: Option<u32>,
    inherited: Facts,
    /// The one used last comes last.
    kept: Vec<Kept>,
    ns_per_tick: u64,
    /// Start of the first process of this PID namespace, epoch nanoseconds.
    init_start_ns: Option<u64>,
}

const IN_STAT: [Fact; 7] =
    [Fact::Comm, Fact::Pgid, Fact::Sid, Fact::Tty, Fact::FaultsMinor, Fact::FaultsMajor, Fact::StartTime];
const IN_STATUS: [Fact; 14] = [
    Fact::Ptid,
    Fact::Vtid,
    Fact::Vpid,
    Fact::Vpgid,
    Fact::Euid,
    Fact::Egid,
    Fact::CapInheritable,
    Fact::CapPermitted,
    Fact::CapEffective,
    Fact::VmSize,
    Fact::VmRss,
    Fact::VmSwap,
    Fact::ExeFlags,
    Fact::PidnsInitStart,
];
const OF_EXE: [Fact; 6] =
    [Fact::ExePath, Fact::ExeRealFlags, Fact::ExeFlags, Fact::ExeIno, Fact::ExeCtime, Fact::ExeMtime];

fn any(wanted: FactSet, of: &[Fact]) -> bool {
    of.iter().any(|fact| wanted.has(*fact))
}

impl TaskReader {
    pub(crate) fn new(ns_per_tick: u64) -> Self {
        let buf = Vec::with_capacity(LIST_BYTES + 1);
        Self {
            buf,
            saw: None,
            birth: None,
            inherited: Facts::new(),
            kept: Vec::new(),
            ns_per_tick,
            init_start_ns: None,
        }
    }

    /// Reads the status of a thread.
    pub(crate) fn look(&mut self, proc: &mut Proc, tid: u32) -> Option<TaskStatus> {
        self.file(proc, tid, File::Status, FILE_BYTES).ok()?;
        Some(TaskStatus::parse(&self.buf))
    }

    /// Returns the status of a thread: the one just handed in, else it is read.
    fn status_of(&mut self, proc: &mut Proc, tid: u32) -> Option<TaskStatus> {
        let saw = self.saw.take().filter(|(of, _)| *of == tid).map(|(_, status)| status);
        saw.or_else(|| self.look(proc, tid))
    }

    /// Takes a status that was just read; the next `gather` uses it.
    pub(crate) fn saw(&mut self, tid: u32, status: TaskStatus) {
        self.saw = Some((tid, status));
    }

    /// Collects those of `wanted` that are about the thread `tid`, which a call that made the task `birth` is about; what
    /// that task inherits is asked of `maker`, the thread that made it, if that is known. Its start is now.
    pub(crate) fn gather_at_birth(
        &mut self,
        proc: &mut Proc,
        tid: u32,
        (birth, maker): (u32, Option<u32>),
        clock: &Clock,
        wanted: FactSet,
        to: &mut Facts,
    ) {
        let boot_epoch_ns = clock.boot_epoch_ns();
        maker.into_iter().for_each(|maker| self.keep(maker));
        let split = |inherited: bool| {
            let of = Fact::ALL.iter().filter(|fact| wanted.has(**fact) && INHERITED.contains(fact) == inherited);
            of.fold(FactSet::EMPTY, |set, fact| set.with(*fact))
        };
        let mut own = split(false);
        if tid == birth {
            own = self.newborn(proc, tid, clock.now_ns(), own, to);
        }
        self.gather(proc, tid, boot_epoch_ns, own, to);
        if self.birth.take_if(|of| *of == birth).is_some() {
            return INHERITED.iter().for_each(|fact| to.copy_from(&self.inherited, *fact));
        }
        self.gather(proc, maker.unwrap_or(tid), boot_epoch_ns, split(true), to);
        self.inherited.clear();
        INHERITED.iter().for_each(|fact| self.inherited.copy_from(to, *fact));
        self.birth = Some(birth);
    }

    /// Collects what a task has just begun with, and returns what else is wanted.
    fn newborn(&mut self, proc: &mut Proc, tid: u32, now_ns: u64, wanted: FactSet, to: &mut Facts) -> FactSet {
        to.int(Fact::StartTime, now_ns);
        let started = FactSet::EMPTY.with(Fact::StartTime);
        let Some(status) = self.status_of(proc, tid) else { return wanted.without(started) };
        // PERF: `stat` has the name as well, but to open one more file costs more than all the rest of it.
        to.bytes(Fact::Comm, status.comm.as_bytes(), ParamStatus::OK);
        self.saw(tid, status);
        wanted.without(started.with(Fact::Comm))
    }

    /// Keeps the files of a thread open from now on.
    fn keep(&mut self, tid: u32) {
        match self.kept.iter().position(|kept| kept.tid == tid) {
            Some(at) => {
                if let Some(rest) = self.kept.get_mut(at..) {
                    rest.rotate_left(1);
                }
            }
            None => {
                if self.kept.len() == MAX_KEPT {
                    self.kept.remove(0);
                }
                self.kept.push(Kept { tid, files: [const { None }; File::COUNT] });
            }
        }
    }

    /// Closes the files of a thread that is gone.
    pub(crate) fn forget(&mut self, tid: u32) {
        self.kept.retain(|kept| kept.tid != tid);
    }

    /// Reads a file into the buffer; returns whether that was all of it.
    fn file(&mut self, proc: &mut Proc, tid: u32, file: File, max: usize) -> Result<bool, Errno> {
        let name = file.name();
        let kept = self.kept.iter_mut().find(|kept| kept.tid == tid);
        let Some(slot) = kept.and_then(|kept| kept.files.get_mut(file as usize)) else {
            return proc.read(format_args!("{tid}/{name}"), &mut self.buf, max);
        };
        let open = match slot {
            Some(open) => open,
            None => slot.insert(proc.open_file(format_args!("{tid}/{name}"))?),
        };
        read_open(open, &mut self.buf, max)
    }

    /// Collects those of `wanted` that are about the thread `tid`.
    pub(crate) fn gather(&mut self, proc: &mut Proc, tid: u32, boot_epoch_ns: u64, wanted: FactSet, to: &mut Facts) {
        if any(wanted, &IN_STAT) {
            self.stat(proc, tid, to);
        }
        let status = if any(wanted, &IN_STATUS) { self.status(proc, tid, boot_epoch_ns, wanted, to) } else { None };
        if any(wanted, &OF_EXE) {
            exe(proc, tid, &status.unwrap_or_default(), to);
        }
        if wanted.has(Fact::Exe) || wanted.has(Fact::Args) {
            self.arguments(proc, tid, to);
        }
        if wanted.has(Fact::Env) {
            self.list(proc, format_args!("{tid}/environ"), Fact::Env, to);
        }
        if wanted.has(Fact::Cwd) {
            link(proc, format_args!("{tid}/cwd"), Fact::Cwd, to);
        }
        if wanted.has(Fact::Root) {
            link(proc, format_args!("{tid}/root"), Fact::Root, to);
        }
        if wanted.has(Fact::Cgroups) && self.read(proc, tid, File::Cgroup, Fact::Cgroups, to) {
            to.bytes_with(Fact::Cgroups, ParamStatus::OK, |to| cgroups(&self.buf, to));
        }
        if wanted.has(Fact::FdLimit) && self.read(proc, tid, File::Limits, Fact::FdLimit, to) {
            match open_files_limit(&self.buf) {
                Some(limit) => to.int(Fact::FdLimit, limit),
                None => to.unreadable(Fact::FdLimit),
            }
        }
        if wanted.has(Fact::Loginuid) {
            self.loginuid(proc, tid, to);
        }
    }

    fn read(&mut self, proc: &mut Proc, tid: u32, file: File, fact: Fact, to: &mut Facts) -> bool {
        let read = self.file(proc, tid, file, FILE_BYTES).is_ok();
        if !read {
            to.unreadable(fact);
        }
        read
    }

    fn stat(&mut self, proc: &mut Proc, tid: u32, to: &mut Facts) {
        let read = self.file(proc, tid, File::Stat, FILE_BYTES);
        let Some(stat) = read.ok().and_then(|_| TaskStat::parse(&self.buf)) else {
            IN_STAT.iter().for_each(|fact| to.unreadable(*fact));
            return;
        };
        to.bytes(Fact::Comm, stat.comm, ParamStatus::OK);
        to.int(Fact::Pgid, stat.pgid);
        to.int(Fact::Sid, stat.sid);
        to.int(Fact::Tty, stat.tty);
        to.int(Fact::FaultsMinor, stat.faults_minor);
        to.int(Fact::FaultsMajor, stat.faults_major);
        to.int(Fact::StartTime, stat.start_ticks.saturating_mul(self.ns_per_tick));
    }

    fn status(
        &mut self,
        proc: &mut Proc,
        tid: u32,
        boot_epoch_ns: u64,
        wanted: FactSet,
        to: &mut Facts,
    ) -> Option<TaskStatus> {
        let Some(status) = self.status_of(proc, tid) else {
            IN_STATUS.iter().for_each(|fact| to.unreadable(*fact));
            return None;
        };
        to.int(Fact::Ptid, status.ppid);
        to.int(Fact::Vtid, status.vtid);
        to.int(Fact::Vpid, status.vpid);
        to.int(Fact::Vpgid, status.vpgid);
        to.int(Fact::Euid, status.euid);
        to.int(Fact::Egid, status.egid);
        to.int(Fact::CapInheritable, status.cap_inheritable);
        to.int(Fact::CapPermitted, status.cap_permitted);
        to.int(Fact::CapEffective, status.cap_effective);
        to.int(Fact::VmSize, status.vm_size_kib);
        to.int(Fact::VmRss, status.vm_rss_kib);
        to.int(Fact::VmSwap, status.vm_swap_kib);
        if wanted.has(Fact::PidnsInitStart) {
            // Of a namespace further in, nothing says which process came first.
            match self.init_start(proc, boot_epoch_ns).filter(|_| status.pid_levels == 1) {
                Some(start) => to.int(Fact::PidnsInitStart, start),
                None => to.absent(Fact::PidnsInitStart),
            }
        }
        Some(status)
    }

    fn init_start(&mut self, proc: &mut Proc, boot_epoch_ns: u64) -> Option<u64> {
        if self.init_start_ns.is_none() {
            proc.read(format_args!("1/stat"), &mut self.buf, FILE_BYTES).ok()?;
            let ticks = TaskStat::parse(&self.buf)?.start_ticks;
            self.init_start_ns = Some(boot_epoch_ns.saturating_add(ticks.saturating_mul(self.ns_per_tick)));
        }
        self.init_start_ns
    }

    fn arguments(&mut self, proc: &mut Proc, tid: u32, to: &mut Facts) {
        let Ok(whole) = self.file(proc, tid, File::Cmdline, LIST_BYTES) else {
            to.unreadable(Fact::Exe);
            return to.unreadable(Fact::Args);
        };
        let status = if whole { ParamStatus::OK } else { ParamStatus::TRUNCATED };
        if self.buf.is_empty() {
            // Kernel threads and zombies have none.
            to.absent(Fact::Exe);
            return to.absent(Fact::Args);
        }
        let end = self.buf.iter().position(|b| *b == 0).unwrap_or(self.buf.len());
        to.bytes(Fact::Exe, self.buf.get(..end).unwrap_or_default(), ParamStatus::USER);
        to.bytes(Fact::Args, self.buf.get(end + 1..).unwrap_or_default(), status.with(ParamStatus::USER));
    }

    fn list(&mut self, proc: &mut Proc, file: std::fmt::Arguments<'_>, fact: Fact, to: &mut Facts) {
        match proc.read(file, &mut self.buf, LIST_BYTES) {
            Ok(true) => to.bytes(fact, &self.buf, ParamStatus::USER),
            Ok(false) => to.bytes(fact, &self.buf, ParamStatus::USER.with(ParamStatus::TRUNCATED)),
            Err(_) => to.unreadable(fact),
        }
    }

    fn loginuid(&mut self, proc: &mut Proc, tid: u32, to: &mut Facts) {
        let read = proc.read(format_args!("{tid}/loginuid"), &mut self.buf, FILE_BYTES);
        match read.ok().and_then(|_| crate::proc::number(self.buf.trim_ascii())) {
            Some(uid) => to.int(Fact::Loginuid, uid),
            // A kernel without audit has no such file: nobody ever logged in.
            None => to.int(Fact::Loginuid, u32::MAX),
        }
    }
}

fn link(proc: &mut Proc, name: std::fmt::Arguments<'_>, fact: Fact, to: &mut Facts) {
    match proc.link(name) {
        Ok(path) => to.bytes(fact, path, ParamStatus::OK),
        Err(_) => to.unreadable(fact),
    }
}

fn exe(proc: &mut Proc, tid: u32, status: &TaskStatus, to: &mut Facts) {
    let stat = match proc.stat(format_args!("{tid}/exe")) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return OF_EXE.iter().for_each(|fact| to.absent(*fact)),
        Err(_) => return OF_EXE.iter().for_each(|fact| to.unreadable(*fact)),
    };
    let Ok(path) = proc.link(format_args!("{tid}/exe")) else {
        return OF_EXE.iter().for_each(|fact| to.unreadable(*fact));
    };
    let (path, flags) = shown_path(path, stat.st_nlink == 0);
    to.bytes(Fact::ExePath, path, ParamStatus::OK);
    to.int(Fact::ExeRealFlags, flags);
    let memfd = if flags & MEMFD == 0 { 0 } else { EXE_FROM_MEMFD };
    to.int(Fact::ExeFlags, memfd | if may_write(&stat, status) { EXE_WRITABLE } else { 0 });
    to.int(Fact::ExeIno, stat.st_ino);
    to.int(Fact::ExeCtime, epoch_ns(stat.st_ctime, stat.st_ctime_nsec));
    to.int(Fact::ExeMtime, epoch_ns(stat.st_mtime, stat.st_mtime_nsec));
}

/// Splits what a link of `/proc` says into the path and its `RealPath` bits. `unlinked` tells a deleted file from one
/// that is called so.
pub(crate) fn shown_path(link: &[u8], unlinked: bool) -> (&[u8], u64) {
    let (path, deleted) = match link.strip_suffix(b" (deleted)") {
        Some(path) if unlinked => (path, DELETED),
        _ => (link, 0),
    };
    if path.starts_with(b"/memfd:") && unlinked {
        // A memory file has no name that could be deleted.
        return (path, MEMFD);
    }
    (path, deleted)
}

fn may_write(stat: &Stat, status: &TaskStatus) -> bool {
    if status.cap_effective & (CAP_DAC_OVERRIDE | CAP_FOWNER) != 0 {
        return true;
    }
    let bit = if stat.st_uid == status.euid {
        0o200
    } else if stat.st_gid == status.egid {
        0o020
    } else {
        0o002
    };
    stat.st_mode & bit != 0
}

fn epoch_ns(seconds: i64, nanoseconds: u64) -> u64 {
    u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deleted_file_differs_from_one_that_is_called_so() {
        assert_eq!(shown_path(b"/a (deleted)", true), (&b"/a"[..], DELETED));
        assert_eq!(shown_path(b"/a (deleted)", false), (&b"/a (deleted)"[..], 0));
        assert_eq!(shown_path(b"/memfd:x (deleted)", true), (&b"/memfd:x"[..], MEMFD));
        assert_eq!(shown_path(b"/memfd:x", false), (&b"/memfd:x"[..], 0), "a file in the root directory");
    }
}
