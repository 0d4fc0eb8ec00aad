// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! The contract between Saker's kernel module and its userspace.
//!
//! Both sides compile this source: userspace as a crate, the module as a plain `#[path]` module, because
//! the kernel build has no Cargo. So crate attributes live here, everything else under `api/`, where only
//! `super::` paths are used (`crate::` would name another crate in the module).
#![no_std]
#![forbid(unsafe_code)]

mod api;
pub use api::*;
