//! Compiled rules, immutable, with the index from event type to rules.

use saker_driver_api::event::{EventType, Phase};
use saker_filter::{FieldArg, FieldId, FieldSource, Filter, TypeSet, Verdict};

use crate::format::Formatter;
use crate::interest::{Interest, KnownEvents};
use crate::loader::{Place, Pos};
use crate::priority::Priority;

/// Number of a rule in its [`Ruleset`], in the order of first definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct RuleId(u32);

impl RuleId {
    /// The one place where a rule number can overflow.
    #[must_use]
    pub fn new(index: usize) -> Option<Self> {
        u32::try_from(index).ok().map(Self)
    }

    /// Position in [`Ruleset::rules`].
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What happens once a rule has matched an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matching {
    /// The other rules are tried too.
    #[default]
    All,
    /// The event is done.
    First,
}

/// A compiled rule.
#[derive(Debug)]
pub struct Rule {
    pub(crate) name: String,
    pub(crate) desc: String,
    pub(crate) priority: Priority,
    pub(crate) tags: Vec<String>,
    pub(crate) enabled: bool,
    pub(crate) condition: String,
    pub(crate) filter: Filter,
    pub(crate) types: TypeSet,
    pub(crate) output: String,
    pub(crate) formatter: Formatter,
    pub(crate) capture: Option<u64>,
    pub(crate) place: Place,
}

impl Rule {
    /// Unique name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it detects, in the author's words.
    #[must_use]
    pub fn desc(&self) -> &str {
        &self.desc
    }

    /// How bad a match is.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// Tags in alphabetical order.
    #[must_use]
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// Where its events come from.
    #[must_use]
    pub fn source(&self) -> &'static str {
        crate::SOURCE
    }

    /// Whether it is evaluated.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// The condition as written, appends and exceptions included, lists and macros by name.
    #[must_use]
    pub fn condition(&self) -> &str {
        &self.condition
    }

    /// The output as written, without added fields.
    #[must_use]
    pub fn output(&self) -> &str {
        &self.output
    }

    /// The compiled condition.
    #[must_use]
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// The parsed output.
    #[must_use]
    pub fn formatter(&self) -> &Formatter {
        &self.formatter
    }

    /// The event types it can match.
    #[must_use]
    pub fn event_types(&self) -> &TypeSet {
        &self.types
    }

    /// For how many milliseconds a match asks to record events; `None` if it does not.
    #[must_use]
    pub fn capture_ms(&self) -> Option<u64> {
        self.capture
    }

    /// Name of the file with the definition.
    #[must_use]
    pub fn file(&self) -> &str {
        self.place.file().name()
    }

    /// File and position of the definition. Reads the file's text again: for listings, not per event.
    #[must_use]
    pub fn position(&self) -> (String, Pos) {
        (self.file().to_owned(), self.place.pos())
    }
}

/// Rules by the type of event they can match, each list in the order of definition.
#[derive(Debug, Default)]
pub struct EventTypeIndex {
    /// By event number; numbers without rules may be missing at the end.
    lists: Vec<Box<[RuleId]>>,
}

impl EventTypeIndex {
    fn new(rules: &[Rule]) -> Self {
        let last = EventType::ALL.iter().map(|event| *event as usize).max().unwrap_or(0);
        let mut lists: Vec<Vec<RuleId>> = vec![Vec::new(); last + 1];
        // Rules see what happened, not what is about to: starts of calls are left out.
        let seen = |event: &&EventType| !event.is_meta() && event.info().phase != Phase::Enter;
        for event in EventType::ALL.iter().filter(seen) {
            let ids = rules.iter().enumerate().filter(|(_, rule)| rule.enabled && can_match(&rule.types, *event));
            if let Some(list) = lists.get_mut(*event as usize) {
                list.extend(ids.filter_map(|(at, _)| RuleId::new(at)));
            }
        }
        Self { lists: lists.into_iter().map(Vec::into_boxed_slice).collect() }
    }

    /// The enabled rules that can match events of this type.
    #[must_use]
    pub fn rules(&self, event: EventType) -> &[RuleId] {
        self.lists.get(event as usize).map_or(&[], AsRef::as_ref)
    }
}

fn can_match(types: &TypeSet, event: EventType) -> bool {
    match (event, types) {
        // It stands for every call without an event of its own, so a name no event has means this one.
        (EventType::GenericExit, TypeSet::Only(names)) => {
            names.iter().any(|name| !EventType::ALL.iter().any(|event| event.name().as_bytes() == &**name))
        }
        (EventType::GenericExit, TypeSet::Except(_)) => true,
        _ => types.contains(event.name()),
    }
}

/// All rules of a load, compiled.
#[derive(Debug)]
pub struct Ruleset {
    rules: Vec<Rule>,
    index: EventTypeIndex,
    matching: Matching,
}

impl Ruleset {
    pub(crate) fn new(rules: Vec<Rule>, matching: Matching) -> Self {
        let index = EventTypeIndex::new(&rules);
        Self { rules, index, matching }
    }

    /// A set without rules: state is kept, nothing alerts.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(Vec::new(), Matching::All)
    }

    /// All rules in the order of first definition, disabled ones too.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// A rule by number.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.rules.get(id.index())
    }

    /// A rule by name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == name)
    }

    /// The index from event type to rules.
    #[must_use]
    pub fn index(&self) -> &EventTypeIndex {
        &self.index
    }

    /// What must be captured for the enabled rules and for state.
    #[must_use]
    pub fn interest(&self) -> Interest {
        let mut interest = Interest::state();
        for rule in self.rules.iter().filter(|rule| rule.enabled) {
            interest.add(&rule.types);
        }
        interest
    }

    /// What must be captured even where it failed: state needs no failures, but rules may match them.
    #[must_use]
    pub fn interest_in_failures(&self) -> Interest {
        let mut interest = Interest::default();
        for rule in self.rules.iter().filter(|rule| rule.enabled) {
            interest.add(&rule.types);
        }
        interest
    }

    /// Whether an enabled rule reads one of `own`, or one of `params` of an event among `events`: in its condition or
    /// in its output.
    #[must_use]
    pub fn reads(&self, own: &[FieldId], events: &[EventType], params: &[&str]) -> bool {
        self.rules.iter().filter(|rule| rule.enabled).any(|rule| {
            let sees_params = events.iter().any(|event| can_match(&rule.types, *event));
            let fields = rule.filter.fields().into_iter().chain(rule.formatter.fields());
            fields.into_iter().any(|field| match (field.id, &field.arg) {
                (FieldId::EvtArg | FieldId::EvtRawarg, FieldArg::Key(name)) => sees_params && params.contains(&&**name),
                (FieldId::EvtArgs | FieldId::EvtInfo | FieldId::EvtArg | FieldId::EvtRawarg, _) => sees_params,
                (id, _) => own.contains(&id),
            })
        })
    }

    /// Evaluates the rules for an event's type; calls `hit` for each that matches, in order.
    pub fn evaluate<S: FieldSource + ?Sized>(&self, event: EventType, source: &S, mut hit: impl FnMut(RuleId)) {
        for id in self.index.rules(event) {
            let Some(rule) = self.rule(*id) else { continue };
            if rule.filter.eval(source) == Verdict::True {
                hit(*id);
                if self.matching == Matching::First {
                    return;
                }
            }
        }
    }
}

/// Compiles a condition on its own, as the command line takes them: no macros, no lists.
///
/// # Errors
/// If the condition does not parse or names what does not exist.
pub fn compile_condition(text: &str) -> Result<Filter, saker_filter::ConditionError> {
    let expr = saker_filter::parse(text, &saker_filter::Limits::default())?;
    Filter::compile(&expr, &KnownEvents)
}
