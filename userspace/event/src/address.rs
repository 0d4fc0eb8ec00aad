//! Socket addresses and tuples, as records carry them.
//!
//! ```text
//! address: family u8, then  inet: ip 4, port u16  | inet6: ip 16, port u16  | unix: text
//! tuple:   family u8, then  two inet or inet6 addresses, source first       | unix: source u64, peer u64, text
//! ```
//! Families are numbered as in `.scap` files, addresses are in network order, ports in host order. The two numbers of a
//! unix tuple are socket inodes (in `.scap` files: kernel addresses) and are only ever compared and printed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Family number of a unix socket.
pub const AF_UNIX: u8 = 1;
/// Family number of an IPv4 socket.
pub const AF_INET: u8 = 2;
/// Family number of an IPv6 socket.
pub const AF_INET6: u8 = 10;
/// Family number of a netlink socket.
pub const AF_NETLINK: u8 = 16;

/// One address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SockAddr<'a> {
    /// An IP address and port.
    Ip(SocketAddr),
    /// Path of a unix socket; an abstract name starts with NUL or `@`.
    Unix(&'a [u8]),
    /// An address of another family.
    Other(u8),
}

/// Both ends of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SockTuple<'a> {
    /// Two IP endpoints of one family.
    Ip {
        /// Who sends or connects.
        source: SocketAddr,
        /// Who receives or accepts.
        dest: SocketAddr,
    },
    /// Two unix sockets.
    Unix {
        /// Inode of the source socket.
        source: u64,
        /// Inode of its peer.
        peer: u64,
        /// Path of the bound end, empty for a pair.
        path: &'a [u8],
    },
    /// Sockets of another family.
    Other(u8),
}

/// Cuts the NUL that ends a text, and what is behind it; a NUL in first place belongs to an abstract name.
fn c_text(bytes: &[u8]) -> &[u8] {
    let skip = usize::from(bytes.len() > 1 && bytes.first() == Some(&0));
    let end = bytes.iter().skip(skip).position(|b| *b == 0).map_or(bytes.len(), |at| at + skip);
    bytes.get(..end).unwrap_or(bytes)
}

fn inet(bytes: &[u8]) -> Option<SocketAddr> {
    let (ip, port) = bytes.split_first_chunk::<4>()?;
    let port = u16::from_le_bytes(*port.first_chunk::<2>()?);
    Some(SocketAddr::new(IpAddr::V4(Ipv4Addr::from(*ip)), port))
}

fn inet6(bytes: &[u8]) -> Option<SocketAddr> {
    let (ip, port) = bytes.split_first_chunk::<16>()?;
    let port = u16::from_le_bytes(*port.first_chunk::<2>()?);
    Some(SocketAddr::new(IpAddr::V6(Ipv6Addr::from(*ip)), port))
}

fn unmapped(addr: SocketAddr) -> SocketAddr {
    SocketAddr::new(addr.ip().to_canonical(), addr.port())
}

impl<'a> SockAddr<'a> {
    /// Reads an address, or returns `None` when bytes are missing.
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (family, rest) = bytes.split_first()?;
        Some(match *family {
            AF_INET => Self::Ip(inet(rest)?),
            AF_INET6 => Self::Ip(unmapped(inet6(rest)?)),
            AF_UNIX => Self::Unix(c_text(rest)),
            other => Self::Other(other),
        })
    }

    /// Appends the address as a record carries it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ip(addr) => {
                out.push(family(addr));
                encode_ip(addr, out);
            }
            Self::Unix(path) => {
                out.push(AF_UNIX);
                out.extend_from_slice(path);
                out.push(0);
            }
            Self::Other(family) => out.push(*family),
        }
    }
}

impl<'a> SockTuple<'a> {
    /// Reads a tuple, or returns `None` when bytes are missing. IPv4 addresses mapped into IPv6 become IPv4 when both
    /// ends are.
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (family, rest) = bytes.split_first()?;
        Some(match *family {
            AF_INET => {
                let (source, dest) = rest.split_at_checked(6)?;
                Self::Ip { source: inet(source)?, dest: inet(dest)? }
            }
            AF_INET6 => {
                let (source, dest) = rest.split_at_checked(18)?;
                let (source, dest) = (inet6(source)?, inet6(dest)?);
                let (short_source, short_dest) = (unmapped(source), unmapped(dest));
                if short_source.is_ipv4() && short_dest.is_ipv4() {
                    Self::Ip { source: short_source, dest: short_dest }
                } else {
                    Self::Ip { source, dest }
                }
            }
            AF_UNIX => {
                let (source, rest) = rest.split_first_chunk::<8>()?;
                let (peer, path) = rest.split_first_chunk::<8>()?;
                Self::Unix { source: u64::from_le_bytes(*source), peer: u64::from_le_bytes(*peer), path: c_text(path) }
            }
            other => Self::Other(other),
        })
    }

    /// Appends the tuple as a record carries it; ends of different families are both written as IPv6.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Ip { source, dest } if source.is_ipv4() == dest.is_ipv4() => {
                out.push(family(source));
                encode_ip(source, out);
                encode_ip(dest, out);
            }
            Self::Ip { source, dest } => {
                out.push(AF_INET6);
                for end in [source, dest] {
                    let ip = match end.ip() {
                        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                        IpAddr::V6(ip) => ip,
                    };
                    out.extend_from_slice(&ip.octets());
                    out.extend_from_slice(&end.port().to_le_bytes());
                }
            }
            Self::Unix { source, peer, path } => {
                out.push(AF_UNIX);
                out.extend_from_slice(&source.to_le_bytes());
                out.extend_from_slice(&peer.to_le_bytes());
                out.extend_from_slice(path);
                out.push(0);
            }
            Self::Other(family) => out.push(*family),
        }
    }
}

fn family(addr: &SocketAddr) -> u8 {
    if addr.is_ipv4() { AF_INET } else { AF_INET6 }
}

fn encode_ip(addr: &SocketAddr, out: &mut Vec<u8>) {
    match addr.ip() {
        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
    }
    out.extend_from_slice(&addr.port().to_le_bytes());
}

/// An endpoint as the field writes it: `127.0.0.1:80`, and without brackets `::1:80`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint(pub SocketAddr);

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0.ip(), self.0.port())
    }
}

/// Appends a path that may not be UTF-8; the NUL that marks an abstract socket name becomes `@`.
pub fn push_unix_path(path: &[u8], out: &mut Vec<u8>) {
    match path.split_first() {
        Some((0, name)) => {
            out.push(b'@');
            out.extend_from_slice(name);
        }
        _ => out.extend_from_slice(path),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn tuples_survive_encoding() {
        let v4 = SockTuple::Ip { source: "127.0.0.1:34484".parse().unwrap(), dest: "10.0.0.1:443".parse().unwrap() };
        let v6 = SockTuple::Ip { source: "[::1]:1".parse().unwrap(), dest: "[2001:db8::1]:53".parse().unwrap() };
        let unix = SockTuple::Unix { source: 7, peer: 9, path: b"/run/s" };
        for (tuple, len) in [(v4, 13), (v6, 37), (unix, 1 + 16 + 7), (SockTuple::Other(16), 1)] {
            let mut bytes = Vec::new();
            tuple.encode(&mut bytes);
            assert_eq!((SockTuple::decode(&bytes), bytes.len()), (Some(tuple), len));
        }
    }

    #[test]
    fn mapped_addresses_become_v4_only_when_both_are() {
        let mapped: SocketAddr = "[::ffff:1.2.3.4]:5".parse().unwrap();
        let other: SocketAddr = "[::1]:6".parse().unwrap();
        let mut bytes = Vec::new();
        SockTuple::Ip { source: mapped, dest: mapped }.encode(&mut bytes);
        let v4: SocketAddr = "1.2.3.4:5".parse().unwrap();
        assert_eq!(SockTuple::decode(&bytes), Some(SockTuple::Ip { source: v4, dest: v4 }));
        bytes.clear();
        SockTuple::Ip { source: mapped, dest: other }.encode(&mut bytes);
        assert_eq!(SockTuple::decode(&bytes), Some(SockTuple::Ip { source: mapped, dest: other }));
    }

    #[test]
    fn short_bytes_are_no_address() {
        for bytes in [&[][..], &[2, 127, 0, 0], &[10, 0], &[2, 1, 2, 3, 4, 5]] {
            assert_eq!(SockAddr::decode(bytes), None);
        }
        assert_eq!(SockAddr::decode(b"\x01/run/log\0junk"), Some(SockAddr::Unix(b"/run/log")));
        assert_eq!(SockAddr::decode(b"\x01\0abstract\0"), Some(SockAddr::Unix(b"\0abstract")));
    }
}
