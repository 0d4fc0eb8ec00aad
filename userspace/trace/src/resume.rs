// SPDX-License-Identifier: Apache-2.0

//! Letting a stopped thread go on.

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

/// Where the thread is to stop next, apart from the events asked for by option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Only at events and signals.
    Event,
    /// At the start or the return of a system call as well.
    Call,
}

/// Lets `tid` go on and delivers `signal`, or none if it is 0.
///
/// A thread that was killed meanwhile is no error: its end is reported by the next wait.
pub(crate) fn resume(tid: u32, until: Until, signal: i32) {
    let Some(pid) = pid(tid) else { return };
    let named = match signal {
        0 => None,
        raw => match Signal::try_from(raw) {
            Ok(signal) => Some(signal),
            Err(_) => return resume_real_time(pid, until, raw),
        },
    };
    // ESRCH means that the thread is being killed; nothing else can be wrong with a stopped thread of ours.
    let _ = match until {
        Until::Event => ptrace::cont(pid, named),
        Until::Call => ptrace::syscall(pid, named),
    };
}

/// Delivers a real-time signal, which `nix` has no value for. The C library needs two of them: one carries `setuid` to
/// every thread, one cancels threads.
fn resume_real_time(pid: Pid, until: Until, signal: i32) {
    let stopped = safeptrace::Stopped::new_unchecked(safeptrace::Pid::from_raw(pid.as_raw()));
    let _ = match until {
        Until::Event => stopped.resume_raw(signal).map(drop),
        Until::Call => stopped.syscall_raw(signal).map(drop),
    };
}

/// Returns a thread id as `nix` wants it; 0 is none, for to the kernel it would mean a whole process group.
pub(crate) fn pid(tid: u32) -> Option<Pid> {
    i32::try_from(tid).ok().filter(|tid| *tid != 0).map(Pid::from_raw)
}

/// Lets go of a stopped thread for good. Returns whether it was there.
pub(crate) fn detach(tid: u32, signal: i32) -> bool {
    let Some(pid) = pid(tid) else { return false };
    ptrace::detach(pid, Signal::try_from(signal).ok()) != Err(Errno::ESRCH)
}
