//! Exceptions of a rule: named tuples of values for which it should not fire.
//!
//! | form | fields | comps | values | adds |
//! |---|---|---|---|---|
//! | list | `[f1, f2]` | `[c1, c2]`, default all `=` | `[[v1, v2], ...]` | `(f1 c1 v1 and f2 c2 v2) or (...)` |
//! | single | `f` | `in` (default), `pmatch`, `intersects`, or an operator with a modifier | `[v1, v2]` | `f in (v1, v2)` |
//!
//! The condition becomes `(condition) and not (...)`, once per exception that has values.

use saker_filter::{FieldRef, Modifier, Operator};

use super::error::{LoadError, LoadWarning, Report, WarningCode};
use super::item::{Entry, ExceptionItem};
use super::source::{Place, Text, shortened};

/// An exception with its fields checked.
#[derive(Clone, Debug)]
pub(crate) struct Exception {
    name: String,
    form: Form,
    /// Rows of values, each with the place of the exception that brought it.
    rows: Vec<(Entry, Place)>,
}

#[derive(Clone, Debug)]
enum Form {
    List(Vec<(String, String)>),
    Single { field: String, comp: String },
}

/// The exceptions of a new rule.
pub(crate) fn define(items: Vec<ExceptionItem>, rule: &str, report: &mut Report) -> Result<Vec<Exception>, LoadError> {
    let mut defined: Vec<Exception> = Vec::with_capacity(items.len());
    for item in items {
        if defined.iter().any(|known| known.name == item.name) {
            not_unique(&item, rule, report);
        }
        defined.push(exception(item, rule)?);
    }
    Ok(defined)
}

/// Adds to the exceptions of a rule: values to known ones, new ones whole.
pub(crate) fn append(
    known: &mut Vec<Exception>,
    items: Vec<ExceptionItem>,
    rule: &str,
    report: &mut Report,
) -> Result<(), LoadError> {
    for item in items {
        let has_values = item.values.as_ref().is_some_and(|values| !values.is_empty());
        if !has_values {
            let message =
                format!("the appended exception `{}` has no values, so it changes nothing", shortened(&item.name));
            report.warn(|| LoadWarning::new(WarningCode::AppendNoValues, &item.place, rule, message));
        }
        match known.iter_mut().find(|exception| exception.name == item.name) {
            Some(exception) => {
                if item.fields.is_some() || item.comps.is_some() {
                    let message = "only `values` can be appended to an exception that exists, not `fields` or `comps`";
                    return Err(LoadError::validate(&item.place, rule, message));
                }
                let rows = rows(&exception.form, item, rule)?;
                exception.rows.extend(rows);
            }
            None => known.push(exception(item, rule)?),
        }
    }
    Ok(())
}

/// The condition with all exceptions in it.
pub(crate) fn with_exceptions(condition: &Text, exceptions: &[Exception]) -> Text {
    let mut text = condition.clone();
    let mut wrapped = false;
    for exception in exceptions.iter().filter(|exception| !exception.rows.is_empty()) {
        if !wrapped {
            text.wrap("(", ")");
            wrapped = true;
        }
        exception.add_to(&mut text);
    }
    text
}

fn not_unique(item: &ExceptionItem, rule: &str, report: &mut Report) {
    let message = format!("the exception `{}` is defined twice", shortened(&item.name));
    report.warn(|| LoadWarning::new(WarningCode::ExceptionNameNotUnique, &item.place, rule, message));
}

fn exception(item: ExceptionItem, rule: &str) -> Result<Exception, LoadError> {
    let fail = |message: String| LoadError::validate(&item.place, rule, message);
    let name = item.name.clone();
    let form = match &item.fields {
        None => return Err(fail(format!("the exception `{}` needs `fields`", shortened(&name)))),
        Some(Entry::One(field)) => {
            check_field(field).map_err(&fail)?;
            let comp = match &item.comps {
                None => "in".to_owned(),
                Some(Entry::One(comp)) => comp.clone(),
                Some(Entry::Many(_)) => {
                    return Err(fail("`fields` is one text, so `comps` must be one too".to_owned()));
                }
            };
            check_set_operator(&comp).map_err(&fail)?;
            Form::Single { field: field.clone(), comp }
        }
        Some(Entry::Many(fields)) => Form::List(pairs(fields, item.comps.as_ref()).map_err(&fail)?),
    };
    let rows = rows(&form, item, rule)?;
    Ok(Exception { name, form, rows })
}

fn pairs(fields: &[Entry], comps: Option<&Entry>) -> Result<Vec<(String, String)>, String> {
    let fields = texts(fields).ok_or("`fields` should hold texts")?;
    let comps = match comps {
        None => vec!["=".to_owned(); fields.len()],
        Some(Entry::Many(comps)) => texts(comps).ok_or("`comps` should hold texts")?,
        Some(Entry::One(_)) => return Err("`fields` is a sequence, so `comps` must be one too".to_owned()),
    };
    if fields.is_empty() {
        return Err("`fields` is empty".to_owned());
    }
    if fields.len() != comps.len() {
        return Err(format!("{} fields but {} comps: each field needs one", fields.len(), comps.len()));
    }
    for (field, comp) in fields.iter().zip(&comps) {
        check_field(field)?;
        operator(comp).ok_or_else(|| format!("`{}` is not a comparison operator", shortened(comp)))?;
    }
    Ok(fields.into_iter().zip(comps).collect())
}

fn texts(entries: &[Entry]) -> Option<Vec<String>> {
    let text = |entry: &Entry| match entry {
        Entry::One(text) => Some(text.clone()),
        Entry::Many(_) => None,
    };
    entries.iter().map(text).collect()
}

fn check_field(field: &str) -> Result<(), String> {
    FieldRef::parse_exact(field)
        .map(drop)
        .map_err(|err| format!("`{}` is not a supported filter field: {err}", shortened(field)))
}

fn operator(word: &str) -> Option<Operator> {
    let word = if word == "==" { "=" } else { word };
    Operator::ALL.iter().copied().find(|op| op.as_str() == word && *op != Operator::Exists)
}

const fn takes_list(op: Operator) -> bool {
    matches!(op, Operator::In | Operator::Intersects | Operator::PMatch)
}

/// A comparison with a set: a list operator, or any other with a modifier.
fn check_set_operator(comp: &str) -> Result<(), String> {
    let mut words = comp.split_whitespace();
    let op = words.next().and_then(operator);
    let modifier = words.next().map(|word| Modifier::ALL.iter().any(|modifier| modifier.as_str() == word));
    match (op, modifier, words.next()) {
        (Some(op), None, None) if takes_list(op) => Ok(()),
        (Some(op), Some(true), None) if !takes_list(op) => Ok(()),
        _ => Err(format!(
            "`{}` does not compare one field with several values: use `in`, `pmatch`, `intersects` or an operator with a modifier",
            shortened(comp)
        )),
    }
}

fn rows(form: &Form, item: ExceptionItem, rule: &str) -> Result<Vec<(Entry, Place)>, LoadError> {
    let values = item.values.unwrap_or_default();
    let place = item.place.value("values");
    for (at, row) in values.iter().enumerate() {
        let problem = match (form, row) {
            (Form::List(pairs), Entry::Many(row)) if row.len() == pairs.len() => None,
            (Form::List(pairs), Entry::Many(row)) => Some(format!("{} values for {} fields", row.len(), pairs.len())),
            (Form::List(_), Entry::One(_)) => {
                Some("each entry of `values` should be a sequence, one value per field".to_owned())
            }
            (Form::Single { .. }, Entry::One(_)) => None,
            (Form::Single { .. }, Entry::Many(_)) => {
                Some("`values` should hold texts, because `fields` is one text".to_owned())
            }
        };
        if let Some(problem) = problem {
            return Err(LoadError::validate(&place.index(at), rule, problem));
        }
    }
    Ok(values.into_iter().enumerate().map(|(at, row)| (row, place.index(at))).collect())
}

impl Exception {
    fn add_to(&self, text: &mut Text) {
        match &self.form {
            Form::List(pairs) => {
                let mut between = " and not (";
                for (row, place) in &self.rows {
                    text.join(between, &Text::generated(tuple(pairs, row), place.clone()));
                    between = " or ";
                }
            }
            Form::Single { field, comp } => {
                let Some((_, first)) = self.rows.first() else { return };
                text.join(" and not (", &Text::generated(format!("{field} {comp} ("), first.clone()));
                let mut between = "";
                for (row, place) in &self.rows {
                    text.join(between, &Text::generated(value(row), place.clone()));
                    between = ", ";
                }
                text.wrap("", ")");
            }
        }
        text.wrap("", ")");
    }
}

fn tuple(pairs: &[(String, String)], row: &Entry) -> String {
    let values: &[Entry] = match row {
        Entry::Many(values) => values,
        Entry::One(_) => std::slice::from_ref(row),
    };
    let mut text = String::from("(");
    for (at, ((field, comp), entry)) in pairs.iter().zip(values).enumerate() {
        if at > 0 {
            text.push_str(" and ");
        }
        let is_list = matches!(entry, Entry::One(_)) && operator(comp).is_some_and(takes_list);
        let value = match entry {
            Entry::One(raw) if is_list && raw.starts_with('(') => raw.clone(),
            _ if is_list => format!("({})", value(entry)),
            _ => value(entry),
        };
        text.push_str(&format!("{field} {comp} {value}"));
    }
    text.push(')');
    text
}

fn value(entry: &Entry) -> String {
    match entry {
        Entry::Many(entries) => format!("({})", entries.iter().map(value).collect::<Vec<_>>().join(", ")),
        Entry::One(text) if text.starts_with(['"', '\'']) => text.clone(),
        Entry::One(text) if text.is_empty() || text.contains(|c: char| c.is_whitespace() || "()\"'=,".contains(c)) => {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t"))
        }
        Entry::One(text) => text.clone(),
    }
}
