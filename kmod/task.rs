// SPDX-License-Identifier: GPL-2.0-only

//! Facts about the task: ids, credentials, memory, program, and how it began or ends.

use crate::context::{Context, Happening};
use crate::driver_api::capture::MAX_TEXTS_BYTES;
use crate::driver_api::flags::FlagTable;
use crate::driver_api::param::ParamStatus;
use crate::driver_api::probe::{Fact, FactSet, Fault};
use crate::driver_api::syscalls::nr;
use crate::shim;
use crate::user;
use kernel::bindings;
use kernel::page::PAGE_SIZE;

/// The unit of start times in `/proc`, 1/100 s: records and scans have to agree about when a task started.
const START_UNIT_NS: u64 = 10_000_000;

const CLONE_VM: u64 = 0x100;
const CLONE_FS: u64 = 0x200;
const CLONE_FILES: u64 = 0x400;
const CLONE_SIGHAND: u64 = 0x800;
const CLONE_VFORK: u64 = 0x4000;
const CLONE_THREAD: u64 = 0x1_0000;
/// `CLONE_CHILD_IN_PIDNS` of the portable numbering: the new task has other ids in its own namespace.
const CHILD_IN_PIDNS: u64 = 0x2000_0000;

/// Bytes of a path of control groups that are kept.
const CGROUP_BYTES: usize = 1024;
/// Controllers whose groups events name; the unified hierarchy has one path for all.
const CONTROLLERS: [&[u8]; 5] = [b"cpuset=", b"cpu=", b"cpuacct=", b"io=", b"memory="];

macro_rules! set {
    ($($fact:ident)+) => {
        FactSet::EMPTY$(.with(Fact::$fact))+
    };
}
const IDS: FactSet = set!(Tid Pid Ptid Vtid Vpid Pgid Vpgid Sid Comm StartTime PidnsInitStart);
const CREDENTIALS: FactSet = set!(Euid Egid CapInheritable CapPermitted CapEffective Loginuid);
const EXECUTABLE: FactSet = set!(ExePath ExeRealFlags ExeFlags ExeIno ExeCtime ExeMtime);
const MEMORY: FactSet = set!(VmSize VmRss VmSwap);
const LISTS: FactSet = set!(Exe Args Env);
const PLACES: FactSet = set!(Cwd Root);
const REST: FactSet = set!(FaultsMajor FaultsMinor FdLimit Cgroups Tty);
const ENDING: FactSet = set!(ExitStatus ExitCode ExitSignal ExitCore Reaper);

impl Context<'_> {
    /// Collects those of `wanted` that are about the task.
    pub(crate) fn task_facts(&mut self, wanted: FactSet) -> Result<(), Fault> {
        if wanted.has_any(IDS) {
            self.ids(wanted);
        }
        if wanted.has_any(CREDENTIALS) {
            self.credentials();
        }
        if wanted.has_any(MEMORY) {
            self.memory();
        }
        if wanted.has_any(EXECUTABLE) {
            self.program();
        }
        if wanted.has_any(REST) {
            self.rest(wanted);
        }
        if wanted.has_any(PLACES) {
            for fact in [Fact::Cwd, Fact::Root] {
                if wanted.has(fact) {
                    self.place(fact);
                }
            }
        }
        if wanted.has_any(ENDING) {
            self.ending();
        }
        if wanted.has_any(LISTS) {
            self.lists(wanted)?;
        }
        if wanted.has(Fact::CloneFlags) {
            self.clone_flags()?;
        }
        Ok(())
    }

    /// The number of kind `kind` in the namespace of the task.
    fn own_number(&self, kind: u32) -> u64 {
        // SAFETY: the task is valid as long as `about` lives.
        (unsafe { shim::saker_pid_in_own_namespace(self.about.task, kind) }).into()
    }

    /// The number of kind `kind` in the initial namespace.
    fn host_number(&self, kind: u32) -> u64 {
        // SAFETY: the task is valid as long as `about` lives; the initial namespace lives for ever.
        let number = unsafe { bindings::__task_pid_nr_ns(self.about.task, kind, &raw mut bindings::init_pid_ns) };
        number as u32 as u64
    }

    #[inline(never)]
    fn ids(&mut self, wanted: FactSet) {
        let about = self.about;
        self.facts.int(Fact::Tid, about.tid.into());
        self.facts.int(Fact::Pid, about.tgid.into());
        if wanted.has(Fact::Ptid) {
            // SAFETY: the task is valid as long as `about` lives; RCU keeps its parent, as a lock is held.
            let parent = unsafe { (*about.task).real_parent };
            // SAFETY: as above; a parent is never NULL.
            let parent = unsafe { (*parent).tgid };
            self.facts.int(Fact::Ptid, parent as u32 as u64);
        }
        for (fact, kind) in [
            (Fact::Vtid, bindings::pid_type_PIDTYPE_PID),
            (Fact::Vpid, bindings::pid_type_PIDTYPE_TGID),
            (Fact::Vpgid, bindings::pid_type_PIDTYPE_PGID),
        ] {
            if wanted.has(fact) {
                let number = self.own_number(kind);
                self.facts.int(fact, number);
            }
        }
        for (fact, kind) in [(Fact::Pgid, bindings::pid_type_PIDTYPE_PGID), (Fact::Sid, bindings::pid_type_PIDTYPE_SID)]
        {
            if wanted.has(fact) {
                let number = self.host_number(kind);
                self.facts.int(fact, number);
            }
        }
        if wanted.has(Fact::Comm) {
            // SAFETY: the task is valid; a name that changes meanwhile is torn, but stays inside its 16 bytes.
            let comm = unsafe { (*about.task).comm };
            let end = comm.iter().position(|byte| *byte == 0).unwrap_or(comm.len());
            self.facts.bytes(Fact::Comm, comm.get(..end).unwrap_or_default(), ParamStatus::OK);
        }
        if wanted.has(Fact::StartTime) {
            // SAFETY: the task is valid; the time never changes.
            let start = unsafe { (*about.task).start_boottime };
            self.facts.int(Fact::StartTime, in_units(start));
        }
        if wanted.has(Fact::PidnsInitStart) {
            // SAFETY: the task is valid as long as `about` lives.
            let start = unsafe { shim::saker_first_start_ns(about.task) };
            self.facts.int(Fact::PidnsInitStart, self.capture.boot_epoch_ns.saturating_add(in_units(start)));
        }
    }

    fn cred(&self) -> &bindings::cred {
        // SAFETY: the task is valid as long as `about` lives.
        let cred = unsafe { (*self.about.task).real_cred };
        // SAFETY: the task holds its credentials; they are only exchanged as a whole, by the task itself, and RCU keeps the
        // old ones.
        unsafe { &*cred }
    }

    fn credentials(&mut self) {
        let cred = self.cred();
        let (euid, egid) = (cred.euid.val, cred.egid.val);
        let (inheritable, permitted) = (cred.cap_inheritable.val, cred.cap_permitted.val);
        let effective = cred.cap_effective.val;
        self.facts.int(Fact::Euid, euid.into());
        self.facts.int(Fact::Egid, egid.into());
        self.facts.int(Fact::CapInheritable, inheritable);
        self.facts.int(Fact::CapPermitted, permitted);
        self.facts.int(Fact::CapEffective, effective);
        // SAFETY: the task is valid as long as `about` lives.
        let loginuid = unsafe { shim::saker_loginuid(self.about.task) };
        self.facts.int(Fact::Loginuid, loginuid.into());
    }

    /// The memory of the task, or NULL.
    fn mm(&self) -> *mut bindings::mm_struct {
        // SAFETY: the task is current, or does not run yet; so nobody takes its memory away.
        unsafe { (*self.about.task).mm }
    }

    fn memory(&mut self) {
        let mm = self.mm();
        let mut memory = shim::Memory::default();
        if !mm.is_null() {
            // SAFETY: `mm` is valid (see `mm`), and `memory` has the layout that the function writes.
            unsafe { shim::saker_memory(mm, &mut memory) };
        }
        let kib = |pages: u64| pages.saturating_mul(PAGE_SIZE as u64 / 1024);
        self.facts.int(Fact::VmSize, kib(memory.size_pages));
        self.facts.int(Fact::VmRss, kib(memory.resident_pages));
        self.facts.int(Fact::VmSwap, kib(memory.swapped_pages));
    }

    fn program(&mut self) {
        let mm = self.mm();
        if mm.is_null() {
            return;
        }
        let cred = self.cred();
        let (euid, egid, effective) = (cred.euid.val, cred.egid.val, cred.cap_effective.val);
        self.executable(mm, euid, egid, effective);
    }

    fn rest(&mut self, wanted: FactSet) {
        let task = self.about.task;
        // SAFETY: the task is valid; these are counters.
        let (minor, major) = unsafe { ((*task).min_flt, (*task).maj_flt) };
        self.facts.int(Fact::FaultsMinor, minor as u64);
        self.facts.int(Fact::FaultsMajor, major as u64);
        if wanted.has(Fact::FdLimit) {
            // SAFETY: the task is valid as long as `about` lives.
            let limit = unsafe { shim::saker_open_files_limit(task) };
            self.facts.int(Fact::FdLimit, limit);
        }
        if wanted.has(Fact::Cgroups) {
            self.cgroups();
        }
        if wanted.has(Fact::Tty) && self.about.is_current() {
            // SAFETY: asks for the terminal of the current task, which is the one we are about.
            let tty = unsafe { shim::saker_tty() };
            self.facts.int(Fact::Tty, tty.into());
        }
    }

    /// Writes the control groups: `controller=path` for each, NUL-terminated.
    #[inline(never)]
    fn cgroups(&mut self) {
        let task = self.about.task;
        let room = self.facts.room((CGROUP_BYTES + 16) * (CONTROLLERS.len() + 1));
        let Some((path, room)) = room.split_at_mut_checked(CGROUP_BYTES) else {
            return self.facts.unreadable(Fact::Cgroups);
        };
        // SAFETY: the task is valid, and `path` is writable for its length.
        let len = unsafe { shim::saker_cgroup(task, path.as_mut_ptr(), path.len() as i32) };
        let Some(path) = usize::try_from(len).ok().and_then(|len| path.get(..len.min(CGROUP_BYTES - 1))) else {
            return self.facts.unreadable(Fact::Cgroups);
        };
        let mut at = 0_usize;
        for controller in CONTROLLERS {
            for byte in controller.iter().chain(path).chain(&[0]) {
                if let Some(into) = room.get_mut(at) {
                    *into = *byte;
                    at = at.saturating_add(1);
                }
            }
        }
        self.facts.keep_behind(Fact::Cgroups, CGROUP_BYTES, at);
    }

    fn ending(&mut self) {
        let task = self.about.task;
        // SAFETY: the task is current and its own code is set.
        let status = unsafe { (*task).exit_code };
        let [low, code, ..] = status.to_le_bytes();
        self.facts.int(Fact::ExitStatus, i64::from(status) as u64);
        self.facts.int(Fact::ExitCode, code.into());
        self.facts.int(Fact::ExitSignal, u64::from(low & 0x7f));
        self.facts.int(Fact::ExitCore, u64::from(low >> 7));
        // SAFETY: the task is current; the lock held is an RCU reader.
        let reaper = unsafe { shim::saker_reaper(task) };
        self.facts.int(Fact::Reaper, reaper.into());
    }

    /// The arguments and the environment, from the memory they were put in at the start of the program.
    #[inline(never)]
    fn lists(&mut self, wanted: FactSet) -> Result<(), Fault> {
        let mm = self.mm();
        if mm.is_null() {
            return Ok(());
        }
        // SAFETY: `mm` is valid (see `mm`); the four are words that prctl may change.
        let bounds = unsafe {
            let mm = &(*mm).__bindgen_anon_1;
            [mm.arg_start, mm.arg_end, mm.env_start, mm.env_end]
        };
        let [arg_start, arg_end, env_start, env_end] = bounds.map(|at| at as u64);
        if wanted.has(Fact::Exe) || wanted.has(Fact::Args) {
            self.list(Fact::Args, arg_start, arg_end)?;
            self.facts.split_first(Fact::Exe, Fact::Args);
        }
        if wanted.has(Fact::Env) {
            self.list(Fact::Env, env_start, env_end)?;
        }
        Ok(())
    }

    fn list(&mut self, fact: Fact, start: u64, end: u64) -> Result<(), Fault> {
        let bytes = usize::try_from(end.saturating_sub(start)).unwrap_or(0);
        let room = self.facts.room(bytes.min(MAX_TEXTS_BYTES));
        let len = room.len();
        if let Err(fault) = user::copy(start, room) {
            return self.missed(fact, fault);
        }
        let cut = if len < bytes { ParamStatus::TRUNCATED } else { ParamStatus::OK };
        self.facts.keep(fact, len, ParamStatus::USER.with(cut));
        Ok(())
    }

    /// The flags the kernel used for the new task: those that show in the task are taken from there.
    fn clone_flags(&mut self) -> Result<(), Fault> {
        let call = self.about.call;
        let asked = match call.nr {
            nr::VFORK => CLONE_VM | CLONE_VFORK,
            nr::CLONE => call.arg(0) & !0xff,
            nr::CLONE3 => {
                let mut flags = [0; 8];
                match user::copy(call.arg(0), &mut flags) {
                    Ok(()) => u64::from_le_bytes(flags),
                    Err(fault) => return self.missed(Fact::CloneFlags, fault),
                }
            }
            _ => 0,
        };
        let used = match self.about.happening {
            Happening::Fork(parent) => with_shared(asked, self.about.task, parent),
            _ => asked,
        };
        let nested =
            if self.own_number(bindings::pid_type_PIDTYPE_PID) == self.about.tid.into() { 0 } else { CHILD_IN_PIDNS };
        self.facts.int(Fact::CloneFlags, FlagTable::Clone.from_kernel(used) | nested);
        Ok(())
    }
}

/// Corrects `flags` by what the two tasks really share.
fn with_shared(flags: u64, child: *mut bindings::task_struct, parent: *mut bindings::task_struct) -> u64 {
    // SAFETY: the parent is the current task and the child does not run yet, so both are valid and their own.
    let (child, parent) = unsafe { (&*child, &*parent) };
    let shared = [
        (CLONE_VM, child.mm == parent.mm),
        (CLONE_FS, child.fs == parent.fs),
        (CLONE_FILES, child.files == parent.files),
        (CLONE_SIGHAND, child.sighand == parent.sighand),
        (CLONE_THREAD, child.signal == parent.signal),
    ];
    shared.iter().fold(flags, |flags, (bit, shared)| if *shared { flags | bit } else { flags & !bit })
}

fn in_units(ns: u64) -> u64 {
    ns.wrapping_sub(ns % START_UNIT_NS)
}
