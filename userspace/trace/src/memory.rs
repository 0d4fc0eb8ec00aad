// SPDX-License-Identifier: Apache-2.0

//! Reading the memory of a stopped thread.

use crate::resume::pid;
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use saker_driver_api::probe::Fault;
use std::io::IoSliceMut;

const PAGE_BYTES: u64 = 4096;
const WORD_BYTES: u64 = 8;

/// Copies memory of `tid`.
///
/// # Errors
/// Returns [`Fault`] when a byte of it is not there.
pub(crate) fn copy(tid: u32, at: u64, into: &mut [u8]) -> Result<(), Fault> {
    let fault = Fault { at, len: into.len() };
    if into.is_empty() {
        return Ok(());
    }
    let (Some(pid), Ok(base)) = (pid(tid), usize::try_from(at)) else { return Err(fault) };
    let len = into.len();
    match process_vm_readv(pid, &mut [IoSliceMut::new(into)], &[RemoteIoVec { base, len }]) {
        Ok(n) if n == len => Ok(()),
        // Containers often forbid the call; what ptrace itself allows, it allows word by word.
        Err(Errno::EPERM | Errno::ENOSYS) => peek(tid, at, into).ok_or(fault),
        _ => Err(fault),
    }
}

/// Copies a NUL-terminated text; returns its length, or `into.len()` when no NUL came before.
///
/// # Errors
/// Returns [`Fault`] when a byte before the NUL is not there.
pub(crate) fn copy_text(tid: u32, at: u64, into: &mut [u8]) -> Result<usize, Fault> {
    let total = into.len();
    let mut done = 0;
    while let Some(room) = into.get_mut(done..).filter(|room| !room.is_empty()) {
        let from = at.wrapping_add(done as u64);
        // Up to the end of the page: what is behind it may be missing without harm.
        let page_rest = usize::try_from(PAGE_BYTES - from % PAGE_BYTES).unwrap_or(room.len());
        let n = room.len().min(page_rest);
        let chunk = room.get_mut(..n).unwrap_or_default();
        copy(tid, from, chunk)?;
        if let Some(nul) = chunk.iter().position(|b| *b == 0) {
            return Ok(done + nul);
        }
        done += n;
    }
    Ok(total)
}

/// Copies the `N` bytes at `at`.
pub(crate) fn array<const N: usize>(tid: u32, at: u64) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    copy(tid, at, &mut bytes).ok().map(|()| bytes)
}

fn peek(tid: u32, at: u64, into: &mut [u8]) -> Option<()> {
    let pid = pid(tid)?;
    let mut from = at;
    let mut rest = into;
    while !rest.is_empty() {
        let skip = from % WORD_BYTES;
        let word = ptrace::read(pid, std::ptr::without_provenance_mut(usize::try_from(from - skip).ok()?)).ok()?;
        let bytes = word.to_ne_bytes();
        let have = bytes.get(usize::try_from(skip).ok()?..)?;
        let n = have.len().min(rest.len());
        let (now, later) = rest.split_at_mut(n);
        now.copy_from_slice(have.get(..n)?);
        rest = later;
        from += n as u64;
    }
    Some(())
}
