//! `proc.*`: the process and its relatives.

use std::borrow::Cow;

use saker_filter::{Extracted, FieldArg, Value};
use saker_state::Task;

use super::{EventView, UNKNOWN_NAME, absent, flag, known_number, owned, signed, text, unsigned, word};

/// A value of a task of which more than the number is known.
pub(super) fn of<'a>(task: Option<Task<'a>>, value: impl FnOnce(Task<'a>) -> Extracted<'a>) -> Extracted<'a> {
    task.filter(|task| !task.is_stub()).map_or(Extracted::Absent, value)
}

pub(super) fn parent<'e>(view: &EventView<'e>) -> Option<Task<'e>> {
    view.task()?.parent()
}

pub(super) fn session_leader<'e>(view: &EventView<'e>) -> Option<Task<'e>> {
    view.known_task()?.session_leader()
}

pub(super) fn group_leader<'e>(view: &EventView<'e>) -> Option<Task<'e>> {
    view.known_task()?.group_leader()
}

pub(super) fn vgroup_leader<'e>(view: &EventView<'e>) -> Option<Task<'e>> {
    view.known_task()?.vgroup_leader()
}

/// The task itself at level 0, its parent at 1.
fn ancestor<'e>(view: &EventView<'e>, level: i64) -> Option<Task<'e>> {
    let task = view.task()?;
    match usize::try_from(level).ok()? {
        0 => Some(task),
        level => task.ancestors().nth(level - 1),
    }
}

/// A value of the ancestor that the index names, or of all ancestors.
pub(super) fn of_ancestors<'a>(
    view: &EventView<'a>,
    arg: &FieldArg,
    value: impl Fn(Task<'a>) -> Extracted<'a>,
) -> Extracted<'a> {
    match arg {
        FieldArg::Index(level) => of(ancestor(view, *level), value),
        FieldArg::None => {
            let tasks = view.task().into_iter().flat_map(|task| task.ancestors()).filter(|task| !task.is_stub());
            let values = tasks.filter_map(|task| match value(task) {
                Extracted::One(value) => Some(value),
                _ => None,
            });
            Extracted::Any(values.collect())
        }
        FieldArg::Key(_) => absent(),
    }
}

/// The name; of a process of which nothing is known the name that rules exclude.
pub(super) fn name<'a>(view: &EventView<'a>) -> Extracted<'a> {
    match view.known_task() {
        Some(task) if !task.comm().is_empty() => text(Some(task.comm())),
        _ => text(Some(UNKNOWN_NAME)),
    }
}

pub(super) fn pid<'a>(view: &EventView<'a>) -> Extracted<'a> {
    let from_record = Some(view.event.pid()).filter(|pid| *pid != 0);
    signed(view.task().map(|task| task.pid()).or(from_record).map(Into::into))
}

pub(super) fn cmdline(task: Task<'_>) -> Extracted<'_> {
    Extracted::One(Value::Text(task.cmdline()))
}

pub(super) fn args<'a>(view: &EventView<'a>, arg: &FieldArg) -> Extracted<'a> {
    of(view.task(), |task| match arg {
        FieldArg::Index(index) => text(usize::try_from(*index).ok().and_then(|index| task.args().nth(index))),
        FieldArg::None | FieldArg::Key(_) => text(Some(task.args_joined())),
    })
}

pub(super) fn args_count<'a>(view: &EventView<'a>) -> Extracted<'a> {
    unsigned(view.known_task().map(|task| task.args().count() as u64))
}

pub(super) fn args_bytes<'a>(view: &EventView<'a>) -> Extracted<'a> {
    unsigned(view.known_task().map(|task| task.args().map(|arg| arg.len() as u64).sum::<u64>()))
}

pub(super) fn exeline<'a>(view: &EventView<'a>) -> Extracted<'a> {
    of(view.task(), |task| {
        let exe: &[u8] = &task.image().exe;
        if task.args_joined().is_empty() {
            return text(Some(exe));
        }
        owned(Some([exe, b" ", task.args_joined()].concat()))
    })
}

/// The working directory with a slash at its end, which rules count on.
pub(super) fn cwd<'a>(view: &EventView<'a>) -> Extracted<'a> {
    of(view.task(), |task| {
        let cwd: &[u8] = &task.fs().cwd;
        match cwd {
            [] => absent(),
            [.., b'/'] => text(Some(cwd)),
            _ => owned(Some([cwd, b"/"].concat())),
        }
    })
}

fn variable<'a>(task: &Task<'a>, name: &str) -> Option<&'a [u8]> {
    task.env().find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

fn whole_env<'a>(task: &Task<'a>) -> Value<'a> {
    let entries: Vec<&[u8]> = task.env().collect();
    match entries.as_slice() {
        [entry] => Value::text(entry),
        _ => Value::Text(Cow::Owned(entries.join(&b' '))),
    }
}

pub(super) fn env<'a>(view: &EventView<'a>, arg: &FieldArg) -> Extracted<'a> {
    of(view.task(), |task| match arg {
        FieldArg::Key(name) => text(variable(&task, name)),
        FieldArg::None | FieldArg::Index(_) => Extracted::One(whole_env(&task)),
    })
}

pub(super) fn ancestors_env<'a>(view: &EventView<'a>, arg: &FieldArg) -> Extracted<'a> {
    match arg {
        FieldArg::Key(name) => {
            text(view.task().and_then(|task| task.ancestors().find_map(|task| variable(&task, name))))
        }
        FieldArg::Index(_) | FieldArg::None => of_ancestors(view, arg, |task| Extracted::One(whole_env(&task))),
    }
}

/// When the process started, epoch nanoseconds.
fn start_epoch_ns(view: &EventView<'_>, task: &Task<'_>) -> Option<u64> {
    let start = Some(task.leader().thread().start_ns).filter(|start| *start != 0)?;
    view.state.epoch_ns(start)
}

pub(super) fn started<'a>(view: &EventView<'a>, task: Option<Task<'a>>) -> Extracted<'a> {
    unsigned(task.and_then(|task| start_epoch_ns(view, &task)))
}

/// Nanoseconds since the process started; both times are on the boot clock.
pub(super) fn age<'a>(view: &EventView<'a>, task: Option<Task<'a>>) -> Extracted<'a> {
    let start = task.map(|task| task.leader().thread().start_ns).filter(|start| *start != 0);
    unsigned(start.map(|start| view.event.ts_ns().saturating_sub(start)))
}

pub(super) fn exe_ino<'a>(view: &EventView<'a>) -> Extracted<'a> {
    signed(view.known_task().map(|task| task.image().ino.cast_signed()).filter(|ino| *ino != 0))
}

/// From the change of the executable to the start of the process.
pub(super) fn start_after_ctime<'a>(view: &EventView<'a>) -> Extracted<'a> {
    of(view.task(), |task| {
        let changed = Some(task.image().ctime_ns).filter(|ns| *ns != 0);
        let exec = Some(task.process().exec_ns).filter(|ns| *ns != 0).and_then(|ns| view.state.epoch_ns(ns));
        let started = exec.or_else(|| start_epoch_ns(view, &task));
        unsigned(started.zip(changed).and_then(|(started, changed)| started.checked_sub(changed)))
    })
}

/// From the start of the PID namespace to the change of the executable.
pub(super) fn ctime_after_pidns_start<'a>(view: &EventView<'a>) -> Extracted<'a> {
    of(view.task(), |task| {
        let start = Some(task.process().pidns_init_start_ns).filter(|ns| *ns != 0);
        known_number(start.and_then(|start| task.image().ctime_ns.checked_sub(start)))
    })
}

pub(super) fn exec_flag<'a>(view: &EventView<'a>, bit: u32) -> Extracted<'a> {
    flag(view.known_task().map(|task| task.image().flags & bit != 0))
}

pub(super) fn fd_count<'a>(view: &EventView<'a>) -> Extracted<'a> {
    unsigned(view.task().map(|task| task.fd_count() as u64))
}

/// Open descriptors in percent of the limit.
pub(super) fn fd_usage<'a>(view: &EventView<'a>) -> Extracted<'a> {
    of(view.task(), |task| {
        let limit = task.process().fdlimit;
        if limit <= 0 {
            return absent();
        }
        #[expect(clippy::cast_precision_loss, reason = "a percentage of counts far below 2^52")]
        let usage = task.fd_count() as f64 * 100.0 / limit as f64;
        Extracted::One(Value::Double(usage))
    })
}

/// The oldest shell among the process and its ancestors: what the user logged in to.
pub(super) fn login_shell<'a>(view: &EventView<'a>) -> Extracted<'a> {
    let line = view.task().into_iter().flat_map(|task| std::iter::once(task).chain(task.ancestors()));
    signed(line.filter(|task| task.comm().ends_with(b"sh")).last().map(|task| task.pid().into()))
}

pub(super) fn standard_name<'a>(view: &EventView<'a>, fd: i64) -> Extracted<'a> {
    text(view.task().and_then(|task| task.fd(fd)).map(|file| &*file.name))
}

pub(super) fn standard_type<'a>(view: &EventView<'a>, fd: i64) -> Extracted<'a> {
    word(view.task().and_then(|task| task.fd(fd)).and_then(|file| file.kind.word()))
}
