//! Third stage: conditions with lists put in as text and macros as parsed trees.
//!
//! A macro sees the macros first defined before its own last definition; rules see all. Every text keeps the way back
//! from an offset after list expansion to the file, so that an error inside a macro points into the macro.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use saker_filter::{ConditionError, Expanded, Expr, ExprKind, Limits, SourceId, expand_lists, parse_from};

use super::collector::{Collected, List, Macro, Rule};
use super::error::{LoadError, LoadWarning, Report, WarningCode};
use super::exceptions::with_exceptions;
use super::source::{Place, Text, shortened};

/// Rules whose conditions name fields and constants only.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) rules: Vec<ResolvedRule>,
    pub(crate) macros: MacroTexts,
}

#[derive(Debug)]
pub(crate) struct ResolvedRule {
    pub(crate) rule: Rule,
    pub(crate) condition: Source,
    pub(crate) expr: Expr,
}

/// The texts of all macros, by [`SourceId`]: macro `n` is source `n + 1`, the rule's own condition is 0.
#[derive(Debug)]
pub(crate) struct MacroTexts(Vec<Source>);

/// A condition's text and what list expansion made of it.
#[derive(Debug)]
pub(crate) struct Source {
    text: Text,
    expanded: Expanded,
}

impl Source {
    /// The condition as written.
    pub(crate) fn text(&self) -> &str {
        self.text.as_str()
    }
}

impl MacroTexts {
    /// Text and offset in it for a place in an expanded condition.
    pub(crate) fn locate<'s>(&'s self, own: &'s Source, source: SourceId, offset: usize) -> (&'s Text, usize) {
        let found = (source.0 as usize).checked_sub(1).and_then(|at| self.0.get(at)).unwrap_or(own);
        (&found.text, found.expanded.original_offset(offset))
    }

    pub(crate) fn error(&self, error: ConditionError, own: &Source, place: &Place, item: &str) -> LoadError {
        let (text, offset) = self.locate(own, error.source_id(), error.offset());
        LoadError::condition(error, text, offset, place, item)
    }
}

pub(crate) fn resolve(collected: Collected, report: &mut Report) -> Resolved {
    let lists = Lists::new(&collected.lists);
    let macros = Macros::parse(&collected.macros, &lists, report);
    let mut rules = Vec::with_capacity(collected.rules.len());
    for rule in collected.rules {
        let item = format!("rule `{}`", shortened(&rule.name));
        let text = with_exceptions(&rule.condition, &rule.exceptions);
        let Some((condition, parsed)) = source(text, SourceId(0), &lists, &rule.place, &item, report) else { continue };
        macros.mark_used(&parsed);
        match parsed.substitute(&|name| macros.tree(name)) {
            Ok(expr) => rules.push(ResolvedRule { rule, condition, expr }),
            Err(error) => report.error(|| macros.texts.error(error, &condition, &rule.place, &item)),
        }
    }
    macros.warn_unused(&collected.macros, report);
    lists.warn_unused(report);
    Resolved { rules, macros: macros.texts }
}

struct Lists<'c> {
    lists: &'c [List],
    by_name: HashMap<&'c str, &'c List>,
    used: RefCell<HashSet<&'c str>>,
}

impl<'c> Lists<'c> {
    fn new(lists: &'c [List]) -> Self {
        let by_name = lists.iter().map(|list| (list.name.as_str(), list)).collect();
        Self { lists, by_name, used: RefCell::default() }
    }

    fn items(&self, name: &str) -> Option<&'c [String]> {
        let list = self.by_name.get(name)?;
        self.used.borrow_mut().insert(&list.name);
        Some(&list.items)
    }

    fn warn_unused(&self, report: &mut Report) {
        // A list used only by a list nobody uses is unused too, but the outer one is the one to remove first.
        let named: HashSet<&str> = self.lists.iter().flat_map(|list| &list.items).map(String::as_str).collect();
        let used = self.used.borrow();
        for list in
            self.lists.iter().filter(|list| !used.contains(list.name.as_str()) && !named.contains(list.name.as_str()))
        {
            let item = format!("list `{}`", shortened(&list.name));
            let message = "no macro, rule or other list uses it";
            report.warn(|| LoadWarning::new(WarningCode::UnusedList, &list.place, &item, message));
        }
    }
}

/// Expands lists and parses; a mistake goes into the report.
fn source(
    text: Text,
    id: SourceId,
    lists: &Lists<'_>,
    place: &Place,
    item: &str,
    report: &mut Report,
) -> Option<(Source, Expr)> {
    let expanded = match expand_lists(text.as_str(), |name| lists.items(name)) {
        Ok(expanded) => expanded,
        Err(error) => {
            let offset = error.offset();
            report.error(|| LoadError::condition(error, &text, offset, place, item));
            return None;
        }
    };
    match parse_from(&expanded.text, id, &Limits::for_rules()) {
        Ok(expr) => Some((Source { text, expanded }, expr)),
        Err(error) => {
            let offset = expanded.original_offset(error.offset());
            report.error(|| LoadError::condition(error, &text, offset, place, item));
            None
        }
    }
}

struct Macros<'c> {
    by_name: HashMap<&'c str, usize>,
    /// A macro that did not parse counts as one that is always false, so that its users are not reported too.
    trees: Vec<Option<Expr>>,
    /// Macros that each macro names itself.
    names: Vec<Vec<String>>,
    texts: MacroTexts,
    used: RefCell<HashSet<String>>,
    broken: Option<Expr>,
}

impl<'c> Macros<'c> {
    fn parse(macros: &'c [Macro], lists: &Lists<'_>, report: &mut Report) -> Self {
        let mut trees = Vec::with_capacity(macros.len());
        let mut texts = Vec::with_capacity(macros.len());
        for (at, definition) in macros.iter().enumerate() {
            let item = format!("macro `{}`", shortened(&definition.name));
            let id = SourceId(u32::try_from(at + 1).unwrap_or(u32::MAX));
            let parsed = source(definition.condition.clone(), id, lists, &definition.place, &item, report);
            let (text, tree) = parsed.map_or((None, None), |(text, tree)| (Some(text), Some(tree)));
            let unread = || Source { text: definition.condition.clone(), expanded: Expanded::default() };
            texts.push(text.unwrap_or_else(unread));
            trees.push(tree);
        }
        let by_name = macros.iter().enumerate().map(|(at, known)| (known.name.as_str(), at)).collect();
        let broken = parse_from("evt.num = 0", SourceId(0), &Limits::for_rules()).ok();
        let names = trees.iter().map(|tree| tree.as_ref().map(references).unwrap_or_default()).collect();
        let mut parsed = Self { by_name, trees, names, texts: MacroTexts(texts), used: RefCell::default(), broken };
        parsed.check_order(macros, report);
        parsed
    }

    fn tree(&self, name: &str) -> Option<&Expr> {
        let at = *self.by_name.get(name)?;
        self.trees.get(at)?.as_ref().or(self.broken.as_ref())
    }

    /// Reports macros that name macros they cannot see, and macros in circles; both no longer count as usable.
    fn check_order(&mut self, macros: &[Macro], report: &mut Report) {
        let circular = self.circular();
        for (at, definition) in macros.iter().enumerate() {
            let sees = |name: &str| {
                let other = self.by_name.get(name).and_then(|at| macros.get(*at))?;
                (other.first_defined <= definition.last_defined).then(|| self.tree(name)).flatten()
            };
            let Some(tree) = self.trees.get(at).and_then(Option::as_ref) else { continue };
            let names = self.names.get(at).map_or(&[][..], Vec::as_slice);
            let hidden = names.iter().any(|name| sees(name).is_none());
            if !hidden && !circular.contains(&at) {
                continue;
            }
            // The walk that would put the macros in knows how to describe what is in its way.
            let visible = |name: &str| if names.iter().any(|own| own == name) { sees(name) } else { self.tree(name) };
            let outcome = tree.substitute(&visible);
            if let (Err(error), Some(own)) = (outcome, self.texts.0.get(at)) {
                let item = format!("macro `{}`", shortened(&definition.name));
                report.error(|| self.texts.error(error, own, &definition.place, &item));
                if let Some(tree) = self.trees.get_mut(at) {
                    *tree = None;
                }
            }
        }
    }

    /// Macros that lead into a circle: those left when again and again all that name only settled ones are settled.
    fn circular(&self) -> HashSet<usize> {
        let mut users: Vec<Vec<usize>> = vec![Vec::new(); self.names.len()];
        let mut waits_for: Vec<usize> = vec![0; self.names.len()];
        for (at, names) in self.names.iter().enumerate() {
            for used in names.iter().filter_map(|name| self.by_name.get(name.as_str())) {
                users.get_mut(*used).into_iter().for_each(|users| users.push(at));
                waits_for.get_mut(at).into_iter().for_each(|count| *count += 1);
            }
        }
        let mut left: HashSet<usize> = (0..self.names.len()).collect();
        let mut settled: Vec<usize> = left.iter().copied().filter(|at| waits_for.get(*at) == Some(&0)).collect();
        while let Some(at) = settled.pop() {
            left.remove(&at);
            for user in users.get(at).into_iter().flatten() {
                let Some(count) = waits_for.get_mut(*user) else { continue };
                *count -= 1;
                if *count == 0 {
                    settled.push(*user);
                }
            }
        }
        left
    }

    fn mark_used(&self, tree: &Expr) {
        let mut used = self.used.borrow_mut();
        let mut open = references(tree);
        while let Some(name) = open.pop() {
            let names = self.by_name.get(name.as_str()).and_then(|at| self.names.get(*at));
            if used.insert(name) {
                open.extend(names.into_iter().flatten().cloned());
            }
        }
    }

    fn warn_unused(&self, macros: &[Macro], report: &mut Report) {
        // A macro used only by a macro nobody uses is unused too, but the outer one is the one to remove first.
        let named: HashSet<&String> = self.names.iter().flatten().collect();
        let used = self.used.borrow();
        for known in macros.iter().filter(|known| !used.contains(&known.name) && !named.contains(&known.name)) {
            let item = format!("macro `{}`", shortened(&known.name));
            let message = "no rule or other macro uses it";
            report.warn(|| LoadWarning::new(WarningCode::UnusedMacro, &known.place, &item, message));
        }
    }
}

/// Names of the macros a condition names itself, each once.
fn references(expr: &Expr) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match &expr.kind {
            ExprKind::And(parts) | ExprKind::Or(parts) => open.extend(parts),
            ExprKind::Not(inner) => open.push(inner),
            ExprKind::Macro(name) => names.push(name.to_string()),
            ExprKind::Unary(_) | ExprKind::Binary(_) => {}
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}
