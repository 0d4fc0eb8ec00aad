// SPDX-License-Identifier: Apache-2.0

//! Native captures (`.skr`): the merged stream of records, exactly as they lay in memory.
//!
//! ```text
//! [file header][section]...[section][index section][trailer]        section = [header][records, raw or zstd][padding]
//! ```
//! Every section stands for itself: checksums over its header and its bytes, its times and its first `evt.num`. So a
//! file that was cut anywhere is read up to its last whole section, damage in the middle costs one section, and both are
//! reported as [`Damage`]. `docs/capture-format.md` has the layout byte by byte.
//!
//! Files are read, not mapped (`docs/decisions/0001-captures-are-read-not-mapped.md`): a file that shrinks meanwhile is an error.
//! Limits: a section holds at most 4 MiB of records; the index at most a million entries, thinned beyond that.
//!
//! ```
//! use saker_capture::{Existing, Options, SkrReader, SkrWriter};
//! use saker_driver_api::event::EventType;
//! use saker_driver_api::record::{EventHeader, RecordWriter, split_record};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("a.skr");
//! let mut words = [0_u64; 8];
//! let span = zerocopy::IntoBytes::as_mut_bytes(&mut words);
//! let header = EventHeader { kind: EventType::CloseExit as u16, ..EventHeader::default() };
//! RecordWriter::begin(span, 0).map(|record| record.finish(header));
//! let (event, _) = split_record(span).map_err(|error| error.to_string())?;
//!
//! let mut writer = SkrWriter::create(&path, Options::default())?;
//! writer.append(&event)?;
//! writer.finish()?;
//!
//! let mut reader = SkrReader::open(&path)?;
//! while let Some(section) = reader.next_section()? {
//!     assert_eq!(section.events().count(), 1);
//! }
//! assert!(reader.damage().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod error;
mod index;
mod info;
mod layout;
mod pack;
mod reader;
mod writer;

pub use error::{Damage, DamageReason, ReadError, WriteError};
pub use info::{Depth, Info, info};
pub use layout::{CaptureId, FORMAT, SectionKind};
pub use pack::{PackError, Packed, pack};
pub use reader::{Checkpoints, Records, Section, Seek, SeekPoint, SkrReader};
pub use writer::{Compress, Existing, Options, SkrWriter, Summary};

use saker_driver_api::event::{EventType, Phase};
use saker_driver_api::record::{RawEvent, RecordFlags};

/// Returns whether `evt.num` counts a record, which it does for what rules can see: not for meta records, records that
/// only inform the tables, starts of calls, and kinds that this version does not know.
#[must_use]
pub fn is_numbered(event: &RawEvent<'_>) -> bool {
    let header = event.header();
    header.flags & RecordFlags::STATE_ONLY == 0
        && EventType::from_wire(header.kind).is_some_and(|kind| !kind.is_meta() && kind.info().phase != Phase::Enter)
}
