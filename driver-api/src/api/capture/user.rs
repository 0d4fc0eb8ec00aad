// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Structures in the caller's memory, in the layout of its ABI.

use super::values::{cut_if, sign_extended, wide_id, Number, Values};
use super::{data_bytes, Call, Fault, FlagTable, Len, Origin, ParamStatus, ProbeContext, MAX_BUFFERS, MAX_POLLED};

/// Widths, in bytes, that differ between the ABIs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Pointers and sizes.
    pub(super) pointer: usize,
    /// C longs, and the halves of times.
    pub(super) long: usize,
    /// User and group ids.
    pub(super) id: usize,
}

/// First 32-bit call whose times have 64-bit halves.
const FIRST_WIDE_TIME: u32 = 403;
/// Last 32-bit call whose ids have 16 bits.
const LAST_NARROW_ID: u32 = 182;

impl Layout {
    pub(super) const fn of(call: &Call) -> Self {
        match call.origin {
            Origin::Ia32 => Self {
                pointer: 4,
                long: if call.native_nr >= FIRST_WIDE_TIME { 8 } else { 4 },
                id: if call.native_nr <= LAST_NARROW_ID { 2 } else { 4 },
            },
            Origin::X32 => Self { pointer: 4, long: 8, id: 4 },
            _ => Self { pointer: 8, long: 8, id: 4 },
        }
    }

    /// Bytes of a `struct msghdr`.
    pub(super) const fn msghdr_bytes(self) -> u64 {
        match self.pointer {
            4 => 28,
            _ => 56,
        }
    }
}

/// The fields of a `struct msghdr`; all but the second are one pointer apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) name: u64,
    pub(super) name_len: u64,
    iov: u64,
    iov_count: u64,
    control: u64,
    control_len: u64,
}

impl<C: ProbeContext> Values<'_, '_, C> {
    /// Reads an integer of `width` bytes at an address.
    pub(super) fn read_int(&mut self, at: u64, width: usize) -> Result<u64, Fault> {
        let mut bytes = [0; 8];
        if let Some(into) = bytes.get_mut(..width) {
            self.ctx.copy_from_user(at, into)?;
        }
        Ok(u64::from_le_bytes(bytes))
    }

    /// Reads the `index`-th of an array of pointers or sizes.
    pub(super) fn read_word(&mut self, array: u64, index: u64) -> Result<u64, Fault> {
        let width = self.layout.pointer;
        self.read_int(array.wrapping_add(index.wrapping_mul(width as u64)), width)
    }

    /// Reads an integer behind an argument; a NULL pointer is nothing.
    pub(super) fn user_int(&mut self, arg: u8, at: u64, width: usize) -> Result<Number, Fault> {
        let base = self.call.arg(arg);
        if base == 0 {
            return Ok(None);
        }
        Ok(Some((self.read_int(base.wrapping_add(at), width)?, ParamStatus::USER)))
    }

    pub(super) fn user_limit(&mut self, arg: u8, index: u8) -> Result<Number, Fault> {
        let width = self.layout.long;
        let limit = self.user_int(arg, u64::from(index).wrapping_mul(width as u64), width)?;
        let infinite = |limit| width == 4 && limit == 0xffff_ffff;
        Ok(limit.map(|(limit, status)| (if infinite(limit) { u64::MAX } else { limit }, status)))
    }

    pub(super) fn user_id(&mut self, arg: u8) -> Result<Number, Fault> {
        let width = self.layout.id;
        let id = self.user_int(arg, 0, width)?;
        Ok(id.map(|(id, status)| (if width == 2 { wide_id(id) } else { id }, status)))
    }

    /// Reads seconds and a fraction of `fraction_ns` nanoseconds each.
    pub(super) fn time(&mut self, arg: u8, fraction_ns: u64) -> Result<Number, Fault> {
        let base = self.call.arg(arg);
        if base == 0 {
            return Ok(None);
        }
        let width = self.layout.long;
        let seconds = self.read_int(base, width)?;
        let fraction = self.read_int(base.wrapping_add(width as u64), width)?;
        let ns = seconds.saturating_mul(1_000_000_000).saturating_add(fraction.saturating_mul(fraction_ns));
        Ok(Some((ns, ParamStatus::USER)))
    }

    /// Reads the sets of capset(2): one or two blocks of three 32-bit halves, by the version in the header.
    pub(super) fn capabilities(&mut self, arg: u8, set: u8) -> Result<Number, Fault> {
        const VERSION_1: u64 = 0x1998_0330;
        let base = self.call.arg(arg);
        let Some((version, _)) = self.user_int(0, 0, 4)?.filter(|_| base != 0) else {
            return Ok(None);
        };
        let at = base.wrapping_add(u64::from(set).wrapping_mul(4));
        let low = self.read_int(at, 4)?;
        let high = if version == VERSION_1 { 0 } else { self.read_int(at.wrapping_add(12), 4)? };
        Ok(Some((high << 32 | low, ParamStatus::USER)))
    }

    /// Reads the `index`-th buffer of an array: address and length.
    fn buffer(&mut self, array: u64, index: u64) -> Result<(u64, u64), Fault> {
        let first = index.wrapping_mul(2);
        Ok((self.read_word(array, first)?, self.read_word(array, first.wrapping_add(1))?))
    }

    pub(super) fn iov_size(&mut self, array: u64, count: u64) -> Result<Number, Fault> {
        if array == 0 {
            return Ok(None);
        }
        let mut size = 0_u64;
        for index in 0..count.min(MAX_BUFFERS) {
            size = size.saturating_add(self.buffer(array, index)?.1);
        }
        Ok(Some((size, ParamStatus::USER.with(cut_if(count > MAX_BUFFERS)))))
    }

    pub(super) fn iov(&mut self, arg: u8, count: u8, len: Len) -> Result<(), Fault> {
        let (array, count) = (self.call.arg(arg), self.call.arg(count));
        let len = self.len(len)?.filter(|_| array != 0);
        self.buffers(array, count, len)
    }

    /// Writes up to `len` bytes of the buffers; `None` is nothing.
    fn buffers(&mut self, array: u64, count: u64, len: Option<u64>) -> Result<(), Fault> {
        let Some(len) = len else {
            self.out.absent();
            return Ok(());
        };
        let mut room = data_bytes(self.ctx) as u64;
        let mut unseen = len;
        let mut cut = false;
        for index in 0..count.min(MAX_BUFFERS) {
            let (at, bytes) = self.buffer(array, index)?;
            let wanted = bytes.min(unseen);
            let wrote = self.user_bytes(at, wanted.min(room))? as u64;
            room = room.saturating_sub(wrote);
            unseen -= wanted;
            cut |= wrote < wanted;
        }
        // A failed call wanted all of its buffers, which have no other end than the last of them.
        cut |= count > MAX_BUFFERS && unseen > 0;
        self.out.end_pieces(ParamStatus::USER.with(cut_if(cut)));
        Ok(())
    }

    pub(super) fn message(&mut self, arg: u8) -> Result<Option<Message>, Fault> {
        let at = self.call.arg(arg);
        if at == 0 {
            return Ok(None);
        }
        Ok(Some(Message {
            name: self.read_word(at, 0)?,
            name_len: self.read_int(at.wrapping_add(self.layout.pointer as u64), 4)?,
            iov: self.read_word(at, 2)?,
            iov_count: self.read_word(at, 3)?,
            control: self.read_word(at, 4)?,
            control_len: self.read_word(at, 5)?,
        }))
    }

    pub(super) fn msg_data(&mut self, arg: u8, len: Len) -> Result<(), Fault> {
        let message = self.message(arg)?.filter(|message| message.iov != 0);
        let len = self.len(len)?.filter(|_| message.is_some());
        let (array, count) = message.map_or((0, 0), |message| (message.iov, message.iov_count));
        self.buffers(array, count, len)
    }

    pub(super) fn msg_size(&mut self, arg: u8) -> Result<Number, Fault> {
        match self.message(arg)? {
            Some(message) => self.iov_size(message.iov, message.iov_count),
            None => Ok(None),
        }
    }

    pub(super) fn msg_control(&mut self, arg: u8) -> Result<(), Fault> {
        let message = self.message(arg)?.filter(|message| message.control != 0 && message.control_len != 0);
        let Some(Message { control, control_len, .. }) = message else {
            self.out.absent();
            return Ok(());
        };
        let wrote = self.user_bytes(control, control_len)?;
        self.out.end_pieces(ParamStatus::USER.with(cut_if((wrote as u64) < control_len)));
        Ok(())
    }

    /// Appends the low two bytes of a number.
    fn short(&mut self, value: u64) {
        let [low, high, ..] = value.to_le_bytes();
        self.out.piece(&[low, high]);
    }

    /// Writes the list of a poll(2): how many, then descriptor and returned events of each.
    pub(super) fn poll_list(&mut self, arg: u8, count: u8) -> Result<(), Fault> {
        // int fd, short events, short revents
        const ENTRY_BYTES: u64 = 8;
        let (array, count) = (self.call.arg(arg), self.call.arg(count) & 0xffff_ffff);
        let seen = if array == 0 { 0 } else { count.min(u64::from(MAX_POLLED)) };
        self.short(seen);
        for index in 0..seen {
            let entry = self.read_int(array.wrapping_add(index.wrapping_mul(ENTRY_BYTES)), 8)?;
            let fd = sign_extended(entry);
            let events = FlagTable::Poll.from_kernel(entry >> 48);
            self.out.piece(&fd.to_le_bytes());
            self.short(events);
        }
        self.out.end_pieces(ParamStatus::USER.with(cut_if(seen < count)));
        Ok(())
    }
}
