// SPDX-License-Identifier: Apache-2.0

//! Starting a tracer: on a new command, or on a process that runs already.

use crate::child;
use crate::context::Context;
use crate::control::{Control, Signals};
use crate::filter::{Clones, Wanted};
use crate::notice::Notice;
use crate::proc::TaskStatus;
use crate::procfs::{Scope, bootstrap};
use crate::resume;
use crate::stop::ExitStatus;
use crate::tracer::{Finished, Mode, Parts, TraceLoop, is_own_stop, let_start};
use crate::waiter::Waiter;
use nix::errno::Errno;
use nix::sys::ptrace::{self, Options};
use rustix::process::{Pid, PidfdFlags, WaitOptions, pidfd_open, waitpid};
use saker_driver_api::books::Books;
use saker_driver_api::interest::InterestMask;
use saker_driver_api::probe::FactSet;
use saker_driver_api::record::Origin;
use saker_driver_api::syscalls::{X32_BIT, decode, nr};
use saker_ring::HeapProducer;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::sync::mpsc;
use std::thread::JoinHandle;

/// What a tracer records.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The calls that are recorded; a started command stops at no others.
    pub interest: InterestMask,
    /// Those among them whose records only keep tables right, so that their effect is enough: of close(2) the start is
    /// recorded and not the result, of clone(2) and its kin neither failures nor what the maker was like.
    /// That saves half of the stops. A process that was running before stops at every call anyway, so there they change nothing.
    pub state_only: InterestMask,
    /// Whether signals that are delivered are recorded, too.
    pub signals: SignalRecords,
    /// Whether device and inode of opened files are recorded, too.
    pub inodes: InodeFacts,
    /// Facts about tasks that nobody reads: their parameters are absent, which saves looks at `/proc`.
    pub unread: FactSet,
    /// Most bytes of data kept of a parameter.
    pub snaplen_bytes: usize,
}

impl Settings {
    /// Whether of a call the effect is enough.
    pub(crate) fn is_state_only(&self, nr: u32) -> bool {
        self.interest.has(nr) && self.state_only.has(nr)
    }
}

/// What becomes of device and inode numbers of opened files, which cost one more call per open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InodeFacts {
    /// They are recorded.
    Keep,
    /// They are absent: nobody reads them.
    Skip,
}

/// What becomes of delivered signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalRecords {
    /// Each is recorded.
    Keep,
    /// None is.
    Skip,
}

/// A command to start and watch.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program, looked for in `PATH` if it has no slash.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What is recorded of it.
    pub settings: Settings,
}

/// Why a tracer cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The system refused something that tracing needs.
    #[error("cannot {what}")]
    System {
        /// What was to be done.
        what: &'static str,
        /// The error of the system.
        source: io::Error,
    },
    /// There is no such process.
    #[error("no process has the id {0}")]
    NoSuchProcess(u32),
    /// The process is traced by another.
    #[error("process {pid} is traced by process {tracer} already; end that one first")]
    AlreadyTraced {
        /// The process.
        pid: u32,
        /// Its tracer.
        tracer: u32,
    },
    /// The process may not be traced.
    #[error("no permission to trace process {pid}: {advice}")]
    NotPermitted {
        /// The process.
        pid: u32,
        /// What to do about it.
        advice: String,
    },
}

fn system(what: &'static str) -> impl Fn(io::Error) -> TraceError {
    move |source| TraceError::System { what, source }
}

/// What a tracer leaves when all is over.
#[derive(Debug)]
pub struct Outcome {
    /// How the command or process ended; `None` if it runs on without us.
    pub status: Option<ExitStatus>,
    /// Whether the command was started at all: if not, its status is 126, 127 or 2 and stderr says why.
    pub started: bool,
    /// Threads that were traced and whose end nobody told of: 0, or there is a bug.
    pub unaccounted: usize,
    /// The books of the ring, as its producer left them.
    pub books: Books,
}

/// A tracer on a thread of its own.
#[derive(Debug)]
pub struct Tracer {
    thread: JoinHandle<Outcome>,
    control: Control,
    pid: u32,
}

type Notify = Box<dyn FnMut(Notice) + Send>;

impl Tracer {
    /// Starts a command and watches it and all processes that come from it; `notify` is called on the tracer's thread.
    ///
    /// The records go to `sink`; where it is full the tracer waits and the stopped threads with it, so somebody else must
    /// read it from now on. A command that is not there or cannot run is told by its status and on stderr, as a
    /// shell does.
    ///
    /// # Errors
    /// Returns [`TraceError`] when tracing cannot be set up; the command has not run then.
    pub fn launch(
        launch: Launch,
        sink: HeapProducer,
        signals: &Signals,
        notify: impl FnMut(Notice) + Send + 'static,
    ) -> Result<Self, TraceError> {
        let wanted = wanted(&launch.settings);
        let mut command = child::command(&launch.program, &launch.args, &wanted, signals.taken());
        let pid = command.spawn().map_err(system("start a process"))?.id();
        let started = start(pid, launch.settings, sink, Box::new(notify), Mode::Started, move |ctx, sink| {
            seize_command(pid)?;
            bootstrap(ctx, sink, Scope::Tree(&[pid]));
            Ok(vec![(pid, pid)])
        });
        if started.is_err() {
            kill_unstarted(pid);
        }
        started
    }

    /// Watches a running process, its descendants and all processes that come from them.
    ///
    /// # Errors
    /// Returns [`TraceError`] when there is no such process or it may not be traced; it runs on then.
    pub fn attach(
        pid: u32,
        settings: Settings,
        sink: HeapProducer,
        notify: impl FnMut(Notice) + Send + 'static,
    ) -> Result<Self, TraceError> {
        start(pid, settings, sink, Box::new(notify), Mode::Attached, move |ctx, sink| {
            let tasks = seize_tree(ctx, pid)?;
            let mut pids: Vec<u32> = tasks.iter().map(|(_, tgid)| *tgid).collect();
            pids.sort_unstable();
            pids.dedup();
            bootstrap(ctx, sink, Scope::Tree(&pids));
            Ok(tasks)
        })
    }

    /// Returns the first process that is traced.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns a hold on the tracer, to ask it to end.
    #[must_use]
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Returns whether the tracer is done, so that [`Tracer::join`] does not wait.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Waits until all traced processes are gone or let go.
    #[must_use]
    pub fn join(self) -> Outcome {
        match self.thread.join() {
            Ok(outcome) => outcome,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Returns which numbers of each ABI the filter stops at.
fn wanted(settings: &Settings) -> Wanted {
    let mut interest = settings.interest;
    // Nested tracers are told of whether or not anybody asks for ptrace(2).
    interest.insert(nr::PTRACE);
    let clones = if settings.is_state_only(nr::CLONE) { Clones::Hiding } else { Clones::All };
    let mut wanted = Wanted { clones, ..Wanted::default() };
    for (origin, set) in
        [(Origin::Syscall, &mut wanted.x64), (Origin::X32, &mut wanted.x32), (Origin::Ia32, &mut wanted.ia32)]
    {
        for native in interest.natives(origin).map(|native| native & !X32_BIT) {
            let nr = decode(native, origin);
            // Of these an event tells that they cannot switch off.
            if !(matches!(nr, nr::FORK | nr::VFORK) && settings.is_state_only(nr)) {
                set.insert(native);
            }
        }
    }
    wanted
}

/// Runs a tracer on a thread of its own, because only the thread that seizes may trace. `seize` returns the threads
/// that are seized, with their processes.
fn start(
    pid: u32,
    settings: Settings,
    mut sink: HeapProducer,
    notify: Notify,
    mode: Mode,
    seize: impl FnOnce(&mut Context, &mut HeapProducer) -> Result<Vec<(u32, u32)>, TraceError> + Send + 'static,
) -> Result<Tracer, TraceError> {
    let control = Control::new().map_err(system("make an eventfd"))?;
    let (tell, told) = mpsc::channel();
    let for_thread = control.clone();
    let body = move || {
        let prepared = prepare(&settings).and_then(|(mut ctx, waiter)| {
            let tasks = seize(&mut ctx, &mut sink)?;
            Ok((ctx, waiter, tasks))
        });
        let (ctx, waiter, tasks) = match prepared {
            Ok(prepared) => prepared,
            Err(err) => {
                // The other end waits for exactly this.
                let _ = tell.send(Err(err));
                return Outcome { status: None, started: false, unaccounted: 0, books: *sink.books() };
            }
        };
        let process = raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        if mode == Mode::Started {
            for_thread.set_command(process);
        }
        let _ = tell.send(Ok(()));
        let parts = Parts { mode, settings, ctx, sink, control: for_thread, waiter, notify, root_pid: pid };
        trace(parts, tasks)
    };
    let thread = std::thread::Builder::new().name("tracer".into()).spawn(body).map_err(system("start a thread"))?;
    match told.recv() {
        Ok(Ok(())) => Ok(Tracer { thread, control, pid }),
        Ok(Err(err)) => Err(err),
        Err(_) => Err(system("trace")(io::Error::other("the tracer ended early"))),
    }
}

fn prepare(settings: &Settings) -> Result<(Context, Waiter), TraceError> {
    let ctx = Context::new(settings.snaplen_bytes, settings.inodes, settings.unread).map_err(system("read `/proc`"))?;
    Ok((ctx, Waiter::new().map_err(system("wait for processes"))?))
}

fn trace(parts: Parts, tasks: Vec<(u32, u32)>) -> Outcome {
    let (mode, root_pid) = (parts.mode, parts.root_pid);
    let mut tracer = TraceLoop::new(parts);
    for (tid, tgid) in tasks {
        tracer.adopt(tid, tgid);
    }
    match mode {
        Mode::Started => let_start(root_pid),
        Mode::Attached => tracer.tell(Notice::StopsAtEveryCall { pid: root_pid }),
    }
    let Finished { status, executed, unaccounted, mut sink, now_ns } = tracer.run();
    sink.flush_gap(now_ns);
    Outcome { status, started: executed || mode == Mode::Attached, unaccounted, books: *sink.books() }
}

/// What every traced thread reports.
const OPTIONS: Options = Options::PTRACE_O_TRACESYSGOOD
    .union(Options::PTRACE_O_TRACEFORK)
    .union(Options::PTRACE_O_TRACEVFORK)
    .union(Options::PTRACE_O_TRACECLONE)
    .union(Options::PTRACE_O_TRACEEXEC);

/// What threads report that were running before.
const ATTACHED: Options = OPTIONS.union(Options::PTRACE_O_TRACEEXIT);

/// What threads of a started command report.
const STARTED: Options = OPTIONS.union(Options::PTRACE_O_TRACESECCOMP).union(Options::PTRACE_O_EXITKILL);

/// What the threads of a started command report that are not alone in their process: of those, an end that is told when
/// they are gone would come too late, or for a leader that another thread replaces, never.
pub(crate) const STARTED_AMONG_OTHERS: Options = STARTED.union(Options::PTRACE_O_TRACEEXIT);

/// Waits until the started process has stopped itself, and seizes it.
fn seize_command(pid: u32) -> Result<(), TraceError> {
    let Some(process) = raw(pid) else { return Err(TraceError::NoSuchProcess(pid)) };
    let gone = || system("start the command")(io::Error::other("it ended before it could be traced"));
    let stopped =
        waitpid(Some(process), WaitOptions::UNTRACED).map_err(|err| system("wait for the command")(err.into()))?;
    if !stopped.is_some_and(|(_, status)| status.stopped()) {
        return Err(gone());
    }
    seize(pid, pid, STARTED)?;
    let seized =
        waitpid(Some(process), WaitOptions::UNTRACED).map_err(|err| system("wait for the command")(err.into()))?;
    match seized {
        Some((_, status)) if is_own_stop(status.as_raw()) => Ok(()),
        _ => Err(gone()),
    }
}

fn seize(tid: u32, tgid: u32, options: Options) -> Result<(), TraceError> {
    let Some(pid) = resume::pid(tid) else { return Err(TraceError::NoSuchProcess(tid)) };
    ptrace::seize(pid, options).map_err(|err| match err {
        Errno::ESRCH => TraceError::NoSuchProcess(tid),
        Errno::EPERM | Errno::EACCES => refused(tgid),
        other => system("trace the process")(other.into()),
    })
}

/// Says why the kernel does not let us trace a process.
fn refused(pid: u32) -> TraceError {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let number = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse::<u32>().ok()
    };
    if let Some(tracer) = number("TracerPid:").filter(|tracer| *tracer != 0) {
        return TraceError::AlreadyTraced { pid, tracer };
    }
    let own = rustix::process::geteuid();
    let yama = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    let advice = if number("Uid:").is_some_and(|uid| uid != own.as_raw()) && !own.is_root() {
        "it belongs to another user; run Saker as that user or as root".into()
    } else {
        match yama.trim() {
            "1" | "2" if !own.is_root() => {
                let set = "`sysctl kernel.yama.ptrace_scope=0`";
                format!("the system lets only root trace running processes; run Saker as root, or {set}")
            }
            "3" => "`kernel.yama.ptrace_scope` is 3, which forbids all tracing until the next boot".into(),
            _ => "Saker needs the capability CAP_SYS_PTRACE, or the process is one that may not be traced".to_owned(),
        }
    };
    TraceError::NotPermitted { pid, advice }
}

/// Seizes all threads of a process and its descendants and stops them once, so that they stop at calls from then on.
fn seize_tree(ctx: &mut Context, root: u32) -> Result<Vec<(u32, u32)>, TraceError> {
    let mut seized = BTreeSet::new();
    let mut text = Vec::new();
    ctx.proc.read(format_args!("{root}/status"), &mut text, 16 << 10).map_err(|_| TraceError::NoSuchProcess(root))?;
    // A thread of another process stands for the process.
    let root = TaskStatus::parse(&text).tgid;
    loop {
        let before = seized.len();
        for pid in tree(ctx, root) {
            for tid in ctx.proc.numbers(format_args!("{pid}/task")) {
                if seized.contains(&(tid, pid)) {
                    continue;
                }
                match seize(tid, pid, ATTACHED) {
                    Ok(()) => _ = seized.insert((tid, pid)),
                    // The first must work; what comes after may end, or be traced through its parent, meanwhile.
                    Err(err) if seized.is_empty() => return Err(err),
                    Err(_) => {}
                }
            }
        }
        // Whatever a seized thread starts is traced without us; when nothing is new, nothing is missed.
        if seized.len() == before {
            break;
        }
    }
    if seized.is_empty() {
        return Err(TraceError::NoSuchProcess(root));
    }
    for (tid, _) in &seized {
        let _ = resume::pid(*tid).map(ptrace::interrupt);
    }
    Ok(seized.into_iter().collect())
}

/// Returns a process and its descendants.
fn tree(ctx: &mut Context, root: u32) -> Vec<u32> {
    let mut text = Vec::new();
    let mut parents = Vec::new();
    for pid in ctx.proc.numbers(format_args!(".")) {
        if ctx.proc.read(format_args!("{pid}/status"), &mut text, 16 << 10).is_ok() {
            parents.push((pid, TaskStatus::parse(&text).ppid));
        }
    }
    let mut found = vec![root];
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found
}

/// Ends a command that waits in vain to be traced.
fn kill_unstarted(pid: u32) {
    if let Some(process) = resume::pid(pid) {
        let _ = nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL);
    }
    if let Some(process) = raw(pid) {
        let _ = waitpid(Some(process), WaitOptions::empty());
    }
}

fn raw(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}
