//! Constants: from the bytes of a literal to the type on its left.

use std::net::IpAddr;

use crate::ast::{Function, Literal, Operator};
use crate::compile::{Compiler, Warning, WarningKind};
use crate::error::{ConditionError, ErrorKind, quoted};
use crate::fields::{FieldRef, FieldType, starts_with_field};
use crate::pattern::{Glob, Pattern, PatternError};
use crate::services::port_of;
use crate::typed::Constant;

/// Longest constant, in bytes.
const MAX_BYTES: usize = 255;

/// Checks what holds for every constant.
pub(super) fn check_bytes(literal: &Literal) -> Result<(), ConditionError> {
    if literal.bytes.len() > MAX_BYTES {
        let message = format!("the constant has {} bytes, more than {MAX_BYTES}", literal.bytes.len());
        return Err(ConditionError::new(
            ErrorKind::TooLarge,
            literal.span,
            message,
            "a long constant",
            "a shorter one",
        ));
    }
    if literal.bytes.contains(&0) {
        return Err(refused(literal, "a zero byte in a text is never matched", "text without zero bytes"));
    }
    Ok(())
}

/// The error for a constant that does not fit.
pub(super) fn refused(literal: &Literal, problem: &str, expected: &str) -> ConditionError {
    let found = quoted(&String::from_utf8_lossy(&literal.bytes));
    ConditionError::new(ErrorKind::Value, literal.span, format!("{found}: {problem}"), &found, expected)
}

/// Converts a constant for `op` on a value of type `ty`.
pub(super) fn convert(literal: &Literal, op: Operator, ty: FieldType) -> Result<Constant, ConditionError> {
    match op {
        Operator::Glob => return pattern(literal, Glob::new(&literal.bytes).map(Constant::Glob)),
        Operator::IGlob => return pattern(literal, Glob::new_folded(&literal.bytes).map(Constant::Glob)),
        Operator::Regex => return regex(literal),
        Operator::BContains | Operator::BStartsWith => return hex(literal),
        _ => {}
    }
    match ty {
        FieldType::Bool => boolean(literal),
        FieldType::Text | FieldType::Bytes => Ok(Constant::Text(literal.bytes.clone())),
        FieldType::Ip => ip(literal),
        FieldType::Net => pattern(
            literal,
            text(literal).and_then(|text| text.parse().ok()).map(Constant::Net).ok_or(PatternError::Net),
        ),
        FieldType::Dynamic => dynamic(literal, op),
        FieldType::Port => port(literal),
        FieldType::Int16
        | FieldType::Int32
        | FieldType::Int64
        | FieldType::Uint32
        | FieldType::Uint64
        | FieldType::RelTime
        | FieldType::AbsTime
        | FieldType::Double => whole(literal, ty),
    }
}

fn text(literal: &Literal) -> Option<&str> {
    std::str::from_utf8(&literal.bytes).ok()
}

fn number(literal: &Literal) -> Option<i128> {
    text(literal)?.parse().ok()
}

fn pattern(literal: &Literal, made: Result<Constant, PatternError>) -> Result<Constant, ConditionError> {
    made.map_err(|error| refused(literal, &error.to_string(), "a pattern"))
}

fn regex(literal: &Literal) -> Result<Constant, ConditionError> {
    let Some(text) = text(literal) else {
        return Err(refused(literal, "a regular expression must be UTF-8", "a regular expression"));
    };
    pattern(literal, Pattern::new(text).map(Constant::Regex))
}

fn hex(literal: &Literal) -> Result<Constant, ConditionError> {
    let expected = "an even number of hexadecimal digits";
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    let bytes: Option<Box<[u8]>> = literal.bytes.chunks(2).map(pair).collect();
    match bytes {
        Some(bytes) if !bytes.is_empty() => Ok(Constant::Text(bytes)),
        _ => Err(refused(literal, &format!("not {expected}"), expected)),
    }
}

fn boolean(literal: &Literal) -> Result<Constant, ConditionError> {
    match &*literal.bytes {
        b"true" => Ok(Constant::Bool(true)),
        b"false" => Ok(Constant::Bool(false)),
        _ => Err(refused(literal, "not `true` or `false`", "`true` or `false`")),
    }
}

fn ip(literal: &Literal) -> Result<Constant, ConditionError> {
    let address: Option<IpAddr> = text(literal).and_then(|text| text.parse().ok());
    address.map(Constant::Ip).ok_or_else(|| refused(literal, "not an IPv4 or IPv6 address", "an address"))
}

fn dynamic(literal: &Literal, op: Operator) -> Result<Constant, ConditionError> {
    let number = number(literal);
    if number.is_none() && matches!(op, Operator::Lt | Operator::Le | Operator::Gt | Operator::Ge) {
        return Err(refused(literal, "not a decimal whole number", "a decimal whole number"));
    }
    Ok(Constant::Dynamic { text: literal.bytes.clone(), number })
}

fn port(literal: &Literal) -> Result<Constant, ConditionError> {
    if let Some(port) = text(literal).and_then(port_of) {
        return Ok(Constant::Int(i128::from(port)));
    }
    if literal.bytes.first().is_some_and(u8::is_ascii_alphabetic) {
        return Err(refused(literal, "not a known service, use the port number", "a port or the name of a service"));
    }
    whole(literal, FieldType::Port)
}

fn whole(literal: &Literal, ty: FieldType) -> Result<Constant, ConditionError> {
    let Some(number) = number(literal) else {
        return Err(refused(literal, "not a decimal whole number", "a decimal whole number"));
    };
    match ty.range() {
        Some((least, most)) if !(least..=most).contains(&number) => {
            let expected = format!("a number from {least} to {most}");
            Err(refused(literal, &format!("does not fit {ty}, which holds {least} to {most}"), &expected))
        }
        _ => Ok(Constant::Int(number)),
    }
}

impl Compiler<'_> {
    /// Warns if a text constant reads like something that would have been evaluated without quotes or with `val`.
    pub(super) fn warn_about(&mut self, ty: FieldType, literal: &Literal) {
        let Some(text) = text(literal).filter(|_| ty == FieldType::Text) else { return };
        let call =
            Function::ALL.iter().find(|f| text.strip_prefix(f.as_str()).is_some_and(|rest| rest.starts_with('(')));
        let (kind, message) = if text.contains('.') && starts_with_field(text) && FieldRef::parse_exact(text).is_ok() {
            let advice = format!("{} is compared as a text; for the field's value write `val({text})`", quoted(text));
            (WarningKind::LooksLikeField, advice)
        } else if let Some(function) = call {
            let advice = format!("{} is compared as a text; to apply `{function}` remove the quotes", quoted(text));
            (WarningKind::LooksLikeTransformer, advice)
        } else {
            return;
        };
        self.warnings.push(Warning { kind, span: literal.span, message });
    }
}
