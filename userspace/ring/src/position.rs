// SPDX-License-Identifier: Apache-2.0

//! The two positions of a heap ring, each on a cache line of its own.

use crate::doorbell::Room;
use crate::sync::{AtomicU64, Ordering};
use saker_driver_api::ring::Position;
use std::sync::Arc;

/// One position; two lines of 64 bytes, because processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Cursor(AtomicU64);

impl Cursor {
    fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn observe(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    fn publish(&self, at: u64) {
        self.0.store(at, Ordering::Release);
    }
}

#[derive(Debug)]
struct Cursors {
    head: Cursor,
    tail: Cursor,
}

/// Where the producer publishes and the reader looks for new records.
#[derive(Clone, Debug)]
pub struct HeadEnd(Arc<Cursors>);

impl Position for HeadEnd {
    fn observe(&self) -> u64 {
        self.0.head.observe()
    }

    fn publish(&self, at: u64) {
        self.0.head.publish(at);
    }
}

/// Where the reader publishes and the producer looks for room; publishing wakes a producer that waits for it.
#[derive(Clone, Debug)]
pub struct TailEnd {
    cursors: Arc<Cursors>,
    room: Arc<Room>,
}

impl Position for TailEnd {
    fn observe(&self) -> u64 {
        self.cursors.tail.observe()
    }

    fn publish(&self, at: u64) {
        self.cursors.tail.publish(at);
        self.room.freed();
    }
}

/// Makes both positions of an empty ring.
pub(crate) fn ends(room: &Arc<Room>) -> (HeadEnd, TailEnd) {
    let cursors = Arc::new(Cursors { head: Cursor::new(), tail: Cursor::new() });
    (HeadEnd(Arc::clone(&cursors)), TailEnd { cursors, room: Arc::clone(room) })
}
