//! Output texts: `%field` and friends, parsed once, printed per alert.
//!
//! | written | means |
//! |---|---|
//! | `%proc.name`, `%proc.aname[2]`, `%evt.arg.flags` | the field's value; the longest field that can be read wins |
//! | `%toupper(proc.name)` | a transformer over a field |
//! | `%20proc.name` | cut or padded to 20 characters |
//! | `*` before everything | print even if a value is missing; `<NA>` stands for it |
//!
//! There is no escape for `%`. Values that are not UTF-8 print U+FFFD for what is wrong.

use std::fmt;

use saker_filter::{
    EventNames, Extracted, FieldError, FieldFlags, FieldId, FieldRef, FieldSource, Filter, Function, Limits,
    TypedOperand, Value,
};

/// What stands for a missing value in text.
pub const MISSING: &str = "<NA>";
/// Longest output text and most fields in it.
const MAX_TEXT_BYTES: usize = 64 << 10;
const MAX_FIELDS: usize = 512;
const MAX_WIDTH: usize = 4096;
/// Accepted for old files; expands to nothing.
const CONTAINER_INFO: &str = "container.info";

/// A value in an alert, ready for JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue {
    /// The field has no value for this event.
    Null,
    /// True or false.
    Bool(bool),
    /// Signed whole number.
    I64(i64),
    /// Unsigned whole number; times are nanoseconds.
    U64(u64),
    /// Floating point number.
    F64(f64),
    /// Text.
    Text(String),
    /// Several values.
    List(Vec<FieldValue>),
}

impl fmt::Display for FieldValue {
    /// As in an output text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str(MISSING),
            Self::Bool(value) => value.fmt(f),
            Self::I64(value) => value.fmt(f),
            Self::U64(value) => value.fmt(f),
            Self::F64(value) => write!(f, "{value:.2}"),
            Self::Text(text) => f.write_str(text),
            Self::List(values) => {
                f.write_str("(")?;
                for (at, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if at > 0 { "," } else { "" })?;
                }
                f.write_str(")")
            }
        }
    }
}

impl From<Value<'_>> for FieldValue {
    fn from(value: Value<'_>) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(value),
            Value::I64(value) => Self::I64(value),
            Value::U64(value) => Self::U64(value),
            Value::Double(value) => Self::F64(value),
            Value::Text(bytes) | Value::Bytes(bytes) => Self::Text(String::from_utf8_lossy(&bytes).into_owned()),
            Value::Ip(address) => Self::Text(address.to_string()),
            Value::List(values) => Self::List(values.into_iter().map(Self::from).collect()),
        }
    }
}

impl From<Extracted<'_>> for FieldValue {
    fn from(extracted: Extracted<'_>) -> Self {
        match extracted {
            Extracted::Absent | Extracted::Unknown => Self::Null,
            Extracted::One(value) => value.into(),
            Extracted::Path { resolved, .. } => Value::Text(resolved).into(),
            Extracted::Any(values) | Extracted::List(values) if values.is_empty() => Self::Null,
            Extracted::Any(values) | Extracted::List(values) => {
                Self::List(values.into_iter().map(Self::from).collect())
            }
        }
    }
}

/// Why a text is no output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError {
    offset: usize,
    message: String,
}

impl FormatError {
    /// Byte of the text where the mistake is.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FormatError {}

/// An output text that works and should be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatWarning {
    /// Byte of the text it is about.
    pub offset: usize,
    /// In words.
    pub message: String,
}

#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Field { index: usize, width: Option<usize> },
}

/// A field or transformer of an output, once however often it is printed.
#[derive(Clone, Debug)]
struct OutputField {
    /// As written, without `%` and width.
    name: String,
    operand: TypedOperand,
}

/// A parsed output text.
#[derive(Clone, Debug)]
pub struct Formatter {
    pieces: Vec<Piece>,
    fields: Vec<OutputField>,
    /// Whether the text started with `*`.
    keeps_missing: bool,
    warnings: Vec<FormatWarning>,
}

/// What an output prints for one event.
#[derive(Clone, Debug, PartialEq)]
pub struct Formatted {
    /// The text with `<NA>` for missing values; control characters are still in it.
    pub text: String,
    /// Name and value of each field, in the order of the text.
    pub fields: Vec<(String, FieldValue)>,
    /// Whether each field has a value.
    pub complete: bool,
}

impl Formatter {
    /// Parses an output text.
    ///
    /// # Errors
    /// On the first `%` that no printable field follows, or if the text or the number of fields passes a bound.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let fail = |offset, message: &str| FormatError { offset, message: message.to_owned() };
        if text.len() > MAX_TEXT_BYTES {
            return Err(fail(0, "the output is longer than 64 KiB"));
        }
        let keeps_missing = text.starts_with('*');
        let mut formatter = Self { pieces: Vec::new(), fields: Vec::new(), keeps_missing, warnings: Vec::new() };
        let mut at = usize::from(keeps_missing);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let Some(percent) = rest.find('%') else {
                formatter.pieces.push(Piece::Text(rest.to_owned()));
                break;
            };
            if let Some(before) = rest.get(..percent).filter(|before| !before.is_empty()) {
                formatter.pieces.push(Piece::Text(before.to_owned()));
            }
            at += percent + 1;
            at += formatter.field(text.get(at..).unwrap_or_default(), at)?;
        }
        Ok(formatter)
    }

    /// Reads a field behind `%`; returns its length.
    fn field(&mut self, text: &str, offset: usize) -> Result<usize, FormatError> {
        let fail = |at: usize, message: String| FormatError { offset: offset + at, message };
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let width = match text.get(..digits).filter(|digits| !digits.is_empty()) {
            None => None,
            Some(width) => {
                let width = width.parse().ok().filter(|width| (1..=MAX_WIDTH).contains(width));
                Some(width.ok_or_else(|| fail(0, format!("the width should be 1 to {MAX_WIDTH}")))?)
            }
        };
        let rest = text.get(digits..).unwrap_or_default();
        if rest.is_empty() {
            return Err(fail(digits, "`%` at the end: a field name should follow".to_owned()));
        }
        if rest.starts_with(CONTAINER_INFO) {
            let message = format!(
                "`%{CONTAINER_INFO}` is deprecated and prints nothing: container fields are added by themselves"
            );
            self.warnings.push(FormatWarning { offset, message });
            return Ok(digits + CONTAINER_INFO.len());
        }
        let (operand, used) = operand(rest).map_err(|message| fail(digits, message))?;
        self.warn_deprecated(&operand, offset + digits);
        let name = rest.get(..used).unwrap_or_default();
        let index = match self.fields.iter().position(|field| field.name == name) {
            Some(index) => index,
            None if self.fields.len() >= MAX_FIELDS => {
                return Err(fail(0, format!("the output names more than {MAX_FIELDS} fields")));
            }
            None => {
                self.fields.push(OutputField { name: name.to_owned(), operand });
                self.fields.len() - 1
            }
        };
        self.pieces.push(Piece::Field { index, width });
        Ok(digits + used)
    }

    fn warn_deprecated(&mut self, operand: &TypedOperand, offset: usize) {
        operand.for_each_field(&mut |field| {
            if field.id.info().is_deprecated() {
                let message = format!("the field `{field}` is deprecated and has no value");
                self.warnings.push(FormatWarning { offset, message });
            }
        });
    }

    /// What should be changed in the text.
    #[must_use]
    pub fn warnings(&self) -> &[FormatWarning] {
        &self.warnings
    }

    /// Whether the text asks to be printed even if a value is missing (it started with `*`).
    #[must_use]
    pub fn keeps_missing(&self) -> bool {
        self.keeps_missing
    }

    /// Every field the output reads.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldRef> {
        let mut fields = Vec::new();
        for field in &self.fields {
            field.operand.for_each_field(&mut |field| fields.push(field.clone()));
        }
        fields
    }

    /// Adds the pieces of `other` behind a blank.
    pub fn append(&mut self, other: &Self) {
        self.pieces.push(Piece::Text(" ".to_owned()));
        for piece in &other.pieces {
            let piece = match piece {
                Piece::Text(text) => Piece::Text(text.clone()),
                Piece::Field { index, width } => {
                    Piece::Field { index: self.index_of(&other.fields, *index), width: *width }
                }
            };
            self.pieces.push(piece);
        }
        self.warnings.extend(other.warnings.iter().cloned());
    }

    fn index_of(&mut self, others: &[OutputField], index: usize) -> usize {
        let Some(field) = others.get(index) else { return self.fields.len() };
        self.fields.iter().position(|known| known.name == field.name).unwrap_or_else(|| {
            self.fields.push(field.clone());
            self.fields.len() - 1
        })
    }

    /// Prints the text for one event.
    #[must_use]
    pub fn format(&self, source: &dyn FieldSource) -> Formatted {
        let values: Vec<(FieldValue, FieldValue)> = self.fields.iter().map(|field| field.values(source)).collect();
        let complete = values.iter().all(|(shown, _)| *shown != FieldValue::Null);
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Field { index, width } => {
                    let value = values.get(*index).map_or(&FieldValue::Null, |(shown, _)| shown);
                    push(&mut text, value, *width);
                }
            }
        }
        let names = self.fields.iter().map(|field| field.name.clone());
        let fields = names.zip(values.into_iter().map(|(_, json)| json)).collect();
        Formatted { text, fields, complete }
    }
}

impl OutputField {
    /// The value as shown in text and as given in JSON: times of day are shown as such and given in nanoseconds.
    fn values(&self, source: &dyn FieldSource) -> (FieldValue, FieldValue) {
        let shown = FieldValue::from(self.operand.extract(source));
        let json = match &self.operand {
            TypedOperand::Field(field) if is_time_text(field.id) => {
                FieldValue::from(source.extract(&FieldRef::bare(FieldId::EvtRawtime)))
            }
            _ => shown.clone(),
        };
        (shown, json)
    }
}

/// Fields that print a time as text; JSON readers want the number.
const fn is_time_text(id: FieldId) -> bool {
    use FieldId as F;
    matches!(id, F::EvtTime | F::EvtTimeS | F::EvtTimeIso8601 | F::EvtDatetime | F::EvtDatetimeS | F::EvtOutputtime)
}

fn push(text: &mut String, value: &FieldValue, width: Option<usize>) {
    let shown = value.to_string();
    match width {
        None => text.push_str(&shown),
        Some(width) => {
            text.extend(shown.chars().take(width));
            text.extend(std::iter::repeat_n(' ', width.saturating_sub(shown.chars().count())));
        }
    }
}

/// A field or a transformer at the start of `text`, and its length.
fn operand(text: &str) -> Result<(TypedOperand, usize), String> {
    match call_length(text)? {
        Some(length) => call(text.get(..length).unwrap_or_default()).map(|operand| (operand, length)),
        None => {
            let (field, used) = FieldRef::parse(text).map_err(|err: FieldError| err.to_string())?;
            printable(&field)?;
            Ok((TypedOperand::Field(field), used))
        }
    }
}

fn printable(field: &FieldRef) -> Result<(), String> {
    if field.id.info().flags.has(FieldFlags::FILTER_ONLY) {
        return Err(format!("`{field}` can be used in conditions only"));
    }
    Ok(())
}

/// Length of `fn(...)` or `fn(...)[x]` at the start of `text`; `None` if no transformer stands there.
fn call_length(text: &str) -> Result<Option<usize>, String> {
    let starts = |function: &&Function| text.strip_prefix(function.as_str()).is_some_and(|rest| rest.starts_with('('));
    let Some(function) = Function::ALL.iter().find(starts) else { return Ok(None) };
    let mut depth = 0_usize;
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(function.as_str().len()) {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Ok(Some(at + 1 + option_length(text.get(at + 1..).unwrap_or_default(), *function)));
                }
            }
            (None, _) => {}
        }
    }
    Err(format!("`{function}(` is not closed"))
}

/// Only `getopt` takes an option in brackets; behind others a bracket is text.
fn option_length(rest: &str, function: Function) -> usize {
    if function != Function::GetOpt || !rest.starts_with('[') {
        return 0;
    }
    rest.find(']').map_or(0, |end| end + 1)
}

/// No event name occurs in a transformer.
struct NoEvents;

impl EventNames for NoEvents {
    fn is_known(&self, _: &str) -> bool {
        false
    }
}

/// A transformer, read with the parser of conditions as the left side of a check.
fn call(text: &str) -> Result<TypedOperand, String> {
    let expr = saker_filter::parse(&format!("{text} exists"), &Limits::default()).map_err(|err| err.to_string())?;
    let filter = Filter::compile(&expr, &NoEvents).map_err(|err| err.to_string())?;
    let operand = filter.tests().first().map(|test| test.lhs.clone()).ok_or("expected a transformer")?;
    let mut problem = Ok(());
    operand
        .for_each_field(&mut |field| problem = std::mem::replace(&mut problem, Ok(())).and_then(|()| printable(field)));
    problem.map(|()| operand)
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
