//! Records from values: for scans of `/proc`, rule tests, checkpoints and unit tests.
//!
//! ```
//! # use saker_event::{EventBuilder, EventType};
//! let record = EventBuilder::new(EventType::OpenatExit).tid(7).set("fd", 3).set("name", "/etc/passwd").build()?;
//! assert_eq!(record.event().and_then(|event| event.fd()), Some(3));
//! # Ok::<(), saker_event::BuildError>(())
//! ```
//! Parameters that are not set are absent. The result decides whether the record counts as failed.

use crate::address::{SockAddr, SockTuple};
use crate::event::{Event, result_param};
use saker_driver_api::event::EventType;
use saker_driver_api::param::{ParamInfo, ParamStatus, ParamType};
use saker_driver_api::record::{
    EventHeader, MAX_RECORD_BYTES, Origin, RawEvent, RecordError, RecordFlags, RecordWriter, fixed_bytes,
};
use zerocopy::{FromBytes as _, IntoBytes as _};

/// One record in memory of its own, aligned as records must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordBuf {
    words: Vec<u64>,
}

impl RecordBuf {
    /// Copies a record.
    #[must_use]
    pub fn copy_of(raw: &RawEvent<'_>) -> Self {
        let bytes = raw.bytes();
        let mut words = vec![0u64; bytes.len().div_ceil(8)];
        if let Some(into) = words.as_mut_bytes().get_mut(..bytes.len()) {
            into.copy_from_slice(bytes);
        }
        Self { words }
    }

    /// Returns the bytes of the record.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.words.as_bytes()
    }

    /// Returns the record.
    ///
    /// # Errors
    /// Returns what is wrong with it, if its header was changed to something impossible.
    pub fn raw(&self) -> Result<RawEvent<'_>, RecordError> {
        RawEvent::parse(self.bytes())
    }

    /// Returns the event, or `None` for a number this version does not know.
    #[must_use]
    pub fn event(&self) -> Option<Event<'_>> {
        Event::decode(self.raw().ok()?).event()
    }

    /// Changes the header in place; the record is checked again on its next use.
    pub fn header_mut(&mut self, change: impl FnOnce(&mut EventHeader)) {
        if let Ok((header, _)) = EventHeader::mut_from_prefix(self.words.as_mut_bytes()) {
            change(header);
        }
    }
}

/// A value for a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number of any type; it must fit the parameter's.
    Int(i128),
    /// Text or bytes.
    Bytes(Vec<u8>),
    /// Items that are written NUL-terminated.
    List(Vec<Vec<u8>>),
    /// A socket address as a record carries it.
    Addr(Vec<u8>),
    /// A socket tuple as a record carries it.
    Tuple(Vec<u8>),
    /// No value.
    Absent,
}

macro_rules! from_int {
    ($($ty:ty),+) => {$(
        impl From<$ty> for Value {
            fn from(value: $ty) -> Self {
                Self::Int(i128::from(value))
            }
        }
    )+};
}
from_int!(i8, i16, i32, i64, u8, u16, u32, u64, bool);

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Bytes(value.as_bytes().to_vec())
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<&[&str]> for Value {
    fn from(items: &[&str]) -> Self {
        Self::List(items.iter().map(|item| item.as_bytes().to_vec()).collect())
    }
}

impl<const N: usize> From<[&str; N]> for Value {
    fn from(items: [&str; N]) -> Self {
        Self::from(&items[..])
    }
}

impl From<SockAddr<'_>> for Value {
    fn from(addr: SockAddr<'_>) -> Self {
        let mut bytes = Vec::new();
        addr.encode(&mut bytes);
        Self::Addr(bytes)
    }
}

impl From<SockTuple<'_>> for Value {
    fn from(tuple: SockTuple<'_>) -> Self {
        let mut bytes = Vec::new();
        tuple.encode(&mut bytes);
        Self::Tuple(bytes)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

/// Why a record cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The event has no parameter of this name.
    #[error("event `{event}` has no parameter `{name}`; it has {}", names(*.kind))]
    UnknownParam {
        /// Name of the event.
        event: &'static str,
        /// The event.
        kind: EventType,
        /// The name asked for.
        name: String,
    },
    /// The value does not fit the parameter.
    #[error("parameter `{param}` of `{event}` takes {takes}")]
    WrongType {
        /// Name of the event.
        event: &'static str,
        /// Name of the parameter.
        param: &'static str,
        /// What it takes.
        takes: String,
    },
    /// The values need more bytes than a record may have.
    #[error("record of `{event}` needs {bytes} bytes, {MAX_RECORD_BYTES} are the most")]
    TooLong {
        /// Name of the event.
        event: &'static str,
        /// Bytes needed.
        bytes: usize,
    },
}

fn names(kind: EventType) -> String {
    let names: Vec<_> = kind.info().params.iter().map(|param| format!("`{}`", param.name)).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

type Encoded = (Vec<u8>, ParamStatus);

/// Collects header and values of one record.
#[derive(Clone, Debug)]
pub struct EventBuilder {
    kind: EventType,
    header: EventHeader,
    values: Vec<Option<Encoded>>,
    error: Option<BuildError>,
}

impl EventBuilder {
    /// Starts a record without values.
    #[must_use]
    pub fn new(kind: EventType) -> Self {
        let header = EventHeader { kind: kind as u16, ..EventHeader::default() };
        Self { kind, header, values: vec![None; kind.info().params.len()], error: None }
    }

    /// Sets the boot-clock time, in nanoseconds.
    #[must_use]
    pub fn ts(mut self, ts_ns: u64) -> Self {
        self.header.ts_ns = ts_ns;
        self
    }

    /// Sets the thread, and the process too if it is not set yet.
    #[must_use]
    pub fn tid(mut self, tid: u32) -> Self {
        self.header.tid = tid;
        if self.header.pid == 0 {
            self.header.pid = tid;
        }
        self
    }

    /// Sets the process, and the thread too if it is not set yet.
    #[must_use]
    pub fn pid(mut self, pid: u32) -> Self {
        self.header.pid = pid;
        if self.header.tid == 0 {
            self.header.tid = pid;
        }
        self
    }

    /// Sets the CPU.
    #[must_use]
    pub fn cpu(mut self, cpu: u16) -> Self {
        self.header.cpu = cpu;
        self
    }

    /// Sets where the event comes from.
    #[must_use]
    pub fn origin(mut self, origin: Origin) -> Self {
        self.header.origin = origin as u8;
        self
    }

    /// Adds [`RecordFlags`] bits.
    #[must_use]
    pub fn flags(mut self, flags: u16) -> Self {
        self.header.flags |= flags;
        self
    }

    /// Sets a parameter by name; what is wrong with it is told by [`EventBuilder::build`].
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Err(error) = self.try_set(name, value) {
            self.error.get_or_insert(error);
        }
        self
    }

    /// Sets a parameter by name.
    ///
    /// # Errors
    /// Returns [`BuildError`] when there is no such parameter or the value does not fit.
    pub fn try_set(&mut self, name: &str, value: impl Into<Value>) -> Result<(), BuildError> {
        let info = self.kind.info();
        let unknown = || BuildError::UnknownParam { event: info.name, kind: self.kind, name: name.to_owned() };
        let index = info.params.iter().position(|param| param.name == name).ok_or_else(unknown)?;
        self.try_set_at(index, value.into())
    }

    /// Sets a parameter by position.
    ///
    /// # Errors
    /// Returns [`BuildError`] when there is no such parameter or the value does not fit.
    pub fn try_set_at(&mut self, index: usize, value: Value) -> Result<(), BuildError> {
        let info = self.kind.info();
        let (Some(param), Some(slot)) = (info.params.get(index), self.values.get_mut(index)) else {
            return Err(BuildError::UnknownParam { event: info.name, kind: self.kind, name: index.to_string() });
        };
        if value == Value::Absent {
            *slot = None;
            return Ok(());
        }
        let wrong = || BuildError::WrongType { event: info.name, param: param.name, takes: takes(param) };
        *slot = Some((encode(param.ty, value).ok_or_else(wrong)?, ParamStatus::OK));
        Ok(())
    }

    /// Sets the bytes and state of a parameter as they are, whatever its type; positions the event does not have are
    /// ignored.
    #[must_use]
    pub fn set_raw(mut self, index: usize, bytes: &[u8], status: ParamStatus) -> Self {
        if let Some(slot) = self.values.get_mut(index) {
            *slot = Some((bytes.to_vec(), status));
        }
        self
    }

    /// Writes the record.
    ///
    /// # Errors
    /// Returns the first [`BuildError`] met, or that the values are too long together.
    pub fn build(mut self) -> Result<RecordBuf, BuildError> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        self.mark_failure();
        let bytes = fixed_bytes(self.values.len()) + self.values.iter().flatten().map(|v| v.0.len()).sum::<usize>();
        let too_long = BuildError::TooLong { event: self.kind.info().name, bytes };
        if bytes > MAX_RECORD_BYTES {
            return Err(too_long);
        }
        let mut words = vec![0u64; bytes.div_ceil(8)];
        let mut writer = RecordWriter::begin(words.as_mut_bytes(), self.values.len()).ok_or(too_long)?;
        for value in &self.values {
            match value {
                Some((bytes, status)) => writer.bytes(bytes, *status),
                None => writer.absent(),
            }
        }
        writer.finish(self.header);
        Ok(RecordBuf { words })
    }

    fn mark_failure(&mut self) {
        let Some(Some((bytes, _))) = result_param(self.kind.info()).and_then(|at| self.values.get(at)) else { return };
        let Ok(raw) = <[u8; 8]>::try_from(bytes.as_slice()) else { return };
        if (-4095..0).contains(&i64::from_le_bytes(raw)) {
            self.header.flags |= RecordFlags::FAILED;
        }
    }
}

fn takes(param: &ParamInfo) -> String {
    match param.ty {
        ParamType::SockAddr => "a socket address".to_owned(),
        ParamType::SockTuple => "a socket tuple".to_owned(),
        ParamType::CharBufArray => "a list of texts".to_owned(),
        ParamType::ByteBuf => "bytes or a list of texts".to_owned(),
        ty if ty.is_text() => "text without NUL".to_owned(),
        ty => match ty.width() {
            Some(width) if ty.is_signed() => format!("a signed number of {width} bytes"),
            Some(width) => format!("a number of {width} bytes without sign"),
            None => "bytes".to_owned(),
        },
    }
}

fn encode(ty: ParamType, value: Value) -> Option<Vec<u8>> {
    match value {
        Value::Int(value) if ty == ParamType::Dyn => {
            let mut bytes = vec![1];
            bytes.extend_from_slice(&i64::try_from(value).ok()?.to_le_bytes());
            Some(bytes)
        }
        Value::Int(value) => {
            let width = ty.width().filter(|width| *width <= 8)?;
            let bits = u32::try_from(width * 8).ok()?;
            let (low, high) =
                if ty.is_signed() { (-(1i128 << (bits - 1)), 1i128 << (bits - 1)) } else { (0, 1i128 << bits) };
            // An id that is not set is written -1 by people and kept without sign by records.
            let unset = value == -1 && matches!(ty, ParamType::Uid | ParamType::Gid);
            if !(low..high).contains(&value) && !unset {
                return None;
            }
            value.to_le_bytes().get(..width).map(<[u8]>::to_vec)
        }
        Value::Bytes(bytes) if ty.is_text() => (!bytes.contains(&0)).then_some(bytes),
        Value::Bytes(bytes) => {
            let width = ty.width();
            let free = matches!(ty, ParamType::ByteBuf | ParamType::FdList | ParamType::Dyn | ParamType::CharBufArray);
            (free || matches!(ty, ParamType::Ipv4Addr | ParamType::Ipv6Addr) && width == Some(bytes.len()))
                .then_some(bytes)
        }
        Value::List(items) if matches!(ty, ParamType::ByteBuf | ParamType::CharBufArray) => {
            if items.iter().any(|item| item.contains(&0)) {
                return None;
            }
            Some(items.into_iter().flat_map(|item| item.into_iter().chain([0])).collect())
        }
        Value::Addr(bytes) => (ty == ParamType::SockAddr).then_some(bytes),
        Value::Tuple(bytes) => (ty == ParamType::SockTuple).then_some(bytes),
        Value::List(_) | Value::Absent => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_named() {
        let unknown = EventBuilder::new(EventType::CloseExit).set("path", 1).build().unwrap_err();
        assert_eq!(unknown.to_string(), "event `close` has no parameter `path`; it has `res`, `fd`");
        let wrong = EventBuilder::new(EventType::CloseExit).set("fd", "x").build().unwrap_err();
        assert_eq!(wrong.to_string(), "parameter `fd` of `close` takes a signed number of 8 bytes");
        let range = EventBuilder::new(EventType::OpenatExit).set("flags", 1i64 << 32).build().unwrap_err();
        assert_eq!(range.to_string(), "parameter `flags` of `openat` takes a number of 4 bytes without sign");
        let long = EventBuilder::new(EventType::ReadExit).set("data", vec![0; 70_000]).build().unwrap_err();
        assert!(matches!(long, BuildError::TooLong { bytes, .. } if bytes > 70_000));
    }

    #[test]
    fn a_negative_result_marks_the_record() {
        let failed = |res: i64| EventBuilder::new(EventType::CloseExit).set("res", res).build().unwrap();
        assert!(failed(-9).event().unwrap().failed());
        assert!(!failed(0).event().unwrap().failed());
        let mmap = EventBuilder::new(EventType::MmapExit).set("res", -140_000_000_000i64).build().unwrap();
        assert!(!mmap.event().unwrap().failed(), "an address is no errno");
    }

    #[test]
    fn a_copy_equals_the_record() {
        let record = EventBuilder::new(EventType::ExecveExit).tid(7).set("args", ["-c", "id"]).build().unwrap();
        assert_eq!(RecordBuf::copy_of(&record.raw().unwrap()), record);
        assert_eq!(record.event().unwrap().bytes(2), Some(&b"-c\0id\0"[..]));
    }
}
