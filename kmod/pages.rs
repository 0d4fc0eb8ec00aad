// SPDX-License-Identifier: GPL-2.0-only

//! The memory of a ring: pages that the kernel writes and the consumer maps.
//!
//! ```text
//! [producer page][consumer page][data: capacity][overrun: MAX_RECORD_BYTES]
//! ```
//! A mapping holds the device open and each of its pages by a reference, so neither the memory nor the module can go away
//! under it.

use crate::driver_api::ioctl::Area;
use crate::driver_api::record::{MAX_RECORD_BYTES, RECORD_ALIGN};
use crate::driver_api::ring::{Capacity, DataArea, Position};
use core::ptr::NonNull;
use kernel::alloc::flags::{__GFP_NOWARN, __GFP_ZERO, GFP_KERNEL_ACCOUNT};
use kernel::bindings;
use kernel::error::to_result;
use kernel::mm::virt::VmaNew;
use kernel::page::PAGE_SIZE;
use kernel::prelude::*;
use kernel::sync::atomic::{ordering, Atomic};

/// The pages of one ring.
///
/// # Invariants
/// `memory` is page-aligned and holds two pages, then `capacity` and [`MAX_RECORD_BYTES`] bytes; it does not move.
pub(crate) struct Pages {
    memory: VVec<u8>,
    capacity: Capacity,
}

impl Pages {
    /// Allocates zeroed pages, charged to the control group of the caller.
    ///
    /// # Errors
    /// ENOMEM.
    pub(crate) fn new(capacity: Capacity) -> Result<Self> {
        let data = (capacity.bytes() as usize).saturating_add(MAX_RECORD_BYTES);
        let bytes = data.saturating_add(2 * PAGE_SIZE);
        let flags = GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_ZERO;
        let mut memory = VVec::with_capacity(bytes, flags)?;
        // SAFETY: `bytes` is the capacity just asked for, and __GFP_ZERO has written all of it.
        unsafe { memory.inc_len(bytes) };
        // INVARIANT: vmalloc gives whole pages; the vector is not grown again.
        Ok(Self { memory, capacity })
    }

    fn start(&self) -> NonNull<u8> {
        NonNull::from(self.memory.as_slice()).cast()
    }

    /// Returns the address `bytes` behind the start.
    fn at(&self, bytes: usize) -> NonNull<u8> {
        // SAFETY: callers pass offsets of the layout above, all inside `memory` by the type's invariant.
        unsafe { self.start().add(bytes) }
    }

    /// Returns where the producer publishes its head.
    pub(crate) fn head(&self) -> Cursor {
        Cursor(self.at(0).cast())
    }

    /// Returns where the consumer publishes its tail.
    pub(crate) fn tail(&self) -> Cursor {
        Cursor(self.at(PAGE_SIZE).cast())
    }

    /// Returns the records' memory, for the one producer.
    pub(crate) fn data(&self) -> Data {
        let bytes = (self.capacity.bytes() as usize).saturating_add(MAX_RECORD_BYTES);
        Data { start: self.at(2 * PAGE_SIZE), bytes }
    }

    /// Returns offset and bytes of an area inside the memory.
    fn area(&self, area: Area) -> (usize, usize) {
        let bytes = area.bytes(self.capacity.bytes(), PAGE_SIZE as u64) as usize;
        match area {
            Area::Producer => (0, bytes),
            Area::Consumer => (PAGE_SIZE, bytes),
            Area::Data => (2 * PAGE_SIZE, bytes),
        }
    }

    /// Maps one area, whole, shared, never executable, never copied by fork or dumped; only the consumer page may be
    /// written.
    ///
    /// # Errors
    /// EINVAL for another size or a private or executable mapping, EPERM for write access that nobody may have, ENOMEM.
    pub(crate) fn map(&self, area: Area, vma: &VmaNew) -> Result {
        let (offset, bytes) = self.area(area);
        if vma.end().wrapping_sub(vma.start()) != bytes || vma.flags() & kernel::mm::virt::flags::SHARED == 0 {
            return Err(EINVAL);
        }
        vma.try_clear_mayexec()?;
        if area != Area::Consumer {
            vma.try_clear_maywrite().map_err(|_| EPERM)?;
        }
        vma.set_dontcopy();
        vma.set_dontexpand();
        vma.set_dontdump();
        let mixed = vma.set_mixedmap();
        let mut done = 0;
        while done < bytes {
            let page_at = self.at(offset.saturating_add(done)).as_ptr();
            // SAFETY: the address lies in `memory`, which is vmalloc'ed and alive.
            let page = unsafe { bindings::vmalloc_to_page(page_at.cast()) };
            let address = vma.start().wrapping_add(done);
            // SAFETY: the VMA is being set up and has VM_MIXEDMAP; the page is one of order 0 that vmalloc owns, and
            // the mapping takes a reference of its own.
            to_result(unsafe { bindings::vm_insert_page(mixed.as_ptr(), address, page) })?;
            done = done.saturating_add(PAGE_SIZE);
        }
        Ok(())
    }
}

/// A position at the start of a page that both sides see.
///
/// # Invariants
/// Points at 8 aligned bytes that live as long as the ring.
#[derive(Clone, Copy)]
pub(crate) struct Cursor(NonNull<u64>);

// SAFETY: all access is atomic.
unsafe impl Send for Cursor {}
// SAFETY: all access is atomic.
unsafe impl Sync for Cursor {}

impl Cursor {
    fn atomic(&self) -> &Atomic<u64> {
        // SAFETY: valid and aligned by the invariant; the kernel accesses it only through this, and what the consumer
        // does in its own mapping is like any other atomic access: a value, whichever.
        unsafe { Atomic::from_ptr(self.0.as_ptr()) }
    }
}

impl Position for Cursor {
    fn observe(&self) -> u64 {
        self.atomic().load(ordering::Acquire)
    }

    fn publish(&self, at: u64) {
        self.atomic().store(at, ordering::Release);
    }
}

/// The records' memory.
///
/// # Invariants
/// `bytes` bytes from `start` are valid, live as long as the ring, and nobody else in the kernel touches them.
pub(crate) struct Data {
    start: NonNull<u8>,
    bytes: usize,
}

// SAFETY: it is the only access the kernel has to these bytes, whichever thread holds it.
unsafe impl Send for Data {}

impl DataArea for Data {
    fn span(&mut self, offset: usize, len: usize) -> Option<&mut [u8]> {
        let end = offset.checked_add(len)?;
        if end > self.bytes || offset % RECORD_ALIGN != 0 {
            return None;
        }
        // SAFETY: `offset <= end <= bytes`, inside the memory by the invariant.
        let start = unsafe { self.start.add(offset) };
        // SAFETY:
        // - `len` bytes from `start` are inside the memory, initialised, and the kernel's alone by the invariant.
        // - The consumer's mapping of them is read-only for good, and it reads only what is published.
        // - The borrow of `self` keeps any other span from existing meanwhile.
        Some(unsafe { core::slice::from_raw_parts_mut(start.as_ptr(), len) })
    }
}
