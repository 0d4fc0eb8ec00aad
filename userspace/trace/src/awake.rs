// SPDX-License-Identifier: Apache-2.0

//! Keeps a processor from falling asleep while stops come one after the other.
//!
//! A traced call is handed from the program to the tracer and back, twice. Each time one of them sleeps for a few
//! microseconds, and on a quiet machine its processor does, too; waking that takes tens of microseconds, in a virtual
//! machine more, so that the quietest machine is the slowest. A thread of the policy `SCHED_IDLE` spins meanwhile: it has a
//! processor only while nobody else wants it and gives it up at once. It sleeps as soon as stops are rare.
//! docs/performance.md has the figures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread::{Builder, JoinHandle, available_parallelism, park};
use std::time::{Duration, Instant};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};

/// Stops that follow each other within this time are worth staying awake for.
const CLOSE_NS: u64 = 1_000_000;
/// Without such a stop for this long, the thread sleeps.
const QUIET: Duration = Duration::from_micros(500);
/// Spins between two looks at the clock.
const SPINS: u32 = 200;

#[derive(Debug, Default)]
struct Shared {
    /// Counts stops that came close after another; it may wrap.
    beats: AtomicU32,
    asleep: AtomicBool,
    ended: AtomicBool,
}

/// The thread that stays awake; dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct KeepAwake {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
    last_ns: u64,
}

impl KeepAwake {
    /// Starts the thread, asleep. `None` where there is but one processor to run on, or no thread to be had.
    pub(crate) fn start() -> Option<Self> {
        if available_parallelism().map_or(1, usize::from) < 2 {
            return None;
        }
        let shared = Arc::new(Shared { asleep: AtomicBool::new(true), ..Shared::default() });
        let for_thread = Arc::clone(&shared);
        let thread = Builder::new().name("awake".into()).spawn(move || stay_awake(&for_thread)).ok()?;
        Some(Self { shared, thread, last_ns: 0 })
    }

    /// Tells of a stop at the boot-clock time `now_ns`.
    pub(crate) fn beat(&mut self, now_ns: u64) {
        let since_last = now_ns.saturating_sub(self.last_ns);
        self.last_ns = now_ns;
        if since_last > CLOSE_NS {
            return;
        }
        self.shared.beats.fetch_add(1, Relaxed);
        if self.shared.asleep.load(Relaxed) && self.shared.asleep.swap(false, Relaxed) {
            self.thread.thread().unpark();
        }
    }
}

impl Drop for KeepAwake {
    fn drop(&mut self) {
        self.shared.ended.store(true, Relaxed);
        self.thread.thread().unpark();
    }
}

fn stay_awake(shared: &Shared) {
    // Without that policy the thread would take time from those it is to serve.
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    if set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, idle).is_err() {
        return;
    }
    while !shared.ended.load(Relaxed) {
        if shared.asleep.load(Relaxed) {
            park();
            continue;
        }
        let beats = shared.beats.load(Relaxed);
        spin_for(QUIET);
        // A beat that is missed here finds the thread asleep or comes again: nothing but a little time is at stake.
        if shared.beats.load(Relaxed) == beats {
            shared.asleep.store(true, Relaxed);
        }
    }
}

fn spin_for(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        (0..SPINS).for_each(|_| std::hint::spin_loop());
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn settles(awake: &KeepAwake, asleep: bool) -> bool {
        (0..2000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            awake.shared.asleep.load(Relaxed) == asleep
        })
    }

    #[test]
    fn it_wakes_for_close_stops_alone_and_sleeps_again() {
        let Some(mut awake) = KeepAwake::start() else {
            eprintln!("skipped: one processor");
            return;
        };
        awake.beat(10 * CLOSE_NS);
        awake.beat(20 * CLOSE_NS);
        assert!(awake.shared.asleep.load(Relaxed), "stops far apart");
        awake.beat(20 * CLOSE_NS + 1);
        assert_eq!(awake.shared.beats.load(Relaxed), 1);
        assert!(settles(&awake, true), "it sleeps when no stop follows");
    }

    #[test]
    fn it_ends_with_its_owner() {
        let Some(awake) = KeepAwake::start() else {
            eprintln!("skipped: one processor");
            return;
        };
        let shared = Arc::downgrade(&awake.shared);
        drop(awake);
        let ended = (0..2000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            shared.strong_count() == 0
        });
        assert!(ended);
    }
}
