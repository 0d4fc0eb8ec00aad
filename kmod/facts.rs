// SPDX-License-Identifier: GPL-2.0-only

//! Storage for the facts of one event: part of each CPU's ring, used only under its lock.

use crate::driver_api::param::ParamStatus;
use crate::driver_api::probe::{Fact, FactValue};
use kernel::prelude::*;

/// Bytes for all texts of one event: two lists of 12 KiB, four paths of 4 KiB, control groups.
const TEXT_BYTES: usize = 48 << 10;
/// Longest path, with its NUL.
pub(crate) const PATH_BYTES: usize = 4096;

const UNREADABLE: u8 = 1;
const INT: u8 = 2;
const BYTES: u8 = 3;

/// One fact; all zeros is an absent one.
#[derive(Clone, Copy, Zeroable)]
struct Entry {
    /// The number, or where the text starts (low half) and its length (high half).
    value: u64,
    kind: u8,
    status: u8,
    _reserved: [u8; 6],
}

/// The facts of one event.
///
/// # Invariants
/// Bytes `0..used` of `text` belong to entries; `known` has a bit for each entry that was set for this event.
#[derive(Zeroable)]
pub(crate) struct Facts {
    known: u64,
    used: usize,
    entries: [Entry; Fact::ALL.len()],
    text: [u8; TEXT_BYTES],
}

impl Facts {
    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.known = 0;
        self.used = 0;
    }

    fn set(&mut self, fact: Fact, kind: u8, value: u64, status: ParamStatus) {
        if let Some(entry) = self.entries.get_mut(fact as usize) {
            *entry = Entry { value, kind, status: status.0, _reserved: [0; 6] };
            self.known |= 1 << fact as u8;
        }
    }

    pub(crate) fn int(&mut self, fact: Fact, value: u64) {
        self.set(fact, INT, value, ParamStatus::OK);
    }

    pub(crate) fn unreadable(&mut self, fact: Fact) {
        self.set(fact, UNREADABLE, 0, ParamStatus::OK);
    }

    /// Returns up to `most` bytes to write a text into; [`Facts::keep`] makes the first of them a fact.
    pub(crate) fn room(&mut self, most: usize) -> &mut [u8] {
        let end = self.used.saturating_add(most).min(TEXT_BYTES);
        self.text.get_mut(self.used..end).unwrap_or_default()
    }

    /// Makes the first `len` bytes of the room a fact.
    pub(crate) fn keep(&mut self, fact: Fact, len: usize, status: ParamStatus) {
        let len = len.min(TEXT_BYTES.saturating_sub(self.used));
        self.set(fact, BYTES, (len as u64) << 32 | self.used as u64, status);
        self.used = self.used.saturating_add(len);
    }

    /// Makes `len` bytes of the room a fact, from `skipped` bytes behind its start on.
    pub(crate) fn keep_behind(&mut self, fact: Fact, skipped: usize, len: usize) {
        self.used = self.used.saturating_add(skipped).min(TEXT_BYTES);
        self.keep(fact, len, ParamStatus::OK);
    }

    /// Splits the first text off a list: it becomes `first`, the rest stays.
    pub(crate) fn split_first(&mut self, first: Fact, list: Fact) {
        let (end, whole, status) = match self.get(list) {
            FactValue::Bytes(bytes, status) => {
                (bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()), bytes.len(), status)
            }
            FactValue::Unreadable => return self.unreadable(first),
            FactValue::Absent | FactValue::Int(_) => return,
        };
        if whole == 0 {
            self.known &= !(1 << list as u8);
            return;
        }
        let start = self.entries.get(list as usize).map_or(0, |entry| entry.value as u32 as u64);
        let rest = end.saturating_add(1).min(whole);
        self.set(first, BYTES, (end as u64) << 32 | start, ParamStatus::USER);
        let (at, len) = (start.saturating_add(rest as u64), whole.saturating_sub(rest));
        self.set(list, BYTES, (len as u64) << 32 | at, status);
    }

    /// Cuts a path that is kept to the length that `shown` gives, and returns the flags it gives.
    pub(crate) fn shorten_path(&mut self, fact: Fact, shown: impl FnOnce(&[u8]) -> (usize, u64)) -> u64 {
        let FactValue::Bytes(path, status) = self.get(fact) else { return 0 };
        let (len, flags) = shown(path);
        let start = self.entries.get(fact as usize).map_or(0, |entry| entry.value as u32 as u64);
        self.set(fact, BYTES, (len as u64) << 32 | start, status);
        flags
    }

    pub(crate) fn bytes(&mut self, fact: Fact, bytes: &[u8], status: ParamStatus) {
        let room = self.room(bytes.len());
        let cut = room.len() < bytes.len();
        for (into, from) in room.iter_mut().zip(bytes) {
            *into = *from;
        }
        let status = if cut { status.with(ParamStatus::TRUNCATED) } else { status };
        self.keep(fact, bytes.len(), status);
    }

    pub(crate) fn get(&self, fact: Fact) -> FactValue<'_> {
        let entry = match self.entries.get(fact as usize) {
            Some(entry) if self.known & (1 << fact as u8) != 0 => entry,
            _ => return FactValue::Absent,
        };
        match entry.kind {
            INT => FactValue::Int(entry.value),
            BYTES => {
                let start = entry.value as u32 as usize;
                let end = start.saturating_add((entry.value >> 32) as usize);
                FactValue::Bytes(self.text.get(start..end).unwrap_or_default(), ParamStatus(entry.status))
            }
            _ => FactValue::Unreadable,
        }
    }
}
