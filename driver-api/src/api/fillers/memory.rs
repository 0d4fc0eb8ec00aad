// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Memory: mappings, protection, locks, and the memory of other processes.

use super::Source::*;
use super::{nr, Filler, Len, Truth};
use super::{EventType as E, Fact as F};

pub(super) const FILLERS: &[Filler] = &[
    Filler::call(E::BrkExit, &[nr::BRK], &[Ret, Fact(F::VmSize), Fact(F::VmRss), Fact(F::VmSwap), Arg(0)]),
    Filler::call(
        E::MmapExit,
        &[nr::MMAP],
        &[Ret, Fact(F::VmSize), Fact(F::VmRss), Fact(F::VmSwap), Arg(0), Arg(1), Flags(2), Flags(3), Arg(4), Arg(5)],
    ),
    Filler::call(
        E::Mmap2Exit,
        &[nr::MMAP2],
        &[Ret, Fact(F::VmSize), Fact(F::VmRss), Fact(F::VmSwap), Arg(0), Arg(1), Flags(2), Flags(3), Arg(4), Arg(5)],
    ),
    Filler::call(
        E::MunmapExit,
        &[nr::MUNMAP],
        &[Ret, Fact(F::VmSize), Fact(F::VmRss), Fact(F::VmSwap), Arg(0), Arg(1)],
    ),
    Filler::call(E::MprotectExit, &[nr::MPROTECT], &[Ret, Arg(0), Arg(1), Flags(2)]),
    Filler::call(E::MlockExit, &[nr::MLOCK], &[Ret, Arg(0), Arg(1)]),
    Filler::call(E::Mlock2Exit, &[nr::MLOCK2], &[Ret, Arg(0), Arg(1), Flags(2)]),
    Filler::call(E::MunlockExit, &[nr::MUNLOCK], &[Ret, Arg(0), Arg(1)]),
    Filler::call(E::MlockallExit, &[nr::MLOCKALL], &[Ret, Flags(0)]),
    Filler::call(E::MunlockallExit, &[nr::MUNLOCKALL], &[Ret]),
    Filler::call(E::UserfaultfdExit, &[nr::USERFAULTFD], &[Ret, FdFlags(0)]),
    Filler::call(E::ProcessVmReadvExit, &[nr::PROCESS_VM_READV], &[Ret, Arg(0), Iov(1, 2, Len::Ret)])
        .truth(Truth::UserMemory),
    Filler::call(E::ProcessVmWritevExit, &[nr::PROCESS_VM_WRITEV], &[Ret, Arg(0), Iov(1, 2, Len::RetOrAll)])
        .truth(Truth::UserMemory),
];
