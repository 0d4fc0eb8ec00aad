// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Which system calls are wanted: the first and cheapest filter, in a seccomp program as in the module.
//!
//! One bit per number as [`decode`] gives it. Example: rules that name `openat` and nothing else want
//! 64-bit call 257, x32 call `1 << 30 | 257` and 32-bit call 295.

use super::capture::{ipc_calls, socket_calls};
use super::event::EventType;
use super::fillers::filler_for;
use super::record::Origin;
use super::syscalls::{self, decode, nr, NUMBERS, X32_BIT};
use zerocopy_derive::{FromBytes, Immutable, IntoBytes, KnownLayout};

const WORDS: usize = NUMBERS / 64;
/// One more than the largest number a 64-bit or 32-bit program can use, and the same behind the bit of x32.
const NATIVE_NUMBERS: u32 = 1024;

/// A set of system calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct InterestMask {
    words: [u64; WORDS],
}

impl Default for InterestMask {
    fn default() -> Self {
        Self::NONE
    }
}

impl InterestMask {
    /// No call.
    pub const NONE: Self = Self { words: [0; WORDS] };
    /// Every call, unknown ones too.
    pub const ALL: Self = Self { words: [u64::MAX; WORDS] };

    /// Returns the bits, 64 calls each, lowest first.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Returns whether the call with this number is wanted; unknown numbers are wanted with everything only.
    #[must_use]
    pub fn has(&self, nr: u32) -> bool {
        match self.words.get(nr as usize / 64) {
            Some(word) => word & (1 << (nr % 64)) != 0,
            None => *self == Self::ALL,
        }
    }

    /// Wants the call with this number.
    pub fn insert(&mut self, nr: u32) {
        if let Some(word) = self.words.get_mut(nr as usize / 64) {
            *word |= 1 << (nr % 64);
        }
    }

    /// Wants every call that becomes `event`; for an event that no call becomes it changes nothing.
    pub fn insert_event(&mut self, event: EventType) {
        for (nr, ..) in syscalls::all().filter(|(nr, ..)| filler_for(*nr).event == event) {
            self.insert(nr);
        }
    }

    /// Wants what `evt.type` calls `name`: events of that name, or a system call. Returns whether there is any.
    pub fn insert_name(&mut self, name: &str) -> bool {
        let mut known = false;
        for event in EventType::ALL.iter().filter(|event| event.name() == name) {
            self.insert_event(*event);
            known = true;
        }
        if let Some(nr) = syscalls::by_name(name) {
            self.insert(nr);
            known = true;
        }
        known
    }

    /// Wants what either of two sets wants.
    pub fn extend(&mut self, other: &Self) {
        for (word, more) in self.words.iter_mut().zip(other.words) {
            *word |= more;
        }
    }

    /// Returns the numbers of the wanted calls.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        (0..NATIVE_NUMBERS).filter(|nr| self.has(*nr))
    }

    /// Returns the numbers under which programs of one ABI make the wanted calls; those of x32 have their bit.
    ///
    /// A 32-bit call that stands for others is among them as soon as one of those is wanted.
    pub fn natives(&self, origin: Origin) -> impl Iterator<Item = u32> + '_ {
        let bit = if origin == Origin::X32 { X32_BIT } else { 0 };
        (0..NATIVE_NUMBERS).map(move |native| native | bit).filter(move |native| self.has_native(*native, origin))
    }

    fn has_native(&self, native: u32, origin: Origin) -> bool {
        let nr = decode(native, origin);
        self.has(nr)
            || match nr {
                nr::SOCKETCALL => socket_calls().any(|nr| self.has(nr)),
                nr::IPC => ipc_calls().any(|nr| self.has(nr)),
                _ => false,
            }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    fn natives(mask: &InterestMask, origin: Origin) -> Vec<u32> {
        mask.natives(origin).collect()
    }

    #[test]
    fn one_name_is_one_call_in_each_abi() {
        let mut mask = InterestMask::NONE;
        assert!(mask.insert_name("openat"));
        assert!(mask.has(nr::OPENAT) && !mask.has(nr::OPEN));
        assert_eq!(natives(&mask, Origin::Syscall), [257]);
        assert_eq!(natives(&mask, Origin::Ia32), [295]);
        assert_eq!(natives(&mask, Origin::X32), [X32_BIT | 257]);
    }

    #[test]
    fn an_event_is_all_calls_that_become_it() {
        let mut mask = InterestMask::NONE;
        assert!(mask.insert_name("setuid"));
        assert_eq!(mask.numbers().collect::<Vec<_>>(), [nr::SETUID, nr::SETUID32]);
        assert_eq!(natives(&mask, Origin::Ia32), [23, 213]);
        mask = InterestMask::NONE;
        mask.insert_event(EventType::GenericExit);
        assert!(mask.has(nr::GETPID) && !mask.has(nr::READ));
    }

    #[test]
    fn calls_that_stand_for_others_are_wanted_with_them() {
        let mut mask = InterestMask::NONE;
        mask.insert(nr::CONNECT);
        assert_eq!(natives(&mask, Origin::Ia32), [102, 362]);
        mask.insert(nr::SEMOP);
        assert_eq!(natives(&mask, Origin::Ia32), [102, 117, 362], "32-bit semop has no other number");
    }

    #[test]
    fn unknown_names_and_numbers_change_nothing() {
        let mut mask = InterestMask::default();
        assert!(!mask.insert_name("opnat"));
        mask.insert(u32::MAX);
        assert_eq!(mask, InterestMask::NONE);
        assert!(!mask.has(u32::MAX) && InterestMask::ALL.has(u32::MAX));
        assert!(mask.insert_name("procexit"), "an event that is no call");
        assert_eq!(mask, InterestMask::NONE);
        mask.extend(&InterestMask::ALL);
        assert_eq!(mask, InterestMask::ALL);
    }
}
