// SPDX-License-Identifier: Apache-2.0

//! Carries N records of a given size from a writer to a reader, to be counted under `valgrind --tool=callgrind`.
//!
//! Usage: `bench_ring [RECORDS] [BYTES] [ring|channel|queue] [alone|threads]`; 100000 records of 64 bytes through the
//! ring on one thread unless told. `channel` and `queue` carry the same bytes in boxes, through `std::sync::mpsc`
//! and through a `Mutex<VecDeque>`. Prints a checksum, which is the same for every way, and the time it took.

use saker_driver_api::event::{Class, EventType};
use saker_driver_api::param::ParamStatus;
use saker_driver_api::probe::RecordSink as _;
use saker_driver_api::record::{EventHeader, RawEvent, RecordWriter, fixed_bytes};
use saker_ring::{Doorbell, HeapProducer, HeapReader, HeapRing, OnFull, Wake};
use std::collections::VecDeque;
use std::error::Error;
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use zerocopy::IntoBytes as _;

/// Records between two looks of a reader that shares the writer's thread, fewer than fill the ring.
const BATCH: u64 = 256;
/// Records that the channel holds, so that its writer waits where the ring's would.
const CHANNEL_RECORDS: usize = 4096;
const RING_BYTES: u64 = 1 << 20;

type Failure = Box<dyn Error + Send + Sync>;
type Boxed = Box<[u64]>;
type Queue = Arc<Mutex<VecDeque<Boxed>>>;

/// What was read: how many records, and a sum over what they say.
#[derive(Clone, Copy, Default)]
struct Seen {
    records: u64,
    sum: u64,
}

impl Seen {
    fn add(&mut self, event: &RawEvent<'_>) {
        self.records += 1;
        self.sum += event.header().ts_ns + event.value(0).map_or(0, |value| value.len() as u64);
    }
}

trait Write: Send {
    fn write(&mut self, ts_ns: u64, bytes: usize, value: &[u8]) -> Result<(), Failure>;
}

trait Read {
    /// Reads what there is; `block` says whether to wait for something first.
    fn read(&mut self, block: bool, seen: &mut Seen) -> Result<(), Failure>;
}

fn fill(span: &mut [u8], ts_ns: u64, value: &[u8]) -> usize {
    let header = EventHeader { ts_ns, kind: EventType::CloseExit as u16, ..EventHeader::default() };
    let Some(mut writer) = RecordWriter::begin(span, 1) else { return 0 };
    writer.bytes(value, ParamStatus::OK);
    writer.finish(header)
}

fn boxed(ts_ns: u64, bytes: usize, value: &[u8]) -> Boxed {
    let mut words = vec![0; bytes.div_ceil(8)].into_boxed_slice();
    fill(words.as_mut_bytes(), ts_ns, value);
    words
}

impl Write for HeapProducer {
    fn write(&mut self, ts_ns: u64, bytes: usize, value: &[u8]) -> Result<(), Failure> {
        self.write_record(Class::State, 1, bytes, |span| Ok(fill(span, ts_ns, value)));
        Ok(())
    }
}

impl Read for HeapReader {
    fn read(&mut self, block: bool, seen: &mut Seen) -> Result<(), Failure> {
        if block && self.wait() == Wake::Closed {
            return Err("the writer left early".into());
        }
        for event in &self.batch()? {
            seen.add(&event);
        }
        Ok(())
    }
}

impl Write for SyncSender<Boxed> {
    fn write(&mut self, ts_ns: u64, bytes: usize, value: &[u8]) -> Result<(), Failure> {
        Ok(self.send(boxed(ts_ns, bytes, value))?)
    }
}

impl Read for Receiver<Boxed> {
    fn read(&mut self, block: bool, seen: &mut Seen) -> Result<(), Failure> {
        if block {
            seen.add(&RawEvent::parse(self.recv()?.as_bytes())?);
        }
        while let Ok(record) = self.try_recv() {
            seen.add(&RawEvent::parse(record.as_bytes())?);
        }
        Ok(())
    }
}

impl Write for Queue {
    fn write(&mut self, ts_ns: u64, bytes: usize, value: &[u8]) -> Result<(), Failure> {
        let record = boxed(ts_ns, bytes, value);
        self.lock().unwrap_or_else(PoisonError::into_inner).push_back(record);
        Ok(())
    }
}

impl Read for Queue {
    fn read(&mut self, block: bool, seen: &mut Seen) -> Result<(), Failure> {
        while let Some(record) = { self.lock().unwrap_or_else(PoisonError::into_inner).pop_front() } {
            seen.add(&RawEvent::parse(record.as_bytes())?);
        }
        if block {
            std::thread::yield_now();
        }
        Ok(())
    }
}

#[inline(never)]
fn write_all(writer: &mut impl Write, times: Range<u64>, bytes: usize) -> Result<(), Failure> {
    let value = vec![7_u8; bytes.saturating_sub(fixed_bytes(1))];
    times.into_iter().try_for_each(|ts_ns| writer.write(ts_ns, bytes, &value))
}

fn alone(mut writer: impl Write, mut reader: impl Read, records: u64, bytes: usize) -> Result<Seen, Failure> {
    let mut seen = Seen::default();
    let step = usize::try_from(BATCH)?;
    for start in (0..records).step_by(step) {
        write_all(&mut writer, start..records.min(start + BATCH), bytes)?;
        reader.read(false, &mut seen)?;
    }
    Ok(seen)
}

fn threads(mut writer: impl Write, mut reader: impl Read, records: u64, bytes: usize) -> Result<Seen, Failure> {
    std::thread::scope(|scope| {
        // The writer moves into the thread, so that its end is the end of the stream.
        let written = scope.spawn(move || write_all(&mut writer, 0..records, bytes));
        let mut seen = Seen::default();
        while seen.records < records {
            reader.read(true, &mut seen)?;
        }
        written.join().map_err(|_| "the writer panicked")??;
        Ok(seen)
    })
}

fn carry(way: &str, on: &str, records: u64, bytes: usize) -> Result<Seen, Failure> {
    let on_full = if on == "threads" { OnFull::Wait } else { OnFull::Drop };
    let (producer, reader) = HeapRing::new(0, RING_BYTES, on_full, &Doorbell::new())?.split();
    let (sender, receiver) = sync_channel(CHANNEL_RECORDS);
    let queue = Queue::default();
    match (way, on) {
        ("ring", "alone") => alone(producer, reader, records, bytes),
        ("ring", "threads") => threads(producer, reader, records, bytes),
        ("channel", "alone") => alone(sender, receiver, records, bytes),
        ("channel", "threads") => threads(sender, receiver, records, bytes),
        ("queue", "alone") => alone(Arc::clone(&queue), queue, records, bytes),
        ("queue", "threads") => threads(Arc::clone(&queue), queue, records, bytes),
        _ => Err(format!("unknown way `{way} {on}`; known are ring, channel, queue and alone, threads").into()),
    }
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let arg = |at: usize, default: &'static str| args.get(at).map_or(default, String::as_str);
    let (records, bytes): (u64, usize) = (arg(0, "100000").parse()?, arg(1, "64").parse()?);
    let started = Instant::now();
    let seen = carry(arg(2, "ring"), arg(3, "alone"), records, bytes)?;
    let took = started.elapsed();
    if seen.records != records {
        return Err(format!("{} of {records} records arrived", seen.records).into());
    }
    println!("count {records} checksum {} nanoseconds {}", seen.sum, took.as_nanos());
    Ok(())
}
