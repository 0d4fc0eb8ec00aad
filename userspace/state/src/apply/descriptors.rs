//! Descriptors that are not sockets: opened, made, copied, closed; and thread names written through `/proc`.

use super::flag;
use crate::State;
use crate::context::{Context, EventPath, FileRef, PathRole, event_path};
use crate::fd::{FdEntry, FdInfo, FdKind, PathFlags};
use crate::files::MAX_FD;
use crate::pool::Key;
use crate::process::{Comm, ThreadInfo};
use saker_driver_api::event::{EventType as E, at};
use saker_driver_api::flags::FlagTable;
use saker_driver_api::param::ParamType;
use saker_event::Event;
use saker_event::render::{AT_FDCWD, enum_name};

const O_CLOEXEC: u64 = flag(FlagTable::Open, "O_CLOEXEC");
const O_DIRECTORY: u64 = flag(FlagTable::Open, "O_DIRECTORY");
const O_APPEND: u32 = 8;
const O_NONBLOCK: u32 = 0x40;
const MFD_CLOEXEC: u64 = flag(FlagTable::Memfd, "MFD_CLOEXEC");
const EPOLL_CLOEXEC: u64 = flag(FlagTable::EpollCreate1, "EPOLL_CLOEXEC");
const CLOSE_RANGE_UNSHARE: u64 = flag(FlagTable::CloseRange, "CLOSE_RANGE_UNSHARE");
const CLOSE_RANGE_CLOEXEC: u64 = flag(FlagTable::CloseRange, "CLOSE_RANGE_CLOEXEC");
/// Close-on-exec as signalfd, timerfd, inotify and userfaultfd take it: the kernel's own bit.
const KERNEL_CLOEXEC: u64 = 0o2_000_000;
const F_DUPFD: u64 = flag(FlagTable::Fcntl, "F_DUPFD");
const F_DUPFD_CLOEXEC: u64 = flag(FlagTable::Fcntl, "F_DUPFD_CLOEXEC");
const F_SETFD: u64 = flag(FlagTable::Fcntl, "F_SETFD");
const F_SETFL: u64 = flag(FlagTable::Fcntl, "F_SETFL");

/// Puts a new file behind the event's descriptor and makes it what the event is about.
pub(super) fn made(state: &mut State, event: &Event<'_>, ctx: &mut Context, fd: i64, file: FdInfo, cloexec: bool) {
    let Some(thread) = ctx.thread.filter(|_| (0..=MAX_FD).contains(&fd)) else { return };
    let file = state.add_file(file);
    state.install(thread, fd, FdEntry { file, cloexec, at_ns: event.ts_ns() });
    (ctx.fd, ctx.file, ctx.opened) = (Some(fd), FileRef::Open(file), true);
}

/// An open of any kind; one that failed is described too, but kept nowhere.
pub(super) fn open(state: &mut State, event: &Event<'_>, ctx: &mut Context) {
    let Some(fd) = event.int(0) else { return };
    let file = opened_file(state, event, ctx);
    let flags = u64::from(file.open_flags);
    if fd < 0 {
        state.transient = file;
        (ctx.fd, ctx.file) = (Some(-1), FileRef::Transient);
    } else if !ctx.stale {
        made(state, event, ctx, fd, file, flags & O_CLOEXEC != 0);
    }
}

fn opened_file(state: &mut State, event: &Event<'_>, ctx: &Context) -> FdInfo {
    let by_name = |name: &str| event.param_by_name(name);
    let flags = by_name("flags").and_then(|at| event.u32(at)).unwrap_or(0);
    let mut path =
        event_path(event, PathRole::Source).unwrap_or(EventPath { raw: b"", resolved: None, dirfd: AT_FDCWD });
    if event.kind() == E::OpenByHandleAtExit {
        // The path of a handle is what the kernel found, not what a caller wrote.
        path.dirfd = AT_FDCWD;
    }
    let mut lexical = std::mem::take(&mut state.scratch);
    lexical.clear();
    if !state.push_lexical(ctx, &path, &mut lexical) {
        lexical.extend_from_slice(path.raw);
    }
    let realflags = by_name("realflags").and_then(|at| event.uint(at)).and_then(|bits| u8::try_from(bits).ok());
    let (name, flags_of_path): (&[u8], u8) = match path.resolved {
        Some(real) => (real, realflags.unwrap_or(0)),
        None => (&lexical, PathFlags::LEXICAL | realflags.unwrap_or(0)),
    };
    let kind = if u64::from(flags) & O_DIRECTORY != 0 { FdKind::Directory } else { FdKind::File };
    let file = FdInfo {
        kind,
        name: name.into(),
        lexical: (*name != *lexical).then(|| lexical.as_slice().into()),
        raw: (*path.raw != *lexical).then(|| path.raw.into()),
        path_flags: flags_of_path,
        open_flags: flags,
        dev: by_name("dev").and_then(|at| event.u32(at)).unwrap_or(0),
        ino: by_name("ino").and_then(|at| event.uint(at)).unwrap_or(0),
        target: comm_file(name, event).unwrap_or(0),
        ..FdInfo::default()
    };
    state.scratch = lexical;
    file
}

/// Returns the thread whose name a file holds: `/proc/<pid>/comm` or `/proc/<pid>/task/<tid>/comm`.
fn comm_file(name: &[u8], event: &Event<'_>) -> Option<u32> {
    let inner = name.strip_prefix(b"/proc/")?.strip_suffix(b"/comm")?;
    let id = inner.rsplit(|b| *b == b'/').next()?;
    match id {
        b"self" if event.pid() != 0 => Some(event.pid()),
        b"self" | b"thread-self" => Some(event.tid()),
        digits => std::str::from_utf8(digits).ok()?.parse().ok(),
    }
}

/// Returns whether the event belongs to this family.
pub(super) fn before(state: &mut State, kind: E, event: &Event<'_>, ctx: &mut Context) -> bool {
    match kind {
        E::PipeExit | E::Pipe2Exit => pipe(state, kind, event, ctx),
        E::DupExit | E::Dup2Exit | E::Dup3Exit => duplicate(state, kind, event, ctx),
        E::FcntlExit => fcntl(state, event, ctx),
        E::PidfdGetfdExit => pidfd_getfd(state, event, ctx),
        E::WriteExit | E::PwriteExit | E::WritevExit => comm_write(state, event, ctx),
        _ => return anonymous(state, kind, event, ctx),
    }
    true
}

/// Descriptors without a file: their kind is all there is to know, but for memory files and pidfds.
fn anonymous(state: &mut State, kind: E, event: &Event<'_>, ctx: &mut Context) -> bool {
    // Looked up only for the kinds that have it: most events end below.
    let flagged =
        |bit: u64| event.param_by_name("flags").and_then(|at| event.uint(at)).is_some_and(|all| all & bit != 0);
    let (made_kind, cloexec) = match kind {
        E::EventfdExit => (FdKind::Event, false),
        E::Eventfd2Exit => (FdKind::Event, flagged(O_CLOEXEC)),
        E::SignalfdExit => (FdKind::Signal, flagged(KERNEL_CLOEXEC)),
        E::Signalfd4Exit => (FdKind::Signal, flagged(O_CLOEXEC)),
        E::TimerfdCreateExit => (FdKind::Timer, flagged(KERNEL_CLOEXEC)),
        E::InotifyInitExit => (FdKind::Inotify, false),
        E::InotifyInit1Exit => (FdKind::Inotify, flagged(O_CLOEXEC)),
        E::EpollCreateExit => (FdKind::EventPoll, false),
        E::EpollCreate1Exit => (FdKind::EventPoll, flagged(EPOLL_CLOEXEC)),
        E::UserfaultfdExit => (FdKind::Userfault, flagged(O_CLOEXEC)),
        // The kernel always marks these close-on-exec.
        E::IoUringSetupExit => (FdKind::IoUring, true),
        E::MemfdCreateExit => (FdKind::Memfd, flagged(MFD_CLOEXEC)),
        E::PidfdOpenExit => (FdKind::Pidfd, true),
        E::BpfExit if bpf_makes_fd(event) => (FdKind::Bpf, true),
        _ => return false,
    };
    let Some(fd) = event.int(0) else { return true };
    if matches!(kind, E::SignalfdExit | E::Signalfd4Exit) && matches!(ctx.file, FileRef::Open(_)) && reuses(event) {
        // Only the mask of an existing descriptor was changed.
        return true;
    }
    let file = FdInfo {
        kind: made_kind,
        name: if kind == E::MemfdCreateExit {
            event.text(at::MemfdCreateExit::name).unwrap_or_default().into()
        } else {
            Box::default()
        },
        path_flags: if kind == E::MemfdCreateExit { PathFlags::MEMFD } else { 0 },
        target: if kind == E::PidfdOpenExit { event.u32(at::PidfdOpenExit::pid).unwrap_or(0) } else { 0 },
        ..FdInfo::default()
    };
    made(state, event, ctx, fd, file, cloexec);
    true
}

fn reuses(event: &Event<'_>) -> bool {
    event.param_by_name("fd").and_then(|at| event.int(at)).is_some_and(|fd| fd >= 0)
}

fn bpf_makes_fd(event: &Event<'_>) -> bool {
    let command = event.uint(at::BpfExit::cmd).and_then(|cmd| enum_name(FlagTable::Bpf, cmd));
    matches!(
        command,
        Some(
            "BPF_MAP_CREATE"
                | "BPF_PROG_LOAD"
                | "BPF_OBJ_GET"
                | "BPF_PROG_GET_FD_BY_ID"
                | "BPF_MAP_GET_FD_BY_ID"
                | "BPF_RAW_TRACEPOINT_OPEN"
                | "BPF_BTF_LOAD"
                | "BPF_BTF_GET_FD_BY_ID"
                | "BPF_LINK_CREATE"
                | "BPF_LINK_GET_FD_BY_ID"
                | "BPF_ENABLE_STATS"
                | "BPF_ITER_CREATE"
                | "BPF_TOKEN_CREATE"
        )
    )
}

// pipe and pipe2 differ only in the flags at the end.
const _: () = assert!(at::PipeExit::ino == at::Pipe2Exit::ino && at::PipeExit::fd1 == at::Pipe2Exit::fd1);

fn pipe(state: &mut State, kind: E, event: &Event<'_>, ctx: &mut Context) {
    let cloexec = kind == E::Pipe2Exit && event.uint(at::Pipe2Exit::flags).is_some_and(|flags| flags & O_CLOEXEC != 0);
    let ino = event.uint(at::PipeExit::ino).unwrap_or(0);
    let end = || FdInfo { kind: FdKind::Pipe, ino, ..FdInfo::default() };
    // The second end first, so that the event is about the first.
    if let Some(fd) = event.int(at::PipeExit::fd2) {
        made(state, event, ctx, fd, end(), cloexec);
    }
    let second = if let FileRef::Open(key) = ctx.file { Some(key) } else { None };
    if let Some(fd) = event.int(at::PipeExit::fd1) {
        made(state, event, ctx, fd, end(), cloexec);
    }
    ctx.second = second;
}

fn duplicate(state: &mut State, kind: E, event: &Event<'_>, ctx: &mut Context) {
    let (Some(new), Some(old)) = (event.res(), event.int(at::DupExit::oldfd)) else { return };
    let cloexec = kind == E::Dup3Exit && event.uint(at::Dup3Exit::flags).is_some_and(|flags| flags & O_CLOEXEC != 0);
    if new != old {
        share(state, event, ctx, (old, new), cloexec);
    }
}

/// Makes descriptor `new` stand for the open file of `old`; an unknown file leaves `new` unknown too.
fn share(state: &mut State, event: &Event<'_>, ctx: &mut Context, fds: (i64, i64), cloexec: bool) {
    let (old, new) = fds;
    let Some(thread) = ctx.thread.filter(|_| (0..=MAX_FD).contains(&new)) else { return };
    let Some(file) = state.file_at(thread, old) else {
        ctx.file = FileRef::None;
        return unknown(state, event, thread, new);
    };
    state.files.share(file);
    state.install(thread, new, FdEntry { file, cloexec, at_ns: event.ts_ns() });
    (ctx.fd, ctx.file, ctx.opened) = (Some(new), FileRef::Open(file), true);
}

/// What is behind a descriptor is not known any more.
fn unknown(state: &mut State, event: &Event<'_>, thread: Key<ThreadInfo>, fd: i64) {
    if let Some(old) = state.file_at(thread, fd) {
        // Rules still see what was replaced.
        state.files.share(old);
        state.replaced.push(old);
        state.close(thread, fd, event.ts_ns());
    }
}

fn fcntl(state: &mut State, event: &Event<'_>, ctx: &mut Context) {
    use at::FcntlExit as p;
    let (Some(thread), Some(fd), Some(command)) = (ctx.thread, event.int(p::fd), event.uint(p::cmd)) else { return };
    let arg = event.uint(p::arg).unwrap_or(0);
    match command {
        F_DUPFD | F_DUPFD_CLOEXEC => {
            if let Some(new) = event.res() {
                share(state, event, ctx, (fd, new), command == F_DUPFD_CLOEXEC);
            }
        }
        F_SETFD => state.set_cloexec(thread, fd, arg & 1 != 0),
        F_SETFL => {
            let bit = |kernel: u64, ours: u32| if arg & kernel != 0 { ours } else { 0 };
            let set = bit(0o2000, O_APPEND) | bit(0o4000, O_NONBLOCK);
            if let Some(file) = state.file_at(thread, fd) {
                state.change_file(file, |file| file.open_flags = file.open_flags & !(O_APPEND | O_NONBLOCK) | set);
            }
        }
        _ => {}
    }
}

/// The descriptor of another process: known if that process and its descriptor are.
fn pidfd_getfd(state: &mut State, event: &Event<'_>, ctx: &mut Context) {
    use at::PidfdGetfdExit as p;
    let (Some(thread), Some(new)) = (ctx.thread, event.int(p::fd)) else { return };
    let target = event.int(p::pid_fd).and_then(|fd| state.file_at(thread, fd)).and_then(|key| state.files.get(key));
    let target = target.map(|file| file.target).filter(|pid| *pid != 0).and_then(|pid| state.by_pid.get(&pid));
    let target = target.and_then(|process| state.any_thread(*process));
    let from = target.zip(event.int(p::target_fd)).and_then(|(thread, fd)| state.file_at(thread, fd));
    let at_ns = event.ts_ns();
    match from {
        Some(file) => {
            state.files.share(file);
            state.install(thread, new, FdEntry { file, cloexec: true, at_ns });
            (ctx.fd, ctx.file, ctx.opened) = (Some(new), FileRef::Open(file), true);
        }
        None => foreign(state, event, ctx, new, true),
    }
}

/// A descriptor that came from somewhere else.
pub(super) fn foreign(state: &mut State, event: &Event<'_>, ctx: &mut Context, fd: i64, cloexec: bool) {
    let file = FdInfo { path_flags: PathFlags::FOREIGN, ..FdInfo::default() };
    made(state, event, ctx, fd, file, cloexec);
}

/// A thread's name can be written like a file.
fn comm_write(state: &mut State, event: &Event<'_>, ctx: &Context) {
    let Some(file) = state.fd_of(ctx).filter(|file| file.kind == FdKind::File && file.target != 0) else { return };
    let target = state.by_tid.get(&file.target).copied();
    let data =
        event.info().params.iter().position(|param| param.ty == ParamType::ByteBuf).and_then(|at| event.bytes(at));
    if let (Some(thread), Some(data)) = (target, data) {
        let end = data.iter().position(|b| matches!(b, 0 | b'\n')).unwrap_or(data.len());
        let comm = Comm::new(data.get(..end).unwrap_or(data));
        state.change_thread(thread, |thread| thread.comm = comm);
    }
}

/// The end of descriptors.
pub(super) fn after(state: &mut State, event: &Event<'_>, thread: Key<ThreadInfo>) {
    if event.kind() == E::CloseExit {
        if let Some(fd) = event.int(at::CloseExit::fd) {
            state.close(thread, fd, event.ts_ns());
        }
        return;
    }
    use at::CloseRangeExit as p;
    let (Some(first), Some(last)) = (event.u32(p::first), event.u32(p::last)) else { return };
    let flags = event.uint(p::flags).unwrap_or(0);
    if flags & CLOSE_RANGE_UNSHARE != 0 {
        state.unshare_table(thread);
    }
    if flags & CLOSE_RANGE_CLOEXEC == 0 {
        return state.close_where(thread, event.ts_ns(), |fd, _| (first..=last).contains(&fd));
    }
    let Some(table) = state.threads.get(thread).and_then(|thread| state.tables.get(thread.files)) else { return };
    let marked: Vec<_> = table.iter().map(|(fd, _)| fd).filter(|fd| (first..=last).contains(fd)).collect();
    for fd in marked {
        state.set_cloexec(thread, i64::from(fd), true);
    }
}
