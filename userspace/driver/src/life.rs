//! Loading and unloading the module, and what became of it.

use crate::elf::ModuleFile;
use crate::error::BuildError;
use crate::manifest::Manifest;
use nix::errno::Errno;
use nix::kmod::{DeleteModuleFlags, delete_module, init_module};
use saker_driver_api::version::{PROTOCOL, SCHEMA, Version};
use serde::Serialize;
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::{fs, io};
use thiserror::Error;

/// Where the kernel tells about the loaded module.
const SYSFS: &str = "/sys/module/saker";
/// What the module makes for its consumer.
const DEVICE: &str = "/dev/saker";

/// Why the module was not loaded or unloaded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LifeError {
    /// The module file.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// Its manifest.
    #[error(transparent)]
    Manifest(#[from] BuildError),
    /// Another file than the manifest says.
    #[error("{path}: {problem}")]
    Changed {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A module for another kernel.
    #[error("{path} is for the kernel `{found}`, and `{running}` is running: build one with `saker driver build`")]
    OtherKernel {
        /// Which file.
        path: PathBuf,
        /// Its kernel.
        found: String,
        /// The running one.
        running: String,
    },
    /// A module that speaks another contract.
    #[error("{path} speaks {what} {found}, and this program {own}: take the module and the program from one release")]
    OtherVersion {
        /// Which file.
        path: PathBuf,
        /// Protocol or schema.
        what: &'static str,
        /// The module's version.
        found: String,
        /// This program's.
        own: String,
    },
    /// It is there.
    #[error("the module is loaded already; `saker driver status` tells which, `saker driver unload` removes it")]
    AlreadyLoaded,
    /// It is not there.
    #[error("the module is not loaded")]
    NotLoaded,
    /// Someone captures.
    #[error("the module is in use{by}: end the consumer first")]
    InUse {
        /// Who, where known.
        by: String,
    },
    /// No right to.
    #[error("loading and unloading modules needs root (CAP_SYS_MODULE)")]
    NotRoot,
    /// Switched off until the next start.
    #[error("this kernel takes no more modules until the next boot (kernel.modules_disabled=1)")]
    Disabled,
    /// A signature is needed.
    #[error(
        "this kernel loads signed modules only ({reason}), and {path} is not signed: build it with `saker driver build --sign KEY --cert CERT`, with a key that is enrolled (mokutil --import CERT)"
    )]
    Unsigned {
        /// Why signatures are needed.
        reason: &'static str,
        /// Which file.
        path: PathBuf,
    },
    /// A signature by somebody unknown.
    #[error(
        "this kernel does not know the key that {path} is signed with: enrol its certificate (mokutil --import CERT) and restart"
    )]
    UnknownKey {
        /// Which file.
        path: PathBuf,
    },
    /// The kernel has no module loader.
    #[error("this kernel was built without modules; `saker run --source trace` needs none")]
    NoModules,
    /// Symbols are missing.
    #[error(
        "this kernel lacks something that {path} needs; it may have been built without CONFIG_RUST (the kernel's log names the symbols: dmesg)"
    )]
    NoSymbols {
        /// Which file.
        path: PathBuf,
    },
    /// The kernel does not like the file.
    #[error("this kernel refuses {path}: it is not built for it, or damaged (the kernel's log says more: dmesg)")]
    Refused {
        /// Which file.
        path: PathBuf,
    },
    /// Anything else.
    #[error("the kernel refused to {what}: {error}")]
    Other {
        /// What it was asked.
        what: &'static str,
        /// What it said.
        error: Errno,
    },
}

/// A loaded module, as it is on disk.
#[derive(Debug)]
pub struct Loaded {
    /// The file.
    pub path: PathBuf,
    /// Its manifest; a module without one is the operator's word.
    pub manifest: Option<Manifest>,
    /// Its SHA-256 in hexadecimal.
    pub sha256: String,
}

/// How the module is.
#[derive(Debug, Serialize)]
pub struct Status {
    /// The running kernel.
    pub running: String,
    /// Whether it is loaded.
    pub loaded: bool,
    /// Build id of the loaded module.
    pub build_id: Option<String>,
    /// Whether the device is there.
    pub device: bool,
    /// Process that has the device open, where this user may see it.
    pub holder: Option<Holder>,
    /// Protocol and schema that this program speaks.
    pub protocol: String,
    /// Schema that this program speaks.
    pub schema: String,
}

/// A process that has the device open.
#[derive(Debug, Serialize)]
pub struct Holder {
    /// Its id.
    pub pid: u32,
    /// Its name.
    pub name: String,
}

/// Loads a module file: what is read is checked, and what was checked is loaded.
///
/// # Errors
/// When the file is not for this kernel or this program, or the kernel refuses it.
pub fn load(path: &Path) -> Result<Loaded, LifeError> {
    let module = ModuleFile::read(path).map_err(|source| LifeError::File { path: path.to_owned(), source })?;
    let manifest = Manifest::beside(path)?;
    check(path, &module, manifest.as_ref(), &running_release())?;
    if Path::new(SYSFS).exists() {
        return Err(LifeError::AlreadyLoaded);
    }
    if !Path::new("/proc/modules").exists() {
        return Err(LifeError::NoModules);
    }
    if !module.is_signed()
        && let Some(reason) = signature_needed()
    {
        return Err(LifeError::Unsigned { reason, path: path.to_owned() });
    }
    init_module(module.bytes(), &CString::default()).map_err(|error| load_error(error, path))?;
    Ok(Loaded { path: path.to_owned(), manifest, sha256: module.sha256() })
}

/// Unloads the module.
///
/// # Errors
/// When it is not loaded or in use, or the kernel refuses.
pub fn unload() -> Result<(), LifeError> {
    delete_module(c"saker", DeleteModuleFlags::O_NONBLOCK).map_err(|error| match error {
        Errno::ENOENT => LifeError::NotLoaded,
        Errno::EPERM => LifeError::NotRoot,
        Errno::EAGAIN | Errno::EBUSY => LifeError::InUse {
            by: holder().map_or_else(String::new, |holder| format!(" by `{}` (pid {})", holder.name, holder.pid)),
        },
        error => LifeError::Other { what: "unload the module", error },
    })
}

/// Says how the module is.
#[must_use]
pub fn status() -> Status {
    let loaded = Path::new(SYSFS).exists();
    let note = fs::read(format!("{SYSFS}/notes/.note.gnu.build-id")).ok();
    // A note is three numbers, its owner's name padded to 4 bytes ("GNU"), and the id.
    let build_id = note.and_then(|note| note.get(16..).map(crate::source::hex));
    Status {
        running: running_release(),
        loaded,
        build_id,
        device: Path::new(DEVICE).exists(),
        holder: holder(),
        protocol: text(PROTOCOL),
        schema: text(SCHEMA),
    }
}

/// Compares a module with the running kernel and this program.
fn check(path: &Path, module: &ModuleFile, manifest: Option<&Manifest>, running: &str) -> Result<(), LifeError> {
    let path = path.to_owned();
    if module.release() != running {
        let found = module.release().to_owned();
        return Err(LifeError::OtherKernel { path, found, running: running.to_owned() });
    }
    let Some(manifest) = manifest else { return Ok(()) };
    if let Some(problem) = manifest.mismatch(module) {
        return Err(LifeError::Changed { path, problem });
    }
    for (what, own, found) in [("protocol", PROTOCOL, &manifest.api.protocol), ("schema", SCHEMA, &manifest.api.schema)]
    {
        if !parse(found).is_some_and(|found| own.reads(found)) {
            return Err(LifeError::OtherVersion { path, what, found: found.clone(), own: text(own) });
        }
    }
    Ok(())
}

fn load_error(error: Errno, path: &Path) -> LifeError {
    let path = path.to_owned();
    match error {
        Errno::EPERM if !nix::unistd::geteuid().is_root() => LifeError::NotRoot,
        Errno::EPERM
            if fs::read_to_string("/proc/sys/kernel/modules_disabled").is_ok_and(|text| text.trim() == "1") =>
        {
            LifeError::Disabled
        }
        Errno::EPERM => match signature_needed() {
            Some(reason) => LifeError::Unsigned { reason, path },
            None => LifeError::NotRoot,
        },
        Errno::EEXIST => LifeError::AlreadyLoaded,
        Errno::ENOSYS => LifeError::NoModules,
        Errno::ENOENT => LifeError::NoSymbols { path },
        Errno::ENOEXEC | Errno::EINVAL | Errno::EBADMSG => LifeError::Refused { path },
        Errno::EKEYREJECTED | Errno::ENOKEY | Errno::EKEYEXPIRED | Errno::EKEYREVOKED => LifeError::UnknownKey { path },
        error => LifeError::Other { what: "load the module", error },
    }
}

/// Returns why the kernel wants signatures, or `None` where it does not.
fn signature_needed() -> Option<&'static str> {
    let enforced = fs::read_to_string("/sys/module/module/parameters/sig_enforce").is_ok_and(|text| text.trim() == "Y");
    if enforced {
        return Some("module.sig_enforce is on");
    }
    let lockdown = fs::read_to_string("/sys/kernel/security/lockdown").unwrap_or_default();
    (lockdown.contains("[integrity]") || lockdown.contains("[confidentiality]"))
        .then_some("lockdown is on, as Secure Boot turns it on")
}

fn running_release() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}

/// Returns the process that has the device open, as far as this user may look.
fn holder() -> Option<Holder> {
    let pids = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.into_iter().find_map(|pid| {
        let mut descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?.filter_map(Result::ok);
        descriptors.find(|fd| fs::read_link(fd.path()).is_ok_and(|path| path == Path::new(DEVICE)))?;
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned();
        Some(Holder { pid, name })
    })
}

fn text(version: Version) -> String {
    format!("{}.{}", version.major, version.minor)
}

fn parse(text: &str) -> Option<Version> {
    let (major, minor) = text.split_once('.')?;
    Some(Version { major: major.parse().ok()?, minor: minor.parse().ok()? })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::elf::tests::module_with;
    use crate::manifest::{Api, SourceId, Toolchain};

    fn module() -> ModuleFile {
        ModuleFile::parse(module_with(b"name=saker\0vermagic=7.3.4+x SMP \0")).unwrap()
    }

    fn manifest(module: &ModuleFile) -> Manifest {
        Manifest {
            distro: "debian".into(),
            release: "7.3.4+x".into(),
            kernel_package: "7.3.4-1".into(),
            vermagic: "7.3.4+x SMP".into(),
            arch: "x86_64".into(),
            toolchain: Toolchain { rustc: String::new(), cc: String::new(), bindgen: String::new() },
            api: Api { protocol: text(PROTOCOL), schema: text(SCHEMA) },
            source: SourceId { commit: None, sha256: String::new() },
            sha256: module.sha256(),
            build_id: String::new(),
            signed: false,
        }
    }

    #[test]
    fn a_module_for_another_kernel_is_refused() {
        let error = check(Path::new("a.ko"), &module(), None, "6.1.0").unwrap_err().to_string();
        assert!(error.contains("`7.3.4+x`") && error.contains("`6.1.0`"), "{error}");
        check(Path::new("a.ko"), &module(), None, "7.3.4+x").unwrap();
    }

    #[test]
    fn a_changed_module_is_refused() {
        let module = module();
        let good = manifest(&module);
        check(Path::new("a.ko"), &module, Some(&good), "7.3.4+x").unwrap();
        let bad = Manifest { sha256: "00".into(), ..good };
        assert!(check(Path::new("a.ko"), &module, Some(&bad), "7.3.4+x").unwrap_err().to_string().contains("SHA-256"));
    }

    #[test]
    fn a_module_of_another_contract_is_refused() {
        let module = module();
        for found in ["9.0", "1.999", "", "x"] {
            let api = Api { protocol: found.into(), schema: text(SCHEMA) };
            let other = Manifest { api, ..manifest(&module) };
            let error = check(Path::new("a.ko"), &module, Some(&other), "7.3.4+x").unwrap_err().to_string();
            assert!(error.contains("protocol"), "{found}: {error}");
        }
    }

    #[test]
    fn refusals_say_what_to_do() {
        let says = |errno| load_error(errno, Path::new("a.ko")).to_string();
        assert!(says(Errno::ENOENT).contains("CONFIG_RUST"));
        assert!(says(Errno::EKEYREJECTED).contains("mokutil"));
        assert!(says(Errno::ENOEXEC).contains("dmesg"));
    }
}
