//! The condition language: text to syntax tree, tree to typed filter, filter to verdict.
//!
//! ```text
//! text --expand_lists--> text --parse--> Expr --substitute--> Expr --Filter::compile--> Filter --eval--> Verdict
//! ```
//! This crate knows fields by name and type ([`FieldRegistry`]) and asks a [`FieldSource`] for their values; it
//! knows nothing of where values come from. `docs/conditions.md` describes the language for rule authors.
//!
//! ```
//! use saker_filter::{EventNames, Extracted, FieldId, FieldRef, FieldSource, Filter, Limits, Verdict, parse};
//!
//! struct Known;
//! impl EventNames for Known {
//!     fn is_known(&self, name: &str) -> bool {
//!         name == "open"
//!     }
//! }
//!
//! struct Opened;
//! impl FieldSource for Opened {
//!     fn extract<'a>(&'a self, field: &FieldRef) -> Extracted<'a> {
//!         match field.id {
//!             FieldId::EvtType => Extracted::text(b"open"),
//!             FieldId::FdName => Extracted::text(b"/etc/shadow"),
//!             _ => Extracted::Absent,
//!         }
//!     }
//! }
//!
//! let text = "evt.type = open and fd.name startswith /etc/";
//! let filter = Filter::compile(&parse(text, &Limits::for_rules())?, &Known)?;
//! assert_eq!(filter.eval(&Opened), Verdict::True);
//! assert!(filter.event_types().contains("open"));
//!
//! let error = parse("evt.type open", &Limits::for_rules()).unwrap_err();
//! assert_eq!(error.render("evt.type open", 80), "evt.type open\n         ^");
//! # Ok::<(), saker_filter::ConditionError>(())
//! ```
//!
//! Every step is bounded: text length, nesting, nodes after macro substitution, constant length, and the size of
//! compiled regular expressions. Nothing here panics on input, and no input makes a step exponential.
#![forbid(unsafe_code)]

mod ast;
mod compile;
mod error;
mod event_types;
mod expand;
pub mod fields;
mod lexer;
mod macros;
mod naive;
mod parser;
mod pattern;
mod services;
mod transform;
mod typed;
mod value;

pub use ast::{
    Arg, BinaryCheck, Call, Expr, ExprKind, FieldExpr, Function, Literal, MAX_DEPTH, Modifier, Operand, Operator, Rhs,
    UnaryCheck,
};
pub use compile::{EventNames, Warning, WarningKind};
pub use error::{ConditionError, ErrorKind, SourceId, Span};
pub use event_types::TypeSet;
pub use expand::{Expanded, expand_lists};
pub use fields::{
    ArgRule, Class, FieldArg, FieldError, FieldFlags, FieldId, FieldInfo, FieldRef, FieldRegistry, FieldType,
};
pub use macros::MAX_NODES;
pub use naive::Verdict;
pub use parser::{Limits, parse, parse_from};
pub use pattern::{Glob, IpNet, PathSet, Pattern, PatternError};
pub use services::{port_of, service_of};
pub use typed::{Constant, Filter, Node, NodeId, Polarity, Test, TestId, TypedArg, TypedCall, TypedOperand, TypedRhs};
pub use value::{Extracted, FieldSource, Value};
