//! Loading rules: YAML text to a [`Ruleset`].
//!
//! ```text
//! file --reader--> items --collector--> lists, macros, rules --resolver--> trees --compiler--> Ruleset
//! ```
//! Each stage takes the type the one before it makes, so nothing unresolved can reach the compiler. All files feed one
//! collector in order: a file can append to and override what files before it define. Mistakes are collected, not
//! thrown at the first: [`LoadFailure`] holds up to 200, each with its place and source line.
//!
//! Limits: 16 MiB a file, 2 million YAML values, nesting of 32, 200,000 items; conditions as `saker_filter` bounds them.

mod collector;
mod compiler;
mod error;
mod exceptions;
mod item;
mod parallel;
mod reader;
mod resolver;
mod source;
#[cfg(test)]
mod tests;
mod yaml;

use std::sync::Arc;

pub use error::{LoadError, LoadFailure, LoadWarning, WarningCode};
pub(crate) use source::Place;
pub use source::{MAX_FILE_BYTES, Pos, ReadError, SourceFile};

use crate::priority::Priority;
use crate::ruleset::{Matching, Ruleset};

/// How rules are loaded.
#[derive(Clone, Debug)]
pub struct LoadConfig {
    /// Weakest priority that runs; weaker rules are loaded and stay disabled.
    pub priority: Priority,
    /// What happens once a rule has matched an event.
    pub matching: Matching,
    /// Whether outputs get the container and pod fields added.
    pub suggested_output: bool,
}

impl Default for LoadConfig {
    fn default() -> Self {
        Self { priority: Priority::Debug, matching: Matching::All, suggested_output: true }
    }
}

/// Rules ready to run, and what was noticed on the way.
#[derive(Debug)]
pub struct Loaded {
    /// The rules.
    pub ruleset: Ruleset,
    /// What deserves attention.
    pub warnings: Vec<LoadWarning>,
}

/// Loads rule files in order.
///
/// # Errors
/// With every mistake found, if there is one.
pub fn load(files: &[Arc<SourceFile>], config: &LoadConfig) -> Result<Loaded, LoadFailure> {
    let mut report = error::Report::default();
    let mut collector = collector::Collector::default();
    let read = parallel::in_parts(files.iter().collect(), |part| part.into_iter().map(read).collect::<Vec<_>>());
    for (items, of_file) in read.into_iter().flatten() {
        report.append(of_file);
        for item in items {
            collector.add(item, &mut report);
        }
    }
    let resolved = resolver::resolve(collector.finish(), &mut report);
    let ruleset = compiler::compile(resolved, config, &mut report);
    if report.errors.is_empty() {
        Ok(Loaded { ruleset, warnings: report.warnings })
    } else {
        Err(LoadFailure { errors: report.errors, warnings: report.warnings })
    }
}

/// Reads the items of one file, with what is wrong with them.
fn read(file: &Arc<SourceFile>) -> (Vec<item::Item>, error::Report) {
    let mut report = error::Report::default();
    if file.text().len() > MAX_FILE_BYTES {
        let message = format!("the file is longer than {} MiB", MAX_FILE_BYTES >> 20);
        report.error(|| LoadError::yaml(file, yaml::YamlError { message, line: 1, column: 1 }));
        return (Vec::new(), report);
    }
    (reader::read(file, &mut report), report)
}
