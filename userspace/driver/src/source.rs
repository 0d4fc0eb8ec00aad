//! The module's sources: those in this binary, or those of a folder.

use crate::error::BuildError;
use crate::layout;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::fs;
use std::path::Path;

/// Path and contents of every source file of the module, as this binary was built.
const EMBEDDED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// Everything the module is built from.
#[derive(Debug)]
pub struct Source {
    files: Vec<(String, Cow<'static, [u8]>)>,
    commit: Option<String>,
}

impl Source {
    /// Returns the sources that this binary carries.
    #[must_use]
    pub fn embedded() -> Self {
        let files = EMBEDDED.iter().map(|(path, bytes)| ((*path).to_owned(), Cow::Borrowed(*bytes))).collect();
        let commit = env!("SAKER_SOURCE_COMMIT");
        Self { files, commit: (!commit.is_empty()).then(|| commit.to_owned()) }
    }

    /// Reads the sources below `top`, a checkout of Saker.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(top: &Path) -> Result<Self, BuildError> {
        let missing = layout::SOURCE_PATHS.iter().find(|path| !top.join(path).exists());
        if let Some(missing) = missing {
            return Err(BuildError::NoSource { folder: top.to_owned(), missing: (*missing).to_owned() });
        }
        let files = layout::source_files(top).map_err(BuildError::io(top))?;
        let read = |path: String| {
            let full = top.join(&path);
            Ok((path, Cow::Owned(fs::read(&full).map_err(BuildError::io(&full))?)))
        };
        Ok(Self { files: files.into_iter().map(read).collect::<Result<_, BuildError>>()?, commit: layout::commit(top) })
    }

    /// Returns whether there is a module to build: a tree may have the contract alone.
    #[must_use]
    pub fn has_module(&self) -> bool {
        self.file("kmod/main.rs").is_some()
    }

    /// Returns the commit that the sources are of, where that is known.
    #[must_use]
    pub fn commit(&self) -> Option<&str> {
        self.commit.as_deref()
    }

    /// Returns the SHA-256 of all paths and contents, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (path, bytes) in &self.files {
            hash.update(format!("{path}\n{}\n", bytes.len()));
            hash.update(bytes);
        }
        hex(&hash.finalize())
    }

    /// Returns major and minor of a version that the contract in these sources states, such as `PROTOCOL`.
    #[must_use]
    pub fn version(&self, name: &str) -> Option<String> {
        let text = std::str::from_utf8(self.file("driver-api/src/api/version.rs")?).ok()?;
        let (_, value) = text.split_once(&format!("pub const {name}: Version = Version {{"))?;
        let number = |field: &str| -> Option<u16> {
            let (_, rest) = value.split_once('}')?.0.split_once(&format!("{field}:"))?;
            rest.trim_start().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
        };
        Some(format!("{}.{}", number("major")?, number("minor")?))
    }

    /// Writes the sources below `folder`, which is emptied first.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), BuildError> {
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(BuildError::io(folder))?;
        }
        for (path, bytes) in &self.files {
            let path = folder.join(path);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent).map_err(BuildError::io(parent))?;
            fs::write(&path, bytes).map_err(BuildError::io(&path))?;
        }
        Ok(())
    }

    fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.iter().find(|(name, _)| name == path).map(|(_, bytes)| bytes.as_ref())
    }
}

/// Returns bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Returns the SHA-256 of `bytes` in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use saker_driver_api::version::{PROTOCOL, SCHEMA, Version};

    fn checkout() -> Source {
        Source::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
    }

    #[test]
    fn the_binary_carries_the_sources_of_its_checkout() {
        let (embedded, read) = (Source::embedded(), checkout());
        assert_eq!(embedded.files, read.files);
        assert_eq!(embedded.digest(), read.digest());
        assert!(embedded.file("Kbuild").is_some(), "the list of objects is part of the sources");
    }

    #[test]
    fn versions_are_read_from_the_sources() {
        let text = |version: Version| format!("{}.{}", version.major, version.minor);
        assert_eq!(checkout().version("PROTOCOL"), Some(text(PROTOCOL)));
        assert_eq!(checkout().version("SCHEMA"), Some(text(SCHEMA)));
        assert_eq!(checkout().version("ABSENT"), None);
    }

    #[test]
    fn the_digest_covers_names_and_contents() {
        let of = |path: &str, bytes: &'static [u8]| {
            Source { files: vec![(path.to_owned(), Cow::Borrowed(bytes))], commit: None }.digest()
        };
        assert_ne!(of("kmod/a.rs", b"x"), of("kmod/b.rs", b"x"));
        assert_ne!(of("kmod/a.rs", b"x"), of("kmod/a.rs", b"y"));
    }

    #[test]
    fn what_a_build_left_is_no_source() {
        let top = tempfile::tempdir().unwrap();
        for path in ["Kbuild", "kmod/main.rs", "kmod/main.o", "kmod/saker.mod.c", "kmod/.main.o.cmd", "kmod/README.md"]
        {
            let path = top.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::create_dir_all(top.path().join("driver-api/src/api")).unwrap();
        let source = Source::read(top.path()).unwrap();
        assert_eq!(source.files.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["Kbuild", "kmod/main.rs"]);
    }

    #[test]
    fn a_folder_that_is_no_checkout_is_refused() {
        let top = tempfile::tempdir().unwrap();
        assert!(Source::read(top.path()).unwrap_err().to_string().contains("`Kbuild`"));
    }
}
