// SPDX-License-Identifier: Apache-2.0

//! Writes a capture anew, packed or unpacked.

use crate::error::{Damage, ReadError, WriteError};
use crate::layout::SectionKind;
use crate::reader::{Checkpoints, SkrReader};
use crate::writer::{Existing, Options, SkrWriter, Summary};
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Why a capture cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// The input cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The output cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Input and output are one file.
    #[error("{path}: is the input too; choose another name", path = path.display())]
    SameFile {
        /// The file.
        path: PathBuf,
    },
    /// The finished file cannot get its name.
    #[error("{path}: cannot be put in place", path = path.display())]
    Rename {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// What became of a capture that was packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// The output.
    pub summary: Summary,
    /// What could not be read from the input, and is not in the output.
    pub damage: Vec<Damage>,
}

/// Copies the capture `input` to `output` with other storage `options`; identity, records and checkpoints stay.
///
/// The output appears under its name when it is whole; until then it is `output` with `.partial` behind it.
///
/// # Errors
/// Returns [`PackError`]; the input is never touched.
pub fn pack(input: impl AsRef<Path>, output: impl AsRef<Path>, options: Options) -> Result<Packed, PackError> {
    let output = output.as_ref();
    let mut reader = SkrReader::open(input)?.with_checkpoints(Checkpoints::All);
    refuse(&reader, output, options)?;
    let partial = with_suffix(output, ".partial");
    let storage = Options { existing: Existing::Replace, ..options };
    refuse(&reader, &partial, storage)?;
    let writer = SkrWriter::create_with_id(&partial, storage, reader.id())?;
    let copied = copy(&mut reader, writer).and_then(|summary| {
        put_in_place(&partial, output).map_err(|source| PackError::Rename { path: output.to_owned(), source })?;
        Ok(summary)
    });
    if copied.is_err() {
        // The input is still there, so half a copy helps nobody.
        let _ = fs::remove_file(&partial);
    }
    Ok(Packed { summary: copied?, damage: reader.damage().to_vec() })
}

fn refuse(reader: &SkrReader, output: &Path, options: Options) -> Result<(), PackError> {
    let Ok(there) = fs::metadata(output) else { return Ok(()) };
    let path = output.to_owned();
    let input = reader.file().metadata();
    let input = input.map_err(|source| ReadError::Open { path: reader.path().to_owned(), source })?;
    if (there.dev(), there.ino()) == (input.dev(), input.ino()) {
        return Err(PackError::SameFile { path });
    }
    match options.existing {
        Existing::Refuse => Err(WriteError::Exists { path }.into()),
        Existing::Replace => Ok(()),
    }
}

fn copy(reader: &mut SkrReader, mut writer: SkrWriter) -> Result<Summary, PackError> {
    while let Some(section) = reader.next_section()? {
        match section.kind() {
            SectionKind::Checkpoint => writer.checkpoint_part(section.header().flags, section.events())?,
            _ => section.events().try_for_each(|event| writer.append(&event))?,
        }
    }
    Ok(writer.finish()?)
}

fn put_in_place(partial: &Path, output: &Path) -> std::io::Result<()> {
    fs::rename(partial, output)?;
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
