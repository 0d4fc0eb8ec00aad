// SPDX-License-Identifier: Apache-2.0

//! The loop that waits for stops of traced threads and turns them into records.
//!
//! ```text
//! started command            process that was running
//! filter: wanted call ──┐    every call: start ──┐
//!   look at entry facts │      (unwanted: skip)  │
//! return ───────────────┴─> read registers, emit ┴─> go on
//! ```
//! One thread makes all ptrace calls. A thread may be killed between any two of them; then they fail with ESRCH and the
//! next wait tells of its end. A new thread's first stop may come before or after its parent's.
//! Until a started command has become the program asked for, nothing of it is recorded.
//! [`lineage`] has what begins and ends threads.

mod lineage;

use crate::awake::KeepAwake;
use crate::calls::{self, Side};
use crate::context::{Context, NO_CALL};
use crate::control::{Asked, Control};
use crate::entry::{Entry, EntryPlan};
use crate::filter::StopData;
use crate::launch::{Settings, SignalRecords};
use crate::notice::Notice;
use crate::proc::TaskStatus;
use crate::records::put_clock;
use crate::resume::{Until, detach, pid, resume};
use crate::stop::{ExitStatus, Stop};
use crate::waiter::{Patience, Waited, Waiter};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, kill};
use saker_driver_api::capture::{emit, unwrap_call};
use saker_driver_api::fillers::{self, CLOSE_BEGUN, Filler, SIGNAL_DELIVER, Truth, child_filler_for};
use saker_driver_api::probe::Call;
use saker_driver_api::record::Origin;
use saker_driver_api::syscalls::{decode, nr};
use saker_ring::HeapProducer;
use std::collections::HashMap;

/// 32-bit calls whose arguments, and maybe whose real number, are in memory: mmap, socketcall, ipc.
const STANDING_FOR_OTHERS: [u32; 3] = [90, 102, 117];
const SIGSTOP: i32 = 19;
const SIGCONT: i32 = 18;
/// Requests of ptrace(2) that make the caller a tracer or ask for one.
const TRACING_REQUESTS: [u64; 3] = [0, 16, 0x4206];

/// How the traced processes came to be traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Started by us: a filter stops them, and they end with us.
    Started,
    /// Running before: they stop at every call, and are let go in the end.
    Attached,
}

/// A call that has started and not returned.
#[derive(Clone, Copy, Debug)]
struct Started {
    /// As the kernel saw it when it started; the arguments are those of the call that it stands for, if any.
    call: Call,
    /// `call` was read from memory, which may have changed since.
    unwrapped: bool,
    wanted: bool,
}

/// A traced thread.
#[derive(Debug, Default)]
struct Task {
    tgid: u32,
    /// Process that its process is a child of; 0 if that is none we can see.
    parent: u32,
    started: Option<Started>,
    entry: Entry,
    /// The job-control signal that holds it.
    held_by: Option<i32>,
    /// The task that its current call made.
    made: Option<u32>,
    /// The thread that made it, until its first stop.
    maker: Option<u32>,
    /// Its first stop is still to come.
    unborn: bool,
    /// Its end is recorded.
    ended: bool,
    /// It is not yet the program that was asked for.
    muted: bool,
    /// Results of its calls that are process ids have a meaning of their own: it lives in a PID namespace further in.
    nested: bool,
}

/// Where the tracer stands with its first process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Root {
    Alive,
    Gone(ExitStatus),
}

/// The state of a tracer, with all threads it traces.
pub(crate) struct TraceLoop {
    mode: Mode,
    settings: Settings,
    plans: Vec<EntryPlan>,
    ctx: Context,
    sink: HeapProducer,
    control: Control,
    waiter: Waiter,
    awake: Option<KeepAwake>,
    notify: Box<dyn FnMut(Notice) + Send>,
    tasks: HashMap<u32, Task>,
    /// New tasks that stopped before their parent told of them, with the parent's process. They may even have ended.
    early: HashMap<u32, u32>,
    root_pid: u32,
    root: Root,
    /// The command became the program asked for.
    executed: bool,
    /// Threads that job control holds.
    held: usize,
    letting_go: bool,
    told_nested: bool,
    told_untraced: bool,
}

/// What a tracer has at its end.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: Option<ExitStatus>,
    pub(crate) executed: bool,
    pub(crate) unaccounted: usize,
    pub(crate) sink: HeapProducer,
    pub(crate) now_ns: u64,
}

/// What a tracer starts with.
pub(crate) struct Parts {
    pub(crate) mode: Mode,
    pub(crate) settings: Settings,
    pub(crate) ctx: Context,
    pub(crate) sink: HeapProducer,
    pub(crate) control: Control,
    pub(crate) waiter: Waiter,
    pub(crate) notify: Box<dyn FnMut(Notice) + Send>,
    pub(crate) root_pid: u32,
}

impl TraceLoop {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { mode, settings, ctx, sink, control, waiter, notify, root_pid } = parts;
        Self {
            mode,
            settings,
            plans: EntryPlan::table(),
            ctx,
            sink,
            control,
            waiter,
            awake: KeepAwake::start(),
            notify,
            tasks: HashMap::new(),
            early: HashMap::new(),
            root_pid,
            root: Root::Alive,
            executed: false,
            held: 0,
            letting_go: false,
            told_nested: false,
            told_untraced: false,
        }
    }

    /// Takes on a thread that is seized already.
    pub(crate) fn adopt(&mut self, tid: u32, tgid: u32) {
        let muted = self.mode == Mode::Started;
        let status = self.ctx.look(tid).unwrap_or_default();
        let (parent, nested) = (status.ppid, status.is_nested());
        self.tasks.insert(tid, Task { tgid, parent, muted, nested, ..Task::default() });
    }

    pub(crate) fn tell(&mut self, notice: Notice) {
        (self.notify)(notice);
    }

    /// Traces until no thread is left.
    pub(crate) fn run(mut self) -> Finished {
        while !self.tasks.is_empty() {
            match self.waiter.next(self.patience(), &self.control) {
                Waited::Stopped { tid, status } => self.stopped(tid, status),
                Waited::Quiet => {}
                Waited::NobodyLeft => break,
            }
            if self.held > 0 {
                self.release_continued();
            }
            self.heed_control();
        }
        let status = match self.root {
            Root::Gone(status) => Some(status),
            Root::Alive => None,
        };
        let now_ns = self.ctx.clock.now_ns();
        let unaccounted = self.tasks.len() + self.early.len();
        Finished { status, executed: self.executed, unaccounted, sink: self.sink, now_ns }
    }

    /// While the command lives, whatever is asked of us is a signal to it, which ends an endless wait.
    fn patience(&self) -> Patience {
        let endless = self.mode == Mode::Started && self.root == Root::Alive && self.held == 0;
        if endless { Patience::Endless } else { Patience::Tick }
    }

    fn until(&self) -> Until {
        match self.mode {
            Mode::Started => Until::Event,
            Mode::Attached => Until::Call,
        }
    }

    /// Lets a thread go on; inside a call it stops at the return.
    fn go_on(&mut self, tid: u32, signal: i32) {
        if self.letting_go {
            return self.let_go(tid, signal);
        }
        let inside = self.tasks.get(&tid).is_some_and(|task| task.started.is_some());
        resume(tid, if inside { Until::Call } else { self.until() }, signal);
    }

    fn stopped(&mut self, tid: u32, status: i32) {
        let now_ns = self.ctx.clock.now_ns();
        if let Some(awake) = &mut self.awake {
            awake.beat(now_ns);
        }
        if self.ctx.clock.step(now_ns).is_some() {
            put_clock(&mut self.sink, &self.ctx.clock);
        }
        let stop = Stop::from_status(status);
        if !matches!(stop, Stop::Gone { .. }) {
            self.welcome(tid);
        }
        match stop {
            Stop::Gone { status } => self.gone(tid, status),
            Stop::Wanted => self.wanted_call(tid),
            Stop::Call => self.any_call(tid),
            Stop::Forked => self.forked(tid),
            Stop::Cloned => self.cloned(tid),
            Stop::Executed => self.executed(tid),
            Stop::Ending => self.ending(tid),
            Stop::Group(signal) => self.hold(tid, signal),
            Stop::Signal(signal) => self.signal(tid, signal),
            Stop::Trapped | Stop::Other => self.go_on(tid, 0),
        }
    }

    fn emit(&mut self, tid: u32, call: Call, entry: Entry, filler: &'static Filler) -> Entry {
        let Some(task) = self.tasks.get_mut(&tid).filter(|task| !task.muted) else { return entry };
        let made = task.made.take();
        self.ctx.point_at(tid, task.tgid, call, entry);
        if let Some(made) = made.filter(|_| child_filler_for(call.nr).is_some()) {
            self.ctx.at_birth_of(made, Some(tid));
        }
        // The ring keeps the books of what becomes of it.
        emit(&mut self.ctx, &mut self.sink, filler);
        self.ctx.take_entry()
    }

    /// A call that the filter stops at.
    fn wanted_call(&mut self, tid: u32) {
        let data = pid(tid).and_then(|pid| ptrace::getevent(pid).ok());
        if let Some(StopData { origin, native_nr, creates }) = data.and_then(StopData::read) {
            let nr = decode(native_nr, origin);
            match nr {
                nr::CLOSE if self.settings.is_state_only(nr) => return self.close(tid, origin),
                nr::CLONE3
                    if self.settings.is_state_only(nr)
                        && calls::read(tid, origin).is_some_and(|call| !calls::hides_its_task(tid, &call)) => {}
                _ => self.start(tid, Call { nr, native_nr, origin, ..NO_CALL }, creates),
            }
        }
        self.go_on(tid, 0);
    }

    /// A close(2) that starts: its effect is certain, so it need not stop at its return.
    fn close(&mut self, tid: u32, origin: Origin) {
        let call = calls::read(tid, origin);
        self.go_on(tid, 0);
        if let Some(call) = call {
            self.emit(tid, call, Entry::default(), &CLOSE_BEGUN);
        }
    }

    /// A call that starts or returns.
    fn any_call(&mut self, tid: u32) {
        let inside = self.tasks.get(&tid).and_then(|task| task.started);
        match (self.mode, inside) {
            // The filter has told of the start and its ABI.
            (Mode::Started, Some(started)) => return self.returned(tid, started),
            (Mode::Started, None) => {}
            (Mode::Attached, inside) => match calls::side(tid) {
                Some((Side::Start, abi)) => {
                    if let Some(call) = calls::read(tid, abi) {
                        let creates = self.plan(call.nr).creates(&call);
                        self.start(tid, call, creates);
                    }
                }
                // Without a start it is the rest of an exec that is recorded already.
                Some((Side::Return, _)) => {
                    if let Some(started) = inside {
                        return self.returned(tid, started);
                    }
                }
                None => {}
            },
        }
        self.go_on(tid, 0);
    }

    fn plan(&self, nr: u32) -> EntryPlan {
        self.plans.get(nr as usize).copied().unwrap_or_default()
    }

    /// Keeps what is known of a call that starts; `creates` is whether its open flags say that it may make a file.
    fn start(&mut self, tid: u32, call: Call, creates: bool) {
        let plan = self.plan(call.nr);
        let stands_for_other = call.origin == Origin::Ia32 && STANDING_FOR_OTHERS.contains(&call.native_nr);
        let wanted = stands_for_other || self.settings.interest.has(call.nr);
        let mut started = Started { call, unwrapped: false, wanted };
        let Some(task) = self.tasks.get_mut(&tid) else { return };
        task.entry.begin();
        let look = wanted && (stands_for_other || plan.looks(creates));
        if let Some(call) = look.then(|| calls::read(tid, call.origin)).flatten() {
            self.ctx.point_at(tid, task.tgid, call, Entry::default());
            let real = unwrap_call(&mut self.ctx);
            started = Started { call: real, unwrapped: stands_for_other, wanted: self.settings.interest.has(real.nr) };
            self.ctx.look_at_entry((tid, task.tgid), &real, &plan, &mut task.entry);
        }
        task.started = Some(started);
    }

    /// Records a call that has returned, and lets its thread go on.
    fn returned(&mut self, tid: u32, started: Started) {
        let Some(task) = self.tasks.get_mut(&tid) else { return };
        task.started = None;
        let tgid = task.tgid;
        let entry = std::mem::take(&mut task.entry);
        let is_read = started.wanted || started.call.nr == nr::PTRACE;
        let now = is_read.then(|| calls::read(tid, started.call.origin)).flatten();
        match now {
            Some(now) if now.nr == nr::PTRACE => self.notice_tracer(tgid, &now),
            Some(now) if !now.failed() && calls::hides_its_task(tid, &now) => self.notice_untraced(tgid),
            _ => {}
        }
        let recorded = now.filter(|_| started.wanted).map(|now| match started.unwrapped {
            true => Call { ret: now.ret, ..started.call },
            false => now,
        });
        let Some(call) = recorded.filter(|call| self.settings.interest.has(call.nr)) else {
            self.keep(tid, entry);
            return self.go_on(tid, 0);
        };
        let filler = fillers::filler_for(call.nr);
        // PERF: what stands in registers alone is recorded while the thread runs on; it is most of the calls of most programs.
        let early = filler.truth == Truth::Registers && filler.wants(call.failed()).is_empty();
        if early {
            self.go_on(tid, 0);
        }
        let entry = self.emit(tid, call, entry, filler);
        self.keep(tid, entry);
        if !early {
            self.go_on(tid, 0);
        }
    }

    /// Gives the storage of entry facts back to a thread, for its next call.
    fn keep(&mut self, tid: u32, entry: Entry) {
        if let Some(task) = self.tasks.get_mut(&tid) {
            task.entry = entry;
        }
    }

    fn notice_tracer(&mut self, pid: u32, call: &Call) {
        if call.failed() && TRACING_REQUESTS.contains(&call.arg(0)) && !self.told_nested {
            self.told_nested = true;
            self.tell(Notice::NestedTracer { pid });
        }
    }

    fn notice_untraced(&mut self, pid: u32) {
        if !std::mem::replace(&mut self.told_untraced, true) {
            self.tell(Notice::NotFollowed { pid });
        }
    }

    fn signal(&mut self, tid: u32, signal: i32) {
        if signal == SIGCONT {
            let tgid = self.tasks.get(&tid).map_or(tid, |task| task.tgid);
            self.release(tgid);
        }
        if self.settings.signals == SignalRecords::Keep && self.executed_or_attached() {
            let tgid = self.tasks.get(&tid).map_or(tid, |task| task.tgid);
            let sender = sender(tid).unwrap_or(0);
            let args = [sender.into(), tgid.into(), u64::from(signal.unsigned_abs()), 0, 0, 0];
            self.emit(tid, Call { args, ..NO_CALL }, Entry::default(), &SIGNAL_DELIVER);
        }
        self.go_on(tid, signal);
    }

    fn executed_or_attached(&self) -> bool {
        self.executed || self.mode == Mode::Attached
    }

    /// Leaves a thread where job control stopped it.
    fn hold(&mut self, tid: u32, signal: i32) {
        if self.letting_go {
            return self.let_go(tid, 0);
        }
        if let Some(task) = self.tasks.get_mut(&tid) {
            self.held += usize::from(task.held_by.replace(signal).is_none());
        }
    }

    /// Lets those threads go on whose job was continued: a stopped thread is not told, so its pending signals are read.
    fn release_continued(&mut self) {
        let held: Vec<(u32, u32)> =
            self.tasks.iter().filter(|(_, task)| task.held_by.is_some()).map(|(tid, task)| (*tid, task.tgid)).collect();
        let mut text = Vec::new();
        for (tid, tgid) in held {
            let read = self.ctx.proc.read(format_args!("{tid}/status"), &mut text, 16 << 10);
            if read.is_err() || TaskStatus::parse(&text).is_continued() {
                self.release(tgid);
            }
        }
    }

    fn release(&mut self, tgid: u32) {
        let held = self.tasks.iter_mut().filter(|(_, task)| task.tgid == tgid);
        let freed: Vec<u32> = held.filter_map(|(tid, task)| task.held_by.take().map(|_| *tid)).collect();
        self.held -= freed.len();
        freed.into_iter().for_each(|tid| self.go_on(tid, 0));
    }

    fn heed_control(&mut self) {
        match (self.control.asked(), self.mode) {
            (Asked::Nothing, _) | (Asked::End, Mode::Started) => {}
            (Asked::Kill, Mode::Started) => {
                // Of a task that has not stopped yet, the process is unknown; then it is killed at its first stop.
                let tasks = self.tasks.values().filter_map(|task| pid(task.tgid));
                tasks.for_each(|pid| _ = kill(pid, Signal::SIGKILL));
            }
            (_, Mode::Attached) if !self.letting_go => self.begin_to_let_go(),
            (_, Mode::Attached) => {}
        }
    }

    /// Starts to let all threads go: each must stop once more for it.
    fn begin_to_let_go(&mut self) {
        self.letting_go = true;
        let tids: Vec<(u32, bool)> = self.tasks.iter().map(|(tid, task)| (*tid, task.held_by.is_some())).collect();
        for (tid, held) in tids {
            match held {
                // It is stopped; without us, job control goes on holding it.
                true => self.let_go(tid, 0),
                false => _ = pid(tid).map(ptrace::interrupt),
            }
        }
    }

    fn let_go(&mut self, tid: u32, signal: i32) {
        if signal != 0 && Signal::try_from(signal).is_err() {
            // Real-time signals are delivered first; the interrupt then stops it again.
            return resume(tid, Until::Event, signal);
        }
        if detach(tid, signal) {
            self.forget(tid);
        }
    }
}

/// Returns who sent the signal that a thread is about to get, where a process did.
fn sender(tid: u32) -> Option<u32> {
    let stopped = safeptrace::Stopped::new_unchecked(safeptrace::Pid::from_raw(i32::try_from(tid).ok()?));
    let info = stopped.getsiginfo_bytes().ok()?;
    let word = |at: usize| Some(i32::from_ne_bytes(*info.get(at..)?.first_chunk()?));
    // Sent by a process: SI_USER, SI_QUEUE, SI_TKILL and their like are not positive; a child's end has its pid.
    let (signal, code) = (word(0)?, word(8)?);
    (code <= 0 || signal == Signal::SIGCHLD as i32).then_some(())?;
    u32::try_from(word(16)?).ok()
}

/// Lets a command that stopped itself go on to become the program.
pub(crate) fn let_start(tid: u32) {
    if let Some(pid) = pid(tid) {
        // It cannot be gone: nobody but us waits for it.
        let _ = kill(pid, Signal::SIGCONT);
        resume(tid, Until::Event, 0);
    }
}

/// Returns whether a wait status says that the command has stopped itself and was seized.
pub(crate) fn is_own_stop(status: i32) -> bool {
    Stop::from_status(status) == Stop::Group(SIGSTOP)
}
