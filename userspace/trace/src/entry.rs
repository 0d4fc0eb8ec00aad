// SPDX-License-Identifier: Apache-2.0

//! What has to be looked at when a call begins, because it is gone or may be another when the call returns.
//!
//! Most calls need nothing: then their start costs no more than the stop. Texts that the kernel reads from the
//! caller's memory are kept, so that a change by another thread during the call shows. Whether an open made its file is
//! told by whether the file was there before; only calls whose flags may make one are looked at.

use crate::memory;
use crate::paths::{PathReader, RealPath, RealPathState};
use crate::proc::Proc;
use saker_driver_api::fillers::{self, EXEC, EXECVEAT, Filler, PathArg, Source};
use saker_driver_api::probe::{Call, Fact, FactSet};
use saker_driver_api::syscalls::{NUMBERS, nr};

/// Longest text taken, in bytes.
const TEXT_BYTES: usize = 4096;
pub(crate) const O_CREAT: u32 = 0o100;
const O_EXCL: u64 = 0o200;
const RESOLVE_IN_ROOT: u64 = 0x10;
/// The paths of a call, in order.
pub(crate) const AT_ENTRY: [Fact; 2] = [Fact::RealPath, Fact::RealPath2];

/// What is kept of a call from its start to its return.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    pub(crate) real: [RealPath; 2],
    texts: [(u8, Vec<u8>); 2],
    texts_used: usize,
    pub(crate) new_file: NewFile,
}

/// Whether an open call makes its file, if it succeeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum NewFile {
    #[default]
    No,
    Yes,
    /// It depends on what was there, and that could not be seen.
    Unknown,
}

impl Entry {
    /// Forgets the call before; the buffers stay.
    pub(crate) fn begin(&mut self) {
        self.texts_used = 0;
        self.new_file = NewFile::No;
        self.real.iter_mut().for_each(|real| real.state = RealPathState::None);
    }

    /// Returns the text behind argument `arg` as it was, where it was looked at.
    pub(crate) fn text(&self, arg: u8) -> Option<&[u8]> {
        let used = self.texts.get(..self.texts_used)?;
        used.iter().find(|(of, _)| *of == arg).map(|(_, text)| text.as_slice())
    }

    fn keep_text(&mut self, arg: u8, text: &[u8]) {
        if let Some((of, into)) = self.texts.get_mut(self.texts_used) {
            *of = arg;
            into.clear();
            into.extend_from_slice(text);
            self.texts_used += 1;
        }
    }
}

/// Where the flags of a call are that may make a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum OpenFlags {
    /// It makes none.
    #[default]
    None,
    /// They stand fixed in the call: creat(2).
    Fixed,
    /// In an argument.
    Arg(u8),
    /// In the `struct open_how` behind an argument.
    How(u8),
}

/// What has to be looked at when a call begins.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EntryPlan {
    paths: &'static [PathArg],
    wanted: FactSet,
    text: Option<u8>,
    open: OpenFlags,
}

impl EntryPlan {
    pub(crate) fn of(filler: &'static Filler) -> Self {
        let text = filler.sources.iter().find_map(|source| match source {
            Source::EntryText(arg) => Some(*arg),
            _ => None,
        });
        let open = filler.sources.iter().find_map(|source| match source {
            Source::WithNew(Source::Flags(arg)) => Some(OpenFlags::Arg(*arg)),
            Source::WithNew(Source::UserFlags(arg, ..)) => Some(OpenFlags::How(*arg)),
            Source::WithNew(_) => Some(OpenFlags::Fixed),
            _ => None,
        });
        Self { paths: filler.paths, wanted: filler.wants(false).at_entry(), text, open: open.unwrap_or_default() }
    }

    /// Returns the plan of every call, by number.
    pub(crate) fn table() -> Vec<Self> {
        let number = |nr| u32::try_from(nr).unwrap_or(Call::UNKNOWN);
        (0..NUMBERS)
            .map(|nr| match number(nr) {
                nr::EXECVE => Self::of(&EXEC),
                nr::EXECVEAT => Self::of(&EXECVEAT),
                nr => Self::of(fillers::filler_for(nr)),
            })
            .collect()
    }

    /// Returns whether there is something to look at; `creates` is whether open flags in an argument say that a file may
    /// be made.
    pub(crate) fn looks(&self, creates: bool) -> bool {
        let opens = match self.open {
            OpenFlags::None => false,
            OpenFlags::Arg(_) => creates,
            OpenFlags::Fixed | OpenFlags::How(_) => true,
        };
        opens || !self.wanted.is_empty() || self.text.is_some()
    }

    /// Returns the argument with the open flags.
    pub(crate) fn flags_arg(&self) -> Option<u8> {
        match self.open {
            OpenFlags::Arg(arg) => Some(arg),
            _ => None,
        }
    }

    /// Returns whether open flags in an argument say that a file may be made.
    pub(crate) fn creates(&self, call: &Call) -> bool {
        self.flags_arg().is_some_and(|arg| call.arg(arg) & u64::from(O_CREAT) != 0)
    }
}

/// Looks at calls that begin.
#[derive(Debug)]
pub(crate) struct EntryReader {
    paths: PathReader,
    text: Box<[u8; TEXT_BYTES]>,
}

impl EntryReader {
    pub(crate) fn new(proc: &mut Proc) -> Self {
        Self { paths: PathReader::new(proc), text: Box::new([0; TEXT_BYTES]) }
    }

    /// Looks at a call of the thread and process `who` that begins.
    pub(crate) fn look(&mut self, proc: &mut Proc, who: (u32, u32), call: &Call, plan: &EntryPlan, entry: &mut Entry) {
        entry.begin();
        for ((arg, fact), at) in plan.paths.iter().zip(AT_ENTRY).zip(0..) {
            let (opens, resolves) = (at == 0 && plan.open != OpenFlags::None, plan.wanted.has(fact));
            if call.arg(arg.path) == 0 || !(opens || resolves) {
                continue;
            }
            let text = copy_text(&mut self.text, who.0, call.arg(arg.path));
            if let Some(text) = text {
                entry.keep_text(arg.path, text);
            }
            match (entry.real.get_mut(at).filter(|_| resolves), text) {
                (None, _) => {}
                (Some(real), Some(text)) => self.paths.resolve(proc, who, (call, arg), text, real),
                (Some(real), None) => real.state = RealPathState::Unreadable,
            }
            if opens {
                entry.new_file = self.paths.new_file(proc, who, (call, arg), plan.open, text);
            }
        }
        if let Some((arg, text)) =
            plan.text.and_then(|arg| Some((arg, copy_text(&mut self.text, who.0, call.arg(arg))?)))
        {
            entry.keep_text(arg, text);
        }
    }
}

fn copy_text(into: &mut [u8; TEXT_BYTES], tid: u32, at: u64) -> Option<&[u8]> {
    let len = memory::copy_text(tid, at, &mut into[..]).ok()?;
    into.get(..len)
}

impl PathReader {
    /// Returns whether an open of the path `text` will make the file.
    fn new_file(
        &self,
        proc: &mut Proc,
        who: (u32, u32),
        (call, arg): (&Call, &PathArg),
        open: OpenFlags,
        text: Option<&[u8]>,
    ) -> NewFile {
        let (flags, resolve) = match open {
            OpenFlags::None => (0, 0),
            OpenFlags::Fixed => (u64::from(O_CREAT), 0),
            OpenFlags::Arg(arg) => (call.arg(arg), 0),
            OpenFlags::How(arg) => match how(who.0, call.arg(arg)) {
                Some(how) => how,
                None => return NewFile::Unknown,
            },
        };
        if flags & u64::from(O_CREAT) == 0 {
            return NewFile::No;
        }
        if flags & O_EXCL != 0 {
            return NewFile::Yes;
        }
        // The walk of such a call ends at the directory it starts in, which ours does not.
        let Some(text) = text.filter(|_| resolve & RESOLVE_IN_ROOT == 0) else { return NewFile::Unknown };
        match self.exists(proc, who, (call, arg), text) {
            Some(true) => NewFile::No,
            Some(false) => NewFile::Yes,
            None => NewFile::Unknown,
        }
    }
}

/// Reads flags and `RESOLVE_*` bits of a `struct open_how`.
fn how(tid: u32, at: u64) -> Option<(u64, u64)> {
    let how: [u8; 24] = memory::array(tid, at)?;
    Some((u64::from_ne_bytes(*how.first_chunk()?), u64::from_ne_bytes(*how.last_chunk()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_that_may_make_a_file_are_looked_at() {
        let plan = |nr| EntryPlan::of(fillers::filler_for(nr));
        let call = |flags| Call { args: [0, 0, flags, 0, 0, 0], ..crate::context::NO_CALL };
        assert_eq!((plan(nr::OPEN).flags_arg(), plan(nr::OPENAT).flags_arg()), (Some(1), Some(2)));
        assert!(!plan(nr::OPENAT).looks(false) && plan(nr::OPENAT).looks(true));
        assert!(plan(nr::OPENAT).creates(&call(u64::from(O_CREAT) | 1)) && !plan(nr::OPENAT).creates(&call(2)));
        assert!(plan(nr::CREAT).looks(false) && plan(nr::OPENAT2).looks(false), "without looking nobody knows");
        assert!(plan(nr::UNLINK).looks(false) && !plan(nr::CLOSE).looks(false) && !plan(nr::READ).looks(true));
    }
}
