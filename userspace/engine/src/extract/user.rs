//! `user.*` and `group.*`.

use saker_filter::Extracted;
use saker_state::{UNSET_ID, UserInfo};

use super::{EventView, UNKNOWN_NAME, signed, text};

pub(super) fn uid(view: &EventView<'_>) -> Option<u32> {
    view.known_task().map(|task| task.credentials().euid).filter(|uid| *uid != UNSET_ID)
}

pub(super) fn gid(view: &EventView<'_>) -> Option<u32> {
    view.known_task().map(|task| task.credentials().egid).filter(|gid| *gid != UNSET_ID)
}

/// A fact about the user the thread acts as.
pub(super) fn of<'a>(view: &EventView<'a>, fact: impl FnOnce(&'a UserInfo) -> &'a [u8]) -> Extracted<'a> {
    let user = uid(view).and_then(|uid| view.state.user(uid));
    text(Some(user.map_or(UNKNOWN_NAME, fact)))
}

pub(super) fn group_name<'a>(view: &EventView<'a>) -> Extracted<'a> {
    text(Some(gid(view).and_then(|gid| view.state.group(gid)).unwrap_or(UNKNOWN_NAME)))
}

fn login(view: &EventView<'_>) -> Option<u32> {
    view.known_task().map(|task| task.process().loginuid)
}

/// The audit user id, -1 when unset.
pub(super) fn login_uid<'a>(view: &EventView<'a>) -> Extracted<'a> {
    signed(login(view).map(|uid| if uid == UNSET_ID { -1 } else { uid.into() }))
}

pub(super) fn login_name<'a>(view: &EventView<'a>) -> Extracted<'a> {
    let user = login(view).filter(|uid| *uid != UNSET_ID).and_then(|uid| view.state.user(uid));
    text(Some(user.map_or(UNKNOWN_NAME, |user| &user.name)))
}
