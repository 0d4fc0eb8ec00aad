// SPDX-License-Identifier: GPL-2.0-only

//! A capture: its rings, what it wants, and its end.
//!
//! ```text
//! new ── start: rings open, probes attached ── stop: rings closed, nothing is written any more
//!                                               └─ retire: on a work queue, detach, wait for probes, free
//! ```
//! Locks: `attached` (a mutex) around attaching and detaching; then those of the rings, one at a time.

use crate::driver_api::interest::InterestMask;
use crate::driver_api::ioctl::{Happening, SetUp, Wanted, MIN_RING_BYTES};
use crate::driver_api::ring::Capacity;
use crate::named::{Slots, SLOTS_PER_CPU};
use crate::probe::Attached;
use crate::ring::{Bell, Ring, Writer};
use crate::shim;
use kernel::bindings;
use kernel::cpu::{nr_cpu_ids, CpuId};
use kernel::prelude::*;
use kernel::sync::atomic::{ordering, Atomic};
use kernel::sync::{Arc, Mutex, SpinLockGuard};
use kernel::types::Opaque;
use kernel::workqueue::{impl_has_work, new_work, Work, WorkItem};
use kernel::{new_mutex, page::PAGE_SIZE};

const WORDS: usize = size_of::<InterestMask>() / 8;
/// All rings together may take one part in this many of the machine's memory.
const MEMORY_PARTS: u64 = 4;

/// A set of calls that can be exchanged while probes look at it.
struct LiveMask([Atomic<u64>; WORDS]);

impl LiveMask {
    fn new() -> Self {
        Self([const { Atomic::new(0) }; WORDS])
    }

    fn set(&self, mask: &InterestMask) {
        for (word, wanted) in self.0.iter().zip(mask.words()) {
            word.store(*wanted, ordering::Relaxed);
        }
    }

    #[inline(always)]
    fn has(&self, nr: u32) -> bool {
        match self.0.get(nr as usize / 64) {
            // PERF: a relaxed load, as `READ_ONCE` does it, without the call that `Atomic::load` is.
            // SAFETY: the word is alive and aligned, and an aligned word is never torn.
            Some(word) => (unsafe { word.as_ptr().read_volatile() }) >> (nr % 64) & 1 != 0,
            None => false,
        }
    }

    /// Whether numbers that no call has are wanted: with everything only.
    fn has_unknown(&self) -> bool {
        self.0.iter().all(|word| word.load(ordering::Relaxed) == u64::MAX)
    }
}

/// A capture.
#[pin_data(PinnedDrop)]
pub(crate) struct Capture {
    calls: LiveMask,
    failed: LiveMask,
    happenings: Atomic<u64>,
    /// Process whose events are left out, as the initial namespace numbers it; 0 for none.
    pub(crate) left_out_pid: u32,
    pub(crate) snaplen_bytes: usize,
    /// Wall clock minus boot clock when the capture was set up.
    pub(crate) boot_epoch_ns: u64,
    /// Root of the first process: where paths start.
    host_root: Opaque<bindings::path>,
    rings: KVec<Pin<KBox<Ring>>>,
    slots: Slots,
    #[pin]
    attached: Mutex<Option<Attached>>,
    #[pin]
    work: Work<Capture>,
}

// SAFETY: the path is only read after it was written once in `new`; its referents are the kernel's and may be used from
// any thread. The rest is `Send` and `Sync` by itself.
unsafe impl Send for Capture {}
// SAFETY: as above.
unsafe impl Sync for Capture {}

impl_has_work! {
    impl HasWork<Self> for Capture { self.work }
}

impl Capture {
    /// Makes a capture with closed rings for all CPUs that may ever be.
    ///
    /// # Errors
    /// EINVAL for impossible settings, ESRCH when there is no process to leave out, ENOMEM.
    pub(crate) fn new(set_up: &SetUp, bell: Arc<Bell>) -> Result<Arc<Self>> {
        let capacity = Capacity::new(set_up.ring_bytes).filter(|_| set_up.ring_bytes >= MIN_RING_BYTES);
        let capacity = capacity.ok_or(EINVAL)?;
        check(&set_up.wanted)?;
        let cpus = nr_cpu_ids();
        if capacity.bytes().saturating_mul(cpus.into()) > memory_bytes() / MEMORY_PARTS {
            return Err(ENOMEM);
        }
        let left_out_pid = process_of(set_up.left_out_pid)?;
        let mut rings = KVec::with_capacity(cpus as usize, GFP_KERNEL)?;
        for cpu in 0..cpus {
            let cpu = u16::try_from(cpu).map_err(|_| EINVAL)?;
            rings.push_within_capacity(Ring::new(cpu, capacity, bell.clone())?).map_err(|_| ENOMEM)?;
        }
        let slots = Slots::new((cpus as usize).saturating_mul(SLOTS_PER_CPU))?;
        let host_root = Opaque::uninit();
        // SAFETY: the path is written here, before anybody reads it, and put in `drop`.
        unsafe { shim::saker_host_root(host_root.get()) };
        let capture = Arc::pin_init(
            pin_init!(Self {
                calls: LiveMask::new(),
                failed: LiveMask::new(),
                happenings: Atomic::new(0),
                left_out_pid,
                snaplen_bytes: set_up.snaplen_bytes as usize,
                boot_epoch_ns: epoch_ns().saturating_sub(boot_ns()),
                host_root,
                rings,
                slots,
                attached <- new_mutex!(None, "saker_attached"),
                work <- new_work!("saker_retire"),
            }),
            GFP_KERNEL,
        )?;
        capture.take_interest(&set_up.wanted);
        Ok(capture)
    }

    fn take_interest(&self, wanted: &Wanted) {
        self.calls.set(&wanted.calls);
        self.failed.set(&wanted.failed);
        self.happenings.store(wanted.happenings, ordering::Relaxed);
    }

    /// Takes another interest from now on.
    ///
    /// # Errors
    /// EINVAL for happenings that do not exist.
    pub(crate) fn change_interest(&self, wanted: &Wanted) -> Result {
        check(wanted)?;
        self.take_interest(wanted);
        Ok(())
    }

    /// Opens the rings and attaches the probes.
    ///
    /// # Errors
    /// EBUSY when it was started before; errors of the kernel's registration.
    pub(crate) fn start(self: &Arc<Self>) -> Result {
        let mut attached = self.attached.lock();
        if attached.is_some() {
            return Err(EBUSY);
        }
        for ring in &self.rings {
            ring.lock().open = true;
        }
        match Attached::new(self) {
            Ok(probes) => *attached = Some(probes),
            Err(err) => {
                self.close();
                return Err(err);
            }
        }
        Ok(())
    }

    /// Ends all writing; when it returns, books and rings are as they stay.
    pub(crate) fn close(&self) {
        for ring in &self.rings {
            ring.close(boot_ns());
        }
    }

    /// Detaches the probes; some may still run.
    pub(crate) fn detach(&self) {
        drop(self.attached.lock().take());
    }

    pub(crate) fn slots(&self) -> &Slots {
        &self.slots
    }

    pub(crate) fn host_root(&self) -> *const bindings::path {
        self.host_root.get()
    }

    pub(crate) fn ring(&self, cpu: u32) -> Option<&Ring> {
        self.rings.get(cpu as usize).map(|ring| &**ring)
    }

    /// Returns whether poll has something to tell. Each ring is asked: asking is what lets its next mark count.
    pub(crate) fn is_due(&self) -> bool {
        self.rings.iter().fold(false, |due, ring| ring.is_due() | due)
    }

    /// Returns whether a call is wanted, by its number in the 64-bit numbering.
    #[inline(always)]
    pub(crate) fn wants(&self, nr: u32, failed: bool) -> bool {
        if failed {
            self.failed.has(nr)
        } else {
            self.calls.has(nr)
        }
    }

    /// Returns whether calls that no table knows are wanted.
    pub(crate) fn wants_unknown(&self, failed: bool) -> bool {
        if failed {
            self.failed.has_unknown()
        } else {
            self.calls.has_unknown()
        }
    }

    /// Takes the ring of the CPU that the caller stays on as long as the guard lives.
    pub(crate) fn lock_own_ring(&self) -> Option<(&Ring, SpinLockGuard<'_, Writer>)> {
        loop {
            let cpu = CpuId::current().as_u32();
            let ring = self.ring(cpu)?;
            let writer = ring.lock();
            // Before the lock was taken, the task may have moved; now it cannot.
            if CpuId::current().as_u32() == cpu {
                return Some((ring, writer));
            }
        }
    }
}

impl WorkItem for Capture {
    type Pointer = Arc<Self>;

    /// Detaches what is attached and frees the capture once no probe can see it.
    fn run(this: Arc<Self>) {
        this.detach();
        // SAFETY: sleeping is allowed here. After it no probe runs that was given this capture.
        unsafe { shim::saker_wait_for_probes() };
        drop(this);
    }
}

#[pinned_drop]
impl PinnedDrop for Capture {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: the reference was taken in `new` and is given back once.
        unsafe { bindings::path_put(self.host_root.get()) };
    }
}

fn check(wanted: &Wanted) -> Result {
    match wanted.happenings & !Happening::ALL {
        0 => Ok(()),
        _ => Err(EINVAL),
    }
}

/// Returns the process that the caller knows as `pid`, as the initial namespace numbers it.
fn process_of(pid: u32) -> Result<u32> {
    if pid == 0 {
        return Ok(0);
    }
    let pid = i32::try_from(pid).map_err(|_| ESRCH)?;
    // SAFETY: any number may be asked for; the result is NULL or a reference that is ours.
    let found = unsafe { bindings::find_get_pid(pid) };
    if found.is_null() {
        return Err(ESRCH);
    }
    // SAFETY: `found` is referenced, and the first of its numbers is that of the initial namespace.
    let number = unsafe { (*(*found).numbers.as_ptr()).nr };
    // SAFETY: gives the reference back that was taken above.
    unsafe { bindings::put_pid(found) };
    u32::try_from(number).map_err(|_| ESRCH)
}

fn memory_bytes() -> u64 {
    // SAFETY: counts pages of the machine; always callable.
    let pages = unsafe { bindings::_totalram_pages.counter };
    (pages as u64).saturating_mul(PAGE_SIZE as u64)
}

/// Returns the boot clock.
#[inline]
pub(crate) fn boot_ns() -> u64 {
    // SAFETY: reads a clock; callable anywhere.
    (unsafe { bindings::ktime_get_with_offset(bindings::tk_offsets_TK_OFFS_BOOT) }) as u64
}

fn epoch_ns() -> u64 {
    // SAFETY: reads a clock; callable anywhere.
    (unsafe { bindings::ktime_get_with_offset(bindings::tk_offsets_TK_OFFS_REAL) }) as u64
}
