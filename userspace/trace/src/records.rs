// SPDX-License-Identifier: Apache-2.0

//! Records that no filler makes: scans of `/proc`, users, the host, the clock.

use crate::clock::Clock;
use saker_driver_api::event::{EventInfo, EventType};
use saker_driver_api::param::{ParamStatus, ParamType};
use saker_driver_api::probe::{FactValue, RecordSink as _};
use saker_driver_api::record::{EventHeader, MAX_RECORD_BYTES, Origin, RecordFlags, RecordWriter, fixed_bytes};
use saker_ring::HeapProducer;

/// A value of a parameter; the event's row says how it is encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Int(u64),
    Bytes(&'a [u8], ParamStatus),
    /// Two texts and a NUL between them, as one.
    Joined(&'a [u8], &'a [u8], ParamStatus),
    Absent,
    Unreadable,
}

impl<'a> From<FactValue<'a>> for Value<'a> {
    fn from(fact: FactValue<'a>) -> Self {
        match fact {
            FactValue::Int(value) => Self::Int(value),
            FactValue::Bytes(bytes, status) => Self::Bytes(bytes, status),
            FactValue::Absent => Self::Absent,
            FactValue::Unreadable => Self::Unreadable,
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Bytes(text.as_bytes(), ParamStatus::OK)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(text: &'a [u8]) -> Self {
        Self::Bytes(text, ParamStatus::OK)
    }
}

macro_rules! from_int {
    ($($ty:ty),+) => {$(
        impl From<$ty> for Value<'_> {
            fn from(value: $ty) -> Self {
                Self::Int(value.into())
            }
        }
    )+};
}
from_int!(u8, u16, u32, u64, bool);

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value.cast_unsigned())
    }
}

impl Value<'_> {
    fn len(self) -> usize {
        match self {
            Self::Bytes(bytes, _) => bytes.len(),
            Self::Joined(one, two, _) => one.len() + 1 + two.len(),
            Self::Int(_) | Self::Absent | Self::Unreadable => 8,
        }
    }

    fn write(self, ty: ParamType, to: &mut RecordWriter<'_>) {
        match self {
            Self::Int(value) => to.int(value, ty.width().unwrap_or(8)),
            Self::Bytes(bytes, status) => to.bytes(bytes, status),
            Self::Joined(one, two, status) => {
                let whole = to.piece(one) & to.piece(b"\0") & to.piece(two);
                to.end_pieces(if whole { status } else { status.with(ParamStatus::TRUNCATED) });
            }
            Self::Absent => to.absent(),
            Self::Unreadable => to.unreadable(),
        }
    }
}

/// Whom a record is about.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct About {
    pub(crate) tid: u32,
    pub(crate) tgid: u32,
}

fn header(event: EventType, origin: Origin, about: About, ts_ns: u64) -> EventHeader {
    EventHeader {
        ts_ns,
        tid: about.tid,
        pid: about.tgid,
        kind: event as u16,
        origin: origin as u8,
        flags: RecordFlags::STATE_ONLY,
        ..EventHeader::default()
    }
}

fn bound(info: &EventInfo, values: &[Value<'_>]) -> usize {
    let bytes: usize = values.iter().map(|value| value.len()).sum();
    (fixed_bytes(info.params.len()) + bytes).next_multiple_of(8).min(MAX_RECORD_BYTES)
}

fn write(span: &mut [u8], header: EventHeader, info: &EventInfo, values: &[Value<'_>]) -> usize {
    let Some(mut writer) = RecordWriter::begin(span, info.params.len()) else { return 0 };
    for (param, value) in info.params.iter().zip(values) {
        value.write(param.ty, &mut writer);
    }
    writer.finish(header)
}

/// Writes one item of a snapshot, as the event's row has its parameters.
pub(crate) fn put(sink: &mut HeapProducer, clock: &Clock, event: EventType, about: About, values: &[Value<'_>]) {
    let info = event.info();
    let header = header(event, Origin::Procfs, about, clock.now_ns());
    sink.write_record(info.class, about.tgid, bound(info, values), |span| Ok(write(span, header, info, values)));
}

/// Writes a record about the stream or the host.
pub(crate) fn put_meta(sink: &mut HeapProducer, clock: &Clock, event: EventType, values: &[Value<'_>]) {
    let info = event.info();
    let header = header(event, Origin::Synthetic, About::default(), clock.now_ns());
    // The sink waits for room, so only a ring that nobody reads any more has none.
    let _ = sink.write_meta(bound(info, values), |span| write(span, header, info, values));
}

/// Writes the offset of the wall clock.
pub(crate) fn put_clock(sink: &mut HeapProducer, clock: &Clock) {
    put_meta(sink, clock, EventType::Clock, &[clock.offset_ns().into()]);
}
