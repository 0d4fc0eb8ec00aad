// SPDX-License-Identifier: Apache-2.0

//! One stream, by time, from several rings.
//!
//! ```text
//! clock read ──> heads read ──> deliver all with  ts_ns <= clock - slack  in the order of (ts_ns, ring)
//! ```
//! A ring is in the order of time, but a record with an earlier time may still be on its way on another CPU when the heads
//! are read. The slack (200 us unless set) is how long such a record is waited for; one that comes later still is delivered at
//! once, marked late and counted. A single ring needs no waiting: everything unread is delivered.

#[cfg(not(loom))]
use crate::device::{Cursor, MappedArea, MappedReader};
use crate::doorbell::{Doorbell, Pending, Wake};
use crate::heap::HeapReader;
use crate::map::ReadHalf;
use crate::position::{HeadEnd, TailEnd};
use crate::reader::{Batch, DrainError, ReaderBooks};
use saker_driver_api::record::RawEvent;
use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// A ring that is merged with others.
#[derive(Debug)]
pub enum Input {
    /// A ring on the heap.
    Heap(HeapReader),
    /// A ring of the kernel module.
    #[cfg(not(loom))]
    Mapped(MappedReader),
}

impl From<HeapReader> for Input {
    fn from(reader: HeapReader) -> Self {
        Self::Heap(reader)
    }
}

#[cfg(not(loom))]
impl From<MappedReader> for Input {
    fn from(reader: MappedReader) -> Self {
        Self::Mapped(reader)
    }
}

impl Input {
    fn batch(&mut self) -> Result<InputBatch<'_>, DrainError> {
        Ok(match self {
            Self::Heap(reader) => InputBatch::Heap(reader.batch()?),
            #[cfg(not(loom))]
            Self::Mapped(reader) => InputBatch::Mapped(reader.batch()?),
        })
    }

    fn pending(&self) -> Pending {
        match self {
            Self::Heap(reader) => reader.pending(),
            #[cfg(not(loom))]
            Self::Mapped(reader) if reader.unread_bytes() == 0 => Pending::Nothing,
            #[cfg(not(loom))]
            Self::Mapped(_) => Pending::Some,
        }
    }

    fn books(&self) -> &ReaderBooks {
        match self {
            Self::Heap(reader) => reader.books(),
            #[cfg(not(loom))]
            Self::Mapped(reader) => reader.books(),
        }
    }
}

#[derive(Debug)]
enum InputBatch<'r> {
    Heap(Batch<'r, HeadEnd, TailEnd, ReadHalf>),
    #[cfg(not(loom))]
    Mapped(Batch<'r, Cursor, Cursor, MappedArea>),
}

impl InputBatch<'_> {
    #[inline]
    fn peek(&self) -> Option<RawEvent<'_>> {
        match self {
            Self::Heap(batch) => batch.peek(),
            #[cfg(not(loom))]
            Self::Mapped(batch) => batch.peek(),
        }
    }

    #[inline]
    fn delivered(&self, event: &RawEvent<'_>) {
        match self {
            Self::Heap(batch) => batch.delivered(event),
            #[cfg(not(loom))]
            Self::Mapped(batch) => batch.delivered(event),
        }
    }
}

/// How long a record is held back for earlier ones from other rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slack(pub Duration);

impl Default for Slack {
    fn default() -> Self {
        Self(Duration::from_micros(200))
    }
}

/// What the merge noticed about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeBooks {
    /// Records delivered.
    pub delivered: u64,
    /// Records among them that were earlier than one already delivered from another ring.
    pub late: u64,
}

/// The rings of one source, read as one stream.
#[derive(Debug)]
pub struct Merge {
    readers: Vec<Input>,
    doorbell: Doorbell,
    slack_ns: u64,
    last_ns: u64,
    books: MergeBooks,
}

impl Merge {
    /// Merges `readers`; the rings on the heap all have the doorbell `doorbell`.
    #[must_use]
    pub fn new<R: Into<Input>>(readers: Vec<R>, doorbell: &Doorbell, slack: Slack) -> Self {
        let slack_ns = u64::try_from(slack.0.as_nanos()).unwrap_or(u64::MAX);
        let readers = readers.into_iter().map(Into::into).collect();
        Self { readers, doorbell: doorbell.clone(), slack_ns, last_ns: 0, books: MergeBooks::default() }
    }

    /// Sleeps until there is something to read in any ring on the heap.
    pub fn wait(&self) -> Wake {
        self.doorbell.wait(|| self.pending())
    }

    /// Returns how much there is to read.
    #[must_use]
    pub fn pending(&self) -> Pending {
        self.readers.iter().map(Input::pending).max().unwrap_or(Pending::Nothing)
    }

    /// Returns the books of the merge.
    #[must_use]
    pub fn books(&self) -> MergeBooks {
        self.books
    }

    /// Returns the books of all readers together.
    #[must_use]
    pub fn reader_books(&self) -> ReaderBooks {
        let mut sum = ReaderBooks::default();
        self.readers.iter().for_each(|reader| sum.add(reader.books()));
        sum
    }

    /// Borrows what is unread now and old enough; `clock_ns` reads the boot clock, before the heads are looked at.
    ///
    /// Rings whose positions cannot be true are left out, and given to `complain`.
    pub fn batch(&mut self, clock_ns: impl FnOnce() -> u64, complain: impl FnMut(DrainError)) -> MergeBatch<'_> {
        let until_ns = match self.readers.len() {
            0 | 1 => u64::MAX,
            _ => clock_ns().saturating_sub(self.slack_ns),
        };
        self.batch_until(until_ns, complain)
    }

    /// Borrows all that is unread now, however young: for the end of a stream, when no producer is left.
    pub fn rest(&mut self, complain: impl FnMut(DrainError)) -> MergeBatch<'_> {
        self.batch_until(u64::MAX, complain)
    }

    fn batch_until(&mut self, until_ns: u64, mut complain: impl FnMut(DrainError)) -> MergeBatch<'_> {
        let several = self.readers.len() > 1;
        let mut rings = Vec::with_capacity(self.readers.len());
        for (ring, reader) in self.readers.iter_mut().enumerate() {
            match reader.batch() {
                Ok(batch) => rings.push((ring, batch)),
                Err(error) => complain(error),
            }
        }
        let progress = Cell::new((self.last_ns, self.books));
        MergeBatch { rings, until_ns, several, last_ns: &mut self.last_ns, books: &mut self.books, progress }
    }
}

/// The records of all rings that may be delivered now; dropping it gives their bytes back.
#[derive(Debug)]
pub struct MergeBatch<'m> {
    rings: Vec<(usize, InputBatch<'m>)>,
    until_ns: u64,
    several: bool,
    last_ns: &'m mut u64,
    books: &'m mut MergeBooks,
    progress: Cell<(u64, MergeBooks)>,
}

impl MergeBatch<'_> {
    /// Iterates over the records not yet iterated, in the order of time and then of ring.
    #[must_use]
    pub fn events(&self) -> MergedEvents<'_> {
        let mut order = BinaryHeap::with_capacity(self.rings.len());
        // With one ring its order is the order; the heap stays empty.
        if let [_, _, ..] = self.rings.as_slice() {
            for (at, (_, batch)) in self.rings.iter().enumerate() {
                order.extend(batch.peek().map(|event| Reverse((event.header().ts_ns, at))));
            }
        }
        MergedEvents { batch: self, order }
    }

    fn deliver<'b>(&self, ring: usize, batch: &'b InputBatch<'_>, event: RawEvent<'b>) -> Merged<'b> {
        batch.delivered(&event);
        let (last_ns, mut books) = self.progress.get();
        let late = event.header().ts_ns < last_ns && self.several;
        books.delivered += 1;
        books.late += u64::from(late);
        self.progress.set((last_ns.max(event.header().ts_ns), books));
        Merged { event, ring, late }
    }
}

impl Drop for MergeBatch<'_> {
    fn drop(&mut self) {
        (*self.last_ns, *self.books) = self.progress.get();
    }
}

impl<'b> IntoIterator for &'b MergeBatch<'_> {
    type Item = Merged<'b>;
    type IntoIter = MergedEvents<'b>;

    fn into_iter(self) -> Self::IntoIter {
        self.events()
    }
}

/// One record of the merged stream.
#[derive(Clone, Copy, Debug)]
pub struct Merged<'b> {
    /// The record.
    pub event: RawEvent<'b>,
    /// Which reader it came from, in the order given to [`Merge::new`].
    pub ring: usize,
    /// Earlier than a record already delivered from another ring.
    pub late: bool,
}

/// Iterator over the records of a [`MergeBatch`].
#[derive(Debug)]
pub struct MergedEvents<'b> {
    batch: &'b MergeBatch<'b>,
    order: BinaryHeap<Reverse<(u64, usize)>>,
}

impl<'b> Iterator for MergedEvents<'b> {
    type Item = Merged<'b>;

    fn next(&mut self) -> Option<Self::Item> {
        let all = self.batch;
        if let [(ring, batch)] = all.rings.as_slice() {
            let event = batch.peek().filter(|event| event.header().ts_ns <= all.until_ns)?;
            return Some(all.deliver(*ring, batch, event));
        }
        let mut first = self.order.peek_mut()?;
        let Reverse((ts_ns, at)) = *first;
        if ts_ns > all.until_ns {
            return None;
        }
        let (ring, batch) = all.rings.get(at)?;
        let merged = all.deliver(*ring, batch, batch.peek()?);
        match batch.peek() {
            Some(next) => *first = Reverse((next.header().ts_ns, at)),
            None => drop(std::collections::binary_heap::PeekMut::pop(first)),
        }
        Some(merged)
    }
}
