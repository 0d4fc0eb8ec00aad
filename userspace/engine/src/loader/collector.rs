//! Second stage: items of all files to one set of lists, macros and rules, with redefinitions, appends and overrides
//! applied. Nothing is looked up by name in conditions yet.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::error::{LoadError, LoadWarning, Report, WarningCode};
use super::exceptions::{self, Exception};
use super::item::{Action, Item, ListItem, Located, MacroItem, PluginVersion, RuleItem};
use super::source::{Place, Text, shortened};
use crate::SOURCE;
use crate::priority::Priority;

/// The engine version whose rule files are understood, as `(major, minor)`.
const ENGINE_VERSION: (u64, u64) = (0, 63);

/// Plugins whose fields are built in.
const BUILT_IN_PLUGINS: &[&str] = &["container"];
/// Most lists, macros and rules together.
const MAX_ITEMS: usize = 200_000;

/// Everything the files define, each kind in the order of first definition.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    pub(crate) lists: Vec<List>,
    pub(crate) macros: Vec<Macro>,
    pub(crate) rules: Vec<Rule>,
}

#[derive(Debug)]
pub(crate) struct List {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) items: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Macro {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) condition: Text,
    /// Counts macros; a macro sees those first defined before its own last definition.
    pub(crate) first_defined: usize,
    pub(crate) last_defined: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) condition: Text,
    pub(crate) output: Text,
    pub(crate) desc: String,
    pub(crate) priority: Priority,
    pub(crate) enabled: bool,
    pub(crate) tags: BTreeSet<String>,
    pub(crate) exceptions: Vec<Exception>,
    pub(crate) warn_evttypes: bool,
    pub(crate) skip_if_unknown_filter: bool,
    pub(crate) capture: bool,
    pub(crate) capture_duration_ms: u64,
}

/// Collects item after item.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    collected: Collected,
    lists: HashMap<String, usize>,
    macros: HashMap<String, usize>,
    rules: HashMap<String, usize>,
    /// Rules left out: with a mistake or another source. What changes them is left out silently.
    skipped: HashSet<String>,
    macro_count: usize,
    full: bool,
}

impl Collector {
    pub(crate) fn add(&mut self, item: Item, report: &mut Report) {
        let outcome = match item {
            Item::EngineVersion(version) => engine_version(&version),
            Item::PluginVersions(versions) => {
                plugin_versions(&versions, report);
                Ok(())
            }
            Item::List(item) => self.list(item),
            Item::Macro(item) => self.condition_macro(item),
            Item::Rule(item) => self.rule(*item, report),
        };
        if let Err(error) = outcome {
            report.error(|| error);
        }
    }

    pub(crate) fn finish(self) -> Collected {
        self.collected
    }

    fn room(&mut self, place: &Place, item: &str) -> Result<(), LoadError> {
        let count = self.collected.lists.len() + self.collected.macros.len() + self.collected.rules.len();
        if count < MAX_ITEMS || std::mem::replace(&mut self.full, true) {
            return Ok(());
        }
        Err(LoadError::validate(place, item, format!("more than {MAX_ITEMS} lists, macros and rules")))
    }

    fn list(&mut self, item: ListItem) -> Result<(), LoadError> {
        let label = format!("list `{}`", shortened(&item.name));
        self.room(&item.place, &label)?;
        let items = item.items.unwrap_or_default();
        let known = self.lists.get(&item.name).and_then(|at| self.collected.lists.get_mut(*at));
        let action = single_action(&item.changes.overrides, item.changes.append.is_some());
        match (known, action) {
            (None, Some(_)) => Err(missing(&item.place, &label, "list")),
            (Some(list), Some(Action::Append)) => {
                list.items.extend(items);
                Ok(())
            }
            (Some(list), _) => {
                list.items = items;
                list.place = item.place;
                Ok(())
            }
            (None, None) => {
                self.lists.insert(item.name.clone(), self.collected.lists.len());
                self.collected.lists.push(List { name: item.name, place: item.place, items });
                Ok(())
            }
        }
    }

    fn condition_macro(&mut self, item: MacroItem) -> Result<(), LoadError> {
        let label = format!("macro `{}`", shortened(&item.name));
        self.room(&item.place, &label)?;
        let Some(condition) = item.condition else { return Ok(()) };
        self.macro_count += 1;
        let now = self.macro_count;
        let known = self.macros.get(&item.name).and_then(|at| self.collected.macros.get_mut(*at));
        let action = single_action(&item.changes.overrides, item.changes.append.is_some());
        match (known, action) {
            (None, Some(_)) => Err(missing(&item.place, &label, "macro")),
            (Some(known), Some(Action::Append)) => {
                known.condition.join(" ", &condition);
                known.last_defined = now;
                Ok(())
            }
            (Some(known), _) => {
                (known.condition, known.place, known.last_defined) = (condition, item.place, now);
                Ok(())
            }
            (None, None) => {
                self.macros.insert(item.name.clone(), self.collected.macros.len());
                let (name, place) = (item.name, item.place);
                self.collected.macros.push(Macro { name, place, condition, first_defined: now, last_defined: now });
                Ok(())
            }
        }
    }

    fn rule(&mut self, item: RuleItem, report: &mut Report) -> Result<(), LoadError> {
        let label = format!("rule `{}`", shortened(&item.name));
        self.room(&item.place, &label)?;
        let name = item.name.clone();
        let outcome = self.rule_item(item, &label, report);
        if outcome.is_err() && !self.rules.contains_key(&name) {
            self.skipped.insert(name);
        }
        outcome
    }

    fn rule_item(&mut self, item: RuleItem, label: &str, report: &mut Report) -> Result<(), LoadError> {
        let changes = &item.changes;
        let is_change = changes.append.is_some() || !changes.overrides.is_empty();
        let is_toggle =
            item.condition.is_none() && item.output.is_none() && item.desc.is_none() && item.priority.is_none();
        if !is_change && !is_toggle {
            return self.define(item, label, report);
        }
        let Some(known) = self.rules.get(&item.name).and_then(|at| self.collected.rules.get_mut(*at)) else {
            let skipped = self.skipped.contains(&item.name);
            return if skipped { Ok(()) } else { Err(missing(&item.place, label, "rule")) };
        };
        if let Some(source) = item.source.as_ref().filter(|source| source.value != SOURCE) {
            let message = format!("the rule's source is `{SOURCE}`, not `{}`", shortened(&source.value));
            return Err(LoadError::validate(&source.place, label, message));
        }
        if changes.append.is_some() {
            return append_old(known, item, label, report);
        }
        if is_change {
            return apply_overrides(known, item, label, report);
        }
        let Some(enabled) = item.enabled else {
            let message =
                "a rule needs `condition`, `output`, `desc` and `priority`, or `enabled` to switch one that exists";
            return Err(LoadError::validate(&item.place, label, message));
        };
        let message = "switching a rule this way is deprecated: use `override` with `enabled: replace`";
        report.warn(|| LoadWarning::new(WarningCode::DeprecatedItem, &item.place, label, message));
        known.enabled = enabled;
        Ok(())
    }

    fn define(&mut self, item: RuleItem, label: &str, report: &mut Report) -> Result<(), LoadError> {
        let known = self.rules.get(&item.name).copied();
        if let Some(source) = item.source.as_ref().filter(|source| source.value != SOURCE) {
            if known.is_some() {
                let message =
                    format!("the rule exists with the source `{SOURCE}`, a rule of that name cannot have another");
                return Err(LoadError::validate(&source.place, label, message));
            }
            let message = format!("unknown source `{}`: the rule is left out", shortened(&source.value));
            report.warn(|| LoadWarning::new(WarningCode::UnknownSource, &source.place, label, message));
            self.skipped.insert(item.name);
            return Ok(());
        }
        let missing_key = |key: &str| LoadError::shape(&item.place, label, format!("the key `{key}` is missing"));
        let rule = Rule {
            name: item.name.clone(),
            place: item.place.clone(),
            condition: item.condition.ok_or_else(|| missing_key("condition"))?,
            output: item.output.ok_or_else(|| missing_key("output"))?,
            desc: item.desc.ok_or_else(|| missing_key("desc"))?,
            priority: item.priority.ok_or_else(|| missing_key("priority"))?,
            enabled: item.enabled.unwrap_or(true),
            tags: item.tags.unwrap_or_default().into_iter().collect(),
            exceptions: exceptions::define(item.exceptions.unwrap_or_default(), label, report)?,
            warn_evttypes: item.warn_evttypes.unwrap_or(true),
            skip_if_unknown_filter: item.skip_if_unknown_filter.unwrap_or(false),
            capture: item.capture.unwrap_or(false),
            capture_duration_ms: item.capture_duration_ms.unwrap_or(0),
        };
        match known.and_then(|at| self.collected.rules.get_mut(at)) {
            Some(known) => *known = rule,
            None => {
                self.skipped.remove(&item.name);
                self.rules.insert(item.name, self.collected.rules.len());
                self.collected.rules.push(rule);
            }
        }
        Ok(())
    }
}

/// `append: true`: only condition and exceptions may come with it.
fn append_old(known: &mut Rule, item: RuleItem, label: &str, report: &mut Report) -> Result<(), LoadError> {
    if item.condition.is_none() && item.exceptions.is_none() {
        let message = "an appended rule needs `condition` or `exceptions`";
        return Err(LoadError::validate(&item.place, label, message));
    }
    if let Some(condition) = &item.condition {
        known.condition.join(" ", condition);
    }
    exceptions::append(&mut known.exceptions, item.exceptions.unwrap_or_default(), label, report)
}

/// `override`: appends first, then replaces.
fn apply_overrides(known: &mut Rule, item: RuleItem, label: &str, report: &mut Report) -> Result<(), LoadError> {
    let action = |key: &str| item.changes.overrides.iter().find(|(name, ..)| name == key).map(|(_, action, _)| *action);
    change_text(&mut known.condition, item.condition, action("condition"));
    change_text(&mut known.output, item.output, action("output"));
    match (item.desc, action("desc")) {
        (Some(desc), Some(Action::Append)) => known.desc = format!("{} {desc}", known.desc),
        (Some(desc), Some(Action::Replace)) => known.desc = desc,
        _ => {}
    }
    match (item.tags, action("tags")) {
        (Some(tags), Some(Action::Append)) => known.tags.extend(tags),
        (Some(tags), Some(Action::Replace)) => known.tags = tags.into_iter().collect(),
        _ => {}
    }
    match (item.exceptions, action("exceptions")) {
        (Some(items), Some(Action::Append)) => exceptions::append(&mut known.exceptions, items, label, report)?,
        (Some(items), Some(Action::Replace)) => known.exceptions = exceptions::define(items, label, report)?,
        _ => {}
    }
    // The reader lets a key that is here through only if the override names it, and these can only be replaced.
    replace(&mut known.priority, item.priority);
    replace(&mut known.enabled, item.enabled);
    replace(&mut known.warn_evttypes, item.warn_evttypes);
    replace(&mut known.skip_if_unknown_filter, item.skip_if_unknown_filter);
    replace(&mut known.capture, item.capture);
    replace(&mut known.capture_duration_ms, item.capture_duration_ms);
    Ok(())
}

fn change_text(known: &mut Text, text: Option<Text>, action: Option<Action>) {
    match (text, action) {
        (Some(text), Some(Action::Append)) => known.join(" ", &text),
        (Some(text), Some(Action::Replace)) => *known = text,
        _ => {}
    }
}

fn replace<T>(known: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *known = value;
    }
}

/// What an item with a single key to change does.
fn single_action(overrides: &[(String, Action, Place)], append: bool) -> Option<Action> {
    if append { Some(Action::Append) } else { overrides.first().map(|(_, action, _)| *action) }
}

fn missing(place: &Place, label: &str, kind: &str) -> LoadError {
    let message = format!("it changes a {kind}, but no {kind} by that name already exists");
    LoadError::validate(place, label, message)
}

fn engine_version(version: &Located<String>) -> Result<(), LoadError> {
    let fail = |message: String| Err(LoadError::validate(&version.place, "required_engine_version", message));
    let text = version.value.as_str();
    let numbers: Option<Vec<u64>> = text.split('.').map(|part| part.parse().ok()).collect();
    let wanted = match numbers.as_deref() {
        Some([minor]) => (0, *minor, 0),
        Some([major, minor, patch]) => (*major, *minor, *patch),
        _ => return fail(format!("`{}` is not a version: expected a number or `major.minor.patch`", shortened(text))),
    };
    let (major, minor) = ENGINE_VERSION;
    if wanted.0 == major && (wanted.1, wanted.2) <= (minor, 0) {
        return Ok(());
    }
    fail(format!("the file asks for engine version `{}`, this one understands {major}.{minor}.0", shortened(text)))
}

fn plugin_versions(versions: &[PluginVersion], report: &mut Report) {
    for version in versions {
        if version.names.iter().any(|name| BUILT_IN_PLUGINS.contains(&name.as_str())) {
            continue;
        }
        let message =
            format!("no plugin `{}`: rules that need it are left out", shortened(&version.names.join("`, `")));
        report.warn(|| LoadWarning::new(WarningCode::Extension, &version.place, "required_plugin_versions", message));
    }
}
