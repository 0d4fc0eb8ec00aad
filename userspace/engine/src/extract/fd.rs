//! `fd.*` and `fdlist.*`: the descriptor the event is about, or those it waits for.

use std::borrow::Cow;
use std::net::SocketAddr;

use saker_driver_api::flags::FlagTable;
use saker_driver_api::param::ParamType;
use saker_event::render::fd_list;
use saker_filter::{Extracted, FieldArg, Value, service_of};
use saker_state::{FdInfo, FdKind, SocketInfo};

use super::{EventView, absent, container, flag, owned, signed, string, text};

/// Every ASCII letter as a text of its own, because rules ask for kinds on each open.
static ASCII: [u8; 128] = {
    let mut all = [0; 128];
    let mut letter = 0;
    while letter < 128_u8 {
        all[letter as usize] = letter;
        letter += 1;
    }
    all
};

pub(super) fn typechar<'a>(view: &EventView<'a>) -> Extracted<'a> {
    text(view.fd().and_then(|fd| {
        let at = fd.kind.typechar() as usize;
        ASCII.get(at..=at)
    }))
}

/// Applies a change of text to both values of a path.
fn both<'a>(path: Extracted<'a>, change: impl Fn(Cow<'a, [u8]>) -> Cow<'a, [u8]>) -> Extracted<'a> {
    match path {
        Extracted::Path { resolved, lexical } => {
            Extracted::Path { resolved: change(resolved), lexical: lexical.map(change) }
        }
        Extracted::One(Value::Text(name)) => Extracted::One(Value::Text(change(name))),
        other => other,
    }
}

const fn is_path(kind: FdKind) -> bool {
    matches!(kind, FdKind::File | FdKind::Directory)
}

pub(super) fn name<'a>(view: &EventView<'a>) -> Extracted<'a> {
    let Some(fd) = view.fd() else { return absent() };
    if !is_path(fd.kind) {
        return text(Some(&fd.name));
    }
    let lexical = fd.lexical();
    Extracted::Path {
        resolved: Cow::Borrowed(&fd.name),
        lexical: (*lexical != *fd.name).then_some(Cow::Borrowed(lexical)),
    }
}

pub(super) fn raw_name<'a>(view: &EventView<'a>) -> Extracted<'a> {
    text(view.fd().map(FdInfo::raw))
}

/// Cuts a borrowed or owned text without copying the former.
fn cut<'a>(name: Cow<'a, [u8]>, keep: impl Fn(&[u8]) -> std::ops::Range<usize>) -> Cow<'a, [u8]> {
    let range = keep(&name);
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(name.get(range).unwrap_or_default()),
        Cow::Owned(name) => Cow::Owned(name.get(range).unwrap_or_default().to_vec()),
    }
}

/// The directory a file is in, without a slash at its end; of a directory itself its name.
pub(super) fn directory<'a>(view: &EventView<'a>) -> Extracted<'a> {
    match view.fd().map(|fd| fd.kind) {
        Some(FdKind::Directory) => name(view),
        Some(FdKind::File) => both(name(view), |name| {
            cut(name, |name| match name.iter().rposition(|b| *b == b'/') {
                Some(0) => 0..1,
                Some(slash) => 0..slash,
                None => 0..0,
            })
        }),
        _ => absent(),
    }
}

pub(super) fn filename<'a>(view: &EventView<'a>) -> Extracted<'a> {
    match view.fd().map(|fd| fd.kind) {
        Some(FdKind::File) => both(name(view), |name| {
            cut(name, |name| match name.iter().rposition(|b| *b == b'/') {
                Some(slash) => slash + 1..name.len(),
                None => 0..name.len(),
            })
        }),
        _ => absent(),
    }
}

/// The container's id, a colon and the path.
pub(super) fn in_container<'a>(_: &EventView<'a>, path: Extracted<'a>) -> Extracted<'a> {
    both(path, |name| Cow::Owned([container::HOST, b":", &name].concat()))
}

fn socket<'e>(view: &EventView<'e>) -> Option<&'e SocketInfo> {
    view.fd()?.socket.as_deref()
}

pub(super) fn ip_socket<'e>(view: &EventView<'e>) -> Option<&'e SocketInfo> {
    view.fd().filter(|fd| fd.kind.is_ip())?.socket.as_deref()
}

pub(super) fn address<'a>(view: &EventView<'a>, end: impl FnOnce(&SocketInfo) -> Option<SocketAddr>) -> Extracted<'a> {
    let end = socket(view).and_then(end);
    end.map_or(Extracted::Absent, |end| Extracted::One(Value::Ip(end.ip())))
}

pub(super) fn port<'a>(view: &EventView<'a>, end: impl FnOnce(&SocketInfo) -> Option<SocketAddr>) -> Extracted<'a> {
    let end = socket(view).and_then(end);
    end.map_or(Extracted::Absent, |end| Extracted::One(Value::U64(end.port().into())))
}

/// Name of the service at a port, or the number of a port without one.
pub(super) fn service<'a>(view: &EventView<'a>, end: impl FnOnce(&SocketInfo) -> Option<SocketAddr>) -> Extracted<'a> {
    match socket(view).and_then(end).map(|end| end.port()) {
        None => absent(),
        Some(port) => match service_of(port) {
            Some(name) => text(Some(name.as_bytes())),
            None => string(port.to_string()),
        },
    }
}

fn ends<'e>(view: &EventView<'e>) -> impl Iterator<Item = SocketAddr> + use<'e> {
    socket(view).into_iter().flat_map(|socket| [socket.client(), socket.server()]).flatten()
}

pub(super) fn either_address<'a>(view: &EventView<'a>) -> Extracted<'a> {
    Extracted::Any(ends(view).map(|end| Value::Ip(end.ip())).collect())
}

pub(super) fn either_port<'a>(view: &EventView<'a>) -> Extracted<'a> {
    Extracted::Any(ends(view).map(|end| Value::U64(end.port().into())).collect())
}

pub(super) fn family(view: &EventView<'_>) -> Option<&'static str> {
    match view.fd()?.kind {
        FdKind::Ipv4 | FdKind::Ipv6 => Some("ip"),
        FdKind::Unix => Some("unix"),
        _ => None,
    }
}

pub(super) fn device<'a>(view: &EventView<'a>, part: impl FnOnce(u32) -> i64) -> Extracted<'a> {
    signed(view.fd().map(|fd| fd.dev).filter(|dev| *dev != 0).map(part))
}

pub(super) fn inode<'a>(view: &EventView<'a>) -> Extracted<'a> {
    signed(view.fd().map(|fd| fd.ino.cast_signed()).filter(|ino| *ino != 0))
}

/// Whether a file is in a layer of an overlay, which its open flags tell.
pub(super) fn layer<'a>(view: &EventView<'a>, name: &str) -> Extracted<'a> {
    let bit = FlagTable::Open.by_name(name).unwrap_or(0);
    flag(view.fd().filter(|fd| is_path(fd.kind)).map(|fd| u64::from(fd.open_flags) & bit != 0))
}

/// Kinds of the open descriptors, each once, or the kind of one.
pub(super) fn types<'a>(view: &EventView<'a>, arg: &FieldArg) -> Extracted<'a> {
    let Some(task) = view.task() else { return absent() };
    let mut words: Vec<&'static str> = match arg {
        FieldArg::Index(number) => task.fd(*number).and_then(|fd| fd.kind.word()).into_iter().collect(),
        FieldArg::None | FieldArg::Key(_) => task.fds().filter_map(|(_, fd)| fd.kind.word()).collect(),
    };
    words.sort_unstable();
    words.dedup();
    Extracted::List(words.into_iter().map(|word| Value::text(word.as_bytes())).collect())
}

/// Thread id and descriptor number, one after the other.
pub(super) fn uid<'a>(view: &EventView<'a>) -> Extracted<'a> {
    owned(view.context.fd_num().map(|fd| format!("{}{fd}", view.event.tid()).into_bytes()))
}

/// Descriptors of a poll call.
fn poll_set(view: &EventView<'_>) -> Option<Vec<i64>> {
    let index = view.event.info().params.iter().position(|param| param.ty == ParamType::FdList)?;
    Some(fd_list(view.event.bytes(index)?).map(|(fd, _)| fd).collect())
}

pub(super) fn polled_numbers<'a>(view: &EventView<'a>) -> Extracted<'a> {
    let joined = poll_set(view).map(|fds| fds.iter().map(i64::to_string).collect::<Vec<_>>().join(","));
    owned(joined.map(String::into_bytes))
}

/// A text for each descriptor of a poll call that has one, with commas between.
pub(super) fn polled<'a>(view: &EventView<'a>, of: impl Fn(Option<&FdInfo>) -> Option<Vec<u8>>) -> Extracted<'a> {
    let Some(fds) = poll_set(view) else { return absent() };
    let Some(task) = view.task() else { return absent() };
    let texts: Vec<Vec<u8>> = fds.iter().filter_map(|fd| of(task.fd(*fd))).collect();
    owned(Some(texts.join(&b',')))
}

pub(super) fn ip_text(end: Option<SocketAddr>) -> Option<Vec<u8>> {
    end.map(|end| end.ip().to_string().into_bytes())
}

pub(super) fn port_text(end: Option<SocketAddr>) -> Option<Vec<u8>> {
    end.map(|end| end.port().to_string().into_bytes())
}
