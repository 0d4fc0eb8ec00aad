// SPDX-License-Identifier: GPL-2.0-only

//! Facts about sockets and pairs of descriptors: addresses as the kernel has them, not as the caller named them.

use crate::context::Context;
use crate::driver_api::param::ParamStatus;
use crate::driver_api::probe::{Call, Fact, FactSet, Fault};
use crate::driver_api::syscalls::nr;
use crate::files::FileRef;
use crate::named::ADDRESS_BYTES;
use crate::shim;
use crate::user;

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
/// Longest tuple: family, two inodes, path.
const TUPLE_BYTES: usize = 1 + 16 + 112;

/// Which end of a tuple is named first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    Local,
    Peer,
}

impl First {
    /// Who sends, in a call on a socket.
    fn of(call: &Call) -> Self {
        match call.nr {
            nr::RECV | nr::RECVFROM | nr::RECVMSG | nr::RECVMMSG => Self::Peer,
            _ => Self::Local,
        }
    }
}

/// Describes the socket that descriptor `fd` is; returns whether it is one.
fn look(fd: i64, socket: &mut shim::Socket) -> bool {
    let Some(file) = FileRef::of_descriptor(fd) else { return false };
    // SAFETY: the file is referenced, and `socket` has the layout that the function writes.
    unsafe { shim::saker_socket(file.as_ptr(), socket) == 0 }
}

/// Appends to a text in a room that may be too small.
struct Text<'a> {
    room: &'a mut [u8],
    len: usize,
}

impl Text<'_> {
    fn put(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(into) = self.room.get_mut(self.len) {
                *into = *byte;
                self.len = self.len.saturating_add(1);
            }
        }
    }
}

fn put_tuple(text: &mut Text<'_>, socket: &shim::Socket, first: First) -> bool {
    let ip = match socket.family {
        AF_INET => 4,
        AF_INET6 => 16,
        AF_UNIX => 0,
        _ => return false,
    };
    text.put(&[socket.family as u8]);
    if socket.family == AF_UNIX {
        let (from, to) = match first {
            First::Local => (socket.ino, socket.peer_ino),
            First::Peer => (socket.peer_ino, socket.ino),
        };
        text.put(&from.to_le_bytes());
        text.put(&to.to_le_bytes());
        text.put(socket.path.get(..usize::from(socket.path_bytes)).unwrap_or_default());
        return true;
    }
    let local = (&socket.local, socket.local_port);
    let peer = (&socket.peer, socket.peer_port);
    let ends = if first == First::Local { [local, peer] } else { [peer, local] };
    for (address, port) in ends {
        text.put(address.get(..ip).unwrap_or_default());
        text.put(&port.to_le_bytes());
    }
    true
}

/// Puts a `struct sockaddr` of the socket's own family in place of its peer.
fn put_peer(socket: &mut shim::Socket, address: &[u8]) {
    let Some((family, rest)) = address.split_first_chunk::<2>() else { return };
    if u16::from_le_bytes(*family) != socket.family {
        return;
    }
    if socket.family == AF_UNIX {
        // An abstract name starts with a NUL and may hold others; a path ends at its NUL.
        let end = match rest.first() {
            Some(0) | None => rest.len(),
            Some(_) => rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len()),
        };
        let end = end.min(socket.path.len());
        for (into, from) in socket.path.iter_mut().zip(rest.iter().take(end)) {
            *into = *from;
        }
        socket.path_bytes = end as u16;
        return;
    }
    let skipped = if socket.family == AF_INET6 { 4 } else { 0 };
    let bytes = if socket.family == AF_INET6 { 16 } else { 4 };
    let Some((port, rest)) = rest.split_first_chunk::<2>() else { return };
    let Some(ip) = rest.get(skipped..).and_then(|rest| rest.get(..bytes)) else { return };
    for (into, from) in socket.peer.iter_mut().zip(ip) {
        *into = *from;
    }
    socket.peer_port = u16::from_be_bytes(*port);
}

impl Context<'_> {
    pub(crate) fn sockets(&mut self, wanted: FactSet) -> Result<(), Fault> {
        let call = self.about.call;
        if wanted.has(Fact::SocketIno) {
            match FileRef::of_descriptor(call.ret) {
                Some(file) => self.facts.int(Fact::SocketIno, file.inode().ino),
                None => self.facts.unreadable(Fact::SocketIno),
            }
        }
        if wanted.has(Fact::AcceptedTuple) {
            self.tuple(Fact::AcceptedTuple, call.ret, First::Peer)?;
            self.queue(i64::from(call.arg(0) as i32));
        }
        if wanted.has(Fact::Tuple) {
            self.tuple(Fact::Tuple, i64::from(call.arg(0) as i32), First::of(&call))?;
        }
        Ok(())
    }

    #[inline(never)]
    fn tuple(&mut self, fact: Fact, fd: i64, first: First) -> Result<(), Fault> {
        let mut socket = shim::Socket::default();
        if !look(fd, &mut socket) {
            self.facts.unreadable(fact);
            return Ok(());
        }
        let mut status = ParamStatus::OK;
        // A connect that was refused leaves no peer in the socket: then it is the address that was asked for.
        if self.about.call.nr == nr::CONNECT && self.about.call.failed() && socket.peer_port == 0 {
            match self.asked_for(&mut socket) {
                Ok(asked) => status = asked,
                Err(fault) => return self.missed(fact, fault),
            }
        }
        let mut text = Text { room: self.facts.room(TUPLE_BYTES), len: 0 };
        if put_tuple(&mut text, &socket, first) {
            let len = text.len;
            self.facts.keep(fact, len, status);
        }
        Ok(())
    }

    /// Puts the address that connect was given in place of the peer: the kernel's own copy, or where no hook saw that, what
    /// is in the caller's memory now. Returns which.
    #[inline(never)]
    fn asked_for(&mut self, socket: &mut shim::Socket) -> Result<ParamStatus, Fault> {
        let mut address = [0; ADDRESS_BYTES];
        let kept = self.capture.slots().give_address(self.about, &mut address);
        let (len, status) = match kept {
            Some(len) => (len, ParamStatus::OK),
            None => {
                let (at, len) = (self.about.call.arg(1), self.about.call.arg(2) & 0xffff_ffff);
                let Some(into) = address.get_mut(..len as usize).filter(|_| at != 0) else {
                    return Ok(ParamStatus::OK);
                };
                user::copy(at, into)?;
                (len as usize, ParamStatus::USER)
            }
        };
        put_peer(socket, address.get(..len).unwrap_or_default());
        Ok(status)
    }

    /// How full the queue of the listening socket is.
    #[inline(never)]
    fn queue(&mut self, fd: i64) {
        let mut socket = shim::Socket::default();
        if !look(fd, &mut socket) {
            return;
        }
        let (len, max) = (u64::from(socket.backlog), u64::from(socket.backlog_max));
        self.facts.int(Fact::QueueLen, len);
        self.facts.int(Fact::QueueMax, max);
        self.facts.int(Fact::QueuePercent, len.saturating_mul(100).checked_div(max).unwrap_or(0));
    }

    /// The two descriptors that pipe or socketpair wrote into the caller's memory, and what they are.
    pub(crate) fn pair(&mut self) -> Result<(), Fault> {
        let call = self.about.call;
        let at = if call.nr == nr::SOCKETPAIR { call.arg(3) } else { call.arg(0) };
        let mut bytes = [0; 8];
        if let Err(fault) = user::copy(at, &mut bytes) {
            for fact in [Fact::PairFd, Fact::PairFd2, Fact::PairIno, Fact::PairIno2] {
                self.missed(fact, fault)?;
            }
            return Ok(());
        }
        let [a, b, c, d, e, f, g, h] = bytes;
        self.half(Fact::PairFd, Fact::PairIno, i32::from_le_bytes([a, b, c, d]));
        self.half(Fact::PairFd2, Fact::PairIno2, i32::from_le_bytes([e, f, g, h]));
        Ok(())
    }

    fn half(&mut self, fd_fact: Fact, ino_fact: Fact, fd: i32) {
        self.facts.int(fd_fact, i64::from(fd) as u64);
        match FileRef::of_descriptor(fd.into()) {
            Some(file) => self.facts.int(ino_fact, file.inode().ino),
            None => self.facts.unreadable(ino_fact),
        }
    }
}
