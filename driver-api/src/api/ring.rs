// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! The write side of a ring: one producer, one consumer, records that never wrap.
//!
//! ```text
//! [head: producer's page][tail: consumer's page][data: capacity bytes][overrun: MAX_RECORD_BYTES]
//!
//!   tail ────── unread records ────── head ── span (head + gap .. head + gap + bound) ──
//! ```
//! Positions count bytes since the ring was made; they only grow and are masked on use. A record starts at the
//! masked position and goes on into the overrun where it crosses the capacity, so it lies in one piece; the overrun
//! is either a second mapping of the start or plain spare memory. Example: in a ring of 512 bytes a record of 96 bytes at
//! position 480 lies at offsets 480..576; the next one starts at position 576, offset 64.
//!
//! Each side trusts only its private copy of its own position; the consumer's page may hold anything. Atomics are behind
//! [`Position`]: the kernel's, `core`'s or a model checker's, the protocol above them is this file alone.
//!
//! Limits: one producer and one consumer per ring; a record of up to [`MAX_RECORD_BYTES`]; nothing here allocates,
//! sleeps or panics. Arithmetic wraps or saturates: the kernel checks overflow, and no check may be able to fire in the
//! probe.

use super::books::{add, Books, DropReason};
use super::event::{Class, EventType};
use super::param::ParamStatus;
use super::probe::{Fault, RecordSink, Written};
use super::record::{
    fixed_bytes, padded, record_len, EventHeader, Origin, RecordWriter, MAX_RECORD_BYTES, RECORD_ALIGN,
};

/// Most processes that a gap record names; where more lost state, the list is marked truncated.
pub const GAP_PIDS: usize = 16;

/// Processes whose floods are watched at the same time.
const FLOOD_PIDS: usize = 16;

/// A position that one side publishes and the other observes.
pub trait Position {
    /// Loads with Acquire: what was written before the matching [`Position::publish`] is visible.
    fn observe(&self) -> u64;

    /// Stores with Release: pairs with [`Position::observe`] on the other side.
    fn publish(&self, at: u64);
}

impl<P: Position + ?Sized> Position for &P {
    fn observe(&self) -> u64 {
        (**self).observe()
    }

    fn publish(&self, at: u64) {
        (**self).publish(at);
    }
}

/// The bytes of a ring, as the producer may write them.
///
/// Addresses up to capacity + [`MAX_RECORD_BYTES`] exist. What lies past the capacity is the start once more (a second
/// mapping) or spare memory: each record is written and read in one piece from its own offset.
/// Offsets are multiples of [`RECORD_ALIGN`] and lie at such addresses.
pub trait DataArea {
    /// Lends `len` bytes from `offset`, or returns `None` where they do not exist.
    fn span(&mut self, offset: usize, len: usize) -> Option<&mut [u8]>;
}

/// Bytes of a ring's data area: a power of two.
///
/// # Invariants
/// A power of two between [`Capacity::MIN_BYTES`] and [`Capacity::MAX_BYTES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity(u64);

impl Capacity {
    /// Smallest ring: a gap record and a small record fit.
    pub const MIN_BYTES: u64 = 512;
    /// Largest ring.
    pub const MAX_BYTES: u64 = 1 << 30;

    /// Returns a capacity, or `None` where `bytes` is no power of two or out of bounds.
    #[must_use]
    pub const fn new(bytes: u64) -> Option<Self> {
        if bytes.is_power_of_two() && bytes >= Self::MIN_BYTES && bytes <= Self::MAX_BYTES {
            // INVARIANT: just checked.
            Some(Self(bytes))
        } else {
            None
        }
    }

    /// Returns the capacity in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// Returns where in the data area a position lies.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "masked to at most `MAX_BYTES`")]
    pub const fn offset(self, at: u64) -> usize {
        (at & self.0.wrapping_sub(1)) as usize
    }

    /// Returns the unread bytes, or `None` when the two positions cannot both be true.
    #[must_use]
    pub const fn used(self, head: u64, tail: u64) -> Option<u64> {
        let used = head.wrapping_sub(tail);
        if used <= self.0 {
            Some(used)
        } else {
            None
        }
    }

    /// Returns how full, in bytes, events of `class` may make the ring.
    #[must_use]
    pub const fn limit(self, class: Class) -> u64 {
        match class {
            Class::Ordinary => self.0 / 4 * 3,
            Class::State => self.0 / 8 * 7,
            Class::Critical => self.0,
        }
    }

    const fn half(self) -> u64 {
        self.0 / 2
    }
}

/// What a producer does about a process that floods state events in a ring over half full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFlood {
    /// Drops its state events beyond an eighth of the ring: it must not spend the room of all others.
    Throttle,
    /// Nothing: the producer waits for room, so a flood costs others time but no events.
    Admit,
}

/// What was lost since the last gap record.
#[derive(Clone, Copy, Debug)]
struct Gap {
    lost: [u64; Class::ALL.len()],
    /// Time of the last record before the first loss.
    first_ns: u64,
    pids: [u32; GAP_PIDS],
    npids: usize,
    more_pids: bool,
}

impl Gap {
    const NONE: Self =
        Self { lost: [0; Class::ALL.len()], first_ns: 0, pids: [0; GAP_PIDS], npids: 0, more_pids: false };

    fn is_open(&self) -> bool {
        self.lost != [0; Class::ALL.len()]
    }

    fn note(&mut self, class: Class, pid: u32, last_ts_ns: u64) {
        if !self.is_open() {
            self.first_ns = last_ts_ns;
        }
        if let Some(lost) = self.lost.get_mut(class as usize) {
            add(lost, 1);
        }
        if class == Class::Ordinary || self.pids().contains(&pid) {
            return;
        }
        match self.pids.get_mut(self.npids) {
            Some(slot) => {
                *slot = pid;
                self.npids = self.npids.saturating_add(1);
            }
            None => self.more_pids = true,
        }
    }

    fn pids(&self) -> &[u32] {
        self.pids.get(..self.npids).unwrap_or(&[])
    }

    /// Bytes of the record.
    fn record_bytes(&self) -> usize {
        padded(fixed_bytes(6).saturating_add(5 * 8).saturating_add(self.pids().len().saturating_mul(4)))
    }

    fn write(&self, span: &mut [u8], header: EventHeader) -> Option<usize> {
        let mut writer = RecordWriter::begin(span, 6)?;
        for lost in self.lost {
            writer.int(lost, 8);
        }
        writer.int(self.first_ns, 8);
        writer.int(header.ts_ns, 8);
        for pid in self.pids() {
            writer.piece(&pid.to_le_bytes());
        }
        writer.end_pieces(if self.more_pids { ParamStatus::TRUNCATED } else { ParamStatus::OK });
        Some(writer.finish(header))
    }
}

/// Which processes fill the upper half of the ring with state events.
///
/// Bytes are charged to a pid only while the ring is over half full. A pid with more than an eighth of the ring charged
/// is throttled; each eighth that the reader frees halves all charges, and a ring under half full clears them. The
/// table is small: a new pid takes the place of the one with the least and inherits its charge, so no flooder hides
/// behind many small ones, and an innocent pid starts with at most a sixteenth of all charges.
#[derive(Clone, Copy, Debug)]
struct Flood {
    charges: [(u32, u64); FLOOD_PIDS],
    decayed_at: u64,
    watching: bool,
}

impl Flood {
    const NONE: Self = Self { charges: [(0, 0); FLOOD_PIDS], decayed_at: 0, watching: false };

    fn admits(&mut self, pid: u32, tail: u64, capacity: Capacity) -> bool {
        let eighth = capacity.bytes() / 8;
        if !self.watching {
            *self = Self { decayed_at: tail, watching: true, ..Self::NONE };
        }
        let halvings = tail.wrapping_sub(self.decayed_at).checked_div(eighth).unwrap_or(0);
        if halvings > 0 {
            for (_, charge) in &mut self.charges {
                *charge = charge.checked_shr(u32::try_from(halvings).unwrap_or(u32::MAX)).unwrap_or(0);
            }
            self.decayed_at = self.decayed_at.wrapping_add(halvings.wrapping_mul(eighth));
        }
        !self.charges.iter().any(|&(of, charge)| of == pid && charge > eighth)
    }

    fn charge(&mut self, pid: u32, bytes: u64) {
        let mine = self.charges.iter().position(|&(of, charge)| of == pid && charge > 0);
        let least = || self.charges.iter().enumerate().min_by_key(|(_, (_, charge))| *charge).map(|(at, _)| at);
        if let Some((of, charge)) = mine.or_else(least).and_then(|at| self.charges.get_mut(at)) {
            *of = pid;
            *charge = charge.saturating_add(bytes);
        }
    }
}

/// Whose line of the books a span belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Event(Class),
    Meta,
}

impl Line {
    const fn class(self) -> Class {
        match self {
            Self::Event(class) => class,
            Self::Meta => Class::Critical,
        }
    }
}

/// The write side of one ring.
///
/// # Invariants
/// `head - tail <= capacity`, and bytes in `tail..head` are whole records that this producer does not touch.
#[derive(Debug)]
pub struct Producer<H, T, D> {
    published: H,
    consumer: T,
    data: D,
    capacity: Capacity,
    head: u64,
    tail: u64,
    cpu: u16,
    seq: u32,
    last_ts_ns: u64,
    on_flood: OnFlood,
    gap: Gap,
    /// Bytes of the pending gap record, 0 for none: the one question about gaps that every record asks.
    gap_bytes: usize,
    flood: Flood,
    books: Books,
}

impl<H: Position, T: Position, D: DataArea> Producer<H, T, D> {
    /// Makes the producer of an empty ring: `head` is published here, `tail` is observed, both start at 0.
    #[must_use]
    pub fn new(cpu: u16, capacity: Capacity, on_flood: OnFlood, head: H, tail: T, data: D) -> Self {
        // INVARIANT: an empty ring has `head == tail == 0`.
        Self {
            published: head,
            consumer: tail,
            data,
            capacity,
            head: 0,
            tail: 0,
            cpu,
            seq: 0,
            last_ts_ns: 0,
            on_flood,
            gap: Gap::NONE,
            gap_bytes: 0,
            flood: Flood::NONE,
            books: Books::default(),
        }
    }

    /// Returns the number of the ring.
    #[must_use]
    pub fn cpu(&self) -> u16 {
        self.cpu
    }

    /// Returns the books of this ring.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// Returns the capacity of the ring.
    #[must_use]
    pub fn capacity(&self) -> Capacity {
        self.capacity
    }

    /// Returns the unread bytes, after a look at the consumer's position.
    pub fn unread_bytes(&mut self) -> u64 {
        self.refresh_tail();
        self.head.wrapping_sub(self.tail)
    }

    /// Returns whether at least `bytes` are unread; the consumer's page is looked at only where it matters.
    pub fn has_unread(&mut self, bytes: u64) -> bool {
        let enough = |producer: &Self| producer.head.wrapping_sub(producer.tail) >= bytes;
        enough(self) && {
            self.refresh_tail();
            enough(self)
        }
    }

    /// Counts an event that nobody wants.
    pub fn filtered(&mut self, class: Class) {
        let books = self.books.class_mut(class);
        add(&mut books.seen, 1);
        add(&mut books.filtered, 1);
    }

    /// Counts an event that was lost before room was asked for, such as a reentrant one.
    pub fn lost(&mut self, class: Class, pid: u32, reason: DropReason) {
        add(&mut self.books.class_mut(class).seen, 1);
        self.drop_event(Line::Event(class), pid, reason);
    }

    /// Returns whether [`Producer::reserve`] would find room now; counts nothing.
    pub fn has_room(&mut self, class: Class, bound: usize) -> bool {
        let need = self.need(bound);
        self.fits(class, need) || {
            self.refresh_tail();
            self.fits(class, need)
        }
    }

    /// Returns whether an empty ring would have room: if not, waiting is in vain.
    #[must_use]
    pub fn could_fit(&self, class: Class, bound: usize) -> bool {
        bound <= MAX_RECORD_BYTES && self.need(bound) <= self.capacity.limit(class)
    }

    /// Reserves `bound` bytes for an event of `class` made by process `pid`, and counts the event as seen.
    ///
    /// `class` is already lowered for calls that failed.
    ///
    /// # Errors
    /// Returns why the event is lost; it is counted, and the next gap record tells of it.
    pub fn reserve(&mut self, class: Class, pid: u32, bound: usize) -> Result<Span<'_, H, T, D>, DropReason> {
        add(&mut self.books.class_mut(class).seen, 1);
        self.open(Line::Event(class), pid, bound)
    }

    /// Writes a record about the stream itself (clock, host) into up to `bound` bytes; `write` returns its length.
    ///
    /// # Errors
    /// Returns why there is no such record; no gap tells of it: the caller tries again.
    pub fn write_meta(&mut self, bound: usize, write: impl FnOnce(&mut [u8]) -> usize) -> Result<(), DropReason> {
        let mut span = self.open(Line::Meta, 0, bound)?;
        let len = write(span.bytes());
        span.commit(len)
    }

    /// Writes the pending gap record without waiting for the next event, as at the end of a capture.
    ///
    /// `ts_ns` is the time now. Returns whether no loss is left untold.
    pub fn flush_gap(&mut self, ts_ns: u64) -> bool {
        if self.gap_bytes == 0 {
            return true;
        }
        self.refresh_tail();
        if !self.fits(Class::Critical, self.gap_bytes as u64) {
            return false;
        }
        match self.write_gap(ts_ns) {
            Some(len) => self.advance(len),
            None => return false,
        }
        true
    }

    fn open(&mut self, line: Line, pid: u32, bound: usize) -> Result<Span<'_, H, T, D>, DropReason> {
        let charged = match self.admit(line, pid, bound) {
            Ok(charged) => charged,
            Err(reason) => {
                self.drop_event(line, pid, reason);
                return Err(reason);
            }
        };
        let gap_bytes = self.gap_bytes;
        let bound = padded(bound);
        Ok(Span { producer: self, line, pid, bound, gap_bytes, charged, open: true })
    }

    /// Decides whether there is room, and whether the bytes count towards a flood of `pid`.
    fn admit(&mut self, line: Line, pid: u32, bound: usize) -> Result<bool, DropReason> {
        if bound > MAX_RECORD_BYTES {
            return Err(DropReason::Oversize);
        }
        let need = self.need(bound);
        // PERF: under half full by the private copy of the tail, the consumer's page is not read at all.
        if self.head.wrapping_sub(self.tail).saturating_add(need) <= self.capacity.half() {
            self.flood.watching = false;
            return Ok(false);
        }
        self.refresh_tail();
        if !self.fits(line.class(), need) {
            return Err(DropReason::RingFull);
        }
        if self.head.wrapping_sub(self.tail) <= self.capacity.half() {
            self.flood.watching = false;
            return Ok(false);
        }
        let watched = line == Line::Event(Class::State) && self.on_flood == OnFlood::Throttle;
        if watched && !self.flood.admits(pid, self.tail, self.capacity) {
            return Err(DropReason::Throttled);
        }
        Ok(watched)
    }

    fn need(&self, bound: usize) -> u64 {
        // The pending gap record goes in front of the next record, under the same publication.
        padded(bound).saturating_add(self.gap_bytes) as u64
    }

    fn fits(&self, class: Class, need: u64) -> bool {
        self.head.wrapping_sub(self.tail).saturating_add(need) <= self.capacity.limit(class)
    }

    /// Takes over the consumer's position if it can be true: the page is hostile, so one load into a copy that is
    /// checked; a tail that goes back, past the head or between records' alignment is ignored and counted.
    fn refresh_tail(&mut self) {
        let tail = self.consumer.observe();
        let freed = tail.wrapping_sub(self.tail);
        if freed <= self.head.wrapping_sub(self.tail) && tail % RECORD_ALIGN as u64 == 0 {
            // INVARIANT: `tail` is between the old tail and `head`.
            self.tail = tail;
        } else {
            add(&mut self.books.bad_tails, 1);
        }
    }

    fn drop_event(&mut self, line: Line, pid: u32, reason: DropReason) {
        match line {
            Line::Meta => add(&mut self.books.meta.dropped, 1),
            Line::Event(class) => {
                if let Some(dropped) = self.books.class_mut(class).dropped.get_mut(reason as usize) {
                    add(dropped, 1);
                }
                self.gap.note(class, pid, self.last_ts_ns);
                self.gap_bytes = self.gap.record_bytes();
            }
        }
    }

    /// Writes the pending gap at the head, unpublished, and returns its length: `gap_bytes`.
    fn write_gap(&mut self, ts_ns: u64) -> Option<usize> {
        let header = EventHeader {
            ts_ns,
            kind: EventType::Gap as u16,
            cpu: self.cpu,
            origin: Origin::Synthetic as u8,
            seq: self.seq,
            ..EventHeader::default()
        };
        let span = self.data.span(self.capacity.offset(self.head), self.gap_bytes)?;
        let len = self.gap.write(span, header).filter(|&len| len == self.gap_bytes)?;
        self.seq = self.seq.wrapping_add(1);
        add(&mut self.books.meta.committed, 1);
        self.gap = Gap::NONE;
        self.gap_bytes = 0;
        Some(len)
    }

    fn advance(&mut self, bytes: usize) {
        // INVARIANT: only called with bytes that `admit` or `flush_gap` found room for.
        self.head = self.head.wrapping_add(bytes as u64);
        self.published.publish(self.head);
    }
}

impl<H: Position, T: Position, D: DataArea> RecordSink for Producer<H, T, D> {
    fn write_record(
        &mut self,
        class: Class,
        pid: u32,
        bound: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, Fault>,
    ) -> Written {
        let mut span = match self.reserve(class, pid, bound) {
            Ok(span) => span,
            Err(reason) => return Written::Dropped(reason),
        };
        match write(span.bytes()) {
            Ok(len) => match span.commit(len) {
                Ok(()) => Written::Committed,
                Err(reason) => Written::Dropped(reason),
            },
            Err(fault) => {
                span.release();
                Written::Faulted(fault)
            }
        }
    }
}

/// The right to write one record. Nothing of it is visible to the reader before [`Span::commit`]; dropped
/// without an outcome it counts as discarded.
#[derive(Debug)]
#[must_use = "a span that is dropped counts as a discarded event"]
pub struct Span<'p, H: Position, T: Position, D: DataArea> {
    producer: &'p mut Producer<H, T, D>,
    line: Line,
    pid: u32,
    bound: usize,
    gap_bytes: usize,
    charged: bool,
    open: bool,
}

impl<H: Position, T: Position, D: DataArea> Span<'_, H, T, D> {
    /// Returns the reserved bytes: the bound, rounded up to [`RECORD_ALIGN`]. They hold whatever was there before.
    pub fn bytes(&mut self) -> &mut [u8] {
        let at = self.producer.head.wrapping_add(self.gap_bytes as u64);
        self.producer.data.span(self.producer.capacity.offset(at), self.bound).unwrap_or(&mut [])
    }

    /// Publishes the record in the first `len` bytes, behind the gap record if events were lost before it; numbers it.
    ///
    /// # Errors
    /// Returns [`DropReason::Malformed`] when those bytes are no record of that length: the event is counted as lost.
    pub fn commit(mut self, len: usize) -> Result<(), DropReason> {
        self.open = false;
        let seq = self.producer.seq.wrapping_add(u32::from(self.gap_bytes > 0));
        let numbered = self.number(len, seq);
        let told = |ts_ns: &u64| self.gap_bytes == 0 || self.producer.write_gap(*ts_ns).is_some();
        let Some(ts_ns) = numbered.filter(told) else {
            self.producer.drop_event(self.line, self.pid, DropReason::Malformed);
            return Err(DropReason::Malformed);
        };
        let producer = &mut *self.producer;
        producer.seq = seq.wrapping_add(1);
        producer.last_ts_ns = ts_ns;
        if self.charged {
            producer.flood.charge(self.pid, len as u64);
        }
        match self.line {
            Line::Event(class) => add(&mut producer.books.class_mut(class).committed, 1),
            Line::Meta => add(&mut producer.books.meta.committed, 1),
        }
        producer.advance(self.gap_bytes.saturating_add(len));
        Ok(())
    }

    /// Checks the record's length, writes its number and returns its time.
    fn number(&mut self, len: usize, seq: u32) -> Option<u64> {
        let record = self.bytes().get_mut(..len)?;
        if record_len(record) != Ok(len) {
            return None;
        }
        *record.get_mut(28..)?.first_chunk_mut()? = seq.to_le_bytes();
        Some(u64::from_le_bytes(*record.first_chunk()?))
    }

    /// Gives the event up: counted as discarded.
    pub fn discard(self) {
        drop(self);
    }

    /// Gives the bytes back uncounted: the same event will be written again, after a page fault.
    pub fn release(mut self) {
        self.open = false;
        if let Line::Event(class) = self.line {
            let seen = &mut self.producer.books.class_mut(class).seen;
            *seen = seen.saturating_sub(1);
        }
    }
}

impl<H: Position, T: Position, D: DataArea> Drop for Span<'_, H, T, D> {
    fn drop(&mut self) {
        if let (true, Line::Event(class)) = (self.open, self.line) {
            add(&mut self.producer.books.class_mut(class).discarded, 1);
        }
    }
}
