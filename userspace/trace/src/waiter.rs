// SPDX-License-Identifier: Apache-2.0

//! Waiting for the next stop of any traced thread.

use crate::control::Control;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::process::{WaitOptions, wait};
use std::io;
use std::os::fd::AsFd as _;

/// `__WALL | __WNOTHREAD`: threads as well as processes, but not what other threads of this program started.
const ALL_KINDS: WaitOptions = WaitOptions::from_bits_retain(0x4000_0000 | 0x2000_0000);

/// Between looks at stopped jobs, and at children whose SIGCHLD another thread may have swallowed.
const TICK_MS: u16 = 20;

/// What a wait came back with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waited {
    /// A thread stopped or ended, with this wait status.
    Stopped { tid: u32, status: i32 },
    /// Nothing did for a while, or somebody asked for something.
    Quiet,
    /// No thread is left.
    NobodyLeft,
}

/// How to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Until a thread stops; one call per stop.
    Endless,
    /// Until a thread stops, somebody asks, or a tick has passed.
    Tick,
}

#[derive(Debug)]
pub(crate) struct Waiter {
    children: SignalFd,
}

impl Waiter {
    /// Makes a waiter for the threads that this thread traces; SIGCHLD is blocked from now on.
    pub(crate) fn new() -> io::Result<Self> {
        let mask: SigSet = [Signal::SIGCHLD].into_iter().collect();
        mask.thread_block()?;
        let children = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        Ok(Self { children })
    }

    pub(crate) fn next(&self, patience: Patience, control: &Control) -> Waited {
        if patience == Patience::Endless {
            return wait_once(ALL_KINDS);
        }
        match wait_once(ALL_KINDS | WaitOptions::NOHANG) {
            Waited::Quiet => {}
            other => return other,
        }
        let mut fds =
            [PollFd::new(self.children.as_fd(), PollFlags::POLLIN), PollFd::new(control.wake_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, PollTimeout::from(TICK_MS));
        // Emptied before the next look at the children, so that none is missed.
        while let Ok(Some(_)) = self.children.read_signal() {}
        control.woke();
        wait_once(ALL_KINDS | WaitOptions::NOHANG)
    }
}

fn wait_once(options: WaitOptions) -> Waited {
    loop {
        match wait(options) {
            Ok(Some((pid, status))) => {
                let tid = pid.as_raw_nonzero().get().unsigned_abs();
                return Waited::Stopped { tid, status: status.as_raw() };
            }
            Ok(None) => return Waited::Quiet,
            Err(err) if err.raw_os_error() == Errno::EINTR as i32 => {}
            Err(_) => return Waited::NobodyLeft,
        }
    }
}
