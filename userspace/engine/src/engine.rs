//! Records in, alerts out: decode, state before, rules, state after. Live detection and replay share it wholly.

use std::sync::Arc;

use saker_driver_api::event::{EventType, Phase};
use saker_driver_api::record::RawEvent;
use saker_event::{Decoded, Event};
use saker_state::{Budget, State};

use crate::alert::Alert;
use crate::extract::{EventView, Times};
use crate::ruleset::{RuleId, Ruleset};

/// Counts of what went through an engine; they only grow. `records = events + meta + unknown`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    /// Records fed.
    pub records: u64,
    /// Records that rules could see.
    pub events: u64,
    /// Records that only inform the tables.
    pub meta: u64,
    /// Records of kinds this version does not know; skipped.
    pub unknown: u64,
    /// Rule evaluations that matched.
    pub matches: u64,
    by_kind: Vec<u64>,
    by_rule: Vec<u64>,
}

impl EngineStats {
    /// How many records of each kind came, kinds without any left out.
    pub fn kinds(&self) -> impl Iterator<Item = (EventType, u64)> {
        let count = |kind: &EventType| self.by_kind.get(*kind as usize).copied().unwrap_or(0);
        EventType::ALL.iter().map(move |kind| (*kind, count(kind))).filter(|(_, count)| *count > 0)
    }

    /// How often a rule matched.
    #[must_use]
    pub fn rule_matches(&self, rule: RuleId) -> u64 {
        self.by_rule.get(rule.index()).copied().unwrap_or(0)
    }
}

/// Rules, state and counts.
pub struct Engine {
    ruleset: Arc<Ruleset>,
    state: State,
    times: Option<Times>,
    num: u64,
    stats: EngineStats,
}

impl Engine {
    /// Starts with an empty state.
    #[must_use]
    pub fn new(ruleset: impl Into<Arc<Ruleset>>, budget: Budget) -> Self {
        let ruleset = ruleset.into();
        let last = EventType::ALL.iter().map(|kind| *kind as usize).max().unwrap_or(0);
        let by_rule = vec![0; ruleset.rules().len()];
        let stats = EngineStats { by_kind: vec![0; last + 1], by_rule, ..EngineStats::default() };
        Self { ruleset, state: State::new(budget), times: None, num: 0, stats }
    }

    /// Forgets everything but the counts: the next record is the first of another stream.
    pub fn start_stream(&mut self) {
        self.state = State::new(self.state.budget());
        self.times = None;
        self.num = 0;
    }

    /// The rules.
    #[must_use]
    pub fn ruleset(&self) -> &Ruleset {
        &self.ruleset
    }

    /// What is known of the host.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The counts so far.
    #[must_use]
    pub fn stats(&self) -> &EngineStats {
        &self.stats
    }

    /// Takes the next record of the stream and calls `alert` for each rule that matches it, in order.
    pub fn feed(&mut self, raw: RawEvent<'_>, mut alert: impl FnMut(Alert)) {
        self.step(raw, |ruleset, view, stats| {
            ruleset.evaluate(view.event().kind(), view, |id| {
                stats.matches += 1;
                stats.by_rule.get_mut(id.index()).into_iter().for_each(|count| *count += 1);
                if let Some(rule) = ruleset.rule(id) {
                    alert(Alert::new(rule, view));
                }
            });
        });
    }

    /// Takes the next record of the stream and lets `look` see it as rules would; no rule is evaluated.
    ///
    /// Answers `None` for records that rules do not see.
    pub fn view<R>(&mut self, raw: RawEvent<'_>, look: impl FnOnce(&EventView<'_>) -> R) -> Option<R> {
        self.step(raw, |_, view, _| look(view))
    }

    fn step<R>(
        &mut self,
        raw: RawEvent<'_>,
        look: impl FnOnce(&Ruleset, &EventView<'_>, &mut EngineStats) -> R,
    ) -> Option<R> {
        self.stats.records += 1;
        let Decoded::Event(event) = Event::decode(raw) else {
            self.stats.unknown += 1;
            return None;
        };
        self.stats.by_kind.get_mut(event.kind() as usize).into_iter().for_each(|count| *count += 1);
        if event.is_state_only() || event.info().phase == Phase::Enter {
            self.stats.meta += 1;
            self.state.apply(&event);
            return None;
        }
        self.stats.events += 1;
        self.num += 1;
        let now = event.ts_ns();
        let times = self.times.unwrap_or(Times { first_ns: now, previous_ns: now });
        let context = self.state.before(&event);
        let view = EventView::new(event, &self.state, &context, self.num, times);
        let out = look(&self.ruleset, &view, &mut self.stats);
        self.state.after(&event, context);
        self.times = Some(Times { previous_ns: now, ..times });
        Some(out)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("rules", &self.ruleset.rules().len()).field("stats", &self.stats).finish()
    }
}
