// SPDX-License-Identifier: Apache-2.0

//! Births and ends: new threads, new programs, threads that are gone and who takes their children.
//!
//! ```text
//! maker: clone ── told of the child ── return: record          either order
//! child:              first stop ─ record ─ runs
//! process: gone: record ── its parent is told
//! thread: ending: record ── gone
//! with children: ending ── they get another parent ── gone: record, with that parent ── its own parent is told
//! ```
//! Where only the tables of state want to know of births, the maker does not stop in its call, and its record is made as
//! soon as it is told of the child. Who adopts the children of a process, nothing tells beforehand, so the end of one that has any is recorded when it is
//! gone.

use super::{Entry, Mode, Root, Started, Task, TraceLoop};
use crate::calls;
use crate::context::{Ending, NO_CALL};
use crate::launch::STARTED_AMONG_OTHERS;
use crate::notice::Notice;
use crate::privilege;
use crate::resume::pid;
use crate::stop::ExitStatus;
use nix::sys::ptrace;
use saker_driver_api::capture::emit;
use saker_driver_api::fillers::{EXEC, EXECVEAT, PROC_EXIT, child_filler_for, maker_filler_for};
use saker_driver_api::probe::Call;
use saker_driver_api::syscalls::nr;

const CLONE_PARENT: u64 = 0x8000;
/// The calls that make tasks.
const MAKERS: [u32; 4] = [nr::CLONE, nr::CLONE3, nr::FORK, nr::VFORK];

/// What a thread that ends leaves.
enum Heirs {
    /// Nothing: it has no children.
    None,
    /// Another thread of the process, which has the children now.
    Thread(u32),
    /// Tasks that need another parent.
    Children(Vec<u32>),
}

impl TraceLoop {
    /// Records a new thread at its first stop.
    pub(super) fn welcome(&mut self, tid: u32) {
        let (announced, maker, maker_in) = match self.tasks.get(&tid) {
            Some(task) if !task.unborn => return,
            Some(task) => (true, task.maker, task.parent),
            None => (false, None, 0),
        };
        let status = self.ctx.look(tid);
        let (tgid, parent) = status.map_or((tid, 0), |status| (status.tgid, status.ppid));
        let nested = status.is_some_and(|status| status.is_nested());
        if tgid != tid {
            self.report_ending(tid);
        }
        let made_by = if tgid == tid { parent } else { tgid };
        if !announced {
            self.early.insert(tid, made_by);
        }
        // The maker may have ended meanwhile, which we are still to be told.
        let parent = if announced && tgid == tid { maker_in } else { parent };
        self.tasks.insert(tid, Task { tgid, parent, nested, ..Task::default() });
        let maker = maker.or_else(|| self.only_maker_in(made_by));
        let told = maker.and_then(|maker| self.tasks.get(&maker)?.started).map(|started| started.call.origin);
        let Some(abi) = told.or_else(|| calls::side(tid).map(|(_, abi)| abi)) else { return };
        let Some(call) = calls::read(tid, abi) else { return };
        let Some(filler) = child_filler_for(call.nr).filter(|_| self.settings.interest.has(call.nr)) else { return };
        self.ctx.point_at(tid, tgid, call, Entry::default());
        // Of such a child the parent is not the maker.
        let guessed_wrong = !announced && self.ctx.clone_flags() & CLONE_PARENT != 0;
        self.ctx.at_birth_of(tid, maker.filter(|_| !guessed_wrong));
        status.into_iter().for_each(|status| self.ctx.saw(status));
        emit(&mut self.ctx, &mut self.sink, filler);
    }

    /// Returns the thread of a process that may make a task just now, if there is only one.
    fn only_maker_in(&self, tgid: u32) -> Option<u32> {
        let makes = |task: &Task| match task.started {
            Some(started) => child_filler_for(started.call.nr).is_some(),
            None => self.is_blind_to_makers(),
        };
        let mut makers = self.tasks.iter().filter(|(_, task)| task.tgid == tgid && task.made.is_none() && makes(task));
        let first = makers.next().map(|(tid, _)| *tid);
        first.filter(|_| makers.next().is_none())
    }

    /// Whether some calls that make tasks do not stop, so that only their events tell.
    fn is_blind_to_makers(&self) -> bool {
        self.mode == Mode::Started && MAKERS.iter().any(|nr| self.settings.is_state_only(*nr))
    }

    /// A thread made another, or a process in the way of threads.
    pub(super) fn cloned(&mut self, tid: u32) {
        self.report_ending(tid);
        self.forked(tid);
    }

    /// Makes a thread that is not alone in its process stop when it ends. The others are done when they are gone, before
    /// their parent is told, which saves a stop.
    fn report_ending(&self, tid: u32) {
        if let Some(pid) = pid(tid).filter(|_| self.mode == Mode::Started) {
            // ESRCH: it is being killed, and its end is told by the next wait.
            let _ = ptrace::setoptions(pid, STARTED_AMONG_OTHERS);
        }
    }

    pub(super) fn forked(&mut self, tid: u32) {
        let child = pid(tid).and_then(|pid| ptrace::getevent(pid).ok()).and_then(|child| u32::try_from(child).ok());
        if let Some(child) = child {
            if self.early.remove(&child).is_none() {
                let parent = self.tasks.get(&tid).map_or(0, |task| task.tgid);
                self.tasks.insert(child, Task { unborn: true, maker: Some(tid), parent, ..Task::default() });
            }
            if let Some(task) = self.tasks.get_mut(&tid) {
                task.made = Some(child);
            }
            if self.is_blind_to_makers() {
                self.record_made(tid, child);
            }
        }
        self.go_on(tid, 0);
    }

    /// Records the maker's half of a birth of which no return tells, because the maker did not stop in its call.
    fn record_made(&mut self, tid: u32, child: u32) {
        let Some(task) = self.tasks.get_mut(&tid).filter(|task| task.started.is_none()) else { return };
        let Some(call) = calls::side(tid).and_then(|(_, abi)| calls::read(tid, abi)) else { return };
        if task.nested {
            // Only the return has the child's number in the maker's namespace.
            task.started = Some(Started { call, unwrapped: false, wanted: true });
            return;
        }
        task.made = None;
        let wanted = self.settings.interest.has(call.nr);
        if let Some(filler) = maker_filler_for(call.nr).filter(|_| wanted) {
            self.emit(tid, Call { ret: child.into(), ..call }, Entry::default(), filler);
        }
    }

    pub(super) fn executed(&mut self, tid: u32) {
        let former = pid(tid).and_then(|pid| ptrace::getevent(pid).ok()).and_then(|former| u32::try_from(former).ok());
        // A thread that runs a new program takes over the id of its process; the other threads end.
        if let Some(task) = former.filter(|former| *former != tid).and_then(|former| self.tasks.remove(&former)) {
            former.into_iter().for_each(|former| self.ctx.forget(former));
            self.forget(tid);
            self.tasks.insert(tid, task);
        }
        let Some(task) = self.tasks.get_mut(&tid) else { return };
        task.tgid = tid;
        task.muted = false;
        let started = task.started.take();
        let entry = std::mem::take(&mut task.entry);
        self.executed |= tid == self.root_pid;
        let call = started.map_or(Call { nr: nr::EXECVE, ..NO_CALL }, |started| Call { ret: 0, ..started.call });
        if let Some(privilege) = privilege::withheld(&mut self.ctx.proc, tid, self.mode) {
            let program = String::from_utf8_lossy(self.ctx.proc.link(format_args!("{tid}/exe")).unwrap_or_default());
            let program = program.into_owned();
            self.tell(Notice::PrivilegeWithheld { pid: tid, program, privilege });
        }
        if self.settings.interest.has(call.nr) {
            let filler = if call.nr == nr::EXECVEAT { &EXECVEAT } else { &EXEC };
            self.emit(tid, call, entry, filler);
        }
        self.go_on(tid, 0);
    }

    pub(super) fn ending(&mut self, tid: u32) {
        let status = pid(tid).and_then(|pid| ptrace::getevent(pid).ok()).and_then(|status| i32::try_from(status).ok());
        let heirs = self.tasks.get(&tid).map(|task| self.heirs(tid, task.tgid));
        match heirs {
            Some(Heirs::None) => self.record_end(tid, status.unwrap_or(0), Some(0)),
            Some(Heirs::Thread(thread)) => self.record_end(tid, status.unwrap_or(0), Some(thread)),
            Some(Heirs::Children(_)) | None => {}
        }
        self.go_on(tid, 0);
    }

    pub(super) fn gone(&mut self, tid: u32, status: i32) {
        let tgid = self.tasks.get(&tid).filter(|task| !task.ended).map(|task| task.tgid);
        let reaper = match tgid.map(|tgid| self.heirs(tid, tgid)) {
            Some(Heirs::Children(children)) => self.adopter(&children),
            Some(Heirs::Thread(thread)) => Some(thread),
            Some(Heirs::None) | None => Some(0),
        };
        self.record_end(tid, status, reaper);
        self.forget(tid);
        // A parent that was killed in the middle of its call tells of no child.
        self.early.retain(|_, parent| *parent != tid);
        if tid == self.root_pid && self.root == Root::Alive {
            self.root = Root::Gone(ExitStatus::from_status(status));
            self.control.set_command(None);
        }
    }

    fn record_end(&mut self, tid: u32, status: i32, reaper: Option<u32>) {
        let Some(task) = self.tasks.get_mut(&tid) else { return };
        if std::mem::replace(&mut task.ended, true) || task.muted || task.unborn {
            return;
        }
        let tgid = task.tgid;
        self.ctx.point_at_ending(tid, tgid, Ending { status, reaper });
        emit(&mut self.ctx, &mut self.sink, &PROC_EXIT);
    }

    fn heirs(&self, tid: u32, tgid: u32) -> Heirs {
        let mut children = Vec::new();
        for (other, task) in &self.tasks {
            if task.tgid == tgid && *other != tid && !task.ended {
                return Heirs::Thread(*other);
            }
            if task.parent == tgid {
                children.push(*other);
            }
        }
        if children.is_empty() { Heirs::None } else { Heirs::Children(children) }
    }

    /// Returns the process that has the children of one that is gone: 0 if they have ended as well, `None` if it cannot be
    /// seen. All have the same.
    fn adopter(&mut self, children: &[u32]) -> Option<u32> {
        // Threads have the parent of their process, and of one whose first stop is still to come only this tells what it is.
        let mut processes = children.iter().filter_map(|child| self.ctx.look(*child).filter(|s| s.tgid == *child));
        let Some(adopter) = processes.next().map(|status| status.ppid) else { return Some(0) };
        for child in children {
            if let Some(task) = self.tasks.get_mut(child) {
                task.parent = adopter;
            }
        }
        Some(adopter).filter(|adopter| *adopter != 0)
    }

    pub(super) fn forget(&mut self, tid: u32) {
        if let Some(task) = self.tasks.remove(&tid) {
            self.held -= usize::from(task.held_by.is_some());
        }
        self.ctx.forget(tid);
    }
}
