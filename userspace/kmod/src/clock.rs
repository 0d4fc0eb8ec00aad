// SPDX-License-Identifier: Apache-2.0

//! The boot clock, and a descriptor that tells when the wall clock is set.

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
    timerfd_settime,
};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Returns the boot clock in nanoseconds.
pub(crate) fn boot_ns() -> u64 {
    let time = clock_gettime(ClockId::Boottime);
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    part(time.tv_sec).saturating_mul(1_000_000_000).saturating_add(part(time.tv_nsec))
}

/// Becomes readable when somebody sets the wall clock; nothing wakes up otherwise.
#[derive(Debug)]
pub(crate) struct Steps(OwnedFd);

impl Steps {
    pub(crate) fn new() -> io::Result<Self> {
        let fd = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        let steps = Self(fd);
        steps.arm()?;
        Ok(steps)
    }

    fn arm(&self) -> io::Result<()> {
        // A timer that is never reached, and that is cancelled when the clock is set.
        let never = Timespec { tv_sec: i64::MAX / 4_000_000_000, tv_nsec: 0 };
        let value = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: never };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        timerfd_settime(&self.0, flags, &value)?;
        Ok(())
    }

    /// Returns whether the clock was set since the last time.
    pub(crate) fn take(&self) -> bool {
        let stepped = rustix::io::read(&self.0, &mut [0; 8]) == Err(rustix::io::Errno::CANCELED);
        stepped && self.arm().is_ok()
    }
}

impl AsFd for Steps {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_nobody_sets_does_not_step() {
        assert!(!Steps::new().unwrap().take());
        assert!(boot_ns() > 0);
    }
}
