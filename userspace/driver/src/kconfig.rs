//! What a kernel's configuration says about modules.

use crate::error::BuildError;
use std::fs;
use std::path::Path;

/// A kernel's `.config`.
#[derive(Debug, Clone)]
pub(crate) struct KernelConfig(String);

impl KernelConfig {
    /// Reads a `.config`.
    pub(crate) fn read(path: &Path) -> Result<Self, BuildError> {
        Ok(Self(fs::read_to_string(path).map_err(BuildError::io(path))?))
    }

    /// Takes the text of a `.config`.
    pub(crate) fn parse(text: String) -> Self {
        Self(text)
    }

    /// Returns whether modules in Rust can be loaded.
    pub(crate) fn has_rust(&self) -> bool {
        self.value("RUST") == Some("y")
    }

    /// Returns the rustc that built the kernel, as it names itself; empty where none did.
    pub(crate) fn rustc(&self) -> String {
        self.text("RUSTC_VERSION_TEXT")
    }

    /// Returns the C compiler that built the kernel, as it names itself.
    pub(crate) fn cc(&self) -> String {
        self.text("CC_VERSION_TEXT")
    }

    /// Returns the bindgen that built the kernel, as it names itself; empty where none did.
    pub(crate) fn bindgen(&self) -> String {
        self.text("BINDGEN_VERSION_TEXT")
    }

    /// Returns the digest that signatures of modules use.
    pub(crate) fn signature_hash(&self) -> String {
        self.text("MODULE_SIG_HASH")
    }

    fn text(&self, name: &str) -> String {
        self.value(name).unwrap_or_default().trim_matches('"').to_owned()
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix("CONFIG_")?.strip_prefix(name)?.strip_prefix('='))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_of_the_whole_name() {
        let text = "# CONFIG_RUST_DEBUG is not set\nCONFIG_RUST_IS_AVAILABLE=y\nCONFIG_RUSTC_VERSION_TEXT=\"rustc 1.85.1 (x)\"\n";
        let config = KernelConfig::parse(text.to_owned());
        assert!(!config.has_rust(), "available is not enough");
        assert_eq!(config.rustc(), "rustc 1.85.1 (x)");
        assert_eq!(config.bindgen(), "");
        assert!(KernelConfig::parse(format!("{text}CONFIG_RUST=y\n")).has_rust());
    }
}
