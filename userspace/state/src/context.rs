//! What an event is about, worked out before it changes anything destructive.

use crate::State;
use crate::fd::FdInfo;
use crate::pool::Key;
use crate::process::ThreadInfo;
use crate::view::Task;
use saker_driver_api::event::EventType;
use saker_driver_api::param::ParamType;
use saker_event::render::AT_FDCWD;
use saker_event::{Event, Names};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FileRef {
    #[default]
    None,
    Open(Key<FdInfo>),
    /// The file of a failed open: lives in the state until the next event.
    Transient,
}

/// What [`State::before`] found out about an event. Good until [`State::after`] has run for the same event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context {
    pub(crate) thread: Option<Key<ThreadInfo>>,
    pub(crate) fd: Option<i64>,
    pub(crate) file: FileRef,
    pub(crate) second: Option<Key<FdInfo>>,
    pub(crate) name_changed: bool,
    pub(crate) opened: bool,
    pub(crate) stale: bool,
}

impl Context {
    /// Returns the number of the descriptor concerned: -1 for a failed open, -100 for the working directory.
    #[must_use]
    pub fn fd_num(&self) -> Option<i64> {
        self.fd
    }

    /// Returns whether this event changed the name of the descriptor (a new tuple).
    #[must_use]
    pub fn fd_name_changed(&self) -> bool {
        self.name_changed
    }

    /// Returns whether this event made the descriptor.
    #[must_use]
    pub fn fd_is_new(&self) -> bool {
        self.opened
    }

    /// Returns whether the event is older than the scan its thread was learned from, so that it changed nothing.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stale
    }
}

/// Which path of a call with two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathRole {
    /// The only path, or the first: what is renamed, linked, or a link's target.
    Source,
    /// The second path: the new name.
    Target,
}

/// A path among an event's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPath<'a> {
    /// The path as the caller wrote it.
    pub raw: &'a [u8],
    /// What it led to, as the kernel saw it; the last component is not followed.
    pub resolved: Option<&'a [u8]>,
    /// Directory descriptor it is relative to; the working directory where the call has none.
    pub dirfd: i64,
}

/// Returns a path of a call that works on paths, or `None` where the call has no such path. Programs to execute are not
/// among them.
#[must_use]
pub fn event_path<'a>(event: &Event<'a>, role: PathRole) -> Option<EventPath<'a>> {
    use EventType as E;
    let info = event.info();
    let shared = info.params.get(..info.shared)?;
    let is_path = |at: usize, ty: ParamType| match info.event {
        E::ExecveExit | E::ExecveatExit | E::MemfdCreateExit => false,
        E::SymlinkExit | E::SymlinkatExit | E::ChdirExit => ty.is_text(),
        E::QuotactlExit => false,
        _ => at < info.shared && matches!(ty, ParamType::FsPath | ParamType::FsRelPath),
    };
    let mut paths = shared.iter().enumerate().filter(|(at, param)| is_path(*at, param.ty)).map(|(at, _)| at);
    let index = match role {
        PathRole::Source => paths.next()?,
        PathRole::Target => paths.nth(1)?,
    };
    let is_link = matches!(info.event, E::SymlinkExit | E::SymlinkatExit);
    let real = match role {
        PathRole::Source if is_link => None,
        PathRole::Source => info.params.iter().position(|p| matches!(p.name, "realpath" | "realold" | "realdir")),
        PathRole::Target => info.params.iter().position(|p| matches!(p.name, "realnew" | "reallink")),
    };
    Some(EventPath {
        raw: event.text(index)?,
        resolved: real.filter(|at| *at >= info.shared).and_then(|at| event.text(at)),
        dirfd: dirfd_of(event, index),
    })
}

/// Returns the directory descriptor of a relative path: the parameter before it, where that is one.
fn dirfd_of(event: &Event<'_>, index: usize) -> i64 {
    let relative = event.param_info(index).is_some_and(|param| param.ty == ParamType::FsRelPath);
    let before =
        index.checked_sub(1).filter(|at| relative && event.param_info(*at).is_some_and(|p| p.ty == ParamType::Fd));
    before.and_then(|at| event.int(at)).unwrap_or(AT_FDCWD)
}

/// Names for rendering an event's parameters.
#[derive(Clone, Copy, Debug)]
pub struct EventNames<'s> {
    state: &'s State,
    context: Context,
}

impl<'s> EventNames<'s> {
    pub(crate) fn new(state: &'s State, context: Context) -> Self {
        Self { state, context }
    }
}

impl Names for EventNames<'_> {
    fn fd(&self, fd: i64) -> Option<(char, &[u8])> {
        let own = (self.context.fd == Some(fd)).then(|| self.state.fd_of(&self.context)).flatten();
        let file = own.or_else(|| self.state.task_of(&self.context)?.fd(fd))?;
        Some((file.kind.typechar(), &file.name))
    }

    fn thread(&self, tid: i64) -> Option<&[u8]> {
        let task = self.state.task(u32::try_from(tid).ok()?)?;
        (!task.is_stub()).then(|| task.comm())
    }

    fn user(&self, uid: u32) -> Option<&[u8]> {
        self.state.user(uid).map(|user| &*user.name)
    }

    fn group(&self, gid: u32) -> Option<&[u8]> {
        self.state.group(gid)
    }

    fn absolute(&self, event: &Event<'_>, index: usize, out: &mut Vec<u8>) -> bool {
        let Some(raw) = event.text(index) else { return false };
        let path = EventPath { raw, resolved: None, dirfd: dirfd_of(event, index) };
        self.state.push_lexical(&self.context, &path, out)
    }
}

impl State {
    /// Returns the thread that made the event.
    #[must_use]
    pub fn task_of(&self, context: &Context) -> Option<Task<'_>> {
        Task::new(self, context.thread?)
    }

    /// Returns the open file the event is about; also for the end of a descriptor and for a failed open.
    #[must_use]
    pub fn fd_of(&self, context: &Context) -> Option<&FdInfo> {
        match context.file {
            FileRef::None => None,
            FileRef::Open(key) => self.files.get(key),
            FileRef::Transient => Some(&self.transient),
        }
    }

    /// Returns the other open file of an event with two: the second end of a pair.
    #[must_use]
    pub fn second_fd_of(&self, context: &Context) -> Option<&FdInfo> {
        self.files.get(context.second?)
    }

    /// Returns names for rendering the event's parameters.
    #[must_use]
    pub fn names(&self, context: &Context) -> EventNames<'_> {
        EventNames::new(self, *context)
    }

    /// Appends a path of the event made absolute by text; returns whether its directory is known.
    pub fn push_lexical(&self, context: &Context, path: &EventPath<'_>, out: &mut Vec<u8>) -> bool {
        let task = self.task_of(context);
        let (cwd, root): (&[u8], &[u8]) = task.map_or((b"", b"/"), |task| (&task.fs().cwd, &task.fs().root));
        let base =
            if path.dirfd == AT_FDCWD { Some(cwd) } else { task.and_then(|task| Some(&*task.fd(path.dirfd)?.name)) };
        crate::path::push_absolute(root, base.unwrap_or_default(), path.raw, out)
    }
}
