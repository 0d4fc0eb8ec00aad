//! Values of operands: fields, and transformers applied to them.
//!
//! A transformer of one argument keeps the shape of its argument: of a path it transforms the resolved and the lexical
//! form, of several candidates each; only `len` of a path measures the resolved form alone. If an argument has no
//! value, the result has none; in a list written out, elements without a value are left out.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::ast::Function;
use crate::fields::FieldRef;
use crate::typed::{TypedArg, TypedCall, TypedOperand};
use crate::value::{Extracted, FieldSource, Value};

/// Accepts text with and without padding, and leftover bits, as data found in the wild has them.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The value of an operand.
#[inline]
pub(crate) fn operand<'a, S: FieldSource + ?Sized>(operand: &'a TypedOperand, source: &'a S) -> Extracted<'a> {
    match operand {
        TypedOperand::Field(field) => source.extract(field),
        TypedOperand::Call(typed) => call(typed, source),
    }
}

fn call<'a, S: FieldSource + ?Sized>(call: &'a TypedCall, source: &'a S) -> Extracted<'a> {
    match (call.function, &*call.args) {
        (Function::Join | Function::Concat | Function::GetOpt, args) => combined(call, args, source),
        (function, [arg]) => mapped(function, argument(arg, source)),
        // The compiler refuses any other number of arguments.
        _ => Extracted::Absent,
    }
}

fn argument<'a, S: FieldSource + ?Sized>(arg: &'a TypedArg, source: &'a S) -> Extracted<'a> {
    match arg {
        TypedArg::Text(text) => Extracted::text(text),
        TypedArg::Operand(inner) => operand(inner, source),
        TypedArg::List(_) => match list(arg, source, Form::Resolved, &mut false) {
            Ok(items) => Extracted::List(items.into_iter().map(|item| Value::Text(item.into())).collect()),
            Err(missing) => missing.into(),
        },
    }
}

fn mapped(function: Function, extracted: Extracted<'_>) -> Extracted<'_> {
    let text = |path: Cow<'_, [u8]>| match applied(function, Value::Text(path.into_owned().into()))? {
        Value::Text(text) => Some(text.into_owned()),
        _ => None,
    };
    match extracted {
        Extracted::Absent => Extracted::Absent,
        Extracted::Unknown => Extracted::Unknown,
        Extracted::One(Value::List(items)) | Extracted::List(items) if function == Function::Len => {
            Extracted::One(Value::U64(items.len() as u64))
        }
        Extracted::One(value) => applied(function, value).map_or(Extracted::Absent, Extracted::One),
        Extracted::Path { resolved, .. } if function == Function::Len => Extracted::One(Value::U64(length(&resolved))),
        Extracted::Path { resolved, lexical } => match text(resolved) {
            Some(resolved) => {
                Extracted::Path { resolved: resolved.into(), lexical: lexical.and_then(text).map(Cow::Owned) }
            }
            None => Extracted::Absent,
        },
        Extracted::Any(values) => {
            Extracted::Any(values.into_iter().filter_map(|value| applied(function, value)).collect())
        }
        // The compiler lets only `len` have a list.
        Extracted::List(_) => Extracted::Absent,
    }
}

fn applied(function: Function, value: Value<'_>) -> Option<Value<'_>> {
    Some(match (function, value) {
        (Function::ToLower, Value::Text(text)) => Value::Text(text.to_ascii_lowercase().into()),
        (Function::ToUpper, Value::Text(text)) => Value::Text(text.to_ascii_uppercase().into()),
        (Function::Basename, Value::Text(text)) => Value::Text(basename(text)),
        (Function::Len, Value::Text(text)) => Value::U64(length(&text)),
        (Function::Len, Value::Bytes(bytes)) => Value::U64(bytes.len() as u64),
        (Function::B64, Value::Text(text)) => Value::Text(BASE64.decode(&*text).ok()?.into()),
        (Function::B64, Value::Bytes(bytes)) => Value::Bytes(BASE64.decode(&*bytes).ok()?.into()),
        _ => return None,
    })
}

fn basename(text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    let start = text.iter().rposition(|b| *b == b'/').map_or(0, |slash| slash + 1);
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(start..).unwrap_or_default()),
        Cow::Owned(mut text) => Cow::Owned(text.split_off(start)),
    }
}

/// Length of a text: what stands before the first zero byte.
fn length(text: &[u8]) -> u64 {
    text.iter().take_while(|b| **b != 0).count() as u64
}

/// Which form of paths to use.
#[derive(Clone, Copy)]
enum Form {
    Resolved,
    Lexical,
}

/// Why an argument gives nothing to work with.
enum Missing {
    Absent,
    Unknown,
}

impl From<Missing> for Extracted<'_> {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Absent => Self::Absent,
            Missing::Unknown => Self::Unknown,
        }
    }
}

/// A transformer of several arguments: once on the resolved forms, and if a lexical form was seen once more on those.
fn combined<'a, S: FieldSource + ?Sized>(call: &TypedCall, args: &'a [TypedArg], source: &'a S) -> Extracted<'a> {
    if call.function == Function::GetOpt {
        return options(call, args, source).unwrap_or_else(Extracted::from);
    }
    let mut has_lexical = false;
    let resolved = match one_text(call.function, args, source, Form::Resolved, &mut has_lexical) {
        Ok(text) => text,
        Err(missing) => return missing.into(),
    };
    if !has_lexical {
        return Extracted::One(Value::Text(resolved.into()));
    }
    let lexical = one_text(call.function, args, source, Form::Lexical, &mut has_lexical).ok();
    Extracted::Path { resolved: resolved.into(), lexical: lexical.map(Cow::Owned) }
}

fn one_text<'a, S: FieldSource + ?Sized>(
    function: Function,
    args: &'a [TypedArg],
    source: &'a S,
    form: Form,
    has_lexical: &mut bool,
) -> Result<Vec<u8>, Missing> {
    match (function, args) {
        (Function::Join, [separator, items]) => {
            let separator = single(separator, source, form, has_lexical)?;
            Ok(list(items, source, form, has_lexical)?.join(&*separator))
        }
        _ => {
            let mut whole = Vec::new();
            for arg in args {
                whole.extend_from_slice(&single(arg, source, form, has_lexical)?);
            }
            Ok(whole)
        }
    }
}

fn single<'a, S: FieldSource + ?Sized>(
    arg: &'a TypedArg,
    source: &'a S,
    form: Form,
    has_lexical: &mut bool,
) -> Result<Cow<'a, [u8]>, Missing> {
    match (argument(arg, source), form) {
        (Extracted::One(Value::Text(text) | Value::Bytes(text)), _) => Ok(text),
        (Extracted::Path { lexical: Some(lexical), .. }, Form::Lexical) => Ok(lexical),
        (Extracted::Path { resolved, lexical }, _) => {
            *has_lexical |= lexical.is_some();
            Ok(resolved)
        }
        (Extracted::Unknown, _) => Err(Missing::Unknown),
        _ => Err(Missing::Absent),
    }
}

fn list<'a, S: FieldSource + ?Sized>(
    arg: &'a TypedArg,
    source: &'a S,
    form: Form,
    has_lexical: &mut bool,
) -> Result<Vec<Vec<u8>>, Missing> {
    if let TypedArg::List(items) = arg {
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match single(item, source, form, has_lexical) {
                Ok(text) => texts.push(text.into_owned()),
                Err(Missing::Absent) => {}
                Err(Missing::Unknown) => return Err(Missing::Unknown),
            }
        }
        return Ok(texts);
    }
    match argument(arg, source) {
        Extracted::List(items) | Extracted::One(Value::List(items)) => {
            Ok(items.iter().filter_map(|item| item.as_bytes().map(<[u8]>::to_vec)).collect())
        }
        Extracted::Unknown => Err(Missing::Unknown),
        _ => Err(Missing::Absent),
    }
}

fn options<'a, S: FieldSource + ?Sized>(
    call: &TypedCall,
    args: &'a [TypedArg],
    source: &'a S,
) -> Result<Extracted<'a>, Missing> {
    let [items, letters] = args else { return Err(Missing::Absent) };
    let items = list(items, source, Form::Resolved, &mut false)?;
    let letters = single(letters, source, Form::Resolved, &mut false)?;
    let found = getopt(&items, &letters);
    let Some(wanted) = call.option else {
        let pair = |(letter, value): (u8, Option<Vec<u8>>)| match value {
            Some(value) => [&[letter, b' '], &*value].concat(),
            None => vec![letter],
        };
        return Ok(Extracted::List(found.into_iter().map(|item| Value::Text(pair(item).into())).collect()));
    };
    let last = found.into_iter().rev().find(|(letter, _)| *letter == wanted).ok_or(Missing::Absent)?;
    Ok(Extracted::One(Value::Text(last.1.unwrap_or_else(|| vec![wanted]).into())))
}

/// Splits command line arguments into option letters and values as getopt(3) does.
///
/// `letters` names the options; one colon after a letter means it takes a value, two that the value, if any, is
/// attached. Unknown letters and missing values give `?`. Arguments that are no options are passed over, unless
/// `letters` starts with `+`, which ends at the first; `--` always ends.
fn getopt(args: &[Vec<u8>], letters: &[u8]) -> Vec<(u8, Option<Vec<u8>>)> {
    let (stops, letters) = match letters {
        [b'+', rest @ ..] => (true, rest),
        [b'-' | b':', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    let mut found = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_slice() {
            b"--" => break,
            [b'-', cluster @ ..] if !cluster.is_empty() => letters_of(cluster, letters, &mut rest, &mut found),
            _ if stops => break,
            _ => {}
        }
    }
    found
}

fn letters_of<'a>(
    mut cluster: &[u8],
    letters: &[u8],
    rest: &mut impl Iterator<Item = &'a Vec<u8>>,
    found: &mut Vec<(u8, Option<Vec<u8>>)>,
) {
    while let Some((letter, after)) = cluster.split_first() {
        cluster = after;
        let known = letters.iter().position(|known| known == letter).filter(|_| *letter != b':');
        let colons = known.map(|at| letters.iter().skip(at + 1).take_while(|b| **b == b':').count());
        let value = match colons {
            None => {
                found.push((b'?', None));
                continue;
            }
            Some(0) => {
                found.push((*letter, None));
                continue;
            }
            Some(_) if !after.is_empty() => Some(after.to_vec()),
            Some(1) => rest.next().cloned(),
            Some(_) => {
                found.push((*letter, None));
                return;
            }
        };
        found.push(if value.is_some() { (*letter, value) } else { (b'?', None) });
        return;
    }
}

impl TypedOperand {
    /// The operand's value for one event, transformers applied.
    pub fn extract<'a, S: FieldSource + ?Sized>(&'a self, source: &'a S) -> Extracted<'a> {
        operand(self, source)
    }

    /// The field, if the operand is one without transformer.
    #[must_use]
    pub fn as_field(&self) -> Option<&FieldRef> {
        match self {
            Self::Field(field) => Some(field),
            Self::Call(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options_of(args: &[&str], letters: &str) -> String {
        let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
        let shown = |(letter, value): (u8, Option<Vec<u8>>)| match value {
            Some(value) => format!("{} {}", char::from(letter), String::from_utf8_lossy(&value)),
            None => char::from(letter).to_string(),
        };
        getopt(&args, letters.as_bytes()).into_iter().map(shown).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn options_follow_getopt() {
        let cases: [(&[&str], &str, &str); 14] = [
            (&["-l", "-p", "80"], "lp:", "l,p 80"),
            (&["-lp80"], "lp:", "l,p 80"),
            (&["-x"], "l", "?"),
            (&["-lxl"], "l", "l,?,l"),
            (&["-p"], "p:", "?"),
            (&["file", "-l"], "l", "l"),
            (&["file", "-l"], "+l", ""),
            (&["-l", "--", "-l"], "l", "l"),
            (&["-"], "l", ""),
            (&["-o", "x"], "o::", "o"),
            (&["-ox"], "o::", "o x"),
            (&["-:"], "a:", "?"),
            (&["-p", "-l"], "lp:", "p -l"),
            (&[], "l", ""),
        ];
        for (args, letters, expected) in cases {
            assert_eq!(options_of(args, letters), expected, "{args:?} {letters}");
        }
    }

    #[test]
    fn basename_and_length_work_on_bytes() {
        for (text, base) in [("/a/b", "b"), ("b", "b"), ("/a/", ""), ("", "")] {
            assert_eq!(&*basename(Cow::Borrowed(text.as_bytes())), base.as_bytes());
            assert_eq!(&*basename(Cow::Owned(text.as_bytes().to_vec())), base.as_bytes());
        }
        assert_eq!((length(b"ab\0c"), length(b"")), (2, 0));
    }

    #[test]
    fn base64_needs_no_padding() {
        for text in ["aGk=", "aGk"] {
            assert_eq!(applied(Function::B64, Value::text(text.as_bytes())), Some(Value::text(b"hi")), "{text}");
        }
        assert_eq!(applied(Function::B64, Value::text(b"!")), None);
        assert_eq!(applied(Function::B64, Value::Bytes(b"aGk"[..].into())), Some(Value::Bytes(b"hi"[..].into())));
    }
}
