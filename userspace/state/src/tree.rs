//! Threads and processes coming and going, and who is whose child.

use crate::State;
use crate::fd::FdTable;
use crate::pool::Key;
use crate::process::{Cgroups, Comm, Credentials, FsInfo, Image, ProcessInfo, ThreadInfo, UNSET_ID};
use crate::state::REMEMBERED_EXITS;
use crate::view::MAX_ANCESTORS;
use saker_driver_api::event::EventType;
use saker_event::Event;

/// Which tables a thread without facts gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tables {
    /// Those of another thread of its process, as threads usually do.
    OfMates,
    /// Its own.
    Own,
}

/// What a new thread starts with; keys are users of their own already.
pub(crate) struct NewThread {
    pub(crate) tid: u32,
    pub(crate) vtid: i64,
    pub(crate) comm: Comm,
    pub(crate) credentials: Credentials,
    pub(crate) start_ns: u64,
    pub(crate) process: Key<ProcessInfo>,
    pub(crate) fs: Key<FsInfo>,
    pub(crate) files: Key<FdTable>,
}

impl State {
    /// Returns the thread of an event; makes a stub for one that no table knows. Idle tasks (id 0) have none.
    pub(crate) fn thread_for(&mut self, event: &Event<'_>) -> Option<Key<ThreadInfo>> {
        let (tid, pid) = (event.tid(), event.pid());
        if tid == 0 {
            return None;
        }
        if let Some(key) = self.by_tid.get(&tid).copied() {
            let thread = self.threads.get(key)?;
            let known_pid = self.processes.get(thread.process).map(|process| process.pid);
            // The end of a thread whose group leader id the source does not know says nothing about reuse.
            if pid == 0 || known_pid == Some(pid) || makes_thread(event.kind()) {
                return Some(key);
            }
            self.stats.reused += 1;
            self.remove_thread(key);
        }
        if matches!(event.kind(), EventType::Switch) || makes_thread(event.kind()) && event.res() == Some(0) {
            // Idle switching alone is no reason to keep a thread; a new child makes itself.
            return None;
        }
        Some(self.add_stub(tid, if pid == 0 { tid } else { pid }))
    }

    /// Adds a thread of which only the numbers are known.
    pub(crate) fn add_stub(&mut self, tid: u32, pid: u32) -> Key<ThreadInfo> {
        self.stats.stubs += 1;
        let key = self.add_blank(tid, pid, Tables::OfMates);
        if let Some(thread) = self.threads.get_mut(key) {
            thread.stub = true;
        }
        key
    }

    /// Adds a thread without facts.
    pub(crate) fn add_blank(&mut self, tid: u32, pid: u32, tables: Tables) -> Key<ThreadInfo> {
        let process = self.process_or_stub(pid);
        let mate = self.any_thread(process).filter(|_| tables == Tables::OfMates);
        let (fs, files) = match mate.and_then(|key| self.threads.get(key)) {
            Some(mate) => {
                let (fs, files) = (mate.fs, mate.files);
                (self.fs.share(fs), self.tables.share(files))
            }
            None => (self.new_fs(b"", b"/"), self.tables.insert(FdTable::default())),
        };
        let new = NewThread {
            tid,
            vtid: -1,
            comm: Comm::default(),
            credentials: Credentials::default(),
            start_ns: 0,
            process,
            fs,
            files,
        };
        self.add_thread(new)
    }

    pub(crate) fn new_fs(&mut self, cwd: &[u8], root: &[u8]) -> Key<FsInfo> {
        let version = self.next_version();
        self.fs.insert(FsInfo { cwd: cwd.into(), root: root.into(), version })
    }

    /// Returns the process with this id, made empty if it is not known.
    pub(crate) fn process_or_stub(&mut self, pid: u32) -> Key<ProcessInfo> {
        if let Some(key) = self.by_pid.get(&pid) {
            return *key;
        }
        let (image, cgroups) = (self.images.share(self.no_image), self.cgroups.share(self.no_cgroups));
        self.add_process(pid, image, cgroups)
    }

    /// Adds a process without threads; `image` and `cgroups` become its own.
    pub(crate) fn add_process(&mut self, pid: u32, image: Key<Image>, cgroups: Key<Cgroups>) -> Key<ProcessInfo> {
        let version = self.next_version();
        let process = ProcessInfo {
            pid,
            ppid: 0,
            vpid: -1,
            pgid: -1,
            vpgid: -1,
            sid: -1,
            tty: 0,
            loginuid: UNSET_ID,
            fdlimit: -1,
            vm_size: 0,
            vm_rss: 0,
            vm_swap: 0,
            pidns_init_start_ns: 0,
            exec_ns: 0,
            cgroups,
            image,
            parent: None,
            first_child: None,
            next_sibling: None,
            prev_sibling: None,
            first_thread: None,
            leader: None,
            live_threads: 0,
            suspect: false,
            last_ns: 0,
            version,
        };
        let key = self.processes.insert(process);
        self.by_pid.insert(pid, key);
        key
    }

    /// Adds a thread to its process. A thread of the same number must be gone.
    pub(crate) fn add_thread(&mut self, new: NewThread) -> Key<ThreadInfo> {
        let version = self.next_version();
        self.stats.threads_added += 1;
        let next = self.processes.get(new.process).and_then(|process| process.first_thread);
        let key = self.threads.insert(ThreadInfo {
            tid: new.tid,
            vtid: new.vtid,
            comm: new.comm,
            credentials: new.credentials,
            start_ns: new.start_ns,
            last_ns: new.start_ns,
            faults_major: 0,
            faults_minor: 0,
            slice_ns: 0,
            cpu_ns: 0,
            process: new.process,
            fs: new.fs,
            files: new.files,
            next,
            prev: None,
            stub: false,
            dead: false,
            from_parent: false,
            scan_ns: 0,
            told_ns: 0,
            version,
        });
        if let Some(next) = next.and_then(|next| self.threads.get_mut(next)) {
            next.prev = Some(key);
        }
        if let Some(process) = self.processes.get_mut(new.process) {
            process.first_thread = Some(key);
            process.live_threads += 1;
            if process.pid == new.tid {
                process.leader = Some(key);
            }
        }
        self.by_tid.insert(new.tid, key);
        key
    }

    pub(crate) fn any_thread(&self, process: Key<ProcessInfo>) -> Option<Key<ThreadInfo>> {
        let process = self.processes.get(process)?;
        process.leader.or(process.first_thread)
    }

    /// Returns the threads of a process, dead ones included.
    pub(crate) fn threads_of(&self, process: Key<ProcessInfo>) -> Vec<Key<ThreadInfo>> {
        let first = self.processes.get(process).and_then(|process| process.first_thread);
        std::iter::successors(first, |key| self.threads.get(*key)?.next).collect()
    }

    /// Marks a thread ended; removes it unless its process still needs it. `reaper` adopts the children.
    pub(crate) fn end_thread(&mut self, key: Key<ThreadInfo>, reaper: Option<Key<ProcessInfo>>) {
        let Some(thread) = self.threads.get_mut(key) else { return };
        let (process_key, tid, was_dead) = (thread.process, thread.tid, thread.dead);
        thread.dead = true;
        if self.exits.len() == REMEMBERED_EXITS {
            self.exits.pop_front();
        }
        self.exits.push_back(tid);
        let Some(process) = self.processes.get_mut(process_key) else { return };
        let live = process.live_threads.saturating_sub(u32::from(!was_dead));
        let leads = process.leader == Some(key);
        if live == 0 {
            // While it still counts as alive: an ended process goes with its last child.
            if let Some(reaper) = reaper.filter(|reaper| *reaper != process_key) {
                self.move_children(process_key, Some(reaper));
            }
            self.set_live(process_key, 0);
            self.end_process(process_key);
        } else if leads {
            self.set_live(process_key, live);
        } else {
            self.set_live(process_key, live);
            self.drop_thread(key);
            self.stats.threads_removed += 1;
        }
    }

    fn set_live(&mut self, key: Key<ProcessInfo>, live: u32) {
        if let Some(process) = self.processes.get_mut(key) {
            process.live_threads = live;
        }
    }

    /// Removes a process whose threads all ended; one with children stays as their ancestor, without descriptors.
    fn end_process(&mut self, key: Key<ProcessInfo>) {
        let Some(process) = self.processes.get(key) else { return };
        let (pid, keep) = (process.pid, process.first_child.is_some());
        self.stats.threads_removed += 1;
        if !keep {
            self.remove_process(key);
            return;
        }
        let kept = self.any_thread(key);
        for thread in self.threads_of(key) {
            if Some(thread) != kept {
                self.drop_thread(thread);
            }
        }
        if self.by_pid.get(&pid) == Some(&key) {
            self.by_pid.remove(&pid);
        }
        let Some(kept) = kept else { return };
        let empty = self.tables.share(self.no_files);
        let Some(thread) = self.threads.get_mut(kept) else { return };
        let (tid, files) = (thread.tid, std::mem::replace(&mut thread.files, empty));
        if self.by_tid.get(&tid) == Some(&kept) {
            self.by_tid.remove(&tid);
        }
        self.release_table(files);
    }

    /// Removes a thread that is gone without a word, and its process if it was the last or the leading one.
    pub(crate) fn remove_thread(&mut self, key: Key<ThreadInfo>) {
        let Some(thread) = self.threads.get(key) else { return };
        let process = thread.process;
        let leads = self.processes.get(process).is_some_and(|process| process.leader == Some(key));
        if leads {
            // The number of the whole group was used again: all of it is gone.
            self.remove_process(process);
        } else {
            self.drop_thread(key);
            self.settle(process);
        }
    }

    /// Brings a thread that was taken for dead back to life.
    pub(crate) fn revive(&mut self, key: Key<ThreadInfo>) {
        if let Some(thread) = self.threads.get_mut(key)
            && std::mem::take(&mut thread.dead)
            && let Some(process) = self.processes.get_mut(thread.process)
        {
            process.live_threads += 1;
        }
    }

    /// Ends a process whose last living thread went without a word.
    pub(crate) fn settle(&mut self, key: Key<ProcessInfo>) {
        let Some(process) = self.processes.get(key).filter(|process| process.live_threads == 0) else { return };
        if process.first_thread.is_some() && process.first_child.is_some() {
            self.end_process(key);
        } else {
            self.remove_process(key);
        }
    }

    /// Removes a process with its threads; its children have no known parent any more.
    pub(crate) fn remove_process(&mut self, key: Key<ProcessInfo>) {
        for thread in self.threads_of(key) {
            self.drop_thread(thread);
        }
        self.move_children(key, None);
        self.unlink(key);
        let Some(process) = self.processes.release(key) else { return };
        if self.by_pid.get(&process.pid) == Some(&key) {
            self.by_pid.remove(&process.pid);
        }
        self.images.release(process.image);
        self.cgroups.release(process.cgroups);
    }

    /// Takes a thread out of every table.
    pub(crate) fn drop_thread(&mut self, key: Key<ThreadInfo>) {
        let Some(thread) = self.threads.release(key) else { return };
        if let Some(prev) = thread.prev.and_then(|prev| self.threads.get_mut(prev)) {
            prev.next = thread.next;
        }
        if let Some(next) = thread.next.and_then(|next| self.threads.get_mut(next)) {
            next.prev = thread.prev;
        }
        if let Some(process) = self.processes.get_mut(thread.process) {
            if process.first_thread == Some(key) {
                process.first_thread = thread.next;
            }
            if process.leader == Some(key) {
                process.leader = None;
            }
            process.live_threads -= u32::from(!thread.dead && process.live_threads > 0);
        }
        if self.by_tid.get(&thread.tid) == Some(&key) {
            self.by_tid.remove(&thread.tid);
        }
        self.fs.release(thread.fs);
        self.release_table(thread.files);
    }

    /// Makes `parent` the parent of `child`, unless that would close a circle.
    pub(crate) fn set_parent(&mut self, child: Key<ProcessInfo>, parent: Option<Key<ProcessInfo>>) {
        let parent = parent.filter(|parent| !self.descends(*parent, child));
        if self.processes.get(child).is_none_or(|process| parent.is_some() && process.parent == parent) {
            return;
        }
        self.unlink(child);
        let version = self.next_version();
        let head = parent.and_then(|parent| {
            let pid = self.processes.get(parent)?.pid;
            if let Some(child) = self.processes.get_mut(child) {
                child.ppid = pid;
            }
            self.processes.get_mut(parent)?.first_child.replace(child)
        });
        if let Some(process) = self.processes.get_mut(child) {
            process.parent = parent;
            process.next_sibling = head;
            process.version = version;
        }
        if let Some(head) = head.and_then(|head| self.processes.get_mut(head)) {
            head.prev_sibling = Some(child);
        }
    }

    /// Believes a record that tells a process's parent by number; a parent that is not known is made empty.
    pub(crate) fn believe_parent(&mut self, child: Key<ProcessInfo>, told: u32) {
        let Some(process) = self.processes.get(child) else { return };
        let known = process.parent.and_then(|parent| self.processes.get(parent)).map(|parent| parent.pid);
        if told == 0 || told == process.pid || known == Some(told) {
            return;
        }
        let parent = self.leading_thread(told);
        let parent = self.threads.get(parent).map(|thread| thread.process);
        self.set_parent(child, parent);
        self.change_process(child, |process| process.ppid = told);
    }

    /// Returns the leading thread of the process with this id, made empty if it is not known.
    pub(crate) fn leading_thread(&mut self, pid: u32) -> Key<ThreadInfo> {
        let known = self.by_pid.get(&pid).and_then(|process| self.any_thread(*process));
        known.unwrap_or_else(|| self.add_stub(pid, pid))
    }

    /// Returns whether `from` is `ancestor` or below it; chains too long to follow count as a circle.
    fn descends(&self, from: Key<ProcessInfo>, ancestor: Key<ProcessInfo>) -> bool {
        let mut at = Some(from);
        for _ in 0..MAX_ANCESTORS {
            match at {
                None => return false,
                Some(key) if key == ancestor => return true,
                Some(key) => at = self.processes.get(key).and_then(|process| process.parent),
            }
        }
        true
    }

    /// Takes a process from its parent; an ended parent without children left goes too.
    fn unlink(&mut self, key: Key<ProcessInfo>) {
        let Some(process) = self.processes.get_mut(key) else { return };
        let (parent, next, prev) = (process.parent.take(), process.next_sibling.take(), process.prev_sibling.take());
        if let Some(next) = next.and_then(|next| self.processes.get_mut(next)) {
            next.prev_sibling = prev;
        }
        match prev.and_then(|prev| self.processes.get_mut(prev)) {
            Some(prev) => prev.next_sibling = next,
            None => {
                if let Some(parent) = parent.and_then(|parent| self.processes.get_mut(parent)) {
                    parent.first_child = next;
                }
            }
        }
        let Some(parent) = parent else { return };
        let over = self.processes.get(parent).is_some_and(|p| p.live_threads == 0 && p.first_child.is_none());
        if over && self.any_thread(parent).and_then(|key| self.threads.get(key)).is_some_and(|thread| thread.dead) {
            self.remove_process(parent);
        }
    }

    /// Gives the children of a process to another, or to nobody known.
    fn move_children(&mut self, from: Key<ProcessInfo>, to: Option<Key<ProcessInfo>>) {
        let mut children = Vec::new();
        let mut at = self.processes.get(from).and_then(|process| process.first_child);
        while let Some(key) = at {
            children.push(key);
            at = self.processes.get(key).and_then(|process| process.next_sibling);
        }
        for child in children {
            // Unlinking the last child must not end `from` under our feet: the caller decides about it.
            let version = self.next_version();
            if to.is_some() {
                self.set_parent(child, to);
            } else if let Some(process) = self.processes.get_mut(child) {
                (process.parent, process.next_sibling, process.prev_sibling) = (None, None, None);
                process.version = version;
            }
        }
        if let Some(process) = self.processes.get_mut(from).filter(|_| to.is_none()) {
            process.first_child = None;
        }
    }

    /// Returns the children of a process.
    pub(crate) fn children_of(&self, key: Key<ProcessInfo>) -> impl Iterator<Item = Key<ProcessInfo>> + '_ {
        let first = self.processes.get(key).and_then(|process| process.first_child);
        std::iter::successors(first, |key| self.processes.get(*key)?.next_sibling)
    }

    /// Changes a process and gives it a new version.
    pub(crate) fn change_process(&mut self, key: Key<ProcessInfo>, change: impl FnOnce(&mut ProcessInfo)) {
        let version = self.next_version();
        if let Some(process) = self.processes.get_mut(key) {
            change(process);
            process.version = version;
        }
    }

    /// Changes a thread and gives it a new version.
    pub(crate) fn change_thread(&mut self, key: Key<ThreadInfo>, change: impl FnOnce(&mut ThreadInfo)) {
        let version = self.next_version();
        if let Some(thread) = self.threads.get_mut(key) {
            change(thread);
            thread.version = version;
        }
    }

    /// Gives a process another program.
    pub(crate) fn set_image(&mut self, process: Key<ProcessInfo>, image: Key<Image>) {
        let mut old = None;
        self.change_process(process, |process| old = Some(std::mem::replace(&mut process.image, image)));
        self.images.release(old.unwrap_or(image));
    }
}

/// Returns whether the event's thread may be one that the event itself brings to life.
pub(crate) fn makes_thread(kind: EventType) -> bool {
    use EventType as E;
    matches!(kind, E::CloneExit | E::Clone3Exit | E::ForkExit | E::VforkExit)
}
