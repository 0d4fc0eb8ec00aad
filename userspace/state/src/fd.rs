//! Open files: what a descriptor stands for, and the tables that hold descriptors.
//!
//! ```text
//! thread -> FdTable (shared by CLONE_FILES) -> FdEntry (close-on-exec) -> FdInfo (shared by dup and fork)
//! ```

use crate::pool::{Key, Weigh};
use saker_event::address::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, Endpoint};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;

/// What a descriptor is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "`word` documents each variant")]
pub enum FdKind {
    #[default]
    Unknown,
    File,
    Directory,
    Ipv4,
    Ipv6,
    Unix,
    Netlink,
    Pipe,
    Event,
    Signal,
    EventPoll,
    Inotify,
    Timer,
    Bpf,
    Userfault,
    IoUring,
    Memfd,
    Pidfd,
}

impl FdKind {
    /// Returns the letter that `fd.typechar` shows.
    #[must_use]
    pub const fn typechar(self) -> char {
        match self {
            Self::Unknown => 'o',
            Self::File => 'f',
            Self::Directory => 'd',
            Self::Ipv4 => '4',
            Self::Ipv6 => '6',
            Self::Unix | Self::Userfault => 'u',
            Self::Netlink => 'n',
            Self::Pipe => 'p',
            Self::Event => 'e',
            Self::Signal => 's',
            Self::EventPoll => 'l',
            Self::Inotify => 'i',
            Self::Timer => 't',
            Self::Bpf => 'b',
            Self::IoUring => 'r',
            Self::Memfd => 'm',
            Self::Pidfd => 'P',
        }
    }

    /// Returns the word that `fd.type` shows, or `None` when the kind is not known.
    #[must_use]
    pub const fn word(self) -> Option<&'static str> {
        Some(match self {
            Self::Unknown => return None,
            Self::File => "file",
            Self::Directory => "directory",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Unix => "unix",
            Self::Netlink => "netlink",
            Self::Pipe => "pipe",
            Self::Event => "event",
            Self::Signal => "signalfd",
            Self::EventPoll => "eventpoll",
            Self::Inotify => "inotify",
            Self::Timer => "timerfd",
            Self::Bpf => "bpf",
            Self::Userfault => "userfaultfd",
            Self::IoUring => "io_uring",
            Self::Memfd => "memfd",
            Self::Pidfd => "pidfd",
        })
    }

    /// Returns the number that `.scap` descriptor lists and snapshots use.
    #[must_use]
    pub const fn scap_number(self) -> u8 {
        match self {
            Self::Unknown => 10,
            Self::File => 1,
            Self::Directory => 2,
            Self::Ipv4 => 3,
            Self::Ipv6 => 4,
            Self::Pipe => 7,
            Self::Unix => 8,
            Self::Event => 9,
            Self::Signal => 11,
            Self::EventPoll => 12,
            Self::Inotify => 13,
            Self::Timer => 14,
            Self::Netlink => 15,
            Self::Bpf => 17,
            Self::Userfault => 18,
            Self::IoUring => 19,
            Self::Memfd => 20,
            Self::Pidfd => 21,
        }
    }

    /// Returns the kind for a number of `.scap` descriptor lists; unknown ones are [`FdKind::Unknown`].
    #[must_use]
    pub const fn from_scap(number: u8) -> Self {
        match number {
            1 | 16 => Self::File,
            2 => Self::Directory,
            3 | 5 => Self::Ipv4,
            4 | 6 => Self::Ipv6,
            7 => Self::Pipe,
            8 => Self::Unix,
            9 => Self::Event,
            11 => Self::Signal,
            12 => Self::EventPoll,
            13 => Self::Inotify,
            14 => Self::Timer,
            15 => Self::Netlink,
            17 => Self::Bpf,
            18 => Self::Userfault,
            19 => Self::IoUring,
            20 => Self::Memfd,
            21 => Self::Pidfd,
            _ => Self::Unknown,
        }
    }

    pub(crate) const fn of_family(family: u8) -> Self {
        match family {
            AF_INET => Self::Ipv4,
            AF_INET6 => Self::Ipv6,
            AF_UNIX => Self::Unix,
            AF_NETLINK => Self::Netlink,
            _ => Self::Unknown,
        }
    }

    /// Returns whether it is an IPv4 or IPv6 socket.
    #[must_use]
    pub const fn is_ip(self) -> bool {
        matches!(self, Self::Ipv4 | Self::Ipv6)
    }
}

/// Transport of an IP socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "`word` documents each variant")]
pub enum L4Proto {
    #[default]
    Unknown,
    Tcp,
    Udp,
    Icmp,
    Raw,
}

impl L4Proto {
    /// Returns the word that `fd.l4proto` shows, or `None` when it is not known.
    #[must_use]
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::Unknown => None,
            Self::Tcp => Some("tcp"),
            Self::Udp => Some("udp"),
            Self::Icmp => Some("icmp"),
            Self::Raw => Some("raw"),
        }
    }

    /// Returns the transport for `socket(2)`'s type (its low four bits) and protocol.
    #[must_use]
    pub const fn of_socket(kind: u32, proto: u32) -> Self {
        match (kind & 0xf, proto) {
            (_, 1 | 58) => Self::Icmp,
            (1, 0 | 6) => Self::Tcp,
            (2, 0 | 17) => Self::Udp,
            (3, _) => Self::Raw,
            _ => Self::Unknown,
        }
    }
}

/// Which end of a connection the process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Role {
    /// Not known (yet).
    #[default]
    None,
    /// It connected, or spoke first.
    Client,
    /// It listens, accepted, or was spoken to first.
    Server,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Connection {
    /// None was asked for.
    #[default]
    None,
    /// `connect` returned `EINPROGRESS`.
    Pending,
    /// It stands.
    Done,
    /// `connect` failed.
    Failed,
}

/// What is known of a socket beside its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SocketInfo {
    /// Address family, as `.scap` files number them.
    pub family: u8,
    /// Transport.
    pub l4proto: L4Proto,
    /// This end.
    pub local: Option<SocketAddr>,
    /// The other end.
    pub remote: Option<SocketAddr>,
    /// Which end this is.
    pub role: Role,
    /// How far the connection is.
    pub connection: Connection,
    /// Whether `listen` succeeded.
    pub listening: bool,
    /// Inode of a unix socket, from its tuple.
    pub unix_source: u64,
    /// Inode of its peer.
    pub unix_peer: u64,
    /// Path that one end of a unix socket is bound to.
    pub unix_path: Box<[u8]>,
}

impl SocketInfo {
    /// Returns the client's end.
    #[must_use]
    pub fn client(&self) -> Option<SocketAddr> {
        match self.role {
            Role::Server => self.remote,
            Role::Client => self.local,
            // Only bound: a server that waits for its first datagram.
            Role::None => self.remote.and(self.local),
        }
    }

    /// Returns the server's end.
    #[must_use]
    pub fn server(&self) -> Option<SocketAddr> {
        match self.role {
            Role::Server => self.local,
            Role::Client => self.remote,
            Role::None => self.remote.or(self.local),
        }
    }

    /// Returns whether the process is the server: by role, or because the socket is only bound.
    #[must_use]
    pub fn is_server(&self) -> bool {
        match self.role {
            Role::Server => true,
            Role::Client => false,
            Role::None => self.local.is_some() && self.remote.is_none(),
        }
    }

    fn push_name(&self, out: &mut Vec<u8>) {
        let (client, server) = match self.role {
            Role::Server => (self.remote, self.local),
            _ => (self.local, self.remote),
        };
        // Writing to memory cannot fail.
        let _ = match (client, server) {
            (Some(client), Some(server)) => write!(out, "{}->{}", Endpoint(client), Endpoint(server)),
            (Some(only), None) | (None, Some(only)) => write!(out, "{}", Endpoint(only)),
            (None, None) if self.unix_source != 0 || self.unix_peer != 0 => {
                write!(out, "{:x}->{:x} ", self.unix_source, self.unix_peer)
            }
            (None, None) => Ok(()),
        };
        saker_event::address::push_unix_path(&self.unix_path, out);
    }
}

/// Bits of [`FdInfo::path_flags`]. The first three are what the kernel says of the path.
pub struct PathFlags;

impl PathFlags {
    /// The file has no name any more.
    pub const DELETED: u8 = 1;
    /// The path cannot be reached from the initial root.
    pub const UNREACHABLE: u8 = 2;
    /// A memory file.
    pub const MEMFD: u8 = 4;
    /// The name is the caller's lexical path: nobody better could tell.
    pub const LEXICAL: u8 = 64;
    /// The descriptor came from elsewhere (`SCM_RIGHTS`); what it is stays unknown.
    pub const FOREIGN: u8 = 128;
}

/// One open file: what `dup` and `fork` share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FdInfo {
    /// What it is.
    pub kind: FdKind,
    /// Name as `fd.name` shows it: the path the kernel opened (or the lexical one, see [`PathFlags::LEXICAL`]), or the
    /// endpoints of a socket. Frozen when a file is opened.
    pub name: Box<[u8]>,
    /// The caller's path made absolute by text, where it differs from the name.
    pub(crate) lexical: Option<Box<[u8]>>,
    /// The caller's path as written, where it differs from the lexical one.
    pub(crate) raw: Option<Box<[u8]>>,
    /// [`PathFlags`] bits.
    pub path_flags: u8,
    /// `open` flags, as `.scap` files number them.
    pub open_flags: u32,
    /// Device number, 0 if not known.
    pub dev: u32,
    /// Inode number, 0 if not known.
    pub ino: u64,
    /// Process a pidfd stands for, or thread whose `comm` file this is; 0 for none.
    pub(crate) target: u32,
    /// What is known of a socket.
    pub socket: Option<Box<SocketInfo>>,
    /// Changes with every change of the file; never the same for two files.
    pub(crate) version: u64,
}

impl Weigh for FdInfo {
    fn heap_bytes(&self) -> usize {
        let texts =
            self.name.len() + self.lexical.as_ref().map_or(0, |t| t.len()) + self.raw.as_ref().map_or(0, |t| t.len());
        texts + self.socket.as_ref().map_or(0, |socket| size_of::<SocketInfo>() + socket.unix_path.len())
    }
}

impl FdInfo {
    /// Returns the caller's path made absolute by text: equal to the name unless a link or the like led elsewhere.
    #[must_use]
    pub fn lexical(&self) -> &[u8] {
        self.lexical.as_deref().unwrap_or(&self.name)
    }

    /// Returns the path as the caller wrote it.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        self.raw.as_deref().unwrap_or_else(|| self.lexical())
    }

    /// Returns a number that changes whenever anything here does, and that no other file ever has.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Returns whether a socket is connected.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.socket.as_ref().is_some_and(|socket| socket.connection == Connection::Done)
    }

    /// Writes the name of a socket anew; returns whether it changed.
    pub(crate) fn refresh_socket_name(&mut self, scratch: &mut Vec<u8>) -> bool {
        let Some(socket) = &self.socket else { return false };
        scratch.clear();
        socket.push_name(scratch);
        if let Some(end) = socket.local.or(socket.remote)
            && self.kind.is_ip()
        {
            self.kind = if end.is_ipv4() { FdKind::Ipv4 } else { FdKind::Ipv6 };
        }
        let changed = *self.name != **scratch;
        if changed {
            self.name = scratch.as_slice().into();
        }
        changed
    }
}

/// One descriptor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FdEntry {
    pub(crate) file: Key<FdInfo>,
    pub(crate) cloexec: bool,
    /// When it was made, boot-clock nanoseconds.
    pub(crate) at_ns: u64,
}

/// Descriptors below this lie in a plain array.
const DENSE: u32 = 1024;

/// Descriptors of one or more threads.
#[derive(Debug, Default)]
pub struct FdTable {
    dense: Vec<Option<FdEntry>>,
    sparse: BTreeMap<u32, FdEntry>,
    open: usize,
    /// Last change, boot-clock nanoseconds.
    pub(crate) changed_ns: u64,
    /// Last close; a snapshot older than this may bring back what is closed.
    pub(crate) closed_ns: u64,
    /// Changes when descriptor 0, 1 or 2 does.
    pub(crate) std_version: u64,
}

impl Weigh for FdTable {
    fn heap_bytes(&self) -> usize {
        // A tree node spends about half as much again as its entries.
        self.dense.capacity() * size_of::<Option<FdEntry>>() + self.sparse.len() * (size_of::<FdEntry>() + 4) * 3 / 2
    }
}

impl FdTable {
    pub(crate) fn get(&self, fd: i64) -> Option<&FdEntry> {
        let fd = u32::try_from(fd).ok()?;
        if fd < DENSE { self.dense.get(fd as usize)?.as_ref() } else { self.sparse.get(&fd) }
    }

    pub(crate) fn get_mut(&mut self, fd: i64) -> Option<&mut FdEntry> {
        let fd = u32::try_from(fd).ok()?;
        if fd < DENSE { self.dense.get_mut(fd as usize)?.as_mut() } else { self.sparse.get_mut(&fd) }
    }

    /// Puts a descriptor in place and returns what was there. The caller checked the number.
    pub(crate) fn insert(&mut self, fd: u32, entry: FdEntry) -> Option<FdEntry> {
        let old = if fd < DENSE {
            let at = fd as usize;
            if at >= self.dense.len() {
                self.dense.resize(at + 1, None);
            }
            self.dense.get_mut(at).and_then(|slot| slot.replace(entry))
        } else {
            self.sparse.insert(fd, entry)
        };
        self.open += usize::from(old.is_none());
        old
    }

    pub(crate) fn remove(&mut self, fd: i64) -> Option<FdEntry> {
        let fd = u32::try_from(fd).ok()?;
        let old = if fd < DENSE { self.dense.get_mut(fd as usize)?.take() } else { self.sparse.remove(&fd) };
        self.open -= usize::from(old.is_some());
        old
    }

    /// Returns the open descriptors in the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &FdEntry)> {
        self.iter_from(0)
    }

    /// Returns the open descriptors from `first` on, in the order of their numbers.
    pub(crate) fn iter_from(&self, first: u32) -> impl Iterator<Item = (u32, &FdEntry)> {
        let passed = first.min(DENSE) as usize;
        let dense = self.dense.iter().zip(0u32..).skip(passed).filter_map(|(entry, fd)| Some((fd, entry.as_ref()?)));
        dense.chain(self.sparse.range(first..).map(|(fd, entry)| (*fd, entry)))
    }

    /// Returns how many descriptors are open.
    pub(crate) fn len(&self) -> usize {
        self.open
    }

    /// Returns a copy whose entries the caller must count as users.
    pub(crate) fn copy(&self) -> Self {
        Self {
            dense: self.dense.clone(),
            sparse: self.sparse.clone(),
            open: self.open,
            changed_ns: self.changed_ns,
            closed_ns: self.closed_ns,
            std_version: self.std_version,
        }
    }

    /// Takes everything out.
    pub(crate) fn drain(&mut self) -> Vec<FdEntry> {
        let mut out: Vec<_> = self.dense.drain(..).flatten().collect();
        out.extend(std::mem::take(&mut self.sparse).into_values());
        self.dense = Vec::new();
        self.open = 0;
        out
    }
}
