// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Sockets.

use super::Source::*;
use super::{nr, when, Filler, Len, Source, Test, Truth};
use super::{EventType as E, Fact as F};

const CONNECTED: Truth = Truth::Kernel("__sys_connect_file");
const BOUND: Truth = Truth::Kernel("security_socket_bind");
const ACCEPTED: Truth = Truth::Kernel("security_socket_accept");
const SENT: Truth = Truth::Kernel("security_socket_sendmsg");

// Options whose values have an encoding of their own; the rest of `SOL_SOCKET` that is here are C ints.
const SOL_SOCKET: Test = when(1, &[1]);
const SO_ERROR: Test = when(2, &[4]);
const SO_TIMEOUTS: Test = when(2, &[20, 21, 66, 67]);
const SO_COOKIE: Test = when(2, &[57]);
const SO_INTS: Test = when(
    2,
    &[
        1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16, 18, 19, 29, 30, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50,
    ],
);

// Indexes of the encodings.
const RAW: u8 = 0;
const ERROR: u8 = 1;
const INT: u8 = 2;
const LONG: u8 = 3;
const TIME: u8 = 4;

/// The value of a socket option whose length is `$len`.
macro_rules! option_value {
    ($len:expr) => {
        When(
            SOL_SOCKET,
            &When(
                SO_INTS,
                &Dyn(INT, 4, &User(3, 0, 4)),
                &When(
                    SO_TIMEOUTS,
                    &Dyn(TIME, 8, &Timeval(3)),
                    &When(
                        SO_ERROR,
                        &Dyn(ERROR, 8, &User(3, 0, 4)),
                        &When(SO_COOKIE, &Dyn(LONG, 8, &User(3, 0, 8)), &DynData(RAW, 3, $len)),
                    ),
                ),
            ),
            &DynData(RAW, 3, $len),
        )
    };
}

const OPTION_NAME: Source = When(SOL_SOCKET, &Flags(2), &Const(0));
const VALUE_SET: Source = option_value!(Len::Arg(4));
const VALUE_GOT: Source = option_value!(Len::IntAt(4));

/// Bits of a socket's type that are flags: `SOCK_NONBLOCK | SOCK_CLOEXEC`.
const TYPE_FLAGS: Source = Flags(1);

pub(super) const FILLERS: &[Filler] = &[
    Filler::call(E::SocketExit, &[nr::SOCKET], &[Ret, Flags(0), Arg(1), Arg(2), TYPE_FLAGS, Fact(F::SocketIno)]),
    Filler::call(
        E::SocketpairExit,
        &[nr::SOCKETPAIR],
        &[Ret, Fact(F::PairFd), Fact(F::PairFd2), Fact(F::PairIno), Fact(F::PairIno2), Flags(0), Arg(1), Arg(2)],
    )
    .truth(Truth::Descriptor),
    Filler::call(E::BindExit, &[nr::BIND], &[Ret, SockAddr(1, 2), Arg(0)]).truth(BOUND),
    Filler::call(E::ConnectExit, &[nr::CONNECT], &[Ret, Fact(F::Tuple), Arg(0), SockAddr(1, 2)]).truth(CONNECTED),
    Filler::call(E::ListenExit, &[nr::LISTEN], &[Ret, Arg(0), Arg(1)]),
    Filler::call(
        E::AcceptExit,
        &[nr::ACCEPT],
        &[Ret, Fact(F::AcceptedTuple), Fact(F::QueuePercent), Fact(F::QueueLen), Fact(F::QueueMax), Fact(F::SocketIno)],
    )
    .truth(ACCEPTED),
    Filler::call(
        E::Accept4Exit,
        &[nr::ACCEPT4],
        &[
            Ret,
            Fact(F::AcceptedTuple),
            Fact(F::QueuePercent),
            Fact(F::QueueLen),
            Fact(F::QueueMax),
            Arg(3),
            Fact(F::SocketIno),
        ],
    )
    .truth(ACCEPTED),
    Filler::call(E::ShutdownExit, &[nr::SHUTDOWN], &[Ret, Arg(0), Flags(1)]),
    Filler::call(E::GetsocknameExit, &[nr::GETSOCKNAME], &[]),
    Filler::call(E::GetpeernameExit, &[nr::GETPEERNAME], &[]),
    Filler::call(E::SetsockoptExit, &[nr::SETSOCKOPT], &[Ret, Arg(0), Flags(1), OPTION_NAME, VALUE_SET, Arg(4)])
        .truth(Truth::UserMemory),
    Filler::call(
        E::GetsockoptExit,
        &[nr::GETSOCKOPT],
        &[Ret, Arg(0), Flags(1), OPTION_NAME, OnSuccess(&VALUE_GOT), User(4, 0, 4)],
    )
    .truth(Truth::UserMemory),
    // The tuple goes the way of the data.
    Filler::call(E::SendExit, &[nr::SEND], &[Ret, Data(1, Len::RetOrArg(2)), Arg(0), Arg(2), Fact(F::Tuple)])
        .truth(SENT),
    Filler::call(E::SendtoExit, &[nr::SENDTO], &[Ret, Data(1, Len::RetOrArg(2)), Arg(0), Arg(2), TupleTo(4, 5)])
        .truth(SENT),
    Filler::call(E::SendmsgExit, &[nr::SENDMSG], &[Ret, MsgData(1, Len::RetOrAll), Arg(0), MsgSize(1), MsgTupleTo(1)])
        .truth(SENT),
    // Of several messages in one call the first is shown.
    Filler::call(
        E::SendmmsgExit,
        &[nr::SENDMMSG],
        &[Ret, Arg(0), MsgSize(1), MsgData(1, Len::FirstMessage(1)), MsgTupleTo(1)],
    )
    .truth(SENT),
    Filler::call(E::RecvExit, &[nr::RECV], &[Ret, Data(1, Len::Ret), Arg(0), Arg(2), Fact(F::Tuple)])
        .truth(Truth::Descriptor),
    Filler::call(
        E::RecvfromExit,
        &[nr::RECVFROM],
        &[Ret, Data(1, Len::Ret), OnSuccess(&TupleFrom(4, 5)), Arg(0), Arg(2)],
    )
    .truth(Truth::UserMemory),
    Filler::call(
        E::RecvmsgExit,
        &[nr::RECVMSG],
        &[Ret, MsgSize(1), MsgData(1, Len::Ret), OnSuccess(&MsgTupleFrom(1)), OnSuccess(&MsgControl(1)), Arg(0)],
    )
    .truth(Truth::UserMemory),
    Filler::call(
        E::RecvmmsgExit,
        &[nr::RECVMMSG],
        &[
            Ret,
            Arg(0),
            MsgSize(1),
            OnSuccess(&MsgData(1, Len::FirstMessage(1))),
            OnSuccess(&MsgTupleFrom(1)),
            OnSuccess(&MsgControl(1)),
        ],
    )
    .truth(Truth::UserMemory),
];
