// SPDX-License-Identifier: Apache-2.0

//! What is written is read back: records, numbers, times, checkpoints, packed or not.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking; numbers are small"
)]

mod common;

use common::Stream;
use proptest::prelude::*;
use saker_capture::{
    Checkpoints, Compress, Depth, Existing, Options, PackError, SectionKind, Seek, SeekPoint, SkrReader, SkrWriter,
    WriteError, info, is_numbered, pack,
};
use saker_driver_api::record::RecordFlags;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::tempdir;

const ZSTD: Options = Options { compress: Compress::Zstd(3), existing: Existing::Refuse };

fn write(path: &Path, stream: &Stream, options: Options, flush_every: usize) {
    let mut writer = SkrWriter::create(path, options).unwrap();
    for (n, event) in stream.events().enumerate() {
        writer.append(&event).unwrap();
        if n % flush_every == flush_every - 1 {
            writer.flush().unwrap();
        }
    }
    let summary = writer.finish().unwrap();
    assert_eq!(summary.file_bytes, fs::metadata(path).unwrap().len());
    assert_eq!(summary.records, stream.events().count() as u64);
}

fn read(path: &Path) -> Vec<Vec<u8>> {
    let mut reader = SkrReader::open(path).unwrap();
    let mut all = Vec::new();
    let mut num = 1;
    while let Some(section) = reader.next_section().unwrap() {
        assert_eq!(section.first_num(), num);
        for event in section.events() {
            num += u64::from(is_numbered(&event));
            all.push(event.bytes().to_vec());
        }
    }
    assert_eq!(reader.damage(), []);
    all
}

fn bytes(stream: &Stream) -> Vec<Vec<u8>> {
    stream.events().map(|event| event.bytes().to_vec()).collect()
}

#[test]
fn only_what_rules_see_is_numbered() {
    let stream = Stream::new((0..20).map(|n| (n, 8)));
    let numbered: Vec<u32> = stream.events().filter(is_numbered).map(|event| event.header().seq).collect();
    assert_eq!(
        numbered,
        [0, 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 14, 15, 16, 18, 19],
        "no clocks, no records for tables only"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn records_survive_raw_and_packed(
        records in prop::collection::vec((0_u64..1 << 40, prop_oneof![0_usize..200, 0_usize..60_000]), 0..60),
        flush_every in 1_usize..40,
    ) {
        let folder = tempdir().unwrap();
        let (raw, packed, again) = (folder.path().join("a"), folder.path().join("b"), folder.path().join("c"));
        let stream = Stream::new(records);
        write(&raw, &stream, Options::default(), flush_every);
        prop_assert_eq!(read(&raw), bytes(&stream));
        prop_assert_eq!(pack(&raw, &packed, ZSTD).unwrap().damage, []);
        prop_assert_eq!(read(&packed), bytes(&stream));
        pack(&packed, &again, Options::default()).unwrap();
        prop_assert_eq!(read(&again), bytes(&stream));
        prop_assert_eq!(info(&again, Depth::Everything).unwrap().id, info(&raw, Depth::Headers).unwrap().id);
    }
}

#[test]
fn sections_are_bounded_by_bytes_and_by_time() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.skr");
    write(&path, &Stream::new((0..100).map(|n| (n, 40_000))), Options::default(), usize::MAX);
    let by_bytes = info(&path, Depth::Headers).unwrap();
    assert_eq!(by_bytes.sections, 8, "13 records of 40 kB in 512 KiB");
    assert_eq!((by_bytes.records, by_bytes.first_ns, by_bytes.last_ns), (100, Some(0), Some(99)));
    assert_eq!(info(&path, Depth::Everything).unwrap(), by_bytes);
    let path = folder.path().join("b.skr");
    write(&path, &Stream::new((0..10).map(|n| (n * 600_000_000, 8))), Options::default(), usize::MAX);
    assert_eq!(info(&path, Depth::Headers).unwrap().sections, 5, "two records in a second");
}

#[test]
fn a_capture_is_private_and_replaces_nothing_unasked() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.skr");
    let stream = Stream::new([(1, 8)]);
    write(&path, &stream, Options::default(), 1);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(matches!(SkrWriter::create(&path, Options::default()), Err(WriteError::Exists { .. })));
    let replace = Options { existing: Existing::Replace, ..ZSTD };
    assert!(matches!(pack(&path, &path, replace), Err(PackError::SameFile { .. })));
    let link = folder.path().join("link.skr");
    fs::hard_link(&path, &link).unwrap();
    assert!(matches!(pack(&path, &link, replace), Err(PackError::SameFile { .. })));
    let other = folder.path().join("b.skr");
    fs::write(&other, "mine").unwrap();
    assert!(matches!(pack(&path, &other, ZSTD), Err(PackError::Write(WriteError::Exists { .. }))));
    assert_eq!(fs::read(&other).unwrap(), b"mine");
    pack(&path, &other, replace).unwrap();
    assert_eq!((read(&path), read(&other)), (bytes(&stream), bytes(&stream)));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "no partial file stays");
}

#[test]
fn a_writer_that_is_dropped_leaves_a_readable_file() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.skr");
    let stream = Stream::new([(1, 8), (2, 9)]);
    let mut writer = SkrWriter::create(&path, Options::default()).unwrap();
    stream.events().for_each(|event| writer.append(&event).unwrap());
    drop(writer);
    let mut reader = SkrReader::open(&path).unwrap();
    assert_eq!(reader.next_section().unwrap().unwrap().events().count(), 2);
    assert!(reader.next_section().unwrap().is_none());
    assert!(!reader.is_finished());
    assert_eq!(reader.damage().len(), 1);
    assert!(reader.damage()[0].to_string().contains("did not finish"), "{}", reader.damage()[0]);
    assert_eq!(
        (reader.damage()[0].bytes_lost, info(&path, Depth::Headers).unwrap().damage),
        (0, reader.damage().to_vec())
    );
}

#[test]
fn seeking_leads_to_the_checkpoint_before() {
    let folder = tempdir().unwrap();
    let (path, cut) = (folder.path().join("a.skr"), folder.path().join("b.skr"));
    let state = Stream::new((0..40).map(|n| (n, 60_000)).chain([(0, 7); 70].map(|(n, _)| (n, 60_000))));
    let stream = Stream::new((1..=100).map(|n| (n * 1000, 20)));
    let mut writer = SkrWriter::create(&path, ZSTD).unwrap();
    for (n, event) in stream.events().enumerate() {
        if n == 50 {
            writer.checkpoint(state.events()).unwrap();
        }
        writer.append(&event).unwrap();
    }
    writer.finish().unwrap();
    let whole = fs::read(&path).unwrap();
    fs::write(&cut, &whole[..whole.len() - 40]).unwrap();
    let packed = folder.path().join("c.skr");
    pack(&path, &packed, Options::default()).unwrap();
    for path in [&path, &cut, &packed] {
        let mut reader = SkrReader::open(path).unwrap();
        let at_50 = SeekPoint { first_num: 41, checkpoint: true };
        assert_eq!(reader.seek(Seek::Event(90)).unwrap(), at_50, "ten records that rules do not see are not counted");
        assert_eq!(reader.seek(Seek::Time(50_000)).unwrap(), at_50);
        let (mut in_state, mut in_stream) = (0, 0);
        while let Some(section) = reader.next_section().unwrap() {
            let count = if section.kind() == SectionKind::Checkpoint { &mut in_state } else { &mut in_stream };
            *count += section.events().count();
        }
        assert_eq!((in_state, in_stream), (110, 50));
        let start = SeekPoint { first_num: 1, checkpoint: false };
        assert_eq!(reader.seek(Seek::Event(40)).unwrap(), start);
        assert_eq!(reader.seek(Seek::Time(49_000)).unwrap(), start);
        assert_eq!(reader.next_section().unwrap().unwrap().events().next().unwrap().header().ts_ns, 1000);
        assert_eq!(info(path, Depth::Headers).unwrap().checkpoints, 1);
    }
    assert_eq!(read(&path), bytes(&stream), "checkpoints are no part of the stream");
    let mut reader = SkrReader::open(&path).unwrap().with_checkpoints(Checkpoints::All);
    let mut starts = 0;
    while let Some(section) = reader.next_section().unwrap() {
        starts += u32::from(section.starts_checkpoint());
    }
    assert_eq!(starts, 1);
}

#[test]
fn flags_can_be_added() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.skr");
    let stream = Stream::new([(1, 8)]);
    let mut writer = SkrWriter::create(&path, Options::default()).unwrap();
    writer.append_flagged(&stream.events().next().unwrap(), RecordFlags::LATE).unwrap();
    writer.finish().unwrap();
    let mut reader = SkrReader::open(&path).unwrap();
    let section = reader.next_section().unwrap().unwrap();
    assert_eq!(section.events().next().unwrap().header().flags, RecordFlags::LATE);
}
