// SPDX-License-Identifier: GPL-2.0-only

//! What calls name, kept from where the kernel uses it to where the call returns: paths, the opened file, an address.
//!
//! ```text
//! hook (preemption off): free slot -> busy -> paths of this task     return: paths of this task -> busy -> free
//! ```
//! A slot has one owner word: 0 for free, [`BUSY`], or the task whose paths it holds; whoever wins the exchange of that word
//! has the slot. A task that does not come back for its paths loses them when others need the slot; then, and where all slots
//! are busy, the paths are unreadable: an event is never held up.

use crate::capture::Capture;
use crate::context::About;
use crate::driver_api::fillers::filler_for;
use crate::driver_api::param::ParamStatus;
use crate::driver_api::probe::{Fact, FactSet};
use crate::driver_api::record::Origin;
use crate::facts::{Facts, PATH_BYTES};
use crate::files::{shown, to_start};
use crate::probe::{current, current_call};
use crate::shim::{self, Named};
use core::cell::UnsafeCell;
use core::ffi::c_void;
use kernel::bindings;
use kernel::prelude::*;
use kernel::sync::atomic::{ordering, Atomic};

const FREE: u64 = 0;
const BUSY: u64 = 1;
/// Slots for each CPU: so many calls may stand between hook and return.
pub(crate) const SLOTS_PER_CPU: usize = 16;
/// Slots that are tried for a task.
const TRIES: usize = 8;
/// A path that could not be told.
const UNREADABLE: u32 = u32::MAX;

const FACTS: [Fact; 2] = [Fact::RealPath, Fact::RealPath2];
pub(crate) const NAMED: FactSet = FactSet::EMPTY.with(Fact::RealPath).with(Fact::RealPath2);
const OPENED: FactSet = FactSet::EMPTY.with(Fact::OpenedPath);
const ASKED: FactSet = FactSet::EMPTY.with(Fact::Tuple);
/// Facts for which a slot may have been taken.
pub(crate) const KEPT: FactSet = NAMED.with(Fact::OpenedPath).with(Fact::Tuple);
/// Longest `struct sockaddr` that the kernel takes.
pub(crate) const ADDRESS_BYTES: usize = 128;

/// What a slot holds.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Held {
    Paths = 0,
    Opened = 1,
    Address = 2,
}

/// What one call named.
struct Paths {
    held: Held,
    /// The call they are of, so that those of a call that nobody asked about are not taken for another's.
    native_nr: u32,
    args: [u64; 6],
    /// Of the opened file.
    inode: shim::Inode,
    /// Length of each path; 0 for none.
    lens: [u32; 2],
    text: [[u8; PATH_BYTES]; 2],
}

struct Slot {
    owner: Atomic<u64>,
    paths: UnsafeCell<Paths>,
}

// SAFETY: the paths are touched only by who has made the owner word `BUSY`.
unsafe impl Sync for Slot {}

/// The slots of a capture.
pub(crate) struct Slots(KVVec<Slot>);

impl Slots {
    /// # Errors
    /// ENOMEM.
    pub(crate) fn new(count: usize) -> Result<Self> {
        let mut slots = KVVec::with_capacity(count, GFP_KERNEL_ACCOUNT | __GFP_ZERO)?;
        // SAFETY: the memory was just allocated for `count` slots, and zeros are a free one without paths.
        unsafe { slots.inc_len(count) };
        Ok(Self(slots))
    }

    /// Returns the slots to try for a task, in their order.
    fn of(&self, task: u64) -> impl Iterator<Item = &Slot> {
        let count = self.0.len().max(1);
        // Tasks are large: their addresses differ in the upper bits.
        let start = (task >> 6).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        (0..TRIES).filter_map(move |step| self.0.get((start as usize).wrapping_add(step).checked_rem(count)?))
    }

    /// Takes a slot for a task: its own, a free one, or else one whose task has not come back.
    fn claim(&self, task: u64) -> Option<&Slot> {
        let take = |slot: &Slot, owner: u64| slot.owner.cmpxchg(owner, BUSY, ordering::Acquire).is_ok();
        let own = self.of(task).find(|slot| take(slot, task));
        let free = || self.of(task).find(|slot| take(slot, FREE));
        let stale = || {
            self.of(task).find(|slot| {
                let owner = slot.owner.load(ordering::Relaxed);
                owner != BUSY && take(slot, owner)
            })
        };
        own.or_else(free).or_else(stale)
    }

    /// Gives the paths of a task to `facts`; they stay until [`Slots::forget`], as a record may be written again.
    pub(crate) fn give(&self, about: &About<'_>, facts: &mut Facts) {
        self.with(about, Held::Paths, |paths| {
            for ((fact, len), text) in FACTS.iter().zip(paths.lens).zip(&paths.text) {
                match (len, text.get(..len as usize)) {
                    (0, _) => {}
                    (_, Some(path)) => facts.bytes(*fact, path, ParamStatus::OK),
                    (_, None) => facts.unreadable(*fact),
                }
            }
        });
    }

    /// Gives the path of the file that the task's call opened to `facts`, and returns its inode.
    pub(crate) fn give_opened(&self, about: &About<'_>, facts: &mut Facts) -> Option<shim::Inode> {
        self.with(about, Held::Opened, |paths| {
            let ([len, _], [text, _]) = (paths.lens, &paths.text);
            facts.bytes(Fact::OpenedPath, text.get(..len as usize)?, ParamStatus::OK);
            Some(paths.inode)
        })?
    }

    /// Copies the address that the task's call asks for; returns its length.
    pub(crate) fn give_address(&self, about: &About<'_>, into: &mut [u8]) -> Option<usize> {
        self.with(about, Held::Address, |paths| {
            let ([len, _], [text, _]) = (paths.lens, &paths.text);
            for (into, from) in into.iter_mut().zip(text) {
                *into = *from;
            }
            len as usize
        })
    }

    /// Looks at what is kept of a call, if it is of that kind.
    fn with<R>(&self, about: &About<'_>, held: Held, look: impl FnOnce(&Paths) -> R) -> Option<R> {
        let task = about.task as u64;
        let slot = self.of(task).find(|slot| slot.owner.cmpxchg(task, BUSY, ordering::Acquire).is_ok())?;
        // SAFETY: the owner word is `BUSY` by our exchange, so nobody else touches the paths.
        let paths = unsafe { &*slot.paths.get() };
        let call = &about.call;
        // A 32-bit call may have been unwrapped since, and then has the arguments of another.
        let same = paths.native_nr == call.native_nr && (call.origin == Origin::Ia32 || paths.args == call.args);
        let result = (paths.held == held && same).then(|| look(paths));
        slot.owner.store(task, ordering::Release);
        result
    }

    /// Frees the slot of a task.
    pub(crate) fn forget(&self, task: *mut bindings::task_struct) {
        let task = task as u64;
        // Whoever has the slot at this moment frees it or leaves it stale, which is as good.
        let _ = self.of(task).find(|slot| slot.owner.cmpxchg(task, FREE, ordering::Release).is_ok());
    }
}

/// Keeps the paths of the current task's call, if anybody will ask for them.
///
/// # Safety
/// Called by the hooks of hooks.c with the capture they were attached for and with ends that live through the call;
/// `second` may be NULL.
#[no_mangle]
unsafe extern "C" fn saker_named_by_call(capture: *const c_void, first: *const Named, second: *const Named) {
    // SAFETY: the capture outlives its hooks.
    let capture = unsafe { &*capture.cast::<Capture>() };
    keep(capture, NAMED, |paths| {
        paths.held = Held::Paths;
        for ((named, len), text) in [first, second].iter().zip(&mut paths.lens).zip(&mut paths.text) {
            *len = 0;
            if !named.is_null() {
                // SAFETY: by this function's contract.
                *len = unsafe { path_of(capture, *named, text) }.unwrap_or(UNREADABLE);
            }
        }
    });
}

/// Keeps what the current task's call opens, if anybody will ask for it.
///
/// # Safety
/// Called by the hooks of hooks.c with the capture they were attached for and a file that lives through the call.
#[no_mangle]
unsafe extern "C" fn saker_opened_by_call(capture: *const c_void, file: *mut bindings::file) {
    // SAFETY: the capture outlives its hooks.
    let capture = unsafe { &*capture.cast::<Capture>() };
    keep(capture, OPENED, |paths| {
        paths.held = Held::Opened;
        let [len, _] = &mut paths.lens;
        let [text, _] = &mut paths.text;
        let mut at = core::ptr::null_mut();
        // SAFETY: the file lives through the call, and the structure has the layout that the function writes.
        unsafe { shim::saker_inode(file, &mut paths.inode) };
        // SAFETY: the file lives through the call.
        let path = unsafe { shim::saker_file_path(file) };
        // SAFETY: the file holds its path, the capture the root, and `text` is writable for its length.
        let found =
            unsafe { shim::saker_path(path, capture.host_root(), text.as_mut_ptr(), text.len() as i32, &mut at) };
        *len = to_start(text, found).map_or(UNREADABLE, |len| len as u32);
    });
}

/// Keeps the address that the current task's call asks for, if anybody will ask for it.
///
/// # Safety
/// Called by the hooks of hooks.c with the capture they were attached for and `bytes` bytes of kernel memory.
#[no_mangle]
unsafe extern "C" fn saker_asked_by_call(capture: *const c_void, address: *const c_void, bytes: i32) {
    // SAFETY: the capture outlives its hooks.
    let capture = unsafe { &*capture.cast::<Capture>() };
    let Ok(bytes @ 0..=ADDRESS_BYTES) = usize::try_from(bytes) else { return };
    // SAFETY: by this function's contract.
    let address = unsafe { core::slice::from_raw_parts(address.cast::<u8>(), bytes) };
    keep(capture, ASKED, |paths| {
        paths.held = Held::Address;
        let [len, _] = &mut paths.lens;
        let [text, _] = &mut paths.text;
        for (into, from) in text.iter_mut().zip(address) {
            *into = *from;
        }
        *len = bytes as u32;
    });
}

/// Lets `fill` write into a slot of the current task, if its call will want one of `facts`.
fn keep(capture: &Capture, facts: FactSet, fill: impl FnOnce(&mut Paths)) {
    let task = current();
    let call = current_call(task);
    let filler = filler_for(call.nr);
    let wanted = capture.wants(call.nr, false) && filler.wants(false).has_any(facts)
        || capture.wants(call.nr, true) && filler.wants(true).has_any(facts);
    let slot = if wanted { capture.slots().claim(task as u64) } else { None };
    let Some(slot) = slot else { return };
    // SAFETY: the owner word is `BUSY` by our exchange, so nobody else touches the paths.
    let paths = unsafe { &mut *slot.paths.get() };
    (paths.native_nr, paths.args) = (call.native_nr, call.args);
    fill(paths);
    slot.owner.store(task as u64, ordering::Release);
}

/// # Safety
/// `named` lives through the call.
unsafe fn path_of(capture: &Capture, named: *const Named, text: &mut [u8]) -> Option<u32> {
    let mut at = core::ptr::null_mut();
    // SAFETY: by this function's contract; the capture holds the root, and `text` is writable for its length.
    let len =
        unsafe { shim::saker_entry_path(named, capture.host_root(), text.as_mut_ptr(), text.len() as i32, &mut at) };
    let len = to_start(text, len)?;
    let (len, _) = shown(text.get(..len)?, false);
    Some(len as u32)
}
