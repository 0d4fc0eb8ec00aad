//! Sequences of events and what the state says after each.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod descriptors;
mod lifecycle;
mod limits;
mod snapshots;
mod sockets;

use crate::{Budget, Context, State, Task};
use saker_event::{RecordBuf, parse_line};

/// A state and the time of its next event.
pub(super) struct Host {
    pub(super) state: State,
    pub(super) now: u64,
}

/// What rules would see at one event.
pub(super) struct Seen {
    pub(super) context: Context,
    pub(super) record: RecordBuf,
}

impl Host {
    pub(super) fn new() -> Self {
        Self::with(Budget::default())
    }

    pub(super) fn with(budget: Budget) -> Self {
        Self { state: State::new(budget), now: 1000 }
    }

    /// A host with init (1) and a shell (10), whose directory is /root.
    pub(super) fn with_shell() -> Self {
        let mut host = Self::new();
        host.run(&[
            "execve res=0 pid=1 tid=1 ptid=0 exe=/sbin/init comm=init cwd=/ uid=0 gid=0 pgid=1 sid=1",
            "clone res=0 pid=10 tid=10 ptid=1 exe=/sbin/init comm=init cwd=/root uid=0 gid=0 vtid=10 vpid=10",
            "execve res=0 pid=10 tid=10 ptid=1 exe=bash args=[\"-l\"] comm=bash cwd=/root uid=0 gid=0 pgid=10 vpgid=10 sid=10 vtid=10 vpid=10 trusted_exepath=/usr/bin/bash",
        ]);
        host
    }

    fn record(&mut self, line: &str) -> RecordBuf {
        let mut record = parse_line(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        self.now += 10;
        let now = self.now;
        record.header_mut(|header| {
            if header.ts_ns == 0 {
                header.ts_ns = now;
            }
        });
        record
    }

    pub(super) fn run(&mut self, lines: &[&str]) {
        for line in lines {
            let record = self.record(line);
            self.state.apply(&record.event().unwrap());
        }
    }

    /// Applies the constructive half and leaves the rest to [`Host::finish`].
    pub(super) fn begin(&mut self, line: &str) -> Seen {
        let record = self.record(line);
        let context = self.state.before(&record.event().unwrap());
        Seen { context, record }
    }

    pub(super) fn finish(&mut self, seen: &Seen) {
        self.state.after(&seen.record.event().unwrap(), seen.context);
    }

    pub(super) fn task(&self, tid: u32) -> Task<'_> {
        self.state.task(tid).unwrap_or_else(|| panic!("no thread {tid}"))
    }

    /// Kind letter, number and name of what the event is about: `f3 /etc/passwd`.
    pub(super) fn about(&self, seen: &Seen) -> String {
        let number = seen.context.fd_num().map_or("-".to_owned(), |fd| fd.to_string());
        match self.state.fd_of(&seen.context) {
            Some(file) => format!("{}{number} {}", file.kind.typechar(), show(&file.name)),
            None => format!("?{number}"),
        }
    }

    /// Descriptors of a thread: `0f/dev/null 3p`.
    pub(super) fn fds(&self, tid: u32) -> String {
        let fds = self.task(tid).fds().map(|(fd, file)| format!("{fd}{}{}", file.kind.typechar(), show(&file.name)));
        fds.collect::<Vec<_>>().join(" ")
    }

    pub(super) fn ancestors(&self, tid: u32) -> String {
        self.task(tid).ancestors().map(|task| show(task.comm())).collect::<Vec<_>>().join(" ")
    }
}

pub(super) fn show(bytes: impl AsRef<[u8]>) -> String {
    String::from_utf8_lossy(bytes.as_ref()).into_owned()
}

/// Everything that can be observed, in a fixed order: equal texts are equal states.
pub(super) fn dump(state: &State) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    let mut shares: Vec<u64> = Vec::new();
    let mut share = |id: u64| {
        shares.iter().position(|known| *known == id).unwrap_or_else(|| {
            shares.push(id);
            shares.len() - 1
        })
    };
    for task in state.tasks() {
        let (thread, process, image, fs) = (task.thread(), task.process(), task.image(), task.fs());
        let ids = (
            process.pid,
            thread.tid,
            thread.vtid,
            process.vpid,
            process.ppid,
            process.pgid,
            process.vpgid,
            process.sid,
        );
        let times = (thread.start_ns, thread.last_ns, thread.told_ns, thread.scan_ns, process.exec_ns, thread.cpu_ns);
        let marks = (thread.stub, thread.dead, thread.from_parent, process.suspect, process.live_threads);
        let memory = (process.vm_size, process.vm_rss, process.vm_swap, thread.faults_major, thread.faults_minor);
        let other = (process.tty, process.loginuid, process.fdlimit, process.pidns_init_start_ns);
        writeln!(out, "{ids:?} {:?} {:?} {times:?} {marks:?} {memory:?} {other:?}", thread.comm, thread.credentials)
            .unwrap();
        writeln!(out, "  {image:?} {:?} {:?} {:?}", fs.cwd, fs.root, task.cgroups().map(show).collect::<Vec<_>>())
            .unwrap();
        let chain = task.ancestors().map(|t| (t.pid(), t.is_dead(), show(t.comm()))).collect::<Vec<_>>();
        writeln!(out, "  {chain:?} files {} fs {}", share(thread.files.id()), share(1 << 63 | thread.fs.id())).unwrap();
        let table = state.tables.get(thread.files).unwrap();
        for (fd, entry) in table.iter() {
            let mut file = state.files.get(entry.file).unwrap().clone();
            file.version = 0;
            let shared = share(1 << 62 | entry.file.id());
            writeln!(out, "    {fd} {} {} {shared} {file:?}", entry.cloexec, entry.at_ns).unwrap();
        }
    }
    writeln!(out, "{:?} {:?}", state.host, state.clock_offset_ns).unwrap();
    writeln!(out, "{:?} {:?}", state.users.all_users(), state.users.all_groups()).unwrap();
    out
}

/// Builds the state again from its checkpoint.
pub(super) fn restored(state: &State) -> State {
    let mut fresh = State::default();
    for record in state.checkpoint(1 << 40) {
        fresh.apply(&record.event().unwrap());
    }
    fresh
}
