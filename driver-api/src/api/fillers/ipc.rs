// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Pipes, events, timers, waiting, semaphores, io_uring and bpf.

use super::Source::*;
use super::{nr, when, Filler, Test, Truth};
use super::{EventType as E, Fact as F};

// semctl(2) with SETVAL, with and without IPC_64.
const SETS_VALUE: Test = Test { arg: 2, shift: 0, mask: 0xff, values: &[16] };
// semop(2) with at least one, or two operations.
const NO_OPERATION: Test = when(2, &[0]);
const ONE_OPERATION: Test = when(2, &[0, 1]);
// IORING_ENTER_EXT_ARG: the argument is a structure and no signal set.
const EXTENDED: Test = Test { arg: 3, shift: 0, mask: 8, values: &[8] };

pub(super) const FILLERS: &[Filler] = &[
    Filler::call(E::PipeExit, &[nr::PIPE], &[Ret, Fact(F::PairFd), Fact(F::PairFd2), Fact(F::PairIno)])
        .truth(Truth::Descriptor),
    Filler::call(E::Pipe2Exit, &[nr::PIPE2], &[Ret, Fact(F::PairFd), Fact(F::PairFd2), Fact(F::PairIno), FdFlags(1)])
        .truth(Truth::Descriptor),
    Filler::call(E::EventfdExit, &[nr::EVENTFD], &[Ret, Arg(0), Const(0)]),
    Filler::call(E::Eventfd2Exit, &[nr::EVENTFD2], &[Ret, FdFlags(1), Arg(0)]),
    Filler::call(E::InotifyInitExit, &[nr::INOTIFY_INIT], &[Ret, Const(0)]),
    Filler::call(E::InotifyInit1Exit, &[nr::INOTIFY_INIT1], &[Ret, FdFlags(0)]),
    Filler::call(E::TimerfdCreateExit, &[nr::TIMERFD_CREATE], &[Ret, Arg(0), Arg(1)]),
    Filler::call(E::EpollCreateExit, &[nr::EPOLL_CREATE], &[Ret, Arg(0)]),
    Filler::call(E::EpollCreate1Exit, &[nr::EPOLL_CREATE1], &[Ret, Flags(0)]),
    Filler::call(E::EpollWaitExit, &[nr::EPOLL_WAIT], &[Ret, Arg(2)]),
    Filler::call(E::PollExit, &[nr::POLL], &[Ret, PollList(0, 1), Int(2)]).truth(Truth::UserMemory),
    Filler::call(E::PpollExit, &[nr::PPOLL], &[Ret, PollList(0, 1), Timespec(2), User(3, 0, 4)])
        .truth(Truth::UserMemory),
    Filler::call(E::SelectExit, &[nr::SELECT], &[Ret]),
    Filler::call(E::NanosleepExit, &[nr::NANOSLEEP], &[Ret, Timespec(0)]).truth(Truth::UserMemory),
    Filler::call(E::FutexExit, &[nr::FUTEX], &[Ret, Arg(0), Flags(1), Arg(2)]),
    // Semaphores.
    Filler::call(E::SemgetExit, &[nr::SEMGET], &[Ret, Arg(0), Arg(1), Flags(2)]),
    Filler::call(E::SemctlExit, &[nr::SEMCTL], &[Ret, Arg(0), Arg(1), Flags(2), When(SETS_VALUE, &Int(3), &Const(0))]),
    Filler::call(
        E::SemopExit,
        &[nr::SEMOP],
        &[
            Ret,
            Arg(2),
            When(NO_OPERATION, &Absent, &User(1, 0, 2)),
            When(NO_OPERATION, &Absent, &User(1, 2, 2)),
            When(NO_OPERATION, &Absent, &UserFlags(1, 4, 2)),
            When(ONE_OPERATION, &Absent, &User(1, 6, 2)),
            When(ONE_OPERATION, &Absent, &User(1, 8, 2)),
            When(ONE_OPERATION, &Absent, &UserFlags(1, 10, 2)),
            Arg(0),
        ],
    )
    .truth(Truth::UserMemory),
    // io_uring and bpf.
    Filler::call(
        E::IoUringSetupExit,
        &[nr::IO_URING_SETUP],
        &[
            Ret,
            Arg(0),
            User(1, 0, 4),
            User(1, 4, 4),
            UserFlags(1, 8, 4),
            User(1, 12, 4),
            User(1, 16, 4),
            OnSuccess(&UserFlags(1, 20, 4)),
        ],
    )
    .truth(Truth::UserMemory),
    Filler::call(
        E::IoUringEnterExit,
        &[nr::IO_URING_ENTER],
        &[Ret, Arg(0), Arg(1), Arg(2), Flags(3), When(EXTENDED, &Absent, &User(4, 0, 4))],
    ),
    Filler::call(E::IoUringRegisterExit, &[nr::IO_URING_REGISTER], &[Ret, Arg(0), Flags(1), Arg(2), Arg(3)]),
    Filler::call(E::BpfExit, &[nr::BPF], &[Ret, Flags(0)]),
];
