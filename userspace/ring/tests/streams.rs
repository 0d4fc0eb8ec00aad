// SPDX-License-Identifier: Apache-2.0

//! Real threads: producers at full speed, a reader that merges, nothing torn, nothing unaccounted for.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking; numbers are small"
)]

mod common;

use common::{assert_whole, write};
use proptest::prelude::*;
use saker_driver_api::event::{Class, EventType};
use saker_driver_api::probe::{RecordSink as _, Written};
use saker_ring::{Doorbell, HeapProducer, HeapReader, HeapRing, Merge, OnFull, Slack, Wake};
use std::time::Duration;

const CLOSE: u16 = EventType::CloseExit as u16;
const RECORDS: u64 = if cfg!(miri) { 60 } else { 50_000 };

fn rings(count: u16, bytes: u64, on_full: OnFull, bell: &Doorbell) -> (Vec<HeapProducer>, Vec<HeapReader>) {
    (0..count).map(|cpu| HeapRing::new(cpu, bytes, on_full, bell).unwrap().split()).unzip()
}

fn put(producer: &mut HeapProducer, class: Class, ts_ns: u64, size: usize) -> Written {
    producer.write_record(class, 1, size + 40, |span| Ok(write(span, CLOSE, ts_ns, size)))
}

#[test]
fn a_producer_that_waits_loses_nothing() {
    let bell = Doorbell::new();
    let (producers, readers) = rings(2, 4096, OnFull::Wait, &bell);
    let mut merge = Merge::new(readers, &bell, Slack::default());
    let delivered = std::thread::scope(|scope| {
        for mut producer in producers {
            scope.spawn(move || {
                for n in 0..RECORDS {
                    let class = Class::ALL[n as usize % 3];
                    assert_eq!(put(&mut producer, class, n, n as usize % 500), Written::Committed);
                }
            });
        }
        let mut delivered = 0;
        loop {
            let wake = merge.wait();
            let batch = merge.rest(|error| panic!("{error}"));
            for merged in &batch {
                assert_whole(&merged.event);
                delivered += 1;
            }
            drop(batch);
            if wake == Wake::Closed {
                break delivered;
            }
        }
    });
    assert_eq!(delivered, 2 * RECORDS);
    let books = merge.reader_books();
    assert_eq!((books.committed, books.decoded, merge.books().delivered), (delivered, delivered, delivered));
    assert!(books.balances());
}

#[test]
fn a_producer_that_drops_tells_of_every_loss() {
    let bell = Doorbell::new();
    let (mut producer, mut reader) = HeapRing::new(0, 2048, OnFull::Drop, &bell).unwrap().split();
    let writer = std::thread::spawn(move || {
        for n in 0..RECORDS {
            put(&mut producer, Class::ALL[n as usize % 3], n, n as usize % 300);
        }
        while !producer.flush_gap(RECORDS) {
            std::thread::yield_now();
        }
        *producer.books()
    });
    let (mut records, mut lost) = (0, 0);
    let mut read = |reader: &mut HeapReader| {
        for event in &reader.batch().unwrap() {
            records += 1;
            if event.header().kind == CLOSE {
                assert_whole(&event);
            } else {
                lost += (0..3).map(|p| u64::from_le_bytes(event.value(p).unwrap().try_into().unwrap())).sum::<u64>();
            }
        }
    };
    while reader.wait() != Wake::Closed {
        read(&mut reader);
    }
    read(&mut reader);
    let books = writer.join().unwrap();
    assert!(books.balances() && reader.books().balances());
    assert_eq!((records, reader.books().committed), (books.records(), books.records()));
    assert_eq!(lost, books.events().dropped_total());
}

#[test]
fn a_sleeping_reader_can_be_called() {
    let bell = Doorbell::new();
    let (_producer, reader) = HeapRing::new(0, 4096, OnFull::Drop, &bell).unwrap().split();
    let caller = std::thread::spawn(move || bell.ring());
    assert_eq!(reader.wait(), Wake::Rung);
    caller.join().unwrap();
}

#[test]
fn young_records_wait_and_late_ones_are_marked() {
    let bell = Doorbell::new();
    let (mut producers, readers) = rings(2, 4096, OnFull::Drop, &bell);
    let mut merge = Merge::new(readers, &bell, Slack(Duration::from_nanos(10)));
    let take = |merge: &mut Merge, clock: u64| -> Vec<_> {
        let batch = merge.batch(|| clock, |error| panic!("{error}"));
        batch.events().map(|merged| (merged.event.header().ts_ns, merged.ring, merged.late)).collect()
    };
    put(&mut producers[0], Class::State, 100, 8);
    put(&mut producers[0], Class::State, 110, 8);
    put(&mut producers[1], Class::State, 105, 8);
    assert_eq!(take(&mut merge, 115), [(100, 0, false), (105, 1, false)], "110 is younger than the slack");
    put(&mut producers[1], Class::State, 101, 8);
    assert_eq!(take(&mut merge, 120), [(101, 1, true), (110, 0, false)]);
    assert_eq!(merge.books().late, 1);
    assert_eq!(merge.reader_books().decoded, 4);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 128 }))]

    #[test]
    fn a_merge_is_a_sort(
        times in prop::collection::vec(prop::collection::vec(0_u64..500, 0..if cfg!(miri) { 8 } else { 40 }), 1..5),
        clocks in prop::collection::vec(0_u64..600, 0..4),
    ) {
        let bell = Doorbell::new();
        let (mut producers, readers) = rings(times.len() as u16, 8192, OnFull::Drop, &bell);
        let mut expected = Vec::new();
        for (ring, times) in times.iter().enumerate() {
            let mut times = times.clone();
            times.sort_unstable();
            for ts_ns in times {
                prop_assert_eq!(put(&mut producers[ring], Class::Critical, ts_ns, 8), Written::Committed);
                expected.push((ts_ns, ring));
            }
        }
        expected.sort_unstable();
        let mut merge = Merge::new(readers, &bell, Slack(Duration::ZERO));
        let mut got = Vec::new();
        let mut latest = 0;
        for clock in clocks {
            latest = latest.max(clock);
            let batch = merge.batch(|| clock, |error| panic!("{error}"));
            got.extend(batch.events().map(|merged| (merged.event.header().ts_ns, merged.ring)));
            drop(batch);
            prop_assert!(times.len() == 1 || got.iter().all(|&(ts_ns, _)| ts_ns <= latest));
        }
        let batch = merge.rest(|error| panic!("{error}"));
        got.extend(batch.events().map(|merged| (merged.event.header().ts_ns, merged.ring)));
        drop(batch);
        prop_assert_eq!(got, expected);
        prop_assert_eq!(merge.books().late, 0);
    }
}
