// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! One parameter after the other: turns a source into bytes of the record.

use super::user::Layout;
use super::{
    code, data_bytes, fact_limit, selected, Call, Fact, FactValue, Fault, FlagTable, Len, Origin, ParamInfo,
    ParamStatus, ParamType, ProbeContext, RecordWriter, Source, MAX_TEXTS, MAX_TEXTS_BYTES, MAX_TEXT_BYTES,
};

/// A number with its state, or nothing.
pub(super) type Number = Option<(u64, ParamStatus)>;

/// Writes the parameters of one record.
pub(super) struct Values<'a, 's, C> {
    pub(super) ctx: &'a mut C,
    pub(super) out: RecordWriter<'s>,
    pub(super) call: Call,
    pub(super) layout: Layout,
    failed: bool,
}

impl<'a, 's, C: ProbeContext> Values<'a, 's, C> {
    pub(super) fn new(ctx: &'a mut C, failed: bool, out: RecordWriter<'s>) -> Self {
        let call = *ctx.call();
        Self { ctx, out, layout: Layout::of(&call), call, failed }
    }

    /// Writes the next parameter; a fault leaves it unwritten, or begun in pieces.
    // Not inlined, so that no frame on the way holds the locals of another: the kernel's stack is small.
    #[inline(never)]
    pub(super) fn write(&mut self, param: &ParamInfo, source: &Source) -> Result<(), Fault> {
        // PERF: these make up most parameters of most calls; the kernel's compiler makes no jump tables, so finding one
        // among all sources is a search.
        let plain = match *source {
            Source::Ret => self.call.ret as u64,
            Source::Arg(arg) if is_c_int(param.ty) => sign_extended(self.call.arg(arg)),
            Source::Arg(arg) => self.call.arg(arg),
            Source::CallCode => u64::from(code(self.call.nr)),
            Source::NativeNumber => u64::from(self.call.native_nr),
            Source::Flags(arg) => param.names.from_kernel(self.call.arg(arg)),
            Source::Fact(fact) if !(self.failed && fact.is_outcome()) => {
                self.fact(param, fact);
                return Ok(());
            }
            Source::Text(arg) => return self.text(arg, ParamStatus::USER),
            _ => return self.write_other(param, source),
        };
        self.out.int(plain, param.ty.width().unwrap_or(8));
        Ok(())
    }

    #[inline(never)]
    fn write_other(&mut self, param: &ParamInfo, source: &Source) -> Result<(), Fault> {
        let Some(source) = selected(source, &self.call, self.failed) else {
            self.out.absent();
            return Ok(());
        };
        match *source {
            Source::Fact(fact) => self.fact(param, fact),
            Source::Text(arg) => return self.text(arg, ParamStatus::USER),
            Source::TextOut(arg) => return self.text_at(self.call.arg(arg), &[], ParamStatus::USER),
            Source::EntryText(arg) => self.entry_text(arg),
            Source::FirstText(arg) => return self.first_text(arg),
            Source::Texts(arg, skip) => return self.texts(arg, u64::from(skip)),
            Source::DynText(index, arg) => return self.text_at(self.call.arg(arg), &[index], ParamStatus::USER),
            Source::Data(arg, len) => return self.data(arg, &[], len),
            Source::DynData(index, arg, len) => return self.data(arg, &[index], len),
            Source::Iov(arg, count, len) => return self.iov(arg, count, len),
            Source::MsgData(arg, len) => return self.msg_data(arg, len),
            Source::MsgControl(arg) => return self.msg_control(arg),
            Source::PollList(arg, count) => return self.poll_list(arg, count),
            Source::SockAddr(arg, len) => return self.sockaddr(arg, len),
            Source::TupleTo(arg, len) => return self.tuple_to(arg, len),
            Source::TupleFrom(arg, len) => return self.tuple_from(arg, len),
            Source::MsgTupleTo(arg) => return self.msg_tuple_to(arg),
            Source::MsgTupleFrom(arg) => return self.msg_tuple_from(arg),
            Source::Dyn(index, width, value) => return self.dynamic(param, index, width, value),
            ref number => {
                let value = self.number(param, number)?;
                self.put(value, param.ty.width().unwrap_or(8));
            }
        }
        Ok(())
    }

    fn put(&mut self, value: Number, width: usize) {
        match value {
            None => self.out.absent(),
            Some((value, status)) => self.out.int_with(value, width, status),
        }
    }

    fn dynamic(&mut self, param: &ParamInfo, index: u8, width: u8, value: &Source) -> Result<(), Fault> {
        let Some((value, status)) = self.number(param, value)? else {
            self.out.absent();
            return Ok(());
        };
        let bytes = value.to_le_bytes();
        self.out.piece(&[index]);
        self.out.piece(bytes.get(..usize::from(width)).unwrap_or(&bytes));
        self.out.end_pieces(status);
        Ok(())
    }

    fn number(&mut self, param: &ParamInfo, source: &Source) -> Result<Number, Fault> {
        let call = self.call;
        let plain = |value: u64| Ok(Some((value, ParamStatus::OK)));
        match *source {
            Source::Ret => plain(call.ret as u64),
            Source::Const(value) => plain(value),
            Source::Arg(arg) if is_c_int(param.ty) => plain(sign_extended(call.arg(arg))),
            Source::Arg(arg) => plain(call.arg(arg)),
            Source::Int(arg) => plain(sign_extended(call.arg(arg))),
            Source::Long(arg) if self.layout.long == 4 => plain(sign_extended(call.arg(arg))),
            Source::Long(arg) => plain(call.arg(arg)),
            Source::Id(arg) if self.layout.id == 2 => plain(wide_id(call.arg(arg))),
            Source::Id(arg) => plain(call.arg(arg)),
            Source::Position(low) if call.origin == Origin::Ia32 => {
                plain(high_low(call.arg(low.saturating_add(1)), call.arg(low)))
            }
            Source::Position(arg) => plain(call.arg(arg)),
            Source::HighLow(high, low) => plain(high_low(call.arg(high), call.arg(low))),
            Source::CallCode => plain(u64::from(code(call.nr))),
            Source::NativeNumber => plain(u64::from(call.native_nr)),
            Source::Flags(arg) => plain(param.names.from_kernel(call.arg(arg))),
            Source::WithNew(flags) => {
                let new = !self.failed && self.ctx.fact(Fact::OpenedNew) == FactValue::Int(1);
                let added = if new { O_F_CREATED } else { 0 };
                Ok(self.number(param, flags)?.map(|(value, status)| (value | added, status)))
            }
            // The access mode is what every value of that table has; these flags have none.
            Source::FdFlags(arg) => plain(param.names.from_kernel(call.arg(arg)) & !3),
            Source::Part(arg, shift, mask) => {
                let part = call.arg(arg).checked_shr(u32::from(shift)).unwrap_or(0) & u64::from(mask);
                plain(param.names.from_kernel(part))
            }
            Source::OpenMode { flags, mode } if creates(call.arg(flags)) => plain(call.arg(mode) & 0o7777),
            Source::OpenMode { .. } => plain(0),
            Source::User(arg, at, width) => self.user_int(arg, u64::from(at), usize::from(width)),
            Source::UserFlags(arg, at, width) => {
                let value = self.user_int(arg, u64::from(at), usize::from(width))?;
                Ok(value.map(|(value, status)| (param.names.from_kernel(value), status)))
            }
            Source::UserLong(arg, index) => {
                self.user_int(arg, u64::from(index).wrapping_mul(self.layout.long as u64), self.layout.long)
            }
            Source::UserLimit(arg, index) => self.user_limit(arg, index),
            Source::UserId(arg) => self.user_id(arg),
            Source::Timespec(arg) => self.time(arg, 1),
            Source::Timeval(arg) => self.time(arg, 1000),
            Source::IovSize(arg, count) => self.iov_size(call.arg(arg), call.arg(count)),
            Source::MsgSize(arg) => self.msg_size(arg),
            Source::Capabilities(arg, set) => self.capabilities(arg, set),
            _ => Ok(None),
        }
    }

    /// Returns a length in bytes, or `None` where nothing was moved.
    pub(super) fn len(&mut self, len: Len) -> Result<Option<u64>, Fault> {
        let moved = u64::try_from(self.call.ret).ok();
        Ok(match len {
            Len::Ret => moved,
            Len::Arg(arg) => Some(self.call.arg(arg)),
            Len::RetOrArg(arg) => Some(moved.unwrap_or(self.call.arg(arg))),
            Len::IntAt(arg) => self.user_int(arg, 0, 4)?.map(|(len, _)| len),
            Len::FirstMessage(_) if self.failed => Some(u64::MAX),
            Len::FirstMessage(arg) => self.user_int(arg, self.layout.msghdr_bytes(), 4)?.map(|(len, _)| len),
            Len::RetOrAll => Some(moved.unwrap_or(u64::MAX)),
        })
    }

    fn fact(&mut self, param: &ParamInfo, fact: Fact) {
        match self.ctx.fact(fact) {
            FactValue::Int(value) => self.out.int(value, param.ty.width().unwrap_or(8)),
            FactValue::Absent => self.out.absent(),
            FactValue::Unreadable => self.out.unreadable(),
            FactValue::Bytes(bytes, status) => match bytes.get(..fact_limit(fact)) {
                Some(cut) => self.out.bytes(cut, status.with(ParamStatus::TRUNCATED)),
                None => self.out.bytes(bytes, status),
            },
        }
    }

    /// Writes the text behind argument `arg`, marked if it was another when the call began.
    fn text(&mut self, arg: u8, status: ParamStatus) -> Result<(), Fault> {
        let at = self.call.arg(arg);
        if at == 0 {
            self.out.absent();
            return Ok(());
        }
        let ctx = &mut *self.ctx;
        self.out.fill(MAX_TEXT_BYTES, |into| {
            let len = ctx.strncpy_from_user(at, into)?.min(into.len());
            let now = into.get(..len).unwrap_or_default();
            let same = match ctx.at_entry(arg) {
                None => true,
                // Of a text that is cut, only what is kept can be compared.
                Some(before) if len >= into.len() => before.starts_with(now),
                Some(before) => before == now,
            };
            let changed = if same { ParamStatus::OK } else { ParamStatus::CHANGED };
            Ok((len, status.with(changed).with(cut_if(len >= into.len()))))
        })
    }

    /// Writes `prefix` and the text at an address.
    fn text_at(&mut self, at: u64, prefix: &[u8], status: ParamStatus) -> Result<(), Fault> {
        if at == 0 {
            self.out.absent();
            return Ok(());
        }
        self.out.piece(prefix);
        let ctx = &mut *self.ctx;
        let mut cut = ParamStatus::OK;
        self.out.fill_piece(MAX_TEXT_BYTES, |into| {
            let len = ctx.strncpy_from_user(at, into)?.min(into.len());
            cut = cut_if(len >= into.len());
            Ok(len)
        })?;
        self.out.end_pieces(status.with(cut));
        Ok(())
    }

    fn entry_text(&mut self, arg: u8) {
        match self.ctx.at_entry(arg) {
            None => self.out.absent(),
            Some(text) => match text.get(..MAX_TEXT_BYTES) {
                Some(cut) => self.out.bytes(cut, ParamStatus::USER.with(ParamStatus::TRUNCATED)),
                None => self.out.bytes(text, ParamStatus::USER),
            },
        }
    }

    fn first_text(&mut self, arg: u8) -> Result<(), Fault> {
        let list = self.call.arg(arg);
        let first = if list == 0 { 0 } else { self.read_word(list, 0)? };
        self.text_at(first, &[], ParamStatus::USER)
    }

    /// Writes the texts of a list from the `skip`-th on, each with its NUL.
    fn texts(&mut self, arg: u8, skip: u64) -> Result<(), Fault> {
        let list = self.call.arg(arg);
        if list == 0 {
            self.out.absent();
            return Ok(());
        }
        let mut left = MAX_TEXTS_BYTES;
        let mut status = ParamStatus::USER;
        let mut index = 0;
        loop {
            let text = self.read_word(list, index)?;
            // A list without a first text has no others either.
            if text == 0 {
                break;
            }
            if index >= MAX_TEXTS || left == 0 {
                status = status.with(ParamStatus::TRUNCATED);
                break;
            }
            if index >= skip {
                left = left.saturating_sub(self.text_with_nul(text, left, &mut status)?);
            }
            index += 1;
        }
        self.out.end_pieces(status);
        Ok(())
    }

    fn text_with_nul(&mut self, at: u64, max: usize, status: &mut ParamStatus) -> Result<usize, Fault> {
        let ctx = &mut *self.ctx;
        self.out.fill_piece(max, |into| {
            let len = ctx.strncpy_from_user(at, into)?.min(into.len());
            if let Some(end) = into.get_mut(len) {
                *end = 0;
                return Ok(len + 1);
            }
            *status = status.with(ParamStatus::TRUNCATED);
            Ok(len)
        })
    }

    /// Writes `prefix` and the bytes behind an argument.
    fn data(&mut self, arg: u8, prefix: &[u8], len: Len) -> Result<(), Fault> {
        let at = self.call.arg(arg);
        let Some(len) = self.len(len)?.filter(|_| at != 0) else {
            self.out.absent();
            return Ok(());
        };
        self.out.piece(prefix);
        let wrote = self.user_bytes(at, len)?;
        self.out.end_pieces(ParamStatus::USER.with(cut_if((wrote as u64) < len)));
        Ok(())
    }

    /// Appends up to a snaplen of user memory to the parameter; returns how much.
    pub(super) fn user_bytes(&mut self, at: u64, len: u64) -> Result<usize, Fault> {
        let max = usize::try_from(len).unwrap_or(usize::MAX).min(data_bytes(self.ctx));
        let ctx = &mut *self.ctx;
        self.out.fill_piece(max, |into| ctx.copy_from_user(at, into).map(|()| into.len()))
    }
}

/// Returns a number of registers, for the sources that [`super::Filler::plain`] allows.
#[inline]
pub(super) fn plain(call: &Call, param: &ParamInfo, source: &Source) -> u64 {
    match *source {
        Source::Ret => call.ret as u64,
        Source::Arg(arg) if is_c_int(param.ty) => sign_extended(call.arg(arg)),
        Source::Arg(arg) => call.arg(arg),
        Source::CallCode => u64::from(code(call.nr)),
        Source::NativeNumber => u64::from(call.native_nr),
        Source::Const(value) => value,
        Source::Int(arg) => sign_extended(call.arg(arg)),
        Source::Flags(arg) => param.names.from_kernel(call.arg(arg)),
        _ => 0,
    }
}

/// Returns whether arguments of this type are C ints, whatever the register's upper half says.
const fn is_c_int(ty: ParamType) -> bool {
    matches!(ty, ParamType::Fd | ParamType::Pid | ParamType::Errno)
}

pub(super) const fn sign_extended(value: u64) -> u64 {
    (value & 0xffff_ffff ^ 0x8000_0000).wrapping_sub(0x8000_0000)
}

/// Widens a 16-bit id; all ones means "leave it", as it does in 32 bits.
pub(super) const fn wide_id(id: u64) -> u64 {
    match id & 0xffff {
        0xffff => 0xffff_ffff,
        id => id,
    }
}

const fn high_low(high: u64, low: u64) -> u64 {
    high << 32 | low & 0xffff_ffff
}

/// The flag of that name, in both tables of open flags.
const O_F_CREATED: u64 = 0x4000;

/// Returns whether open flags make a file: `O_CREAT`, or all of `O_TMPFILE`.
fn creates(flags: u64) -> bool {
    FlagTable::Open.from_kernel(flags) & (0x4 | 0x2000) != 0
}

pub(super) const fn cut_if(cut: bool) -> ParamStatus {
    if cut {
        ParamStatus::TRUNCATED
    } else {
        ParamStatus::OK
    }
}
