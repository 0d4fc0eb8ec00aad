// SPDX-License-Identifier: Apache-2.0

//! The write side against random use and hostile tails: exact books, whole records, told losses.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking; numbers are small"
)]

mod common;

use common::{assert_whole, write};
use proptest::prelude::*;
use saker_driver_api::books::{Books, DropReason};
use saker_driver_api::event::{Class, EventType, at};
use saker_driver_api::param::ParamStatus;
use saker_driver_api::probe::{Fault, RecordSink as _, Written};
use saker_driver_api::record::{MAX_RECORD_BYTES, RawEvent};
use saker_driver_api::ring::{Capacity, DataArea, GAP_PIDS, OnFlood, Position, Producer};
use saker_ring::{Doorbell, HeapProducer, HeapReader, HeapRing, OnFull, RoomError, Wake};
use std::cell::Cell;
use std::rc::Rc;

const CASES: u32 = if cfg!(miri) { 2 } else { 256 };
/// Most operations, and bytes of a value, in a random case: the interpreter takes a while for each.
const OPS: usize = if cfg!(miri) { 16 } else { 200 };
const VALUE: usize = if cfg!(miri) { 40 } else { 300 };
const CLOSE: u16 = EventType::CloseExit as u16;
const GAP: u16 = EventType::Gap as u16;

#[derive(Clone, Debug)]
enum Op {
    Write { class: Class, pid: u32, size: usize, bound: usize, faults: u8 },
    Lie { class: Class },
    Filter { class: Class },
    Lose { class: Class, pid: u32 },
    Meta,
    Drain { records: usize },
}

fn class() -> impl Strategy<Value = Class> {
    prop_oneof![Just(Class::Ordinary), Just(Class::State), Just(Class::Critical)]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => (class(), 0_u32..40, 0_usize..VALUE, 0..3 * VALUE, 0_u8..3)
            .prop_map(|(class, pid, size, bound, faults)| Op::Write { class, pid, size, bound, faults }),
        1 => class().prop_map(|class| Op::Lie { class }),
        1 => class().prop_map(|class| Op::Filter { class }),
        1 => (class(), 0_u32..40).prop_map(|(class, pid)| Op::Lose { class, pid }),
        1 => Just(Op::Meta),
        4 => (0_usize..12).prop_map(|records| Op::Drain { records }),
    ]
}

/// What a reader learnt, for comparison with the producer's books.
#[derive(Default)]
struct Learnt {
    next_seq: u32,
    last_ns: u64,
    lost: [u64; 3],
    records: u64,
}

impl Learnt {
    fn see(&mut self, event: &RawEvent<'_>) {
        let header = event.header();
        assert_eq!(header.seq, self.next_seq, "numbers have no holes");
        assert!(header.ts_ns >= self.last_ns);
        (self.next_seq, self.last_ns) = (header.seq + 1, header.ts_ns);
        self.records += 1;
        if header.kind == GAP {
            for (sum, param) in
                self.lost.iter_mut().zip([at::Gap::lost_ordinary, at::Gap::lost_state, at::Gap::lost_critical])
            {
                *sum += number(event, param);
            }
            assert!(number(event, at::Gap::first_ns) <= number(event, at::Gap::last_ns));
        } else {
            assert_whole(event);
        }
    }
}

fn number(event: &RawEvent<'_>, param: usize) -> u64 {
    u64::from_le_bytes(event.value(param).unwrap().try_into().unwrap())
}

fn apply(producer: &mut HeapProducer, reader: &mut HeapReader, learnt: &mut Learnt, op: &Op, now: u64) {
    match *op {
        Op::Write { class, pid, size, bound, mut faults } => loop {
            let written = producer.write_record(class, pid, bound, |span| {
                let len = write(span, CLOSE, now, size);
                if faults > 0 { Err(Fault { at: 0, len: 0 }) } else { Ok(len) }
            });
            match written {
                Written::Faulted(_) => faults -= 1,
                Written::Committed | Written::Dropped(_) => break,
            }
        },
        Op::Lie { class } => {
            let written = producer.write_record(class, 1, 64, |span| Ok(write(span, CLOSE, now, 0) + 8));
            assert!(matches!(
                written,
                Written::Dropped(DropReason::Malformed | DropReason::RingFull | DropReason::Throttled)
            ));
        }
        Op::Filter { class } => producer.filtered(class),
        Op::Lose { class, pid } => producer.lost(class, pid, DropReason::Reentrant),
        Op::Meta => drop(producer.write_meta(64, |span| write(span, CLOSE, now, 8))),
        Op::Drain { records } => reader.batch().unwrap().events().take(records).for_each(|event| learnt.see(&event)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn random_use_keeps_books_exact_and_records_whole(ops in prop::collection::vec(op(), 1..OPS), log in 9_u32..14) {
        let (mut producer, mut reader) = HeapRing::new(3, 1 << log, OnFull::Drop, &Doorbell::new()).unwrap().split();
        let mut learnt = Learnt::default();
        for (now, op) in ops.iter().enumerate() {
            apply(&mut producer, &mut reader, &mut learnt, op, now as u64);
            prop_assert!(producer.books().balances(), "{op:?}: {:?}", producer.books());
        }
        reader.batch().unwrap().events().for_each(|event| learnt.see(&event));
        prop_assert!(producer.flush_gap(ops.len() as u64));
        reader.batch().unwrap().events().for_each(|event| learnt.see(&event));
        let books = *producer.books();
        let dropped = Class::ALL.map(|class| books.class(class).dropped_total());
        prop_assert_eq!(learnt.lost, dropped, "gap records tell of every loss");
        prop_assert_eq!(learnt.records, books.records());
        prop_assert!(reader.books().balances());
        prop_assert_eq!((reader.books().committed, reader.books().decoded), (books.records(), books.records()));
    }

    #[test]
    fn hostile_tails_never_free_unread_bytes(
        tails in prop::collection::vec(prop_oneof![any::<u64>(), 0_u64..8192, Just(u64::MAX)], 1..60),
        sizes in prop::collection::vec(0..VALUE, 1..OPS),
    ) {
        let page = Rc::new(Page::default());
        let mut producer = Producer::new(
            0, Capacity::new(1024).unwrap(), OnFlood::Throttle, Side(Rc::clone(&page)), Side(Rc::clone(&page)),
            Guarded { page: Rc::clone(&page), bytes: vec![0; 1024 + MAX_RECORD_BYTES] },
        );
        for (n, size) in sizes.into_iter().enumerate() {
            page.shown.set(tails[n % tails.len()]);
            producer.write_record(Class::Critical, 1, size + 40, |span| Ok(write(span, CLOSE, n as u64, size)));
            prop_assert!(page.head.get().wrapping_sub(page.true_tail.get()) <= 1024);
        }
        prop_assert!(producer.books().balances());
        prop_assert_eq!(producer.books().bad_tails, page.lies.get());
    }
}

/// The two pages between the sides, with what is true of the tail beside what is shown.
#[derive(Default)]
struct Page {
    head: Cell<u64>,
    shown: Cell<u64>,
    true_tail: Cell<u64>,
    lies: Cell<u64>,
}

struct Side(Rc<Page>);

impl Position for Side {
    /// Shows the tail; one that an honest reader could have published becomes the true one.
    fn observe(&self) -> u64 {
        let (shown, page) = (self.0.shown.get(), &self.0);
        let honest = (page.true_tail.get()..=page.head.get()).contains(&shown) && shown % 8 == 0;
        if honest {
            page.true_tail.set(shown);
        } else {
            page.lies.set(page.lies.get() + 1);
        }
        shown
    }

    fn publish(&self, at: u64) {
        self.0.head.set(at);
    }
}

/// Memory that refuses to lend unread bytes for writing.
struct Guarded {
    page: Rc<Page>,
    bytes: Vec<u8>,
}

impl DataArea for Guarded {
    fn span(&mut self, offset: usize, len: usize) -> Option<&mut [u8]> {
        let (head, tail) = (self.page.head.get(), self.page.true_tail.get());
        // The only position at or after the head with that offset.
        let at = head + (offset as u64).wrapping_sub(head) % 1024;
        assert!(at + len as u64 - tail <= 1024, "unread bytes {tail}..{head} lent for writing at {at}+{len}");
        self.bytes.get_mut(offset..offset + len)
    }
}

/// A ring that drops, and a shorthand to write into it.
fn ring(bytes: u64) -> (HeapProducer, HeapReader) {
    HeapRing::new(0, bytes, OnFull::Drop, &Doorbell::new()).unwrap().split()
}

fn put(producer: &mut HeapProducer, class: Class, pid: u32) -> Written {
    producer.write_record(class, pid, 64, |span| Ok(write(span, CLOSE, 1, 20)))
}

#[test]
fn critical_events_survive_floods_of_the_others() {
    let (mut producer, mut reader) = ring(8192);
    for n in 0..1000 {
        put(&mut producer, Class::Ordinary, n);
        put(&mut producer, Class::State, n);
    }
    let books = *producer.books();
    assert!(books.class(Class::Ordinary).dropped_for(DropReason::RingFull) > 0);
    assert!(books.class(Class::State).dropped_for(DropReason::RingFull) > 0);
    for n in 0..8 {
        assert_eq!(put(&mut producer, Class::Critical, n), Written::Committed, "an eighth of the ring is theirs");
    }
    assert_eq!(producer.books().class(Class::Critical).dropped_total(), 0);
    assert_eq!(reader.batch().unwrap().events().count() as u64, producer.books().records());
}

#[test]
fn one_process_cannot_flood_a_ring_over_half_full() {
    let (mut producer, mut reader) = ring(8192);
    let written = (0..1000).filter(|_| put(&mut producer, Class::State, 7) == Written::Committed).count();
    assert!((64..=96).contains(&written), "half the ring and an eighth: {written}");
    let state = *producer.books().class(Class::State);
    assert_eq!(state.dropped_for(DropReason::Throttled), 1000 - written as u64);
    assert_eq!(put(&mut producer, Class::State, 8), Written::Committed, "others still have room");
    assert_eq!(put(&mut producer, Class::Critical, 7), Written::Committed, "what matters most is not throttled");
    reader.batch().unwrap().events().for_each(drop);
    assert_eq!(put(&mut producer, Class::State, 7), Written::Committed, "the flood is forgiven once the ring is read");
}

#[test]
fn a_gap_names_the_processes_that_lost_state() {
    let (mut producer, mut reader) = ring(4096);
    for pid in [4, 5, 4] {
        producer.lost(Class::State, pid, DropReason::RingFull);
    }
    producer.lost(Class::Ordinary, 6, DropReason::RingFull);
    assert_eq!(put(&mut producer, Class::Ordinary, 6), Written::Committed);
    {
        let batch = reader.batch().unwrap();
        let gap = batch.events().next().unwrap();
        assert_eq!((gap.header().kind, gap.header().pid, gap.header().ts_ns), (GAP, 0, 1));
        assert_eq!(gap.param(at::Gap::pids), Some((&[4, 0, 0, 0, 5, 0, 0, 0][..], ParamStatus::OK)));
        assert_eq!((number(&gap, at::Gap::lost_state), number(&gap, at::Gap::lost_ordinary)), (3, 1));
    }
    (0..100).for_each(|pid| producer.lost(Class::Critical, pid, DropReason::RingFull));
    assert!(producer.flush_gap(9));
    let batch = reader.batch().unwrap();
    let gap = batch.events().find(|event| event.header().kind == GAP).unwrap();
    let (pids, status) = gap.param(at::Gap::pids).unwrap();
    assert_eq!((pids.len(), status), (GAP_PIDS * 4, ParamStatus::TRUNCATED));
}

#[test]
fn a_discarded_span_leaves_no_trace_but_its_count() {
    let area = Guarded { page: Rc::default(), bytes: vec![0; 1024 + MAX_RECORD_BYTES] };
    let (head, tail) = (Side(Rc::clone(&area.page)), Side(Rc::clone(&area.page)));
    let page = Rc::clone(&area.page);
    let mut producer = Producer::new(0, Capacity::new(1024).unwrap(), OnFlood::Throttle, head, tail, area);
    producer.reserve(Class::State, 1, 64).unwrap().discard();
    drop(producer.reserve(Class::State, 1, 64).unwrap());
    producer.reserve(Class::State, 1, 64).unwrap().release();
    let mut span = producer.reserve(Class::State, 1, 60).unwrap();
    let len = write(span.bytes(), CLOSE, 1, 4);
    assert_eq!(span.commit(len), Ok(()));
    let state = *producer.books().class(Class::State);
    assert_eq!((state.seen, state.discarded, state.committed, page.head.get()), (3, 2, 1, 40));
    assert!(matches!(producer.reserve(Class::State, 1, MAX_RECORD_BYTES + 1), Err(DropReason::Oversize)));
    assert!(matches!(producer.reserve(Class::State, 1, usize::MAX), Err(DropReason::Oversize)));
    assert!(producer.books().balances());
}

#[test]
fn rings_have_sizes_and_books_that_add_up() {
    for bytes in [0, 256, 1000, 1 << 31] {
        let error = HeapRing::new(0, bytes, OnFull::Drop, &Doorbell::new()).unwrap_err();
        assert!(error.to_string().contains(&bytes.to_string()), "{error}");
    }
    let mut sum = Books::default();
    for _ in 0..2 {
        let (mut producer, _reader) = ring(1024);
        put(&mut producer, Class::State, 1);
        sum.add(producer.books());
    }
    assert_eq!((sum.events().committed, sum.records()), (2, 2));
}

#[test]
fn waiting_in_vain_is_an_error() {
    let (mut producer, reader) = HeapRing::new(0, 512, OnFull::Wait, &Doorbell::new()).unwrap().split();
    assert_eq!(producer.wait_for_room(Class::State, 512), Err(RoomError::Never(512)));
    (0..7).for_each(|_| assert_eq!(put(&mut producer, Class::State, 1), Written::Committed));
    assert_eq!(reader.wait(), Wake::Records);
    drop(reader);
    assert_eq!(producer.wait_for_room(Class::State, 64), Err(RoomError::ReaderGone));
    assert_eq!(put(&mut producer, Class::State, 1), Written::Dropped(DropReason::RingFull));
}
