// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! The fillers: for each system call, which event it becomes and where each parameter comes from.
//!
//! A filler is data, not code: one [`Source`] per parameter of its event, in the event's order (a filler with too few or
//! too many does not compile). [`capture`](super::capture) interprets it, so the kernel module and the ptrace source
//! cannot disagree about a call. Example, getting the current directory:
//!
//! ```text
//! getcwd   res <- Ret    path <- OnSuccess(TextOut(0))
//! ```
//! Calls without a row become the generic event; [`generic_only`] lists them.

mod credentials;
mod file;
mod ipc;
mod memory;
mod network;
mod process;

use super::capture::{MAX_ADDRESS_BYTES, MAX_POLLED, MAX_TEXTS_BYTES, MAX_TEXT_BYTES};
use super::event::{Class, EventInfo, EventType, Phase};
use super::probe::{Call, Fact, FactSet};
use super::record::fixed_bytes;
use super::syscalls::{self, nr, NUMBERS};

pub use file::CLOSE_BEGUN;
pub use process::{
    CLONE3_CHILD, CLONE3_MAKER, CLONE_CHILD, CLONE_MAKER, EXEC, EXECVEAT, FORK_CHILD, FORK_MAKER, PROC_EXIT,
    SIGNAL_DELIVER, VFORK_CHILD, VFORK_MAKER,
};

/// Length of data that a call moved or was to move.
#[derive(Clone, Copy, Debug)]
pub enum Len {
    /// The result; nothing when the call failed.
    Ret,
    /// An argument.
    Arg(u8),
    /// The result, or the argument when the call failed: what the caller wanted to write.
    RetOrArg(u8),
    /// The result, or all there is when the call failed.
    RetOrAll,
    /// The C int behind a pointer argument.
    IntAt(u8),
    /// What the first message of a `struct mmsghdr` array moved, or all there is when the call failed.
    FirstMessage(u8),
}

/// A question about an argument: `(arg as u32 >> shift) & mask` is one of `values`.
#[derive(Clone, Copy, Debug)]
pub struct Test {
    pub(super) arg: u8,
    pub(super) shift: u8,
    pub(super) mask: u32,
    pub(super) values: &'static [u32],
}

impl Test {
    /// Returns whether the call answers yes.
    #[must_use]
    pub fn holds(&self, call: &Call) -> bool {
        let raw = (call.arg(self.arg) & 0xffff_ffff) as u32;
        let value = raw.checked_shr(u32::from(self.shift)).unwrap_or(0) & self.mask;
        self.values.contains(&value)
    }
}

/// Where the value of a parameter comes from. Numbers in variants are argument positions.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// The result of the call.
    Ret,
    /// A fixed number.
    Const(u64),
    /// Nothing: this call has no such thing.
    Absent,
    /// An argument in the width of the parameter; descriptors, processes and errors are C ints and keep their sign.
    Arg(u8),
    /// A C int whose sign is kept.
    Int(u8),
    /// A C long whose sign is kept, also where longs have 32 bits.
    Long(u8),
    /// A user or group id; old 32-bit calls have 16-bit ones.
    Id(u8),
    /// A 64-bit file position: one register, or this one and the next (low half first) in 32-bit calls.
    Position(u8),
    /// A 64-bit number in two arguments.
    HighLow(u8, u8),
    /// The portable code of the call.
    CallCode,
    /// The number of the call in its own ABI.
    NativeNumber,
    /// An argument translated by the parameter's table of names.
    Flags(u8),
    /// The same for `O_*` flags that have no access mode in them.
    FdFlags(u8),
    /// A part of an argument, `(arg >> shift) & mask`, translated.
    Part(u8, u8, u32),
    /// Portable open flags, with `O_F_CREATED` added when the call made the file.
    WithNew(&'static Source),
    /// A file mode that only counts when the flags create a file.
    OpenMode {
        /// The `O_*` flags.
        flags: u8,
        /// The mode.
        mode: u8,
    },

    /// Something only the kernel knows.
    Fact(Fact),

    /// Text in the caller's memory, as it is when the call returns.
    Text(u8),
    /// Text that the kernel wrote into the caller's memory.
    TextOut(u8),
    /// Text behind an argument as it was when the call began.
    EntryText(u8),
    /// First text of an array of texts.
    FirstText(u8),
    /// An array of texts from the `.1`-th on.
    Texts(u8, u8),

    /// Bytes in the caller's memory.
    Data(u8, Len),
    /// Bytes behind an array of buffers (pointer, count).
    Iov(u8, u8, Len),
    /// Sum of the lengths of an array of buffers (pointer, count).
    IovSize(u8, u8),
    /// Bytes behind the buffers of a `struct msghdr`.
    MsgData(u8, Len),
    /// Sum of the lengths of its buffers.
    MsgSize(u8),
    /// Its control messages, as they lie in memory.
    MsgControl(u8),
    /// From the socket's own address to the one in the message, else the socket's tuple.
    MsgTupleTo(u8),
    /// From the address in the message to the socket's own, else the socket's tuple.
    MsgTupleFrom(u8),
    /// A socket address (pointer, length).
    SockAddr(u8, u8),
    /// From the socket's own address to a given one (pointer, length), else the socket's tuple.
    TupleTo(u8, u8),
    /// From the address the kernel gave (pointer, pointer to length) to the socket's own, else the socket's tuple.
    TupleFrom(u8, u8),
    /// The list of a poll(2) (pointer, count) with the returned events.
    PollList(u8, u8),

    /// An integer in a structure: pointer, offset in bytes, width in bytes.
    User(u8, u8, u8),
    /// The same, translated by the parameter's table of names.
    UserFlags(u8, u8, u8),
    /// A C long behind a pointer, index in longs.
    UserLong(u8, u8),
    /// A limit in a `struct rlimit`, index 0 or 1; infinity is all ones.
    UserLimit(u8, u8),
    /// A user or group id behind a pointer.
    UserId(u8),
    /// A `struct timespec` behind a pointer, in nanoseconds.
    Timespec(u8),
    /// A `struct timeval` behind a pointer, in nanoseconds.
    Timeval(u8),
    /// The `.1`-th capability set behind the header and data pointers of capset(2): 0 effective, 1 permitted, 2 inheritable.
    Capabilities(u8, u8),

    /// A value whose encoding depends on the call: index of the encoding, width in bytes, number.
    Dyn(u8, u8, &'static Source),
    /// The same with a text.
    DynText(u8, u8),
    /// The same with bytes.
    DynData(u8, u8, Len),

    /// The source, but nothing when the call failed.
    OnSuccess(&'static Source),
    /// The first source when the test holds, else the second.
    When(Test, &'static Source, &'static Source),
}

/// Whether the last component of a path is followed when it is a symbolic link.
#[derive(Clone, Copy, Debug)]
pub enum Last {
    /// It is.
    Follow,
    /// It is not.
    Keep,
    /// It is, unless this argument has these bits.
    FollowUnless(u8, u64),
    /// It is not, unless this argument has these bits.
    KeepUnless(u8, u64),
}

/// A path among the arguments of a call.
#[derive(Clone, Copy, Debug)]
pub struct PathArg {
    /// Argument with the descriptor that relative paths start at; `None` is the working directory.
    pub dirfd: Option<u8>,
    /// Argument with the path.
    pub path: u8,
    /// What happens to a link at its end.
    pub last: Last,
}

impl PathArg {
    /// Returns whether `call` follows a symbolic link at the end of this path.
    #[must_use]
    pub fn follows(&self, call: &Call) -> bool {
        match self.last {
            Last::Follow => true,
            Last::Keep => false,
            Last::FollowUnless(arg, bits) => call.arg(arg) & bits == 0,
            Last::KeepUnless(arg, bits) => call.arg(arg) & bits != 0,
        }
    }
}

/// What the values that matter for security stand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// Registers alone: numbers that nobody can change behind the kernel.
    Registers,
    /// The caller's memory at exit: other threads may have changed it, and the status says so.
    UserMemory,
    /// A descriptor looked up at exit: another thread may have replaced it.
    Descriptor,
    /// The task itself.
    Task,
    /// The kernel's own copy, which this internal function is called with.
    Kernel(&'static str),
}

/// Where a filler is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// At the start of a system call, whose result is not known then.
    Start,
    /// At the return of a system call.
    Return,
    /// When a new program has taken over the task.
    Exec,
    /// When a new task exists and has not run.
    Fork,
    /// When a task ends.
    Exit,
    /// When a signal is delivered.
    Signal,
}

/// How one system call, or one other happening, becomes an event.
#[derive(Clone, Copy, Debug)]
pub struct Filler {
    /// The event.
    pub event: EventType,
    /// Its row.
    pub info: &'static EventInfo,
    /// Calls that become it, by [`nr`]; none for other happenings.
    pub calls: &'static [u32],
    /// Where it is run.
    pub hook: Hook,
    /// One per parameter of the event.
    pub sources: &'static [Source],
    /// Paths among the arguments: the first is `Fact::RealPath`, the second `Fact::RealPath2`.
    pub paths: &'static [PathArg],
    /// What its values stand on.
    pub truth: Truth,
    /// What its record may need.
    pub bound: Bound,
    /// Whether every parameter is a number of registers, whatever the call's outcome.
    pub plain: bool,
    wants: FactSet,
    wants_failed: FactSet,
}

impl Filler {
    const fn new(hook: Hook, event: EventType, calls: &'static [u32], sources: &'static [Source]) -> Self {
        assert!(sources.len() == event.info().params.len(), "one source for each parameter");
        Self {
            event,
            info: event.info(),
            calls,
            hook,
            sources,
            paths: &[],
            truth: Truth::Registers,
            bound: Bound::of(event, sources),
            plain: is_plain(event, sources),
            wants: wanted(sources, false),
            wants_failed: wanted(sources, true),
        }
    }

    const fn call(event: EventType, calls: &'static [u32], sources: &'static [Source]) -> Self {
        assert!(matches!(event.info().phase, Phase::Exit) && !calls.is_empty());
        Self::new(Hook::Return, event, calls, sources)
    }

    const fn paths(mut self, paths: &'static [PathArg]) -> Self {
        assert!(paths.len() <= 2);
        self.paths = paths;
        self.truth = Truth::UserMemory;
        self
    }

    const fn truth(mut self, truth: Truth) -> Self {
        self.truth = truth;
        self
    }

    /// Returns the facts it needs; a failed call has no results to ask for.
    #[must_use]
    pub const fn wants(&self, failed: bool) -> FactSet {
        if failed {
            self.wants_failed
        } else {
            self.wants
        }
    }

    /// Returns the class of its record: failed calls are ordinary, whatever the call.
    #[must_use]
    pub const fn class(&self, failed: bool) -> Class {
        if failed {
            Class::Ordinary
        } else {
            self.info.class
        }
    }

    /// Returns whether `call`, at this filler's hook, is a failed call.
    #[must_use]
    pub fn is_failure(&self, call: &Call) -> bool {
        matches!(self.hook, Hook::Return) && call.failed()
    }

    /// Returns whether facts may be gathered with sleeping where it is run.
    #[must_use]
    pub const fn may_sleep(&self) -> bool {
        // Signals are delivered under the lock of the signal handlers.
        !matches!(self.hook, Hook::Signal)
    }
}

const fn is_plain(event: EventType, sources: &[Source]) -> bool {
    use Source as S;
    let params = event.info().params;
    let mut i = 0;
    while i < sources.len() {
        let known = matches!(
            sources[i],
            S::Ret | S::Const(_) | S::Arg(_) | S::Int(_) | S::CallCode | S::NativeNumber | S::Flags(_)
        );
        if !known || params[i].ty.width().is_none() {
            return false;
        }
        i += 1;
    }
    true
}

/// Bytes that a record may need, as far as its sources tell.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Everything but data and texts that are facts.
    pub fixed_bytes: usize,
    /// Parameters with up to a snaplen of data.
    pub data_params: u8,
    /// Facts that may be texts; each counts once for each parameter that shows it.
    pub facts: FactSet,
    /// Whether a fact is shown more than once, so that its length counts twice.
    pub shown_twice: FactSet,
}

impl Bound {
    const fn of(event: EventType, sources: &[Source]) -> Self {
        let params = event.info().params;
        let mut bound = Self {
            fixed_bytes: fixed_bytes(params.len()),
            data_params: 0,
            facts: FactSet::EMPTY,
            shown_twice: FactSet::EMPTY,
        };
        let mut i = 0;
        while i < sources.len() {
            let width = match params[i].ty.width() {
                Some(width) => width,
                None => 8,
            };
            bound = bound.with(&sources[i], width);
            i += 1;
        }
        bound
    }

    /// Adds what a parameter may need; of alternatives all are added, which is more than enough.
    const fn with(mut self, source: &Source, width: usize) -> Self {
        use Source as S;
        let bytes = match source {
            S::Absent => 0,
            S::OnSuccess(inner) => return self.with(inner, width),
            S::When(_, yes, no) => return self.with(yes, width).with(no, width),
            S::Text(_) | S::TextOut(_) | S::EntryText(_) | S::FirstText(_) => MAX_TEXT_BYTES,
            S::DynText(..) => 1 + MAX_TEXT_BYTES,
            S::Texts(..) => MAX_TEXTS_BYTES,
            S::Data(..) | S::Iov(..) | S::MsgData(..) | S::MsgControl(_) => {
                self.data_params += 1;
                0
            }
            S::DynData(..) => {
                self.data_params += 1;
                1
            }
            S::Dyn(..) => 1 + 8,
            S::SockAddr(..) => MAX_ADDRESS_BYTES,
            S::TupleTo(..) | S::TupleFrom(..) | S::MsgTupleTo(_) | S::MsgTupleFrom(_) => {
                self = self.with_fact(Fact::Tuple);
                MAX_ADDRESS_BYTES
            }
            S::PollList(..) => 2 + MAX_POLLED as usize * 10,
            S::Fact(fact) => {
                if fact.is_text() {
                    self = self.with_fact(*fact);
                }
                width
            }
            _ => width,
        };
        self.fixed_bytes += bytes;
        self
    }

    const fn with_fact(mut self, fact: Fact) -> Self {
        if self.facts.has(fact) {
            self.shown_twice = self.shown_twice.with(fact);
        }
        self.facts = self.facts.with(fact);
        self
    }
}

const fn wanted(sources: &[Source], failed: bool) -> FactSet {
    let mut set = FactSet::EMPTY;
    let mut i = 0;
    while i < sources.len() {
        set = with_facts(set, &sources[i], failed);
        i += 1;
    }
    set
}

const fn with_facts(set: FactSet, source: &Source, failed: bool) -> FactSet {
    match source {
        Source::Fact(fact) if !(failed && fact.is_outcome()) => set.with(*fact),
        Source::WithNew(flags) if !failed => with_facts(set.with(Fact::OpenedNew), flags, failed),
        Source::TupleTo(..) | Source::TupleFrom(..) => set.with(Fact::Tuple),
        Source::MsgTupleTo(_) | Source::MsgTupleFrom(_) => set.with(Fact::Tuple),
        Source::OnSuccess(inner) if !failed => with_facts(set, inner, failed),
        Source::When(_, yes, no) => with_facts(with_facts(set, yes, failed), no, failed),
        _ => set,
    }
}

// Short forms for the tables of the families.
const fn when(arg: u8, values: &'static [u32]) -> Test {
    Test { arg, shift: 0, mask: u32::MAX, values }
}

const fn path(path: u8, last: Last) -> PathArg {
    PathArg { dirfd: None, path, last }
}

const fn path_at(dirfd: u8, path: u8, last: Last) -> PathArg {
    PathArg { dirfd: Some(dirfd), path, last }
}

const FAMILIES: &[&[Filler]] =
    &[file::FILLERS, process::FILLERS, network::FILLERS, memory::FILLERS, credentials::FILLERS, ipc::FILLERS];

/// Every filler of a call that has an event of its own.
pub fn all() -> impl Iterator<Item = &'static Filler> {
    FAMILIES.iter().flat_map(|family| family.iter())
}

/// The filler of every call without an event of its own.
pub static GENERIC: Filler =
    Filler::new(Hook::Return, EventType::GenericExit, &[], &[Source::CallCode, Source::NativeNumber, Source::Ret]);

static BY_NUMBER: [&Filler; NUMBERS] = {
    let mut table = [&GENERIC; NUMBERS];
    let mut family = 0;
    while family < FAMILIES.len() {
        let mut row = 0;
        while row < FAMILIES[family].len() {
            let filler = &FAMILIES[family][row];
            let mut i = 0;
            while i < filler.calls.len() {
                let at = filler.calls[i] as usize;
                assert!(matches!(table[at].event, EventType::GenericExit), "one filler for each call");
                table[at] = filler;
                i += 1;
            }
            row += 1;
        }
        family += 1;
    }
    table
};

/// Returns the filler for a call by its number, the generic one for a number without.
#[must_use]
pub fn filler_for(nr: u32) -> &'static Filler {
    BY_NUMBER.get(nr as usize).copied().unwrap_or(&GENERIC)
}

/// Returns the filler for the child that `nr` made, or `None` for a call that makes no task.
#[must_use]
pub fn child_filler_for(nr: u32) -> Option<&'static Filler> {
    Some(match nr {
        nr::CLONE => &CLONE_CHILD,
        nr::CLONE3 => &CLONE3_CHILD,
        nr::FORK => &FORK_CHILD,
        nr::VFORK => &VFORK_CHILD,
        _ => return None,
    })
}

/// Returns the filler for the maker's half of the call `nr` when the new task exists: what only the call tells, with
/// the new task as the result. `None` for a call that makes no task.
#[must_use]
pub fn maker_filler_for(nr: u32) -> Option<&'static Filler> {
    Some(match nr {
        nr::CLONE => &CLONE_MAKER,
        nr::CLONE3 => &CLONE3_MAKER,
        nr::FORK => &FORK_MAKER,
        nr::VFORK => &VFORK_MAKER,
        _ => return None,
    })
}

/// Returns number and name of every call that becomes the generic event.
pub fn generic_only() -> impl Iterator<Item = (u32, &'static str)> {
    syscalls::all().filter(|(nr, ..)| filler_for(*nr).event == EventType::GenericExit).map(|(nr, name, _)| (nr, name))
}
