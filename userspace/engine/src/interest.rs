//! Which events must be captured: those a rule can match and those the state tables need.
//!
//! Sources turn this into a seccomp filter or an interest bitmap; what is in neither set never reaches a ring.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use saker_driver_api::event::{Effect, EventInfo, EventType, Phase};
use saker_driver_api::syscalls;
use saker_filter::{EventNames, TypeSet};

/// Names of what becomes an event of its own, in alphabetical order.
static EVENT_NAMES: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| EventType::ALL.iter().filter(|event| !event.is_meta()).map(|event| event.name()).collect());

static NAMES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| syscalls::event_names().collect());

/// The names conditions may compare `evt.type` with.
#[derive(Clone, Copy, Debug, Default)]
pub struct KnownEvents;

impl EventNames for KnownEvents {
    fn is_known(&self, name: &str) -> bool {
        NAMES.contains(name)
    }
}

/// Names of events and system calls that must be captured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    names: BTreeSet<&'static str>,
}

impl Interest {
    /// Only what state needs.
    #[must_use]
    pub fn state() -> Self {
        let needed = EventType::ALL.iter().filter(|event| state_needs(event.info()));
        Self { names: needed.map(|event| event.name()).collect() }
    }

    /// Every event there is.
    #[must_use]
    pub fn everything() -> Self {
        Self { names: NAMES.clone() }
    }

    /// Adds the types of a condition.
    pub(crate) fn add(&mut self, types: &TypeSet) {
        self.names.extend(NAMES.iter().filter(|name| types.contains(name)));
    }

    /// Whether an event or system call of this name is wanted.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The wanted names in alphabetical order: of system calls and of other events alike.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.names.iter().copied()
    }
}

/// Whether the tables are wrong without this event, whatever the rules ask.
#[must_use]
pub fn state_needs(info: &EventInfo) -> bool {
    if !matches!(info.phase, Phase::Exit | Phase::Tracepoint) {
        return false;
    }
    const CHANGES: u16 = Effect::MODIFIES_STATE | Effect::CREATES_FD | Effect::DESTROYS_FD;
    // The table keeps the reference's effects, which leave these out although process groups and namespaces are state.
    info.effects & CHANGES != 0
        || matches!(info.event, EventType::SetpgidExit | EventType::SetnsExit | EventType::UnshareExit)
}

/// How many kinds of events a condition can match.
pub(crate) fn breadth(types: &TypeSet) -> usize {
    EVENT_NAMES.iter().filter(|name| types.contains(name)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_needs_what_changes_tables() {
        let state = Interest::state();
        for name in ["execve", "clone3", "openat", "close", "dup2", "setpgid", "procexit", "connect", "chdir", "setuid"]
        {
            assert!(state.contains(name), "{name}");
        }
        for name in ["read", "write", "unlink", "ptrace", "mmap", "task", "clock"] {
            assert!(!state.contains(name), "{name}");
        }
    }

    #[test]
    fn rules_add_their_types() {
        let mut interest = Interest::state();
        interest.add(&TypeSet::Only([Box::from(&b"unlink"[..]), Box::from(&b"getrandom"[..])].into()));
        assert!(interest.contains("unlink") && interest.contains("getrandom") && !interest.contains("rename"));
        interest.add(&TypeSet::all());
        assert_eq!(interest, Interest::everything());
    }

    #[test]
    fn names_of_events_and_generic_calls_are_known() {
        for name in ["openat", "getrandom", "procexit", "container", "asyncevent"] {
            assert!(KnownEvents.is_known(name), "{name}");
        }
        assert!(!KnownEvents.is_known("opnat") && !KnownEvents.is_known(""));
    }
}
