//! The whole state as records: fed to a fresh state they build an equal one.
//!
//! ```text
//! host, clock, users, groups
//! for each process, parents first:  for each thread:  task, task_state, task_file_state...
//! ```
//! A table or open file that is shared is written with its first owner; the others name it. Ended processes that are kept
//! as ancestors have no number of their own any more, so that relations are told by node: a number that means something
//! within one checkpoint only.

use crate::State;
use crate::fd::{Connection, FdEntry, FdInfo, FdKind, FdTable, L4Proto, Role, SocketInfo};
use crate::pool::Key;
use crate::process::{FsInfo, ProcessInfo, ThreadInfo};
use foldhash::fast::FixedState;
use saker_driver_api::event::{EventType as E, at};
use saker_driver_api::record::Origin;
use saker_event::{Event, EventBuilder, RecordBuf, SockAddr, Value};
use std::collections::HashMap;
use std::net::SocketAddr;

const STUB: u32 = 1;
const DEAD: u32 = 2;
const SUSPECT: u32 = 4;
const FROM_PARENT: u32 = 8;
/// The process ended and is kept for its children.
const ENDED: u32 = 16;

const CLOEXEC: u32 = 1;
const LISTENING: u32 = 2;

/// Relations of a checkpoint that is being read.
#[derive(Debug, Default)]
pub(crate) struct Nodes {
    known: HashMap<u64, Key<ProcessInfo>, FixedState>,
    waiting: HashMap<u64, Vec<Key<ProcessInfo>>, FixedState>,
}

impl Nodes {
    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

/// What has been written already, and by whom.
#[derive(Default)]
struct Written {
    tables: HashMap<u64, u32, FixedState>,
    dirs: HashMap<u64, u32, FixedState>,
    files: HashMap<u64, (u32, u32), FixedState>,
    out: Vec<RecordBuf>,
}

impl Written {
    /// Adds a record. One that is too long for a record (texts of a hostile capture) is left out.
    fn push(&mut self, builder: EventBuilder) {
        self.out.extend(builder.build());
    }
}

impl State {
    /// Returns the state as records, stamped with `ts_ns`.
    #[must_use]
    pub fn checkpoint(&self, ts_ns: u64) -> Vec<RecordBuf> {
        let mut written = Written::default();
        let new = |kind| EventBuilder::new(kind).ts(ts_ns).origin(Origin::Synthetic);
        self.host_records(&new, &mut written);
        let mut roots: Vec<_> = self.processes.iter().filter(|(_, process)| process.parent.is_none()).collect();
        roots.sort_by_key(|(key, process)| (process.live_threads > 0, process.pid, key.id()));
        let mut todo: Vec<_> = roots.into_iter().rev().map(|(key, _)| key).collect();
        let mut order = Vec::new();
        while let Some(key) = todo.pop() {
            order.push(key);
            // New children go to the head of the list: the last one is written first.
            todo.extend(self.children_of(key));
        }
        // An ended process gave its number back: it comes before whoever has it now.
        order.sort_by_key(|key| self.processes.get(*key).is_some_and(|process| process.live_threads > 0));
        for key in order {
            self.process_records(key, ts_ns, &mut written);
        }
        written.out
    }

    fn host_records(&self, new: &impl Fn(E) -> EventBuilder, written: &mut Written) {
        if let Some(host) = &self.host {
            let record = new(E::Host)
                .set("hostname", &*host.hostname)
                .set("utc_offset_s", host.utc_offset_s)
                .set("boot_epoch_ns", host.boot_epoch_ns)
                .set("num_cpus", host.num_cpus)
                .set("kernel", &*host.kernel)
                .set("self_pid", host.self_pid);
            written.push(record);
        }
        if let Some(offset) = self.clock_offset_ns {
            written.push(new(E::Clock).set("offset_ns", offset));
        }
        for (container, uid, user) in self.users.all_users() {
            let record = new(E::Useradded)
                .set("uid", uid)
                .set("gid", user.gid)
                .set("name", &*user.name)
                .set("home", &*user.home)
                .set("shell", &*user.shell)
                .set("container_id", container);
            written.push(record);
        }
        for (container, gid, name) in self.users.all_groups() {
            written.push(new(E::Groupadded).set("gid", gid).set("name", name).set("container_id", container));
        }
    }

    fn process_records(&self, key: Key<ProcessInfo>, ts_ns: u64, written: &mut Written) {
        let leader = self.processes.get(key).and_then(|process| process.leader);
        let mut threads = self.threads_of(key);
        // The leader first; then the list backwards, for new threads go to its head.
        threads.reverse();
        threads.sort_by_key(|thread| Some(*thread) != leader);
        for thread in threads {
            self.thread_records(thread, ts_ns, written);
        }
    }

    fn thread_records(&self, key: Key<ThreadInfo>, ts_ns: u64, written: &mut Written) {
        let Some(task) = crate::view::Task::new(self, key) else { return };
        let (thread, process, image, fs) = (task.thread(), task.process(), task.image(), task.fs());
        let new = |kind| EventBuilder::new(kind).ts(ts_ns).origin(Origin::Synthetic).tid(thread.tid).pid(process.pid);
        let argv = if image.exe.is_empty() && image.args.is_empty() {
            Vec::new()
        } else {
            [&image.exe, &b"\0"[..], &image.args].concat()
        };
        let cgroups: &[u8] = self.cgroups.get(process.cgroups).map_or(&[], |cgroups| &cgroups.0);
        let record = new(E::Task)
            .set("ppid", narrow(i64::from(process.ppid)))
            .set("pgid", narrow(process.pgid))
            .set("vpgid", narrow(process.vpgid))
            .set("sid", narrow(process.sid))
            .set("comm", thread.comm.as_bytes())
            .set("argv", argv)
            .set("exepath", &*image.exepath)
            .set("flags", image.flags)
            .set("env", &*image.env)
            .set("cwd", &*fs.cwd)
            .set("fdlimit", process.fdlimit.cast_unsigned())
            .set("euid", thread.credentials.euid)
            .set("egid", thread.credentials.egid)
            .set("cap_permitted", thread.credentials.cap_permitted)
            .set("cap_effective", thread.credentials.cap_effective)
            .set("cap_inheritable", thread.credentials.cap_inheritable)
            .set("exe_ino_num", image.ino)
            .set("exe_ino_ctime", image.ctime_ns)
            .set("exe_ino_mtime", image.mtime_ns)
            .set("vm_size", process.vm_size)
            .set("vm_rss", process.vm_rss)
            .set("vm_swap", process.vm_swap)
            .set("pgft_maj", thread.faults_major)
            .set("pgft_min", thread.faults_minor)
            .set("vtgid", narrow(process.vpid))
            .set("vpid", narrow(thread.vtid))
            .set("pidns_init_start_ts", process.pidns_init_start_ns)
            .set("cgroups", cgroups)
            .set("root", &*fs.root)
            .set("start_time", thread.start_ns)
            .set("tty", process.tty)
            .set("loginuid", process.loginuid);
        written.push(record);
        self.state_record(key, (thread, process), new(E::TaskState).set("realflags", image.path_flags), written);
    }

    fn state_record(
        &self,
        key: Key<ThreadInfo>,
        of: (&ThreadInfo, &ProcessInfo),
        record: EventBuilder,
        written: &mut Written,
    ) {
        let (thread, process) = of;
        let ended = self.by_tid.get(&thread.tid) != Some(&key);
        let bits = [
            (thread.stub, STUB),
            (thread.dead, DEAD),
            (process.suspect, SUSPECT),
            (thread.from_parent, FROM_PARENT),
            (ended, ENDED),
        ];
        let bits = bits.iter().filter(|(set, _)| *set).fold(0, |all, (_, bit)| all | bit);
        let own = |owners: &mut HashMap<u64, u32, FixedState>, id: u64| *owners.entry(id).or_insert(thread.tid);
        let files_tid = if ended { thread.tid } else { own(&mut written.tables, thread.files.id()) };
        let fs_tid = if ended { thread.tid } else { own(&mut written.dirs, thread.fs.id()) };
        let record = record
            .set("node", node(thread.process))
            .set("parent_node", process.parent.map_or(0, node))
            .set("files_tid", i64::from(files_tid))
            .set("fs_tid", i64::from(fs_tid))
            .set("bits", bits)
            .set("last_ns", thread.last_ns)
            .set("told_ns", thread.told_ns)
            .set("scan_ns", thread.scan_ns)
            .set("exec_ns", process.exec_ns)
            .set("cpu_ns", thread.cpu_ns)
            .set("slice_ns", thread.slice_ns);
        written.push(record);
        if files_tid == thread.tid && !ended {
            self.table_records(thread, process.pid, written);
        }
    }

    fn table_records(&self, thread: &ThreadInfo, pid: u32, written: &mut Written) {
        for (fd, entry) in self.tables.get(thread.files).into_iter().flat_map(FdTable::iter) {
            let Some(file) = self.files.get(entry.file) else { continue };
            let (owner_tid, owner_fd) = *written.files.entry(entry.file.id()).or_insert((thread.tid, fd));
            let bits = u32::from(entry.cloexec) * CLOEXEC;
            let record = EventBuilder::new(E::TaskFileState)
                .ts(entry.at_ns)
                .origin(Origin::Synthetic)
                .tid(thread.tid)
                .pid(pid)
                .set("fd", fd)
                .set("at_ns", entry.at_ns)
                .set("file_tid", i64::from(owner_tid))
                .set("file_fd", owner_fd);
            let first = (owner_tid, owner_fd) == (thread.tid, fd);
            written.push(if first { file_record(record, file, bits) } else { record.set("bits", bits) });
        }
    }
}

fn node(key: Key<ProcessInfo>) -> u64 {
    // Zero means no parent.
    key.id().wrapping_add(1)
}

fn narrow(id: i64) -> i32 {
    i32::try_from(id).unwrap_or(-1)
}

fn file_record(record: EventBuilder, file: &FdInfo, bits: u32) -> EventBuilder {
    let listening = file.socket.as_ref().is_some_and(|socket| socket.listening);
    let record = record
        .set("bits", bits | if listening { LISTENING } else { 0 })
        .set("kind", file.kind.scap_number())
        .set("name", text(&file.name))
        .set("lexical", file.lexical.as_deref().map_or(Value::Absent, text))
        .set("raw", file.raw.as_deref().map_or(Value::Absent, text))
        .set("path_flags", file.path_flags)
        .set("open_flags", file.open_flags)
        .set("dev", file.dev)
        .set("ino", file.ino)
        .set("target", i64::from(file.target));
    let Some(socket) = &file.socket else { return record };
    let packed = u64::from(socket.family)
        | (socket.l4proto as u64) << 8
        | (socket.role as u64) << 16
        | (socket.connection as u64) << 24;
    record
        .set("socket", packed)
        .set("local", socket.local.map(SockAddr::Ip))
        .set("remote", socket.remote.map(SockAddr::Ip))
        .set("unix_source", socket.unix_source)
        .set("unix_peer", socket.unix_peer)
        .set("unix_path", &*socket.unix_path)
}

/// Names come from records, which cut them at NUL; a byte that still is one cannot be written as text.
fn text(bytes: &[u8]) -> Value {
    Value::Bytes(bytes.iter().map(|b| if *b == 0 { b'@' } else { *b }).collect())
}

/// Ends the reading of a checkpoint: what was said to be kept for children that never came goes.
pub(crate) fn finish(state: &mut State) {
    let nodes = std::mem::take(&mut state.nodes);
    let mut read: Vec<_> = nodes.known.into_iter().collect();
    read.sort_unstable_by_key(|(node, _)| *node);
    for (_, process) in read {
        let childless = state.processes.get(process).is_some_and(|process| process.first_child.is_none());
        if childless {
            state.settle(process);
        }
    }
}

/// Reads what a checkpoint says of the task whose record came just before.
pub(crate) fn restore_task(state: &mut State, event: &Event<'_>, key: Key<ThreadInfo>) {
    use at::TaskState as p;
    let Some(process) = state.threads.get(key).map(|thread| thread.process) else { return };
    let bits = event.u32(p::bits).unwrap_or(0);
    share_tables(state, event, key);
    let number = |index| event.uint(index).unwrap_or(0);
    if let Some(thread) = state.threads.get_mut(key) {
        (thread.stub, thread.from_parent) = (bits & STUB != 0, bits & FROM_PARENT != 0);
        (thread.last_ns, thread.told_ns, thread.scan_ns) = (number(p::last_ns), number(p::told_ns), number(p::scan_ns));
        (thread.cpu_ns, thread.slice_ns) = (number(p::cpu_ns), number(p::slice_ns));
    }
    let path_flags = event.uint(p::realflags).and_then(|flags| u8::try_from(flags).ok()).unwrap_or(0);
    if let Some(image) =
        state.processes.get(process).map(|process| process.image).filter(|image| *image != state.no_image)
        && let Some(image) = state.images.get_mut(image)
    {
        image.path_flags = path_flags;
    }
    state.change_process(process, |process| {
        process.exec_ns = number(p::exec_ns);
        process.suspect = bits & SUSPECT != 0;
        process.last_ns = process.last_ns.max(number(p::last_ns));
    });
    relate(state, process, (number(p::node), number(p::parent_node)));
    if bits & DEAD != 0 {
        bury(state, key, process, bits & ENDED != 0);
    }
}

fn share_tables(state: &mut State, event: &Event<'_>, key: Key<ThreadInfo>) {
    use at::TaskState as p;
    let of = |state: &State, index: usize| -> Option<(Key<FdTable>, Key<FsInfo>)> {
        let tid = event.u32(index).filter(|tid| *tid != event.tid())?;
        let thread = state.threads.get(*state.by_tid.get(&tid)?)?;
        Some((thread.files, thread.fs))
    };
    if let Some((files, _)) = of(state, p::files_tid) {
        state.tables.share(files);
        let old = state.threads.get_mut(key).map(|thread| std::mem::replace(&mut thread.files, files));
        state.release_table(old.unwrap_or(files));
    }
    let Some(own) = state.threads.get(key).map(|thread| thread.fs) else { return };
    if let Some((_, fs)) = of(state, p::fs_tid) {
        state.fs.share(fs);
        state.change_thread(key, |thread| thread.fs = fs);
        state.fs.release(own);
    }
}

fn relate(state: &mut State, process: Key<ProcessInfo>, nodes: (u64, u64)) {
    let (node, parent) = nodes;
    state.nodes.known.insert(node, process);
    for child in state.nodes.waiting.remove(&node).unwrap_or_default() {
        adopt(state, child, process);
    }
    if parent == 0 {
        return;
    }
    match state.nodes.known.get(&parent).copied() {
        Some(parent) => adopt(state, process, parent),
        None => state.nodes.waiting.entry(parent).or_default().push(process),
    }
}

fn adopt(state: &mut State, child: Key<ProcessInfo>, parent: Key<ProcessInfo>) {
    if state.processes.get(child).is_some_and(|child| child.parent != Some(parent)) {
        state.set_parent(child, Some(parent));
    }
}

/// Marks a restored thread dead; an ended process gives its numbers back.
fn bury(state: &mut State, key: Key<ThreadInfo>, process: Key<ProcessInfo>, ended: bool) {
    let Some(thread) = state.threads.get_mut(key) else { return };
    let tid = thread.tid;
    if !std::mem::replace(&mut thread.dead, true)
        && let Some(process) = state.processes.get_mut(process)
    {
        process.live_threads = process.live_threads.saturating_sub(1);
    }
    if ended {
        let pid = state.processes.get(process).map(|process| process.pid);
        state.by_tid.remove(&tid);
        if let Some(pid) = pid.filter(|pid| state.by_pid.get(pid) == Some(&process)) {
            state.by_pid.remove(&pid);
        }
    }
}

/// Reads one descriptor of a checkpoint.
pub(crate) fn restore_file(state: &mut State, event: &Event<'_>, thread: Key<ThreadInfo>) {
    use at::TaskFileState as p;
    let (Some(fd), Some(file_fd)) = (event.int(p::fd), event.int(p::file_fd)) else { return };
    let bits = event.u32(p::bits).unwrap_or(0);
    let own = (event.u32(p::file_tid), file_fd) == (Some(event.tid()), fd);
    let file = if own {
        let file = restored(event, bits);
        if let Some(socket) = file.socket.as_ref().filter(|socket| socket.listening)
            && let Some(local) = socket.local
        {
            state.listening.insert(local.port());
        }
        state.add_file(file)
    } else {
        let owner = event.u32(p::file_tid).and_then(|tid| state.by_tid.get(&tid)).copied();
        let Some(file) = owner.and_then(|owner| state.file_at(owner, file_fd)) else { return };
        state.files.share(file)
    };
    let at_ns = event.uint(p::at_ns).unwrap_or(0);
    state.install(thread, fd, FdEntry { file, cloexec: bits & CLOEXEC != 0, at_ns });
    state.release_replaced();
}

fn restored(event: &Event<'_>, bits: u32) -> FdInfo {
    use at::TaskFileState as p;
    let address = |index: usize| -> Option<SocketAddr> {
        match event.sockaddr(index) {
            Some(SockAddr::Ip(addr)) => Some(addr),
            _ => None,
        }
    };
    let byte = |index: usize| event.uint(index).and_then(|value| u8::try_from(value).ok()).unwrap_or(0);
    let socket = event.uint(p::socket).map(|packed| {
        let [family, l4proto, role, connection, ..] = packed.to_le_bytes();
        Box::new(SocketInfo {
            family,
            l4proto: [L4Proto::Tcp, L4Proto::Udp, L4Proto::Icmp, L4Proto::Raw]
                .into_iter()
                .find(|known| *known as u8 == l4proto)
                .unwrap_or_default(),
            role: [Role::Client, Role::Server].into_iter().find(|known| *known as u8 == role).unwrap_or_default(),
            connection: [Connection::Pending, Connection::Done, Connection::Failed]
                .into_iter()
                .find(|known| *known as u8 == connection)
                .unwrap_or_default(),
            local: address(p::local),
            remote: address(p::remote),
            listening: bits & LISTENING != 0,
            unix_source: event.uint(p::unix_source).unwrap_or(0),
            unix_peer: event.uint(p::unix_peer).unwrap_or(0),
            unix_path: event.bytes(p::unix_path).unwrap_or_default().into(),
        })
    });
    FdInfo {
        kind: FdKind::from_scap(byte(p::kind)),
        name: event.text(p::name).unwrap_or_default().into(),
        lexical: event.text(p::lexical).map(Into::into),
        raw: event.text(p::raw).map(Into::into),
        path_flags: byte(p::path_flags),
        open_flags: event.u32(p::open_flags).unwrap_or(0),
        dev: event.u32(p::dev).unwrap_or(0),
        ino: event.uint(p::ino).unwrap_or(0),
        target: event.u32(p::target).unwrap_or(0),
        socket,
        ..FdInfo::default()
    }
}
