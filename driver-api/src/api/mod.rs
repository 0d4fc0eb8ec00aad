// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Records, events, the ring protocol and the fillers, written once for both sides.

pub mod books;
pub mod capture;
pub mod event;
pub mod fillers;
pub mod flags;
pub mod interest;
pub mod ioctl;
pub mod param;
pub mod probe;
pub mod record;
pub mod ring;
pub mod syscalls;
pub mod version;
