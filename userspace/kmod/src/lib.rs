// SPDX-License-Identifier: Apache-2.0

//! The kernel source: what the module captures on the whole machine, and what was there before, as one stream by time.
//!
//! ```text
//! module: ring of each CPU ──┐
//! scan of /proc (a thread) ──┼─> Merge ──> records by time
//! steps of the wall clock ───┘
//! ```
//! The module is attached first and `/proc` scanned second, so nothing falls between. [`Tree`] picks one process tree out of
//! the stream. While nothing happens, nobody wakes up: the module says when there is something to read.

#![forbid(unsafe_code)]

mod clock;
mod source;
mod tree;

pub use source::{Ready, Settings, Source, SourceError, default_ring_bytes};
pub use tree::Tree;
