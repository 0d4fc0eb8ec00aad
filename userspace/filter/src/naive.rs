//! Evaluates a filter by walking it: the meaning of conditions, which every faster way must agree with.
//!
//! **Three values.** A check is true, false, or unknown while a value it needs is on its way. `not` keeps unknown;
//! `and` is false if any part is false, else unknown if any is unknown; `or` is true if any part is true, else unknown
//! if any is unknown. A field without a value makes its check false whatever the operator: `x != a` is false,
//! `not x = a` is true.
//!
//! **Paths.** A path field has a resolved value (what the kernel opened) and maybe a lexical one (what the caller's
//! text says). A check under an even number of negations holds if it holds on either, so that neither a link nor its
//! target goes unseen; under an odd number only the resolved value counts, else anyone could buy an exclusion with a
//! link of the right name. `x != v` is the negation of `x = v`, so it flips once more:
//!
//! | written | holds if |
//! |---|---|
//! | `fd.name = v` | resolved is v, or lexical is |
//! | `not fd.name = v` | resolved is not v |
//! | `fd.name != v` | resolved is not v |
//! | `not fd.name != v` | resolved is v, or lexical is |
//!
//! **Several candidates.** For all ancestors a check holds if one of them satisfies it. For both ends of a connection
//! it does too, except `!=`, which both must satisfy.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use crate::ast::{Modifier, Operator};
use crate::pattern::Glob;
use crate::transform::operand;
use crate::typed::{Constant, Filter, Node, NodeId, Polarity, Test, TypedRhs};
use crate::value::{Extracted, FieldSource, Value};

/// Result of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It holds.
    True,
    /// It does not.
    False,
    /// It depends on a value that is on its way.
    Unknown,
}

impl Verdict {
    const fn negated(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

impl From<bool> for Verdict {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl Filter {
    /// Evaluates the filter on one event, left to right, no further than needed.
    pub fn eval<S: FieldSource + ?Sized>(&self, source: &S) -> Verdict {
        self.eval_node(self.root, source)
    }

    fn eval_node<S: FieldSource + ?Sized>(&self, id: NodeId, source: &S) -> Verdict {
        match self.node(id) {
            Node::And(parts) => self.eval_parts(parts, Verdict::False, source),
            Node::Or(parts) => self.eval_parts(parts, Verdict::True, source),
            Node::Not(inner) => self.eval_node(*inner, source).negated(),
            Node::Test(test) => self.test(*test).eval(source),
        }
    }

    /// `decisive` ends the walk; an unknown part leaves the result unknown unless a later one decides.
    fn eval_parts<S: FieldSource + ?Sized>(&self, parts: &[NodeId], decisive: Verdict, source: &S) -> Verdict {
        let mut result = decisive.negated();
        for part in parts {
            match self.eval_node(*part, source) {
                verdict if verdict == decisive => return decisive,
                Verdict::Unknown => result = Verdict::Unknown,
                _ => {}
            }
        }
        result
    }
}

impl Test {
    /// Evaluates the check on one event.
    #[inline(never)]
    pub fn eval<S: FieldSource + ?Sized>(&self, source: &S) -> Verdict {
        let lhs = operand(&self.lhs, source);
        let TypedRhs::Operand(rhs) = &self.rhs else {
            return match &lhs {
                Extracted::Absent => Verdict::False,
                Extracted::Unknown => Verdict::Unknown,
                lhs if is_empty(lhs) => Verdict::False,
                _ if self.op == Operator::Exists => Verdict::True,
                lhs => self.holds(lhs, |value| self.matches_constants(value)).into(),
            };
        };
        match (&lhs, &operand(rhs, source)) {
            (Extracted::Absent, _) | (_, Extracted::Absent) => Verdict::False,
            (Extracted::Unknown, _) | (_, Extracted::Unknown) => Verdict::Unknown,
            (lhs, rhs) if is_empty(lhs) || is_empty(rhs) => Verdict::False,
            (lhs, rhs) => self.holds(lhs, |value| self.matches_field(value, rhs)).into(),
        }
    }

    /// Whether both forms of a path count, or its resolved form alone.
    fn uses_lexical(&self) -> bool {
        (self.op == Operator::Ne) == (self.polarity == Polarity::Exclusive)
    }

    fn holds(&self, lhs: &Extracted<'_>, test: impl Fn(&Value<'_>) -> bool) -> bool {
        match lhs {
            Extracted::Absent | Extracted::Unknown => false,
            Extracted::List(items) | Extracted::One(Value::List(items)) => {
                if self.op == Operator::In {
                    items.iter().all(test)
                } else {
                    items.iter().any(test)
                }
            }
            Extracted::One(value) => test(value),
            Extracted::Any(values) if self.op == Operator::Ne && self.tests_endpoints() => values.iter().all(test),
            Extracted::Any(values) => values.iter().any(test),
            Extracted::Path { resolved, lexical } => {
                let on = |path: &Cow<'_, [u8]>| test(&Value::text(path));
                match lexical.as_ref().filter(|_| self.uses_lexical()) {
                    None => on(resolved),
                    Some(lexical) if self.op == Operator::Ne => on(resolved) && on(lexical),
                    Some(lexical) => on(resolved) || on(lexical),
                }
            }
        }
    }

    fn matches_constants(&self, value: &Value<'_>) -> bool {
        match &self.rhs {
            TypedRhs::Texts(texts) => {
                value.as_bytes().is_some_and(|bytes| texts.binary_search_by(|text| (**text).cmp(bytes)).is_ok())
            }
            TypedRhs::Paths(paths) => value.as_bytes().is_some_and(|bytes| paths.holds(bytes)),
            TypedRhs::Values(constants) => {
                let each = |constant: &&Constant| satisfies(self.op, value, constant);
                match self.modifier {
                    Some(Modifier::OneOf) => constants.iter().filter(each).count() == 1,
                    Some(Modifier::AllOf) => !constants.is_empty() && constants.iter().all(|constant| each(&constant)),
                    Some(Modifier::AnyOf) | None => constants.iter().any(|constant| each(&constant)),
                }
            }
            TypedRhs::None | TypedRhs::Operand(_) => false,
        }
    }

    fn matches_field(&self, value: &Value<'_>, rhs: &Extracted<'_>) -> bool {
        let each = |other: &Value<'_>| satisfies_field(self.op, value, other);
        match rhs {
            Extracted::Absent | Extracted::Unknown => false,
            Extracted::One(Value::List(items)) | Extracted::List(items) | Extracted::Any(items) => {
                items.iter().any(each)
            }
            Extracted::One(other) => each(other),
            Extracted::Path { resolved, lexical } => {
                let on = |path: &Cow<'_, [u8]>| each(&Value::text(path));
                match lexical.as_ref().filter(|_| self.uses_lexical()) {
                    None => on(resolved),
                    Some(lexical) if self.op == Operator::Ne => on(resolved) && on(lexical),
                    Some(lexical) => on(resolved) || on(lexical),
                }
            }
        }
    }
}

fn is_empty(extracted: &Extracted<'_>) -> bool {
    match extracted {
        Extracted::List(items) | Extracted::Any(items) | Extracted::One(Value::List(items)) => items.is_empty(),
        Extracted::Absent | Extracted::Unknown | Extracted::One(_) | Extracted::Path { .. } => false,
    }
}

/// A value as comparisons see it.
#[derive(Clone, Copy)]
enum Scalar<'a> {
    Bool(bool),
    Int(i128),
    Double(f64),
    Bytes(&'a [u8]),
    Ip(IpAddr),
}

impl Scalar<'_> {
    /// Order of two values; none if they are not of one kind.
    fn order(self, other: Self) -> Option<Ordering> {
        // Both ways round trip for every whole number a rule would compare a double with.
        let double = |int: i128| int as f64;
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(&b)),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(&b)),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(&b),
            (Self::Int(a), Self::Double(b)) => double(a).partial_cmp(&b),
            (Self::Double(a), Self::Int(b)) => a.partial_cmp(&double(b)),
            (Self::Bytes(a), Self::Bytes(b)) => Some(a.cmp(b)),
            // Different families order but never equal, which is what `=` and `!=` need.
            (Self::Ip(a), Self::Ip(b)) => Some(a.cmp(&b)),
            _ => None,
        }
    }
}

fn scalar<'v>(value: &'v Value<'_>) -> Option<Scalar<'v>> {
    Some(match value {
        Value::Bool(b) => Scalar::Bool(*b),
        Value::I64(n) => Scalar::Int(i128::from(*n)),
        Value::U64(n) => Scalar::Int(i128::from(*n)),
        Value::Double(n) => Scalar::Double(*n),
        Value::Text(bytes) | Value::Bytes(bytes) => Scalar::Bytes(bytes),
        Value::Ip(address) => Scalar::Ip(*address),
        Value::List(_) => return None,
    })
}

fn satisfies(op: Operator, value: &Value<'_>, constant: &Constant) -> bool {
    let bytes = || value.as_bytes();
    let other = match constant {
        Constant::Glob(glob) => return bytes().is_some_and(|bytes| glob.matches(bytes)),
        Constant::Regex(pattern) => return bytes().is_some_and(|bytes| pattern.matches(bytes)),
        Constant::Net(net) => {
            return matches!(value, Value::Ip(address) if net.contains(*address) != (op == Operator::Ne));
        }
        Constant::Bool(b) => Scalar::Bool(*b),
        Constant::Int(n) => Scalar::Int(*n),
        Constant::Text(text) => Scalar::Bytes(text),
        Constant::Ip(address) => Scalar::Ip(*address),
        Constant::Dynamic { text, number } => match (bytes(), number) {
            (None, Some(number)) => Scalar::Int(*number),
            _ => return dynamic(op, value, text),
        },
    };
    scalar(value).is_some_and(|value| compare(op, value, other))
}

/// A dynamic value against the text of a constant: as text, or as the words for true and false, or as an address.
fn dynamic(op: Operator, value: &Value<'_>, text: &[u8]) -> bool {
    let written = || std::str::from_utf8(text).unwrap_or_default();
    let other = match value {
        Value::Text(_) | Value::Bytes(_) => Some(Scalar::Bytes(text)),
        Value::Bool(_) => written().parse().ok().map(Scalar::Bool),
        Value::Ip(_) => written().parse().ok().map(Scalar::Ip),
        Value::I64(_) | Value::U64(_) | Value::Double(_) | Value::List(_) => None,
    };
    match (scalar(value), other) {
        (Some(value), Some(other)) => compare(op, value, other),
        // Of another kind, so different.
        _ => op == Operator::Ne,
    }
}

fn satisfies_field(op: Operator, value: &Value<'_>, other: &Value<'_>) -> bool {
    let glob = |compiled: fn(&[u8]) -> Result<Glob, _>| match (value.as_bytes(), other.as_bytes()) {
        (Some(text), Some(pattern)) => compiled(pattern).is_ok_and(|glob| glob.matches(text)),
        _ => false,
    };
    match op {
        Operator::Glob => glob(Glob::new),
        Operator::IGlob => glob(Glob::new_folded),
        _ => match (scalar(value), scalar(other)) {
            (Some(value), Some(other)) => compare(op, value, other),
            _ => false,
        },
    }
}

fn compare(op: Operator, value: Scalar<'_>, other: Scalar<'_>) -> bool {
    let order = || value.order(other);
    let bytes = |test: fn(&[u8], &[u8]) -> bool| match (value, other) {
        (Scalar::Bytes(value), Scalar::Bytes(other)) => test(value, other),
        _ => false,
    };
    match op {
        Operator::Eq | Operator::In | Operator::Intersects => order() == Some(Ordering::Equal),
        Operator::Ne => order() != Some(Ordering::Equal),
        Operator::Lt => order().is_some_and(Ordering::is_lt),
        Operator::Le => order().is_some_and(Ordering::is_le),
        Operator::Gt => order().is_some_and(Ordering::is_gt),
        Operator::Ge => order().is_some_and(Ordering::is_ge),
        Operator::Contains | Operator::BContains => bytes(|value, part| holds_part(value, part, <[u8]>::eq)),
        Operator::IContains => bytes(|value, part| holds_part(value, part, <[u8]>::eq_ignore_ascii_case)),
        Operator::StartsWith | Operator::BStartsWith => bytes(<[u8]>::starts_with),
        Operator::EndsWith => bytes(<[u8]>::ends_with),
        // Patterns and sets are constants of their own kind, met before.
        Operator::Glob | Operator::IGlob | Operator::Regex | Operator::PMatch | Operator::Exists => false,
    }
}

fn holds_part(value: &[u8], part: &[u8], same: fn(&[u8], &[u8]) -> bool) -> bool {
    part.is_empty() || value.windows(part.len()).any(|window| same(window, part))
}

#[cfg(test)]
#[path = "naive_tests.rs"]
mod tests;
