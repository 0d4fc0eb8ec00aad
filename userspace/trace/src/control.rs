// SPDX-License-Identifier: Apache-2.0

//! Asking a running tracer to end, and the signals that ask Saker to.

use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{EventfdFlags, eventfd};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A hold on a running tracer. Clones are the same hold.
#[derive(Clone, Debug)]
pub struct Control(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// How often somebody asked.
    asked: AtomicU32,
    /// Readable once somebody asked.
    wake: OwnedFd,
    /// The started command while it lives.
    command: Mutex<Option<OwnedFd>>,
}

/// What the tracer is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Nothing,
    End,
    Kill,
}

impl Control {
    pub(crate) fn new() -> io::Result<Self> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self(Arc::new(Shared { asked: AtomicU32::new(0), wake, command: Mutex::new(None) })))
    }

    /// Asks the tracer to end because of `signal`.
    ///
    /// A started command gets the signal, and the tracer ends once the command's processes are gone; asked
    /// again, it kills them all. A process that was running before is let go and runs on.
    pub fn end(&self, signal: Signal) {
        let again = self.0.asked.fetch_add(1, Ordering::AcqRel) > 0;
        let forwarded = if again { Signal::SIGKILL } else { signal };
        if let Some(command) = self.lock().as_ref() {
            let raw = rustix::process::Signal::from_named_raw(forwarded as i32);
            // It may just have ended, which is what is asked for.
            let _ = raw.map(|signal| rustix::process::pidfd_send_signal(command, signal));
        }
        let _ = rustix::io::write(&self.0.wake, &1_u64.to_ne_bytes());
    }

    pub(crate) fn asked(&self) -> Asked {
        match self.0.asked.load(Ordering::Acquire) {
            0 => Asked::Nothing,
            1 => Asked::End,
            _ => Asked::Kill,
        }
    }

    pub(crate) fn wake_fd(&self) -> BorrowedFd<'_> {
        self.0.wake.as_fd()
    }

    /// Takes back the wake-up, so that the next one is noticed.
    pub(crate) fn woke(&self) {
        let _ = rustix::io::read(&self.0.wake, &mut [0; 8]);
    }

    pub(crate) fn set_command(&self, pidfd: Option<OwnedFd>) {
        *self.lock() = pidfd;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<OwnedFd>> {
        self.0.command.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Signals that ask a program to end.
const ENDING: [Signal; 4] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];

/// The signals that Saker takes for itself while it traces.
///
/// To be made by the first thread before it starts others: they inherit its mask.
#[derive(Clone, Debug)]
pub struct Signals {
    taken: Vec<Signal>,
    ending: SigSet,
}

impl Signals {
    /// Blocks, in this thread and those it starts from now on, SIGCHLD and the signals that ask a program to end; and
    /// SIGXFSZ, so that a write past a limit of file sizes fails, as on a full disk, instead of ending Saker.
    ///
    /// A signal that was blocked or ignored before stays so, as under `nohup`.
    ///
    /// # Errors
    /// Returns the error of the system.
    pub fn block() -> io::Result<Self> {
        let before = SigSet::thread_get_mask()?;
        let ignored = ignored_signals();
        let own = [Signal::SIGCHLD, Signal::SIGXFSZ];
        let mut taken = own.to_vec();
        taken.extend(ENDING.into_iter().filter(|signal| ignored >> (*signal as u32 - 1) & 1 == 0));
        taken.retain(|signal| !before.contains(*signal));
        let mask: SigSet = taken.iter().copied().collect();
        pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&mask), None)?;
        let ending = taken.iter().copied().filter(|signal| !own.contains(signal)).collect();
        Ok(Self { taken, ending })
    }

    /// Returns the signals that were not blocked before.
    pub(crate) fn taken(&self) -> &[Signal] {
        &self.taken
    }

    /// Returns a descriptor from which the signals that ask Saker to end are read, for a source that waits for several
    /// things at once.
    ///
    /// # Errors
    /// Returns the error of the system.
    pub fn queue(self) -> io::Result<SignalQueue> {
        Ok(SignalQueue(SignalFd::with_flags(&self.ending, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?))
    }

    /// Waits for signals on a thread of its own and asks `control` to end when one is for Saker.
    ///
    /// Ctrl-C and the like go from the terminal to all processes of the foreground, so the command has them
    /// already and decides for itself; `on_terminal` says what they mean for the source.
    ///
    /// # Errors
    /// Returns the error of the system.
    pub fn forward_to(self, control: Control, on_terminal: OnTerminal) -> io::Result<()> {
        let from = SignalFd::with_flags(&self.ending, SfdFlags::SFD_CLOEXEC)?;
        let forward = move || {
            while let Ok(info) = from.read_signal() {
                let Some(info) = info else { continue };
                let signal = i32::try_from(info.ssi_signo).ok().and_then(|raw| Signal::try_from(raw).ok());
                let from_terminal = info.ssi_code == SI_KERNEL;
                if let Some(signal) = signal.filter(|_| !from_terminal || on_terminal == OnTerminal::End) {
                    control.end(signal);
                }
            }
        };
        std::thread::Builder::new().name("signals".into()).spawn(forward).map(drop)
    }
}

/// Signals that ask Saker to end, as they come.
#[derive(Debug)]
pub struct SignalQueue(SignalFd);

impl SignalQueue {
    /// Returns the next signal, and whether it went from the terminal to all processes of the foreground.
    pub fn take(&self) -> Option<(Signal, bool)> {
        let info = self.0.read_signal().ok().flatten()?;
        let signal = i32::try_from(info.ssi_signo).ok().and_then(|raw| Signal::try_from(raw).ok())?;
        Some((signal, info.ssi_code == SI_KERNEL))
    }
}

impl AsFd for SignalQueue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What a signal from the terminal (Ctrl-C, hang-up) means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnTerminal {
    /// The traced command has it too and decides.
    LeaveToCommand,
    /// The source is to end: what it traces was not started by it.
    End,
}

/// `si_code` of a signal that the kernel itself sent.
const SI_KERNEL: i32 = 0x80;

/// Returns the signals that this process ignores, signal 1 in bit 0.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0)
}
