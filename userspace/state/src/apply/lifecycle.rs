//! Birth, programs and death: clone and fork, execve, the end of a thread.

use super::flag;
use crate::State;
use crate::context::Context;
use crate::pool::Key;
use crate::process::{Cgroups, Comm, Image, ProcessInfo, ThreadInfo, UNSET_ID};
use crate::tree::NewThread;
use saker_driver_api::event::{EventType as E, at};
use saker_driver_api::flags::FlagTable;
use saker_event::Event;

const CLONE_FILES: u64 = flag(FlagTable::Clone, "CLONE_FILES");
const CLONE_FS: u64 = flag(FlagTable::Clone, "CLONE_FS");
const CLONE_PARENT: u64 = flag(FlagTable::Clone, "CLONE_PARENT");
const CLONE_THREAD: u64 = flag(FlagTable::Clone, "CLONE_THREAD");
const CLONE_NEWPID: u64 = flag(FlagTable::Clone, "CLONE_NEWPID");
const CHILD_IN_PIDNS: u64 = flag(FlagTable::Clone, "CLONE_CHILD_IN_PIDNS");

// clone, clone3, fork and vfork have the same parameters in the same places.
const _: () = assert!(
    at::CloneExit::start_time == at::ForkExit::start_time
        && at::CloneExit::start_time == at::VforkExit::start_time
        && at::CloneExit::start_time == at::Clone3Exit::start_time
);

/// A child's own record makes it; the parent's record makes a child whose own was lost.
pub(super) fn clone(state: &mut State, event: &Event<'_>, ctx: &mut Context) {
    match event.res() {
        Some(0) => ctx.thread = child(state, event).or(ctx.thread),
        Some(res) if res > 0 && !ctx.stale => from_parent(state, event, ctx, res),
        _ => {}
    }
}

fn pid_of(value: Option<i64>) -> Option<u32> {
    value.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0)
}

fn child(state: &mut State, event: &Event<'_>) -> Option<Key<ThreadInfo>> {
    use at::CloneExit as p;
    let tid = event.tid();
    let pid = pid_of(event.int(p::pid)).or(pid_of(Some(event.pid().into()))).unwrap_or(tid);
    let start_ns = event.uint(p::start_time).filter(|start| *start > 0);
    if let Some(key) = state.by_tid.get(&tid).copied() {
        let old = state.threads.get(key)?;
        let same = start_ns.is_some() && start_ns == Some(old.start_ns) || event.ts_ns() < old.scan_ns;
        if same && !old.stub && !old.from_parent {
            // A scan knew it first, and newer.
            return Some(key);
        }
        if old.from_parent && state.processes.get(old.process).is_some_and(|process| process.pid == pid) {
            return Some(fill_in(state, event, key, start_ns));
        }
        if !old.stub && !old.from_parent {
            state.stats.reused += 1;
        }
        state.remove_thread(key);
    }
    let flags = event.uint(p::flags).unwrap_or(0);
    let is_thread = flags & CLONE_THREAD != 0 || pid != tid;
    let parent = pid_of(event.int(p::ptid)).filter(|parent| *parent != pid);
    // With CLONE_PARENT the parent is not who made it, and taking its program for the child's would let the child pass for it.
    let creator_pid = if is_thread { Some(pid) } else { parent.filter(|_| flags & CLONE_PARENT == 0) };
    let creator = creator_pid.map(|pid| state.leading_thread(pid));
    let key = add_child(state, event, Child { tid, pid, is_thread, flags, creator, start_ns });
    let process = state.threads.get(key)?.process;
    if !is_thread && let Some(parent) = parent {
        state.believe_parent(process, parent);
    }
    Some(key)
}

/// What the parent's record made gets what only the child's own tells. Its maker may have ended since, so nothing is
/// looked up again.
fn fill_in(state: &mut State, event: &Event<'_>, key: Key<ThreadInfo>, start_ns: Option<u64>) -> Key<ThreadInfo> {
    use at::CloneExit as p;
    let Some((process, fs)) = state.threads.get(key).map(|thread| (thread.process, thread.fs)) else { return key };
    if let Some(cwd) = event.text(p::cwd).filter(|cwd| !cwd.is_empty()) {
        set_cwd(state, fs, cwd);
    }
    state.change_thread(key, |thread| {
        thread.from_parent = false;
        thread.vtid = event.int(p::vtid).unwrap_or(thread.vtid);
        thread.start_ns = start_ns.unwrap_or(thread.start_ns);
        thread.comm = event.text(p::comm).map_or(thread.comm, Comm::new);
        thread.credentials.euid = event.u32(p::uid).unwrap_or(thread.credentials.euid);
        thread.credentials.egid = event.u32(p::gid).unwrap_or(thread.credentials.egid);
    });
    own_facts(state, event, key);
    let Some(known) = state.processes.get(process).filter(|process| process.pid == event.tid()) else { return key };
    let (image, cgroups) = (known.image, known.cgroups);
    let image = image_of_child(state, event, image);
    state.set_image(process, image);
    let told = cgroups_of(state, event.bytes(p::cgroups), cgroups);
    state.change_process(process, |process| {
        process.cgroups = told;
        process_facts(process, event);
    });
    state.cgroups.release(cgroups);
    if let Some(parent) = pid_of(event.int(p::ptid)) {
        state.believe_parent(process, parent);
    }
    key
}

struct Child {
    tid: u32,
    pid: u32,
    is_thread: bool,
    flags: u64,
    creator: Option<Key<ThreadInfo>>,
    start_ns: Option<u64>,
}

fn add_child(state: &mut State, event: &Event<'_>, child: Child) -> Key<ThreadInfo> {
    use at::CloneExit as p;
    let creator = child.creator.filter(|key| state.threads.get(*key).is_some());
    let cwd = event.text(p::cwd);
    let (fs, files) = match creator.and_then(|key| state.threads.get(key)) {
        Some(thread) => {
            let (fs, files) = (thread.fs, thread.files);
            let fs = if child.flags & CLONE_FS != 0 { state.fs.share(fs) } else { copy_fs(state, fs) };
            let shared = child.flags & CLONE_FILES != 0;
            (fs, if shared { state.tables.share(files) } else { state.copy_table(files) })
        }
        None => (state.new_fs(b"", b"/"), state.tables.insert(crate::fd::FdTable::default())),
    };
    if let Some(cwd) = cwd.filter(|cwd| !cwd.is_empty()) {
        set_cwd(state, fs, cwd);
    }
    let from = creator.and_then(|key| state.threads.get(key));
    let mut credentials = from.map(|thread| thread.credentials).unwrap_or_default();
    credentials.euid = event.u32(p::uid).unwrap_or(credentials.euid);
    credentials.egid = event.u32(p::gid).unwrap_or(credentials.egid);
    let comm = event.text(p::comm).map(Comm::new).or(from.map(|thread| thread.comm)).unwrap_or_default();
    let creator_process = from.map(|thread| thread.process);
    let process = if child.is_thread {
        state.process_or_stub(child.pid)
    } else {
        add_child_process(state, event, child.pid, creator_process)
    };
    let key = state.add_thread(NewThread {
        tid: child.tid,
        vtid: event.int(p::vtid).unwrap_or(-1),
        comm,
        credentials,
        start_ns: child.start_ns.unwrap_or(event.ts_ns()),
        process,
        fs,
        files,
    });
    own_facts(state, event, key);
    key
}

fn own_facts(state: &mut State, event: &Event<'_>, key: Key<ThreadInfo>) {
    use at::CloneExit as p;
    if let Some(thread) = state.threads.get_mut(key) {
        thread.told_ns = event.ts_ns();
        thread.last_ns = event.ts_ns();
        thread.faults_major = event.uint(p::pgft_maj).unwrap_or(0);
        thread.faults_minor = event.uint(p::pgft_min).unwrap_or(0);
    }
}

fn process_facts(process: &mut ProcessInfo, event: &Event<'_>) {
    use at::CloneExit as p;
    process.vpid = event.int(p::vpid).unwrap_or(-1);
    process.fdlimit = event.int(p::fdlimit).unwrap_or(process.fdlimit);
    process.pidns_init_start_ns = event.uint(p::pidns_init_start_ts).unwrap_or(process.pidns_init_start_ns);
    process.vm_size = event.u32(p::vm_size).unwrap_or(0);
    process.vm_rss = event.u32(p::vm_rss).unwrap_or(0);
    process.vm_swap = event.u32(p::vm_swap).unwrap_or(0);
}

fn copy_fs(state: &mut State, fs: Key<crate::process::FsInfo>) -> Key<crate::process::FsInfo> {
    match state.fs.get(fs).cloned() {
        Some(copy) => state.fs.insert(copy),
        None => state.new_fs(b"", b"/"),
    }
}

/// Sets a working directory, without the slash some sources end it with.
pub(super) fn set_cwd(state: &mut State, fs: Key<crate::process::FsInfo>, cwd: &[u8]) {
    let cwd = if cwd.len() > 1 { cwd.strip_suffix(b"/").unwrap_or(cwd) } else { cwd };
    if state.fs.get(fs).is_some_and(|fs| *fs.cwd == *cwd) {
        return;
    }
    let version = state.next_version();
    state.fs.update(fs, |fs| {
        fs.cwd = cwd.into();
        fs.version = version;
    });
}

fn add_child_process(
    state: &mut State,
    event: &Event<'_>,
    pid: u32,
    creator: Option<Key<ProcessInfo>>,
) -> Key<ProcessInfo> {
    use at::CloneExit as p;
    if let Some(old) = state.by_pid.get(&pid).copied() {
        state.remove_process(old);
    }
    let from = creator.and_then(|key| state.processes.get(key));
    let (image, cgroups) = (from.map_or(state.no_image, |p| p.image), from.map_or(state.no_cgroups, |p| p.cgroups));
    let inherited =
        from.map(|p| (p.pgid, p.vpgid, p.sid, p.tty, p.loginuid, p.fdlimit, p.pidns_init_start_ns, p.suspect));
    let image = image_of_child(state, event, image);
    let cgroups = cgroups_of(state, event.bytes(p::cgroups), cgroups);
    let key = state.add_process(pid, image, cgroups);
    let Some(process) = state.processes.get_mut(key) else { return key };
    if let Some((pgid, vpgid, sid, tty, loginuid, fdlimit, pidns, suspect)) = inherited {
        (process.pgid, process.vpgid, process.sid, process.tty, process.loginuid) = (pgid, vpgid, sid, tty, loginuid);
        (process.fdlimit, process.pidns_init_start_ns, process.suspect) = (fdlimit, pidns, suspect);
    }
    process_facts(process, event);
    key
}

/// Returns the creator's program with one more user where the child's record agrees with it, else one of the record.
fn image_of_child(state: &mut State, event: &Event<'_>, image: Key<Image>) -> Key<Image> {
    use at::CloneExit as p;
    let (exe, args) = (event.text(p::exe), event.bytes(p::args));
    let known = state.images.get(image);
    let agrees = known
        .is_some_and(|image| exe.is_none_or(|exe| *image.exe == *exe) && args.is_none_or(|args| *image.args == *args));
    if agrees {
        return state.images.share(image);
    }
    let mut own = known.cloned().unwrap_or_default();
    own.exe = exe.unwrap_or_default().into();
    own.set_args(args.unwrap_or_default());
    state.images.insert(own)
}

/// Returns `known` with one more user where it holds these cgroups, else new ones.
pub(super) fn cgroups_of(state: &mut State, told: Option<&[u8]>, known: Key<Cgroups>) -> Key<Cgroups> {
    match told {
        Some(told) if state.cgroups.get(known).is_none_or(|known| *known.0 != *told) => {
            state.cgroups.insert(Cgroups(told.into()))
        }
        _ => state.cgroups.share(known),
    }
}

/// The parent's record: only for a child whose own record was lost, and only where its number means something here.
fn from_parent(state: &mut State, event: &Event<'_>, ctx: &Context, res: i64) {
    use at::CloneExit as p;
    let flags = event.uint(p::flags).unwrap_or(0);
    let Some(creator) = ctx.thread else { return };
    let in_namespace =
        state.threads.get(creator).is_some_and(|thread| thread.vtid > 0 && thread.vtid != i64::from(thread.tid));
    let Some(tid) = pid_of(Some(res)) else { return };
    if let Some(child) = state.by_tid.get(&tid).copied().filter(|_| flags & CLONE_PARENT != 0 && !in_namespace) {
        return inherit_late(state, creator, child);
    }
    let known = state.by_tid.contains_key(&tid) || state.exits.contains(&tid);
    if known || in_namespace || flags & (CLONE_NEWPID | CHILD_IN_PIDNS) != 0 {
        return;
    }
    let is_thread = flags & CLONE_THREAD != 0;
    let Some(parent) = state.threads.get(creator).map(|thread| thread.process) else { return };
    let parent_pid = state.processes.get(parent).map_or(0, |process| process.pid);
    let pid = if is_thread { parent_pid } else { tid };
    let key = add_child(state, event, Child { tid, pid, is_thread, flags, creator: Some(creator), start_ns: None });
    let Some(thread) = state.threads.get_mut(key) else { return };
    thread.from_parent = true;
    (thread.vtid, thread.told_ns) = (res, 0);
    let process = thread.process;
    if !is_thread {
        if let Some(process) = state.processes.get_mut(process) {
            process.vpid = res;
        }
        // With CLONE_PARENT it is a sibling.
        let parent = match flags & CLONE_PARENT {
            0 => Some(parent),
            _ => state.processes.get(parent).and_then(|maker| maker.parent),
        };
        state.set_parent(process, parent);
    }
}

/// A child whose own record could not name its maker gets the maker's program, unless it runs one of its own by now.
fn inherit_late(state: &mut State, creator: Key<ThreadInfo>, child: Key<ThreadInfo>) {
    let process_of = |key| state.threads.get(key).and_then(|thread: &ThreadInfo| state.processes.get(thread.process));
    let (Some(maker), Some(born)) = (process_of(creator), process_of(child)) else { return };
    let of = |process: &ProcessInfo| state.images.get(process.image).map(|image| image.exepath.is_empty());
    if born.exec_ns != 0 || of(born) != Some(true) || of(maker) != Some(false) {
        return;
    }
    let image = maker.image;
    let leaders = (maker.pgid, maker.vpgid, maker.sid, maker.tty, maker.loginuid);
    let Some(process) = state.threads.get(child).map(|thread| thread.process) else { return };
    let image = state.images.share(image);
    state.set_image(process, image);
    state.change_process(process, |process| {
        (process.pgid, process.vpgid, process.sid, process.tty, process.loginuid) = leaders;
    });
}

// execve and execveat agree on everything up to the group id; behind it execve has one more parameter.
const _: () = assert!(at::ExecveExit::gid == at::ExecveatExit::gid && at::ExecveExit::pgid == at::ExecveatExit::pgid);

/// A program took over: the thread is now the only one of its process, under the process's number.
pub(super) fn exec(state: &mut State, event: &Event<'_>, ctx: &mut Context) {
    use at::ExecveExit as p;
    let Some(mut key) = ctx.thread else { return };
    let Some(mut process) = state.threads.get(key).map(|thread| thread.process) else { return };
    let told = pid_of(event.int(p::pid)).or(pid_of(Some(event.pid().into())));
    let pid = told.or(state.processes.get(process).map(|process| process.pid)).unwrap_or(event.tid());
    if event.tid() != pid
        && let Some(leader) = leader_takes_over(state, key, pid)
    {
        key = leader;
        ctx.thread = Some(key);
        process = state.threads.get(key).map_or(process, |thread| thread.process);
    }
    let extra = if event.kind() == E::ExecveExit { p::vtid } else { at::ExecveatExit::vtid };
    end_siblings(state, key, process);
    program(state, event, process, extra);
    identity(state, event, (key, process), extra);
    if let Some(parent) = pid_of(event.int(p::ptid)) {
        state.believe_parent(process, parent);
    }
}

/// The thread that executes takes its leader's number; returns the leader, which carries on in its place.
fn leader_takes_over(state: &mut State, key: Key<ThreadInfo>, pid: u32) -> Option<Key<ThreadInfo>> {
    let leader = match state.by_tid.get(&pid).copied() {
        Some(leader) => leader,
        None => state.add_stub(pid, pid),
    };
    let (from, to) = (state.threads.get(key)?, state.threads.get(leader)?);
    if from.process != to.process {
        return Some(leader);
    }
    let (credentials, files, fs, old_files, old_fs) = (from.credentials, from.files, from.fs, to.files, to.fs);
    state.tables.share(files);
    state.fs.share(fs);
    state.change_thread(leader, |thread| (thread.credentials, thread.files, thread.fs) = (credentials, files, fs));
    state.release_table(old_files);
    state.fs.release(old_fs);
    Some(leader)
}

fn end_siblings(state: &mut State, key: Key<ThreadInfo>, process: Key<ProcessInfo>) {
    for sibling in state.threads_of(process) {
        if sibling != key {
            state.drop_thread(sibling);
            state.stats.threads_removed += 1;
        }
    }
    state.revive(key);
}

fn program(state: &mut State, event: &Event<'_>, process: Key<ProcessInfo>, extra: usize) {
    use at::ExecveExit as p;
    let realflags = extra + (p::realflags - p::vtid);
    let mut image = Image {
        exe: event.text(p::exe).unwrap_or_default().into(),
        exepath: event.text(p::trusted_exepath).unwrap_or_default().into(),
        env: event.bytes(p::env).unwrap_or_default().into(),
        flags: event.u32(p::flags).unwrap_or(0),
        path_flags: event.uint(realflags).and_then(|flags| u8::try_from(flags).ok()).unwrap_or(0),
        ino: event.uint(p::exe_ino).unwrap_or(0),
        ctime_ns: event.uint(p::exe_ino_ctime).unwrap_or(0),
        mtime_ns: event.uint(p::exe_ino_mtime).unwrap_or(0),
        ..Image::default()
    };
    image.set_args(event.bytes(p::args).unwrap_or_default());
    let image = state.images.insert(image);
    state.set_image(process, image);
    let Some(known) = state.processes.get(process).map(|process| process.cgroups) else { return };
    let cgroups = cgroups_of(state, event.bytes(p::cgroups), known);
    let sid = event.int(extra + (p::sid - p::vtid));
    let vpid = event.int(extra + (p::vpid - p::vtid));
    state.change_process(process, |process| {
        process.cgroups = cgroups;
        process.tty = event.u32(p::tty).unwrap_or(process.tty);
        process.loginuid = event.u32(p::loginuid).unwrap_or(process.loginuid);
        process.vpgid = event.int(p::vpgid).unwrap_or(process.vpgid);
        process.pgid = event.int(p::pgid).unwrap_or(process.pgid);
        process.sid = sid.unwrap_or(process.sid);
        process.vpid = vpid.unwrap_or(process.vpid);
        process.fdlimit = event.int(p::fdlimit).unwrap_or(process.fdlimit);
        process.vm_size = event.u32(p::vm_size).unwrap_or(process.vm_size);
        process.vm_rss = event.u32(p::vm_rss).unwrap_or(process.vm_rss);
        process.vm_swap = event.u32(p::vm_swap).unwrap_or(process.vm_swap);
        process.exec_ns = event.ts_ns();
    });
    state.cgroups.release(known);
}

fn identity(state: &mut State, event: &Event<'_>, at: (Key<ThreadInfo>, Key<ProcessInfo>), extra: usize) {
    use at::ExecveExit as p;
    let (key, _) = at;
    let start = event.uint(extra + (p::start_time - p::vtid)).filter(|start| *start > 0);
    state.change_thread(key, |thread| {
        if let Some(comm) = event.text(p::comm) {
            thread.comm = Comm::new(comm);
        }
        let known = thread.credentials;
        let credentials = &mut thread.credentials;
        credentials.euid = event.u32(p::uid).filter(|id| *id != UNSET_ID).unwrap_or(known.euid);
        credentials.egid = event.u32(p::gid).filter(|id| *id != UNSET_ID).unwrap_or(known.egid);
        credentials.cap_inheritable = event.uint(p::cap_inheritable).unwrap_or(known.cap_inheritable);
        credentials.cap_permitted = event.uint(p::cap_permitted).unwrap_or(known.cap_permitted);
        credentials.cap_effective = event.uint(p::cap_effective).unwrap_or(known.cap_effective);
        thread.vtid = event.int(extra).unwrap_or(thread.vtid);
        thread.start_ns = start.unwrap_or(thread.start_ns);
        thread.faults_major = event.uint(p::pgft_maj).unwrap_or(thread.faults_major);
        thread.faults_minor = event.uint(p::pgft_min).unwrap_or(thread.faults_minor);
        (thread.stub, thread.from_parent, thread.told_ns) = (false, false, event.ts_ns());
    });
    let fs = state.threads.get(key).map(|thread| thread.fs);
    if let (Some(fs), Some(cwd)) = (fs, event.text(p::cwd).filter(|cwd| !cwd.is_empty())) {
        set_cwd(state, fs, cwd);
    }
}

/// The kernel gives a new program a table of its own, without what is marked close-on-exec.
pub(super) fn close_on_exec(state: &mut State, event: &Event<'_>, thread: Key<ThreadInfo>) {
    state.unshare_table(thread);
    state.close_where(thread, event.ts_ns(), |_, entry| entry.cloexec);
}

/// The end of a thread; its children go to the task the kernel chose.
pub(super) fn exit(state: &mut State, event: &Event<'_>, thread: Key<ThreadInfo>) {
    let reaper = pid_of(event.int(at::Procexit::reaper_tid));
    let reaper = reaper.and_then(|tid| state.by_tid.get(&tid)).and_then(|key| state.threads.get(*key));
    let reaper = reaper.map(|thread| thread.process);
    state.end_thread(thread, reaper);
}
