//! The contract as a kernel module includes it: no Cargo, one `#[path]`.
//!
//! `scripts/contract` compiles this crate with the kernel's compiler. It holds nothing but the
//! include, because the include is what is tested: a `crate::` path inside `src/api/`, or a crate the
//! kernel does not hand to modules, fails here. Items are `pub` as in `kmod/`, or unused ones would warn.

#![no_std]

#[path = "../../driver-api/src/api/mod.rs"]
pub mod driver_api;
