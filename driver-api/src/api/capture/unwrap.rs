// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! 32-bit calls that stand for others: socketcall(2), ipc(2), and mmap(2) with its arguments in memory.

use super::{nr, Call, Fault, Origin, ProbeContext};

/// Sub-calls of socketcall(2) from 1 on, with the number of their arguments.
const SOCKET_CALLS: [(u32, usize); 20] = [
    (nr::SOCKET, 3),
    (nr::BIND, 3),
    (nr::CONNECT, 3),
    (nr::LISTEN, 2),
    (nr::ACCEPT, 3),
    (nr::GETSOCKNAME, 3),
    (nr::GETPEERNAME, 3),
    (nr::SOCKETPAIR, 4),
    (nr::SEND, 4),
    (nr::RECV, 4),
    (nr::SENDTO, 6),
    (nr::RECVFROM, 6),
    (nr::SHUTDOWN, 2),
    (nr::SETSOCKOPT, 5),
    (nr::GETSOCKOPT, 5),
    (nr::SENDMSG, 3),
    (nr::RECVMSG, 3),
    (nr::ACCEPT4, 4),
    (nr::RECVMMSG, 5),
    (nr::SENDMMSG, 4),
];

/// The 32-bit mmap(2) whose six arguments are in memory.
const OLD_MMAP: u32 = 90;

/// Returns the call that the context's call stands for, or that call itself.
///
/// To be asked once, when the call begins, and kept: later its arguments may be overwritten. What cannot be read
/// stays as it is and becomes a generic event.
pub fn unwrap_call<C: ProbeContext>(ctx: &mut C) -> Call {
    let call = *ctx.call();
    if call.origin != Origin::Ia32 {
        return call;
    }
    match call.nr {
        nr::SOCKETCALL => {
            let index = call.arg(0).wrapping_sub(1) & 0xffff_ffff;
            match SOCKET_CALLS.get(index as usize) {
                Some((nr, count)) => with_arguments(ctx, call, *nr, call.arg(1), *count),
                None => call,
            }
        }
        nr::IPC => unwrap_ipc(call),
        nr::MMAP if call.native_nr == OLD_MMAP => with_arguments(ctx, call, nr::MMAP, call.arg(0), 6),
        _ => call,
    }
}

/// Returns the calls that socketcall(2) may stand for.
pub fn socket_calls() -> impl Iterator<Item = u32> {
    SOCKET_CALLS.iter().map(|(nr, _)| *nr)
}

/// Returns the calls that ipc(2) may stand for, as far as they have events of their own.
pub fn ipc_calls() -> impl Iterator<Item = u32> {
    [nr::SEMOP, nr::SEMGET].into_iter()
}

/// ipc(2) has everything in registers, in an order of its own.
fn unwrap_ipc(call: Call) -> Call {
    let [which, first, second, third, pointer, _] = call.args;
    // The upper half is a version.
    match which & 0xffff {
        1 => Call { nr: nr::SEMOP, args: [first, pointer, second, 0, 0, 0], ..call },
        2 => Call { nr: nr::SEMGET, args: [first, second, third, 0, 0, 0], ..call },
        _ => call,
    }
}

fn with_arguments<C: ProbeContext>(ctx: &mut C, call: Call, nr: u32, at: u64, count: usize) -> Call {
    let mut args = [0; 6];
    let read = match read_arguments(ctx, at, args.get_mut(..count)) {
        Err(fault) if ctx.fault_in(fault) => read_arguments(ctx, at, args.get_mut(..count)),
        read => read,
    };
    match read {
        Ok(()) => Call { nr, args, ..call },
        Err(_) => call,
    }
}

fn read_arguments<C: ProbeContext>(ctx: &mut C, at: u64, into: Option<&mut [u64]>) -> Result<(), Fault> {
    let mut at = at;
    for arg in into.unwrap_or_default() {
        let mut bytes = [0; 4];
        ctx.copy_from_user(at, &mut bytes)?;
        *arg = u64::from(u32::from_le_bytes(bytes));
        at = at.wrapping_add(4);
    }
    Ok(())
}
