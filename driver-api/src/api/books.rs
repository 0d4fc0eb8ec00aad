// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! The books of a ring: what became of every event.
//!
//! ```text
//! per class   seen = committed + filtered + discarded + dropped(by reason)
//! per ring    records in the ring, ever = sum of committed + meta.committed
//! ```
//! Sums wrap: the kernel checks overflow, and no check may be able to fire in the probe.
//! Records that the ring's own keepers write (gaps, clock, host) are no events: they have a line of their own, so the
//! equation of the events stays exact.

use super::event::Class;
use zerocopy_derive::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Why an event is not in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DropReason {
    /// No room left for its class.
    RingFull = 0,
    /// Its process floods state events while the ring is over half full.
    Throttled = 1,
    /// It needs more bytes than a record may have.
    Oversize = 2,
    /// It happened inside the writing of another record on the same CPU.
    Reentrant = 3,
    /// What was written is no record: the length returned is not the one in its header.
    Malformed = 4,
}

impl DropReason {
    /// Every reason, in the order of the counters.
    pub const ALL: [Self; 5] = [Self::RingFull, Self::Throttled, Self::Oversize, Self::Reentrant, Self::Malformed];

    /// Returns the name that statistics print.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RingFull => "ring_full",
            Self::Throttled => "throttled",
            Self::Oversize => "oversize",
            Self::Reentrant => "reentrant",
            Self::Malformed => "malformed",
        }
    }
}

/// What became of the events of one class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct ClassBooks {
    /// Events that reached the producer; one that is written twice because of a page fault counts once.
    pub seen: u64,
    /// Events in the ring.
    pub committed: u64,
    /// Events that nobody wants.
    pub filtered: u64,
    /// Events given up by their writer after room was reserved.
    pub discarded: u64,
    /// Events lost, by [`DropReason`].
    pub dropped: [u64; DropReason::ALL.len()],
}

impl ClassBooks {
    /// Returns how many events were lost for `reason`.
    #[must_use]
    pub fn dropped_for(&self, reason: DropReason) -> u64 {
        self.dropped.get(reason as usize).copied().unwrap_or(0)
    }

    /// Returns how many events were lost.
    #[must_use]
    pub fn dropped_total(&self) -> u64 {
        self.dropped.iter().fold(0, |sum: u64, n| sum.wrapping_add(*n))
    }

    /// Returns whether every event seen is accounted for.
    #[must_use]
    pub fn balances(&self) -> bool {
        let rest = [self.filtered, self.discarded, self.dropped_total()];
        self.seen == rest.iter().fold(self.committed, |sum, n| sum.wrapping_add(*n))
    }

    fn add(&mut self, other: &Self) {
        add(&mut self.seen, other.seen);
        add(&mut self.committed, other.committed);
        add(&mut self.filtered, other.filtered);
        add(&mut self.discarded, other.discarded);
        for (sum, more) in self.dropped.iter_mut().zip(other.dropped) {
            add(sum, more);
        }
    }
}

/// Adds to a counter.
pub(super) fn add(counter: &mut u64, n: u64) {
    *counter = counter.wrapping_add(n);
}

/// Records about the stream itself: gaps, clock, host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MetaBooks {
    /// Records in the ring.
    pub committed: u64,
    /// Records that found no room; their writer was told and may try again.
    pub dropped: u64,
}

/// The books of one ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Books {
    /// Events, by [`Class`].
    pub classes: [ClassBooks; Class::ALL.len()],
    /// Records about the stream itself.
    pub meta: MetaBooks,
    /// Impossible tails that the consumer's page showed: ignored, but worth a look.
    pub bad_tails: u64,
}

impl Books {
    /// Returns the line of one class.
    #[must_use]
    pub fn class(&self, class: Class) -> &ClassBooks {
        let [ordinary, state, critical] = &self.classes;
        match class {
            Class::Ordinary => ordinary,
            Class::State => state,
            Class::Critical => critical,
        }
    }

    pub(super) fn class_mut(&mut self, class: Class) -> &mut ClassBooks {
        let [ordinary, state, critical] = &mut self.classes;
        match class {
            Class::Ordinary => ordinary,
            Class::State => state,
            Class::Critical => critical,
        }
    }

    /// Returns the sum over the classes.
    #[must_use]
    pub fn events(&self) -> ClassBooks {
        let mut sum = ClassBooks::default();
        self.classes.iter().for_each(|class| sum.add(class));
        sum
    }

    /// Returns how many records were ever put in the ring: a reader must find as many.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.events().committed.wrapping_add(self.meta.committed)
    }

    /// Returns whether every event seen is accounted for, in each class.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.classes.iter().all(ClassBooks::balances)
    }

    /// Adds the books of another ring.
    pub fn add(&mut self, other: &Self) {
        for (sum, more) in self.classes.iter_mut().zip(&other.classes) {
            sum.add(more);
        }
        add(&mut self.meta.committed, other.meta.committed);
        add(&mut self.meta.dropped, other.meta.dropped);
        add(&mut self.bad_tails, other.bad_tails);
    }
}
