//! `saker run` and `saker record`: a source, a ring, and the pipeline at its end.

mod facts;
mod kernel;

use crate::cli::flags::{LiveFlags, RecordFlags, RunFlags, SourceName};
use crate::observe::Stats;
use crate::outcome::{Outcome, is_closed_pipe};
use crate::pipeline::Pipeline;
use crate::rulefiles;
use anyhow::{Context as _, Result, bail};
use facts::Facts;
use saker_capture::{Compress, Existing, Options, ReadError, SkrReader, SkrWriter, WriteError};
use saker_driver_api::interest::InterestMask;
use saker_driver_api::ioctl::Wanted;
use saker_engine::{Interest, Ruleset};
use saker_kmod::SourceError;
use saker_outputs::{Form, LineOutput, Output};
use saker_ring::{DeviceError, Doorbell, HeapReader, HeapRing, OnFull, Wake};
use saker_trace::{ExitStatus, Launch, OnTerminal, Settings, SignalRecords, Signals, Tracer};
use std::path::Path;

/// Level of `--compress`: the fastest that still halves most captures.
const ZSTD_LEVEL: i32 = 1;

/// Size of the ring of a traced tree, in MiB.
const DEFAULT_RING_MIB: u32 = 8;

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
    let failures = if capture.is_none() { rules.interest_in_failures() } else { interest.clone() };
    let asked = Asked { interest, failures, facts };
    live.watch(rules, &asked, Some(&mut output), capture, flags.rules.json)
}

/// Writes all events to a capture.
pub(crate) fn record(flags: RecordFlags) -> Result<Outcome> {
    let live = Live::new(flags.live)?;
    let compress = if flags.compress { Compress::Zstd(ZSTD_LEVEL) } else { Compress::Raw };
    let capture = create(&flags.output, compress)?;
    let everything = Interest::everything();
    let asked = Asked { interest: everything.clone(), failures: everything, facts: Facts::ALL };
    live.watch(Ruleset::empty(), &asked, None, Some(capture), false)
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

/// What is to be captured.
struct Asked {
    interest: Interest,
    /// What is wanted of it even where it failed, because somebody reads it: of the rest only the effect on the state tables
    /// counts.
    failures: Interest,
    facts: Facts,
}

/// What is watched, and how.
struct Live {
    flags: LiveFlags,
}

/// Why the kernel source was not taken where either would do.
enum Fallback<'a> {
    /// It was not asked for, or there is none here.
    Trace,
    /// It is running.
    Kernel(Box<kernel::Kernel<'a>>),
}

impl Live {
    fn new(flags: LiveFlags) -> Result<Self> {
        if flags.source == SourceName::Trace && flags.cmd.is_empty() && flags.pid.is_none() {
            bail!("nothing to watch: name a command (`saker run -- CMD`) or a process (`--pid N`)");
        }
        Ok(Self { flags })
    }

    fn scope(&self) -> kernel::Scope<'_> {
        match self.flags.pid {
            Some(pid) => kernel::Scope::Process(pid),
            None if self.flags.cmd.is_empty() => kernel::Scope::Machine,
            None => kernel::Scope::Command(&self.flags.cmd),
        }
    }

    /// Starts the kernel source if it is asked for, or is the best there is.
    fn start_kernel<'a>(&'a self, wanted: Wanted, signals: &Signals) -> Result<Fallback<'a>> {
        if self.flags.source == SourceName::Trace {
            return Ok(Fallback::Trace);
        }
        let settings = saker_kmod::Settings {
            wanted,
            snaplen_bytes: u32::from(self.flags.snaplen),
            ring_bytes: self.flags.ring_mib.map(|mib| u64::from(mib) << 20),
        };
        let scope = self.scope();
        let needed = self.flags.source == SourceName::Kmod || matches!(scope, kernel::Scope::Machine);
        match kernel::Kernel::start(&settings, scope, signals.clone()) {
            Ok(kernel) => Ok(Fallback::Kernel(Box::new(kernel))),
            Err(err) if !needed && is_no_module(&err) => {
                tracing::debug!("no module: {err:#}");
                Ok(Fallback::Trace)
            }
            Err(err) if self.flags.source == SourceName::Auto && !is_busy(&err) && is_no_module(&err) => {
                let advice = "name a command (`saker run -- CMD`) or a process (`--pid N`) to do without";
                Err(err.context(format!("watching the whole machine takes the kernel module; {advice}")))
            }
            Err(err) => Err(err),
        }
    }

    fn watch(
        &self,
        rules: Ruleset,
        asked: &Asked,
        output: Option<&mut dyn Output>,
        capture: Option<SkrWriter>,
        json: bool,
    ) -> Result<Outcome> {
        // Before any other thread starts: they inherit the mask.
        let signals = Signals::block().context("cannot block signals")?;
        let wanted = kernel::wanted(&asked.interest, &asked.failures);
        match self.start_kernel(wanted, &signals)? {
            Fallback::Kernel(kernel) => self.watch_kernel(*kernel, Pipeline::new(rules, output, capture), json),
            Fallback::Trace => self.watch_tree(asked, signals, Pipeline::new(rules, output, capture), json),
        }
    }

    fn watch_kernel(&self, kernel: kernel::Kernel<'_>, mut pipeline: Pipeline<'_>, json: bool) -> Result<Outcome> {
        let watched = kernel.watch(&mut pipeline);
        let finished = pipeline.finish_capture();
        let watched = watched?;
        if self.flags.stats {
            let ring = Some((&watched.books, &watched.reader));
            let (late, outside) = (Some(watched.late), watched.outside);
            Stats { ring, late, outside, engine: pipeline.engine() }.print(json);
        }
        finished?;
        Ok(self.outcome(watched.status))
    }

    fn outcome(&self, status: Option<ExitStatus>) -> Outcome {
        match status {
            Some(status) if !self.flags.cmd.is_empty() => Outcome::Command(status.shell_code()),
            _ => Outcome::Fine,
        }
    }

    /// Watches a process tree with ptrace.
    fn watch_tree(&self, asked: &Asked, signals: Signals, mut pipeline: Pipeline<'_>, json: bool) -> Result<Outcome> {
        let capacity = u64::from(self.flags.ring_mib.unwrap_or(DEFAULT_RING_MIB)) << 20;
        // The traced program can wait, so nothing need be lost.
        let (producer, mut reader) = HeapRing::new(0, capacity, OnFull::Wait, &Doorbell::new())?.split();
        let settings = settings(asked, usize::from(self.flags.snaplen));
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

        let failed = drain(&mut reader, &mut pipeline);
        let outcome = tracer.join();
        let finished = pipeline.finish_capture();
        if self.flags.stats {
            let ring = Some((&outcome.books, reader.books()));
            Stats { ring, late: None, outside: None, engine: pipeline.engine() }.print(json);
        }
        failed?;
        finished?;
        Ok(self.outcome(outcome.status))
    }
}

fn is_busy(err: &anyhow::Error) -> bool {
    matches!(err.downcast_ref::<SourceError>(), Some(SourceError::Device(DeviceError::Busy { .. })))
}

/// Whether the module is not there, not for us, or taken: then another source may do.
fn is_no_module(err: &anyhow::Error) -> bool {
    matches!(
        err.downcast_ref::<SourceError>(),
        Some(SourceError::Device(
            DeviceError::NoDevice(_)
                | DeviceError::NoPermission(_)
                | DeviceError::Busy { .. }
                | DeviceError::Version { .. }
        ))
    )
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

fn settings(asked: &Asked, snaplen_bytes: usize) -> Settings {
    let (mut mask, mut state_only) = (InterestMask::NONE, InterestMask::NONE);
    for name in asked.interest.names() {
        mask.insert_name(name);
        if !asked.failures.contains(name) {
            state_only.insert_name(name);
        }
    }
    let calls: Vec<&str> = mask.numbers().filter_map(saker_driver_api::syscalls::name).collect();
    // `scripts/bench` gives the same calls to another tracer.
    tracing::debug!("recorded calls: {}", calls.join(","));
    let signals = if asked.interest.contains("signaldeliver") { SignalRecords::Keep } else { SignalRecords::Skip };
    let Facts { inodes, unread } = asked.facts;
    Settings { interest: mask, state_only, signals, inodes, unread, snaplen_bytes }
}
