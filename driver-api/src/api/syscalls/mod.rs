// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Numbers and names of system calls in all three ABIs of x86-64.
//!
//! Everything behind the probe speaks of one number per call: that of x86-64, or [`ONLY_32`] plus the i386 number for the
//! calls that only 32-bit programs have. [`decode`] turns what the caller gave into it, before any table or mask:
//!
//! ```text
//! 64-bit openat 257 -> 257     x32 bit + 257 -> 257     x32 bit + 520 (execve) -> 59
//! 32-bit openat 295 -> 257     32-bit mmap2 192 -> 512 + 192
//! ```
//! Captures number calls a third way, independent of the machine: see [`code`].

mod table;

use super::event::EventType;
use super::probe::Call;
use super::record::Origin;

pub use table::nr;

/// First number of the calls that only the 32-bit ABI has.
pub const ONLY_32: u32 = 512;
/// One more than the largest number.
pub const NUMBERS: usize = 1024;
/// The bit that marks a call of the x32 ABI.
pub const X32_BIT: u32 = 1 << 30;

const _: () = {
    let mut i = 1;
    while i < table::CALLS.len() {
        assert!(table::CALLS[i - 1].0 < table::CALLS[i].0, "the calls are sorted by number, each there once");
        assert!((table::CALLS[i].0 as usize) < NUMBERS);
        i += 1;
    }
};

/// Returns the number of the call that the caller knows as `native`, or [`Call::UNKNOWN`].
///
/// `origin` says in which ABI it was made; an x32 number may still carry its bit.
#[must_use]
pub fn decode(native: u32, origin: Origin) -> u32 {
    let known = match origin {
        Origin::Ia32 => table::I386.get(native as usize).copied().unwrap_or(table::NONE),
        Origin::X32 => return decode_x32(native & !X32_BIT),
        _ => return if row(native).is_some() && native < ONLY_32 { native } else { Call::UNKNOWN },
    };
    if known == table::NONE {
        Call::UNKNOWN
    } else {
        u32::from(known)
    }
}

fn decode_x32(native: u32) -> u32 {
    match native.checked_sub(ONLY_32) {
        None => decode(native, Origin::Syscall),
        Some(index) => table::X32.get(index as usize).map_or(Call::UNKNOWN, |nr| u32::from(*nr)),
    }
}

fn row(nr: u32) -> Option<&'static (u16, &'static str, u16)> {
    let nr = u16::try_from(nr).ok()?;
    let at = table::CALLS.binary_search_by_key(&nr, |(nr, ..)| *nr).ok()?;
    table::CALLS.get(at)
}

/// Returns the kernel's name of a call, such as `pread64` for 17.
#[must_use]
pub fn name(nr: u32) -> Option<&'static str> {
    row(nr).map(|(_, name, _)| *name)
}

/// Returns the number of the call with this name.
#[must_use]
pub fn by_name(name: &str) -> Option<u32> {
    table::CALLS.iter().find(|(_, known, _)| *known == name).map(|(nr, ..)| u32::from(*nr))
}

/// Returns the code of a call that is the same on every machine, as generic events and `.scap` files carry it; 0
/// where there is none.
#[must_use]
pub fn code(nr: u32) -> u16 {
    CODES.get(nr as usize).copied().unwrap_or(0)
}

/// The portable codes, by number.
static CODES: [u16; NUMBERS] = {
    let mut codes = [0; NUMBERS];
    let mut i = 0;
    while i < table::CALLS.len() {
        codes[table::CALLS[i].0 as usize] = table::CALLS[i].2;
        i += 1;
    }
    codes
};

/// Returns the name of the call with this portable code.
#[must_use]
pub fn name_of_code(code: u16) -> Option<&'static str> {
    if code == 0 {
        return None;
    }
    let call = table::CALLS.iter().find(|(.., known)| *known == code).map(|(_, name, _)| *name);
    call.or_else(|| table::OTHER_CODES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name))
}

/// Returns the number, name and portable code (0 for none) of every call, by number.
pub fn all() -> impl Iterator<Item = (u32, &'static str, u16)> {
    table::CALLS.iter().map(|(nr, name, code)| (u32::from(*nr), *name, *code))
}

/// Returns every name that `evt.type` may have, events first; names of events that are also calls come twice.
pub fn event_names() -> impl Iterator<Item = &'static str> {
    let events = EventType::ALL.iter().map(|event| event.name());
    let elsewhere = table::OTHER_CODES.iter().map(|(_, name)| *name);
    events.chain(all().map(|(_, name, _)| name)).chain(elsewhere)
}

/// Returns whether `evt.type` may have this name.
#[must_use]
pub fn is_event_name(name: &str) -> bool {
    event_names().any(|known| known == name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn each_abi_reaches_the_same_call() {
        assert_eq!(decode(257, Origin::Syscall), nr::OPENAT);
        assert_eq!(decode(295, Origin::Ia32), nr::OPENAT);
        assert_eq!(decode(X32_BIT | 257, Origin::X32), nr::OPENAT);
        assert_eq!(decode(X32_BIT | 520, Origin::X32), nr::EXECVE);
        assert_eq!(decode(547, Origin::X32), nr::PWRITEV2);
        assert_eq!(decode(11, Origin::Ia32), nr::EXECVE);
        assert_eq!(decode(192, Origin::Ia32), nr::MMAP2);
        assert_eq!(decode(414, Origin::Ia32), nr::PPOLL, "a call that differs in the width of time alone");
        assert_eq!(decode(212, Origin::Ia32), nr::CHOWN, "a call that differs in the width of ids alone");
    }

    #[test]
    fn numbers_that_no_call_has_are_unknown() {
        for (native, origin) in [
            (400, Origin::Syscall),
            (nr::MMAP2, Origin::Syscall),
            (u32::MAX, Origin::Syscall),
            (222, Origin::Ia32),
            (u32::MAX, Origin::Ia32),
            (548, Origin::X32),
            (u32::MAX, Origin::X32),
        ] {
            assert_eq!(decode(native, origin), Call::UNKNOWN, "{native} {origin:?}");
        }
    }

    #[test]
    fn names_and_numbers_agree() {
        for (nr, call, code) in all() {
            assert_eq!((name(nr), by_name(call)), (Some(call), Some(nr)));
            if code != 0 {
                assert_eq!(name_of_code(code), Some(call));
            }
        }
        assert_eq!((name(nr::PREAD64), name(nr::LLSEEK), name(9999)), (Some("pread64"), Some("_llseek"), None));
        assert_eq!((code(nr::WAIT4), code(nr::CLOCK_NANOSLEEP)), (69, 178));
        assert_eq!((name_of_code(402), name_of_code(0)), (Some("s390_pci_mmio_read"), None));
    }

    #[test]
    fn rules_may_name_events_and_calls() {
        for name in ["openat", "pread", "pread64", "procexit", "syscall", "wait4", "getpid"] {
            assert!(is_event_name(name), "{name}");
        }
        assert!(!is_event_name("opnat") && !is_event_name(""));
    }
}
