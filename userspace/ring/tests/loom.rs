// SPDX-License-Identifier: Apache-2.0

//! Models of the real producer and reader on a ring of two records, under every interleaving.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test --release -p saker-ring --test loom`. One model runs the real
//! positions and must pass; for each of the four orderings one model weakens that ordering alone and must fail, which
//! proves that the models see the ordering at all.
#![cfg(loom)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use loom::sync::atomic::AtomicU64;
use loom::thread;
use saker_driver_api::books::Books;
use saker_driver_api::event::{Class, EventType};
use saker_driver_api::param::ParamStatus;
use saker_driver_api::probe::{RecordSink, Written};
use saker_driver_api::record::{EventHeader, RecordWriter};
use saker_driver_api::ring::{Capacity, OnFlood, Position, Producer};
use saker_ring::{Doorbell, HeapRing, OnFull, ReadHalf, Reader, ReaderBooks, Wake, WriteHalf, model_parts};
use std::panic::catch_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const CAPACITY: u64 = 512;
const RECORD: usize = 256;

fn capacity() -> Capacity {
    Capacity::new(CAPACITY).unwrap()
}

/// Writes record number `n`, filled with that number, and says whether it found room.
fn write(producer: &mut impl RecordSink, class: Class, n: u8) -> bool {
    let written = producer.write_record(class, 1, RECORD, |span| {
        let header = EventHeader { ts_ns: u64::from(n), kind: EventType::CloseExit as u16, ..Default::default() };
        let mut writer = RecordWriter::begin(span, 1).unwrap();
        writer.bytes(&[n; RECORD - 36], ParamStatus::OK);
        Ok(writer.finish(header))
    });
    written == Written::Committed
}

/// Reads what is there, and checks that each record is whole and later than the one before.
fn read(reader: &mut Reader<impl Position, impl Position, ReadHalf>, last: &mut u64) {
    let batch = reader.batch().expect("both sides are honest");
    for event in &batch {
        let header = event.header();
        assert!(header.ts_ns >= *last, "out of order");
        *last = header.ts_ns;
        if header.kind == EventType::CloseExit as u16 {
            let value = event.value(0).unwrap();
            assert!(value.len() == RECORD - 36 && value.iter().all(|&b| u64::from(b) == header.ts_ns), "torn");
        }
    }
}

/// One producer with `writes` records, one reader that looks `looks` times while it runs and once when it is done.
fn run<H, T>(
    head: (H, H),
    tail: (T, T),
    memory: (WriteHalf, ReadHalf),
    writes: u8,
    looks: usize,
) -> (Books, ReaderBooks)
where
    H: Position + Send + 'static,
    T: Position + Send + 'static,
{
    let mut producer = Producer::new(0, capacity(), OnFlood::Throttle, head.0, tail.0, memory.0);
    let mut reader = Reader::new(0, capacity(), head.1, tail.1, memory.1);
    let writer = thread::spawn(move || {
        for n in 1..=writes {
            write(&mut producer, Class::Critical, n);
        }
        producer
    });
    let mut last = 0;
    for _ in 0..looks {
        read(&mut reader, &mut last);
        thread::yield_now();
    }
    let mut producer = writer.join().unwrap();
    read(&mut reader, &mut last);
    assert!(producer.flush_gap(u64::from(writes)), "an empty ring has room for the gap");
    read(&mut reader, &mut last);
    (*producer.books(), *reader.books())
}

#[test]
fn every_interleaving_keeps_records_whole_and_the_books_exact() {
    static READS: AtomicUsize = AtomicUsize::new(0);
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    static REUSED: AtomicUsize = AtomicUsize::new(0);
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    loom::model(|| {
        let parts = model_parts(capacity());
        let (head, tail) = ((parts.head.clone(), parts.head), (parts.tail.clone(), parts.tail));
        let (producer, reader) = run(head, tail, (parts.write, parts.read), 5, 3);
        assert!(producer.balances() && reader.balances());
        assert_eq!(reader.committed, producer.records());
        assert_eq!((reader.skipped, reader.refused, reader.resyncs, producer.bad_tails), (0, 0, 0, 0));
        let events = producer.events();
        assert_eq!(events.seen, 5);
        RUNS.fetch_add(1, Ordering::Relaxed);
        READS.fetch_add(usize::try_from(events.committed).unwrap(), Ordering::Relaxed);
        DROPS.fetch_add(usize::try_from(events.dropped_total()).unwrap(), Ordering::Relaxed);
        REUSED.fetch_add(usize::from(events.committed > 2), Ordering::Relaxed);
    });
    assert!(RUNS.load(Ordering::Relaxed) > 100, "the model knows too few schedules");
    assert!(READS.load(Ordering::Relaxed) > 0, "the model never read a record");
    assert!(DROPS.load(Ordering::Relaxed) > 0, "the model never filled the ring");
    assert!(REUSED.load(Ordering::Relaxed) > 0, "the model never used a byte twice");
}

/// A position whose orderings can be weakened one by one.
#[derive(Clone)]
struct Weak {
    at: Arc<AtomicU64>,
    observe: Ordering,
    publish: Ordering,
}

impl Weak {
    fn pair(observe: Ordering, publish: Ordering) -> (Self, Self) {
        let one = Self { at: Arc::new(AtomicU64::new(0)), observe, publish };
        (one.clone(), one)
    }
}

impl Position for Weak {
    fn observe(&self) -> u64 {
        self.at.load(self.observe)
    }

    fn publish(&self, at: u64) {
        self.at.store(at, self.publish);
    }
}

/// Runs the same code with the given orderings: observe and publish of the head, then of the tail.
fn model(head: (Ordering, Ordering), tail: (Ordering, Ordering)) {
    loom::model(move || {
        let parts = model_parts(capacity());
        let (head, tail) = (Weak::pair(head.0, head.1), Weak::pair(tail.0, tail.1));
        run(head, tail, (parts.write, parts.read), 3, 1);
    });
}

fn assert_fails(head: (Ordering, Ordering), tail: (Ordering, Ordering)) {
    let panic = catch_unwind(|| model(head, tail)).expect_err("the weakened ordering went unnoticed");
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    assert!(text.is_some_and(|text| text.contains("Causality violation")), "failed for another reason: {text:?}");
}

/// A producer that waits for room and a reader that sleeps while there is nothing: neither may sleep for ever.
///
/// A lost wake-up is a deadlock here, because the model's timers never fire.
#[test]
fn no_wake_up_is_lost() {
    static READS: AtomicUsize = AtomicUsize::new(0);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let (mut producer, mut reader) =
            HeapRing::new(0, CAPACITY, OnFull::Wait, &Doorbell::new()).expect("a size").split();
        let writer = thread::spawn(move || {
            for n in 1..=3 {
                write(&mut producer, Class::State, n);
            }
            *producer.books()
        });
        while reader.wait() != Wake::Closed {
            let batch = reader.batch().expect("both sides are honest");
            READS.fetch_add(batch.events().count(), Ordering::Relaxed);
        }
        let books = writer.join().unwrap();
        assert_eq!((books.events().committed, reader.books().decoded), (3, 3));
    });
    assert!(READS.load(Ordering::Relaxed) > 0, "the model never read a record");
}

const STRONG: (Ordering, Ordering) = (Ordering::Acquire, Ordering::Release);

#[test]
fn the_orderings_as_they_are_pass() {
    model(STRONG, STRONG);
}

#[test]
fn a_relaxed_head_publish_is_caught() {
    assert_fails((Ordering::Acquire, Ordering::Relaxed), STRONG);
}

#[test]
fn a_relaxed_head_observe_is_caught() {
    assert_fails((Ordering::Relaxed, Ordering::Release), STRONG);
}

#[test]
fn a_relaxed_tail_publish_is_caught() {
    assert_fails(STRONG, (Ordering::Acquire, Ordering::Relaxed));
}

#[test]
fn a_relaxed_tail_observe_is_caught() {
    assert_fails(STRONG, (Ordering::Relaxed, Ordering::Release));
}
