// SPDX-License-Identifier: Apache-2.0

//! Storage for what `/proc` told about one call.

use saker_driver_api::param::ParamStatus;
use saker_driver_api::probe::{Fact, FactValue};

#[derive(Clone, Copy, Debug)]
enum Slot {
    /// Nobody asked for it.
    Unasked,
    Int(u64),
    Bytes {
        start: usize,
        len: usize,
        status: ParamStatus,
    },
    Absent,
    Unreadable,
}

/// Facts by name; texts lie back to back in one buffer that is used again.
#[derive(Debug)]
pub(crate) struct Facts {
    slots: [Slot; Fact::ALL.len()],
    data: Vec<u8>,
}

impl Facts {
    pub(crate) fn new() -> Self {
        Self { slots: [Slot::Unasked; Fact::ALL.len()], data: Vec::with_capacity(8192) }
    }

    pub(crate) fn clear(&mut self) {
        self.slots.fill(Slot::Unasked);
        self.data.clear();
    }

    pub(crate) fn int(&mut self, fact: Fact, value: impl Into<u64>) {
        self.set(fact, Slot::Int(value.into()));
    }

    pub(crate) fn absent(&mut self, fact: Fact) {
        self.set(fact, Slot::Absent);
    }

    pub(crate) fn unreadable(&mut self, fact: Fact) {
        self.set(fact, Slot::Unreadable);
    }

    pub(crate) fn bytes(&mut self, fact: Fact, value: &[u8], status: ParamStatus) {
        self.bytes_with(fact, status, |to| to.extend_from_slice(value));
    }

    /// Sets a text that `write` appends to the buffer.
    pub(crate) fn bytes_with(&mut self, fact: Fact, status: ParamStatus, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.data.len();
        write(&mut self.data);
        self.set(fact, Slot::Bytes { start, len: self.data.len().saturating_sub(start), status });
    }

    pub(crate) fn get(&self, fact: Fact) -> FactValue<'_> {
        match self.slots.get(fact as usize) {
            Some(Slot::Int(value)) => FactValue::Int(*value),
            Some(Slot::Bytes { start, len, status }) => match self.data.get(*start..start + len) {
                Some(bytes) => FactValue::Bytes(bytes, *status),
                None => FactValue::Unreadable,
            },
            Some(Slot::Absent) => FactValue::Absent,
            Some(Slot::Unasked | Slot::Unreadable) | None => FactValue::Unreadable,
        }
    }

    /// Takes over a fact from another collection.
    pub(crate) fn copy_from(&mut self, other: &Self, fact: Fact) {
        match other.get(fact) {
            FactValue::Int(value) => self.int(fact, value),
            FactValue::Bytes(bytes, status) => self.bytes(fact, bytes, status),
            FactValue::Absent => self.absent(fact),
            FactValue::Unreadable => self.unreadable(fact),
        }
    }

    fn set(&mut self, fact: Fact, slot: Slot) {
        if let Some(into) = self.slots.get_mut(fact as usize) {
            *into = slot;
        }
    }
}
