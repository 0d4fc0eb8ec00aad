// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! From a call to a record: interprets a [`Filler`] in a [`ProbeContext`].
//!
//! ```text
//! unwrap_call   once at the start: socketcall(2) and its like become the call they stand for
//! emit          gather (may sleep) -> class -> bound -> write_record -> on a fault: fault in, write again
//! ```
//! Work is bounded whatever the caller passes: texts up to [`MAX_TEXT_BYTES`], data up to the context's
//! snaplen, [`MAX_BUFFERS`] buffers, [`MAX_POLLED`] polled descriptors, [`MAX_TEXTS`] arguments. What is beyond is cut and
//! marked truncated. A parameter that still cannot be read in the second round is marked unreadable; the event is
//! never lost for it. Nothing here allocates, indexes, or puts more than a few words on the stack.

mod address;
mod unwrap;
mod user;
mod values;

use super::fillers::{Bound, Filler, Len, Source};
use super::flags::FlagTable;
use super::param::{ParamInfo, ParamStatus, ParamType};
use super::probe::{Call, Fact, FactValue, Fault, ProbeContext, RecordSink, Written};
use super::record::{padded, EventHeader, Origin, RecordFlags, RecordWriter, MAX_RECORD_BYTES};
use super::syscalls::{code, nr};
use values::Values;

pub use unwrap::{ipc_calls, socket_calls, unwrap_call};

/// Longest text, in bytes: a path with its NUL.
pub const MAX_TEXT_BYTES: usize = 4096;
/// Longest list of texts (arguments, environment), in bytes.
pub const MAX_TEXTS_BYTES: usize = 12 << 10;
/// Most texts of a list that are looked at.
pub const MAX_TEXTS: u64 = 1000;
/// Longest data, in bytes, whatever the snaplen.
pub const MAX_DATA_BYTES: usize = 32 << 10;
/// Most buffers of one call that are looked at.
pub const MAX_BUFFERS: u64 = 16;
/// Most polled descriptors that are looked at.
pub const MAX_POLLED: u32 = 64;

const HEADER_BYTES: usize = size_of::<EventHeader>();

/// Longest socket address or tuple with a path, in bytes.
pub(super) const MAX_ADDRESS_BYTES: usize = 1 + 16 + 110;
/// Depth to which sources stand in each other.
const MAX_NESTING: u8 = 8;

/// Which round of writing a record it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// A fault ends the round, so that the page can be brought in.
    First,
    /// A fault makes the parameter unreadable.
    Last,
}

/// Captures one event: gathers the facts, then writes the record into `sink`.
///
/// The result is what became of the record; it is never [`Written::Faulted`].
pub fn emit<C: ProbeContext, S: RecordSink>(ctx: &mut C, sink: &mut S, filler: &'static Filler) -> Written {
    let failed = filler.is_failure(ctx.call());
    let wanted = filler.wants(failed);
    if !wanted.is_empty() {
        ctx.gather(wanted);
    }
    let class = filler.class(failed);
    let pid = ctx.header().pid;
    let bound = bound_bytes(ctx, filler);
    let first = sink.write_record(class, pid, bound, |span| write_record(ctx, filler, span, Attempt::First));
    let Written::Faulted(fault) = first else {
        return first;
    };
    // Whether or not the page came: what can be read now is, the rest is marked.
    ctx.fault_in(fault);
    sink.write_record(class, pid, bound, |span| write_record(ctx, filler, span, Attempt::Last))
}

/// Writes the record of the context's call into `span`; returns its length in bytes, 0 if the span cannot hold even
/// the header and the parameter table.
///
/// # Errors
/// Returns the fault that ended a first attempt; nothing in the span is to be used then.
pub fn write_record<C: ProbeContext>(
    ctx: &mut C,
    filler: &Filler,
    span: &mut [u8],
    attempt: Attempt,
) -> Result<usize, Fault> {
    if filler.plain {
        return Ok(write_numbers(ctx.call(), ctx.header(), filler, span));
    }
    let failed = filler.is_failure(ctx.call());
    let params = filler.info.params;
    let Some(out) = RecordWriter::begin(span, params.len()) else {
        return Ok(0);
    };
    let mut values = Values::new(ctx, failed, out);
    for (param, source) in params.iter().zip(filler.sources) {
        match values.write(param, source) {
            Err(fault) if attempt == Attempt::First => return Err(fault),
            Err(_) => values.out.unreadable(),
            Ok(()) => {}
        }
    }
    let mut header = values.ctx.header();
    header.kind = filler.event as u16;
    if failed {
        header.flags |= RecordFlags::FAILED;
    }
    Ok(values.out.finish(header))
}

/// Writes the record of a call whose parameters are all numbers of registers ([`Filler::plain`]); returns its length in bytes,
/// 0 if the span is too small.
#[expect(clippy::cast_possible_truncation, reason = "a record has at most 64 numbers of 8 bytes")]
// PERF: such calls are most of what a machine does. The layout is known beforehand, so each number is one store.
pub fn write_numbers(call: &Call, mut header: EventHeader, filler: &Filler, span: &mut [u8]) -> usize {
    let len = padded(filler.bound.fixed_bytes);
    let params = filler.info.params;
    let Some((head, rest)) = span.get_mut(..len).and_then(|record| record.split_first_chunk_mut::<HEADER_BYTES>())
    else {
        return 0;
    };
    // The padding first: numbers may write over it.
    if let Some(end) = rest.last_chunk_mut::<8>() {
        *end = [0; 8];
    }
    let Some((table, data)) = rest.split_at_mut_checked(params.len().saturating_mul(4)) else { return 0 };
    let mut at = 0_usize;
    for ((param, source), entry) in params.iter().zip(filler.sources).zip(table.chunks_exact_mut(4)) {
        let width = param.ty.width().unwrap_or(0);
        let bytes = values::plain(call, param, source).to_le_bytes();
        match data.get_mut(at..).and_then(|data| data.first_chunk_mut()) {
            Some(into) => *into = bytes,
            // Near the end of the record only what counts has room.
            None => data.iter_mut().skip(at).zip(bytes).take(width).for_each(|(into, byte)| *into = byte),
        }
        at = at.saturating_add(width);
        if let Some(entry) = entry.first_chunk_mut() {
            *entry = (at as u32).to_le_bytes();
        }
    }
    // What a number left behind its width may reach into the padding.
    data.iter_mut().skip(at).for_each(|byte| *byte = 0);
    header.kind = filler.event as u16;
    header.len = len as u32;
    header.nparams = params.len() as u8;
    if filler.is_failure(call) {
        header.flags |= RecordFlags::FAILED;
    }
    *head = zerocopy::transmute!(header);
    len
}

/// Returns how many bytes the record of the context's call may need, now that its facts are gathered.
#[must_use]
pub fn bound_bytes<C: ProbeContext>(ctx: &C, filler: &Filler) -> usize {
    let Bound { fixed_bytes, data_params, facts, shown_twice } = filler.bound;
    // Sums saturate and lengths are cut so that no overflow check can fire: the module has no panics.
    let mut bytes = fixed_bytes;
    if data_params > 0 {
        bytes = bytes.saturating_add(data_bytes(ctx).saturating_mul(usize::from(data_params)));
    }
    for fact in facts.iter() {
        if let FactValue::Bytes(text, _) = ctx.fact(fact) {
            let len = text.len().min(fact_limit(fact));
            let times = if shown_twice.has(fact) { 2 } else { 1 };
            bytes = bytes.saturating_add(len.saturating_mul(times));
        }
    }
    padded(bytes).min(MAX_RECORD_BYTES)
}

/// Most bytes that are kept of a fact, so that no fact can push the others out of the record.
const fn fact_limit(fact: Fact) -> usize {
    match fact {
        Fact::Args | Fact::Env => MAX_TEXTS_BYTES,
        _ => MAX_TEXT_BYTES,
    }
}

fn data_bytes<C: ProbeContext>(ctx: &C) -> usize {
    ctx.snaplen_bytes().min(MAX_DATA_BYTES)
}

/// Follows the conditions of a source down to the one that applies; `None` is nothing.
fn selected<'s>(mut source: &'s Source, call: &Call, failed: bool) -> Option<&'s Source> {
    for _ in 0..MAX_NESTING {
        source = match source {
            Source::Absent => return None,
            Source::OnSuccess(_) if failed => return None,
            Source::Fact(fact) if failed && fact.is_outcome() => return None,
            Source::OnSuccess(inner) => inner,
            Source::When(test, yes, no) => {
                if test.holds(call) {
                    yes
                } else {
                    no
                }
            }
            other => return Some(other),
        };
    }
    None
}
