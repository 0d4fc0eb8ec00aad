//! Sockets: made, bound, connected, accepted, spoken through.
//!
//! A tuple in a record has the sender or connecting side first. It is stored as this end and the other, so that the name
//! can always be written client first whoever sends.

use super::descriptors::{foreign, made};
use super::flag;
use crate::State;
use crate::context::{Context, FileRef};
use crate::fd::{Connection, FdInfo, FdKind, L4Proto, Role, SocketInfo};
use crate::pool::Key;
use saker_driver_api::event::{EventType as E, at};
use saker_driver_api::flags::FlagTable;
use saker_event::{Event, SockAddr, SockTuple};
use std::net::SocketAddr;

const SOCK_CLOEXEC: u64 = flag(FlagTable::SocketFlags, "SOCK_CLOEXEC");
/// The same bit inside the type argument, where a capture keeps the argument whole, and in accept4's flags.
const KERNEL_SOCK_CLOEXEC: u64 = 0x80000;
const SOL_SOCKET: u64 = flag(FlagTable::SockoptLevel, "SOL_SOCKET");
const SO_ERROR: u64 = flag(FlagTable::SockoptName, "SO_ERROR");
const EINPROGRESS: i64 = -115;

/// Returns whether a failed call of this kind still says something about its socket.
pub(super) fn learns_from_failure(kind: E) -> bool {
    kind == E::ConnectExit
}

/// Returns whether the event belongs to this family.
pub(super) fn before(state: &mut State, kind: E, event: &Event<'_>, ctx: &mut Context) -> bool {
    match kind {
        E::SocketExit => socket(state, event, ctx),
        E::SocketpairExit => pair(state, event, ctx),
        E::BindExit => bind(state, event, ctx),
        E::ListenExit => listen(state, ctx),
        E::ConnectExit => connect(state, event, ctx),
        E::AcceptExit | E::Accept4Exit => accept(state, kind, event, ctx),
        E::GetsockoptExit => getsockopt(state, event, ctx),
        E::SendExit | E::SendtoExit | E::SendmsgExit | E::SendmmsgExit => spoke(state, event, ctx, Role::Client),
        E::RecvExit | E::RecvfromExit | E::RecvmsgExit | E::RecvmmsgExit => {
            spoke(state, event, ctx, Role::Server);
            received_descriptors(state, event, ctx);
        }
        _ => return false,
    }
    true
}

fn socket(state: &mut State, event: &Event<'_>, ctx: &mut Context) {
    use at::SocketExit as p;
    let Some(fd) = event.int(p::fd) else { return };
    let (kind, proto) = (event.u32(p::type_).unwrap_or(0), event.u32(p::proto).unwrap_or(0));
    let flags = event.uint(p::flags).unwrap_or(0);
    let family = event.uint(p::domain).and_then(|family| u8::try_from(family).ok()).unwrap_or(0);
    let file = new_socket(family, kind, proto, event.uint(p::ino));
    let cloexec = flags & (SOCK_CLOEXEC | KERNEL_SOCK_CLOEXEC) != 0 || u64::from(kind) & KERNEL_SOCK_CLOEXEC != 0;
    made(state, event, ctx, fd, file, cloexec);
}

fn new_socket(family: u8, kind: u32, proto: u32, ino: Option<u64>) -> FdInfo {
    let fd_kind = FdKind::of_family(family);
    let l4proto = if fd_kind.is_ip() { L4Proto::of_socket(kind, proto) } else { L4Proto::Unknown };
    let socket = SocketInfo { family, l4proto, ..SocketInfo::default() };
    FdInfo { kind: fd_kind, ino: ino.unwrap_or(0), socket: Some(Box::new(socket)), ..FdInfo::default() }
}

fn pair(state: &mut State, event: &Event<'_>, ctx: &mut Context) {
    use at::SocketpairExit as p;
    let family = event.uint(p::domain).and_then(|family| u8::try_from(family).ok()).unwrap_or(0);
    let kind = event.u32(p::type_).unwrap_or(0);
    let cloexec = u64::from(kind) & KERNEL_SOCK_CLOEXEC != 0;
    let ends = (event.uint(p::source).unwrap_or(0), event.uint(p::peer).unwrap_or(0));
    // The second end first, so that the event is about the first.
    for (fd, (own, peer)) in [(p::fd2, (ends.1, ends.0)), (p::fd1, ends)] {
        let Some(fd) = event.int(fd) else { continue };
        let mut file = new_socket(family, kind, 0, Some(own));
        if let Some(socket) = &mut file.socket {
            (socket.unix_source, socket.unix_peer, socket.connection) = (own, peer, Connection::Done);
        }
        file.refresh_socket_name(&mut state.scratch);
        if let FileRef::Open(key) = ctx.file {
            ctx.second = ctx.opened.then_some(key);
        }
        made(state, event, ctx, fd, file, cloexec);
    }
}

/// Changes the event's socket, made first if no table knows it; tells the context whether the name changed.
fn change(state: &mut State, event: &Event<'_>, ctx: &mut Context, family: u8, change: impl FnOnce(&mut SocketInfo)) {
    if ctx.file == FileRef::None {
        let Some(fd) = ctx.fd.filter(|fd| *fd >= 0) else { return };
        made(state, event, ctx, fd, new_socket(family, 0, 0, None), false);
        ctx.opened = false;
    }
    let FileRef::Open(key) = ctx.file else { return };
    ctx.name_changed |= change_socket(state, key, change);
}

fn change_socket(state: &mut State, key: Key<FdInfo>, change: impl FnOnce(&mut SocketInfo)) -> bool {
    let mut scratch = std::mem::take(&mut state.scratch);
    let changed = state.change_file(key, |file| {
        change(file.socket.get_or_insert_default());
        file.refresh_socket_name(&mut scratch)
    });
    state.scratch = scratch;
    changed.unwrap_or(false)
}

fn family_of(ip: &SocketAddr) -> u8 {
    if ip.is_ipv4() { saker_event::address::AF_INET } else { saker_event::address::AF_INET6 }
}

fn bind(state: &mut State, event: &Event<'_>, ctx: &mut Context) {
    match event.sockaddr(at::BindExit::addr) {
        Some(SockAddr::Ip(addr)) => change(state, event, ctx, family_of(&addr), |socket| socket.local = Some(addr)),
        Some(SockAddr::Unix(path)) => {
            change(state, event, ctx, saker_event::address::AF_UNIX, |socket| socket.unix_path = path.into());
        }
        _ => {}
    }
}

fn listen(state: &mut State, ctx: &mut Context) {
    if let FileRef::Open(key) = ctx.file {
        ctx.name_changed |= change_socket(state, key, |socket| {
            (socket.listening, socket.role) = (true, Role::Server);
        });
    }
}

/// Stores both ends as seen from the side that is `role`.
fn set_ends(socket: &mut SocketInfo, tuple: &SockTuple<'_>, role: Role) {
    match tuple {
        SockTuple::Ip { source, dest } => {
            let (local, remote) = if role == Role::Server { (dest, source) } else { (source, dest) };
            (socket.local, socket.remote) = (Some(*local), Some(*remote));
        }
        SockTuple::Unix { source, peer, path } => {
            (socket.unix_source, socket.unix_peer) = (*source, *peer);
            if !path.is_empty() {
                socket.unix_path = (*path).into();
            }
        }
        SockTuple::Other(_) => {}
    }
}

fn family_of_tuple(tuple: &SockTuple<'_>) -> u8 {
    match tuple {
        SockTuple::Ip { source, .. } => family_of(source),
        SockTuple::Unix { .. } => saker_event::address::AF_UNIX,
        SockTuple::Other(family) => *family,
    }
}

fn connect(state: &mut State, event: &Event<'_>, ctx: &mut Context) {
    use at::ConnectExit as p;
    let res = event.res().unwrap_or(0);
    let connection = match res {
        EINPROGRESS => Connection::Pending,
        res if res < 0 => Connection::Failed,
        _ => Connection::Done,
    };
    let (tuple, asked) = (event.tuple(p::tuple), event.sockaddr(p::addr));
    let family = match (&tuple, &asked) {
        (Some(tuple), _) => family_of_tuple(tuple),
        (None, Some(SockAddr::Ip(addr))) => family_of(addr),
        (None, Some(SockAddr::Unix(_))) => saker_event::address::AF_UNIX,
        _ => return,
    };
    change(state, event, ctx, family, |socket| {
        (socket.role, socket.connection) = (Role::Client, connection);
        match (&tuple, &asked) {
            (Some(tuple), _) => set_ends(socket, tuple, Role::Client),
            (None, Some(SockAddr::Ip(addr))) => socket.remote = Some(*addr),
            (None, Some(SockAddr::Unix(path))) if connection != Connection::Failed => socket.unix_path = (*path).into(),
            _ => {}
        }
    });
}

fn accept(state: &mut State, kind: E, event: &Event<'_>, ctx: &mut Context) {
    let Some(fd) = event.int(at::AcceptExit::fd) else { return };
    let tuple = event.tuple(at::AcceptExit::tuple);
    let (flags, ino) = match kind {
        E::AcceptExit => (0, event.uint(at::AcceptExit::ino)),
        _ => (event.uint(at::Accept4Exit::flags).unwrap_or(0), event.uint(at::Accept4Exit::ino)),
    };
    let mut file = new_socket(tuple.as_ref().map_or(0, family_of_tuple), 1, 0, ino);
    if let Some(socket) = &mut file.socket {
        (socket.role, socket.connection) = (Role::Server, Connection::Done);
        if let Some(tuple) = &tuple {
            set_ends(socket, tuple, Role::Server);
        }
    }
    file.refresh_socket_name(&mut state.scratch);
    made(state, event, ctx, fd, file, flags & (SOCK_CLOEXEC | KERNEL_SOCK_CLOEXEC) != 0);
    ctx.name_changed = true;
}

/// Asking for the socket's error is how a program learns that a pending connection stands or failed.
fn getsockopt(state: &mut State, event: &Event<'_>, ctx: &Context) {
    use at::GetsockoptExit as p;
    let is_error = event.uint(p::level) == Some(SOL_SOCKET) && event.uint(p::optname) == Some(SO_ERROR);
    let FileRef::Open(key) = ctx.file else { return };
    let pending = state.files.get(key).and_then(|file| file.socket.as_ref()).map(|socket| socket.connection);
    if !is_error || pending != Some(Connection::Pending) {
        return;
    }
    let fine =
        event.bytes(p::val).and_then(<[u8]>::split_first).is_some_and(|(_, value)| value.iter().all(|b| *b == 0));
    let connection = if fine { Connection::Done } else { Connection::Failed };
    state.change_file(key, |file| file.socket.get_or_insert_default().connection = connection);
}

/// Data went through: a datagram names its peer, and a pending connection must stand. `first` is the role of a socket
/// whose first datagram this is.
fn spoke(state: &mut State, event: &Event<'_>, ctx: &mut Context, first: Role) {
    if let FileRef::Open(key) = ctx.file
        && let Some(socket) = state.files.get(key).and_then(|file| file.socket.as_ref())
    {
        if socket.connection == Connection::Pending {
            state.change_file(key, |file| file.socket.get_or_insert_default().connection = Connection::Done);
            return;
        }
        if socket.connection == Connection::Done || socket.l4proto == L4Proto::Tcp && socket.remote.is_some() {
            return;
        }
    }
    let tuple = event.info().params.iter().position(|param| param.name == "tuple").and_then(|at| event.tuple(at));
    let Some(tuple) = tuple.filter(|tuple| !matches!(tuple, SockTuple::Other(_))) else { return };
    if let FileRef::Open(key) = ctx.file
        && state.files.get(key).is_some_and(|file| already(file, &tuple, first))
    {
        return;
    }
    change(state, event, ctx, family_of_tuple(&tuple), |socket| {
        if socket.role == Role::None {
            socket.role = first;
        }
        // A sender is the source of its tuple, a receiver the destination, whatever their roles.
        set_ends(socket, &tuple, first);
    });
}

/// Returns whether a datagram says nothing new, which is the common case and must not cost anything.
fn already(file: &FdInfo, tuple: &SockTuple<'_>, direction: Role) -> bool {
    let Some(socket) = &file.socket else { return false };
    match tuple {
        SockTuple::Ip { source, dest } => {
            let (local, remote) = if direction == Role::Server { (dest, source) } else { (source, dest) };
            socket.role != Role::None && socket.local == Some(*local) && socket.remote == Some(*remote)
        }
        SockTuple::Unix { source, peer, path } => {
            (socket.unix_source, socket.unix_peer) == (*source, *peer)
                && (path.is_empty() || *socket.unix_path == **path)
        }
        SockTuple::Other(_) => true,
    }
}

/// `SCM_RIGHTS`: the numbers of new descriptors are in the control data, what they are is not.
fn received_descriptors(state: &mut State, event: &Event<'_>, ctx: &mut Context) {
    let control = event.info().params.iter().position(|param| param.name == "msgcontrol");
    let Some(mut rest) = control.and_then(|at| event.bytes(at)) else { return };
    let about = *ctx;
    // struct cmsghdr: u64 length with header, i32 level, i32 type; each message starts at a multiple of eight.
    while let Some((header, _)) = rest.split_first_chunk::<16>() {
        let (len, kind) = header.split_at(8);
        let len = <[u8; 8]>::try_from(len)
            .map(u64::from_le_bytes)
            .ok()
            .and_then(|len| usize::try_from(len).ok())
            .unwrap_or(0);
        if len < 16 {
            break;
        }
        if *kind == [1, 0, 0, 0, 1, 0, 0, 0] {
            for fd in rest.get(16..len.min(rest.len())).unwrap_or_default().chunks_exact(4) {
                let fd = <[u8; 4]>::try_from(fd).map_or(-1, i32::from_le_bytes);
                foreign(state, event, ctx, i64::from(fd), false);
            }
        }
        rest = rest.get(len.next_multiple_of(8)..).unwrap_or_default();
    }
    *ctx = about;
}
