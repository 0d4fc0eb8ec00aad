//! From record to alert: the part that live detection and replay share, so that they cannot differ.

use anyhow::{Context as _, Result};
use saker_capture::SkrWriter;
use saker_driver_api::record::RawEvent;
use saker_engine::{Engine, Ruleset};
use saker_event::RecordBuf;
use saker_outputs::Output;
use saker_state::Budget;

/// Records between two checkpoints of a capture.
const CHECKPOINT_RECORDS: u64 = 1 << 20;

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

    /// What follows is another stream, which knows nothing of the one before.
    pub(crate) fn start_stream(&mut self) {
        self.engine.start_stream();
    }

    /// Takes the next record of the stream.
    ///
    /// # Errors
    /// If an alert or the record cannot be written. The capture ends with its first error; detection goes on.
    pub(crate) fn take(&mut self, raw: RawEvent<'_>) -> Result<()> {
        let kept = self.keep(&raw);
        let mut delivered = Ok(());
        self.engine.feed(raw, |alert| {
            if let (Ok(()), Some(output)) = (&delivered, &mut self.output) {
                delivered = output.deliver(&alert);
            }
        });
        let checkpointed = self.checkpoint_if_due(raw.header().ts_ns);
        kept.and(checkpointed)?;
        Ok(delivered?)
    }

    /// Gives alerts to nobody from now on: whoever read them has gone.
    pub(crate) fn drop_output(&mut self) {
        self.output = None;
    }

    fn keep(&mut self, raw: &RawEvent<'_>) -> Result<()> {
        let Some(capture) = &mut self.capture else { return Ok(()) };
        let kept = capture.append(raw);
        if kept.is_err() {
            self.capture = None;
        }
        kept.context("the capture ends here, watching goes on")
    }

    fn checkpoint_if_due(&mut self, ts_ns: u64) -> Result<()> {
        self.since_checkpoint += 1;
        if self.since_checkpoint < CHECKPOINT_RECORDS {
            return Ok(());
        }
        self.since_checkpoint = 0;
        let Some(capture) = &mut self.capture else { return Ok(()) };
        let state = self.engine.state().checkpoint(ts_ns);
        Ok(capture.checkpoint(state.iter().filter_map(|record| RecordBuf::raw(record).ok()))?)
    }

    /// Ends the capture, so that it is whole on the disk.
    pub(crate) fn finish_capture(&mut self) -> Result<()> {
        if let Some(capture) = self.capture.take() {
            capture.finish()?;
        }
        Ok(())
    }
}
