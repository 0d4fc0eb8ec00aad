//! `evt.*`: the event itself.

use saker_driver_api::event::{Category, Effect, EventType, Phase, at};
use saker_driver_api::flags::FlagTable;
use saker_driver_api::param::{ParamInfo, ParamType};
use saker_event::render::{errno_name, push_arg, push_args};
use saker_filter::{Extracted, FieldArg, FieldId, Value};
use saker_state::FdKind;

use super::{EventView, absent, owned, string, unsigned, word};

/// `open` flag for reading, as records number it.
const READS: u64 = 1;
/// `open` flag for writing.
const WRITES: u64 = 2;
/// Permission bits that let anyone execute.
const EXECUTE_BITS: u64 = 0o111;

/// Direction of a transfer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Moves {
    Any,
    In,
    Out,
}

/// What a transfer goes through.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    Any,
    File,
    Net,
}

fn param(view: &EventView<'_>, arg: &FieldArg) -> Option<usize> {
    match arg {
        FieldArg::Key(name) => view.event.param_by_name(name),
        FieldArg::Index(index) => usize::try_from(*index).ok().filter(|index| *index < view.event.info().shared),
        FieldArg::None => None,
    }
}

pub(super) fn arg<'a>(view: &'a EventView<'_>, arg: &FieldArg) -> Extracted<'a> {
    let Some(index) = param(view, arg) else { return absent() };
    let mut out = Vec::new();
    let names = view.state.names(view.context);
    owned(push_arg(&view.event, index, &names, &mut out).then_some(out))
}

pub(super) fn args<'a>(view: &'a EventView<'_>) -> Extracted<'a> {
    let mut out = Vec::new();
    push_args(&view.event, &view.state.names(view.context), &mut out);
    owned(Some(out))
}

/// The parameter in its own type: numbers as numbers, everything else as text or bytes.
pub(super) fn raw_arg<'a>(view: &'a EventView<'_>, arg: &FieldArg) -> Extracted<'a> {
    let Some((index, info)) = param(view, arg).and_then(|at| Some((at, view.event.param_info(at)?))) else {
        return absent();
    };
    let value = match raw_kind(info) {
        RawKind::Bool => view.event.uint(index).map(|value| Value::Bool(value != 0)),
        RawKind::Signed => view.event.int(index).map(Value::I64),
        RawKind::Unsigned => view.event.uint(index).map(Value::U64),
        RawKind::Text => view.event.text(index).map(Value::text),
        RawKind::Bytes => view.event.bytes(index).map(|bytes| Value::Bytes(bytes.into())),
        RawKind::List => return list(view, index),
    };
    value.map_or(Extracted::Absent, Extracted::One)
}

enum RawKind {
    Bool,
    Signed,
    Unsigned,
    Text,
    Bytes,
    List,
}

fn raw_kind(info: &ParamInfo) -> RawKind {
    match info.ty {
        ParamType::Bool => RawKind::Bool,
        ParamType::CharBufArray => RawKind::List,
        ty if ty.is_text() => RawKind::Text,
        ty if ty.width().is_none_or(|width| width > 8) => RawKind::Bytes,
        ty if ty.is_signed() => RawKind::Signed,
        _ => RawKind::Unsigned,
    }
}

fn list<'a>(view: &'a EventView<'_>, index: usize) -> Extracted<'a> {
    let items = view.event.items(index).map(|items| items.map(Value::text).collect());
    items.map_or(Extracted::Absent, Extracted::List)
}

/// Milliseconds between the event and a time given in epoch nanoseconds.
pub(super) fn around<'a>(view: &EventView<'_>, arg: &FieldArg) -> Extracted<'a> {
    match arg {
        FieldArg::Index(at) => {
            let at = u64::try_from(*at).unwrap_or(0);
            unsigned(Some(view.epoch_ns().abs_diff(at) / 1_000_000))
        }
        FieldArg::Key(_) | FieldArg::None => absent(),
    }
}

fn data(view: &EventView<'_>) -> Option<usize> {
    let params = view.event.info().params;
    params.iter().position(|param| param.ty == ParamType::ByteBuf && param.name == "data")
}

pub(super) fn buffer<'a>(view: &'a EventView<'_>) -> Extracted<'a> {
    let bytes = data(view).and_then(|at| view.event.bytes(at));
    bytes.map_or(Extracted::Absent, |bytes| Extracted::One(Value::Bytes(bytes.into())))
}

pub(super) fn buflen<'a>(view: &EventView<'_>) -> Extracted<'a> {
    let bytes = data(view).and_then(|at| view.event.bytes(at));
    unsigned(bytes.map(|bytes| bytes.len() as u64))
}

pub(super) fn moves(view: &EventView<'_>, direction: Moves) -> bool {
    let wanted = match direction {
        Moves::Any => Effect::READS_FD | Effect::WRITES_FD,
        Moves::In => Effect::READS_FD,
        Moves::Out => Effect::WRITES_FD,
    };
    view.event.info().effects & wanted != 0
}

/// Bytes that an input or output call moved.
pub(super) fn transferred<'a>(view: &EventView<'_>, direction: Moves, on: On) -> Extracted<'a> {
    let through = match on {
        On::Any => true,
        On::File => subcategory(view) == "file",
        On::Net => subcategory(view) == "net",
    };
    if !through || !moves(view, direction) {
        return absent();
    }
    unsigned(view.event.res().and_then(|res| u64::try_from(res).ok()))
}

pub(super) fn io_dir<'a>(view: &EventView<'_>) -> Extracted<'a> {
    word(match (moves(view, Moves::In), moves(view, Moves::Out)) {
        (true, _) => Some("r"),
        (_, true) => Some("w"),
        _ => None,
    })
}

/// What input and output go through decides their category.
fn subcategory(view: &EventView<'_>) -> &'static str {
    match view.fd().map(|fd| fd.kind) {
        Some(FdKind::File | FdKind::Directory | FdKind::Memfd) => "file",
        Some(FdKind::Ipv4 | FdKind::Ipv6 | FdKind::Netlink) => "net",
        Some(FdKind::Unix | FdKind::Pipe | FdKind::Event | FdKind::Signal | FdKind::EventPoll) => "ipc",
        Some(FdKind::Inotify | FdKind::Timer) => "ipc",
        Some(FdKind::Unknown | FdKind::Bpf | FdKind::Userfault | FdKind::IoUring | FdKind::Pidfd) | None => "unknown",
    }
}

pub(super) fn category(view: &EventView<'_>) -> &'static str {
    match view.event.info().category {
        Category::IoOther | Category::IoRead | Category::IoWrite => subcategory(view),
        Category::File => "file",
        Category::Internal => "internal",
        Category::Ipc => "ipc",
        Category::Memory => "memory",
        Category::Net => "net",
        Category::Other => "other",
        Category::Process => "process",
        Category::Signal => "signal",
        Category::Sleep => "sleep",
        Category::System => "system",
        Category::Time => "time",
        Category::Unknown => "unknown",
        Category::User => "user",
    }
}

fn failed(view: &EventView<'_>) -> bool {
    view.event.res().is_some_and(|res| res < 0)
}

/// 1 for a failed event of these categories, of any if none is given; no value otherwise.
pub(super) fn count_error<'a>(view: &EventView<'_>, categories: &[&str]) -> Extracted<'a> {
    let counts = failed(view) && (categories.is_empty() || categories.contains(&category(view)));
    unsigned(counts.then_some(1_u64))
}

pub(super) fn count_error_other<'a>(view: &EventView<'_>) -> Extracted<'a> {
    let counts = failed(view) && !["file", "memory", "net"].contains(&category(view));
    unsigned(counts.then_some(1_u64))
}

pub(super) fn count_exit<'a>(view: &EventView<'_>) -> Extracted<'a> {
    unsigned((view.event.info().phase != Phase::Enter).then_some(1_u64))
}

pub(super) fn count_procinfo<'a>(view: &EventView<'_>, field: FieldId) -> Extracted<'a> {
    let is_main = || view.task().is_some_and(|task| task.is_leader());
    let counts = view.event.kind() == EventType::Procinfo && (field == FieldId::EvtCountThreadinfo || is_main());
    unsigned(counts.then_some(1_u64))
}

pub(super) fn delta_ns(view: &EventView<'_>) -> u64 {
    view.event.ts_ns().saturating_sub(view.times.previous_ns)
}

pub(super) fn relative_ns(view: &EventView<'_>) -> u64 {
    view.event.ts_ns().saturating_sub(view.times.first_ns)
}

/// `SUCCESS`, the name of the error, or the number of one without a name.
pub(super) fn result<'a>(view: &EventView<'_>) -> Extracted<'a> {
    match view.event.res() {
        None => absent(),
        Some(res) if res >= 0 => word(Some("SUCCESS")),
        Some(res) => match errno_name(res) {
            Some(name) => word(Some(name)),
            None => string(res.to_string()),
        },
    }
}

pub(super) fn type_is<'a>(view: &EventView<'_>, arg: &FieldArg) -> Extracted<'a> {
    let is = match arg {
        FieldArg::Key(name) => **name == *view.event.name() || name.parse() == Ok(view.event.kind() as u16),
        FieldArg::Index(number) => *number == i64::from(view.event.kind() as u16),
        FieldArg::None => return absent(),
    };
    unsigned(Some(u64::from(is)))
}

pub(super) fn syscall_type<'a>(view: &EventView<'_>) -> Extracted<'a> {
    let is_call = matches!(view.event.info().phase, Phase::Enter | Phase::Exit);
    word(is_call.then(|| view.event.name()))
}

/// Position of the `open` flags of a call that opens a path.
fn open_flags(view: &EventView<'_>) -> Option<u64> {
    let index = match view.event.kind() {
        EventType::OpenExit => at::OpenExit::flags,
        EventType::OpenatExit => at::OpenatExit::flags,
        EventType::Openat2Exit => at::Openat2Exit::flags,
        EventType::OpenByHandleAtExit => at::OpenByHandleAtExit::flags,
        _ => return None,
    };
    view.event.uint(index)
}

/// Permissions asked for by a call that can make a file.
fn open_mode(view: &EventView<'_>) -> Option<u64> {
    let index = match view.event.kind() {
        EventType::OpenExit => at::OpenExit::mode,
        EventType::OpenatExit => at::OpenatExit::mode,
        EventType::Openat2Exit => at::Openat2Exit::mode,
        EventType::CreatExit => at::CreatExit::mode,
        _ => return None,
    };
    view.event.uint(index)
}

fn has_open_flag(view: &EventView<'_>, name: &str) -> bool {
    let bits = FlagTable::Open.by_name(name).unwrap_or(0);
    open_flags(view).is_some_and(|flags| flags & bits != 0)
}

pub(super) fn open_reads(view: &EventView<'_>) -> bool {
    open_flags(view).is_some_and(|flags| flags & READS != 0)
}

pub(super) fn open_writes(view: &EventView<'_>) -> bool {
    view.event.kind() == EventType::CreatExit || open_flags(view).is_some_and(|flags| flags & WRITES != 0)
}

/// A creat(2) of a file that is there only empties it.
pub(super) fn open_created(view: &EventView<'_>) -> bool {
    let creat = || (view.event.kind() == EventType::CreatExit).then(|| view.event.uint(at::CreatExit::creat_flags))?;
    let made = |flags: u64| flags & FlagTable::Creat.by_name("O_F_CREATED").unwrap_or(0) != 0;
    has_open_flag(view, "O_F_CREATED") || creat().is_some_and(made)
}

pub(super) fn open_executable(view: &EventView<'_>) -> bool {
    let makes =
        view.event.kind() == EventType::CreatExit || has_open_flag(view, "O_CREAT") || has_open_flag(view, "O_TMPFILE");
    makes && open_mode(view).is_some_and(|mode| mode & EXECUTE_BITS != 0)
}

pub(super) fn is_syslog(view: &EventView<'_>) -> bool {
    let to_log = || view.fd().is_some_and(|fd| fd.name.windows(8).any(|name| name == b"/dev/log"));
    moves(view, Moves::Out) && to_log()
}

pub(super) fn is_wait(view: &EventView<'_>) -> bool {
    view.event.info().effects & Effect::WAITS != 0
}
