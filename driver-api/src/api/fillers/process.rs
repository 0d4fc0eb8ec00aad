// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Processes: programs, tasks, their ends, limits, namespaces, tracing, modules and signals.

use super::Source::*;
use super::{nr, path, path_at, when, Filler, Hook, Last, Len, Source, Test, Truth};
use super::{EventType as E, Fact as F};

/// `AT_SYMLINK_NOFOLLOW`.
const NOFOLLOW: u64 = 0x100;
/// Portable `CLONE_VM | CLONE_VFORK`, which vfork(2) stands for.
const VFORK_FLAGS: u64 = 0x8000 | 0x0800_0000;

/// Parameters of the execve family from `tid` on, as the task is now.
macro_rules! program {
    ($res:expr, $exe:expr, $args:expr, $env:expr $(, $filename:expr)?) => {
        &[
            $res,
            $exe,
            $args,
            Fact(F::Tid),
            Fact(F::Pid),
            Fact(F::Ptid),
            Fact(F::Cwd),
            Fact(F::FdLimit),
            Fact(F::FaultsMajor),
            Fact(F::FaultsMinor),
            Fact(F::VmSize),
            Fact(F::VmRss),
            Fact(F::VmSwap),
            Fact(F::Comm),
            Fact(F::Cgroups),
            $env,
            Fact(F::Tty),
            Fact(F::Vpgid),
            Fact(F::Loginuid),
            Fact(F::ExeFlags),
            Fact(F::CapInheritable),
            Fact(F::CapPermitted),
            Fact(F::CapEffective),
            Fact(F::ExeIno),
            Fact(F::ExeCtime),
            Fact(F::ExeMtime),
            Fact(F::Euid),
            Fact(F::ExePath),
            Fact(F::Pgid),
            Fact(F::Egid),
            $($filename,)?
            Fact(F::Vtid),
            Fact(F::Vpid),
            Fact(F::Sid),
            Fact(F::StartTime),
            Fact(F::ExeRealFlags),
        ]
    };
}

/// Parameters of the clone family.
macro_rules! task {
    ($res:expr, $flags:expr) => {
        &[
            $res,
            Fact(F::Exe),
            Fact(F::Args),
            Fact(F::Tid),
            Fact(F::Pid),
            Fact(F::Ptid),
            Fact(F::Cwd),
            Fact(F::FdLimit),
            Fact(F::FaultsMajor),
            Fact(F::FaultsMinor),
            Fact(F::VmSize),
            Fact(F::VmRss),
            Fact(F::VmSwap),
            Fact(F::Comm),
            Fact(F::Cgroups),
            $flags,
            Fact(F::Euid),
            Fact(F::Egid),
            Fact(F::Vtid),
            Fact(F::Vpid),
            Fact(F::PidnsInitStart),
            Fact(F::StartTime),
        ]
    };
}

const CHILD: &[Source] = task!(Const(0), Fact(F::CloneFlags));

/// The same, of what the call alone tells.
macro_rules! made {
    ($flags:expr) => {
        &[
            Ret,
            Absent,
            Absent,
            Fact(F::Tid),
            Fact(F::Pid),
            Absent,
            Absent,
            Absent,
            Absent,
            Absent,
            Absent,
            Absent,
            Absent,
            Absent,
            Absent,
            $flags,
            Absent,
            Absent,
            Absent,
            Absent,
            Absent,
            Absent,
        ]
    };
}

const fn event(hook: Hook, event: E, sources: &'static [Source]) -> Filler {
    Filler::new(hook, event, &[], sources).truth(Truth::Task)
}

/// A new program by execve(2): the task is the new program already. The name asked for is from the call's start.
pub static EXEC: Filler =
    event(Hook::Exec, E::ExecveExit, program!(Const(0), Fact(F::Exe), Fact(F::Args), Fact(F::Env), EntryText(0)));

/// A new program by execveat(2).
pub static EXECVEAT: Filler =
    event(Hook::Exec, E::ExecveatExit, program!(Const(0), Fact(F::Exe), Fact(F::Args), Fact(F::Env)));

/// The child of clone(2); the context is the child.
pub static CLONE_CHILD: Filler = event(Hook::Fork, E::CloneExit, CHILD);
/// The child of fork(2); the context is the child.
pub static FORK_CHILD: Filler = event(Hook::Fork, E::ForkExit, CHILD);
/// The child of vfork(2); the context is the child.
pub static VFORK_CHILD: Filler = event(Hook::Fork, E::VforkExit, CHILD);
/// The child of clone3(2); the context is the child.
pub static CLONE3_CHILD: Filler = event(Hook::Fork, E::Clone3Exit, CHILD);

/// The maker's half of clone(2) when the task exists: for tables that need nothing of the maker itself.
pub static CLONE_MAKER: Filler = event(Hook::Fork, E::CloneExit, made!(Flags(0)));
/// The same for fork(2).
pub static FORK_MAKER: Filler = event(Hook::Fork, E::ForkExit, made!(Const(0)));
/// The same for vfork(2).
pub static VFORK_MAKER: Filler = event(Hook::Fork, E::VforkExit, made!(Const(VFORK_FLAGS)));
/// The same for clone3(2).
pub static CLONE3_MAKER: Filler = event(Hook::Fork, E::Clone3Exit, made!(UserFlags(0, 0, 8)));

/// The end of a task.
pub static PROC_EXIT: Filler = event(
    Hook::Exit,
    E::Procexit,
    &[Fact(F::ExitStatus), Fact(F::ExitCode), Fact(F::ExitSignal), Fact(F::ExitCore), Fact(F::Reaper)],
);

/// The delivery of a signal: the context's call has the sender, the receiver and the number as its arguments.
pub static SIGNAL_DELIVER: Filler = Filler::new(Hook::Signal, E::Signaldeliver, &[], &[Arg(0), Arg(1), Arg(2)]);

// Requests of ptrace(2) whose data is a signal, or is written by the kernel.
const TAKES_SIGNAL: Test = when(0, &[7, 9, 17, 24]);
const PEEKS: Test = when(0, &[1, 2, 3]);
// PR_SET_NAME.
const NAMES_THREAD: Test = when(0, &[15]);
// PR_GET_CHILD_SUBREAPER writes a number to memory.
const READS_NUMBER: Test = when(0, &[37]);

pub(super) const FILLERS: &[Filler] = &[
    // These are the failures: a success is `EXEC`, because the call's own memory and number are gone by then.
    Filler::call(E::ExecveExit, &[nr::EXECVE], program!(Ret, FirstText(1), Texts(1, 1), Texts(2, 0), Text(0)))
        .paths(&[path(0, Last::Follow)]),
    Filler::call(E::ExecveatExit, &[nr::EXECVEAT], program!(Ret, FirstText(2), Texts(2, 1), Texts(3, 0)))
        .paths(&[path_at(0, 1, Last::FollowUnless(4, NOFOLLOW))]),
    Filler::call(E::CloneExit, &[nr::CLONE], task!(Ret, Flags(0))).truth(Truth::Task),
    Filler::call(E::ForkExit, &[nr::FORK], task!(Ret, Const(0))).truth(Truth::Task),
    Filler::call(E::VforkExit, &[nr::VFORK], task!(Ret, Const(VFORK_FLAGS))).truth(Truth::Task),
    Filler::call(E::Clone3Exit, &[nr::CLONE3], task!(Ret, UserFlags(0, 0, 8))).truth(Truth::Task),
    Filler::call(E::SetpgidExit, &[nr::SETPGID], &[Ret, Arg(0), Arg(1)]),
    Filler::call(E::SetsidExit, &[nr::SETSID], &[Ret]),
    Filler::call(E::SetnsExit, &[nr::SETNS], &[Ret, Arg(0), Flags(1)]).truth(Truth::Descriptor),
    Filler::call(E::UnshareExit, &[nr::UNSHARE], &[Ret, Flags(0)]),
    Filler::call(E::SeccompExit, &[nr::SECCOMP], &[Ret, Arg(0), Arg(1)]),
    Filler::call(
        E::PrctlExit,
        &[nr::PRCTL],
        &[
            Ret,
            Flags(0),
            When(NAMES_THREAD, &Text(1), &Absent),
            When(NAMES_THREAD, &Const(0), &When(READS_NUMBER, &OnSuccess(&User(1, 0, 4)), &Arg(1))),
        ],
    )
    .truth(Truth::UserMemory),
    Filler::call(
        E::PtraceExit,
        &[nr::PTRACE],
        &[
            Ret,
            Dyn(0, 8, &Arg(2)),
            When(
                TAKES_SIGNAL,
                &Dyn(1, 1, &Arg(3)),
                &When(PEEKS, &OnSuccess(&Dyn(0, 8, &UserLong(3, 0))), &Dyn(0, 8, &Arg(3))),
            ),
            Flags(0),
            Arg(1),
        ],
    ),
    // Limits.
    Filler::call(
        E::GetrlimitExit,
        &[nr::GETRLIMIT, nr::UGETRLIMIT],
        &[Ret, OnSuccess(&UserLimit(1, 0)), OnSuccess(&UserLimit(1, 1)), Flags(0)],
    )
    .truth(Truth::UserMemory),
    Filler::call(E::SetrlimitExit, &[nr::SETRLIMIT], &[Ret, UserLimit(1, 0), UserLimit(1, 1), Flags(0)])
        .truth(Truth::UserMemory),
    Filler::call(
        E::PrlimitExit,
        &[nr::PRLIMIT64],
        &[Ret, User(2, 0, 8), User(2, 8, 8), OnSuccess(&User(3, 0, 8)), OnSuccess(&User(3, 8, 8)), Int(0), Flags(1)],
    )
    .truth(Truth::UserMemory),
    // Descriptors of processes.
    Filler::call(E::PidfdOpenExit, &[nr::PIDFD_OPEN], &[Ret, Arg(0), Flags(1)]),
    Filler::call(E::PidfdGetfdExit, &[nr::PIDFD_GETFD], &[Ret, Arg(0), Arg(1), Arg(2)]).truth(Truth::Descriptor),
    // Modules.
    Filler::call(E::InitModuleExit, &[nr::INIT_MODULE], &[Ret, Data(0, Len::Arg(1)), Arg(1), Text(2)])
        .truth(Truth::UserMemory),
    Filler::call(E::FinitModuleExit, &[nr::FINIT_MODULE], &[Ret, Arg(0), Text(1), Flags(2)]).truth(Truth::Descriptor),
    Filler::call(E::DeleteModuleExit, &[nr::DELETE_MODULE], &[Ret, Text(0), Flags(1)]).truth(Truth::UserMemory),
    // Signals.
    Filler::call(E::KillExit, &[nr::KILL], &[Ret, Arg(0), Arg(1)]),
    Filler::call(E::TkillExit, &[nr::TKILL], &[Ret, Arg(0), Arg(1)]),
    Filler::call(E::TgkillExit, &[nr::TGKILL], &[Ret, Arg(0), Arg(1), Arg(2)]),
    Filler::call(E::SignalfdExit, &[nr::SIGNALFD], &[Ret, Arg(0), User(1, 0, 4), Const(0)]),
    Filler::call(E::Signalfd4Exit, &[nr::SIGNALFD4], &[Ret, FdFlags(3), Arg(0), User(1, 0, 4)]),
];
