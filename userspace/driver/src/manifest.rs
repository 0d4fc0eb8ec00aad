//! What is known of a built module: a JSON file beside it, by which it is checked before it is loaded.

use crate::elf::ModuleFile;
use crate::error::BuildError;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// Everything about one built module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Distribution whose kernel it is for.
    pub distro: String,
    /// Kernel, as `uname -r` prints it.
    pub release: String,
    /// Version of the kernel's package.
    pub kernel_package: String,
    /// What the kernel compares.
    pub vermagic: String,
    /// Processor.
    pub arch: String,
    /// What built it.
    pub toolchain: Toolchain,
    /// Versions of the contract with userspace.
    pub api: Api,
    /// What it was built from.
    pub source: SourceId,
    /// SHA-256 of the module, in hexadecimal.
    pub sha256: String,
    /// The linker's build id, in hexadecimal.
    pub build_id: String,
    /// Whether a signature is appended.
    pub signed: bool,
}

/// Compilers, as they name themselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Toolchain {
    /// The root's rustc.
    pub rustc: String,
    /// The C compiler that built the kernel.
    pub cc: String,
    /// The bindgen that built the kernel.
    pub bindgen: String,
}

/// Versions of the contract, `major.minor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Api {
    /// Ring and control calls.
    pub protocol: String,
    /// Events and parameters.
    pub schema: String,
}

/// Where the sources come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceId {
    /// Last commit that touched them; `None` where they are from no checkout.
    pub commit: Option<String>,
    /// SHA-256 of paths and contents, in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// Returns where the manifest of a module lies.
    #[must_use]
    pub fn path_of(module: &Path) -> PathBuf {
        module.with_extension("json")
    }

    /// Reads the manifest beside a module; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read or is no manifest.
    pub fn beside(module: &Path) -> Result<Option<Self>, BuildError> {
        let path = Self::path_of(module);
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read(&path).map_err(BuildError::io(&path))?;
        let broken = |err: serde_json::Error| BuildError::Module { path: path.clone(), problem: err.to_string() };
        serde_json::from_slice(&text).map(Some).map_err(broken)
    }

    /// Writes the manifest beside a module.
    pub(crate) fn write(&self, module: &Path) -> Result<(), BuildError> {
        let path = Self::path_of(module);
        let mut text = serde_json::to_vec_pretty(self).map_err(|err| BuildError::io(&path)(err.into()))?;
        text.push(b'\n');
        fs::write(&path, text).map_err(BuildError::io(&path))
    }

    /// Returns what is wrong with a module that should be the one described here.
    #[must_use]
    pub fn mismatch(&self, module: &ModuleFile) -> Option<String> {
        let found = module.sha256();
        (found != self.sha256)
            .then(|| format!("its SHA-256 is `{found}`, its manifest says `{}`: build or fetch it again", self.sha256))
    }
}
