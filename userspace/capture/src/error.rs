// SPDX-License-Identifier: Apache-2.0

//! What can go wrong with a capture: errors end the operation, damage is what a reader got past.

use saker_driver_api::record::RecordError;
use saker_driver_api::version::Version;
use std::io;
use std::path::PathBuf;

/// Why a capture cannot be read, or read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be opened.
    #[error("{path}: cannot be opened", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Reading failed.
    #[error("{path}: reading failed at offset {offset}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Where, in bytes.
        offset: u64,
        /// What the system says.
        source: io::Error,
    },
    /// The file is something else.
    #[error("{path}: not a capture: it does not start with the `.skr` signature", path = path.display())]
    NotACapture {
        /// The file.
        path: PathBuf,
    },
    /// A folder, a pipe, a device: a capture is read from more than one place.
    #[error("{path}: not a regular file: write what comes from a pipe to a file first", path = path.display())]
    NotAFile {
        /// What is there.
        path: PathBuf,
    },
    /// Even the file header is not whole.
    #[error("{path}: the file header is damaged or cut ({len} bytes of file): nothing in it can be read; use another copy", path = path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// Bytes of the file.
        len: u64,
    },
    /// Written by a version whose files mean something else.
    #[error("{path}: {what} version {found_major}.{found_minor}, this program reads {reads}.x: use the version of saker that wrote it, or a newer one", path = path.display(), found_major = found.major, found_minor = found.minor)]
    Version {
        /// The file.
        path: PathBuf,
        /// Which version: `format` or `schema`.
        what: &'static str,
        /// The file's.
        found: Version,
        /// The major version that this program reads.
        reads: u16,
    },
    /// The file got shorter while it was read.
    #[error("{path}: shrank while it was read: {len} bytes when opened, nothing at offset {offset} now; what was read before is good", path = path.display())]
    Shrunk {
        /// The file.
        path: PathBuf,
        /// Where there are no bytes any more.
        offset: u64,
        /// Bytes when it was opened.
        len: u64,
    },
}

/// Why a capture cannot be written, or written on.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file cannot be made.
    #[error("{path}: cannot be created", path = path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is such a file already.
    #[error("{path}: exists already; remove it or choose another name", path = path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// No space is left.
    #[error("{path}: no space left at offset {offset}; the {sections} sections before it are readable: free some space or write elsewhere", path = path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// End of what is readable, in bytes.
        offset: u64,
        /// Whole sections in the file.
        sections: u64,
        /// What the system says.
        source: io::Error,
    },
    /// Writing failed.
    #[error("{path}: writing failed at offset {offset}; the {sections} sections before it are readable", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// End of what is readable, in bytes.
        offset: u64,
        /// Whole sections in the file.
        sections: u64,
        /// What the system says.
        source: io::Error,
    },
    /// An earlier write failed, and nothing was written since.
    #[error("{path}: an earlier write failed; nothing more is written", path = path.display())]
    Stopped {
        /// The file.
        path: PathBuf,
    },
    /// The index cannot be encoded.
    #[error("{path}: the index cannot be encoded: {reason}; the records are readable without it", path = path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// What the encoder says.
        reason: String,
    },
}

/// Part of a capture that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("offset {offset}: {reason}; {bytes_lost} bytes lost{}", records.map_or(String::new(), |n| format!(", {n} records")))]
pub struct Damage {
    /// Where it starts in the file, in bytes.
    pub offset: u64,
    /// Bytes of the file passed over.
    pub bytes_lost: u64,
    /// Records in them, where that is known.
    pub records: Option<u64>,
    /// What is wrong.
    pub reason: DamageReason,
}

/// What is wrong with a damaged part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DamageReason {
    /// The file ends in the middle of a section.
    #[error("the file is cut here")]
    Cut,
    /// The file ends behind a whole section, without index: its writer did not finish.
    #[error("the writer did not finish the file")]
    Unfinished,
    /// The index or the trailer is cut or damaged: no records are lost, only seeking is slower.
    #[error("the index is damaged")]
    Index,
    /// A section's header is damaged, so that its length is not known.
    #[error("the section header is damaged")]
    Header,
    /// A section's bytes are not the ones that were written.
    #[error("the checksum of the section does not match")]
    Checksum,
    /// A section is packed in a way that this version does not know, or cannot be unpacked.
    #[error("the section cannot be unpacked")]
    Codec,
    /// A section that was written so holds something that is no record.
    #[error("{0}")]
    Record(RecordError),
}
