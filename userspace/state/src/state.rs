//! The state: its tables, its limits, and the questions it answers.

use crate::checkpoint::Nodes;
use crate::context::{Context, FileRef};
use crate::fd::{FdInfo, FdTable};
use crate::pool::{Key, Pool};
use crate::process::{Cgroups, FsInfo, Image, ProcessInfo, ThreadInfo};
use crate::users::{UserInfo, Users};
use crate::view::Task;
use foldhash::fast::FixedState;
use saker_event::Event;
use std::collections::{HashMap, VecDeque};

/// Most bytes each table may use. What is over is evicted, or refused where nothing can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Threads, processes, programs, directories and cgroups.
    pub threads_bytes: usize,
    /// Descriptors and open files.
    pub fds_bytes: usize,
    /// Users and groups.
    pub users_bytes: usize,
}

impl Default for Budget {
    /// Room for about 100,000 ordinary threads and 300,000 descriptors.
    fn default() -> Self {
        Self { threads_bytes: 128 << 20, fds_bytes: 96 << 20, users_bytes: 8 << 20 }
    }
}

/// Counts of what happened to the tables; they only grow, the first two excepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateStats {
    /// Threads known now.
    pub threads: u64,
    /// Open files known now.
    pub files: u64,
    /// Threads added.
    pub threads_added: u64,
    /// Threads removed because they ended.
    pub threads_removed: u64,
    /// Threads of which only the number was known when they were first met.
    pub stubs: u64,
    /// Threads replaced because their number was used again.
    pub reused: u64,
    /// Threads removed to stay within the budget.
    pub threads_evicted: u64,
    /// Descriptors added.
    pub fds_added: u64,
    /// Descriptors removed.
    pub fds_removed: u64,
    /// Descriptors removed to stay within the budget.
    pub fds_evicted: u64,
    /// Descriptors that events used and no table knew.
    pub fds_unknown: u64,
    /// User and group entries refused to stay within the budget.
    pub users_refused: u64,
    /// Events older than the scan that told about their thread.
    pub stale: u64,
    /// Processes that became suspect because records were lost.
    pub suspects: u64,
    /// Records that gap records reported lost.
    pub lost: u64,
}

/// The host that is or was watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostInfo {
    /// Host name.
    pub hostname: Box<[u8]>,
    /// Kernel release.
    pub kernel: Box<[u8]>,
    /// Offset of local time from UTC, seconds.
    pub utc_offset_s: i32,
    /// Start of the host, epoch nanoseconds.
    pub boot_epoch_ns: u64,
    /// Number of CPUs.
    pub num_cpus: u32,
    /// Process id of the Saker that watched, 0 if not known.
    pub self_pid: u32,
}

/// Ends of threads that are remembered, so that a parent's late record does not bring a child back.
pub(crate) const REMEMBERED_EXITS: usize = 64;

/// Ports that some process of a scan listens on: tells accepted connections from made ones.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    bits: Vec<u64>,
}

impl Ports {
    pub(crate) fn insert(&mut self, port: u16) {
        let (word, bit) = (usize::from(port / 64), port % 64);
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        if let Some(word) = self.bits.get_mut(word) {
            *word |= 1 << bit;
        }
    }

    pub(crate) fn contains(&self, port: u16) -> bool {
        self.bits.get(usize::from(port / 64)).is_some_and(|word| word & 1 << (port % 64) != 0)
    }
}

/// Everything known of threads, processes, descriptors, users and the host.
pub struct State {
    pub(crate) threads: Pool<ThreadInfo>,
    pub(crate) processes: Pool<ProcessInfo>,
    pub(crate) images: Pool<Image>,
    pub(crate) fs: Pool<FsInfo>,
    pub(crate) cgroups: Pool<Cgroups>,
    pub(crate) tables: Pool<FdTable>,
    pub(crate) files: Pool<FdInfo>,
    pub(crate) by_tid: HashMap<u32, Key<ThreadInfo>, FixedState>,
    pub(crate) by_pid: HashMap<u32, Key<ProcessInfo>, FixedState>,
    pub(crate) users: Users,
    pub(crate) host: Option<HostInfo>,
    pub(crate) clock_offset_ns: Option<i64>,
    pub(crate) budget: Budget,
    pub(crate) stats: StateStats,
    pub(crate) version: u64,
    /// Files that were replaced: still to be looked at by rules, released after the event.
    pub(crate) replaced: Vec<Key<FdInfo>>,
    pub(crate) transient: FdInfo,
    pub(crate) exits: VecDeque<u32>,
    pub(crate) scratch: Vec<u8>,
    pub(crate) switched_ns: Vec<u64>,
    pub(crate) listening: Ports,
    pub(crate) nodes: Nodes,
    /// Descriptor at which the search for one to evict goes on.
    pub(crate) evict_hand: u32,
    pub(crate) no_image: Key<Image>,
    pub(crate) no_cgroups: Key<Cgroups>,
    pub(crate) no_files: Key<FdTable>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("stats", &self.stats()).field("budget", &self.budget).finish_non_exhaustive()
    }
}

impl Default for State {
    fn default() -> Self {
        Self::new(Budget::default())
    }
}

impl State {
    /// Returns an empty state with these limits.
    #[must_use]
    pub fn new(budget: Budget) -> Self {
        let (mut images, mut cgroups, mut tables) = (Pool::new(), Pool::new(), Pool::new());
        let no_image = images.insert(Image::default());
        let no_cgroups = cgroups.insert(Cgroups::default());
        let no_files = tables.insert(FdTable::default());
        Self {
            threads: Pool::new(),
            processes: Pool::new(),
            images,
            fs: Pool::new(),
            cgroups,
            tables,
            files: Pool::new(),
            by_tid: HashMap::default(),
            by_pid: HashMap::default(),
            users: Users::default(),
            host: None,
            clock_offset_ns: None,
            budget,
            stats: StateStats::default(),
            version: 0,
            replaced: Vec::new(),
            transient: FdInfo::default(),
            exits: VecDeque::with_capacity(REMEMBERED_EXITS),
            scratch: Vec::new(),
            switched_ns: Vec::new(),
            listening: Ports::default(),
            nodes: Nodes::default(),
            evict_hand: 0,
            no_image,
            no_cgroups,
            no_files,
        }
    }

    /// Applies the constructive changes of an event and finds out what it is about. Rules look after this.
    pub fn before(&mut self, event: &Event<'_>) -> Context {
        self.release_replaced();
        let mut context = self.context(event);
        crate::apply::before(self, event, &mut context);
        self.keep_budgets(&context);
        context
    }

    /// Applies the destructive changes of an event, with what [`State::before`] returned for it.
    pub fn after(&mut self, event: &Event<'_>, context: Context) {
        if !context.stale {
            crate::apply::after(self, event, &context);
        }
        self.release_replaced();
    }

    /// Applies an event that no rule looks at.
    pub fn apply(&mut self, event: &Event<'_>) {
        let context = self.before(event);
        self.after(event, context);
    }

    fn context(&mut self, event: &Event<'_>) -> Context {
        let mut context = Context::default();
        if event.kind().is_meta() {
            return context;
        }
        if !self.nodes.is_empty() {
            crate::checkpoint::finish(self);
        }
        context.thread = self.thread_for(event);
        let Some(thread) = context.thread.and_then(|key| self.threads.get_mut(key)) else { return context };
        thread.last_ns = event.ts_ns();
        let (scan_ns, process, files) = (thread.scan_ns, thread.process, thread.files);
        if let Some(process) = self.processes.get_mut(process) {
            process.last_ns = event.ts_ns();
        }
        if event.ts_ns() < scan_ns {
            context.stale = true;
            self.stats.stale += 1;
        }
        context.fd = event.fd();
        if let Some(fd) = context.fd.filter(|fd| *fd >= 0) {
            match self.tables.get(files).and_then(|table| table.get(fd)) {
                Some(entry) => context.file = FileRef::Open(entry.file),
                None => self.stats.fds_unknown += u64::from(!event.failed()),
            }
        }
        context
    }

    pub(crate) fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// Returns the thread with this id, also when it is dead but kept.
    #[must_use]
    pub fn task(&self, tid: u32) -> Option<Task<'_>> {
        Task::new(self, *self.by_tid.get(&tid)?)
    }

    /// Returns the leading thread of the process with this id.
    #[must_use]
    pub fn process(&self, pid: u32) -> Option<Task<'_>> {
        let process = self.processes.get(*self.by_pid.get(&pid)?)?;
        Task::new(self, process.leader.or(process.first_thread)?)
    }

    /// Returns every known thread, by id.
    #[must_use]
    pub fn tasks(&self) -> Vec<Task<'_>> {
        let mut tids: Vec<_> = self.by_tid.iter().map(|(tid, key)| (*tid, *key)).collect();
        tids.sort_unstable_by_key(|(tid, _)| *tid);
        tids.into_iter().filter_map(|(_, key)| Task::new(self, key)).collect()
    }

    /// Returns a user of the host.
    #[must_use]
    pub fn user(&self, uid: u32) -> Option<&UserInfo> {
        self.users.user(b"", uid)
    }

    /// Returns the name of a group of the host.
    #[must_use]
    pub fn group(&self, gid: u32) -> Option<&[u8]> {
        self.users.group(b"", gid)
    }

    /// Returns what the last host record told.
    #[must_use]
    pub fn host(&self) -> Option<&HostInfo> {
        self.host.as_ref()
    }

    /// Returns boot-clock nanoseconds as epoch nanoseconds, or `None` before the first clock record.
    #[must_use]
    pub fn epoch_ns(&self, ts_ns: u64) -> Option<u64> {
        Some(ts_ns.saturating_add_signed(self.clock_offset_ns?))
    }

    /// Returns the limits.
    #[must_use]
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// Returns the counts.
    #[must_use]
    pub fn stats(&self) -> StateStats {
        StateStats {
            threads: self.threads.len() as u64,
            files: self.files.len() as u64,
            users_refused: self.users.refused,
            ..self.stats
        }
    }

    pub(crate) fn thread_bytes(&self) -> usize {
        self.threads.live_bytes()
            + self.processes.live_bytes()
            + self.images.live_bytes()
            + self.fs.live_bytes()
            + self.cgroups.live_bytes()
    }

    pub(crate) fn fd_bytes(&self) -> usize {
        self.tables.live_bytes() + self.files.live_bytes()
    }

    /// Returns about how many bytes the state holds, free slots included.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let index = (self.by_tid.capacity() + self.by_pid.capacity()) * 24;
        self.threads.held_bytes()
            + self.processes.held_bytes()
            + self.images.held_bytes()
            + self.fs.held_bytes()
            + self.cgroups.held_bytes()
            + self.tables.held_bytes()
            + self.files.held_bytes()
            + self.users.bytes()
            + index
    }
}
