// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! The record: one event as it lies in a ring and in a capture file.
//!
//! ```text
//! [header, 32 bytes][u32 per parameter: end offset (24 bits) | status (8 bits)][bytes][zeros up to 8]
//! ```
//! End offsets count from the end of the table, so parameter `i` is `end[i-1]..end[i]`. Records are 8-aligned and
//! every byte is written, padding included: no stale memory leaves the kernel.

use super::param::ParamStatus;
use zerocopy::{FromBytes as _, IntoBytes as _};
use zerocopy_derive::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes of alignment of a record and of its length.
pub const RECORD_ALIGN: usize = 8;
/// Longest record, header included, in bytes.
pub const MAX_RECORD_BYTES: usize = 64 << 10;
/// Most parameters a record may have.
pub const MAX_PARAMS: usize = 64;

const HEADER: usize = size_of::<EventHeader>();

/// Start of every record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct EventHeader {
    /// Boot-clock time, in nanoseconds.
    pub ts_ns: u64,
    /// Thread that made the event, as the initial PID namespace numbers it.
    pub tid: u32,
    /// Its process.
    pub pid: u32,
    /// Whole record, header and padding included, in bytes.
    pub len: u32,
    /// Number of the event in the table; an unknown one is skipped and counted.
    pub kind: u16,
    /// CPU that wrote the record.
    pub cpu: u16,
    /// Entries in the parameter table.
    pub nparams: u8,
    /// An [`Origin`] number.
    pub origin: u8,
    /// [`RecordFlags`].
    pub flags: u16,
    /// Counts records of one ring; a jump without a gap record is a bug.
    pub seq: u32,
}

const _: () = assert!(HEADER == 32 && core::mem::offset_of!(EventHeader, seq) == 28);

/// Where an event comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Origin {
    /// A 64-bit system call.
    Syscall = 0,
    /// A 32-bit system call.
    Ia32 = 1,
    /// An x32 system call.
    X32 = 2,
    /// An io_uring operation.
    IoUring = 3,
    /// A scan of `/proc`.
    Procfs = 4,
    /// Made by Saker itself: clock, gap, users, host.
    Synthetic = 5,
}

impl Origin {
    /// Returns the origin for a stored number, or `None` for one this version does not know.
    #[must_use]
    pub const fn from_wire(raw: u8) -> Option<Self> {
        Some(match raw {
            0 => Self::Syscall,
            1 => Self::Ia32,
            2 => Self::X32,
            3 => Self::IoUring,
            4 => Self::Procfs,
            5 => Self::Synthetic,
            _ => return None,
        })
    }
}

/// Bits of [`EventHeader::flags`].
pub struct RecordFlags;

impl RecordFlags {
    /// The call failed: its result is a negative errno.
    pub const FAILED: u16 = 1;
    /// The record updates state only; rules do not see it.
    pub const STATE_ONLY: u16 = 2;
    /// Later in time than a record already delivered from another ring.
    pub const LATE: u16 = 4;
}

/// What is wrong with bytes that should be a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The bytes do not start at a multiple of [`RECORD_ALIGN`].
    Misaligned,
    /// Fewer bytes than the header or the record says.
    Truncated {
        /// Bytes that should be there.
        needed: usize,
        /// Bytes that are.
        available: usize,
    },
    /// The length is below the header, above [`MAX_RECORD_BYTES`] or not a multiple of [`RECORD_ALIGN`].
    Length {
        /// The length found, in bytes.
        len: u32,
    },
    /// The parameter table does not fit, or an end offset goes back or past the record.
    Table {
        /// First parameter whose entry is wrong.
        param: usize,
    },
}

impl core::fmt::Display for RecordError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Misaligned => write!(f, "record does not start at a multiple of {RECORD_ALIGN}"),
            Self::Truncated { needed, available } => {
                write!(f, "record needs {needed} bytes, {available} are there")
            }
            Self::Length { len } => write!(f, "impossible record length {len}"),
            Self::Table { param } => write!(f, "impossible end offset of parameter {param}"),
        }
    }
}

impl core::error::Error for RecordError {}

/// One record, borrowed, with its structure checked: every parameter lies inside it.
#[derive(Clone, Copy, Debug)]
pub struct RawEvent<'a> {
    header: &'a EventHeader,
    table: &'a [u32],
    data: &'a [u8],
    bytes: &'a [u8],
}

/// Splits the first record off `bytes`.
///
/// # Errors
/// Returns what is wrong with the record; the caller decides whether it can find the next one.
pub fn split_record(bytes: &[u8]) -> Result<(RawEvent<'_>, &[u8]), RecordError> {
    let len = record_len(bytes)?;
    let available = bytes.len();
    let (record, rest) = bytes.split_at_checked(len).ok_or(RecordError::Truncated { needed: len, available })?;
    Ok((RawEvent::parse(record)?, rest))
}

/// Returns the length that the header at the start of `bytes` gives, in bytes.
///
/// # Errors
/// Returns [`RecordError`] when there is no header or its length is impossible.
pub fn record_len(bytes: &[u8]) -> Result<usize, RecordError> {
    let truncated = RecordError::Truncated { needed: HEADER, available: bytes.len() };
    let raw = bytes.get(16..20).and_then(|b| <[u8; 4]>::try_from(b).ok()).ok_or(truncated)?;
    let len = u32::from_le_bytes(raw);
    let bytes = len as usize;
    if !(HEADER..=MAX_RECORD_BYTES).contains(&bytes) || bytes % RECORD_ALIGN != 0 {
        return Err(RecordError::Length { len });
    }
    Ok(bytes)
}

impl<'a> RawEvent<'a> {
    /// Checks a whole record: exactly the bytes its length names.
    ///
    /// # Errors
    /// Returns what is wrong with it.
    pub fn parse(record: &'a [u8]) -> Result<Self, RecordError> {
        let len = record_len(record)?;
        if len != record.len() {
            return Err(RecordError::Truncated { needed: len, available: record.len() });
        }
        let (header, rest) = EventHeader::ref_from_prefix(record).map_err(|_| RecordError::Misaligned)?;
        let count = usize::from(header.nparams);
        if count > MAX_PARAMS {
            return Err(RecordError::Table { param: MAX_PARAMS });
        }
        let (table, data) =
            <[u32]>::ref_from_prefix_with_elems(rest, count).map_err(|_| RecordError::Table { param: 0 })?;
        let mut end = 0;
        for (param, entry) in table.iter().enumerate() {
            let next = (entry & 0x00ff_ffff) as usize;
            if next < end || next > data.len() {
                return Err(RecordError::Table { param });
            }
            end = next;
        }
        Ok(Self { header, table, data, bytes: record })
    }

    /// Returns the header.
    #[must_use]
    pub fn header(&self) -> &'a EventHeader {
        self.header
    }

    /// Returns the whole record as it lies in memory.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Returns how many parameters the record has.
    #[must_use]
    pub fn nparams(&self) -> usize {
        self.table.len()
    }

    /// Returns the bytes and state of parameter `index`, or `None` where the record has fewer.
    #[must_use]
    pub fn param(&self, index: usize) -> Option<(&'a [u8], ParamStatus)> {
        let entry = *self.table.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => (self.table.get(before)? & 0x00ff_ffff) as usize,
            None => 0,
        };
        let bytes = self.data.get(start..(entry & 0x00ff_ffff) as usize)?;
        let [.., status] = entry.to_le_bytes();
        Some((bytes, ParamStatus(status)))
    }

    /// Returns the bytes of parameter `index` if it is present: neither absent nor unreadable.
    #[must_use]
    pub fn value(&self, index: usize) -> Option<&'a [u8]> {
        self.param(index).filter(|(_, status)| status.is_present()).map(|(bytes, _)| bytes)
    }
}

/// Writes one record into a span, parameter by parameter, in the order of the table.
///
/// What does not fit is cut and marked truncated; nothing panics and nothing is written past the span.
///
/// # Invariants
/// `start <= at`, both inside the span or one past it; entries `0..next` of the table are written.
#[derive(Debug)]
pub struct RecordWriter<'s> {
    span: &'s mut [u8],
    nparams: usize,
    next: usize,
    /// Where the value of parameter `next` starts.
    start: usize,
    at: usize,
}

/// Bytes of a record without its values.
#[must_use]
pub const fn fixed_bytes(nparams: usize) -> usize {
    // Saturating here and below: the kernel checks overflow, and no check may be able to fire in the probe.
    nparams.saturating_mul(4).saturating_add(HEADER)
}

/// Rounds a length up to the next multiple of [`RECORD_ALIGN`].
#[must_use]
pub const fn padded(len: usize) -> usize {
    len.saturating_add(RECORD_ALIGN - 1) & !(RECORD_ALIGN - 1)
}

impl<'s> RecordWriter<'s> {
    /// Starts a record with room for `nparams` entries, or returns `None` if `span` cannot even hold those.
    #[must_use]
    pub fn begin(span: &'s mut [u8], nparams: usize) -> Option<Self> {
        // A record ends at a multiple of the alignment, so only whole units of the span count.
        let usable = (span.len().min(MAX_RECORD_BYTES) / RECORD_ALIGN) * RECORD_ALIGN;
        let span = span.get_mut(..usable)?;
        let at = fixed_bytes(nparams);
        if at > span.len() || nparams > MAX_PARAMS {
            return None;
        }
        Some(Self { span, nparams, next: 0, start: at, at })
    }

    /// Returns how many parameters are written so far.
    #[must_use]
    pub fn written(&self) -> usize {
        self.next
    }

    /// Returns how many bytes of values still fit.
    #[must_use]
    pub fn room(&self) -> usize {
        self.span.len().saturating_sub(self.at)
    }

    /// Returns the next `n` bytes of the span.
    fn free(&mut self, n: usize) -> Option<&mut [u8]> {
        self.span.get_mut(self.at..)?.get_mut(..n)
    }

    /// Writes a parameter without a value; pieces of it that are written already are taken back.
    pub fn absent(&mut self) {
        self.at = self.start;
        self.end_param(0, ParamStatus::ABSENT);
    }

    /// Writes a parameter whose bytes could not be read; pieces of it that are written already are taken back.
    pub fn unreadable(&mut self) {
        self.at = self.start;
        self.end_param(0, ParamStatus::UNREADABLE);
    }

    /// Writes an integer in `width` bytes (1, 2, 4 or 8), little-endian.
    #[inline]
    pub fn int(&mut self, value: u64, width: usize) {
        self.int_with(value, width, ParamStatus::OK);
    }

    /// Writes an integer in `width` bytes (1, 2, 4 or 8), little-endian, with its state.
    #[inline]
    pub fn int_with(&mut self, value: u64, width: usize, status: ParamStatus) {
        let bytes = value.to_le_bytes();
        // PERF: all 8 bytes in one store where they fit; what follows overwrites those that do not count.
        match self.span.get_mut(self.at..).and_then(|rest| rest.first_chunk_mut()) {
            Some(into) if width <= bytes.len() => {
                *into = bytes;
                self.end_param(width, status);
            }
            _ => self.bytes(bytes.get(..width).unwrap_or(&bytes), status),
        }
    }

    /// Writes bytes with their state; what does not fit is cut and marked.
    pub fn bytes(&mut self, value: &[u8], status: ParamStatus) {
        self.fill(value.len(), |into| {
            let n = into.len();
            into.copy_from_slice(value.get(..n).unwrap_or(value));
            Ok::<_, core::convert::Infallible>((n, status))
        })
        .unwrap_or(());
    }

    /// Writes a parameter of several pieces: each call of `piece` appends; the parameter ends with [`Self::end_pieces`].
    pub fn piece(&mut self, value: &[u8]) -> bool {
        let n = value.len().min(self.room());
        if let (Some(into), Some(from)) = (self.free(n), value.get(..n)) {
            into.copy_from_slice(from);
            self.at = self.at.saturating_add(n);
        }
        n == value.len()
    }

    /// Lets `with` write a piece of up to `max` bytes in place; it returns how many it wrote. Returns the same.
    ///
    /// # Errors
    /// Passes on the error of `with`; then the piece is not written.
    pub fn fill_piece<E>(&mut self, max: usize, with: impl FnOnce(&mut [u8]) -> Result<usize, E>) -> Result<usize, E> {
        let room = max.min(self.room());
        let wrote = match self.free(room) {
            Some(into) => with(into)?.min(room),
            None => 0,
        };
        self.at = self.at.saturating_add(wrote);
        Ok(wrote)
    }

    /// Ends a parameter that was written with [`Self::piece`] or [`Self::fill_piece`].
    pub fn end_pieces(&mut self, status: ParamStatus) {
        self.end_param(0, status);
    }

    /// Lets `with` write up to `max` bytes in place; it returns how many it wrote and their state.
    ///
    /// # Errors
    /// Passes on the error of `with`; then the parameter is not written and the caller may try again.
    pub fn fill<E>(
        &mut self,
        max: usize,
        with: impl FnOnce(&mut [u8]) -> Result<(usize, ParamStatus), E>,
    ) -> Result<(), E> {
        let room = max.min(self.room());
        let (wrote, status) = match self.free(room) {
            Some(into) => with(into)?,
            None => (0, ParamStatus::OK),
        };
        let cut = if room < max && wrote >= room { ParamStatus::TRUNCATED } else { ParamStatus::OK };
        self.end_param(wrote.min(room), status.with(cut));
        Ok(())
    }

    #[expect(clippy::cast_possible_truncation, reason = "`begin` bounds the span to 64 KiB")]
    fn end_param(&mut self, wrote: usize, status: ParamStatus) {
        if self.next >= self.nparams {
            return;
        }
        self.at = self.at.saturating_add(wrote);
        let end = self.at.saturating_sub(fixed_bytes(self.nparams));
        let entry = (end as u32 & 0x00ff_ffff) | (u32::from(status.0) << 24);
        let slot = fixed_bytes(self.next);
        if let Some(into) = self.span.get_mut(slot..).and_then(|rest| rest.first_chunk_mut()) {
            *into = entry.to_le_bytes();
        }
        self.next = self.next.saturating_add(1);
        self.start = self.at;
    }

    /// Ends the record: missing parameters become absent, padding is zeroed, the header is written with the
    /// length and count filled in. Returns the record's length in bytes.
    #[expect(clippy::cast_possible_truncation, reason = "`begin` bounds the span and the parameter count")]
    pub fn finish(mut self, mut header: EventHeader) -> usize {
        while self.next < self.nparams {
            self.absent();
        }
        let len = padded(self.at).min(self.span.len());
        if let Some(padding) = self.span.get_mut(self.at..len) {
            padding.fill(0);
        }
        header.len = len as u32;
        header.nparams = self.nparams as u8;
        if let Some(into) = self.span.get_mut(..HEADER) {
            into.copy_from_slice(header.as_bytes());
        }
        len
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[repr(align(8))]
    struct Span([u8; 128]);

    fn header() -> EventHeader {
        EventHeader { ts_ns: 7, tid: 1, pid: 2, kind: 5, seq: 9, ..EventHeader::default() }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut span = Span([0xff; 128]);
        let mut writer = RecordWriter::begin(&mut span.0, 4).unwrap();
        writer.int(0x1122, 2);
        writer.absent();
        writer.bytes(b"", ParamStatus::USER);
        writer.bytes(b"abc", ParamStatus::OK);
        let len = writer.finish(header());
        let (event, rest) = split_record(&span.0).unwrap();
        assert_eq!((len, rest.len()), (32 + 16 + 5 + 3, 128 - len));
        assert_eq!(event.header().seq, 9);
        assert_eq!(event.param(0), Some((&[0x22, 0x11][..], ParamStatus::OK)));
        assert_eq!((event.value(1), event.value(2)), (None, Some(&b""[..])), "absent and empty differ");
        assert_eq!(event.value(3), Some(&b"abc"[..]));
        assert_eq!(event.param(4), None);
    }

    #[test]
    fn what_does_not_fit_is_cut_and_marked() {
        let mut span = Span([0xff; 128]);
        let mut writer = RecordWriter::begin(&mut span.0[..50], 1).unwrap();
        writer.bytes(&[1; 100], ParamStatus::USER);
        assert_eq!(writer.finish(header()), 48);
        let (event, _) = split_record(&span.0[..48]).unwrap();
        assert_eq!(event.param(0), Some((&[1; 12][..], ParamStatus::USER.with(ParamStatus::TRUNCATED))));
    }

    #[test]
    fn a_failed_fill_leaves_the_parameter_unwritten() {
        let mut span = Span([0xff; 128]);
        let mut writer = RecordWriter::begin(&mut span.0, 1).unwrap();
        assert_eq!(writer.fill(4, |_| Err("fault")), Err("fault"));
        assert_eq!(writer.written(), 0);
        writer.unreadable();
        writer.finish(header());
        assert_eq!(split_record(&span.0).unwrap().0.param(0), Some((&[][..], ParamStatus::UNREADABLE)));
    }

    #[test]
    fn pieces_of_a_parameter_that_fails_are_taken_back() {
        let mut span = Span([0xff; 128]);
        let mut writer = RecordWriter::begin(&mut span.0, 4).unwrap();
        writer.piece(b"none");
        writer.absent();
        writer.bytes(b"kept", ParamStatus::OK);
        writer.piece(b"half");
        assert_eq!(writer.fill_piece(4, |_| Err("fault")), Err("fault"));
        writer.unreadable();
        assert_eq!(writer.fill_piece(1000, |into| Ok::<_, ()>(into.len())), Ok(128 - 48 - 4));
        writer.end_pieces(ParamStatus::USER);
        writer.finish(header());
        let (event, _) = split_record(&span.0).unwrap();
        assert_eq!(event.param(0), Some((&[][..], ParamStatus::ABSENT)));
        assert_eq!(event.param(1), Some((&b"kept"[..], ParamStatus::OK)));
        assert_eq!(event.param(2), Some((&[][..], ParamStatus::UNREADABLE)));
        assert_eq!(event.value(3).map(<[u8]>::len), Some(76));
    }

    #[test]
    fn a_short_value_in_a_short_span_is_not_marked_cut() {
        let mut span = Span([0xff; 128]);
        let mut writer = RecordWriter::begin(&mut span.0, 1).unwrap();
        writer.fill(4096, |_| Ok::<_, ()>((3, ParamStatus::USER))).unwrap();
        writer.finish(header());
        assert_eq!(split_record(&span.0).unwrap().0.param(0).unwrap().1, ParamStatus::USER);
    }

    #[test]
    fn impossible_records_are_errors() {
        let mut span = Span([0; 128]);
        RecordWriter::begin(&mut span.0, 2).unwrap().finish(header());
        let whole = span.0;
        for len in [0_u32, 8, 31, 33, 1 << 20] {
            span.0[16..20].copy_from_slice(&len.to_le_bytes());
            assert!(matches!(split_record(&span.0), Err(RecordError::Length { .. })), "{len}");
        }
        span.0 = whole;
        span.0[32..36].copy_from_slice(&99_u32.to_le_bytes());
        assert!(matches!(split_record(&span.0), Err(RecordError::Table { param: 0 })));
        span.0 = whole;
        span.0[24] = 200;
        assert!(matches!(split_record(&span.0), Err(RecordError::Table { .. })));
        assert!(matches!(split_record(&whole[..10]), Err(RecordError::Truncated { .. })));
    }
}
