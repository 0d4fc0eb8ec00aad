// SPDX-License-Identifier: Apache-2.0

//! Captures that are cut, changed, full or something else.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking; numbers are small"
)]

mod common;

use common::Stream;
use proptest::prelude::*;
use saker_capture::{
    Compress, Damage, DamageReason, Depth, Existing, Options, ReadError, Seek, SkrReader, SkrWriter, WriteError, info,
    pack,
};
use saker_driver_api::record::split_record;
use std::error::Error as _;
use std::fs::{self, File, OpenOptions};
use std::path::Path;
use std::process::Command;
use tempfile::tempdir;

const REPLACE: Options = Options { compress: Compress::Raw, existing: Existing::Replace };

/// Writes 40 sections of 5 records each; returns the file's bytes and where the sections start.
fn sample(path: &Path, compress: Compress) -> (Vec<u8>, Vec<usize>) {
    let stream = Stream::new((0..200).map(|n| (n, 100 + n as usize)));
    let mut writer = SkrWriter::create(path, Options { compress, ..REPLACE }).unwrap();
    for (n, event) in stream.events().enumerate() {
        writer.append(&event).unwrap();
        if n % 5 == 4 {
            writer.flush().unwrap();
        }
    }
    writer.finish().unwrap();
    let bytes = fs::read(path).unwrap();
    let (mut at, mut starts) = (64, Vec::new());
    while starts.len() <= 40 {
        starts.push(at);
        at += 64 + (u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize).next_multiple_of(8);
    }
    (bytes, starts)
}

/// Reads everything; returns how many records and what was lost.
fn read(path: &Path) -> Result<(u64, Vec<Damage>), ReadError> {
    let mut reader = SkrReader::open(path)?;
    let mut records = 0;
    while let Some(section) = reader.next_section()? {
        for event in section.events() {
            assert!(split_record(event.bytes()).is_ok());
            records += 1;
        }
    }
    Ok((records, reader.damage().to_vec()))
}

/// A small reproducible sequence of numbers below `limit`.
fn numbers(limit: usize) -> impl Iterator<Item = usize> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    std::iter::from_fn(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some((state % limit as u64) as usize)
    })
}

#[test]
fn a_file_cut_anywhere_opens_up_to_its_last_whole_section() {
    let folder = tempdir().unwrap();
    let (whole, cut) = (folder.path().join("whole.skr"), folder.path().join("cut.skr"));
    for compress in [Compress::Raw, Compress::Zstd(3)] {
        let (bytes, starts) = sample(&whole, compress);
        for at in numbers(bytes.len()).take(1000) {
            fs::write(&cut, &bytes[..at]).unwrap();
            if at < 64 {
                assert!(matches!(read(&cut), Err(ReadError::Header { .. })), "cut at {at}");
                continue;
            }
            let (records, damage) = read(&cut).unwrap();
            let sections = starts.iter().filter(|&&start| start <= at).count() - 1;
            assert_eq!(records, 5 * sections as u64, "cut at {at}");
            let [damage] = damage[..] else { panic!("cut at {at}: {damage:?}") };
            assert_eq!((damage.offset, damage.bytes_lost), (starts[sections] as u64, (at - starts[sections]) as u64));
            let index_cut = sections == 40 && at >= starts[40] + 64;
            let reason = match damage.bytes_lost {
                0 => DamageReason::Unfinished,
                _ if index_cut => DamageReason::Index,
                _ => DamageReason::Cut,
            };
            assert_eq!(damage.reason, reason, "cut at {at}");
            assert_eq!(info(&cut, Depth::Headers).unwrap().damage, [damage]);
        }
    }
}

#[test]
fn a_changed_byte_costs_its_section_and_is_reported_there() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.skr");
    let (bytes, starts) = sample(&path, Compress::Raw);
    let lost = (starts[8] - starts[7]) as u64;
    for (at, reason, records) in [(64, DamageReason::Checksum, Some(5)), (8, DamageReason::Header, None)] {
        let mut changed = bytes.clone();
        changed[starts[7] + at] ^= 1;
        fs::write(&path, &changed).unwrap();
        let (read, damage) = read(&path).unwrap();
        assert_eq!(read, 195);
        assert_eq!(damage, [Damage { offset: starts[7] as u64, bytes_lost: lost, records, reason }]);
        let packed = folder.path().join("packed.skr");
        assert_eq!(pack(&path, &packed, REPLACE).unwrap().damage, damage);
        assert_eq!(info(&packed, Depth::Everything).unwrap().records, 195);
    }
    // Without an index nothing tells where the next section is.
    let mut changed = bytes[..bytes.len() - 1].to_vec();
    changed[starts[7] + 8] ^= 1;
    fs::write(&path, &changed).unwrap();
    let (records, damage) = read(&path).unwrap();
    assert_eq!((records, damage.len(), damage[0].reason), (35, 1, DamageReason::Header));
    assert_eq!(damage[0].bytes_lost, (changed.len() - starts[7]) as u64);
    assert!(damage[0].to_string().starts_with(&format!("offset {}: ", starts[7])), "{}", damage[0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn changed_bytes_never_panic_and_never_make_records(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        packed in any::<bool>(),
    ) {
        let folder = tempdir().unwrap();
        let path = folder.path().join("a.skr");
        let (mut bytes, _) = sample(&path, if packed { Compress::Zstd(1) } else { Compress::Raw });
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        fs::write(&path, &bytes).unwrap();
        if let Ok((records, damage)) = read(&path) {
            prop_assert!(records == 200 || !damage.is_empty(), "{records} records and no damage");
        }
        if let Ok(mut reader) = SkrReader::open(&path) {
            reader.seek(Seek::Event(100)).unwrap();
            while reader.next_section().unwrap().is_some() {}
        }
    }
}

#[test]
fn a_file_that_shrinks_is_an_error() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.skr");
    let (bytes, starts) = sample(&path, Compress::Raw);
    let mut reader = SkrReader::open(&path).unwrap();
    assert_eq!(reader.next_section().unwrap().unwrap().events().count(), 5);
    OpenOptions::new().write(true).open(&path).unwrap().set_len(starts[1] as u64 + 100).unwrap();
    let error = reader.next_section().unwrap_err();
    assert!(matches!(error, ReadError::Shrunk { len, .. } if len == bytes.len() as u64), "{error}");
    assert!(error.to_string().contains("shrank while it was read"), "{error}");
}

#[test]
fn other_files_are_refused_with_their_names() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.skr");
    let open = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = SkrReader::open(&path).unwrap_err();
        assert!(error.to_string().contains("a.skr: "), "{error}");
        error
    };
    assert!(matches!(
        open(b"\x7fELF and more than sixty-four bytes of something that is no capture at all"),
        ReadError::NotACapture { .. }
    ));
    assert!(matches!(open(b"x"), ReadError::NotACapture { .. }));
    assert!(matches!(open(b""), ReadError::Header { len: 0, .. }));
    let (bytes, _) = sample(&path, Compress::Raw);
    let mut changed = bytes.clone();
    changed[40] ^= 1;
    assert!(matches!(open(&changed), ReadError::Header { .. }));
    for (at, what) in [(8, "format"), (12, "schema")] {
        let mut newer = bytes.clone();
        newer[at] = 2;
        let crc = crc32c::crc32c(&newer[..60]).to_le_bytes();
        newer[60..64].copy_from_slice(&crc);
        let error = open(&newer);
        assert!(matches!(error, ReadError::Version { what: found, .. } if found == what), "{error}");
        let mut newer = bytes.clone();
        newer[at + 2] = 9;
        let crc = crc32c::crc32c(&newer[..60]).to_le_bytes();
        newer[60..64].copy_from_slice(&crc);
        fs::write(&path, &newer).unwrap();
        assert_eq!(read(&path).unwrap().0, 200, "a newer minor {what} is read");
    }
    assert!(matches!(SkrReader::open(folder.path()), Err(ReadError::NotAFile { .. })));
    assert!(matches!(SkrReader::open(folder.path().join("none")), Err(ReadError::Open { .. })));
}

#[test]
fn a_record_that_a_writer_got_wrong_is_damage() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("a.skr");
    let (mut bytes, starts) = sample(&path, Compress::Raw);
    let (start, payload) = (starts[3], starts[3] + 64..starts[4]);
    bytes[payload.start + 16..payload.start + 20].fill(0xff);
    let stored = u32::from_le_bytes(bytes[start + 8..start + 12].try_into().unwrap()) as usize;
    let crc = crc32c::crc32c(&bytes[payload.start..payload.start + stored]).to_le_bytes();
    bytes[start + 56..start + 60].copy_from_slice(&crc);
    let crc = crc32c::crc32c(&bytes[start..start + 60]).to_le_bytes();
    bytes[start + 60..start + 64].copy_from_slice(&crc);
    fs::write(&path, &bytes).unwrap();
    let (records, damage) = read(&path).unwrap();
    assert_eq!((records, damage.len()), (195, 1));
    assert!(matches!(damage[0], Damage { reason: DamageReason::Record(_), .. }), "{}", damage[0]);
}

/// A file system of 1 MiB, unmounted when dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path) -> Option<Self> {
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(at).status();
        status.is_ok_and(|status| status.success()).then_some(Self(at))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_full_device_is_a_clear_error() {
    let stream = Stream::new((0..100).map(|n| (n, 20_000)));
    let error = SkrWriter::create("/dev/full", REPLACE).unwrap_err();
    assert!(matches!(error, WriteError::Full { offset: 0, .. }), "{error}");
    assert!(error.to_string().contains("no space left at offset 0") && error.source().is_some());

    let folder = tempdir().unwrap();
    let Some(_mount) = SmallDisk::mount(folder.path()) else {
        println!("skipped: a small file system needs root");
        return;
    };
    let path = folder.path().join("a.skr");
    for compress in [Compress::Raw, Compress::Zstd(1)] {
        let mut writer = SkrWriter::create(&path, Options { compress, ..REPLACE }).unwrap();
        // Filled beforehand, so that packed sections do not fit either.
        let filler = folder.path().join("filler");
        fs::write(&filler, vec![1; if compress == Compress::Raw { 0 } else { 1_040_000 }]).unwrap();
        let mut events = stream.events();
        let error = loop {
            let Some(event) = events.next() else { break writer.finish().map(drop).unwrap_err() };
            if let Err(error) = writer.append(&event) {
                assert!(matches!(writer.append(&event), Err(WriteError::Stopped { .. })));
                break error;
            }
        };
        let WriteError::Full { offset, sections, .. } = error else { panic!("{error}") };
        assert_eq!(File::open(&path).unwrap().metadata().unwrap().len(), offset);
        let seen = info(&path, Depth::Everything).unwrap();
        assert_eq!((seen.sections, seen.damage[0].reason), (sections, DamageReason::Unfinished));
    }
}
