// SPDX-License-Identifier: GPL-2.0-only

//! The little that is needed to find out which call a 32-bit call stands for: its registers and user memory.

use crate::driver_api::probe::{Call, Fact, FactSet, FactValue, Fault, ProbeContext};
use crate::driver_api::record::EventHeader;
use crate::user;

/// A call with nothing gathered about it.
pub(crate) struct Registers {
    pub(crate) call: Call,
}

impl ProbeContext for Registers {
    fn header(&self) -> EventHeader {
        EventHeader::default()
    }

    fn call(&self) -> &Call {
        &self.call
    }

    fn snaplen_bytes(&self) -> usize {
        0
    }

    fn gather(&mut self, _wanted: FactSet) {}

    fn fact(&self, _fact: Fact) -> FactValue<'_> {
        FactValue::Absent
    }

    fn copy_from_user(&mut self, at: u64, into: &mut [u8]) -> Result<(), Fault> {
        user::copy(at, into)
    }

    fn strncpy_from_user(&mut self, at: u64, into: &mut [u8]) -> Result<usize, Fault> {
        user::copy_text(at, into)
    }

    fn fault_in(&mut self, fault: Fault) -> bool {
        user::fault_in(fault);
        true
    }
}
