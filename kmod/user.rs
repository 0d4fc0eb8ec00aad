// SPDX-License-Identifier: GPL-2.0-only

//! Bounded copies of user memory. What is copied may change at any time, and is read once.

use crate::driver_api::probe::Fault;
use crate::shim;
use kernel::bindings;

/// Most bytes brought into memory after one fault: what a parameter can need.
const FAULT_IN_BYTES: usize = 16 << 10;

/// Copies bytes without sleeping.
///
/// # Errors
/// Returns [`Fault`] when any byte is not there.
pub(crate) fn copy(at: u64, into: &mut [u8]) -> Result<(), Fault> {
    if into.is_empty() {
        return Ok(());
    }
    // SAFETY: `into` is writable for its length; the source is checked to be the user's, and faults are caught.
    let failed = unsafe { bindings::copy_from_user_nofault(into.as_mut_ptr().cast(), at as *const _, into.len()) };
    match failed {
        0 => Ok(()),
        _ => Err(Fault { at, len: into.len() }),
    }
}

/// Copies a NUL-terminated text without sleeping; returns its length, or `into.len()` when no NUL came before.
///
/// # Errors
/// Returns [`Fault`] when a byte before the NUL is not there.
pub(crate) fn copy_text(at: u64, into: &mut [u8]) -> Result<usize, Fault> {
    if into.is_empty() {
        return Ok(0);
    }
    // SAFETY: `into` is writable for its length; the source is checked to be the user's, and faults are caught.
    let len = unsafe { shim::saker_copy_text(into.as_mut_ptr(), at as *const u8, into.len() as isize) };
    match usize::try_from(len) {
        Ok(len) => Ok(len.min(into.len())),
        Err(_) => Err(Fault { at, len: into.len() }),
    }
}

/// Brings the pages of a fault into memory as far as they exist; sleeps as long as the pages take.
pub(crate) fn fault_in(fault: Fault) {
    // SAFETY: the function checks the range and only reads; it must be called where sleeping is allowed, as here.
    unsafe { bindings::fault_in_readable(fault.at as *const _, fault.len.min(FAULT_IN_BYTES)) };
}
