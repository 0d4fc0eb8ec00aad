// SPDX-License-Identifier: Apache-2.0

//! What a capture holds, and whether it is whole.

use crate::error::{Damage, ReadError};
use crate::layout::{CaptureId, HEADER_BYTES, SectionHeader, SectionKind};
use crate::reader::{Checkpoints, Found, SkrReader};
use saker_driver_api::version::Version;
use std::path::Path;

/// How closely a capture is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Section headers only: fast, and finds cuts but not changed bytes.
    Headers,
    /// Everything, against the checksums.
    Everything,
}

/// A capture in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// Identity of the capture.
    pub id: CaptureId,
    /// Version of the layout.
    pub format: Version,
    /// Version of the event table.
    pub schema: Version,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Whether the writer finished it and nothing was cut off since.
    pub finished: bool,
    /// Sections of the stream.
    pub sections: u64,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Records of the stream.
    pub records: u64,
    /// Bytes of the stream's sections in the file.
    pub stored_bytes: u64,
    /// The same before compression.
    pub raw_bytes: u64,
    /// Boot-clock time of the first record, in nanoseconds.
    pub first_ns: Option<u64>,
    /// The same of the last.
    pub last_ns: Option<u64>,
    /// What cannot be read.
    pub damage: Vec<Damage>,
}

/// Looks at a capture.
///
/// # Errors
/// Returns [`ReadError`] when the file is no capture or reading fails.
pub fn info(path: impl AsRef<Path>, depth: Depth) -> Result<Info, ReadError> {
    let mut reader = SkrReader::open(path)?.with_checkpoints(Checkpoints::All);
    let (format, schema) = reader.versions();
    let mut info = Info {
        id: reader.id(),
        format,
        schema,
        file_bytes: reader.file_bytes(),
        finished: reader.is_finished(),
        sections: 0,
        checkpoints: 0,
        records: 0,
        stored_bytes: 0,
        raw_bytes: 0,
        first_ns: None,
        last_ns: None,
        damage: Vec::new(),
    };
    match depth {
        Depth::Headers => headers(&reader, &mut info)?,
        Depth::Everything => {
            while let Some(section) = reader.next_section()? {
                section.events().for_each(drop);
                section.header().count(&mut info);
            }
            info.damage = reader.damage().to_vec();
        }
    }
    Ok(info)
}

fn headers(reader: &SkrReader, info: &mut Info) -> Result<(), ReadError> {
    info.damage = reader.damage().to_vec();
    let mut offset = HEADER_BYTES;
    loop {
        match reader.find(offset)? {
            Found::Section(header) => {
                header.count(info);
                offset += header.total_bytes();
            }
            Found::Damaged(damage, resume) => {
                info.damage.push(damage);
                match resume {
                    Some(resume) => offset = resume,
                    None => return Ok(()),
                }
            }
            Found::End => {
                info.damage.extend(reader.unfinished(offset));
                return Ok(());
            }
        }
    }
}

impl SectionHeader {
    fn count(&self, info: &mut Info) {
        match SectionKind::from_wire(self.kind) {
            Some(SectionKind::Records) => {
                info.sections += 1;
                info.records += u64::from(self.records);
                info.stored_bytes += u64::from(self.stored_len);
                info.raw_bytes += u64::from(self.raw_len);
                info.first_ns = info.first_ns.or(Some(self.first_ns));
                info.last_ns = Some(self.last_ns);
            }
            Some(SectionKind::Checkpoint) => info.checkpoints += u64::from(self.flags & Self::STARTS_CHECKPOINT),
            Some(SectionKind::Index) | None => {}
        }
    }
}
