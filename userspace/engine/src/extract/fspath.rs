//! `fs.path.*` and `evt.abspath`: paths that file system calls act on.

use std::borrow::Cow;

use saker_driver_api::event::EventType;
use saker_filter::{Extracted, FieldArg};
use saker_state::{EventPath, PathRole, event_path};

use super::{EventView, absent, fd, text};

/// The path as the kernel resolved it, with the caller's text made absolute where that differs.
fn absolute<'a>(view: &EventView<'a>, path: &EventPath<'a>) -> Extracted<'a> {
    let mut out = Vec::new();
    let lexical = view.state.push_lexical(view.context, path, &mut out).then_some(out);
    match (path.resolved, lexical) {
        (Some(resolved), lexical) => Extracted::Path {
            resolved: Cow::Borrowed(resolved),
            lexical: lexical.filter(|lexical| lexical != resolved).map(Cow::Owned),
        },
        (None, Some(lexical)) => Extracted::Path { resolved: Cow::Owned(lexical), lexical: None },
        (None, None) => absent(),
    }
}

fn of<'a>(view: &EventView<'a>, role: PathRole) -> Extracted<'a> {
    event_path(&view.event, role).map_or(Extracted::Absent, |path| absolute(view, &path))
}

fn raw<'a>(view: &EventView<'a>, role: PathRole) -> Extracted<'a> {
    text(event_path(&view.event, role).map(|path| path.raw))
}

/// Whether the call has two paths, which the source and target fields name.
fn has_two(view: &EventView<'_>) -> bool {
    event_path(&view.event, PathRole::Target).is_some()
}

/// Calls that act on the file behind a descriptor.
fn acts_on_fd(view: &EventView<'_>) -> bool {
    matches!(view.event.kind(), EventType::FchmodExit | EventType::FchownExit)
}

pub(super) fn name<'a>(view: &EventView<'a>) -> Extracted<'a> {
    if has_two(view) {
        absent()
    } else if acts_on_fd(view) {
        fd::name(view)
    } else {
        of(view, PathRole::Source)
    }
}

pub(super) fn raw_name<'a>(view: &EventView<'a>) -> Extracted<'a> {
    if has_two(view) {
        absent()
    } else if acts_on_fd(view) {
        fd::raw_name(view)
    } else {
        raw(view, PathRole::Source)
    }
}

pub(super) fn source<'a>(view: &EventView<'a>) -> Extracted<'a> {
    if has_two(view) { of(view, PathRole::Source) } else { absent() }
}

pub(super) fn raw_source<'a>(view: &EventView<'a>) -> Extracted<'a> {
    if has_two(view) { raw(view, PathRole::Source) } else { absent() }
}

pub(super) fn target<'a>(view: &EventView<'a>) -> Extracted<'a> {
    of(view, PathRole::Target)
}

pub(super) fn raw_target<'a>(view: &EventView<'a>) -> Extracted<'a> {
    raw(view, PathRole::Target)
}

pub(super) fn abspath<'a>(view: &EventView<'a>, arg: &FieldArg) -> Extracted<'a> {
    match arg {
        FieldArg::Key(key) if **key == *"dst" => of(view, PathRole::Target),
        FieldArg::Key(_) | FieldArg::None | FieldArg::Index(_) => of(view, PathRole::Source),
    }
}
