//! Which rules a command works with: files the user names, or the ones that ship with Saker.

use crate::cli::flags::{RuleFlags, RuleMatching};
use crate::outcome::InvalidInput;
use anyhow::Result;
use saker_engine::{LoadConfig, Matching, Priority, ReadError, Rule, Ruleset, SourceFile, load};
use std::path::PathBuf;
use std::sync::Arc;

/// Name and text of each rule file that ships, in the order of loading.
const SHIPPED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/shipped_rules.rs"));

/// Returns the named files, or the shipped ones where none is named.
pub(crate) fn sources(paths: &[PathBuf]) -> Result<Vec<Arc<SourceFile>>> {
    if paths.is_empty() {
        return Ok(SHIPPED.iter().map(|(name, text)| SourceFile::new(*name, *text)).collect());
    }
    let mut files = Vec::new();
    for path in paths {
        files.extend(SourceFile::read(path).map_err(read_error)?);
    }
    Ok(files)
}

/// Tells a file that is wrong from one that cannot be read.
fn read_error(error: ReadError) -> anyhow::Error {
    if error.is_content() { InvalidInput(error.to_string()).into() } else { error.into() }
}

/// Loads the rules to judge events by. Warnings go to the log.
pub(crate) fn load_rules(flags: &RuleFlags) -> Result<Ruleset> {
    let priority: Priority = flags.priority.parse().map_err(|_| {
        let names: Vec<_> = Priority::ALL.iter().map(|priority| priority.as_str().to_lowercase()).collect();
        anyhow::anyhow!("unknown priority `{}`: expected one of {}", flags.priority, names.join(", "))
    })?;
    let matching = match flags.rule_matching {
        RuleMatching::All => Matching::All,
        RuleMatching::First => Matching::First,
    };
    let files = sources(&flags.rules)?;
    let config = LoadConfig { priority, matching, ..LoadConfig::default() };
    let loaded = load(&files, &config).map_err(|failure| InvalidInput(format!("{failure:#}")))?;
    for warning in &loaded.warnings {
        tracing::warn!("{warning:#}");
    }
    if !loaded.ruleset.rules().iter().any(Rule::is_enabled) {
        tracing::warn!("no rule is enabled: nothing will be reported");
    }
    Ok(loaded.ruleset)
}
