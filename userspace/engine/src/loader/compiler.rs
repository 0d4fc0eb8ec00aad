//! Last stage: typed filters and parsed outputs.

use saker_filter::{ErrorKind, FieldFlags, FieldRegistry, Filter, TypeSet, Warning, WarningKind};

use super::LoadConfig;
use super::error::{LoadError, LoadWarning, Report, WarningCode};
use super::parallel::in_parts;
use super::resolver::{MacroTexts, Resolved, ResolvedRule};
use super::source::shortened;
use crate::format::{FormatWarning, Formatter};
use crate::interest::{KnownEvents, breadth};
use crate::ruleset::{Rule, Ruleset};

/// A condition that can match more event types than this is evaluated too often to be meant.
const MANY_TYPES: usize = 100;

pub(crate) fn compile(resolved: Resolved, config: &LoadConfig, report: &mut Report) -> Ruleset {
    let suggested = if config.suggested_output { suggested_output() } else { None };
    let macros = &resolved.macros;
    let parts = in_parts(resolved.rules, |part| {
        let mut report = Report::default();
        let compiled = part.into_iter().map(|rule| compile_rule(rule, macros, config, suggested.as_ref(), &mut report));
        (compiled.collect::<Vec<_>>(), report)
    });
    let mut rules = Vec::new();
    for (compiled, of_part) in parts {
        rules.extend(compiled.into_iter().flatten());
        report.append(of_part);
    }
    Ruleset::new(rules, config.matching)
}

fn compile_rule(
    resolved: ResolvedRule,
    macros: &MacroTexts,
    config: &LoadConfig,
    suggested: Option<&Formatter>,
    report: &mut Report,
) -> Option<Rule> {
    let ResolvedRule { rule, condition, expr } = resolved;
    let item = format!("rule `{}`", shortened(&rule.name));
    let filter = match Filter::compile(&expr, &KnownEvents) {
        Ok(filter) => filter,
        Err(error) if rule.skip_if_unknown_filter && is_unknown(error.kind()) => {
            let (text, offset) = macros.locate(&condition, error.source_id(), error.offset());
            let message = format!("{error}: the rule is left out");
            report
                .warn(|| LoadWarning::inside(WarningCode::UnknownFilter, (text, offset), &rule.place, &item, message));
            return None;
        }
        Err(error) => {
            report.error(|| macros.error(error, &condition, &rule.place, &item));
            return None;
        }
    };
    for warning in filter.warnings() {
        let (text, offset) = macros.locate(&condition, warning.span.source, warning.span.start as usize);
        let code = code_of(warning);
        report.warn(|| LoadWarning::inside(code, (text, offset), &rule.place, &item, warning.message.clone()));
    }
    let types = filter.event_types();
    if rule.warn_evttypes && is_broad(&types) {
        let message = "the condition does not name event types, so it is evaluated for most events";
        report.warn(|| LoadWarning::new(WarningCode::NoEventType, &rule.place, &item, message));
    }
    let mut formatter = match Formatter::parse(rule.output.as_str()) {
        Ok(formatter) => formatter,
        Err(error) => {
            report.error(|| LoadError::output(error, &rule.output, &rule.place, &item));
            return None;
        }
    };
    for FormatWarning { offset, message } in formatter.warnings() {
        let at = (&rule.output, *offset);
        report.warn(|| LoadWarning::inside(WarningCode::DeprecatedItem, at, &rule.place, &item, message.clone()));
    }
    suggested.into_iter().for_each(|suggested| formatter.append(suggested));
    Some(Rule {
        desc: rule.desc,
        priority: rule.priority,
        tags: rule.tags.into_iter().collect(),
        enabled: rule.enabled && rule.priority <= config.priority,
        condition: condition.text().to_owned(),
        filter,
        types,
        output: rule.output.as_str().to_owned(),
        formatter,
        capture: rule.capture.then_some(rule.capture_duration_ms),
        place: rule.place,
        name: rule.name,
    })
}

const fn is_unknown(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::UnknownField | ErrorKind::UnknownEventType)
}

fn code_of(warning: &Warning) -> WarningCode {
    match warning.kind {
        WarningKind::DeprecatedField => WarningCode::DeprecatedItem,
        _ => WarningCode::CompileCondition,
    }
}

fn is_broad(types: &TypeSet) -> bool {
    types.is_all() || breadth(types) > MANY_TYPES
}

/// The fields that say where an event happened, as `container_id=%container.id ...`.
fn suggested_output() -> Option<Formatter> {
    let fields = FieldRegistry::iter().filter(|info| info.flags.has(FieldFlags::SUGGESTED));
    let parts: Vec<String> = fields.map(|info| format!("{}=%{}", info.name.replace('.', "_"), info.name)).collect();
    Formatter::parse(&parts.join(" ")).ok()
}
