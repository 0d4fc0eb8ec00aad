// SPDX-License-Identifier: Apache-2.0

//! Records that tell whether they are whole.

use saker_driver_api::param::ParamStatus;
use saker_driver_api::record::{EventHeader, RawEvent, RecordWriter};

/// Writes a record with one parameter of `size` bytes that follow from `ts_ns`; returns its length.
pub(crate) fn write(span: &mut [u8], kind: u16, ts_ns: u64, size: usize) -> usize {
    let header = EventHeader { ts_ns, kind, ..EventHeader::default() };
    let Some(mut writer) = RecordWriter::begin(span, 1) else { return 0 };
    writer.bytes(&pattern(ts_ns, size), ParamStatus::OK);
    writer.finish(header)
}

/// Panics where a record that [`write`] wrote is not as it was.
pub(crate) fn assert_whole(event: &RawEvent<'_>) {
    let value = event.value(0).unwrap_or_default();
    assert_eq!(value, pattern(event.header().ts_ns, value.len()), "torn record");
}

fn pattern(ts_ns: u64, size: usize) -> Vec<u8> {
    ts_ns.to_le_bytes().into_iter().cycle().take(size).collect()
}
