// SPDX-License-Identifier: Apache-2.0

//! The memory of a ring on the heap: with `device.rs` the only files in userspace with unsafe code.
//!
//! ```text
//! [capacity bytes][spare: MAX_RECORD_BYTES, for the record that crosses the capacity]
//! ```
//! Two halves share the memory: one lends spans for writing, the other for reading. What keeps them apart is the
//! protocol, so a half is never handed out: [`crate::HeapRing`] puts the write half inside a `Producer` and the read half
//! inside a [`crate::Reader`], and neither gives it back.
//!
//! The promise behind every block below: a `Producer` lends only `head..head + bound` with
//! `head + bound - tail <= capacity`, a `Reader` only parts of `tail..head`, both in one piece from the masked
//! position, and a position is published (Release) only after the last use of the bytes it gives away and observed
//! (Acquire) before the first use of those it gains. So the bytes lent to the two sides never meet: within one lap of
//! positions the offsets differ, and of two records that cross the capacity at most one is between `tail` and
//! `head + bound`. `tests/loom.rs` checks the orderings, `tests/protocol.rs` the positions.

use crate::reader::ReadArea;
use saker_driver_api::record::{MAX_RECORD_BYTES, RECORD_ALIGN};
use saker_driver_api::ring::{Capacity, DataArea};
use std::cell::UnsafeCell;
use std::sync::Arc;

/// Words of a ring's memory; words, so that every record is aligned.
struct Memory {
    words: Box<[UnsafeCell<u64>]>,
    /// Under the model checker, one watcher per [`RECORD_ALIGN`] bytes of the ring and as many behind it.
    #[cfg(loom)]
    watchers: Vec<loom::cell::UnsafeCell<()>>,
}

// SAFETY: the words are plain integers; who may touch which of them when is settled by the protocol (see the module).
unsafe impl Sync for Memory {}

impl Memory {
    fn new(capacity: Capacity) -> Self {
        let words = (capacity.offset(capacity.bytes() - 1) + 1 + MAX_RECORD_BYTES) / size_of::<u64>();
        // PERF: zeroed by the allocator, so pages of a large ring come into being when they are first used.
        let zeroed = Box::into_raw(vec![0_u64; words].into_boxed_slice());
        // SAFETY:
        // - `zeroed` comes from `Box::into_raw` just above and is used nowhere else.
        // - `UnsafeCell<u64>` is `repr(transparent)`: same size, alignment and validity as `u64`.
        let words = unsafe { Box::from_raw(zeroed as *mut [UnsafeCell<u64>]) };
        Self {
            words,
            #[cfg(loom)]
            watchers: (0..capacity.bytes() / 4).map(|_| loom::cell::UnsafeCell::new(())).collect(),
        }
    }

    /// Returns the first of `len` bytes at `offset`, or `None` where they do not exist or are not aligned.
    fn start(&self, offset: usize, len: usize) -> Option<*mut u8> {
        let end = offset.checked_add(len)?;
        if end > self.words.len() * size_of::<u64>() || !offset.is_multiple_of(RECORD_ALIGN) {
            return None;
        }
        let base = UnsafeCell::raw_get(self.words.as_ptr()).cast::<u8>();
        // SAFETY: `offset <= end`, which was just checked to lie in the allocation of `words`, whose provenance `base` has.
        Some(unsafe { base.add(offset) })
    }

    /// Returns the watchers of some bytes: the model fails where two sides use one without an ordering between them.
    #[cfg(loom)]
    fn watched(&self, offset: usize, len: usize) -> &[loom::cell::UnsafeCell<()>] {
        let end = self.watchers.len().min((offset + len).div_ceil(RECORD_ALIGN));
        self.watchers.get(offset / RECORD_ALIGN..end).unwrap_or(&[])
    }
}

/// The half of a heap ring that a `Producer` writes through.
pub struct WriteHalf {
    memory: Arc<Memory>,
}

impl DataArea for WriteHalf {
    fn span(&mut self, offset: usize, len: usize) -> Option<&mut [u8]> {
        let start = self.memory.start(offset, len)?;
        #[cfg(loom)]
        self.memory.watched(offset, len).iter().for_each(|watcher| watcher.with_mut(|_| ()));
        // SAFETY:
        // - `start` points at `len` bytes inside one allocation, initialised (zeroed) and kept alive by `memory` for as
        //   long as `self` is borrowed.
        // - No other reference to them exists: spans of this half borrow it mutably, and the reader holds none
        //   of the bytes that the producer may lend (see the module).
        Some(unsafe { std::slice::from_raw_parts_mut(start, len) })
    }
}

/// The half of a heap ring that a [`crate::Reader`] reads through.
pub struct ReadHalf {
    memory: Arc<Memory>,
}

impl ReadArea for ReadHalf {
    fn bytes(&self, offset: usize, len: usize) -> Option<&[u8]> {
        let start = self.memory.start(offset, len)?;
        #[cfg(loom)]
        self.memory.watched(offset, len).iter().for_each(|watcher| watcher.with(|_| ()));
        // SAFETY:
        // - `start` points at `len` bytes inside one allocation, initialised (zeroed) and kept alive by `memory` for as
        //   long as `self` is borrowed.
        // - Nothing writes to them meanwhile: the producer holds none of the bytes between the reader's tail and
        //   the head it observed (see the module).
        Some(unsafe { std::slice::from_raw_parts(start, len) })
    }
}

/// Makes the memory of a ring and its two halves.
///
/// For [`crate::HeapRing`] alone: each half goes where the protocol guards it.
pub(crate) fn halves(capacity: Capacity) -> (WriteHalf, ReadHalf) {
    let memory = Arc::new(Memory::new(capacity));
    (WriteHalf { memory: Arc::clone(&memory) }, ReadHalf { memory })
}

impl std::fmt::Debug for WriteHalf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteHalf").field("words", &self.memory.words.len()).finish()
    }
}

impl std::fmt::Debug for ReadHalf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadHalf").field("words", &self.memory.words.len()).finish()
    }
}

#[cfg(test)]
#[cfg(not(loom))]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_halves_share_the_memory_and_its_spare_end() {
        let (mut write, read) = halves(Capacity::new(512).unwrap());
        write.span(504, 16).unwrap().fill(7);
        assert_eq!(read.bytes(504, 16).unwrap(), [7; 16], "a record crosses the capacity in one piece");
        assert_eq!(read.bytes(0, 8).unwrap(), [0; 8], "the start is not touched");
        assert!(write.span(0, 512 + MAX_RECORD_BYTES).is_some());
    }

    #[test]
    fn bytes_that_do_not_exist_are_not_lent() {
        let (mut write, read) = halves(Capacity::new(512).unwrap());
        let end = 512 + MAX_RECORD_BYTES;
        for (offset, len) in [(8, end), (end + 8, 0), (usize::MAX - 7, 16), (4, 8)] {
            assert!(write.span(offset, len).is_none(), "{offset} {len}");
            assert!(read.bytes(offset, len).is_none(), "{offset} {len}");
        }
    }
}
