//! `saker replay`: the pipeline over captures.

use crate::cli::flags::ReplayFlags;
use crate::observe::Stats;
use crate::outcome::{InvalidInput, Outcome};
use crate::pipeline::Pipeline;
use crate::rulefiles;
use anyhow::Result;
use saker_capture::{ReadError, SkrReader};
use saker_driver_api::record::RawEvent;
use saker_engine::Engine;
use saker_outputs::{Form, LineOutput};
use std::path::Path;

/// Runs rules over captures and prints the alerts.
pub(crate) fn replay(flags: &ReplayFlags) -> Result<Outcome> {
    let rules = rulefiles::load_rules(&flags.rules)?;
    let mut output = LineOutput::stdout(if flags.rules.json { Form::Json } else { Form::Text });
    let mut pipeline = Pipeline::new(rules, Some(&mut output), None);
    let outcome = read_all(&flags.captures, |item| match item {
        Item::Start => {
            pipeline.start_stream();
            Ok(())
        }
        Item::Record(record) => pipeline.take(record),
    })?;
    tell_unknown(pipeline.engine());
    if flags.stats {
        Stats { ring: None, late: None, outside: None, engine: pipeline.engine() }.print(flags.rules.json);
    }
    Ok(outcome)
}

/// What a capture consists of.
pub(crate) enum Item<'c> {
    /// A capture starts. It tells all there is to know of its host itself, so nothing of the one before holds for it.
    Start,
    /// The next record.
    Record(RawEvent<'c>),
}

/// Gives every record of the captures to `take`, and says on stderr what of them is damaged.
pub(crate) fn read_all(captures: &[impl AsRef<Path>], mut take: impl FnMut(Item<'_>) -> Result<()>) -> Result<Outcome> {
    let mut outcome = Outcome::Fine;
    for path in captures {
        let mut reader = open(path.as_ref())?;
        take(Item::Start)?;
        let read = read(&mut reader, &mut take);
        for damage in reader.damage() {
            eprintln!("saker: {}: {damage}", path.as_ref().display());
            outcome = Outcome::Findings;
        }
        read?;
    }
    Ok(outcome)
}

fn read(reader: &mut SkrReader, take: &mut impl FnMut(Item<'_>) -> Result<()>) -> Result<()> {
    while let Some(section) = reader.next_section().map_err(read_error)? {
        section.events().try_for_each(|record| take(Item::Record(record)))?;
    }
    Ok(())
}

/// Says how much of what was read means nothing to this version.
pub(crate) fn tell_unknown(engine: &Engine) {
    let unknown = engine.stats().unknown;
    if unknown > 0 {
        eprintln!("saker: {unknown} records are of kinds that this version does not know; they were skipped");
    }
}

pub(crate) fn open(path: &Path) -> Result<SkrReader> {
    SkrReader::open(path).map_err(read_error)
}

/// Tells a file that is wrong from one that cannot be read.
pub(crate) fn read_error(error: ReadError) -> anyhow::Error {
    match error {
        ReadError::NotACapture { .. }
        | ReadError::NotAFile { .. }
        | ReadError::Header { .. }
        | ReadError::Version { .. } => InvalidInput(error.to_string()).into(),
        other => other.into(),
    }
}
