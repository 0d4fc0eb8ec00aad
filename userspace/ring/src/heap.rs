// SPDX-License-Identifier: Apache-2.0

//! A ring on the heap: the same protocol as the module's, for a source that is a thread of this process.

use crate::doorbell::{Doorbell, Pending, Room, Wake};
use crate::map::{ReadHalf, WriteHalf, halves};
use crate::position::{HeadEnd, TailEnd, ends};
use crate::reader::{Batch, DrainError, Reader, ReaderBooks};
use saker_driver_api::books::{Books, DropReason};
use saker_driver_api::event::Class;
use saker_driver_api::probe::{Fault, RecordSink, Written};
use saker_driver_api::ring::{Capacity, OnFlood, Producer};
use std::sync::Arc;

/// What a producer does when there is no room for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFull {
    /// Drops it, counts it, and tells of it in a gap record: the source must not be held up.
    Drop,
    /// Waits for the reader, which must be another thread: the source can be held up, and loses nothing.
    Wait,
}

/// Why a ring cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// The size is not one a ring can have.
    #[error("ring of {0} bytes: the size must be a power of two from {min} to {max}", min = Capacity::MIN_BYTES, max = Capacity::MAX_BYTES)]
    Capacity(u64),
}

/// Why a producer waits in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RoomError {
    /// Even an empty ring has no room for so many bytes of this class.
    #[error("a record of up to {0} bytes does not fit in the ring even when it is empty")]
    Never(usize),
    /// Nobody reads the ring any more.
    #[error("the reader of the ring is gone")]
    ReaderGone,
}

/// A ring on the heap, before its two sides go their ways.
#[derive(Debug)]
pub struct HeapRing {
    producer: HeapProducer,
    reader: HeapReader,
}

impl HeapRing {
    /// Makes an empty ring of `capacity_bytes` with the number `cpu`; `doorbell` wakes its reader.
    ///
    /// # Errors
    /// Returns [`RingError::Capacity`] for a size that is no power of two or out of bounds.
    pub fn new(cpu: u16, capacity_bytes: u64, on_full: OnFull, doorbell: &Doorbell) -> Result<Self, RingError> {
        let capacity = Capacity::new(capacity_bytes).ok_or(RingError::Capacity(capacity_bytes))?;
        let room = Arc::new(Room::default());
        let (head, tail) = ends(&room);
        let (write, read) = halves(capacity);
        let on_flood = match on_full {
            OnFull::Drop => OnFlood::Throttle,
            OnFull::Wait => OnFlood::Admit,
        };
        let watermark = (capacity.bytes() / 4).min(256 << 10);
        doorbell.producer_came();
        let producer = Producer::new(cpu, capacity, on_flood, head.clone(), tail.clone(), write);
        let reader = Reader::new(cpu, capacity, head, tail, read);
        Ok(Self {
            producer: HeapProducer {
                producer,
                on_full,
                watermark,
                room: Arc::clone(&room),
                doorbell: doorbell.clone(),
            },
            reader: HeapReader { reader, watermark, room, doorbell: doorbell.clone() },
        })
    }

    /// Returns the write side and the read side; each may live on a thread of its own.
    #[must_use]
    pub fn split(self) -> (HeapProducer, HeapReader) {
        (self.producer, self.reader)
    }
}

/// The write side of a heap ring. Dropping it ends the stream: the reader sees [`Wake::Closed`] once all is read.
#[derive(Debug)]
pub struct HeapProducer {
    producer: Producer<HeadEnd, TailEnd, WriteHalf>,
    on_full: OnFull,
    watermark: u64,
    room: Arc<Room>,
    doorbell: Doorbell,
}

impl HeapProducer {
    /// Returns the books of the ring.
    #[must_use]
    pub fn books(&self) -> &Books {
        self.producer.books()
    }

    /// Counts an event that nobody wants.
    pub fn filtered(&mut self, class: Class) {
        self.producer.filtered(class);
    }

    /// Counts an event that was lost before room was asked for.
    pub fn lost(&mut self, class: Class, pid: u32, reason: DropReason) {
        self.producer.lost(class, pid, reason);
    }

    /// Writes a record about the stream itself (clock, host); `write` returns its length in bytes.
    ///
    /// # Errors
    /// Returns why there is no such record; the caller tries again.
    pub fn write_meta(&mut self, bound: usize, write: impl FnOnce(&mut [u8]) -> usize) -> Result<(), DropReason> {
        self.make_room(Class::Critical, bound);
        let written = self.producer.write_meta(bound, write);
        self.tell(Class::Critical);
        written
    }

    /// Writes the pending gap record now, as at the end of a capture; returns whether no loss is left untold.
    pub fn flush_gap(&mut self, ts_ns: u64) -> bool {
        let told = self.producer.flush_gap(ts_ns);
        self.tell(Class::Critical);
        told
    }

    /// Sleeps until a record of `class` and up to `bound` bytes finds room.
    ///
    /// # Errors
    /// Returns [`RoomError`] when that will never be.
    pub fn wait_for_room(&mut self, class: Class, bound: usize) -> Result<(), RoomError> {
        if self.producer.has_room(class, bound) {
            return Ok(());
        }
        if !self.producer.could_fit(class, bound) {
            return Err(RoomError::Never(bound));
        }
        let Self { producer, room, doorbell, .. } = self;
        doorbell.published(true, || true);
        if room.wait(|| producer.has_room(class, bound)) { Ok(()) } else { Err(RoomError::ReaderGone) }
    }

    fn make_room(&mut self, class: Class, bound: usize) {
        if self.on_full == OnFull::Wait {
            // Where waiting is in vain, the producer counts the record as dropped and says why.
            let _ = self.wait_for_room(class, bound);
        }
    }

    fn tell(&mut self, class: Class) {
        let Self { producer, watermark, doorbell, .. } = self;
        doorbell.published(class == Class::Critical, || producer.unread_bytes() >= *watermark);
    }
}

impl RecordSink for HeapProducer {
    fn write_record(
        &mut self,
        class: Class,
        pid: u32,
        bound: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, Fault>,
    ) -> Written {
        self.make_room(class, bound);
        let written = self.producer.write_record(class, pid, bound, write);
        if written == Written::Committed {
            self.tell(class);
        }
        written
    }
}

impl Drop for HeapProducer {
    fn drop(&mut self) {
        self.doorbell.producer_left();
    }
}

/// The read side of a heap ring. Dropping it lets a waiting producer go on (and drop).
#[derive(Debug)]
pub struct HeapReader {
    reader: Reader<HeadEnd, TailEnd, ReadHalf>,
    watermark: u64,
    room: Arc<Room>,
    doorbell: Doorbell,
}

impl HeapReader {
    /// Borrows what is unread now; see [`Reader::batch`].
    ///
    /// # Errors
    /// Returns [`DrainError`] when the positions contradict each other.
    pub fn batch(&mut self) -> Result<Batch<'_, HeadEnd, TailEnd, ReadHalf>, DrainError> {
        self.reader.batch()
    }

    /// Sleeps until there is something to read, on this ring's doorbell.
    pub fn wait(&self) -> Wake {
        self.doorbell.wait(|| self.pending())
    }

    /// Returns how much there is to read.
    #[must_use]
    pub fn pending(&self) -> Pending {
        match self.reader.unread_bytes() {
            0 => Pending::Nothing,
            unread if unread < self.watermark => Pending::Some,
            _ => Pending::Enough,
        }
    }

    /// Returns the books of the reader.
    #[must_use]
    pub fn books(&self) -> &ReaderBooks {
        self.reader.books()
    }
}

impl Drop for HeapReader {
    fn drop(&mut self) {
        self.room.reader_left();
    }
}

/// The parts of a ring under the model checker, which puts its own watchers between them.
#[cfg(loom)]
#[derive(Debug)]
pub struct ModelParts {
    /// The head.
    pub head: HeadEnd,
    /// The tail.
    pub tail: TailEnd,
    /// Memory, to be written by a `Producer` alone.
    pub write: WriteHalf,
    /// Memory, to be read by a `Reader` alone.
    pub read: ReadHalf,
}

/// Makes the parts of a ring for a model.
#[cfg(loom)]
#[must_use]
pub fn model_parts(capacity: Capacity) -> ModelParts {
    let (head, tail) = ends(&Arc::new(Room::default()));
    let (write, read) = halves(capacity);
    ModelParts { head, tail, write, read }
}
