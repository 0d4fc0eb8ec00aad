// SPDX-License-Identifier: Apache-2.0

//! Who wakes whom: the reader sleeps without a timer while its rings are empty, and a producer may wait for room.
//!
//! ```text
//! reader   empty ──first record──> armed (10 ms) ──watermark, critical record or time──> drains ──> armed
//!            ^───────────────────── time, and still empty ─────────────────────────────────────────┘
//! ```
//! A reader that has just drained stays armed: while records keep coming, ordinary ones cost their producer no wake-up.
//!
//! Both directions are the same pattern: the sleeper says that it sleeps, then looks once more; the other side
//! publishes its position, then looks whether someone sleeps. A full fence between the two steps on each side means
//! that at least one of them sees the other, so no wake-up is lost.

use crate::sync::{AtomicBool, AtomicU32, Condvar, Mutex, MutexGuard, Ordering, fence};
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// How long the first unread record waits at most for company.
const LATENCY: Duration = Duration::from_millis(10);

/// What lies unread in the rings of a sleeping reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pending {
    /// Nothing.
    Nothing,
    /// Records, but fewer bytes than the watermark.
    Some,
    /// Enough to be worth a wake-up at once.
    Enough,
}

/// Why [`Doorbell::wait`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// There is something to read.
    Records,
    /// Somebody called [`Doorbell::ring`]; there may be nothing to read.
    Rung,
    /// Every producer is gone and nothing is left to read.
    Closed,
}

const AWAKE: u32 = 0;
const UNTIL_FIRST: u32 = 1;
const UNTIL_ENOUGH: u32 = 2;

#[derive(Debug, Default)]
struct Bell {
    /// What the reader sleeps for: one of the three above.
    sleep: AtomicU32,
    /// A critical record came since the reader last woke.
    urgent: AtomicBool,
    rung: AtomicBool,
    /// The reader's own: its last wait found records.
    busy: AtomicBool,
    producers: AtomicU32,
    lock: Mutex<()>,
    wake: Condvar,
}

/// Wakes the one reader of one or several rings. Clones are the same bell.
#[derive(Clone, Debug, Default)]
pub struct Doorbell(Arc<Bell>);

impl Doorbell {
    /// Makes a bell that no ring has yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Wakes the reader whatever there is to read, as when the program is told to stop.
    pub fn ring(&self) {
        self.0.rung.store(true, Ordering::Release);
        self.wake();
    }

    /// Sleeps until there is something to read; `pending` looks at the rings.
    ///
    /// No record waits longer than 10 ms; a critical record, enough records, [`Doorbell::ring`] or the last producer's
    /// end are served at once. Rings that stay empty cost one timer after the last record and nothing from then on.
    pub fn wait(&self, pending: impl Fn() -> Pending) -> Wake {
        let armed = self.0.busy.swap(false, Ordering::Relaxed) && pending() == Pending::Nothing;
        if armed {
            self.wait_for_more(&pending);
        }
        let waited = armed && pending() != Pending::Nothing;
        let wake = self.wait_for_first(&pending);
        if wake == Wake::Records {
            if !waited && pending() == Pending::Some {
                self.wait_for_more(&pending);
            }
            self.0.busy.store(true, Ordering::Relaxed);
        }
        self.0.urgent.store(false, Ordering::Relaxed);
        wake
    }

    fn wait_for_first(&self, pending: &impl Fn() -> Pending) -> Wake {
        if pending() != Pending::Nothing {
            return Wake::Records;
        }
        let mut guard = self.lock();
        loop {
            self.sleeping(UNTIL_FIRST);
            // The order matters: a producer's last record comes before its end.
            let closed = self.0.producers.load(Ordering::Acquire) == 0;
            let wake = if pending() != Pending::Nothing {
                Wake::Records
            } else if self.0.rung.swap(false, Ordering::AcqRel) {
                Wake::Rung
            } else if closed {
                Wake::Closed
            } else {
                guard = self.0.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            self.0.sleep.store(AWAKE, Ordering::Relaxed);
            return wake;
        }
    }

    fn wait_for_more(&self, pending: &impl Fn() -> Pending) {
        let until = Instant::now() + LATENCY;
        let mut guard = self.lock();
        loop {
            self.sleeping(UNTIL_ENOUGH);
            let left = until.saturating_duration_since(Instant::now());
            let called = self.0.urgent.load(Ordering::Relaxed)
                || self.0.rung.load(Ordering::Acquire)
                || self.0.producers.load(Ordering::Acquire) == 0;
            if called || left.is_zero() || pending() == Pending::Enough {
                break;
            }
            guard = self.0.wake.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.0.sleep.store(AWAKE, Ordering::Relaxed);
    }

    fn sleeping(&self, until: u32) {
        self.0.sleep.store(until, Ordering::Relaxed);
        fence(Ordering::SeqCst); // Pairs with the fence in `published`: one side sees the other.
    }

    /// Told by a producer that its head moved; `enough` is asked only when the reader sleeps for that.
    pub(crate) fn published(&self, urgent: bool, enough: impl FnOnce() -> bool) {
        if urgent {
            self.0.urgent.store(true, Ordering::Relaxed);
        }
        fence(Ordering::SeqCst); // Pairs with the fence in `sleeping`.
        let wanted = match self.0.sleep.load(Ordering::Relaxed) {
            UNTIL_FIRST => true,
            UNTIL_ENOUGH => urgent || enough(),
            _ => false,
        };
        if wanted {
            self.wake();
        }
    }

    pub(crate) fn producer_came(&self) {
        self.0.producers.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn producer_left(&self) {
        self.0.producers.fetch_sub(1, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        // The lock makes sure that a reader which is about to wait is already waiting.
        drop(self.lock());
        self.0.wake.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.0.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a producer waits for the reader to free bytes.
#[derive(Debug, Default)]
pub(crate) struct Room {
    waiting: AtomicBool,
    reader_gone: AtomicBool,
    lock: Mutex<()>,
    wake: Condvar,
}

impl Room {
    /// Sleeps until `has_room`; returns false when the reader is gone instead.
    pub(crate) fn wait(&self, mut has_room: impl FnMut() -> bool) -> bool {
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let found = loop {
            self.waiting.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst); // Pairs with the fence in `freed`.
            if has_room() {
                break true;
            }
            if self.reader_gone.load(Ordering::Acquire) {
                break false;
            }
            guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
        };
        self.waiting.store(false, Ordering::Relaxed);
        found
    }

    /// Told by the reader that its tail moved.
    pub(crate) fn freed(&self) {
        fence(Ordering::SeqCst); // Pairs with the fence in `wait`.
        if self.waiting.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    pub(crate) fn reader_left(&self) {
        self.reader_gone.store(true, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_all();
    }
}
