// SPDX-License-Identifier: Apache-2.0

//! Streams of records to write into captures.

use saker_driver_api::event::EventType;
use saker_driver_api::param::ParamStatus;
use saker_driver_api::record::{EventHeader, RawEvent, RecordFlags, RecordWriter, split_record};
use zerocopy::IntoBytes as _;

/// Records back to back, aligned.
pub(crate) struct Stream(Vec<u64>);

impl Stream {
    /// Makes one record per item: its time and the size of its only parameter.
    pub(crate) fn new(records: impl IntoIterator<Item = (u64, usize)>) -> Self {
        let mut all = Vec::new();
        let mut span = vec![0_u64; 8 << 10];
        for (seq, (ts_ns, size)) in records.into_iter().enumerate() {
            let kind = if seq % 10 == 3 { EventType::Clock } else { EventType::CloseExit } as u16;
            let flags = if seq % 10 == 7 { RecordFlags::STATE_ONLY } else { 0 };
            let header = EventHeader { ts_ns, kind, flags, seq: seq as u32, ..EventHeader::default() };
            let mut writer = RecordWriter::begin(span.as_mut_bytes(), 1).unwrap();
            let value: Vec<u8> = (0..size).map(|n| (n as u64 ^ ts_ns).to_le_bytes()[0]).collect();
            writer.bytes(&value, ParamStatus::OK);
            let words = writer.finish(header) / 8;
            all.extend_from_slice(&span[..words]);
        }
        Self(all)
    }

    pub(crate) fn events(&self) -> impl Iterator<Item = RawEvent<'_>> {
        let mut rest = self.0.as_bytes();
        std::iter::from_fn(move || {
            let (event, next) = split_record(rest).ok()?;
            rest = next;
            Some(event)
        })
    }
}
