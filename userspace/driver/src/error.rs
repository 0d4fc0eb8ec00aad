//! What can go wrong while a module is built.

use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a module was not built.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A file or folder.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program that is not there.
    #[error("`{program}` is needed and not installed; on Debian: apt-get install {package}")]
    NoProgram {
        /// Its name.
        program: String,
        /// The Debian package that has it.
        package: &'static str,
    },
    /// A program that failed.
    #[error("{what} failed ({status}); its last words:\n{tail}\nall of them: {log}")]
    Failed {
        /// What it was to do.
        what: String,
        /// How it ended.
        status: String,
        /// End of its output.
        tail: String,
        /// Where its whole output is.
        log: PathBuf,
    },
    /// No such distribution.
    #[error("no recipe for the distribution `{distro}`; there are {known}: choose one with --distro")]
    NoRecipe {
        /// What was asked for.
        distro: String,
        /// What there is.
        known: String,
    },
    /// No such suite.
    #[error("no suite `{suite}` in this recipe; there are {known}")]
    NoSuite {
        /// What was asked for.
        suite: String,
        /// What there is.
        known: String,
    },
    /// A recipe that cannot be read: a defect of this binary.
    #[error("the recipe of `{distro}` is broken: {problem}")]
    Recipe {
        /// Whose.
        distro: String,
        /// Why.
        problem: String,
    },
    /// A release that the distribution does not have.
    #[error(
        "`{release}` is no kernel of `{distro}` that the recipe knows: its releases contain {marks}; see `saker driver build --list`"
    )]
    ForeignKernel {
        /// The kernel.
        release: String,
        /// The distribution.
        distro: String,
        /// What its releases contain.
        marks: String,
    },
    /// The archive has no such kernel.
    #[error(
        "the archives of `{suite}` have no package `{package}`: the kernel may be gone from them; `saker driver build --list` prints those that are there"
    )]
    NoPackage {
        /// Which package.
        package: String,
        /// Where it was looked for.
        suite: String,
    },
    /// A kernel that loads no module written in Rust.
    #[error(
        "`{release}` was built without CONFIG_RUST, so it can load no module written in Rust; `saker run --source trace` needs no module"
    )]
    NoRust {
        /// The kernel.
        release: String,
    },
    /// The wrong compiler.
    #[error("`{release}` was built with `{wanted}`, but {place} has `{found}`: modules need the same rustc{advice}")]
    Toolchain {
        /// The kernel.
        release: String,
        /// What its configuration names.
        wanted: String,
        /// Where the other is.
        place: String,
        /// The compiler there.
        found: String,
        /// What can be done.
        advice: &'static str,
    },
    /// No archive known.
    #[error(
        "apt on this machine knows no archive of {origin}: run `apt-get update`, or name one with --mirror URL (its keys are read from {keyring})"
    )]
    NoMirror {
        /// Whose.
        origin: String,
        /// Where its keys would be.
        keyring: String,
    },
    /// A folder that is no source tree.
    #[error("{folder}: no checkout of Saker, it has no `{missing}`")]
    NoSource {
        /// Which folder.
        folder: PathBuf,
        /// What it lacks.
        missing: String,
    },
    /// Sources without a module.
    #[error("the sources have no kernel module (`kmod/main.rs`); give a checkout that has one with --source DIR")]
    NoModule,
    /// Neither root nor a user namespace.
    #[error(
        "this user may not make user namespaces, so no build root can be entered: run as root, or allow them (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)"
    )]
    NoNamespace,
    /// The module is not what the kernel expects.
    #[error("{path}: {problem}")]
    Module {
        /// The module.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Something that only one kind of recipe can do.
    #[error("the recipe of `{distro}` cannot {what}")]
    Unsupported {
        /// Whose.
        distro: String,
        /// Do what.
        what: &'static str,
    },
}

impl BuildError {
    /// Returns a function that wraps an I/O error with the path it is about.
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}
