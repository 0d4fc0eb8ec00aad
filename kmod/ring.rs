// SPDX-License-Identifier: GPL-2.0-only

//! The ring of one CPU: its producer, the storage for facts, and the bell that wakes the consumer.
//!
//! ```text
//! record ── critical, or a watermark of unread bytes ──> due, wake at once
//!        └─ else, unless armed ──> timer, 10 ms ───────> due, wake
//! ```
//! Locks: the writer's spin lock. It keeps the task on its CPU, so the clock is read in the order of the ring. The timer runs on
//! the CPU that armed it and takes no lock. While everything is read, nothing is armed: an idle machine wakes nobody.

use crate::driver_api::books::Books;
use crate::driver_api::event::Class;
use crate::driver_api::ring::{Capacity, OnFlood, Position, Producer};
use crate::facts::Facts;
use crate::pages::{Cursor, Data, Pages};
use crate::shim;
use kernel::bindings;
use kernel::prelude::*;
use kernel::sync::atomic::{ordering, Atomic};
use kernel::sync::poll::PollCondVar;
use kernel::sync::{Arc, SpinLock, SpinLockGuard};
use kernel::types::Opaque;
use kernel::{new_poll_condvar, new_spinlock};

/// How long the first unread record waits at most for company.
const LATENCY_MS: u32 = 10;
/// Most unread bytes that wake nobody.
const MAX_WATERMARK: u64 = 256 << 10;

/// Where the consumer sleeps.
#[pin_data]
pub(crate) struct Bell {
    #[pin]
    pub(crate) sleepers: PollCondVar,
}

impl Bell {
    pub(crate) fn new() -> Result<Arc<Self>> {
        Arc::pin_init(pin_init!(Self { sleepers <- new_poll_condvar!("saker_bell") }), GFP_KERNEL)
    }
}

/// What a probe needs to write one record; lent under the lock.
pub(crate) struct Writer {
    pub(crate) producer: Producer<Cursor, Cursor, Data>,
    pub(crate) facts: KVBox<Facts>,
    /// Cleared for good when the capture stops.
    pub(crate) open: bool,
}

/// The ring of one CPU.
#[pin_data(PinnedDrop)]
pub(crate) struct Ring {
    /// 1 while the timer is armed; written on one CPU at a time.
    armed: Atomic<u32>,
    /// 1 when the consumer is to look at this ring.
    due: Atomic<u32>,
    watermark: u64,
    bell: Arc<Bell>,
    #[pin]
    timer: Opaque<bindings::timer_list>,
    #[pin]
    writer: SpinLock<Writer>,
    pages: Pages,
}

// SAFETY: the timer is the kernel's and may be armed and ended from any thread; the rest is `Send` and `Sync` by itself.
unsafe impl Send for Ring {}
// SAFETY: as above; everything shared is atomic or behind the lock.
unsafe impl Sync for Ring {}

impl Ring {
    /// Makes the ring of `cpu`, closed.
    ///
    /// # Errors
    /// ENOMEM.
    pub(crate) fn new(cpu: u16, capacity: Capacity, bell: Arc<Bell>) -> Result<Pin<KBox<Self>>> {
        let pages = Pages::new(capacity)?;
        let facts = KVBox::init(pin_init::zeroed::<Facts>(), GFP_KERNEL_ACCOUNT)?;
        let (head, tail, data) = (pages.head(), pages.tail(), pages.data());
        let producer = Producer::new(cpu, capacity, OnFlood::Throttle, head, tail, data);
        KBox::pin_init(
            pin_init!(Self {
                armed: Atomic::new(0),
                due: Atomic::new(0),
                watermark: (capacity.bytes() / 4).min(MAX_WATERMARK),
                bell,
                timer <- Opaque::ffi_init(|timer| {
                    // SAFETY: the timer is pinned, initialised here once, and ended before it is freed.
                    unsafe { shim::saker_timer_set_up(timer, Self::timer_ran) }
                }),
                writer <- new_spinlock!(Writer { producer, facts, open: false }, "saker_ring"),
                pages,
            }),
            GFP_KERNEL_ACCOUNT,
        )
    }

    /// Takes the writer; the task stays on its CPU until the guard is dropped.
    pub(crate) fn lock(&self) -> SpinLockGuard<'_, Writer> {
        self.writer.lock()
    }

    pub(crate) fn pages(&self) -> &Pages {
        &self.pages
    }

    /// Returns the books as they are now.
    pub(crate) fn books(&self) -> Books {
        *self.writer.lock().producer.books()
    }

    /// Stops all writing for good; what was lost since the last gap record is told, if there is room.
    pub(crate) fn close(&self, ts_ns: u64) {
        let mut writer = self.writer.lock();
        if core::mem::replace(&mut writer.open, false) {
            writer.producer.flush_gap(ts_ns);
        }
    }

    /// Decides, after a record of `class` was written and with the lock still held, whether to wake the consumer: then
    /// [`Ring::wake`] is to be called without the lock.
    pub(crate) fn published(&self, class: Class, writer: &mut Writer) -> bool {
        if class == Class::Critical || writer.producer.has_unread(self.watermark) {
            // Full: the head is published before the consumer can miss the mark.
            return self.due.xchg(1, ordering::Full) == 0;
        }
        if self.armed.load(ordering::Relaxed) == 0 {
            self.armed.store(1, ordering::Relaxed);
            // SAFETY: the timer was set up in `new` and is ended only in `drop`.
            unsafe { shim::saker_timer_arm(self.timer.get(), LATENCY_MS) };
        }
        false
    }

    pub(crate) fn wake(&self) {
        self.bell.sleepers.notify_all();
    }

    /// Returns whether the consumer has something to do here, for poll.
    pub(crate) fn is_due(&self) -> bool {
        // Full: the mark is taken before the positions are looked at, so a record that comes later marks anew.
        if self.due.xchg(0, ordering::Full) == 0 {
            return false;
        }
        let unread = self.pages.head().observe() != self.pages.tail().observe();
        if unread {
            self.due.store(1, ordering::Release);
        }
        unread
    }

    /// # Safety
    /// Called by the kernel with the timer of a living ring.
    unsafe extern "C" fn timer_ran(timer: *mut bindings::timer_list) {
        // SAFETY: by this function's contract the timer is the field of a ring that waits for it before it is freed.
        let ring: &Self = unsafe { &*kernel::container_of!(Opaque::cast_from(timer), Self, timer) };
        ring.armed.store(0, ordering::Relaxed);
        if ring.due.xchg(1, ordering::Full) == 0 {
            ring.wake();
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Ring {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: the timer was set up in `new`; no probe that could arm it runs any more.
        unsafe { shim::saker_timer_end(self.timer.get()) };
    }
}
