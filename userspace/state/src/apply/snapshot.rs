//! Tasks and descriptors as a scan or a checkpoint tells them.
//!
//! A scan runs beside the events: what is known from a later record stays, and older events about a scanned task change
//! nothing. A checkpoint's records follow their task and say what a scan cannot.

use super::lifecycle::{cgroups_of, set_cwd};
use crate::State;
use crate::fd::{Connection, FdEntry, FdInfo, FdKind, L4Proto, PathFlags, Role, SocketInfo};
use crate::pool::Key;
use crate::process::{Comm, Image, ProcessInfo, ThreadInfo};
use crate::tree::Tables;
use saker_driver_api::event::{EventType as E, at};
use saker_driver_api::record::Origin;
use saker_event::address::{AF_INET, AF_INET6, AF_NETLINK, AF_UNIX};
use saker_event::{Event, Items};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Applies a task snapshot, unless the thread is known newer.
pub(super) fn task(state: &mut State, event: &Event<'_>) {
    use at::Task as p;
    let tid = event.tid();
    let pid = if event.pid() == 0 { tid } else { event.pid() };
    if tid == 0 {
        return;
    }
    let start_ns = event.uint(p::start_time).unwrap_or(0);
    let Some(thread) = thread_to_fill(state, event, (tid, pid), start_ns) else { return };
    let Some(process) = state.threads.get(thread).map(|thread| thread.process) else { return };
    let unknown = state.processes.get(process).is_some_and(|process| process.image == state.no_image);
    if pid == tid || unknown {
        fill_process(state, event, process);
    }
    fill_thread(state, event, thread, start_ns);
    let told = event.u32(p::ppid).unwrap_or(0);
    if event.origin() == Origin::Synthetic {
        // A checkpoint tells relations in its own way.
        state.change_process(process, |process| process.ppid = told);
    } else {
        state.believe_parent(process, told);
    }
}

fn thread_to_fill(state: &mut State, event: &Event<'_>, ids: (u32, u32), start_ns: u64) -> Option<Key<ThreadInfo>> {
    let (tid, pid) = ids;
    if let Some(key) = state.by_tid.get(&tid).copied() {
        let known = state.threads.get(key)?;
        let process = state.processes.get(known.process)?;
        let another =
            start_ns != 0 && known.start_ns != 0 && start_ns != known.start_ns && !known.stub && known.told_ns != 0;
        if process.pid != pid || another && start_ns > known.start_ns {
            state.stats.reused += 1;
            state.remove_thread(key);
        } else if another || !known.stub && known.told_ns > event.ts_ns() {
            return None;
        } else {
            forget_before(state, key, event.ts_ns());
            return Some(key);
        }
    }
    let tables = if event.origin() == Origin::Synthetic { Tables::Own } else { Tables::OfMates };
    Some(state.add_blank(tid, pid, tables))
}

/// A scan of a process that was in doubt or unknown counts for all its descriptors.
fn forget_before(state: &mut State, key: Key<ThreadInfo>, scan_ns: u64) {
    let Some(thread) = state.threads.get(key) else { return };
    let (stub, process) = (thread.stub, thread.process);
    let suspect = state.processes.get(process).is_some_and(|process| process.suspect);
    if stub || suspect {
        state.close_where(key, 0, |_, entry| entry.at_ns < scan_ns);
    }
}

fn id(event: &Event<'_>, index: usize) -> i64 {
    event.int(index).unwrap_or(-1)
}

fn fill_process(state: &mut State, event: &Event<'_>, key: Key<ProcessInfo>) {
    use at::Task as p;
    let argv = event.bytes(p::argv).unwrap_or_default();
    let exe = Items::new(argv).next().unwrap_or_default();
    let mut image = Image {
        exe: exe.into(),
        exepath: event.text(p::exepath).unwrap_or_default().into(),
        env: event.bytes(p::env).unwrap_or_default().into(),
        flags: event.u32(p::flags).unwrap_or(0),
        ino: event.uint(p::exe_ino_num).unwrap_or(0),
        ctime_ns: event.uint(p::exe_ino_ctime).unwrap_or(0),
        mtime_ns: event.uint(p::exe_ino_mtime).unwrap_or(0),
        ..Image::default()
    };
    image.set_args(argv.get(exe.len() + 1..).unwrap_or_default());
    let image = state.images.insert(image);
    state.set_image(key, image);
    let Some(known) = state.processes.get(key).map(|process| process.cgroups) else { return };
    let cgroups = cgroups_of(state, event.bytes(p::cgroups), known);
    state.change_process(key, |process| {
        process.cgroups = cgroups;
        (process.pgid, process.vpgid, process.sid) = (id(event, p::pgid), id(event, p::vpgid), id(event, p::sid));
        process.vpid = id(event, p::vtgid);
        process.tty = event.u32(p::tty).unwrap_or(0);
        process.loginuid = event.u32(p::loginuid).unwrap_or(crate::process::UNSET_ID);
        process.fdlimit = id(event, p::fdlimit);
        process.vm_size = event.u32(p::vm_size).unwrap_or(0);
        process.vm_rss = event.u32(p::vm_rss).unwrap_or(0);
        process.vm_swap = event.u32(p::vm_swap).unwrap_or(0);
        process.pidns_init_start_ns = event.uint(p::pidns_init_start_ts).unwrap_or(0);
        process.suspect = false;
    });
    state.cgroups.release(known);
}

fn fill_thread(state: &mut State, event: &Event<'_>, key: Key<ThreadInfo>, start_ns: u64) {
    use at::Task as p;
    state.change_thread(key, |thread| {
        thread.comm = Comm::new(event.text(p::comm).unwrap_or_default());
        thread.vtid = id(event, p::vpid);
        let credentials = &mut thread.credentials;
        credentials.euid = event.u32(p::euid).unwrap_or(credentials.euid);
        credentials.egid = event.u32(p::egid).unwrap_or(credentials.egid);
        credentials.cap_inheritable = event.uint(p::cap_inheritable).unwrap_or(0);
        credentials.cap_permitted = event.uint(p::cap_permitted).unwrap_or(0);
        credentials.cap_effective = event.uint(p::cap_effective).unwrap_or(0);
        thread.faults_major = event.uint(p::pgft_maj).unwrap_or(0);
        thread.faults_minor = event.uint(p::pgft_min).unwrap_or(0);
        thread.start_ns = if start_ns == 0 { thread.start_ns } else { start_ns };
        (thread.stub, thread.from_parent) = (false, false);
        (thread.scan_ns, thread.told_ns) = (event.ts_ns(), event.ts_ns());
    });
    state.revive(key);
    fill_fs(state, event, key);
}

fn fill_fs(state: &mut State, event: &Event<'_>, key: Key<ThreadInfo>) {
    use at::Task as p;
    let Some(fs) = state.threads.get(key).map(|thread| thread.fs) else { return };
    let (cwd, root) = (event.text(p::cwd), event.text(p::root).filter(|root| !root.is_empty()));
    let differs = state.fs.get(fs).is_some_and(|fs| {
        !fs.cwd.is_empty() && cwd.is_some_and(|cwd| *fs.cwd != *cwd) || root.is_some_and(|root| *fs.root != *root)
    });
    if differs && event.tid() != event.pid() {
        // Not what the thread's mates have: then it does not share theirs.
        state.unshare_fs(key);
    }
    let Some(fs) = state.threads.get(key).map(|thread| thread.fs) else { return };
    if let Some(cwd) = cwd {
        set_cwd(state, fs, cwd);
    }
    if let Some(root) = root {
        state.fs.update(fs, |fs| fs.root = root.into());
    }
}

/// Applies a record about one descriptor, or the checkpoint's words about a task.
pub(super) fn file(state: &mut State, event: &Event<'_>) {
    let Some(thread) = state.by_tid.get(&event.tid()).copied() else { return };
    match event.kind() {
        E::TaskState => return crate::checkpoint::restore_task(state, event, thread),
        E::TaskFileState => return crate::checkpoint::restore_file(state, event, thread),
        _ => {}
    }
    let Some((fd, file)) = scanned(state, event) else { return };
    let known = state.threads.get(thread).and_then(|thread| state.tables.get(thread.files));
    let newer = known.is_some_and(|table| match table.get(fd) {
        Some(entry) => entry.at_ns > event.ts_ns(),
        None => table.closed_ns > event.ts_ns(),
    });
    if newer {
        return;
    }
    let file = state.add_file(file);
    // What is marked close-on-exec a scan does not tell; the next exec's own records do.
    state.install(thread, fd, FdEntry { file, cloexec: false, at_ns: event.ts_ns() });
    state.release_replaced();
}

fn scanned(state: &mut State, event: &Event<'_>) -> Option<(i64, FdInfo)> {
    let by_name = |name: &str| event.param_by_name(name);
    let ino = by_name("ino_num").and_then(|at| event.uint(at)).unwrap_or(0);
    let path = by_name("path").and_then(|at| event.text(at)).unwrap_or_default();
    let plain = |kind| FdInfo { kind, name: path.into(), ino, ..FdInfo::default() };
    let file = match event.kind() {
        E::TaskFilePipe => plain(FdKind::Pipe),
        E::TaskFileMemfd => FdInfo { path_flags: PathFlags::MEMFD, ..plain(FdKind::Memfd) },
        E::TaskFileDirectory => plain(FdKind::Directory),
        E::TaskFileRegular => FdInfo {
            open_flags: event.u32(at::TaskFileRegular::flags).unwrap_or(0),
            dev: event.u32(at::TaskFileRegular::dev).unwrap_or(0),
            ..plain(FdKind::File)
        },
        E::TaskFileAnonInode => plain(anon_kind(event.uint(at::TaskFileAnonInode::fd_type).unwrap_or(0))),
        E::TaskFileSocketInet | E::TaskFileSocketInet6 => inet(state, event, ino),
        E::TaskFileSocketUnix => unix(event, ino),
        E::TaskFileSocketNetlink => {
            let socket = SocketInfo { family: AF_NETLINK, ..SocketInfo::default() };
            FdInfo { socket: Some(Box::new(socket)), ..plain(FdKind::Netlink) }
        }
        _ => return None,
    };
    // In every descriptor record the number comes first.
    Some((event.int(0)?, file))
}

fn anon_kind(number: u64) -> FdKind {
    match number {
        1 => FdKind::Event,
        2 => FdKind::EventPoll,
        3 => FdKind::Inotify,
        4 => FdKind::Signal,
        5 => FdKind::Timer,
        6 => FdKind::IoUring,
        7 => FdKind::Userfault,
        8 => FdKind::Pidfd,
        9..=11 => FdKind::Bpf,
        _ => FdKind::Unknown,
    }
}

fn inet(state: &mut State, event: &Event<'_>, ino: u64) -> FdInfo {
    use at::TaskFileSocketInet as p;
    let ip = |index: usize| -> Option<IpAddr> {
        let bytes = event.bytes(index)?;
        let v4 = <[u8; 4]>::try_from(bytes).ok().map(|ip| IpAddr::V4(Ipv4Addr::from(ip)));
        v4.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(|ip| Ipv6Addr::from(ip).to_canonical()))
    };
    let end = |at: usize, port: usize| -> Option<SocketAddr> {
        let port = event.uint(port).and_then(|port| u16::try_from(port).ok())?;
        Some(SocketAddr::new(ip(at)?, port))
    };
    let (kind, proto) = (event.u32(p::sk_type).unwrap_or(0), event.u32(p::sk_proto).unwrap_or(0));
    let local = end(p::local_ip, p::local_port).filter(|local| local.port() != 0);
    let remote = end(p::remote_ip, p::remote_port).filter(|remote| remote.port() != 0);
    let listening = event.uint(p::listening).is_some_and(|listening| listening != 0);
    let l4proto = L4Proto::of_socket(kind, proto);
    if listening && let Some(local) = local {
        state.listening.insert(local.port());
    }
    let accepted = local.is_some_and(|local| l4proto == L4Proto::Tcp && state.listening.contains(local.port()));
    let role = match remote {
        _ if listening || accepted => Role::Server,
        Some(_) => Role::Client,
        None => Role::None,
    };
    let v4 = event.kind() == E::TaskFileSocketInet;
    let socket = SocketInfo {
        family: if v4 { AF_INET } else { AF_INET6 },
        l4proto,
        local,
        remote,
        role,
        connection: if remote.is_some() { Connection::Done } else { Connection::None },
        listening,
        ..SocketInfo::default()
    };
    let kind = if v4 { FdKind::Ipv4 } else { FdKind::Ipv6 };
    let mut file = FdInfo { kind, ino, socket: Some(Box::new(socket)), ..FdInfo::default() };
    file.refresh_socket_name(&mut state.scratch);
    file
}

fn unix(event: &Event<'_>, ino: u64) -> FdInfo {
    use at::TaskFileSocketUnix as p;
    let peer = event.uint(p::peer_ino).unwrap_or(0);
    let listening = event.uint(p::listening).is_some_and(|listening| listening != 0);
    let path = event.text(p::sun_path).unwrap_or_default();
    let socket = SocketInfo {
        family: AF_UNIX,
        role: if listening { Role::Server } else { Role::None },
        connection: if peer != 0 { Connection::Done } else { Connection::None },
        listening,
        unix_source: if peer != 0 { ino } else { 0 },
        unix_peer: peer,
        unix_path: path.into(),
        ..SocketInfo::default()
    };
    let mut file = FdInfo { kind: FdKind::Unix, ino, socket: Some(Box::new(socket)), ..FdInfo::default() };
    file.refresh_socket_name(&mut Vec::new());
    file
}
