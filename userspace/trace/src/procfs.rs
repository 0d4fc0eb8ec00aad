// SPDX-License-Identifier: Apache-2.0

//! What was there before: the host, its users, and the tasks and descriptors that a source starts with, as records.
//!
//! A source attaches first and scans second. Each record carries the time of its own scan, so events that are older are
//! judged but do not change what the scan says.

use crate::context::{Context, device};
use crate::launch::InodeFacts;
use crate::records::{About, Value, put, put_meta};
use crate::sockets::{Socket, octets};
use crate::task_facts::{MEMFD, shown_path};
use rustix::fs::{FileType, Stat};
use rustix::net::sockopt;
use saker_driver_api::event::EventType;
use saker_driver_api::flags::FlagTable;
use saker_driver_api::param::ParamStatus;
use saker_driver_api::probe::{Fact, FactSet, FactValue, ProbeContext as _};
use saker_ring::HeapProducer;
use std::collections::BTreeSet;
use std::io;

/// Most bytes read of a user database.
const DATABASE_BYTES: usize = 4 << 20;
/// Most ancestors followed; a chain that is longer is being built while we look.
const MAX_ANCESTORS: usize = 256;

/// Which tasks a scan covers.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// These processes with all threads and descriptors; of their ancestors and leaders the process alone.
    Tree(&'a [u32]),
    /// Every process with all threads and descriptors.
    Host,
}

/// Writes what a source starts with that is not this crate's tracer: host, clock, users, groups, and the tasks of `scope`.
///
/// # Errors
/// Returns an error when `/proc` cannot be read.
pub fn write_all(sink: &mut HeapProducer, scope: Scope<'_>) -> io::Result<()> {
    bootstrap(&mut Context::new(0, InodeFacts::Keep, FactSet::EMPTY)?, sink, scope);
    Ok(())
}

/// Writes how far the wall clock is from the boot clock, as it is to be told whenever the wall clock steps.
pub fn write_clock(sink: &mut HeapProducer) {
    crate::records::put_clock(sink, &crate::clock::Clock::new());
}

/// Writes the host, the clock, users and groups, then the tasks of `scope`.
pub(crate) fn bootstrap(ctx: &mut Context, sink: &mut HeapProducer, scope: Scope<'_>) {
    host(ctx, sink);
    crate::records::put_clock(sink, &ctx.clock);
    users(ctx, sink);
    snapshot(ctx, sink, scope);
}

fn host(ctx: &mut Context, sink: &mut HeapProducer) {
    let uname = rustix::system::uname();
    let offset = i64::from(jiff::Zoned::now().offset().seconds());
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    put_meta(
        sink,
        &ctx.clock,
        EventType::Host,
        &[
            uname.nodename().to_bytes().into(),
            offset.into(),
            ctx.clock.boot_epoch_ns().into(),
            u32::try_from(cpus).unwrap_or(u32::MAX).into(),
            uname.release().to_bytes().into(),
            std::process::id().into(),
        ],
    );
}

fn users(ctx: &mut Context, sink: &mut HeapProducer) {
    let no_container = Value::from("");
    for line in database("/etc/passwd").lines() {
        let [name, _, uid, gid, _, home, shell] = fields(line);
        let (Ok(uid), Ok(gid)) = (uid.parse::<u32>(), gid.parse::<u32>()) else { continue };
        let values = [uid.into(), gid.into(), name.into(), home.into(), shell.into(), no_container];
        put(sink, &ctx.clock, EventType::Useradded, About::default(), &values);
    }
    for line in database("/etc/group").lines() {
        let [name, _, gid, _] = fields(line);
        let Ok(gid) = gid.parse::<u32>() else { continue };
        put(sink, &ctx.clock, EventType::Groupadded, About::default(), &[gid.into(), name.into(), no_container]);
    }
}

/// Splits a line at its colons; missing fields are empty.
fn fields<const N: usize>(line: &str) -> [&str; N] {
    let mut parts = line.splitn(N, ':');
    std::array::from_fn(|_| parts.next().unwrap_or(""))
}

fn database(path: &str) -> String {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    if let Ok(file) = std::fs::File::open(path) {
        // Without the database, ids stay without names.
        let _ = file.take(DATABASE_BYTES as u64).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Writes the tasks and descriptors of `scope`.
pub(crate) fn snapshot(ctx: &mut Context, sink: &mut HeapProducer, scope: Scope<'_>) {
    let whole: Vec<u32> = match scope {
        Scope::Tree(pids) => pids.to_vec(),
        Scope::Host => ctx.proc.numbers(format_args!(".")),
    };
    let mut around = BTreeSet::new();
    if let Scope::Tree(_) = scope {
        for pid in &whole {
            relatives(ctx, *pid, &mut around);
        }
    }
    whole.iter().for_each(|pid| _ = around.remove(pid));
    for pid in around {
        task(ctx, sink, About { tid: pid, tgid: pid });
    }
    for pid in whole {
        for tid in ctx.proc.numbers(format_args!("{pid}/task")) {
            task(ctx, sink, About { tid, tgid: pid });
        }
        descriptors(ctx, sink, pid);
    }
}

/// Adds the ancestors of a process, and the leaders of its and their sessions and groups.
fn relatives(ctx: &mut Context, pid: u32, to: &mut BTreeSet<u32>) {
    let wanted = FactSet::EMPTY.with(Fact::Ptid).with(Fact::Pgid).with(Fact::Sid);
    let mut at = pid;
    for _ in 0..MAX_ANCESTORS {
        ctx.gather_task(at, wanted);
        let number = |fact| match ctx.fact(fact) {
            FactValue::Int(value) => u32::try_from(value).ok().filter(|pid| *pid != 0),
            _ => None,
        };
        let (parent, leaders) = (number(Fact::Ptid), [number(Fact::Pgid), number(Fact::Sid)]);
        to.extend(leaders.into_iter().flatten());
        let Some(parent) = parent else { return };
        to.insert(parent);
        at = parent;
    }
}

/// The facts behind the parameters of a task record, in its order; `None` is the list of arguments.
const TASK: [Option<Fact>; 32] = [
    Some(Fact::Ptid),
    Some(Fact::Pgid),
    Some(Fact::Vpgid),
    Some(Fact::Sid),
    Some(Fact::Comm),
    None,
    Some(Fact::ExePath),
    Some(Fact::ExeFlags),
    Some(Fact::Env),
    Some(Fact::Cwd),
    Some(Fact::FdLimit),
    Some(Fact::Euid),
    Some(Fact::Egid),
    Some(Fact::CapPermitted),
    Some(Fact::CapEffective),
    Some(Fact::CapInheritable),
    Some(Fact::ExeIno),
    Some(Fact::ExeCtime),
    Some(Fact::ExeMtime),
    Some(Fact::VmSize),
    Some(Fact::VmRss),
    Some(Fact::VmSwap),
    Some(Fact::FaultsMajor),
    Some(Fact::FaultsMinor),
    Some(Fact::Vpid),
    Some(Fact::Vtid),
    Some(Fact::PidnsInitStart),
    Some(Fact::Cgroups),
    Some(Fact::Root),
    Some(Fact::StartTime),
    Some(Fact::Tty),
    Some(Fact::Loginuid),
];
const _: () = assert!(TASK.len() == EventType::Task.info().params.len());

fn task(ctx: &mut Context, sink: &mut HeapProducer, about: About) {
    let wanted =
        TASK.iter().flatten().fold(FactSet::EMPTY.with(Fact::Exe).with(Fact::Args), |set, fact| set.with(*fact));
    ctx.gather_task(about.tid, wanted);
    if ctx.fact(Fact::StartTime) == FactValue::Unreadable {
        // It ended before we came to it.
        return;
    }
    let arguments = match (ctx.fact(Fact::Exe), ctx.fact(Fact::Args)) {
        (FactValue::Bytes(exe, _), FactValue::Bytes(args, status)) => Value::Joined(exe, args, status),
        (other, _) => other.into(),
    };
    let values = TASK.map(|fact| fact.map_or(arguments, |fact| ctx.fact(fact).into()));
    put(sink, &ctx.clock, EventType::Task, about, &values);
}

fn descriptors(ctx: &mut Context, sink: &mut HeapProducer, pid: u32) {
    for fd in ctx.proc.numbers(format_args!("{pid}/fd")) {
        let Ok(stat) = ctx.proc.stat(format_args!("{pid}/fd/{fd}")) else { continue };
        let Ok(link) = ctx.proc.link(format_args!("{pid}/fd/{fd}")).map(<[u8]>::to_vec) else { continue };
        descriptor(ctx, sink, pid, fd, &stat, &link);
    }
}

fn descriptor(ctx: &mut Context, sink: &mut HeapProducer, pid: u32, fd: u32, stat: &Stat, link: &[u8]) {
    let about = About { tid: pid, tgid: pid };
    let (path, flags) = shown_path(link, stat.st_nlink == 0);
    let named = [fd.into(), path.into(), stat.st_ino.into()];
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Socket => socket(ctx, sink, about, fd),
        FileType::Fifo => put(sink, &ctx.clock, EventType::TaskFilePipe, about, &named),
        FileType::Directory => put(sink, &ctx.clock, EventType::TaskFileDirectory, about, &named),
        _ if flags & MEMFD != 0 => put(sink, &ctx.clock, EventType::TaskFileMemfd, about, &named),
        _ => match anon_inode_type(link) {
            Some(kind) => {
                let values = [fd.into(), kind.into(), path.into(), stat.st_ino.into()];
                put(sink, &ctx.clock, EventType::TaskFileAnonInode, about, &values);
            }
            None => {
                let (flags, mount) = descriptor_info(ctx, pid, fd);
                let (flags, mount) = (flags.into(), mount.into());
                let values = [fd.into(), path.into(), flags, mount, stat.st_ino.into(), device(stat).into()];
                put(sink, &ctx.clock, EventType::TaskFileRegular, about, &values);
            }
        },
    }
}

/// Returns the `O_*` flags of a descriptor in portable numbers, and its mount.
fn descriptor_info(ctx: &mut Context, pid: u32, fd: u32) -> (u64, u64) {
    let mut text = Vec::new();
    let _ = ctx.proc.read(format_args!("{pid}/fdinfo/{fd}"), &mut text, 4096);
    let text = String::from_utf8_lossy(&text);
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let flags = value("flags:").and_then(|octal| u64::from_str_radix(octal, 8).ok()).unwrap_or(0);
    let mount = value("mnt_id:").and_then(|id| id.parse().ok()).unwrap_or(0);
    (FlagTable::Open.from_kernel(flags), mount)
}

/// Returns the portable type of what `anon_inode:NAME` is, or `None` for another link.
fn anon_inode_type(link: &[u8]) -> Option<u8> {
    let name = link.strip_prefix(b"anon_inode:")?;
    let name = name.strip_prefix(b"[").and_then(|name| name.strip_suffix(b"]")).unwrap_or(name);
    Some(match name {
        b"eventfd" => 1,
        b"eventpoll" => 2,
        b"inotify" => 3,
        b"signalfd" => 4,
        b"timerfd" => 5,
        b"io_uring" => 6,
        b"userfaultfd" => 7,
        b"pidfd" => 8,
        b"bpf-map" => 9,
        b"bpf-prog" => 10,
        b"bpf_link" | b"bpf-link" => 11,
        b"perf_event" => 12,
        b"dmabuf" => 13,
        _ => 0,
    })
}

fn socket(ctx: &mut Context, sink: &mut HeapProducer, about: About, fd: u32) {
    let number = i32::try_from(fd).unwrap_or(-1);
    // Without the right to look into the process its sockets stay unknown until they are used.
    let Some(socket) = Socket::of(about.tid, about.tgid, number) else { return };
    let kind = sockopt::socket_type(socket.fd()).map_or(0, |kind| kind.as_raw());
    let proto = sockopt::socket_protocol(socket.fd()).ok().flatten().map_or(0, |proto| proto.as_raw().get());
    let family = sockopt::socket_domain(socket.fd()).map_or(0, |family| family.as_raw());
    let listening = sockopt::socket_acceptconn(socket.fd()).unwrap_or(false);
    let start = [Value::from(fd), u64::from(kind).into(), u64::from(proto).into()];
    let inode = socket.inode().into();
    match (family, socket.ends()) {
        (AF_INET | AF_INET6, Some((local, remote))) => {
            let (local_ip, remote_ip) = (octets(local.ip()), octets(remote.ip()));
            let values = [
                &start[..],
                &[local_ip.as_slice().into(), local.port().into(), remote_ip.as_slice().into(), remote.port().into()],
                &[inode, listening.into()],
            ]
            .concat();
            let event = match local_ip.len() {
                4 => EventType::TaskFileSocketInet,
                _ => EventType::TaskFileSocketInet6,
            };
            put(sink, &ctx.clock, event, about, &values);
        }
        (AF_UNIX, _) => {
            let path = socket.path();
            let path = Value::Bytes(&path, ParamStatus::OK);
            // No kernel address leaves, and no safe call tells the peer's inode.
            let rest = [Value::Absent, path, inode, Value::Absent, listening.into()];
            put(sink, &ctx.clock, EventType::TaskFileSocketUnix, about, &[&start[..], &rest].concat());
        }
        (AF_NETLINK, _) => {
            put(sink, &ctx.clock, EventType::TaskFileSocketNetlink, about, &[&start[..], &[inode]].concat());
        }
        _ => {}
    }
}

const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;
const AF_NETLINK: u16 = 16;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use saker_driver_api::record::{Origin, RecordFlags};
    use saker_ring::{Doorbell, HeapRing, OnFull};

    #[test]
    fn the_whole_host_is_scanned() {
        let (mut sink, mut reader) = HeapRing::new(0, 64 << 20, OnFull::Drop, &Doorbell::new()).unwrap().split();
        write_all(&mut sink, Scope::Host).unwrap();
        assert!(sink.books().balances());
        let own = std::process::id();
        let mut own_threads = 0;
        for event in &reader.batch().unwrap() {
            let header = event.header();
            if header.kind == EventType::Task as u16 && header.pid == own {
                own_threads += 1;
                assert_eq!((header.origin, header.flags), (Origin::Procfs as u8, RecordFlags::STATE_ONLY));
            }
        }
        assert!(own_threads >= 1, "this process is part of the host");
        assert_eq!(reader.books().decoded, sink.books().records());
    }

    #[test]
    fn lines_of_databases_are_split() {
        assert_eq!(fields::<7>("root:x:0:0:a:/root:/bin/sh")[2..], ["0", "0", "a", "/root", "/bin/sh"]);
        assert_eq!(fields::<4>("broken"), ["broken", "", "", ""]);
    }

    #[test]
    fn anonymous_inodes_have_types() {
        assert_eq!(anon_inode_type(b"anon_inode:[eventpoll]"), Some(2));
        assert_eq!(anon_inode_type(b"anon_inode:inotify"), Some(3));
        assert_eq!(anon_inode_type(b"anon_inode:[new]"), Some(0));
        assert_eq!(anon_inode_type(b"/etc/passwd"), None);
    }
}
