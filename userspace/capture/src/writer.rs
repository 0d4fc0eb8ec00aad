// SPDX-License-Identifier: Apache-2.0

//! Writes a capture, section by section.
//!
//! Records gather in memory until a section is full, covers a second, or [`SkrWriter::flush`] is called; then header
//! and payload go to the file. A write that fails takes the file back to its last whole section. A writer that is dropped
//! flushes what it has; only [`SkrWriter::finish`] adds the index and waits for the disk.

use crate::error::WriteError;
use crate::index::{Entry, Index};
use crate::is_numbered;
use crate::layout::{CaptureId, Codec, FileHeader, MAX_SECTION_BYTES, SectionHeader, SectionKind, Trailer};
use saker_driver_api::record::{EventHeader, RawEvent};
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use zerocopy::IntoBytes as _;

/// Bytes of records after which a section is written.
const SECTION_BYTES: usize = 512 << 10;
/// Time that one section covers at most.
const SECTION_NS: u64 = 1_000_000_000;

/// How sections are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compress {
    /// As they lay in memory.
    #[default]
    Raw,
    /// With zstd, at this level; a section that does not get smaller stays raw.
    Zstd(i32),
}

/// What to do about a file of that name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and creating fails.
    #[default]
    Refuse,
    /// It is overwritten.
    Replace,
}

/// How a capture is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// How sections are stored.
    pub compress: Compress,
    /// What to do about a file of that name.
    pub existing: Existing,
}

/// What a finished capture holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Sections, without the index.
    pub sections: u64,
    /// Records of the stream, without those of checkpoints.
    pub records: u64,
    /// Records that `evt.num` counts.
    pub events: u64,
}

/// Writes one capture.
pub struct SkrWriter {
    path: PathBuf,
    file: File,
    compressor: Option<zstd::bulk::Compressor<'static>>,
    /// End of the last whole section.
    offset: u64,
    pending: Vec<u8>,
    section: SectionHeader,
    packed: Vec<u8>,
    index: Index,
    summary: Summary,
    last_ns: u64,
    stopped: bool,
}

impl std::fmt::Debug for SkrWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SkrWriter").field("path", &self.path).field("summary", &self.summary).finish_non_exhaustive()
    }
}

impl SkrWriter {
    /// Makes the file, readable by its owner alone: captures hold what processes said.
    ///
    /// # Errors
    /// Returns [`WriteError`] when the file exists and must stay, or cannot be made or written.
    pub fn create(path: impl AsRef<Path>, options: Options) -> Result<Self, WriteError> {
        let random = || RandomState::new().hash_one(std::process::id()).to_le_bytes();
        let mut id = [0; 16];
        id.iter_mut().zip(random().into_iter().chain(random())).for_each(|(into, byte)| *into = byte);
        Self::create_with_id(path.as_ref(), options, CaptureId(id))
    }

    pub(crate) fn create_with_id(path: &Path, options: Options, id: CaptureId) -> Result<Self, WriteError> {
        let failed = |source: io::Error| match source.kind() {
            io::ErrorKind::AlreadyExists => WriteError::Exists { path: path.to_owned() },
            _ => WriteError::Create { path: path.to_owned(), source },
        };
        let mut open = OpenOptions::new();
        open.write(true).mode(0o600);
        match options.existing {
            Existing::Refuse => open.create_new(true),
            Existing::Replace => open.create(true).truncate(true),
        };
        let compressor = match options.compress {
            Compress::Raw => None,
            Compress::Zstd(level) => Some(zstd::bulk::Compressor::new(level).map_err(failed)?),
        };
        let mut writer = Self {
            path: path.to_owned(),
            file: open.open(path).map_err(failed)?,
            compressor,
            offset: 0,
            pending: Vec::with_capacity(SECTION_BYTES),
            section: SectionHeader::default(),
            packed: Vec::new(),
            index: Index::default(),
            summary: Summary::default(),
            last_ns: 0,
            stopped: false,
        };
        writer.write(&[FileHeader::new(id).as_bytes()])?;
        Ok(writer)
    }

    /// Adds the next record of the stream.
    ///
    /// # Errors
    /// Returns [`WriteError`] when a section cannot be written; everything up to the last whole one stays readable.
    pub fn append(&mut self, event: &RawEvent<'_>) -> Result<(), WriteError> {
        self.append_flagged(event, 0)
    }

    /// Adds the next record of the stream with more `RecordFlags` set, such as `LATE`.
    ///
    /// # Errors
    /// As [`SkrWriter::append`].
    pub fn append_flagged(&mut self, event: &RawEvent<'_>, flags: u16) -> Result<(), WriteError> {
        if self.stopped {
            return Err(WriteError::Stopped { path: self.path.clone() });
        }
        let ts_ns = event.header().ts_ns;
        let full = self.pending.len() + event.bytes().len() > SECTION_BYTES;
        if full || ts_ns.saturating_sub(self.section.first_ns) > SECTION_NS {
            self.flush()?;
        }
        self.put(event, flags, ts_ns);
        self.section.last_ns = ts_ns;
        self.last_ns = ts_ns;
        self.summary.records += 1;
        self.summary.events += u64::from(is_numbered(event));
        Ok(())
    }

    /// Adds the state at this place of the stream, as records, for readers that start here.
    ///
    /// # Errors
    /// As [`SkrWriter::append`].
    pub fn checkpoint<'a>(&mut self, records: impl IntoIterator<Item = RawEvent<'a>>) -> Result<(), WriteError> {
        self.checkpoint_part(SectionHeader::STARTS_CHECKPOINT, records)
    }

    /// Adds a checkpoint, or more of the one before, by `flags` of its first section.
    pub(crate) fn checkpoint_part<'a>(
        &mut self,
        mut flags: u16,
        records: impl IntoIterator<Item = RawEvent<'a>>,
    ) -> Result<(), WriteError> {
        self.flush()?;
        for event in records {
            if self.pending.len() + event.bytes().len() > MAX_SECTION_BYTES {
                self.write_section(SectionKind::Checkpoint, flags)?;
                flags = 0;
            }
            self.put(&event, 0, self.last_ns);
            self.section.last_ns = self.last_ns;
        }
        self.write_section(SectionKind::Checkpoint, flags)
    }

    /// Writes the records gathered so far as a section of their own.
    ///
    /// # Errors
    /// As [`SkrWriter::append`].
    pub fn flush(&mut self) -> Result<(), WriteError> {
        self.write_section(SectionKind::Records, 0)
    }

    /// Writes what is left, the index and the trailer, and waits until the disk has them.
    ///
    /// # Errors
    /// As [`SkrWriter::append`].
    pub fn finish(mut self) -> Result<Summary, WriteError> {
        self.flush()?;
        let index = self.index.encode().map_err(|reason| WriteError::Index { path: self.path.clone(), reason })?;
        let trailer = Trailer::new(self.offset, self.summary.sections);
        let header = SectionHeader {
            kind: SectionKind::Index as u8,
            codec: Codec::Raw as u8,
            first_num: self.summary.events + 1,
            number: self.summary.sections,
            first_ns: self.last_ns,
            last_ns: self.last_ns,
            ..lengths(index.len(), index.len())
        };
        self.write(&[header.sealed(&index).as_bytes(), &index, padding(index.len()), trailer.as_bytes()])?;
        self.stopped = true;
        self.file.sync_all().map_err(|source| self.failed(source))?;
        Ok(Summary { file_bytes: self.offset, ..self.summary })
    }

    /// Copies a record into the section that is being gathered.
    fn put(&mut self, event: &RawEvent<'_>, flags: u16, ts_ns: u64) {
        if self.pending.is_empty() {
            self.section = SectionHeader {
                first_ns: ts_ns,
                first_num: self.summary.events + 1,
                number: self.summary.sections,
                ..SectionHeader::default()
            };
        }
        let start = self.pending.len();
        self.pending.extend_from_slice(event.bytes());
        self.section.records += 1;
        if flags != 0 {
            let at = start + std::mem::offset_of!(EventHeader, flags);
            let flags = (event.header().flags | flags).to_le_bytes();
            self.pending.iter_mut().skip(at).zip(flags).for_each(|(into, byte)| *into = byte);
        }
    }

    fn write_section(&mut self, kind: SectionKind, flags: u16) -> Result<(), WriteError> {
        if self.stopped {
            return Err(WriteError::Stopped { path: self.path.clone() });
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        let (mut pending, mut packed) = (std::mem::take(&mut self.pending), std::mem::take(&mut self.packed));
        let written = self.write_payload(kind, flags, &pending, &mut packed);
        pending.clear();
        (self.pending, self.packed) = (pending, packed);
        written
    }

    fn write_payload(
        &mut self,
        kind: SectionKind,
        flags: u16,
        raw: &[u8],
        packed: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        let (codec, stored) = match &mut self.compressor {
            None => (Codec::Raw, raw),
            Some(compressor) => {
                packed.resize(zstd::zstd_safe::compress_bound(raw.len()), 0);
                match compressor.compress_to_buffer(raw, packed.as_mut_slice()) {
                    Ok(len) if len < raw.len() => (Codec::Zstd, packed.get(..len).unwrap_or_default()),
                    // What zstd cannot make smaller, or refuses, is stored as it is.
                    _ => (Codec::Raw, raw),
                }
            }
        };
        let section = self.section;
        let header = SectionHeader {
            kind: kind as u8,
            codec: codec as u8,
            flags,
            records: section.records,
            first_ns: section.first_ns,
            last_ns: section.last_ns,
            first_num: section.first_num,
            number: section.number,
            ..lengths(stored.len(), raw.len())
        };
        let entry = Entry::new(self.offset, &header);
        self.write(&[header.sealed(stored).as_bytes(), stored, padding(stored.len())])?;
        self.index.push(entry);
        self.summary.sections += 1;
        Ok(())
    }

    /// Writes parts that belong together; after a failure the file ends where it ended before.
    fn write(&mut self, parts: &[&[u8]]) -> Result<(), WriteError> {
        let written = parts.iter().try_for_each(|part| self.file.write_all(part));
        if let Err(source) = written {
            self.stopped = true;
            // Where this fails too, the reader finds the last whole section by its checksums.
            let _ = self.file.set_len(self.offset);
            return Err(self.failed(source));
        }
        self.offset += parts.iter().map(|part| part.len() as u64).sum::<u64>();
        Ok(())
    }

    fn failed(&self, source: io::Error) -> WriteError {
        let (path, offset, sections) = (self.path.clone(), self.offset, self.summary.sections);
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                WriteError::Full { path, offset, sections, source }
            }
            _ => WriteError::Io { path, offset, sections, source },
        }
    }
}

impl Drop for SkrWriter {
    fn drop(&mut self) {
        if !self.stopped {
            // Nobody is left to tell; `finish` is for those who want to know.
            let _ = self.flush();
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "sections and the index are bounded far below 4 GiB")]
fn lengths(stored: usize, raw: usize) -> SectionHeader {
    SectionHeader { stored_len: stored as u32, raw_len: raw as u32, ..SectionHeader::default() }
}

fn padding(len: usize) -> &'static [u8] {
    const ZEROS: &[u8; 8] = &[0; 8];
    ZEROS.get(..len.next_multiple_of(8) - len).unwrap_or_default()
}
