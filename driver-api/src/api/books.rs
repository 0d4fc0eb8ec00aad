// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! The books of a ring: what became of every event.

/// Why an event is not in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DropReason {
    /// No room left for its class.
    RingFull = 0,
    /// Its process floods state events while the ring is over half full.
    Throttled = 1,
    /// It needs more bytes than a record may have.
    Oversize = 2,
    /// It happened inside the writing of another record on the same CPU.
    Reentrant = 3,
}
