// SPDX-License-Identifier: Apache-2.0

//! From the device to one stream of records.

use crate::clock::{Steps, boot_ns};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use saker_driver_api::books::Books;
use saker_driver_api::ioctl::{MIN_RING_BYTES, SetUp, Wanted};
use saker_ring::{
    Device, DeviceError, Doorbell, DrainError, HeapProducer, HeapRing, Input, Merge, MergeBatch, MergeBooks, OnFull,
    Pending, ReaderBooks, RingError, Slack,
};
use saker_trace::procfs::{self, Scope};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

/// Size of the ring that the scan of `/proc` writes into.
const SCAN_BYTES: u64 = 4 << 20;
/// Size of the ring for steps of the clock.
const OWN_BYTES: u64 = 64 << 10;
/// Size of a CPU's ring where memory allows it.
const RING_BYTES: u64 = 8 << 20;
/// All rings together take at most one part in this many of the machine's memory, unless a size is asked for.
const MEMORY_PARTS: u64 = 64;
/// How long to sleep while the scan writes, or while records are too young to be delivered.
const SHORT: Duration = Duration::from_millis(1);

/// What is captured.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The events.
    pub wanted: Wanted,
    /// Most bytes of data kept of a parameter.
    pub snaplen_bytes: u32,
    /// Bytes of each CPU's ring; `None` takes [`default_ring_bytes`].
    pub ring_bytes: Option<u64>,
}

/// Why the source cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The device cannot be used.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A ring of our own cannot be made.
    #[error(transparent)]
    Ring(#[from] RingError),
    /// The system refused something.
    #[error("cannot {what}")]
    System {
        /// What was to be done.
        what: &'static str,
        /// The error of the system.
        source: io::Error,
    },
}

fn system(what: &'static str) -> impl Fn(io::Error) -> SourceError {
    move |source| SourceError::System { what, source }
}

/// What [`Source::wait`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// For each descriptor handed in, whether it is readable.
    pub others: Vec<bool>,
}

/// A running capture.
#[derive(Debug)]
pub struct Source {
    device: Device,
    merge: Merge,
    own: HeapProducer,
    steps: Steps,
    scan: Option<JoinHandle<(io::Result<()>, Books)>>,
    /// Books of the scan, once it is done.
    scanned: Books,
    scan_failed: Option<io::Error>,
}

impl Source {
    /// Opens `device`, attaches, and starts to scan `/proc` on a thread of its own.
    ///
    /// # Errors
    /// Returns why the capture cannot be started; nothing is left attached then.
    pub fn start(device: &Path, settings: &Settings) -> Result<Self, SourceError> {
        let device = Device::open(device)?;
        let cpus = device.info().cpus;
        let ring_bytes = settings.ring_bytes.unwrap_or_else(|| default_ring_bytes(memory_bytes(), cpus));
        device.set_up(SetUp {
            ring_bytes,
            snaplen_bytes: settings.snaplen_bytes,
            left_out_pid: std::process::id(),
            wanted: settings.wanted,
        })?;
        let bell = Doorbell::new();
        let (scanned, scan_reader) = HeapRing::new(u16::MAX, SCAN_BYTES, OnFull::Wait, &bell)?.split();
        let (mut own, own_reader) = HeapRing::new(u16::MAX, OWN_BYTES, OnFull::Drop, &bell)?.split();
        let mut inputs = vec![Input::from(scan_reader), Input::from(own_reader)];
        for cpu in 0..cpus {
            inputs.push(device.map(u16::try_from(cpu).unwrap_or(u16::MAX), ring_bytes)?.into());
        }
        let steps = Steps::new().map_err(system("make a timer"))?;
        // Before the first event, so that no alert is without the time of day.
        procfs::write_clock(&mut own);
        device.start()?;
        let scan = std::thread::Builder::new().name("scan".into()).spawn(move || scan(scanned));
        let scan = Some(scan.map_err(system("start a thread"))?);
        let merge = Merge::new(inputs, &bell, Slack::default());
        Ok(Self { device, merge, own, steps, scan, scanned: Books::default(), scan_failed: None })
    }

    /// Sleeps until there may be something to read, or one of `others` is readable.
    ///
    /// # Errors
    /// Returns the error of the system.
    pub fn wait(&mut self, others: &[BorrowedFd<'_>]) -> io::Result<Ready> {
        let awake = self.scan.is_some() || self.merge.pending() != Pending::Nothing;
        let timeout = awake.then_some(Timespec { tv_sec: 0, tv_nsec: SHORT.subsec_nanos().into() });
        let fds = [self.device.as_fd(), self.steps.as_fd()];
        let fds = fds.iter().chain(others);
        let mut fds: Vec<PollFd<'_>> = fds.map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(err) => return Err(err.into()),
        }
        let readable: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        drop(fds);
        self.look_after();
        Ok(Ready { others: readable.into_iter().skip(2).collect() })
    }

    /// Notices the end of the scan, and steps of the clock.
    fn look_after(&mut self) {
        if let Some(scan) = self.scan.take_if(|scan| scan.is_finished()) {
            let (result, books) = scan.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (self.scan_failed, self.scanned) = (result.err(), books);
        }
        if self.steps.take() {
            procfs::write_clock(&mut self.own);
        }
    }

    /// Returns why `/proc` could not be scanned, once.
    pub fn scan_failure(&mut self) -> Option<io::Error> {
        self.scan_failed.take()
    }

    /// Borrows what is unread and old enough to be in order.
    pub fn batch(&mut self, complain: impl FnMut(DrainError)) -> MergeBatch<'_> {
        self.merge.batch(boot_ns, complain)
    }

    /// Ends the capture: nothing comes any more but what [`Source::rest`] returns.
    ///
    /// # Errors
    /// Returns the module's error.
    pub fn stop(&mut self) -> Result<(), SourceError> {
        Ok(self.device.stop()?)
    }

    /// Borrows all that is left; to be called after [`Source::stop`], until nothing is left and [`Source::is_scanning`] is
    /// false.
    pub fn rest(&mut self, complain: impl FnMut(DrainError)) -> MergeBatch<'_> {
        self.look_after();
        self.merge.rest(complain)
    }

    /// Returns whether the scan of `/proc` goes on.
    #[must_use]
    pub fn is_scanning(&self) -> bool {
        self.scan.is_some()
    }

    /// Returns the books: what the module, the scan and the clock wrote, what was read of it, and what of that was late.
    ///
    /// # Errors
    /// Returns the module's error.
    pub fn books(&self) -> Result<(Books, ReaderBooks, MergeBooks), SourceError> {
        let mut written = self.device.books()?;
        written.add(&self.scanned);
        written.add(self.own.books());
        Ok((written, self.merge.reader_books(), self.merge.books()))
    }
}

fn scan(mut sink: HeapProducer) -> (io::Result<()>, Books) {
    let result = procfs::write_all(&mut sink, Scope::Host);
    (result, *sink.books())
}

/// Returns the bytes of each ring that suit a machine: 8 MiB, less where that is more than 1/64 of its memory in all.
#[must_use]
pub fn default_ring_bytes(memory_bytes: u64, cpus: u32) -> u64 {
    let share = memory_bytes / MEMORY_PARTS / u64::from(cpus.max(1));
    let largest = 1_u64.checked_shl(share.checked_ilog2().unwrap_or(0)).unwrap_or(RING_BYTES);
    largest.clamp(MIN_RING_BYTES, RING_BYTES)
}

fn memory_bytes() -> u64 {
    rustix::system::sysinfo().totalram
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rings_take_a_small_part_of_memory() {
        assert_eq!(default_ring_bytes(64 << 30, 8), 8 << 20);
        assert_eq!(default_ring_bytes(1 << 30, 2), 8 << 20);
        assert_eq!(default_ring_bytes(1_000_000_000, 4), 2 << 20);
        assert_eq!(default_ring_bytes(16 << 20, 64), MIN_RING_BYTES);
        assert_eq!(default_ring_bytes(0, 0), MIN_RING_BYTES);
    }
}
