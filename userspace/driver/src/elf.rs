//! Reads a module file: its information section, its build id, its signature.

use crate::source::{hex, sha256};
use object::{File, Object as _, ObjectSection as _};
use std::path::Path;
use std::{fs, io};

/// What the kernel looks for at the end of a signed module.
const SIGNATURE_MARK: &[u8] = b"~Module signature appended~\n";

/// A module in memory: what is checked is what is loaded.
#[derive(Debug)]
pub struct ModuleFile {
    bytes: Vec<u8>,
    info: Vec<(String, String)>,
    build_id: String,
}

impl ModuleFile {
    /// Reads a module.
    ///
    /// # Errors
    /// When it cannot be read, or is no ELF file with a `.modinfo` section.
    pub fn read(path: &Path) -> io::Result<Self> {
        Self::parse(fs::read(path)?)
    }

    /// Takes the bytes of a module.
    ///
    /// # Errors
    /// When they are no ELF file with a `.modinfo` section.
    pub fn parse(bytes: Vec<u8>) -> io::Result<Self> {
        let invalid =
            |err: object::Error| io::Error::new(io::ErrorKind::InvalidData, format!("no kernel module: {err}"));
        let file = File::parse(bytes.as_slice()).map_err(invalid)?;
        let section = file.section_by_name(".modinfo");
        let section = section
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no kernel module: it has no `.modinfo`"))?;
        let info = section.data().map_err(invalid)?.split(|byte| *byte == 0).filter_map(|entry| {
            let (name, value) = std::str::from_utf8(entry).ok()?.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        let info = info.collect();
        let build_id = file.build_id().map_err(invalid)?.map(hex).unwrap_or_default();
        Ok(Self { bytes, info, build_id })
    }

    /// Returns the whole file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns an entry of the information section, such as `vermagic`.
    #[must_use]
    pub fn info(&self, name: &str) -> Option<&str> {
        self.info.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Returns the kernel release that the module is for.
    #[must_use]
    pub fn release(&self) -> &str {
        self.info("vermagic").and_then(|magic| magic.split(' ').next()).unwrap_or_default()
    }

    /// Returns the linker's build id in hexadecimal; empty where there is none.
    #[must_use]
    pub fn build_id(&self) -> &str {
        &self.build_id
    }

    /// Returns whether a signature is appended. Only the kernel can tell whether it is a good one.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.bytes.ends_with(SIGNATURE_MARK)
    }

    /// Returns the SHA-256 in hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> String {
        sha256(&self.bytes)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
pub(crate) mod tests {
    use super::*;
    use object::write::{Object, StandardSegment};
    use object::{Architecture, BinaryFormat, Endianness, SectionKind};

    /// An object file with a `.modinfo` section.
    pub(crate) fn module_with(info: &[u8]) -> Vec<u8> {
        let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
        let segment = object.segment_name(StandardSegment::Data).to_vec();
        let section = object.add_section(segment, b".modinfo".to_vec(), SectionKind::ReadOnlyData);
        object.set_section_data(section, info.to_vec(), 1);
        object.write().unwrap()
    }

    #[test]
    fn the_information_section_is_read() {
        let module = ModuleFile::parse(module_with(b"name=saker\0vermagic=7.3.4+x SMP mod_unload \0")).unwrap();
        assert_eq!(module.info("name"), Some("saker"));
        assert_eq!(module.release(), "7.3.4+x");
        assert_eq!(module.info("nam"), None);
        assert!(!module.is_signed());
    }

    #[test]
    fn a_signature_is_seen_at_the_end_only() {
        let mut bytes = module_with(b"name=saker\0");
        bytes.extend(SIGNATURE_MARK);
        assert!(ModuleFile::parse(bytes.clone()).unwrap().is_signed());
        bytes.push(0);
        assert!(!ModuleFile::parse(bytes).unwrap().is_signed());
    }

    #[test]
    fn what_is_no_module_is_refused() {
        for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF", &vec![0xff; 4096]] {
            assert!(ModuleFile::parse(bytes.to_vec()).is_err());
        }
        let whole = module_with(b"name=saker\0");
        for cut in 0..whole.len() {
            // Whatever it says, it must not panic.
            let _ = ModuleFile::parse(whole[..cut].to_vec());
        }
    }
}
