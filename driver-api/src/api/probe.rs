// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! What a filler may ask of the place it runs in: the kernel module, or the ptrace source.
//!
//! A call is captured in two halves. [`ProbeContext::gather`] may sleep and holds nothing: it collects the facts a
//! filler names in storage of its own. Then the record is written into a reserved span: facts are copied from
//! that storage and user memory is copied without faulting. A fault discards the span; the page is faulted in once and
//! the record is written again; what still cannot be read is marked unreadable. The event is never lost.

use super::books::DropReason;
use super::event::Class;
use super::param::ParamStatus;
use super::record::{EventHeader, Origin};

/// A system call that returned, in the numbering of the 64-bit ABI.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Number of the call as [`syscalls::decode`](super::syscalls::decode) gives it: that of x86-64, or one from
    /// [`ONLY_32`](super::syscalls::ONLY_32) on for calls that only 32-bit has, or [`Call::UNKNOWN`].
    pub nr: u32,
    /// Number as the caller gave it, in the ABI of `origin`, without the x32 bit.
    pub native_nr: u32,
    /// The ABI.
    pub origin: Origin,
    /// Arguments; 32-bit ones are zero-extended.
    pub args: [u64; 6],
    /// Result: a value, or a negative errno.
    pub ret: i64,
}

impl Call {
    /// Number of a call that no ABI has.
    pub const UNKNOWN: u32 = u32::MAX;

    /// Returns whether the call failed: the result is one of the 4095 errno values.
    #[must_use]
    pub const fn failed(&self) -> bool {
        self.ret < 0 && self.ret >= -4095
    }

    /// Returns argument `index`, or 0 past the last.
    #[must_use]
    pub fn arg(&self, index: u8) -> u64 {
        self.args.get(usize::from(index)).copied().unwrap_or(0)
    }
}

/// User memory that could not be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// First address asked for.
    pub at: u64,
    /// Bytes asked for.
    pub len: usize,
}

macro_rules! facts {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Something only the kernel knows (or `/proc` tells of it), as opposed to an argument of the call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Fact {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Fact {
            /// Every fact.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
        }
    };
}

facts! {
    /// Path of the file that the returned descriptor is, as seen from the root of the initial namespace.
    OpenedPath,
    /// `RealPath` bits of it: deleted, unreachable, memfd.
    OpenedFlags,
    /// Its device number, as `.scap` encodes it.
    OpenedDev,
    /// Its inode number.
    OpenedIno,
    /// 1 if the call made the file, 0 if it was there before.
    OpenedNew,
    /// Path that the call's first path argument leads to, taken when the call began; the last component is
    /// followed only where the call follows it (`PathArg::follows`).
    RealPath,
    /// The same for the second path argument.
    RealPath2,
    /// Working directory after the call.
    Cwd,
    /// Root directory after the call.
    Root,
    /// Tuple of the socket in the call's first argument as a `SockTuple`: the source is the peer where the call
    /// receives (`recv*`), and the socket itself in every other call.
    Tuple,
    /// Tuple of the socket that accept returned, the peer being the source.
    AcceptedTuple,
    /// Inode of the socket that the call returned.
    SocketIno,
    /// Inode of a new pipe, or of the first socket of a new pair.
    PairIno,
    /// Inode of the second socket of a new pair.
    PairIno2,
    /// First new descriptor of pipe or socketpair.
    PairFd,
    /// Second new descriptor of pipe or socketpair.
    PairFd2,
    /// Waiting connections over the most that may wait, in percent.
    QueuePercent,
    /// Connections waiting to be accepted.
    QueueLen,
    /// Most connections that may wait.
    QueueMax,
    /// Thread id in the initial PID namespace.
    Tid,
    /// Process id in the initial PID namespace.
    Pid,
    /// Process id of the parent.
    Ptid,
    /// Thread id in its own PID namespace.
    Vtid,
    /// Process id in its own PID namespace.
    Vpid,
    /// Name of the thread, up to 15 bytes.
    Comm,
    /// First argument.
    Exe,
    /// Arguments after the first, each NUL-terminated.
    Args,
    /// Environment, each entry NUL-terminated.
    Env,
    /// Path of the executable file.
    ExePath,
    /// `RealPath` bits of it.
    ExeRealFlags,
    /// `Exec` bits: writable by its user, upper layer, memfd, lower layer.
    ExeFlags,
    /// Inode of the executable file.
    ExeIno,
    /// Its change time, epoch nanoseconds.
    ExeCtime,
    /// Its modification time, epoch nanoseconds.
    ExeMtime,
    /// Soft limit of open descriptors.
    FdLimit,
    /// Page faults that needed I/O.
    FaultsMajor,
    /// Page faults that did not.
    FaultsMinor,
    /// Virtual memory in KiB.
    VmSize,
    /// Resident memory in KiB.
    VmRss,
    /// Swapped memory in KiB.
    VmSwap,
    /// Control groups, each as `subsystem=path` and NUL-terminated.
    Cgroups,
    /// Controlling terminal as a device number, 0 for none.
    Tty,
    /// Process group in the initial PID namespace.
    Pgid,
    /// Process group in the task's own PID namespace.
    Vpgid,
    /// Session in the initial PID namespace.
    Sid,
    /// Audit user id, `u32::MAX` when unset.
    Loginuid,
    /// Effective user id in the initial user namespace.
    Euid,
    /// Effective group id in the initial user namespace.
    Egid,
    /// Inheritable capabilities.
    CapInheritable,
    /// Permitted capabilities.
    CapPermitted,
    /// Effective capabilities.
    CapEffective,
    /// Start of the PID namespace's init, epoch nanoseconds.
    PidnsInitStart,
    /// Start of the task, boot-clock nanoseconds.
    StartTime,
    /// `Clone` bits the kernel used for the new task.
    CloneFlags,
    /// Wait status of an exit.
    ExitStatus,
    /// Exit code.
    ExitCode,
    /// Signal that ended the process, or 0.
    ExitSignal,
    /// Whether a core was dumped.
    ExitCore,
    /// Thread that adopts the children, or 0.
    Reaper,
}

impl Fact {
    /// Returns whether only a call that succeeded has the fact.
    #[must_use]
    pub const fn is_outcome(self) -> bool {
        matches!(
            self,
            Self::OpenedPath
                | Self::OpenedFlags
                | Self::OpenedDev
                | Self::OpenedIno
                | Self::OpenedNew
                | Self::AcceptedTuple
                | Self::SocketIno
                | Self::PairIno
                | Self::PairIno2
                | Self::PairFd
                | Self::PairFd2
                | Self::QueuePercent
                | Self::QueueLen
                | Self::QueueMax
        )
    }

    /// Returns whether the fact may be a text; the others are numbers.
    #[must_use]
    pub const fn is_text(self) -> bool {
        use Fact as F;
        matches!(
            self,
            F::OpenedPath
                | F::RealPath
                | F::RealPath2
                | F::Cwd
                | F::Root
                | F::Tuple
                | F::AcceptedTuple
                | F::Comm
                | F::Exe
                | F::Args
                | F::Env
                | F::ExePath
                | F::Cgroups
        )
    }

    /// Returns whether the fact must be taken when the call begins: later it is gone.
    #[must_use]
    pub const fn at_entry(self) -> bool {
        matches!(self, Self::RealPath | Self::RealPath2)
    }
}

const _: () = assert!(Fact::ALL.len() <= 64);

/// A set of facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FactSet(u64);

impl FactSet {
    /// No fact.
    pub const EMPTY: Self = Self(0);

    /// Returns the set with `fact` in it.
    #[must_use]
    pub const fn with(self, fact: Fact) -> Self {
        Self(self.0 | 1 << fact as u8)
    }

    /// Returns whether `fact` is in the set.
    #[must_use]
    pub const fn has(self, fact: Fact) -> bool {
        self.0 & (1 << fact as u8) != 0
    }

    /// Returns the set without those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Returns whether any fact is in both sets.
    #[must_use]
    pub const fn has_any(self, of: Self) -> bool {
        self.0 & of.0 != 0
    }

    /// Returns the facts of the set.
    pub fn iter(self) -> impl Iterator<Item = Fact> {
        let mut left = self.0;
        core::iter::from_fn(move || {
            let fact = *Fact::ALL.get(left.trailing_zeros() as usize)?;
            left &= left.wrapping_sub(1);
            Some(fact)
        })
    }

    /// Returns whether nothing is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the facts of the set that must be taken when the call begins.
    #[must_use]
    pub const fn at_entry(self) -> Self {
        let mut out = Self::EMPTY;
        let mut i = 0;
        while i < Fact::ALL.len() {
            if self.has(Fact::ALL[i]) && Fact::ALL[i].at_entry() {
                out = out.with(Fact::ALL[i]);
            }
            i += 1;
        }
        out
    }
}

/// A fact, borrowed from the context that gathered it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactValue<'a> {
    /// A number; its parameter's type gives the width.
    Int(u64),
    /// Bytes with their state (truncated, or plain).
    Bytes(&'a [u8], ParamStatus),
    /// There is none.
    Absent,
    /// It could not be found out.
    Unreadable,
}

/// The place a filler runs in.
pub trait ProbeContext {
    /// Returns a header with time, thread, process, CPU and origin; the rest is the filler's.
    fn header(&self) -> EventHeader;

    /// Returns the call, as it returned.
    fn call(&self) -> &Call;

    /// Returns how many bytes of data (not of paths or arguments) a parameter keeps.
    fn snaplen_bytes(&self) -> usize;

    /// Collects `wanted` in storage of the context. May sleep; nothing is reserved while it runs.
    fn gather(&mut self, wanted: FactSet);

    /// Returns a fact that [`ProbeContext::gather`] collected.
    fn fact(&self, fact: Fact) -> FactValue<'_>;

    /// Returns the text behind argument `index` as it was when the call began, where the context looked.
    fn at_entry(&self, _index: u8) -> Option<&[u8]> {
        None
    }

    /// Copies user memory without sleeping.
    ///
    /// # Errors
    /// Returns [`Fault`] when any byte is not there; nothing is to be kept of `into` then.
    fn copy_from_user(&mut self, at: u64, into: &mut [u8]) -> Result<(), Fault>;

    /// Copies a NUL-terminated text without sleeping; returns its length, or `into.len()` when no NUL came before.
    ///
    /// # Errors
    /// Returns [`Fault`] when a byte before the NUL is not there.
    fn strncpy_from_user(&mut self, at: u64, into: &mut [u8]) -> Result<usize, Fault>;

    /// Brings the pages of a fault into memory; may sleep. Returns whether a second try makes sense.
    fn fault_in(&mut self, fault: Fault) -> bool;
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is in the ring.
    Committed,
    /// It was counted as dropped.
    Dropped(DropReason),
    /// Nothing was published or counted: fault the page in and write again.
    Faulted(Fault),
}

/// Where records go: the producer side of a ring.
pub trait RecordSink {
    /// Lends a span of `bound` bytes to `write` and publishes as many as it returns; the sink fills in `seq`.
    ///
    /// `class` and `pid` decide whether there is room. The caller counts as seen once, however often it
    /// retries after [`Written::Faulted`].
    fn write_record(
        &mut self,
        class: Class,
        pid: u32,
        bound: usize,
        write: impl FnOnce(&mut [u8]) -> Result<usize, Fault>,
    ) -> Written;
}
