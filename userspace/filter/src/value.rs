//! Values of fields, and who provides them.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::fields::FieldRef;

/// One value of a field. Borrowed where the source has it in memory.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// True or false.
    Bool(bool),
    /// Signed whole number.
    I64(i64),
    /// Unsigned whole number: also ports, times and durations in nanoseconds.
    U64(u64),
    /// Floating point number.
    Double(f64),
    /// Text, usually but not always UTF-8.
    Text(Cow<'a, [u8]>),
    /// Raw bytes.
    Bytes(Cow<'a, [u8]>),
    /// Address.
    Ip(IpAddr),
    /// Several values.
    List(Vec<Value<'a>>),
}

impl<'a> Value<'a> {
    /// Text borrowed from the source.
    #[must_use]
    pub const fn text(bytes: &'a [u8]) -> Self {
        Self::Text(Cow::Borrowed(bytes))
    }

    /// The bytes of a text or of raw bytes.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Text(bytes) | Self::Bytes(bytes) => Some(bytes),
            Self::Bool(_) | Self::I64(_) | Self::U64(_) | Self::Double(_) | Self::Ip(_) | Self::List(_) => None,
        }
    }
}

/// Answer of a [`FieldSource`].
#[derive(Clone, Debug, PartialEq)]
pub enum Extracted<'a> {
    /// The field has no value here: every check on it is false.
    Absent,
    /// The value is on its way (container data being fetched): a check on it is neither true nor false yet.
    Unknown,
    /// One value.
    One(Value<'a>),
    /// A path, as the kernel resolved it and as the caller's text reads, if that differs.
    Path {
        /// What the kernel opened.
        resolved: Cow<'a, [u8]>,
        /// The caller's path made absolute without following links.
        lexical: Option<Cow<'a, [u8]>>,
    },
    /// Several candidates of which any may satisfy a check: all ancestors, both ends of a connection.
    Any(Vec<Value<'a>>),
    /// The elements of a list field. An empty list counts as absent.
    List(Vec<Value<'a>>),
}

impl<'a> Extracted<'a> {
    /// One text borrowed from the source.
    #[must_use]
    pub const fn text(bytes: &'a [u8]) -> Self {
        Self::One(Value::text(bytes))
    }
}

/// Provides the values of fields for one event.
pub trait FieldSource {
    /// The value of a field. Called once per check and event unless short-circuited; should not allocate for the
    /// common fields.
    fn extract<'a>(&'a self, field: &FieldRef) -> Extracted<'a>;
}
