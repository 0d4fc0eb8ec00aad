// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Types and states of event parameters.
//!
//! Integers are little-endian with the width of their type; text carries no NUL; lists of texts (arguments,
//! environment, cgroups) are NUL-terminated items back to back. `SockAddr` and `SockTuple` are laid out as in
//! `.scap` files: one family byte, addresses in network order, ports in host order; the two pointers of a unix
//! tuple are replaced by socket inode numbers, because no kernel address ever leaves the kernel.

/// Type of a parameter. The numbers are those of `.scap` files (`PT_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "each variant is the field's own name for the type; widths are in `width`")]
pub enum ParamType {
    Int8 = 1,
    Int16 = 2,
    Int32 = 3,
    Int64 = 4,
    Uint8 = 5,
    Uint16 = 6,
    Uint32 = 7,
    Uint64 = 8,
    CharBuf = 9,
    ByteBuf = 10,
    Errno = 11,
    SockAddr = 12,
    SockTuple = 13,
    Fd = 14,
    Pid = 15,
    FdList = 16,
    FsPath = 17,
    SyscallId = 18,
    SigType = 19,
    RelTime = 20,
    AbsTime = 21,
    Port = 22,
    Bool = 25,
    Ipv4Addr = 26,
    Dyn = 27,
    Flags8 = 28,
    Flags16 = 29,
    Flags32 = 30,
    Uid = 31,
    Gid = 32,
    SigSet = 34,
    Ipv6Addr = 38,
    IpAddr = 40,
    CharBufArray = 41,
    Mode = 42,
    FsRelPath = 43,
    EnumFlags8 = 44,
    EnumFlags16 = 45,
    EnumFlags32 = 46,
    Fd32 = 47,
    Pid32 = 48,
}

impl ParamType {
    /// Every type.
    const ALL: &'static [Self] = &[
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Int64,
        Self::Uint8,
        Self::Uint16,
        Self::Uint32,
        Self::Uint64,
        Self::CharBuf,
        Self::ByteBuf,
        Self::Errno,
        Self::SockAddr,
        Self::SockTuple,
        Self::Fd,
        Self::Pid,
        Self::FdList,
        Self::FsPath,
        Self::SyscallId,
        Self::SigType,
        Self::RelTime,
        Self::AbsTime,
        Self::Port,
        Self::Bool,
        Self::Ipv4Addr,
        Self::Dyn,
        Self::Flags8,
        Self::Flags16,
        Self::Flags32,
        Self::Uid,
        Self::Gid,
        Self::SigSet,
        Self::Ipv6Addr,
        Self::IpAddr,
        Self::CharBufArray,
        Self::Mode,
        Self::FsRelPath,
        Self::EnumFlags8,
        Self::EnumFlags16,
        Self::EnumFlags32,
        Self::Fd32,
        Self::Pid32,
    ];

    /// Returns the width of a value in bytes, or `None` where it varies.
    #[must_use]
    #[inline]
    pub const fn width(self) -> Option<usize> {
        // PERF: a look into a table; the kernel's compiler makes no jump tables, so a match is a tree of comparisons.
        match WIDTHS[self as usize] {
            0 => None,
            width => Some(width as usize),
        }
    }

    const fn find_width(self) -> Option<usize> {
        use ParamType as P;
        Some(match self {
            P::Int8 | P::Uint8 | P::Flags8 | P::EnumFlags8 | P::SigType => 1,
            P::Int16 | P::Uint16 | P::Flags16 | P::EnumFlags16 | P::Port | P::SyscallId => 2,
            P::Int32 | P::Uint32 | P::Flags32 | P::EnumFlags32 | P::Bool | P::Uid | P::Gid => 4,
            P::Mode | P::SigSet | P::Ipv4Addr | P::Fd32 | P::Pid32 => 4,
            P::Int64 | P::Uint64 | P::Errno | P::Fd | P::Pid | P::RelTime | P::AbsTime => 8,
            P::Ipv6Addr => 16,
            P::CharBuf | P::ByteBuf | P::SockAddr | P::SockTuple | P::FdList | P::FsPath => return None,
            P::Dyn | P::IpAddr | P::CharBufArray | P::FsRelPath => return None,
        })
    }

    /// Returns whether the integer of this type is signed.
    #[must_use]
    pub const fn is_signed(self) -> bool {
        use ParamType as P;
        matches!(self, P::Int8 | P::Int16 | P::Int32 | P::Int64 | P::Errno | P::Fd | P::Pid | P::Fd32 | P::Pid32)
    }

    /// Returns whether the value is text: a path, a name, anything without NUL.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(self, ParamType::CharBuf | ParamType::FsPath | ParamType::FsRelPath)
    }
}

/// Widths by the number of the type, 0 where they vary.
static WIDTHS: [u8; 256] = {
    let mut widths = [0; 256];
    let mut i = 0;
    while i < ParamType::ALL.len() {
        if let Some(width) = ParamType::ALL[i].find_width() {
            widths[ParamType::ALL[i] as usize] = width.to_le_bytes()[0];
        }
        i += 1;
    }
    widths
};

/// How a number is shown to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Not a number.
    Text,
    /// Base 10.
    Dec,
    /// Base 16, lower case.
    Hex,
    /// Base 8.
    Oct,
}

/// One column of an event: name, type, display, and the names of its bits or values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamInfo {
    /// Name as in `evt.arg.NAME`.
    pub name: &'static str,
    /// Encoding of the value.
    pub ty: ParamType,
    /// Base in which numbers are shown.
    pub format: Format,
    /// Names of the bits or values, where they have any.
    pub names: super::flags::FlagTable,
}

/// State of one parameter in a record: bits that qualify the bytes. No bit set: a plain, whole value from the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ParamStatus(pub u8);

impl ParamStatus {
    /// A whole value that the kernel vouches for.
    pub const OK: Self = Self(0);
    /// There is no value (a NULL pointer, a fact that does not exist). An empty text is not absent.
    pub const ABSENT: Self = Self(1);
    /// The value was longer than `snaplen_bytes` or than the room left; its start is here.
    pub const TRUNCATED: Self = Self(2);
    /// The memory or fact could not be read; the bytes are empty.
    pub const UNREADABLE: Self = Self(4);
    /// The bytes were copied from the caller's memory, which other threads may change.
    pub const USER: Self = Self(8);
    /// The caller's memory held something else when the call began.
    pub const CHANGED: Self = Self(16);

    /// Returns both sets of bits.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether all bits of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Returns whether there are bytes to look at.
    #[must_use]
    pub const fn is_present(self) -> bool {
        self.0 & (Self::ABSENT.0 | Self::UNREADABLE.0) == 0
    }
}
