//! The rule engine: rule files to a [`Ruleset`], events to alerts.
//!
//! ```text
//! rule files --loader--> Ruleset
//! record --decode--> state.before --> rules over EventView --> Alert --> state.after
//! ```
//! Live detection and replay share all of it: what the engine knows it learned from records, so the same records give
//! the same alerts, byte for byte. `docs/rules.md` describes rule files for their authors.
#![forbid(unsafe_code)]

mod alert;
mod engine;
mod extract;
mod format;
mod interest;
mod loader;
mod priority;
mod ruleset;
pub mod ruletest;

pub use alert::{Alert, condition_values};
pub use engine::{Engine, EngineStats};
pub use extract::{EventView, Times};

pub use format::{FieldValue, FormatError, FormatWarning, Formatted, Formatter, MISSING};
pub use interest::{Interest, KnownEvents, state_needs};
pub use loader::{
    LoadConfig, LoadError, LoadFailure, LoadWarning, Loaded, MAX_FILE_BYTES, Pos, ReadError, SourceFile, WarningCode,
    load,
};
pub use priority::{Priority, UnknownPriority};
pub use ruleset::{EventTypeIndex, Matching, Rule, RuleId, Ruleset, compile_condition};

/// The source all rules are for, as `source` and `evt.source` name it.
pub const SOURCE: &str = "syscall";
