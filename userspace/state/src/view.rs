//! What is known of a task, read together: for field extraction and output.

use crate::State;
use crate::fd::{FdInfo, FdTable};
use crate::pool::Key;
use crate::process::{Credentials, FsInfo, Image, ProcessInfo, ThreadInfo};
use saker_event::Items;
use std::borrow::Cow;

/// Most ancestors that are ever looked at.
pub const MAX_ANCESTORS: usize = 256;

/// A thread with its process, program and directories, borrowed from the state.
#[derive(Clone, Copy)]
pub struct Task<'s> {
    state: &'s State,
    thread: &'s ThreadInfo,
    process: &'s ProcessInfo,
    image: &'s Image,
    fs: &'s FsInfo,
}

impl<'s> Task<'s> {
    pub(crate) fn new(state: &'s State, key: Key<ThreadInfo>) -> Option<Self> {
        let thread = state.threads.get(key)?;
        let process = state.processes.get(thread.process)?;
        let image = state.images.get(process.image)?;
        let fs = state.fs.get(thread.fs)?;
        Some(Self { state, thread, process, image, fs })
    }

    /// Returns the thread: number, name, credentials, times.
    #[must_use]
    pub fn thread(&self) -> &'s ThreadInfo {
        self.thread
    }

    /// Returns the process: numbers, session, limits, memory.
    #[must_use]
    pub fn process(&self) -> &'s ProcessInfo {
        self.process
    }

    /// Returns the program: path, arguments, environment, inode.
    #[must_use]
    pub fn image(&self) -> &'s Image {
        self.image
    }

    /// Returns the directories.
    #[must_use]
    pub fn fs(&self) -> &'s FsInfo {
        self.fs
    }

    /// Returns the thread id.
    #[must_use]
    pub fn tid(&self) -> u32 {
        self.thread.tid
    }

    /// Returns the process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid
    }

    /// Returns the thread's name.
    #[must_use]
    pub fn comm(&self) -> &'s [u8] {
        self.thread.comm.as_bytes()
    }

    /// Returns who the thread acts as.
    #[must_use]
    pub fn credentials(&self) -> &'s Credentials {
        &self.thread.credentials
    }

    /// Returns the arguments after the first.
    #[must_use]
    pub fn args(&self) -> Items<'s> {
        Items::new(&self.image.args)
    }

    /// Returns the environment's entries.
    #[must_use]
    pub fn env(&self) -> Items<'s> {
        Items::new(&self.image.env)
    }

    /// Returns the arguments after the first, with a blank between.
    #[must_use]
    pub fn args_joined(&self) -> &'s [u8] {
        &self.image.args_joined
    }

    /// Returns the thread's name and the arguments, with a blank between.
    #[must_use]
    pub fn cmdline(&self) -> Cow<'s, [u8]> {
        self.image.cmdline(&self.thread.comm)
    }

    /// Returns the cgroups as `subsystem=path` items.
    #[must_use]
    pub fn cgroups(&self) -> Items<'s> {
        Items::new(self.state.cgroups.get(self.process.cgroups).map_or(&[], |cgroups| &cgroups.0))
    }

    /// Returns the path of one cgroup subsystem.
    #[must_use]
    pub fn cgroup(&self, subsystem: &[u8]) -> Option<&'s [u8]> {
        self.cgroups().find_map(|item| item.strip_prefix(subsystem)?.strip_prefix(b"="))
    }

    /// Returns whether the thread leads its process.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.thread.tid == self.process.pid
    }

    /// Returns whether only the numbers are known.
    #[must_use]
    pub fn is_stub(&self) -> bool {
        self.thread.stub
    }

    /// Returns whether the thread ended and is kept for its process or children.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.thread.dead
    }

    /// Returns whether records about the process were lost, so that what is known may be wrong.
    #[must_use]
    pub fn is_suspect(&self) -> bool {
        self.process.suspect
    }

    /// Returns how many threads of the process live.
    #[must_use]
    pub fn thread_count(&self) -> u32 {
        self.process.live_threads
    }

    fn table(&self) -> Option<&'s FdTable> {
        self.state.tables.get(self.thread.files)
    }

    /// Returns how many descriptors are open.
    #[must_use]
    pub fn fd_count(&self) -> usize {
        self.table().map_or(0, FdTable::len)
    }

    /// Returns an open file by its descriptor.
    #[must_use]
    pub fn fd(&self, fd: i64) -> Option<&'s FdInfo> {
        self.state.files.get(self.table()?.get(fd)?.file)
    }

    /// Returns the open descriptors in the order of their numbers.
    pub fn fds(&self) -> impl Iterator<Item = (u32, &'s FdInfo)> + use<'s> {
        let state = self.state;
        self.table()
            .into_iter()
            .flat_map(FdTable::iter)
            .filter_map(|(fd, entry)| Some((fd, state.files.get(entry.file)?)))
    }

    fn of_process(&self, key: Key<ProcessInfo>) -> Option<Self> {
        let process = self.state.processes.get(key)?;
        Self::new(self.state, process.leader.or(process.first_thread)?)
    }

    /// Returns the leading thread of the same process.
    #[must_use]
    pub fn leader(&self) -> Self {
        self.of_process(self.thread.process).unwrap_or(*self)
    }

    /// Returns the leading thread of the parent, if the parent is known.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.of_process(self.process.parent?)
    }

    /// Returns the ancestors, the parent first, at most [`MAX_ANCESTORS`].
    pub fn ancestors(&self) -> impl Iterator<Item = Task<'s>> + use<'s> {
        std::iter::successors(self.parent(), Task::parent).take(MAX_ANCESTORS)
    }

    /// Returns the process that leads a session or group: the one with that id, or the oldest ancestor that still belongs
    /// to it where the leader is gone.
    fn leads(&self, id: i64, belongs: impl Fn(&ProcessInfo) -> i64) -> Option<Self> {
        if id <= 0 {
            return None;
        }
        let found =
            u32::try_from(id).ok().and_then(|pid| self.state.by_pid.get(&pid)).and_then(|key| self.of_process(*key));
        let alive = found.filter(|task| belongs(task.process) == id);
        alive.or_else(|| {
            std::iter::once(self.leader()).chain(self.ancestors()).take_while(|t| belongs(t.process) == id).last()
        })
    }

    /// Returns the session's leader, or the oldest ancestor in the session.
    #[must_use]
    pub fn session_leader(&self) -> Option<Self> {
        self.leads(self.process.sid, |process| process.sid)
    }

    /// Returns the process group's leader, or the oldest ancestor in the group.
    #[must_use]
    pub fn group_leader(&self) -> Option<Self> {
        self.leads(self.process.pgid, |process| process.pgid)
    }

    /// Returns the leader of the process group as the PID namespace numbers it: the oldest of the task and its ancestors in
    /// the group.
    #[must_use]
    pub fn vgroup_leader(&self) -> Option<Self> {
        let id = self.process.vpgid;
        if id <= 0 {
            return None;
        }
        std::iter::once(self.leader()).chain(self.ancestors()).take_while(|task| task.process.vpgid == id).last()
    }

    /// Returns a number that changes whenever anything about the task itself does: name, credentials, program,
    /// directories, session, descriptors 0 to 2. It never returns to an earlier value.
    #[must_use]
    pub fn version(&self) -> u64 {
        let std = self.table().map_or(0, |table| table.std_version);
        self.thread.version.max(self.process.version).max(self.fs.version).max(std).max(self.state.users.version)
    }

    /// Returns a number that differs whenever [`Task::version`] does, or that of an ancestor, or who the ancestors and
    /// session and group leaders are.
    #[must_use]
    pub fn lineage_version(&self) -> u64 {
        let leaders = [self.session_leader(), self.group_leader(), self.vgroup_leader()];
        let chain = std::iter::once(Some(*self)).chain(self.ancestors().map(Some)).chain(leaders);
        chain.fold(0, |mixed: u64, task| {
            let (version, key) = task.map_or((0, 0), |task| (task.version(), task.thread.process.id()));
            let step = (mixed ^ version).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ key;
            step.rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
        })
    }
}

impl std::fmt::Debug for Task<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{} {:?}", self.pid(), self.tid(), self.thread.comm)
    }
}
