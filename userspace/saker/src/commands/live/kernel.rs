//! Live events from the kernel module: the whole machine, or a process tree picked out of it.

use super::MOST_FAILURES_SAID;
use crate::outcome::{NotStarted, is_closed_pipe};
use crate::pipeline::Pipeline;
use anyhow::{Context as _, Result, bail};
use nix::sys::signal::Signal;
use rustix::process::{Pid, PidfdFlags, pidfd_open, pidfd_send_signal};
use saker_driver_api::books::Books;
use saker_driver_api::interest::InterestMask;
use saker_driver_api::ioctl::{DEVICE, Happening, Wanted};
use saker_engine::Interest;
use saker_kmod::{Settings, Source, Tree};
use saker_ring::{DrainError, MergeBatch, ReaderBooks};
use saker_trace::{ExitStatus, SignalQueue, Signals};
use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command};

/// What is watched of the machine.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    /// All of it, until a signal ends it.
    Machine,
    /// This process, its descendants and whatever comes from them.
    Process(u32),
    /// This command and whatever comes from it.
    Command(&'a [OsString]),
}

/// Returns what the module is to capture for `interest`; failures only where `failures` names them.
pub(super) fn wanted(interest: &Interest, failures: &Interest) -> Wanted {
    let mask = |interest: &Interest| {
        let mut mask = InterestMask::NONE;
        interest.names().for_each(|name| _ = mask.insert_name(name));
        mask
    };
    // Calls that no table knows have no name; who wants all there is wants them too.
    let mask = |of: &Interest| if *of == Interest::everything() { InterestMask::ALL } else { mask(of) };
    let happenings = if interest.contains("signaldeliver") { Happening::SIGNALS } else { 0 };
    Wanted { calls: mask(interest), failed: mask(failures), happenings }
}

/// A capture by the module, and what ends it.
pub(super) struct Kernel<'a> {
    source: Source,
    signals: SignalQueue,
    /// The command, until all that was there before is known: then its first event finds its ancestors.
    to_start: Option<&'a [OsString]>,
    tree: Option<Tree>,
    command: Option<Running>,
}

/// The command that was started, or the process that was named.
struct Running {
    child: Option<Child>,
    pidfd: OwnedFd,
    status: Option<ExitStatus>,
    asked: u32,
}

/// What is left of a capture.
pub(super) struct Finished {
    pub(super) status: Option<ExitStatus>,
    pub(super) books: Books,
    pub(super) reader: ReaderBooks,
    pub(super) late: u64,
    pub(super) outside: Option<u64>,
}

impl<'a> Kernel<'a> {
    pub(super) fn start(settings: &Settings, scope: Scope<'a>, signals: Signals) -> Result<Self> {
        let pidfd = match scope {
            Scope::Process(pid) => Some(open(pid)?),
            Scope::Machine | Scope::Command(_) => None,
        };
        let source = Source::start(Path::new(DEVICE), settings)?;
        let signals = signals.queue().context("cannot wait for signals")?;
        let command = pidfd.map(|pidfd| Running { child: None, pidfd, status: None, asked: 0 });
        let (to_start, tree) = match scope {
            Scope::Machine => (None, None),
            Scope::Process(pid) => (None, Some(Tree::of_running(pid))),
            Scope::Command(command) => (Some(command), Some(Tree::default())),
        };
        Ok(Self { source, signals, to_start, tree, command })
    }

    fn start_command(&mut self, drain: &mut Drain) -> Result<()> {
        let Some(command) = self.to_start.take_if(|_| !self.source.is_scanning()) else { return Ok(()) };
        let child = spawn(command)?;
        let pid = child.id();
        let pidfd = open(pid)?;
        drain.tree = Some(Tree::of_command(pid));
        self.command = Some(Running { child: Some(child), pidfd, status: None, asked: 0 });
        Ok(())
    }

    /// Judges all records until the end is asked for, or the tree is gone.
    pub(super) fn watch(mut self, pipeline: &mut Pipeline<'_>) -> Result<Finished> {
        let mut drain = Drain { tree: self.tree.take(), failed: 0 };
        while !self.is_over(&drain)? {
            self.start_command(&mut drain)?;
            drain.take(self.source.batch(complain), pipeline);
            if let Some(err) = self.source.scan_failure() {
                tracing::error!("`/proc` cannot be read, so processes from before are unknown: {err}");
            }
        }
        self.source.stop()?;
        while self.source.is_scanning() {
            drain.take(self.source.rest(complain), pipeline);
        }
        drain.take(self.source.rest(complain), pipeline);
        anyhow::ensure!(drain.failed == 0, "{} times something could not be written, as said above", drain.failed);
        let (books, reader, merge) = self.source.books()?;
        let status = self.command.and_then(|command| command.status);
        let outside = drain.tree.map(|tree| tree.outside());
        Ok(Finished { status, books, reader, late: merge.late, outside })
    }

    /// Sleeps until there is something to do; returns whether the capture is to end.
    fn is_over(&mut self, drain: &Drain) -> Result<bool> {
        // What was read last may have been the end of the tree.
        let ended = self.command.as_ref().is_some_and(|command| command.status.is_some());
        if ended && drain.tree.as_ref().is_none_or(Tree::is_empty) {
            return Ok(true);
        }
        let waits_for = self.command.as_ref().filter(|command| command.status.is_none());
        let others: Vec<BorrowedFd<'_>> =
            [self.signals.as_fd()].into_iter().chain(waits_for.map(|command| command.pidfd.as_fd())).collect();
        let ready = self.source.wait(&others).context("cannot wait for the module")?;
        if ready.others.get(1) == Some(&true)
            && let Some(command) = &mut self.command
        {
            command.reap()?;
        }
        while let Some((signal, from_terminal)) = self.signals.take() {
            match &mut self.command {
                Some(command) if command.child.is_some() => command.pass_on(signal, from_terminal)?,
                _ => return Ok(true),
            }
        }
        Ok(false)
    }
}

impl Running {
    fn reap(&mut self) -> Result<()> {
        self.status = Some(match &mut self.child {
            Some(child) => {
                use std::os::unix::process::ExitStatusExt as _;
                ExitStatus::from_status(child.wait().context("cannot wait for the command")?.into_raw())
            }
            // Of a process that is no child of ours the status is not to be had.
            None => ExitStatus::from_status(0),
        });
        Ok(())
    }

    /// Hands a signal on to the command, which has those from the terminal already; the second one kills it.
    fn pass_on(&mut self, signal: Signal, from_terminal: bool) -> Result<()> {
        if from_terminal {
            return Ok(());
        }
        self.asked += 1;
        let signal = if self.asked > 1 { Signal::SIGKILL } else { signal };
        if let Some(signal) = rustix::process::Signal::from_named_raw(signal as i32) {
            match pidfd_send_signal(&self.pidfd, signal) {
                Ok(()) | Err(rustix::io::Errno::SRCH) => {}
                Err(err) => return Err(io::Error::from(err)).context("cannot pass a signal on to the command"),
            }
        }
        Ok(())
    }
}

fn spawn(command: &[OsString]) -> Result<Child> {
    let Some((program, args)) = command.split_first() else { bail!("no command is named") };
    Command::new(program).args(args).spawn().map_err(|err| {
        let status = if err.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
        NotStarted { message: format!("cannot run `{}`: {err}", program.display()), status }.into()
    })
}

fn open(pid: u32) -> Result<OwnedFd> {
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let process = process.with_context(|| format!("no process has the id {pid}"))?;
    pidfd_open(process, PidfdFlags::empty()).map_err(|_| anyhow::anyhow!("no process has the id {pid}"))
}

fn complain(error: DrainError) {
    tracing::error!("{error}");
}

/// Where records go: those of the tree to the pipeline, the rest nowhere.
struct Drain {
    tree: Option<Tree>,
    failed: u64,
}

impl Drain {
    fn take(&mut self, batch: MergeBatch<'_>, pipeline: &mut Pipeline<'_>) {
        for merged in &batch {
            if self.tree.as_mut().is_some_and(|tree| !tree.admits(&merged.event)) {
                continue;
            }
            match pipeline.take(merged.event) {
                Ok(()) => {}
                Err(err) if is_closed_pipe(&err) => pipeline.drop_output(),
                Err(err) => {
                    self.failed += 1;
                    if self.failed <= MOST_FAILURES_SAID {
                        tracing::error!("{err:#}");
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use saker_driver_api::syscalls::nr;

    #[test]
    fn failures_are_captured_where_a_rule_may_match_them() {
        let wanted = wanted(&Interest::state(), &Interest::default());
        assert!(wanted.calls.has(nr::OPENAT) && !wanted.calls.has(nr::GETPID) && !wanted.failed.has(nr::OPENAT));
        assert_eq!(wanted.happenings, 0);
    }

    #[test]
    fn who_wants_everything_wants_the_unknown_too() {
        let everything = Interest::everything();
        let wanted = wanted(&everything, &everything);
        assert_eq!((wanted.calls, wanted.failed), (InterestMask::ALL, InterestMask::ALL));
        assert_eq!(wanted.happenings, Happening::SIGNALS);
    }
}
