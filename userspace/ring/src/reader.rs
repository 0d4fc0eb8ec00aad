// SPDX-License-Identifier: Apache-2.0

//! The read side of a ring: batches of records, borrowed in place.
//!
//! A [`Batch`] is everything between the reader's tail and the head it observed. Its events borrow the ring's bytes; the
//! tail moves past what was iterated when the batch is dropped, and not before, so the producer cannot touch a
//! byte that somebody still looks at. Records not iterated stay in the ring for the next batch.
//!
//! What the other side says is checked: positions that contradict each other, lengths that cannot be. The reader counts it,
//! finds the next place it can trust and goes on.

use saker_driver_api::event::EventType;
use saker_driver_api::record::{MAX_RECORD_BYTES, RECORD_ALIGN, RawEvent, RecordError, record_len, split_record};
use saker_driver_api::ring::{Capacity, Position};
use std::cell::Cell;

/// The bytes of a ring, as the reader may see them; see `saker_driver_api::ring::DataArea` for the layout.
pub trait ReadArea {
    /// Lends `len` bytes from `offset`, or returns `None` where they do not exist.
    fn bytes(&self, offset: usize, len: usize) -> Option<&[u8]>;
}

/// The reader's side of the books: `committed = decoded + skipped + refused`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReaderBooks {
    /// Records that the producer numbered up to the last one read.
    pub committed: u64,
    /// Records delivered.
    pub decoded: u64,
    /// Records of a kind that this version does not know.
    pub skipped: u64,
    /// Records that are malformed or were passed over while finding the way again.
    pub refused: u64,
    /// Times the reader had to give up what was unread because it could not be trusted.
    pub resyncs: u64,
}

impl ReaderBooks {
    /// Returns whether every record is accounted for.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.committed == self.decoded + self.skipped + self.refused
    }

    /// Adds the books of another reader.
    pub fn add(&mut self, other: &Self) {
        self.committed += other.committed;
        self.decoded += other.decoded;
        self.skipped += other.skipped;
        self.refused += other.refused;
        self.resyncs += other.resyncs;
    }
}

/// Why nothing could be read this time; the next batch starts at a place that can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrainError {
    /// The positions cannot both be true.
    #[error(
        "ring of cpu {cpu}: head {head} and tail {tail} cannot both be true in {capacity} bytes; going on at the head"
    )]
    Positions {
        /// Number of the ring.
        cpu: u16,
        /// The producer's position.
        head: u64,
        /// The reader's.
        tail: u64,
        /// Size of the ring in bytes.
        capacity: u64,
    },
}

/// The read side of one ring.
///
/// # Invariants
/// `tail` is a position where a record starts or will start; nothing past it was given back to the producer.
#[derive(Debug)]
pub struct Reader<H, T, A> {
    cpu: u16,
    capacity: Capacity,
    producer: H,
    published: T,
    area: A,
    tail: u64,
    next_seq: u32,
    books: ReaderBooks,
}

impl<H: Position, T: Position, A: ReadArea> Reader<H, T, A> {
    /// Makes the reader of an empty ring: `head` is observed, `tail` is published here, both start at 0.
    #[must_use]
    pub fn new(cpu: u16, capacity: Capacity, head: H, tail: T, area: A) -> Self {
        let books = ReaderBooks::default();
        Self { cpu, capacity, producer: head, published: tail, area, tail: 0, next_seq: 0, books }
    }

    /// Returns the books of this reader.
    #[must_use]
    pub fn books(&self) -> &ReaderBooks {
        &self.books
    }

    /// Returns the bytes that wait to be read.
    #[must_use]
    pub fn unread_bytes(&self) -> u64 {
        self.producer.observe().wrapping_sub(self.tail)
    }

    /// Borrows everything that is unread now.
    ///
    /// # Errors
    /// Returns [`DrainError::Positions`] when the head cannot be true; what was unread is then given up and counted.
    pub fn batch(&mut self) -> Result<Batch<'_, H, T, A>, DrainError> {
        let head = self.producer.observe();
        if self.capacity.used(head, self.tail).is_none() || !head.is_multiple_of(RECORD_ALIGN as u64) {
            let capacity = self.capacity.bytes();
            let error = DrainError::Positions { cpu: self.cpu, head, tail: self.tail, capacity };
            self.tail = head - head % RECORD_ALIGN as u64;
            self.books.resyncs += 1;
            self.published.publish(self.tail);
            return Err(error);
        }
        let (at, next_seq) = (Cell::new(self.tail), Cell::new(self.next_seq));
        let books = Counts::new(&self.books);
        Ok(Batch { reader: self, head, at, next_seq, books })
    }
}

/// The records that were unread when it was made.
#[derive(Debug)]
pub struct Batch<'r, H: Position, T: Position, A: ReadArea> {
    reader: &'r mut Reader<H, T, A>,
    head: u64,
    at: Cell<u64>,
    next_seq: Cell<u32>,
    books: Counts,
}

/// The books while a batch is lent out: counters one by one, because a record touches two of them.
#[derive(Debug)]
struct Counts {
    committed: Cell<u64>,
    decoded: Cell<u64>,
    skipped: Cell<u64>,
    refused: Cell<u64>,
    resyncs: Cell<u64>,
}

impl Counts {
    fn new(books: &ReaderBooks) -> Self {
        Self {
            committed: Cell::new(books.committed),
            decoded: Cell::new(books.decoded),
            skipped: Cell::new(books.skipped),
            refused: Cell::new(books.refused),
            resyncs: Cell::new(books.resyncs),
        }
    }

    fn books(&self) -> ReaderBooks {
        ReaderBooks {
            committed: self.committed.get(),
            decoded: self.decoded.get(),
            skipped: self.skipped.get(),
            refused: self.refused.get(),
            resyncs: self.resyncs.get(),
        }
    }
}

fn add(counter: &Cell<u64>, n: u64) {
    counter.set(counter.get() + n);
}

impl<H: Position, T: Position, A: ReadArea> Batch<'_, H, T, A> {
    /// Iterates over the records not yet iterated; unknown and malformed ones are counted and passed over.
    pub fn events(&self) -> Events<'_, H, T, A> {
        Events { batch: self }
    }

    /// Returns whether every record was iterated.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at.get() == self.head
    }

    /// Returns the next good record without taking it.
    #[inline]
    pub(crate) fn peek(&self) -> Option<RawEvent<'_>> {
        while !self.is_empty() {
            match split_record(self.unread()) {
                Ok((event, _)) if EventType::from_wire(event.header().kind).is_some() => return Some(event),
                Ok((event, _)) => self.take(event.bytes().len(), event.header().seq, &self.books.skipped),
                Err(RecordError::Table { .. }) => self.refuse(),
                // Nothing tells where the next record starts.
                Err(_) => self.resync(),
            }
        }
        None
    }

    /// Takes the record that [`Self::peek`] returned.
    #[inline]
    pub(crate) fn delivered(&self, event: &RawEvent<'_>) {
        self.take(event.bytes().len(), event.header().seq, &self.books.decoded);
    }

    /// Returns the unread bytes from the cursor on, as far as one record can reach: they lie in one piece.
    #[inline]
    fn unread(&self) -> &[u8] {
        let at = self.at.get();
        let unread = usize::try_from(self.head.wrapping_sub(at)).unwrap_or(MAX_RECORD_BYTES);
        let offset = self.reader.capacity.offset(at);
        self.reader.area.bytes(offset, unread.min(MAX_RECORD_BYTES)).unwrap_or_default()
    }

    #[inline]
    fn take(&self, len: usize, seq: u32, counter: &Cell<u64>) {
        // Numbers that jump mean records that were passed over; one that goes back is damage, and tells nothing.
        let jump = seq.wrapping_sub(self.next_seq.get());
        if jump != 0 && jump < u32::MAX / 2 {
            add(&self.books.committed, u64::from(jump));
            add(&self.books.refused, u64::from(jump));
        }
        add(&self.books.committed, 1);
        add(counter, 1);
        self.next_seq.set(seq.wrapping_add(1));
        self.at.set(self.at.get().wrapping_add(len as u64));
    }

    /// Passes over a malformed record whose length can be. Its number is no more to be trusted than the rest; the
    /// next good record tells.
    #[cold]
    fn refuse(&self) {
        match record_len(self.unread()) {
            Ok(len) => self.take(len, self.next_seq.get(), &self.books.refused),
            Err(_) => self.resync(),
        }
    }

    #[cold]
    fn resync(&self) {
        add(&self.books.resyncs, 1);
        self.at.set(self.head);
    }
}

impl<H: Position, T: Position, A: ReadArea> Drop for Batch<'_, H, T, A> {
    fn drop(&mut self) {
        self.reader.books = self.books.books();
        self.reader.next_seq = self.next_seq.get();
        if self.reader.tail != self.at.get() {
            // INVARIANT: the cursor stops only at ends of records or at the head.
            self.reader.tail = self.at.get();
            self.reader.published.publish(self.reader.tail);
        }
    }
}

impl<'b, H: Position, T: Position, A: ReadArea> IntoIterator for &'b Batch<'_, H, T, A> {
    type Item = RawEvent<'b>;
    type IntoIter = Events<'b, H, T, A>;

    fn into_iter(self) -> Self::IntoIter {
        // One lifetime for the borrow of the batch is all that an event may live for.
        Events { batch: self }
    }
}

/// Iterator over the records of a batch.
#[derive(Debug)]
pub struct Events<'b, H: Position, T: Position, A: ReadArea> {
    batch: &'b Batch<'b, H, T, A>,
}

impl<'b, H: Position, T: Position, A: ReadArea> Iterator for Events<'b, H, T, A> {
    type Item = RawEvent<'b>;

    fn next(&mut self) -> Option<Self::Item> {
        let event = self.batch.peek()?;
        self.batch.delivered(&event);
        Some(event)
    }
}
