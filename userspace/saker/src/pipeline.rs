//! From record to alert: the part that live detection and replay share, so that they cannot differ.

use anyhow::Result;
use saker_capture::SkrWriter;
use saker_driver_api::record::RawEvent;
use saker_engine::{Engine, Ruleset};
use saker_event::RecordBuf;
use saker_outputs::Output;
use saker_state::Budget;

/// Numbered events between two checkpoints of a capture.
const CHECKPOINT_EVENTS: u64 = 1 << 20;

/// Takes records in the order of the stream; gives alerts to an output and records to a capture.
pub(crate) struct Pipeline<'o> {
    engine: Engine,
    output: Option<&'o mut dyn Output>,
    capture: Option<SkrWriter>,
    since_checkpoint: u64,
}

impl<'o> Pipeline<'o> {
    pub(crate) fn new(rules: Ruleset, output: Option<&'o mut dyn Output>, capture: Option<SkrWriter>) -> Self {
        let engine = Engine::new(rules, Budget::default());
        Self { engine, output, capture, since_checkpoint: 0 }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Takes the next record of the stream.
    ///
    /// # Errors
    /// If an alert or the record cannot be written; what was written before stays.
    pub(crate) fn take(&mut self, raw: RawEvent<'_>) -> Result<()> {
        if let Some(capture) = &mut self.capture {
            capture.append(&raw)?;
        }
        let mut written = Ok(());
        self.engine.feed(raw, |alert| {
            if let (Ok(()), Some(output)) = (&written, &mut self.output) {
                written = output.deliver(&alert);
            }
        });
        written?;
        self.since_checkpoint += 1;
        if self.since_checkpoint >= CHECKPOINT_EVENTS {
            self.checkpoint(raw.header().ts_ns)?;
        }
        Ok(())
    }

    fn checkpoint(&mut self, ts_ns: u64) -> Result<()> {
        self.since_checkpoint = 0;
        let Some(capture) = &mut self.capture else { return Ok(()) };
        let state = self.engine.state().checkpoint(ts_ns);
        capture.checkpoint(state.iter().filter_map(|record| RecordBuf::raw(record).ok()))?;
        Ok(())
    }

    /// Stops writing the capture, whose disk may be full; detection goes on.
    pub(crate) fn drop_capture(&mut self) -> bool {
        self.capture.take().is_some()
    }

    /// Ends the capture, so that it is whole on the disk.
    pub(crate) fn finish_capture(&mut self) -> Result<()> {
        if let Some(capture) = self.capture.take() {
            capture.finish()?;
        }
        Ok(())
    }
}
