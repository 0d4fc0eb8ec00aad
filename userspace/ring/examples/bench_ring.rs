// SPDX-License-Identifier: Apache-2.0

//! Writes and reads N records of a given size on one thread, to be counted under `valgrind --tool=callgrind`.
//!
//! Usage: `bench_ring [RECORDS] [BYTES]`, 100000 records of 64 bytes unless told. Prints a checksum, so that no
//! work can be left out.

use saker_driver_api::event::{Class, EventType};
use saker_driver_api::param::ParamStatus;
use saker_driver_api::probe::RecordSink as _;
use saker_driver_api::record::{EventHeader, RecordWriter, fixed_bytes};
use saker_ring::{Doorbell, HeapProducer, HeapReader, HeapRing, OnFull};
use std::error::Error;

/// Records between two looks of the reader, fewer than fill the ring.
const BATCH: u64 = 256;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let records: u64 = args.next().map_or(Ok(100_000), |arg| arg.parse())?;
    let bytes: usize = args.next().map_or(Ok(64), |arg| arg.parse())?;
    let (mut producer, mut reader) = HeapRing::new(0, 1 << 20, OnFull::Drop, &Doorbell::new())?.split();
    let value = vec![7_u8; bytes.saturating_sub(fixed_bytes(1))];
    let mut sum = 0;
    for start in (0..records).step_by(usize::try_from(BATCH)?) {
        write(&mut producer, start..records.min(start + BATCH), bytes, &value);
        sum += read(&mut reader)?;
    }
    if producer.books().records() != records || reader.books().decoded != records {
        return Err(format!("{:?} {:?}: records were lost", producer.books(), reader.books()).into());
    }
    println!("records {records} bytes {bytes} checksum {sum}");
    Ok(())
}

#[inline(never)]
fn write(producer: &mut HeapProducer, times: std::ops::Range<u64>, bytes: usize, value: &[u8]) {
    for ts_ns in times {
        producer.write_record(Class::State, 1, bytes, |span| {
            let header = EventHeader { ts_ns, kind: EventType::CloseExit as u16, ..EventHeader::default() };
            let Some(mut writer) = RecordWriter::begin(span, 1) else { return Ok(0) };
            writer.bytes(value, ParamStatus::OK);
            Ok(writer.finish(header))
        });
    }
}

#[inline(never)]
fn read(reader: &mut HeapReader) -> Result<u64, Box<dyn Error>> {
    let batch = reader.batch()?;
    Ok(batch.events().map(|event| event.header().ts_ns + event.value(0).map_or(0, |value| value.len() as u64)).sum())
}
