// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! The control calls of `/dev/saker`, and where its mappings lie.
//!
//! ```text
//! open ── INFO ── SET_UP ── mmap of each CPU's three areas ── START ── poll, drain ── STOP ── BOOKS ── close
//!           └ WHO, when SET_UP answers EBUSY
//! ```
//! Structures have no padding and the same layout in every ABI of the processor; their numbers are frozen by a test. All
//! integers are in the byte order of the machine. A field that has to be zero is refused (EINVAL) when it is not.
//!
//! | Call | Errors |
//! |---|---|
//! | open, and every call | EPERM: the opener lacks CAP_SYS_ADMIN, or CAP_PERFMON with CAP_SYS_PTRACE |
//! | `SET_UP` | EBUSY: another captures (ask `WHO`), or this file has a capture; EINVAL; ENOMEM; ESRCH: no process to leave out |
//! | `START`, `STOP`, `CHANGE_INTEREST`, `BOOKS` | ENXIO: nothing is set up; `BOOKS`: EINVAL: no such CPU |
//! | `WHO` | ENOENT: nobody captures |

use super::books::Books;
use super::interest::InterestMask;
use super::record::MAX_RECORD_BYTES;
use super::version::Version;
use zerocopy_derive::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Path of the device.
pub const DEVICE: &str = "/dev/saker";
/// Name of the device and of the module.
pub const NAME: &str = "saker";

/// The letter of all numbers.
const LETTER: u32 = 0xb5;
const NONE: u32 = 0;
const WRITE: u32 = 1;
const READ: u32 = 2;

/// Builds a number as `_IOC` does: direction 2 bits, size 14, letter 8, call 8.
#[expect(clippy::cast_possible_truncation, reason = "checked just before")]
const fn number(direction: u32, call: u32, bytes: usize) -> u32 {
    assert!(bytes < 1 << 14);
    direction << 30 | (bytes as u32) << 16 | LETTER << 8 | call
}

/// Asks what the module is: fills an [`Info`].
pub const INFO: u32 = number(READ, 0, size_of::<Info>());
/// Asks who captures: fills a [`Holder`].
pub const WHO: u32 = number(READ, 1, size_of::<Holder>());
/// Makes the rings of a capture from a [`SetUp`]; they can be mapped from then on.
pub const SET_UP: u32 = number(WRITE, 2, size_of::<SetUp>());
/// Attaches the probes: records come from now on.
pub const START: u32 = number(NONE, 3, 0);
/// Ends the capture: when it returns, nothing is written any more, and what was lost is told by a last gap.
pub const STOP: u32 = number(NONE, 4, 0);
/// Takes another [`Wanted`] from now on; nothing is lost meanwhile.
pub const CHANGE_INTEREST: u32 = number(WRITE, 5, size_of::<Wanted>());
/// Fills in the books of one CPU: a [`CpuBooks`] with the CPU in it.
pub const BOOKS: u32 = number(READ | WRITE, 6, size_of::<CpuBooks>());

/// What the module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Info {
    /// Major version of ring and control calls.
    pub protocol_major: u16,
    /// Minor version of them.
    pub protocol_minor: u16,
    /// Major version of events and their parameters.
    pub schema_major: u16,
    /// Minor version of them.
    pub schema_minor: u16,
    /// One more than the highest CPU number this machine can ever have; each has a ring.
    pub cpus: u32,
    /// Bytes of a page: the unit of mappings.
    pub page_bytes: u32,
    /// Identity of the source it was built from, as text that ends at the first NUL.
    pub source: [u8; 64],
}

impl Info {
    /// Returns the version of ring and control calls.
    #[must_use]
    pub const fn protocol(&self) -> Version {
        Version { major: self.protocol_major, minor: self.protocol_minor }
    }

    /// Returns the version of events.
    #[must_use]
    pub const fn schema(&self) -> Version {
        Version { major: self.schema_major, minor: self.schema_minor }
    }
}

/// Who captures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Holder {
    /// Process, as the initial PID namespace numbers it.
    pub pid: u32,
    /// Zero.
    pub reserved: u32,
    /// When it set the capture up, boot-clock nanoseconds.
    pub since_ns: u64,
    /// Name of its thread, as text that ends at the first NUL.
    pub comm: [u8; 16],
}

/// Which events are wanted: calls by their number, apart for those that fail, and other happenings.
///
/// New programs, new tasks and the ends of tasks are wanted always: nothing can be told apart without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Wanted {
    /// Calls that succeed.
    pub calls: InterestMask,
    /// Calls that fail.
    pub failed: InterestMask,
    /// Other happenings: bits of [`Happening`].
    pub happenings: u64,
}

/// Bits of [`Wanted::happenings`].
pub struct Happening;

impl Happening {
    /// Signals that are delivered.
    pub const SIGNALS: u64 = 1;
    /// All bits there are.
    pub const ALL: u64 = Self::SIGNALS;
}

/// A capture to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SetUp {
    /// Bytes of each CPU's ring: a power of two, at least [`MIN_RING_BYTES`].
    pub ring_bytes: u64,
    /// Most bytes of data kept of a parameter.
    pub snaplen_bytes: u32,
    /// Process whose events are left out, as the caller's PID namespace numbers it; 0 for none.
    pub left_out_pid: u32,
    /// What is wanted from the start on.
    pub wanted: Wanted,
}

/// The books of one CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CpuBooks {
    /// The CPU that is asked about.
    pub cpu: u32,
    /// Zero.
    pub reserved: u32,
    /// Its books.
    pub books: Books,
}

/// Smallest ring: room for the largest record and a gap in the part that ordinary events may use.
pub const MIN_RING_BYTES: u64 = 128 << 10;

/// The three areas of a CPU's ring, each a mapping of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Area {
    /// One page, read-only: its first 8 bytes are the head.
    Producer,
    /// One page, writable: its first 8 bytes are the tail.
    Consumer,
    /// The records, read-only: ring bytes and [`MAX_RECORD_BYTES`] behind them.
    Data,
}

impl Area {
    /// Every area.
    pub const ALL: [Self; 3] = [Self::Producer, Self::Consumer, Self::Data];

    /// Bits of an offset below the CPU's number.
    const CPU_SHIFT: u32 = 32;
    /// Bits of an offset below the area's number; the data is larger, and comes last.
    const AREA_SHIFT: u32 = 20;

    /// Returns the offset to map the area of `cpu` at.
    #[must_use]
    pub const fn offset(self, cpu: u32) -> u64 {
        (cpu as u64) << Self::CPU_SHIFT | (self as u64) << Self::AREA_SHIFT
    }

    /// Returns CPU and area of an offset, or `None` for one at which nothing starts.
    #[must_use]
    pub const fn at(offset: u64) -> Option<(u32, Self)> {
        let cpu = (offset >> Self::CPU_SHIFT) as u32;
        let area = match offset & 0xffff_ffff {
            0 => Self::Producer,
            0x10_0000 => Self::Consumer,
            0x20_0000 => Self::Data,
            _ => return None,
        };
        Some((cpu, area))
    }

    /// Returns how many bytes the area has; all of it is mapped at once.
    #[must_use]
    pub const fn bytes(self, ring_bytes: u64, page_bytes: u64) -> u64 {
        match self {
            Self::Producer | Self::Consumer => page_bytes,
            Self::Data => ring_bytes.saturating_add(MAX_RECORD_BYTES as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_frozen() {
        // Add rows; never edit one.
        assert_eq!(
            [INFO, WHO, SET_UP, START, STOP, CHANGE_INTEREST, BOOKS],
            [0x8050_b500, 0x8020_b501, 0x4118_b502, 0x0000_b503, 0x0000_b504, 0x4108_b505, 0xc0f8_b506,]
        );
    }

    #[test]
    fn sizes_are_frozen() {
        assert_eq!((size_of::<Info>(), size_of::<Holder>()), (80, 32));
        assert_eq!((size_of::<SetUp>(), size_of::<Wanted>(), size_of::<CpuBooks>()), (280, 264, 248));
    }

    #[test]
    fn every_area_has_an_offset_of_its_own() {
        for cpu in [0, 1, 8191] {
            for area in Area::ALL {
                assert_eq!(Area::at(area.offset(cpu)), Some((cpu, area)));
            }
        }
        assert_eq!(Area::at(4096), None);
        assert_eq!(Area::Consumer.bytes(1 << 20, 4096), 4096);
        assert_eq!(Area::Data.bytes(1 << 20, 4096), (1 << 20) + (64 << 10));
    }
}
