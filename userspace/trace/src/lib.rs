// SPDX-License-Identifier: Apache-2.0

//! The ptrace source: system calls of a process tree as records, on any Linux machine, without a module.
//!
//! ```text
//! Tracer::launch / Tracer::attach
//!   └─ one thread: wait ─> stop ─> Context (/proc, memory, sockets) ─> filler ─> ring
//! ```
//! The fillers are those of `driver-api`, the records and the ring too, so nothing behind the ring knows which source it
//! reads. A started command stops only at the calls somebody wants; a process that was running before stops at all
//! of its calls. `docs/trace-source.md` says what ptrace cannot give.
//!
//! A program that uses [`Tracer::launch`] must hand over to [`child`] first of all:
//!
//! ```no_run
//! let args: Vec<_> = std::env::args_os().collect();
//! if saker_trace::child::is_child(&args) {
//!     std::process::exit(saker_trace::child::run(&args));
//! }
//! let signals = saker_trace::Signals::block()?; // Before any other thread starts.
//! # Ok::<(), std::io::Error>(())
//! ```

#![forbid(unsafe_code)]

mod awake;
mod calls;
pub mod child;
mod clock;
mod context;
mod control;
mod entry;
mod facts;
mod filter;
mod launch;
mod memory;
mod notice;
mod paths;
mod privilege;
mod proc;
pub mod procfs;
mod records;
mod resume;
mod sockets;
mod stop;
mod task_facts;
mod tracer;
mod waiter;

pub use control::{Control, OnTerminal, SignalQueue, Signals};
pub use launch::{InodeFacts, Launch, Outcome, Settings, SignalRecords, TraceError, Tracer};
pub use notice::{Notice, Privilege};
pub use stop::ExitStatus;
