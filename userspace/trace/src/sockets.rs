// SPDX-License-Identifier: Apache-2.0

//! Addresses of sockets, asked of the sockets themselves.
//!
//! A descriptor of the traced process is duplicated into this one (`pidfd_getfd`), asked for its two addresses, and
//! closed. So neither the caller's memory nor a table of another network namespace has to be believed.

use rustix::net::{SocketAddrAny, SocketAddrUnix, getpeername, getsockname};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use saker_driver_api::probe::Call;
use saker_driver_api::syscalls::nr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::OwnedFd;

const AF_UNIX: u8 = 1;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// `PIDFD_THREAD` (Linux 6.9): a thread with descriptors of its own.
const PIDFD_THREAD: PidfdFlags = PidfdFlags::from_bits_retain(0o200);

/// Which end of a tuple is named first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Local,
    Peer,
}

impl Source {
    /// Who sends, in a call on a socket.
    pub(crate) fn of(call: &Call) -> Self {
        match call.nr {
            nr::RECV | nr::RECVFROM | nr::RECVMSG | nr::RECVMMSG => Self::Peer,
            _ => Self::Local,
        }
    }
}

/// An address in one of the families that tuples have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Ip(SocketAddr),
    /// Path, or NUL and name; empty where unbound.
    Unix(Vec<u8>),
    Other,
}

/// A duplicate of a traced process's socket.
#[derive(Debug)]
pub(crate) struct Socket {
    fd: OwnedFd,
    inode: u64,
}

impl Socket {
    /// Duplicates descriptor `fd` of the thread, or returns `None` if it is not there or no socket.
    pub(crate) fn of(tid: u32, tgid: u32, fd: i32) -> Option<Self> {
        let process = pidfd_open(raw_pid(tgid)?, PidfdFlags::empty()).ok()?;
        let copy = pidfd_getfd(&process, fd, PidfdGetfdFlags::empty()).ok().or_else(|| {
            let thread = pidfd_open(raw_pid(tid)?, PIDFD_THREAD).ok()?;
            pidfd_getfd(&thread, fd, PidfdGetfdFlags::empty()).ok()
        })?;
        let stat = rustix::fs::fstat(&copy).ok()?;
        let is_socket = rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Socket;
        is_socket.then_some(Self { fd: copy, inode: stat.st_ino })
    }

    pub(crate) fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    pub(crate) fn inode(&self) -> u64 {
        self.inode
    }

    /// Returns the local and the remote address of an IP socket; a peer it does not know is all zeros.
    pub(crate) fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        let Address::Ip(local) = Address::from_any(&getsockname(&self.fd).ok()?) else { return None };
        let peer = getpeername(&self.fd).ok().flatten().map(|addr| Address::from_any(&addr));
        Some(match peer {
            Some(Address::Ip(peer)) => (local, peer),
            _ => (local, unspecified(&local)),
        })
    }

    /// Returns what a unix socket is bound to: a path, NUL and a name, or nothing.
    pub(crate) fn path(&self) -> Vec<u8> {
        match getsockname(&self.fd).map(|addr| Address::from_any(&addr)) {
            Ok(Address::Unix(path)) => path,
            _ => Vec::new(),
        }
    }

    /// Returns the address that the socket is connected to. One that is still connecting does not tell.
    pub(crate) fn peer(&self) -> Option<Address> {
        getpeername(&self.fd).ok().flatten().map(|addr| Address::from_any(&addr))
    }

    /// Appends the tuple, `source` first, or returns `None` for a family that has none. A peer that nobody knows is all
    /// zeros.
    pub(crate) fn tuple(&self, source: Source, peer: Option<&Address>, to: &mut Vec<u8>) -> Option<()> {
        let local = Address::from_any(&getsockname(&self.fd).ok()?);
        put_tuple(source, &local, peer, self.inode, to)
    }
}

fn put_tuple(source: Source, local: &Address, peer: Option<&Address>, inode: u64, to: &mut Vec<u8>) -> Option<()> {
    match (local, peer) {
        (Address::Ip(local), peer) => {
            let peer = match peer {
                Some(Address::Ip(peer)) => *peer,
                _ => unspecified(local),
            };
            let (from, dest) = match source {
                Source::Local => (*local, peer),
                Source::Peer => (peer, *local),
            };
            put_ip_tuple(from, dest, to);
        }
        (Address::Unix(local), peer) => {
            let remote = match peer {
                Some(Address::Unix(path)) => path.as_slice(),
                _ => b"",
            };
            let (from, dest) = match source {
                Source::Local => (inode, 0),
                Source::Peer => (0, inode),
            };
            to.push(AF_UNIX);
            to.extend_from_slice(&from.to_le_bytes());
            to.extend_from_slice(&dest.to_le_bytes());
            to.extend_from_slice(if remote.is_empty() { local } else { remote });
        }
        (Address::Other, _) => return None,
    }
    Some(())
}

fn put_ip_tuple(from: SocketAddr, dest: SocketAddr, to: &mut Vec<u8>) {
    let is_v4 = from.is_ipv4() && dest.is_ipv4();
    to.push(if is_v4 { AF_INET } else { AF_INET6 });
    for addr in [from, dest] {
        match (addr.ip(), is_v4) {
            (IpAddr::V4(ip), false) => to.extend_from_slice(&ip.to_ipv6_mapped().octets()),
            (ip, _) => to.extend_from_slice(&octets(ip)),
        }
        to.extend_from_slice(&addr.port().to_le_bytes());
    }
}

/// Returns an address in network order.
pub(crate) fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}

fn unspecified(like: &SocketAddr) -> SocketAddr {
    match like {
        SocketAddr::V4(_) => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, 0, 0, 0).into(),
    }
}

impl Address {
    /// Reads a `struct sockaddr` of the traced program's memory; `None` for one too short for its family.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (family, rest) = bytes.split_first_chunk()?;
        let family = u8::try_from(u16::from_ne_bytes(*family)).ok()?;
        if family == AF_UNIX {
            // A name that starts with NUL has no NUL as its end.
            let end = rest.iter().skip(1).position(|byte| *byte == 0).map_or(rest.len(), |at| at + 1);
            let is_path = rest.first().is_some_and(|first| *first != 0);
            return Some(Self::Unix(if is_path { rest.get(..end)? } else { rest }.to_vec()));
        }
        let (port, rest) = rest.split_first_chunk()?;
        let port = u16::from_be_bytes(*port);
        match family {
            AF_INET => {
                let ip = Ipv4Addr::from(*rest.first_chunk::<4>()?);
                Some(Self::Ip(SocketAddrV4::new(ip, port).into()))
            }
            AF_INET6 => {
                let (_flow, rest) = rest.split_first_chunk::<4>()?;
                let ip = Ipv6Addr::from(*rest.first_chunk::<16>()?);
                Some(Self::Ip(SocketAddrV6::new(ip, port, 0, 0).into()))
            }
            _ => None,
        }
    }

    fn from_any(addr: &SocketAddrAny) -> Self {
        if let Ok(ip) = SocketAddr::try_from(addr.clone()) {
            return Self::Ip(ip);
        }
        match SocketAddrUnix::try_from(addr.clone()) {
            Ok(unix) => Self::Unix(unix_name(&unix)),
            Err(_) => Self::Other,
        }
    }
}

fn unix_name(addr: &SocketAddrUnix) -> Vec<u8> {
    match (addr.path(), addr.abstract_name()) {
        (Some(path), _) => path.to_bytes().to_vec(),
        (None, Some(name)) if !name.is_empty() => [b"\0", name].concat(),
        (None, _) => Vec::new(),
    }
}

fn raw_pid(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::fd::AsRawFd as _;

    fn tuple(fd: i32, source: Source) -> Vec<u8> {
        let own = std::process::id();
        let mut bytes = Vec::new();
        let socket = Socket::of(own, own, fd).unwrap();
        socket.tuple(source, socket.peer().as_ref(), &mut bytes).unwrap();
        bytes
    }

    fn v4(port: u16) -> Vec<u8> {
        [&[127, 0, 0, 1][..], &port.to_le_bytes()].concat()
    }

    #[test]
    fn both_ends_of_a_connection_are_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let own = stream.local_addr().unwrap().port();
        let expected = [vec![AF_INET], v4(own), v4(port)].concat();
        assert_eq!(tuple(stream.as_raw_fd(), Source::Local), expected);
        let (accepted, _) = listener.accept().unwrap();
        assert_eq!(tuple(accepted.as_raw_fd(), Source::Peer), expected, "the peer is the source");
    }

    #[test]
    fn a_peer_nobody_knows_is_zero() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let own = socket.local_addr().unwrap().port();
        let expected = [vec![AF_INET], v4(own), vec![0; 6]].concat();
        assert_eq!(tuple(socket.as_raw_fd(), Source::Local), expected);
    }

    #[test]
    fn addresses_in_memory_are_read() {
        let v4 = [&[AF_INET, 0][..], &[0x01, 0xbb, 192, 0, 2, 1], &[0; 8]].concat();
        assert_eq!(Address::parse(&v4), Some(Address::Ip("192.0.2.1:443".parse().unwrap())));
        assert_eq!(Address::parse(&v4[..7]), None);
        let ip = "2001:db8::7".parse::<Ipv6Addr>().unwrap();
        let v6 = [&[AF_INET6, 0, 0, 53, 9, 9, 9, 9][..], &ip.octets(), &[0; 4]].concat();
        assert_eq!(Address::parse(&v6), Some(Address::Ip("[2001:db8::7]:53".parse().unwrap())));
        assert_eq!(Address::parse(b"\x01\0/run/s\0junk"), Some(Address::Unix(b"/run/s".to_vec())));
        assert_eq!(Address::parse(b"\x01\0\0na\0me"), Some(Address::Unix(b"\0na\0me".to_vec())));
        assert_eq!((Address::parse(b"\x01"), Address::parse(b"\0\0abcdefgh")), (None, None));
    }

    #[test]
    fn a_unix_pair_names_its_inode() {
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let own = std::process::id();
        let inode = Socket::of(own, own, one.as_raw_fd()).unwrap().inode();
        let expected = [&[AF_UNIX][..], &inode.to_le_bytes(), &[0; 8]].concat();
        assert_eq!(tuple(one.as_raw_fd(), Source::Local), expected);
    }

    #[test]
    fn what_is_no_socket_has_no_tuple() {
        let own = std::process::id();
        let file = std::fs::File::open("/proc/self/status").unwrap();
        assert!(Socket::of(own, own, file.as_raw_fd()).is_none());
        assert!(Socket::of(own, own, 99_999).is_none());
    }
}
