//! `saker run` and `saker record`: a source, a ring, and the pipeline at its end.

mod facts;

use crate::cli::flags::{LiveFlags, RecordFlags, RunFlags, SourceName};
use crate::observe::Stats;
use crate::outcome::{Outcome, is_closed_pipe};
use crate::pipeline::Pipeline;
use crate::rulefiles;
use anyhow::{Context as _, Result, bail};
use facts::{Facts, Records};
use saker_capture::{Compress, Existing, Options, ReadError, SkrReader, SkrWriter, WriteError};
use saker_driver_api::interest::InterestMask;
use saker_engine::{Interest, Ruleset};
use saker_outputs::{Form, LineOutput, Output};
use saker_ring::{Doorbell, HeapReader, HeapRing, OnFull, Wake};
use saker_trace::{Launch, OnTerminal, Settings, SignalRecords, Signals, Tracer};
use std::path::Path;

/// Level of `--compress`: the fastest that still halves most captures.
const ZSTD_LEVEL: i32 = 1;

/// Most failed writes that are said one by one.
const MOST_FAILURES_SAID: u64 = 10;

/// Watches live and prints alerts.
pub(crate) fn run(flags: RunFlags) -> Result<Outcome> {
    let live = Live::new(flags.live)?;
    let rules = rulefiles::load_rules(&flags.rules)?;
    let capture = flags.output.as_deref().map(|path| create(path, Compress::Raw)).transpose()?;
    let interest = rules.interest();
    let facts = if capture.is_none() { Facts::read_by(&rules) } else { Facts::ALL };
    let mut output = LineOutput::stdout(if flags.rules.json { Form::Json } else { Form::Text });
    live.watch(rules, (&interest, facts), Some(&mut output), capture, flags.rules.json)
}

/// Writes all events to a capture.
pub(crate) fn record(flags: RecordFlags) -> Result<Outcome> {
    let live = Live::new(flags.live)?;
    let compress = if flags.compress { Compress::Zstd(ZSTD_LEVEL) } else { Compress::Raw };
    let capture = create(&flags.output, compress)?;
    live.watch(Ruleset::empty(), (&Interest::everything(), Facts::ALL), None, Some(capture), false)
}

/// Makes a capture; an older capture of that name is replaced, any other file stays.
fn create(path: &Path, compress: Compress) -> Result<SkrWriter> {
    match SkrWriter::create(path, Options { compress, existing: Existing::Refuse }) {
        Err(WriteError::Exists { .. }) if is_capture(path) => {
            Ok(SkrWriter::create(path, Options { compress, existing: Existing::Replace })?)
        }
        other => Ok(other?),
    }
}

/// Whether a file is a capture, be it damaged, or holds nothing.
fn is_capture(path: &Path) -> bool {
    let is_empty = || std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == 0);
    match SkrReader::open(path) {
        Ok(_) | Err(ReadError::Header { .. } | ReadError::Version { .. }) => true,
        Err(_) => is_empty(),
    }
}

/// What is watched, and how.
struct Live {
    flags: LiveFlags,
}

impl Live {
    fn new(flags: LiveFlags) -> Result<Self> {
        if flags.cmd.is_empty() && flags.pid.is_none() {
            bail!("nothing to watch: name a command (`saker run -- CMD`) or a process (`--pid N`)");
        }
        match flags.source {
            SourceName::Auto | SourceName::Trace => Ok(Self { flags }),
        }
    }

    fn watch(
        self,
        rules: Ruleset,
        (interest, facts): (&Interest, Facts),
        output: Option<&mut dyn Output>,
        capture: Option<SkrWriter>,
        json: bool,
    ) -> Result<Outcome> {
        // Before any other thread starts: they inherit the mask.
        let signals = Signals::block().context("cannot block signals")?;
        let capacity = u64::from(self.flags.ring_mib) << 20;
        // The traced program can wait, so nothing need be lost.
        let (producer, mut reader) = HeapRing::new(0, capacity, OnFull::Wait, &Doorbell::new())?.split();
        let settings = settings(interest, facts, usize::from(self.flags.snaplen));
        let notify = |notice| eprintln!("saker: {notice}");
        let (tracer, on_terminal) = match self.flags.cmd.split_first() {
            Some((program, args)) => {
                let launch = Launch { program: program.clone(), args: args.to_vec(), settings };
                (Tracer::launch(launch, producer, &signals, notify)?, OnTerminal::LeaveToCommand)
            }
            None => {
                let pid = self.flags.pid.context("no process is named")?;
                (Tracer::attach(pid, settings, producer, notify)?, OnTerminal::End)
            }
        };
        signals.forward_to(tracer.control(), on_terminal).context("cannot wait for signals")?;

        let mut pipeline = Pipeline::new(rules, output, capture);
        let failed = drain(&mut reader, &mut pipeline);
        let outcome = tracer.join();
        let finished = pipeline.finish_capture();
        if self.flags.stats {
            Stats { ring: Some((&outcome.books, reader.books())), engine: pipeline.engine() }.print(json);
        }
        failed?;
        finished?;
        Ok(match outcome.status {
            Some(status) if !self.flags.cmd.is_empty() => Outcome::Command(status.shell_code()),
            _ => Outcome::Fine,
        })
    }
}

/// Judges all records until the source is done.
///
/// The traced program waits for room in the ring, so the ring is drained whatever happens. A failure is said at once,
/// for the user to act on, and once more by the exit status.
fn drain(reader: &mut HeapReader, pipeline: &mut Pipeline<'_>) -> Result<()> {
    let mut failed = 0_u64;
    while reader.wait() != Wake::Closed {
        let batch = match reader.batch() {
            Ok(batch) => batch,
            Err(err) => {
                tracing::error!("{err}");
                continue;
            }
        };
        for event in &batch {
            match pipeline.take(event) {
                Ok(()) => {}
                Err(err) if is_closed_pipe(&err) => pipeline.drop_output(),
                Err(err) => {
                    failed += 1;
                    if failed <= MOST_FAILURES_SAID {
                        tracing::error!("{err:#}");
                    }
                }
            }
        }
    }
    anyhow::ensure!(failed == 0, "{failed} times something could not be written, as said above");
    Ok(())
}

fn settings(interest: &Interest, facts: Facts, snaplen_bytes: usize) -> Settings {
    let (mut mask, mut state_only) = (InterestMask::NONE, InterestMask::NONE);
    for name in interest.names() {
        mask.insert_name(name);
        if facts.records == Records::Judged && interest.is_state_only(name) {
            state_only.insert_name(name);
        }
    }
    let calls: Vec<&str> = mask.numbers().filter_map(saker_driver_api::syscalls::name).collect();
    // `scripts/bench` gives the same calls to another tracer.
    tracing::debug!("recorded calls: {}", calls.join(","));
    let signals = if interest.contains("signaldeliver") { SignalRecords::Keep } else { SignalRecords::Skip };
    Settings { interest: mask, state_only, signals, inodes: facts.inodes, unread: facts.unread, snaplen_bytes }
}
