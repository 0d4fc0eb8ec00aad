// SPDX-License-Identifier: Apache-2.0

//! Writes a capture of N records of a given size and reads it, to be counted under `valgrind --tool=callgrind`.
//!
//! Usage: `bench_capture FILE [RECORDS] [BYTES] [raw|zstd]`, 100000 records of 64 bytes, raw, unless told; `FILE` is
//! replaced. Prints a checksum, so that no work can be left out. `main::write` and `main::read` are separate functions, so
//! that each can be counted alone.

use saker_capture::{Compress, Existing, Options, SkrReader, SkrWriter};
use saker_driver_api::event::EventType;
use saker_driver_api::param::ParamStatus;
use saker_driver_api::record::{EventHeader, RecordWriter, fixed_bytes, split_record};
use std::error::Error;
use zerocopy::IntoBytes as _;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("usage: bench_capture FILE [RECORDS] [BYTES] [raw|zstd]")?;
    let records: u64 = args.next().map_or(Ok(100_000), |arg| arg.parse())?;
    let bytes: usize = args.next().map_or(Ok(64), |arg| arg.parse())?;
    let compress = match args.next().as_deref() {
        None | Some("raw") => Compress::Raw,
        Some("zstd") => Compress::Zstd(3),
        Some(other) => return Err(format!("unknown codec `{other}`").into()),
    };
    write(&path, records, bytes, compress)?;
    let (found, sum) = read(&path)?;
    if found != records {
        return Err(format!("{found} of {records} records read").into());
    }
    println!("records {records} bytes {bytes} checksum {sum}");
    Ok(())
}

#[inline(never)]
fn write(path: &str, records: u64, bytes: usize, compress: Compress) -> Result<(), Box<dyn Error>> {
    let mut writer = SkrWriter::create(path, Options { compress, existing: Existing::Replace })?;
    let mut words = vec![0_u64; bytes.div_ceil(8)];
    let value = vec![7_u8; bytes.saturating_sub(fixed_bytes(1))];
    for ts_ns in 0..records {
        let header = EventHeader { ts_ns, kind: EventType::CloseExit as u16, ..EventHeader::default() };
        let mut record = RecordWriter::begin(words.as_mut_bytes(), 1).ok_or("a record needs 40 bytes")?;
        record.bytes(&value, ParamStatus::OK);
        record.finish(header);
        writer.append(&split_record(words.as_bytes())?.0)?;
    }
    writer.finish()?;
    Ok(())
}

#[inline(never)]
fn read(path: &str) -> Result<(u64, u64), Box<dyn Error>> {
    let mut reader = SkrReader::open(path)?;
    let (mut records, mut sum) = (0, 0);
    while let Some(section) = reader.next_section()? {
        for event in section.events() {
            records += 1;
            sum += event.header().ts_ns + event.value(0).map_or(0, |value| value.len() as u64);
        }
    }
    if !reader.damage().is_empty() {
        return Err(format!("{:?}", reader.damage()).into());
    }
    Ok((records, sum))
}
