// SPDX-License-Identifier: Apache-2.0

//! The kernel module's device: its control calls, and the rings it lends as mappings.
//!
//! ```text
//! Device::open ── set_up ── map each CPU ── start ── poll, drain ── stop ── books
//! ```
//! Beside `map.rs` the only file in userspace with unsafe code: control calls and mappings have no safe form. Of a mapped
//! ring the kernel writes head and data, this side the tail; each is used as the protocol says, and the reader checks what
//! the kernel says as it checks any producer.

use crate::reader::{ReadArea, Reader};
use core::ffi::c_void;
use rustix::io::Errno;
use rustix::ioctl;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use saker_driver_api::books::Books;
use saker_driver_api::ioctl::{Area, CpuBooks, Holder, Info, SetUp, Wanted};
use saker_driver_api::record::RECORD_ALIGN;
use saker_driver_api::ring::{Capacity, Position};
use saker_driver_api::version::{PROTOCOL, SCHEMA, Version};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers of the control calls, in the width that this build's system calls take: Miri goes through the C library, where
/// they are wider.
mod number {
    use rustix::ioctl::Opcode;
    use saker_driver_api::ioctl as contract;

    pub(super) const INFO: Opcode = contract::INFO as Opcode;
    pub(super) const WHO: Opcode = contract::WHO as Opcode;
    pub(super) const SET_UP: Opcode = contract::SET_UP as Opcode;
    pub(super) const START: Opcode = contract::START as Opcode;
    pub(super) const STOP: Opcode = contract::STOP as Opcode;
    pub(super) const CHANGE_INTEREST: Opcode = contract::CHANGE_INTEREST as Opcode;
    pub(super) const BOOKS: Opcode = contract::BOOKS as Opcode;
}

/// Why the device cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// The module is not loaded.
    #[error("there is no `{0}`: the kernel module is not loaded")]
    NoDevice(String),
    /// The caller lacks the rights.
    #[error(
        "no permission to open `{0}`: it takes root with the capability CAP_SYS_ADMIN, or CAP_PERFMON with CAP_SYS_PTRACE"
    )]
    NoPermission(String),
    /// Module and program do not understand each other.
    #[error(
        "the module speaks {what} {}.{}, this program {}.{}: load the module that belongs to this version",
        module.major, module.minor, own.major, own.minor
    )]
    Version {
        /// What differs.
        what: &'static str,
        /// Version of the module.
        module: Version,
        /// Version of this program.
        own: Version,
    },
    /// Another process captures.
    #[error("process {pid} (`{name}`) captures already, and only one can at a time; end that one first")]
    Busy {
        /// That process.
        pid: u32,
        /// Its name.
        name: String,
    },
    /// A call to the device failed.
    #[error("the module cannot {what}")]
    Call {
        /// What was to be done.
        what: &'static str,
        /// The error of the system.
        source: io::Error,
    },
}

fn call(what: &'static str) -> impl Fn(Errno) -> DeviceError {
    move |err| DeviceError::Call { what, source: err.into() }
}

/// The device, opened.
#[derive(Debug)]
pub struct Device {
    file: File,
    info: Info,
}

impl AsFd for Device {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Device {
    /// Opens the device and compares versions.
    ///
    /// # Errors
    /// Returns why it cannot be used.
    pub fn open(path: &Path) -> Result<Self, DeviceError> {
        let name = || path.display().to_string();
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => DeviceError::NoDevice(name()),
            io::ErrorKind::PermissionDenied => DeviceError::NoPermission(name()),
            _ => DeviceError::Call { what: "be opened", source },
        })?;
        // SAFETY: the module writes an `Info` for this number, and any bytes are one.
        let getter = unsafe { ioctl::Getter::<{ number::INFO }, Info>::new() };
        // SAFETY: the call fills in the `Info` that `getter` holds and touches nothing else.
        let info = unsafe { ioctl::ioctl(&file, getter) }.map_err(call("say what it is"))?;
        for (what, module, own) in
            [("ring protocol", info.protocol(), PROTOCOL), ("event schema", info.schema(), SCHEMA)]
        {
            if !own.reads(module) {
                return Err(DeviceError::Version { what, module, own });
            }
        }
        Ok(Self { file, info })
    }

    /// Returns what the module is.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Returns who captures now, if anybody does.
    #[must_use]
    pub fn who(&self) -> Option<Holder> {
        // SAFETY: the module writes a `Holder` for this number, and any bytes are one.
        let getter = unsafe { ioctl::Getter::<{ number::WHO }, Holder>::new() };
        // SAFETY: the call fills in the `Holder` that `getter` holds and touches nothing else.
        unsafe { ioctl::ioctl(&self.file, getter) }.ok()
    }

    /// Makes the rings of a capture.
    ///
    /// # Errors
    /// Returns who captures already, or the module's error.
    pub fn set_up(&self, set_up: SetUp) -> Result<(), DeviceError> {
        // SAFETY: the module reads a `SetUp` for this number.
        let setter = unsafe { ioctl::Setter::<{ number::SET_UP }, SetUp>::new(set_up) };
        // SAFETY: the call reads the `SetUp` that `setter` holds and touches nothing else.
        unsafe { ioctl::ioctl(&self.file, setter) }.map_err(|err| match (err, self.who()) {
            (Errno::BUSY, Some(holder)) => DeviceError::Busy { pid: holder.pid, name: text(&holder.comm) },
            (Errno::NOMEM, _) => call("get memory for its rings; give them less with `--ring-mib`")(err),
            _ => call("set up a capture")(err),
        })
    }

    /// Attaches the probes.
    ///
    /// # Errors
    /// Returns the module's error.
    pub fn start(&self) -> Result<(), DeviceError> {
        // SAFETY: the call takes no argument.
        let plain = unsafe { ioctl::NoArg::<{ number::START }>::new() };
        // SAFETY: as above.
        unsafe { ioctl::ioctl(&self.file, plain) }.map_err(call("start the capture"))
    }

    /// Ends the capture: nothing is written any more when this returns.
    ///
    /// # Errors
    /// Returns the module's error.
    pub fn stop(&self) -> Result<(), DeviceError> {
        // SAFETY: the call takes no argument.
        let plain = unsafe { ioctl::NoArg::<{ number::STOP }>::new() };
        // SAFETY: as above.
        unsafe { ioctl::ioctl(&self.file, plain) }.map_err(call("stop the capture"))
    }

    /// Wants something else from now on.
    ///
    /// # Errors
    /// Returns the module's error.
    pub fn change_interest(&self, wanted: Wanted) -> Result<(), DeviceError> {
        // SAFETY: the module reads a `Wanted` for this number.
        let setter = unsafe { ioctl::Setter::<{ number::CHANGE_INTEREST }, Wanted>::new(wanted) };
        // SAFETY: the call reads the `Wanted` that `setter` holds and touches nothing else.
        unsafe { ioctl::ioctl(&self.file, setter) }.map_err(call("take another interest"))
    }

    /// Returns the books of all CPUs together.
    ///
    /// # Errors
    /// Returns the module's error.
    pub fn books(&self) -> Result<Books, DeviceError> {
        let mut sum = Books::default();
        for cpu in 0..self.info.cpus {
            let mut books = CpuBooks { cpu, ..CpuBooks::default() };
            // SAFETY: the module reads and writes a `CpuBooks` for this number, and any bytes are one.
            let updater = unsafe { ioctl::Updater::<{ number::BOOKS }, CpuBooks>::new(&mut books) };
            // SAFETY: the call updates `books`, which `updater` borrows, and touches nothing else.
            unsafe { ioctl::ioctl(&self.file, updater) }.map_err(call("show its books"))?;
            sum.add(&books.books);
        }
        Ok(sum)
    }

    /// Maps the ring of one CPU; `ring_bytes` is what it was set up with.
    ///
    /// # Errors
    /// Returns the error of the system.
    pub fn map(&self, cpu: u16, ring_bytes: u64) -> Result<MappedReader, DeviceError> {
        let page = u64::from(self.info.page_bytes);
        let capacity = Capacity::new(ring_bytes).ok_or_else(|| call("map a ring")(Errno::INVAL))?;
        let area = |area: Area| Mapping::new(&self.file, area, cpu, area.bytes(ring_bytes, page));
        let (head, tail) = (Cursor::new(area(Area::Producer)?), Cursor::new(area(Area::Consumer)?));
        Ok(Reader::new(cpu, capacity, head, tail, MappedArea(area(Area::Data)?)))
    }
}

/// Returns a text that ends at its first NUL.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned()
}

/// The reader of a mapped ring.
pub type MappedReader = Reader<Cursor, Cursor, MappedArea>;

/// A mapping of the device.
///
/// # Invariants
/// `len` bytes from `start` are mapped, readable and page-aligned, until it is dropped.
#[derive(Debug)]
struct Mapping {
    start: NonNull<c_void>,
    len: usize,
}

// SAFETY: the mapping belongs to the process, not to a thread; what is done with its bytes is settled by its users.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    fn new(device: &File, area: Area, cpu: u16, bytes: u64) -> Result<Self, DeviceError> {
        let failed = call("map a ring");
        let len = usize::try_from(bytes).map_err(|_| failed(Errno::INVAL))?;
        let access = match area {
            Area::Consumer => ProtFlags::READ | ProtFlags::WRITE,
            Area::Producer | Area::Data => ProtFlags::READ,
        };
        let offset = area.offset(u32::from(cpu));
        // SAFETY: the kernel chooses a place where nothing else is.
        let start = unsafe { mmap(std::ptr::null_mut(), len, access, MapFlags::SHARED, device, offset) };
        let start = NonNull::new(start.map_err(&failed)?).ok_or_else(|| failed(Errno::NOMEM))?;
        // INVARIANT: mmap gives whole pages, readable by `access`.
        Ok(Self { start, len })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length; whoever borrowed from it borrowed `self`.
        let _ = unsafe { munmap(self.start.as_ptr(), self.len) };
    }
}

/// A position in a page of its own.
#[derive(Clone, Debug)]
pub struct Cursor(Arc<Mapping>);

impl Cursor {
    fn new(page: Mapping) -> Self {
        Self(Arc::new(page))
    }

    fn atomic(&self) -> &AtomicU64 {
        // SAFETY: the mapping is page-aligned, longer than 8 bytes, and lives as long as `self`; this process uses the bytes
        // only through this, and the kernel's accesses are atomic as well.
        unsafe { AtomicU64::from_ptr(self.0.start.as_ptr().cast()) }
    }
}

impl Position for Cursor {
    fn observe(&self) -> u64 {
        self.atomic().load(Ordering::Acquire)
    }

    fn publish(&self, at: u64) {
        self.atomic().store(at, Ordering::Release);
    }
}

/// The records of a mapped ring.
#[derive(Debug)]
pub struct MappedArea(Mapping);

impl ReadArea for MappedArea {
    fn bytes(&self, offset: usize, len: usize) -> Option<&[u8]> {
        let end = offset.checked_add(len)?;
        if end > self.0.len || !offset.is_multiple_of(RECORD_ALIGN) {
            return None;
        }
        // SAFETY: `offset <= end <= len`, inside the mapping.
        let start = unsafe { self.0.start.as_ptr().cast::<u8>().add(offset) };
        // SAFETY:
        // - `len` bytes from `start` are mapped and readable as long as `self` lives.
        // - The reader asks only for bytes between its tail and the head it observed, and the kernel writes none of those
        //   until the tail has moved past them.
        Some(unsafe { std::slice::from_raw_parts(start, len) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_named() {
        let err = Device::open(Path::new("/dev/no-such-device")).unwrap_err();
        assert_eq!(err.to_string(), "there is no `/dev/no-such-device`: the kernel module is not loaded");
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri makes no control calls")]
    fn what_is_no_device_of_ours_is_refused() {
        let err = Device::open(Path::new("/dev/null")).unwrap_err();
        assert_eq!(err.to_string(), "the module cannot say what it is");
    }

    #[test]
    fn names_end_at_their_nul() {
        assert_eq!((text(b"saker\0x").as_str(), text(b"").as_str(), text(b"full").as_str()), ("saker", "", "full"));
    }
}
