// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Credentials: users, groups, capabilities, keys.
//!
//! The arguments are what the caller asked for, in its own user namespace. What it got is in the parameters that only
//! Saker has: effective ids in the initial namespace, and the capabilities that a change of user adds or drops.

use super::Source::*;
use super::{nr, when, Filler, Test, Truth};
use super::{EventType as E, Fact as F};

/// A call that changes ids: its own parameters, then what the task has afterwards.
macro_rules! change {
    ($($source:expr),+) => {
        &[
            $($source,)+
            Fact(F::Euid),
            Fact(F::Egid),
            Fact(F::CapInheritable),
            Fact(F::CapPermitted),
            Fact(F::CapEffective),
        ]
    };
}

// Operations of keyctl(2) by how many arguments they have behind the first, and those that take text.
const USES_2: Test = when(
    0,
    &[
        0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
        32,
    ],
);
const USES_3: Test =
    when(0, &[0, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 15, 17, 19, 20, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32]);
const USES_4: Test = when(0, &[2, 4, 6, 10, 11, 12, 13, 17, 19, 20, 23, 24, 25, 26, 27, 28, 29, 30, 32]);
const USES_5: Test = when(0, &[10, 12, 19, 20, 23, 24, 25, 26, 27, 28, 30]);
const NAMES_KEYRING: Test = when(0, &[1]);
const NAMES_TYPE: Test = when(0, &[10, 29]);
const NAMES_KEY: Test = when(0, &[10, 29]);

// Indexes of the encodings.
const NUMBER: u8 = 0;
const TEXT: u8 = 1;

pub(super) const FILLERS: &[Filler] = &[
    Filler::call(E::SetuidExit, &[nr::SETUID, nr::SETUID32], change!(Ret, Id(0))).truth(Truth::Task),
    Filler::call(E::SetgidExit, &[nr::SETGID, nr::SETGID32], change!(Ret, Id(0))).truth(Truth::Task),
    Filler::call(E::SetreuidExit, &[nr::SETREUID], change!(Ret, Id(0), Id(1))).truth(Truth::Task),
    Filler::call(E::SetregidExit, &[nr::SETREGID], change!(Ret, Id(0), Id(1))).truth(Truth::Task),
    Filler::call(E::SetresuidExit, &[nr::SETRESUID, nr::SETRESUID32], change!(Ret, Id(0), Id(1), Id(2)))
        .truth(Truth::Task),
    Filler::call(E::SetresgidExit, &[nr::SETRESGID, nr::SETRESGID32], change!(Ret, Id(0), Id(1), Id(2)))
        .truth(Truth::Task),
    Filler::call(E::GetuidExit, &[nr::GETUID, nr::GETUID32], &[Ret]),
    Filler::call(E::GeteuidExit, &[nr::GETEUID, nr::GETEUID32], &[Ret]),
    Filler::call(E::GetgidExit, &[nr::GETGID, nr::GETGID32], &[Ret]),
    Filler::call(E::GetegidExit, &[nr::GETEGID, nr::GETEGID32], &[Ret]),
    Filler::call(
        E::GetresuidExit,
        &[nr::GETRESUID, nr::GETRESUID32],
        &[Ret, OnSuccess(&UserId(0)), OnSuccess(&UserId(1)), OnSuccess(&UserId(2))],
    ),
    Filler::call(
        E::GetresgidExit,
        &[nr::GETRESGID, nr::GETRESGID32],
        &[Ret, OnSuccess(&UserId(0)), OnSuccess(&UserId(1)), OnSuccess(&UserId(2))],
    ),
    Filler::call(E::CapsetExit, &[nr::CAPSET], &[Ret, Capabilities(1, 2), Capabilities(1, 1), Capabilities(1, 0)])
        .truth(Truth::UserMemory),
    Filler::call(
        E::KeyctlExit,
        &[nr::KEYCTL],
        &[
            Ret,
            Flags(0),
            When(NAMES_KEYRING, &DynText(TEXT, 1), &When(USES_2, &Dyn(NUMBER, 8, &Int(1)), &Dyn(NUMBER, 8, &Const(0)))),
            When(NAMES_TYPE, &DynText(TEXT, 2), &When(USES_3, &Dyn(NUMBER, 8, &Arg(2)), &Dyn(NUMBER, 8, &Const(0)))),
            When(NAMES_KEY, &DynText(TEXT, 3), &When(USES_4, &Dyn(NUMBER, 8, &Arg(3)), &Dyn(NUMBER, 8, &Const(0)))),
            When(USES_5, &Dyn(NUMBER, 8, &Arg(4)), &Dyn(NUMBER, 8, &Const(0))),
        ],
    )
    .truth(Truth::UserMemory),
];
