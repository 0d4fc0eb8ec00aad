// SPDX-License-Identifier: Apache-2.0

//! The read side against lies: wrong positions, wrong lengths, wrong tables, unknown kinds.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking; numbers are small"
)]

mod common;

use common::{assert_whole, write};
use proptest::prelude::*;
use saker_driver_api::event::EventType;
use saker_driver_api::record::{MAX_RECORD_BYTES, split_record};
use saker_driver_api::ring::{Capacity, Position};
use saker_ring::{DrainError, ReadArea, Reader};
use std::cell::Cell;
use std::rc::Rc;

const CLOSE: u16 = EventType::CloseExit as u16;
const CAPACITY: usize = 1024;

#[derive(Clone, Default)]
struct Page(Rc<Cell<u64>>);

impl Position for Page {
    fn observe(&self) -> u64 {
        self.0.get()
    }

    fn publish(&self, at: u64) {
        self.0.set(at);
    }
}

/// Bytes that the test made; aligned as a ring's are.
struct Bytes(Box<[Unit]>);

#[derive(Clone, Copy)]
#[repr(align(8))]
struct Unit([u8; CAPACITY + MAX_RECORD_BYTES]);

impl Bytes {
    fn new(start: &[u8]) -> Self {
        let mut unit = Unit([0; CAPACITY + MAX_RECORD_BYTES]);
        unit.0[..start.len()].copy_from_slice(start);
        Self(Box::new([unit]))
    }
}

impl ReadArea for Bytes {
    fn bytes(&self, offset: usize, len: usize) -> Option<&[u8]> {
        self.0[0].0.get(offset..offset + len)
    }
}

type TestReader = Reader<Page, Page, Bytes>;

fn reader(bytes: &[u8]) -> (TestReader, Page, Page) {
    let (head, tail) = (Page::default(), Page::default());
    let capacity = Capacity::new(CAPACITY as u64).unwrap();
    (Reader::new(2, capacity, head.clone(), tail.clone(), Bytes::new(bytes)), head, tail)
}

/// Records of 64 bytes with these kinds, numbered from 0.
fn records(kinds: &[u16]) -> Vec<u8> {
    let mut all = vec![0; kinds.len() * 64];
    for (seq, (record, kind)) in all.chunks_mut(64).zip(kinds).enumerate() {
        assert_eq!(write(record, *kind, seq as u64, 24), 64);
        record[28..32].copy_from_slice(&(seq as u32).to_le_bytes());
    }
    all
}

#[test]
fn the_tail_moves_when_the_batch_is_dropped_and_past_what_was_iterated() {
    let (mut reader, head, tail) = reader(&records(&[CLOSE; 3]));
    head.publish(192);
    {
        let batch = reader.batch().unwrap();
        let mut events = batch.events();
        let (first, second) = (events.next().unwrap(), events.next().unwrap());
        [first, second].iter().for_each(assert_whole);
        assert_eq!((first.header().seq, second.header().seq), (0, 1));
        assert_eq!(tail.observe(), 0, "nothing is given back while events are borrowed");
    }
    assert_eq!(tail.observe(), 128);
    assert_eq!(reader.batch().unwrap().events().count(), 1, "the third stayed");
    assert_eq!((tail.observe(), reader.books().decoded), (192, 3));
}

#[test]
fn unknown_kinds_are_skipped_and_broken_tables_refused() {
    let mut bytes = records(&[CLOSE, 60_000, CLOSE, CLOSE]);
    bytes[2 * 64 + 32..2 * 64 + 36].copy_from_slice(&0xff_ffff_u32.to_le_bytes());
    let (mut reader, head, _tail) = reader(&bytes);
    head.publish(256);
    let seqs: Vec<_> = reader.batch().unwrap().events().map(|event| event.header().seq).collect();
    assert_eq!(seqs, [0, 3]);
    let books = *reader.books();
    assert_eq!((books.committed, books.decoded, books.skipped, books.refused), (4, 2, 1, 1));
    assert!(books.balances());
}

#[test]
fn an_impossible_length_gives_up_what_is_unread_and_the_numbers_tell_how_much() {
    let mut bytes = records(&[CLOSE; 6]);
    bytes[64 + 16..64 + 20].copy_from_slice(&7_u32.to_le_bytes());
    let (mut reader, head, tail) = reader(&bytes);
    head.publish(256);
    assert_eq!(reader.batch().unwrap().events().count(), 1);
    assert_eq!((reader.books().resyncs, tail.observe()), (1, 256));
    head.publish(384);
    assert_eq!(reader.batch().unwrap().events().count(), 2, "it goes on behind the damage");
    let books = *reader.books();
    assert_eq!((books.committed, books.decoded, books.refused), (6, 3, 3));
    assert!(books.balances());
}

#[test]
fn a_record_longer_than_what_is_unread_is_not_believed() {
    let (mut reader, head, tail) = reader(&records(&[CLOSE; 2]));
    head.publish(96);
    assert_eq!(reader.batch().unwrap().events().count(), 1);
    assert_eq!((reader.books().resyncs, tail.observe()), (1, 96));
}

#[test]
fn contradicting_positions_are_an_error_and_then_forgotten() {
    for wrong in [CAPACITY as u64 + 8, u64::MAX, 12] {
        let (mut reader, head, _tail) = reader(&records(&[CLOSE; 4]));
        head.publish(wrong);
        let error = reader.batch().map(drop).unwrap_err();
        assert_eq!(error, DrainError::Positions { cpu: 2, head: wrong, tail: 0, capacity: 1024 });
        assert_eq!(reader.books().resyncs, 1);
        assert!(reader.batch().is_err() || wrong % 8 == 0, "an unaligned head stays wrong");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 512 }))]

    #[test]
    fn whatever_the_ring_holds_nothing_panics(
        noise in prop::collection::vec(any::<u8>(), 0..64),
        damage in prop::collection::vec((0_usize..CAPACITY, any::<u8>()), 0..8),
        heads in prop::collection::vec(prop_oneof![any::<u64>(), (0_u64..400).prop_map(|n| n * 8)], 1..10),
    ) {
        let mut bytes = records(&[CLOSE; CAPACITY / 64]);
        bytes[..noise.len()].copy_from_slice(&noise);
        damage.into_iter().for_each(|(at, byte)| bytes[at] = byte);
        let (mut reader, head, _tail) = reader(&bytes);
        for at in heads {
            head.publish(at);
            if let Ok(batch) = reader.batch() {
                for event in &batch {
                    prop_assert!(split_record(event.bytes()).is_ok());
                }
            }
            prop_assert!(reader.books().balances());
        }
    }
}
