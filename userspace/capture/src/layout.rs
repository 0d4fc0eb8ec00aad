// SPDX-License-Identifier: Apache-2.0

//! The bytes of a capture that are not records; all integers are little-endian, all parts start at multiples of 8.

use saker_driver_api::version::{SCHEMA, Version};
use zerocopy::{FromBytes as _, IntoBytes};
use zerocopy_derive::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Version of the layout. Another major is refused; a newer minor only adds what older readers pass over.
pub const FORMAT: Version = Version { major: 1, minor: 0 };

/// Most bytes of records in a section, before compression.
pub(crate) const MAX_SECTION_BYTES: usize = 4 << 20;
/// Most bytes of an index.
pub(crate) const MAX_INDEX_BYTES: usize = 64 << 20;

const FILE_MAGIC: [u8; 8] = *b"\x89SKR\r\n\x1a\n";
const SECTION_MAGIC: [u8; 4] = *b"SKRS";
const TRAILER_MAGIC: [u8; 8] = *b"SKR-END\n";

/// Bytes of the file header and of each section header.
pub(crate) const HEADER: usize = 64;
pub(crate) const HEADER_BYTES: u64 = HEADER as u64;
/// Bytes of the trailer.
pub(crate) const TRAILER: usize = 32;
pub(crate) const TRAILER_BYTES: u64 = TRAILER as u64;

/// Tells captures apart; packing keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CaptureId(pub [u8; 16]);

impl std::fmt::Display for CaptureId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Start of the file.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct FileHeader {
    magic: [u8; 8],
    major: u16,
    minor: u16,
    schema_major: u16,
    schema_minor: u16,
    /// Zero so far; a bit unknown to a reader may be ignored by it.
    flags: u32,
    id: [u8; 16],
    reserved: [u8; 24],
    crc: u32,
}

const _: () = assert!(size_of::<FileHeader>() == HEADER);

impl FileHeader {
    pub(crate) fn new(id: CaptureId) -> Self {
        let mut header = Self {
            magic: FILE_MAGIC,
            major: FORMAT.major,
            minor: FORMAT.minor,
            schema_major: SCHEMA.major,
            schema_minor: SCHEMA.minor,
            flags: 0,
            id: id.0,
            reserved: [0; 24],
            crc: 0,
        };
        header.crc = checked_crc(&header);
        header
    }

    /// Returns the bytes that every capture starts with.
    pub(crate) fn signature() -> &'static [u8] {
        &FILE_MAGIC
    }

    pub(crate) fn from_bytes(bytes: &[u8; HEADER]) -> Option<Self> {
        Self::read_from_bytes(bytes).ok().filter(|header| header.magic == FILE_MAGIC)
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.crc == checked_crc(self)
    }

    pub(crate) fn format(&self) -> Version {
        Version { major: self.major, minor: self.minor }
    }

    pub(crate) fn schema(&self) -> Version {
        Version { major: self.schema_major, minor: self.schema_minor }
    }

    pub(crate) fn id(&self) -> CaptureId {
        CaptureId(self.id)
    }
}

/// What a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum SectionKind {
    /// Part of the stream.
    Records = 1,
    /// The state at this place of the stream, as records: for readers that start here.
    Checkpoint = 2,
    /// The index, behind all others.
    Index = 3,
}

impl SectionKind {
    pub(crate) const fn from_wire(raw: u8) -> Option<Self> {
        Some(match raw {
            1 => Self::Records,
            2 => Self::Checkpoint,
            3 => Self::Index,
            _ => return None,
        })
    }
}

/// How the payload of a section is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Codec {
    Raw = 0,
    Zstd = 1,
}

impl Codec {
    pub(crate) const fn from_wire(raw: u8) -> Option<Self> {
        match raw {
            0 => Some(Self::Raw),
            1 => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Start of a section.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct SectionHeader {
    pub(crate) magic: [u8; 4],
    pub(crate) kind: u8,
    pub(crate) codec: u8,
    pub(crate) flags: u16,
    /// Bytes of the payload in the file, padding not included.
    pub(crate) stored_len: u32,
    /// Bytes of the payload once unpacked.
    pub(crate) raw_len: u32,
    pub(crate) records: u32,
    pub(crate) reserved: u32,
    pub(crate) first_ns: u64,
    pub(crate) last_ns: u64,
    /// `evt.num` of the first numbered record in or behind this section.
    pub(crate) first_num: u64,
    /// Sections before this one.
    pub(crate) number: u64,
    pub(crate) payload_crc: u32,
    pub(crate) crc: u32,
}

const _: () = assert!(size_of::<SectionHeader>() == HEADER);

impl SectionHeader {
    /// Flag: first section of a checkpoint.
    pub(crate) const STARTS_CHECKPOINT: u16 = 1;

    /// Fills in what follows from the stored payload and the other fields.
    pub(crate) fn sealed(mut self, stored: &[u8]) -> Self {
        self.magic = SECTION_MAGIC;
        self.payload_crc = crc32c::crc32c(stored);
        self.crc = checked_crc(&self);
        self
    }

    /// Returns the header if nothing in it changed since it was written.
    pub(crate) fn from_bytes(bytes: &[u8; HEADER]) -> Option<Self> {
        let header = Self::read_from_bytes(bytes).ok()?;
        (header.magic == SECTION_MAGIC && header.crc == checked_crc(&header)).then_some(header)
    }

    pub(crate) fn payload_is_whole(&self, stored: &[u8]) -> bool {
        self.payload_crc == crc32c::crc32c(stored)
    }

    /// Bytes from this section to the next: header, payload and padding.
    pub(crate) fn total_bytes(&self) -> u64 {
        HEADER_BYTES + u64::from(self.stored_len).next_multiple_of(8)
    }

    /// Returns whether the lengths are ones that a writer may write.
    pub(crate) fn is_bounded(&self) -> bool {
        let most = match SectionKind::from_wire(self.kind) {
            Some(SectionKind::Index) => MAX_INDEX_BYTES,
            _ => MAX_SECTION_BYTES,
        };
        self.raw_len as usize <= most && self.stored_len <= self.raw_len
    }
}

/// End of a finished file.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub(crate) struct Trailer {
    pub(crate) index_offset: u64,
    /// Sections before the index.
    pub(crate) sections: u64,
    magic: [u8; 8],
    reserved: u32,
    crc: u32,
}

const _: () = assert!(size_of::<Trailer>() == TRAILER);

impl Trailer {
    pub(crate) fn new(index_offset: u64, sections: u64) -> Self {
        let mut trailer = Self { index_offset, sections, magic: TRAILER_MAGIC, reserved: 0, crc: 0 };
        trailer.crc = checked_crc(&trailer);
        trailer
    }

    pub(crate) fn from_bytes(bytes: &[u8; TRAILER]) -> Option<Self> {
        let trailer = Self::read_from_bytes(bytes).ok()?;
        (trailer.magic == TRAILER_MAGIC && trailer.crc == checked_crc(&trailer)).then_some(trailer)
    }
}

/// Checksum of everything in `part` before its own checksum, which is its last 4 bytes.
fn checked_crc<T: IntoBytes + zerocopy::Immutable>(part: &T) -> u32 {
    let bytes = part.as_bytes();
    crc32c::crc32c(bytes.split_last_chunk::<4>().map_or(bytes, |(before, _)| before))
}
