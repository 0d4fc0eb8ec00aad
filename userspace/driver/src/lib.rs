// SPDX-License-Identifier: Apache-2.0

//! The kernel module's life.
//!
//! ```text
//! recipe (data) ─┐
//! sources ───────┼─> Pipeline::build ──> saker.ko + saker.json ──> load ──> the running kernel
//! archive ───────┘   (build root, cached per kernel)
//! ```
//! A module fits one kernel only, and has to be built by the very compiler that built it. [`Pipeline`] gets that compiler,
//! the kernel's headers and what rustc needs of the kernel crate from the distribution's archive into a folder, and builds
//! there, without root where user namespaces are allowed. `docs/driver.md` has the whole of it.
#![forbid(unsafe_code)]

mod build;
mod elf;
mod error;
mod kconfig;
mod layout;
mod life;
mod list;
mod manifest;
mod mirror;
mod packages;
mod recipe;
mod root;
mod run;
mod source;
mod tools;

pub use build::{Built, Pipeline, Rebuild, Request};
pub use elf::ModuleFile;
pub use error::BuildError;
pub use life::{LifeError, Loaded, Status, load, status, unload};
pub use list::Kernel;
pub use manifest::{Api, Manifest, SourceId, Toolchain};
pub use source::{Source, sha256};
