// SPDX-License-Identifier: Apache-2.0

//! Reads a capture, section by section, into one buffer that is used again.
//!
//! A section's events borrow the buffer until the next section is asked for. What is damaged is passed over where
//! the next section can be found, and told by [`SkrReader::damage`].

use crate::error::{Damage, DamageReason, ReadError};
use crate::index::{Entry, Index};
use crate::layout::{
    CaptureId, Codec, FORMAT, FileHeader, HEADER, HEADER_BYTES, SectionHeader, SectionKind, TRAILER, TRAILER_BYTES,
    Trailer,
};
use saker_driver_api::record::{RawEvent, split_record};
use saker_driver_api::version::{SCHEMA, Version};
use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use zerocopy::IntoBytes as _;

/// Most entries of the damage list; what comes after is added to the last one.
const MAX_DAMAGE: usize = 1024;

/// Whether a reader delivers checkpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checkpoints {
    /// Only the one that a seek leads to: a stream read from its start needs none.
    #[default]
    AfterSeek,
    /// All of them, as for copying.
    All,
}

/// Where to go on reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seek {
    /// At or before the event with this `evt.num`, counted from 1.
    Event(u64),
    /// At or before this boot-clock time, in nanoseconds.
    Time(u64),
}

/// Where a seek led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeekPoint {
    /// `evt.num` of the next event of the stream.
    pub first_num: u64,
    /// Whether a checkpoint comes first; if not, it is the start of the stream.
    pub checkpoint: bool,
}

/// Reads one capture.
pub struct SkrReader {
    path: PathBuf,
    file: File,
    /// Bytes of the file when it was opened.
    len: u64,
    header: FileHeader,
    /// End of the sections: where the index starts, or the end of the file.
    end: u64,
    finished: bool,
    index: Option<Index>,
    next: u64,
    checkpoints: Checkpoints,
    at_seek: bool,
    /// Words, so that records are aligned.
    buffer: Vec<u64>,
    packed: Vec<u8>,
    unpacker: Option<zstd::bulk::Decompressor<'static>>,
    damage: Vec<Damage>,
}

impl std::fmt::Debug for SkrReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SkrReader").field("path", &self.path).field("next", &self.next).finish_non_exhaustive()
    }
}

/// What the next bytes of the file are.
pub(crate) enum Found {
    Section(SectionHeader),
    Damaged(Damage, Option<u64>),
    End,
}

impl SkrReader {
    /// Opens a capture and reads its index, if it has one.
    ///
    /// # Errors
    /// Returns [`ReadError`] when the file cannot be read, is no capture, or is one of another major version.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref().to_owned();
        let failed = |source| ReadError::Open { path: path.clone(), source };
        let file = File::open(&path).map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        if !meta.is_file() {
            return Err(ReadError::NotAFile { path });
        }
        let (header, len) = (file_header(&path, &file, meta.len())?, meta.len());
        let mut reader = Self {
            path,
            file,
            len,
            header,
            end: len,
            finished: false,
            index: None,
            next: HEADER_BYTES,
            checkpoints: Checkpoints::default(),
            at_seek: false,
            buffer: Vec::new(),
            packed: Vec::new(),
            unpacker: None,
            damage: Vec::new(),
        };
        reader.read_index()?;
        Ok(reader)
    }

    /// Chooses which checkpoints are delivered.
    #[must_use]
    pub fn with_checkpoints(mut self, checkpoints: Checkpoints) -> Self {
        self.checkpoints = checkpoints;
        self
    }

    /// Returns the identity of the capture.
    #[must_use]
    pub fn id(&self) -> CaptureId {
        self.header.id()
    }

    /// Returns the versions of layout and event table that the file was written with.
    #[must_use]
    pub fn versions(&self) -> (Version, Version) {
        (self.header.format(), self.header.schema())
    }

    /// Returns the bytes of the file when it was opened.
    #[must_use]
    pub fn file_bytes(&self) -> u64 {
        self.len
    }

    /// Returns whether the writer finished the file and nothing was cut off it since.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Returns what could not be read so far: whole only when [`SkrReader::next_section`] has returned `None`.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Reads the next section of the stream, or returns `None` at its end.
    ///
    /// # Errors
    /// Returns [`ReadError`] when reading fails or the file shrank; damage is passed over and noted instead.
    pub fn next_section(&mut self) -> Result<Option<Section<'_>>, ReadError> {
        loop {
            let offset = self.next;
            let header = match self.find(offset)? {
                Found::End => {
                    self.unfinished(offset).into_iter().for_each(|damage| self.note(damage));
                    return Ok(None);
                }
                Found::Damaged(damage, resume) => {
                    self.note(damage);
                    self.next = resume.unwrap_or(u64::MAX);
                    continue;
                }
                Found::Section(header) => header,
            };
            self.next += header.total_bytes();
            let Some(kind) = self.wanted(&header) else { continue };
            if let Err(reason) = self.load(offset, &header)? {
                let (bytes_lost, records) = (header.total_bytes(), Some(u64::from(header.records)));
                self.note(Damage { offset, bytes_lost, records, reason });
                continue;
            }
            let bytes = self.buffer.as_bytes().get(..header.raw_len as usize).unwrap_or_default();
            return Ok(Some(Section {
                header,
                kind,
                offset,
                bytes,
                broken: Cell::new(None),
                damage: &mut self.damage,
            }));
        }
    }

    /// Goes to the last place at or before `to` where reading can start with known state.
    ///
    /// Without an index (a file that is cut) all section headers are read once. The caller reads on from there and
    /// leaves out what comes before `to`.
    ///
    /// # Errors
    /// Returns [`ReadError`] when reading fails or the file shrank.
    pub fn seek(&mut self, to: Seek) -> Result<SeekPoint, ReadError> {
        let index = match self.index.take() {
            Some(index) => index,
            None => self.scan()?,
        };
        let before = |entry: &Entry| match to {
            Seek::Event(num) => entry.first_num <= num,
            Seek::Time(ts_ns) => entry.first_ns <= ts_ns,
        };
        let found = index.entries.iter().rev().find(|entry| entry.starts_checkpoint && before(entry)).copied();
        self.index = Some(index);
        self.at_seek = found.is_some();
        self.next = found.map_or(HEADER_BYTES, |entry| entry.offset);
        Ok(SeekPoint { first_num: found.map_or(1, |entry| entry.first_num), checkpoint: found.is_some() })
    }

    /// Returns what starts at `offset`; damage comes with the place to go on, where one is known.
    pub(crate) fn find(&self, offset: u64) -> Result<Found, ReadError> {
        let left = self.end.saturating_sub(offset);
        let damaged = |reason, bytes_lost, records| Damage { offset, bytes_lost, records, reason };
        if left == 0 {
            return Ok(Found::End);
        }
        if left < HEADER_BYTES {
            return Ok(Found::Damaged(damaged(DamageReason::Cut, left, None), None));
        }
        let mut bytes = [0; HEADER];
        self.read_at(&mut bytes, offset)?;
        let Some(header) = SectionHeader::from_bytes(&bytes).filter(SectionHeader::is_bounded) else {
            let resume = self.index.as_ref().and_then(|index| index.after(offset)).filter(|&at| at < self.end);
            let bytes_lost = resume.unwrap_or(self.end).saturating_sub(offset);
            return Ok(Found::Damaged(damaged(DamageReason::Header, bytes_lost, None), resume));
        };
        if header.kind == SectionKind::Index as u8 {
            return Ok(Found::Damaged(damaged(DamageReason::Index, left, Some(0)), None));
        }
        if header.total_bytes() > left {
            let records = Some(u64::from(header.records));
            return Ok(Found::Damaged(damaged(DamageReason::Cut, left, records), None));
        }
        Ok(Found::Section(header))
    }

    /// Returns the damage of a file that ends at `offset`, behind a whole section, without an index.
    pub(crate) fn unfinished(&self, offset: u64) -> Option<Damage> {
        let damage = Damage { offset, bytes_lost: 0, records: Some(0), reason: DamageReason::Unfinished };
        (!self.finished && offset == self.end).then_some(damage)
    }

    /// Returns the kind of a section that is to be delivered.
    fn wanted(&mut self, header: &SectionHeader) -> Option<SectionKind> {
        // A kind that a newer minor version added is passed over.
        let kind = SectionKind::from_wire(header.kind)?;
        if kind == SectionKind::Records {
            self.at_seek = false;
            return Some(kind);
        }
        (self.at_seek || self.checkpoints == Checkpoints::All).then_some(kind)
    }

    /// Reads a section's payload into the buffer and unpacks it; the inner error is damage.
    pub(crate) fn load(&mut self, offset: u64, header: &SectionHeader) -> Result<Result<(), DamageReason>, ReadError> {
        let (stored_len, raw_len) = (header.stored_len as usize, header.raw_len as usize);
        let words = raw_len.div_ceil(size_of::<u64>());
        if self.buffer.len() < words {
            self.buffer.resize(words, 0);
        }
        let at = offset + HEADER_BYTES;
        match Codec::from_wire(header.codec) {
            Some(Codec::Raw) if stored_len == raw_len => {
                // Taken out for the call, because reading borrows all of `self`.
                let mut buffer = std::mem::take(&mut self.buffer);
                let into = buffer.as_mut_bytes().get_mut(..raw_len).unwrap_or_default();
                let read = self.read_at(into, at);
                let whole = header.payload_is_whole(into);
                self.buffer = buffer;
                read.map(|()| if whole { Ok(()) } else { Err(DamageReason::Checksum) })
            }
            Some(Codec::Zstd) => {
                let mut packed = std::mem::take(&mut self.packed);
                packed.resize(stored_len, 0);
                let read = self.read_at(&mut packed, at);
                let loaded = read.map(|()| match header.payload_is_whole(&packed) {
                    true => self.unpack(&packed, raw_len),
                    false => Err(DamageReason::Checksum),
                });
                self.packed = packed;
                loaded
            }
            _ => Ok(Err(DamageReason::Codec)),
        }
    }

    fn unpack(&mut self, packed: &[u8], raw_len: usize) -> Result<(), DamageReason> {
        if self.unpacker.is_none() {
            self.unpacker = zstd::bulk::Decompressor::new().ok();
        }
        let into = self.buffer.as_mut_bytes().get_mut(..raw_len).unwrap_or_default();
        let unpacked = self.unpacker.as_mut().and_then(|unpacker| unpacker.decompress_to_buffer(packed, into).ok());
        if unpacked == Some(raw_len) { Ok(()) } else { Err(DamageReason::Codec) }
    }

    /// Finds the index from the end of the file; a file without one is read without.
    fn read_index(&mut self) -> Result<(), ReadError> {
        let Some(at) = self.len.checked_sub(TRAILER_BYTES).filter(|&at| at >= 2 * HEADER_BYTES) else { return Ok(()) };
        let mut bytes = [0; TRAILER];
        self.read_at(&mut bytes, at)?;
        let start = |trailer: &Trailer| (HEADER_BYTES..=at - HEADER_BYTES).contains(&trailer.index_offset);
        let Some(trailer) = Trailer::from_bytes(&bytes).filter(start) else { return Ok(()) };
        let offset = trailer.index_offset;
        (self.end, self.finished) = (offset, true);
        let mut bytes = [0; HEADER];
        self.read_at(&mut bytes, offset)?;
        if let Some(header) = SectionHeader::from_bytes(&bytes).filter(SectionHeader::is_bounded) {
            let fits = header.kind == SectionKind::Index as u8 && offset + header.total_bytes() == at;
            if fits && self.load(offset, &header)?.is_ok() {
                let bytes = self.buffer.as_bytes().get(..header.raw_len as usize);
                self.index = bytes.and_then(Index::decode);
            }
        }
        if self.index.is_none() {
            let bytes_lost = self.len - offset;
            self.note(Damage { offset, bytes_lost, records: Some(0), reason: DamageReason::Index });
        }
        Ok(())
    }

    /// Makes an index from the section headers.
    fn scan(&self) -> Result<Index, ReadError> {
        let mut index = Index::default();
        let mut offset = HEADER_BYTES;
        loop {
            match self.find(offset)? {
                Found::Section(header) => {
                    index.push(Entry::new(offset, &header));
                    offset += header.total_bytes();
                }
                Found::Damaged(_, Some(resume)) => offset = resume,
                Found::Damaged(_, None) | Found::End => return Ok(index),
            }
        }
    }

    fn note(&mut self, damage: Damage) {
        note(&mut self.damage, damage);
    }

    /// Reads exactly these bytes, which the file had when it was opened.
    fn read_at(&self, into: &mut [u8], offset: u64) -> Result<(), ReadError> {
        let (path, len) = (&self.path, self.len);
        self.file.read_exact_at(into, offset).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => ReadError::Shrunk { path: path.clone(), offset, len },
            _ => ReadError::Io { path: path.clone(), offset, source },
        })
    }
}

/// Reads and judges the file header.
fn file_header(path: &Path, file: &File, len: u64) -> Result<FileHeader, ReadError> {
    let path = || path.to_owned();
    if len == 0 {
        return Err(ReadError::Header { path: path(), len });
    }
    let mut bytes = [0; HEADER];
    let there = bytes.get_mut(..usize::try_from(len).unwrap_or(usize::MAX).min(HEADER));
    let there = there.unwrap_or_default();
    file.read_exact_at(there, 0).map_err(|source| ReadError::Io { path: path(), offset: 0, source })?;
    let magic_matches = FileHeader::signature().starts_with(there) || there.starts_with(FileHeader::signature());
    let header = FileHeader::from_bytes(&bytes).filter(|_| len >= HEADER_BYTES);
    let Some(header) = header.filter(FileHeader::is_whole) else {
        return Err(if magic_matches {
            ReadError::Header { path: path(), len }
        } else {
            ReadError::NotACapture { path: path() }
        });
    };
    for (what, found, reads) in [("format", header.format(), FORMAT), ("schema", header.schema(), SCHEMA)] {
        // A newer minor version only adds what is passed over: kinds of sections, kinds of events.
        if found.major != reads.major {
            return Err(ReadError::Version { path: path(), what, found, reads: reads.major });
        }
    }
    Ok(header)
}

fn note(list: &mut Vec<Damage>, damage: Damage) {
    if list.contains(&damage) {
        return; // Read again after a seek.
    }
    if list.len() < MAX_DAMAGE {
        list.push(damage);
    } else if let Some(last) = list.last_mut() {
        last.bytes_lost += damage.bytes_lost;
        last.records = last.records.zip(damage.records).map(|(a, b)| a + b);
    }
}

/// One section, unpacked and checked against its checksum.
#[derive(Debug)]
pub struct Section<'r> {
    header: SectionHeader,
    kind: SectionKind,
    offset: u64,
    bytes: &'r [u8],
    broken: Cell<Option<Damage>>,
    damage: &'r mut Vec<Damage>,
}

impl<'r> Section<'r> {
    /// Returns what the section holds.
    #[must_use]
    pub fn kind(&self) -> SectionKind {
        self.kind
    }

    pub(crate) fn header(&self) -> &SectionHeader {
        &self.header
    }

    /// Returns whether a checkpoint starts with this section; it may go on in the next ones.
    #[must_use]
    pub fn starts_checkpoint(&self) -> bool {
        self.kind == SectionKind::Checkpoint && self.header.flags & SectionHeader::STARTS_CHECKPOINT != 0
    }

    /// Returns the `evt.num` of the first numbered event in or behind this section.
    #[must_use]
    pub fn first_num(&self) -> u64 {
        self.header.first_num
    }

    /// Returns how many records its writer put in.
    #[must_use]
    pub fn records(&self) -> u32 {
        self.header.records
    }

    /// Iterates over the records; it ends early, and notes the damage, where one cannot be.
    pub fn events<'s>(&'s self) -> Records<'s, 'r> {
        Records { rest: self.bytes, section: self }
    }
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        if let Some(damage) = self.broken.take() {
            note(self.damage, damage);
        }
    }
}

/// Iterator over the records of a section.
#[derive(Debug)]
pub struct Records<'s, 'r> {
    rest: &'r [u8],
    section: &'s Section<'r>,
}

impl<'r> Iterator for Records<'_, 'r> {
    type Item = RawEvent<'r>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match split_record(self.rest) {
            Ok((event, rest)) => {
                self.rest = rest;
                Some(event)
            }
            Err(error) => {
                let (offset, reason) = (self.section.offset, DamageReason::Record(error));
                let bytes_lost = std::mem::take(&mut self.rest).len() as u64;
                self.section.broken.set(Some(Damage { offset, bytes_lost, records: None, reason }));
                None
            }
        }
    }
}
