// SPDX-License-Identifier: Apache-2.0

//! The boot clock, and how far the wall clock is from it.

use nix::unistd::{SysconfVar, sysconf};
use rustix::time::{ClockId, Timespec, clock_gettime};

const NS_PER_S: u64 = 1_000_000_000;
/// A step of the wall clock smaller than this is a clock being slewed.
const STEP_NS: u64 = 1_000_000;
/// Time between looks at the wall clock.
const CHECK_NS: u64 = NS_PER_S;

/// Tells the time of records, and notices when the wall clock steps.
#[derive(Debug)]
pub(crate) struct Clock {
    ns_per_tick: u64,
    offset_ns: i64,
    next_check_ns: u64,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|ticks| u64::try_from(ticks).ok());
        let ns_per_tick = NS_PER_S / ticks.filter(|ticks| *ticks > 0).unwrap_or(100);
        let mut clock = Self { ns_per_tick, offset_ns: 0, next_check_ns: 0 };
        clock.offset_ns = offset_ns();
        clock.next_check_ns = clock.now_ns() + CHECK_NS;
        clock
    }

    #[expect(clippy::unused_self, reason = "time is asked of the clock that records use")]
    pub(crate) fn now_ns(&self) -> u64 {
        boot_ns()
    }

    pub(crate) fn ns_per_tick(&self) -> u64 {
        self.ns_per_tick
    }

    /// Nanoseconds to add to boot-clock time for epoch time.
    pub(crate) fn offset_ns(&self) -> i64 {
        self.offset_ns
    }

    /// When the host booted, epoch nanoseconds.
    pub(crate) fn boot_epoch_ns(&self) -> u64 {
        u64::try_from(self.offset_ns).unwrap_or(0)
    }

    /// Returns the new offset if the wall clock has stepped; looks about once a second.
    pub(crate) fn step(&mut self, now_ns: u64) -> Option<i64> {
        if now_ns < self.next_check_ns {
            return None;
        }
        self.next_check_ns = now_ns + CHECK_NS;
        let offset = offset_ns();
        if offset.abs_diff(self.offset_ns) <= STEP_NS {
            return None;
        }
        self.offset_ns = offset;
        Some(offset)
    }
}

fn boot_ns() -> u64 {
    ns(clock_gettime(ClockId::Boottime))
}

fn offset_ns() -> i64 {
    // The wall clock is read between two looks at the boot clock; a pause between them would count as a step.
    let best = (0..3).map(|_| {
        let before = boot_ns();
        let wall = ns(clock_gettime(ClockId::Realtime));
        let after = boot_ns();
        (after - before, i64::try_from(wall).unwrap_or(i64::MAX).saturating_sub_unsigned(before + (after - before) / 2))
    });
    best.min_by_key(|(width, _)| *width).map_or(0, |(_, offset)| offset)
}

fn ns(time: Timespec) -> u64 {
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(time.tv_sec).saturating_mul(NS_PER_S).saturating_add(part(time.tv_nsec))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_steps_are_told() {
        let mut clock = Clock::new();
        let later = clock.now_ns() + 10 * CHECK_NS;
        assert_eq!(clock.step(0), None, "too early to look");
        assert_eq!(clock.step(later), None, "the clock runs on");
        clock.offset_ns -= 5_000_000;
        assert_eq!(clock.step(later + 1), None, "too early again");
        assert!(clock.step(later + 2 * CHECK_NS).is_some());
    }

    #[test]
    fn boot_time_and_offset_make_the_wall_clock() {
        let clock = Clock::new();
        let wall = ns(clock_gettime(ClockId::Realtime));
        assert!(wall.abs_diff(clock.now_ns().saturating_add_signed(clock.offset_ns())) < NS_PER_S);
    }
}
