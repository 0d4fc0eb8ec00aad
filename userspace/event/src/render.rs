//! Parameters as text, in the form of the field: `evt.arg.NAME` and `evt.args`.
//!
//! ```text
//! value           plain             meaning               evt.arg       evt.args
//! flags           4097              O_RDONLY|O_CLOEXEC    the meaning   flags=4097(O_RDONLY|O_CLOEXEC)
//! descriptor      3                 <f>/etc/passwd        the meaning   fd=3(<f>/etc/passwd)
//! res             -2                ENOENT                the meaning   res=-2(ENOENT)
//! path            etc/passwd        /etc/passwd           the meaning   name=etc/passwd(/etc/passwd)
//! size            4096              none                  the value     size=4096
//! ```
//! A meaning that equals the plain form is not repeated. What only the state tables know comes through [`Names`].

use crate::address::{Endpoint, SockAddr, SockTuple, push_unix_path};
use crate::event::{Event, Items};
use saker_driver_api::flags::{self, FlagTable};
use saker_driver_api::param::{Format, ParamInfo, ParamType};
use saker_driver_api::syscalls;
use std::io::Write as _;

/// Descriptor number that means the working directory.
pub const AT_FDCWD: i64 = -100;

/// What rendering needs to know of the state at the time of the event.
pub trait Names {
    /// Returns kind letter and name of a descriptor of the event's process.
    fn fd(&self, fd: i64) -> Option<(char, &[u8])>;
    /// Returns the name of a thread.
    fn thread(&self, tid: i64) -> Option<&[u8]>;
    /// Returns the name of a user.
    fn user(&self, uid: u32) -> Option<&[u8]>;
    /// Returns the name of a group.
    fn group(&self, gid: u32) -> Option<&[u8]>;
    /// Appends the absolute form of the path in parameter `index`; returns whether there is one.
    fn absolute(&self, event: &Event<'_>, index: usize, out: &mut Vec<u8>) -> bool;
}

/// Knows nothing: for tools that print records without state.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoNames;

impl Names for NoNames {
    fn fd(&self, _fd: i64) -> Option<(char, &[u8])> {
        None
    }

    fn thread(&self, _tid: i64) -> Option<&[u8]> {
        None
    }

    fn user(&self, _uid: u32) -> Option<&[u8]> {
        None
    }

    fn group(&self, _gid: u32) -> Option<&[u8]> {
        None
    }

    fn absolute(&self, _event: &Event<'_>, _index: usize, _out: &mut Vec<u8>) -> bool {
        false
    }
}

/// Returns the name of a system call by the number that generic events carry.
#[must_use]
pub fn syscall_name(code: u64) -> Option<&'static str> {
    u16::try_from(code).ok().and_then(syscalls::name_of_code)
}

/// Returns the name of the errno in a negative result.
#[must_use]
pub fn errno_name(res: i64) -> Option<&'static str> {
    res.checked_neg().filter(|errno| *errno > 0).and_then(|errno| flags::errno_name(errno.try_into().ok()?))
}

/// Returns the only name that stands for exactly `value`.
#[must_use]
pub fn enum_name(table: FlagTable, value: u64) -> Option<&'static str> {
    table.names().iter().find(|(named, _)| *named == value).map(|(_, name)| *name)
}

/// Appends the value as `evt.arg.NAME` shows it; returns whether there is one.
pub fn push_arg(event: &Event<'_>, index: usize, names: &dyn Names, out: &mut Vec<u8>) -> bool {
    let Some(info) = event.param_info(index) else { return false };
    let start = out.len();
    push_meaning(event, index, info, names, out);
    out.len() > start || push_plain(event, index, info, names, out)
}

/// Appends all shared parameters as `evt.args` shows them: `name=value(meaning)`, with a blank between.
pub fn push_args(event: &Event<'_>, names: &dyn Names, out: &mut Vec<u8>) {
    let info = event.info();
    for (index, param) in info.params.iter().take(info.shared).enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(param.name.as_bytes());
        out.push(b'=');
        let start = out.len();
        if !push_plain(event, index, param, names, out) {
            out.extend_from_slice(b"<NA>");
            continue;
        }
        let end = out.len();
        out.push(b'(');
        push_meaning(event, index, param, names, out);
        let said = out.get(end + 1..).is_none_or(|meaning| meaning.is_empty() || out.get(start..end) == Some(meaning));
        if said {
            out.truncate(end);
        } else {
            out.push(b')');
        }
    }
}

/// Appends the value itself; returns whether there is one.
fn push_plain(event: &Event<'_>, index: usize, info: &ParamInfo, names: &dyn Names, out: &mut Vec<u8>) -> bool {
    use ParamType as P;
    match info.ty {
        P::CharBuf | P::FsPath | P::FsRelPath => event.text(index).map(|text| out.extend_from_slice(text)).is_some(),
        P::ByteBuf => match event.bytes(index) {
            Some(bytes) if is_list(info.name) => push_list(Items::new(bytes), out),
            Some(bytes) => push_printable(bytes, out),
            None => return false,
        }
        .then_some(())
        .is_some(),
        P::CharBufArray => event.items(index).is_some_and(|items| push_list(items, out)),
        P::SockAddr => event.sockaddr(index).map(|addr| push_sockaddr(&addr, out)).is_some(),
        P::SockTuple => event.tuple(index).map(|tuple| push_tuple(&tuple, out)).is_some(),
        P::FdList => event.bytes(index).is_some_and(|bytes| push_fd_list(bytes, names, out)),
        P::Dyn => event.bytes(index).is_some_and(|bytes| push_dyn(bytes, info.format, out)),
        P::Ipv4Addr | P::Ipv6Addr | P::IpAddr => event.bytes(index).is_some_and(|bytes| push_ip(bytes, out)),
        P::Bool => event.uint(index).map(|value| put(out, format_args!("{}", value != 0))).is_some(),
        P::Uid | P::Gid if event.u32(index) == Some(u32::MAX) => {
            put(out, format_args!("-1"));
            true
        }
        P::RelTime if event.uint(index) == Some(u64::MAX) => {
            put(out, format_args!("none"));
            true
        }
        _ => push_number(event, index, info, out),
    }
}

fn push_number(event: &Event<'_>, index: usize, info: &ParamInfo, out: &mut Vec<u8>) -> bool {
    let (Some(signed), Some(bits)) = (event.int(index), event.uint(index)) else { return false };
    let decimal = is_named(info.ty) || matches!(info.ty, ParamType::Errno | ParamType::Fd | ParamType::Pid);
    match info.format {
        Format::Hex if !decimal => put(out, format_args!("{bits:X}")),
        Format::Oct => put(out, format_args!("0{bits:o}")),
        _ if info.ty.is_signed() => put(out, format_args!("{signed}")),
        _ => put(out, format_args!("{bits}")),
    }
    true
}

/// Appends what the value means, or nothing.
fn push_meaning(event: &Event<'_>, index: usize, info: &ParamInfo, names: &dyn Names, out: &mut Vec<u8>) {
    use ParamType as P;
    match info.ty {
        P::FsPath | P::FsRelPath => {
            names.absolute(event, index, out);
        }
        P::Fd | P::Fd32 => push_fd(event.int(index), names, out),
        P::Errno => push_name(event.int(index).and_then(errno_name), out),
        P::Pid | P::Pid32 => {
            if let Some(comm) = event.int(index).and_then(|tid| names.thread(tid)) {
                out.extend_from_slice(comm);
            }
        }
        P::Uid | P::Gid => {
            let find = |id| if info.ty == P::Uid { names.user(id) } else { names.group(id) };
            if let Some(name) = event.u32(index).filter(|id| *id != u32::MAX).and_then(find) {
                out.extend_from_slice(name);
            }
        }
        P::EnumFlags8 | P::EnumFlags16 | P::EnumFlags32 | P::SigType => {
            push_name(event.uint(index).and_then(|value| enum_name(info.names, value)), out);
        }
        P::Flags8 | P::Flags16 | P::Flags32 | P::Mode => {
            if let Some(value) = event.uint(index) {
                push_flags(info.names, value, out);
            }
        }
        P::SyscallId => push_name(event.uint(index).and_then(syscall_name), out),
        P::RelTime => {
            if let Some(ns) = event.uint(index).filter(|ns| *ns != u64::MAX) {
                push_seconds(ns, out);
            }
        }
        _ => {}
    }
}

fn is_named(ty: ParamType) -> bool {
    use ParamType as P;
    matches!(ty, P::Flags8 | P::Flags16 | P::Flags32 | P::EnumFlags8 | P::EnumFlags16 | P::EnumFlags32)
}

/// Tells the byte buffers that are lists of texts from those that are data.
fn is_list(name: &str) -> bool {
    matches!(name, "args" | "env" | "cgroups")
}

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory cannot fail.
    let _ = out.write_fmt(text);
}

fn push_name(name: Option<&str>, out: &mut Vec<u8>) {
    if let Some(name) = name {
        out.extend_from_slice(name.as_bytes());
    }
}

/// Appends the names of the bits, in the order of the table. A name for zero is used only for zero; a name for several
/// bits takes them all, so that bits inside it are not named again.
pub fn push_flags(table: FlagTable, value: u64, out: &mut Vec<u8>) {
    if value == 0 {
        return push_name(enum_name(table, 0), out);
    }
    let mut left = value;
    let mut separator: &[u8] = b"";
    for (bits, name) in table.names() {
        if *bits != 0 && left & bits == *bits {
            out.extend_from_slice(separator);
            out.extend_from_slice(name.as_bytes());
            separator = b"|";
            left &= !bits;
        }
    }
}

fn push_fd(fd: Option<i64>, names: &dyn Names, out: &mut Vec<u8>) {
    match fd {
        Some(AT_FDCWD) => push_name(Some("AT_FDCWD"), out),
        Some(fd) if fd < 0 => push_name(errno_name(fd), out),
        Some(fd) => {
            if let Some((kind, name)) = names.fd(fd) {
                put(out, format_args!("<{kind}>"));
                out.extend_from_slice(name);
            }
        }
        None => {}
    }
}

fn push_list(items: Items<'_>, out: &mut Vec<u8>) -> bool {
    for (at, item) in items.enumerate() {
        if at > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(item);
    }
    true
}

fn push_printable(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    out.extend(bytes.iter().map(|b| if (0x20..0x7f).contains(b) { *b } else { b'.' }));
    true
}

/// Appends an address as the field writes it.
pub fn push_sockaddr(addr: &SockAddr<'_>, out: &mut Vec<u8>) {
    match addr {
        SockAddr::Ip(addr) => put(out, format_args!("{}", Endpoint(*addr))),
        SockAddr::Unix(path) => push_unix_path(path, out),
        SockAddr::Other(family) => put(out, format_args!("family {family}")),
    }
}

/// Appends a tuple as the field writes it: `127.0.0.1:40000->10.0.0.1:443`, or for unix sockets `ab1->ab2 /run/s`.
pub fn push_tuple(tuple: &SockTuple<'_>, out: &mut Vec<u8>) {
    match tuple {
        SockTuple::Ip { source, dest } => put(out, format_args!("{}->{}", Endpoint(*source), Endpoint(*dest))),
        SockTuple::Unix { source, peer, path } => {
            put(out, format_args!("{source:x}->{peer:x} "));
            push_unix_path(path, out);
        }
        SockTuple::Other(family) => put(out, format_args!("family {family}")),
    }
}

/// Returns the entries of a poll set: descriptor and event bits. Missing bytes end it early.
pub fn fd_list(bytes: &[u8]) -> impl Iterator<Item = (i64, u16)> + '_ {
    let (count, rest) = match bytes.split_first_chunk::<2>() {
        Some((count, rest)) => (usize::from(u16::from_le_bytes(*count)), rest),
        None => (0, bytes),
    };
    rest.chunks_exact(10).take(count).filter_map(|entry| {
        let (fd, events) = entry.split_first_chunk::<8>()?;
        Some((i64::from_le_bytes(*fd), u16::from_le_bytes(<[u8; 2]>::try_from(events).ok()?)))
    })
}

fn push_fd_list(bytes: &[u8], names: &dyn Names, out: &mut Vec<u8>) -> bool {
    for (at, (fd, events)) in fd_list(bytes).enumerate() {
        let kind = names.fd(fd).map_or('?', |(kind, _)| kind);
        let blank = if at > 0 { " " } else { "" };
        put(out, format_args!("{blank}{fd}:{kind}{events:x}"));
    }
    true
}

fn push_dyn(bytes: &[u8], format: Format, out: &mut Vec<u8>) -> bool {
    let Some((_, value)) = bytes.split_first() else { return false };
    let mut wide = [0; 8];
    match wide.get_mut(..value.len()) {
        Some(into) if matches!(value.len(), 1 | 2 | 4 | 8) => {
            into.copy_from_slice(value);
            let number = u64::from_le_bytes(wide);
            match format {
                Format::Hex => put(out, format_args!("{number:X}")),
                _ if value.len() == 8 => put(out, format_args!("{}", number.cast_signed())),
                _ => put(out, format_args!("{number}")),
            }
            true
        }
        _ => push_printable(value.strip_suffix(&[0]).unwrap_or(value), out),
    }
}

fn push_ip(bytes: &[u8], out: &mut Vec<u8>) -> bool {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        put(out, format_args!("{}", std::net::Ipv4Addr::from(v4)));
    } else if let Ok(v6) = <[u8; 16]>::try_from(bytes) {
        put(out, format_args!("{}", std::net::Ipv6Addr::from(v6)));
    } else {
        return false;
    }
    true
}

/// Appends nanoseconds as seconds without trailing zeros: `1.5s`.
fn push_seconds(ns: u64, out: &mut Vec<u8>) {
    let (whole, part) = (ns / 1_000_000_000, ns % 1_000_000_000);
    if part == 0 {
        return put(out, format_args!("{whole}s"));
    }
    let digits = format!("{part:09}");
    put(out, format_args!("{whole}.{}s", digits.trim_end_matches('0')));
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::parse_line;

    struct Fixed;

    impl Names for Fixed {
        fn fd(&self, fd: i64) -> Option<(char, &[u8])> {
            (fd == 3).then_some(('f', b"/etc/passwd"))
        }
        fn thread(&self, tid: i64) -> Option<&[u8]> {
            (tid == 9).then_some(b"bash")
        }
        fn user(&self, uid: u32) -> Option<&[u8]> {
            (uid == 0).then_some(b"root")
        }
        fn group(&self, gid: u32) -> Option<&[u8]> {
            (gid == 4).then_some(b"adm")
        }
        fn absolute(&self, event: &Event<'_>, index: usize, out: &mut Vec<u8>) -> bool {
            let Some(text) = event.text(index) else { return false };
            if !text.starts_with(b"/") {
                out.extend_from_slice(b"/cwd/");
            }
            out.extend_from_slice(text);
            true
        }
    }

    fn arg(line: &str, name: &str) -> Option<String> {
        let record = parse_line(line).unwrap();
        let event = record.event().unwrap();
        let mut out = Vec::new();
        push_arg(&event, event.param_by_name(name)?, &Fixed, &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[test]
    fn single_arguments_show_their_meaning() {
        for (line, name, want) in [
            ("openat name=x flags=O_RDONLY|O_CLOEXEC res=3", "flags", Some("O_RDONLY|O_CLOEXEC")),
            ("openat name=x res=3", "flags", None),
            ("openat name=x res=3", "name", Some("/cwd/x")),
            ("openat name=/x res=3", "fd", Some("<f>/etc/passwd")),
            ("openat name=/x res=4", "fd", Some("4")),
            ("openat name=/x res=ENOENT", "fd", Some("ENOENT")),
            ("openat name=/x dirfd=AT_FDCWD", "dirfd", Some("AT_FDCWD")),
            ("unlink res=ENOENT path=/x", "res", Some("ENOENT")),
            ("unlink res=0 path=/x", "res", Some("0")),
            ("setuid res=0 uid=0", "uid", Some("root")),
            ("setuid res=0 uid=77", "uid", Some("77")),
            ("setresgid res=0 rgid=-1 egid=4", "rgid", Some("-1")),
            ("setresgid res=0 rgid=-1 egid=4", "egid", Some("adm")),
            ("kill res=0 arg.pid=9 sig=9", "pid", Some("bash")),
            ("kill res=0 arg.pid=9 sig=SIGKILL", "sig", Some("SIGKILL")),
            ("execve res=0 exe=/bin/sh args=[\"-c\",\"id; true\"]", "args", Some("-c id; true")),
            ("write res=3 data=\"a\\x01b\"", "data", Some("a.b")),
            ("connect res=0 tuple=127.0.0.1:40000->10.0.0.1:443", "tuple", Some("127.0.0.1:40000->10.0.0.1:443")),
            ("connect res=0 tuple=\"ab->cd /run/s\"", "tuple", Some("ab->cd /run/s")),
            ("bind res=0 addr=::1:7777", "addr", Some("::1:7777")),
            ("bind res=0 addr=/tmp/s", "addr", Some("/tmp/s")),
            ("nanosleep res=0 interval=1500000000", "interval", Some("1.5s")),
            ("mmap res=0 addr=0x7f0a", "addr", Some("7F0A")),
            ("open name=/x mode=0644 res=3", "mode", Some("0644")),
            ("poll res=1 fds=[\"3:1\",\"4:4\"]", "fds", Some("3:f1 4:?4")),
        ] {
            assert_eq!(arg(line, name).as_deref(), want, "{line}");
        }
    }

    #[test]
    fn all_arguments_show_value_and_meaning() {
        let record = parse_line("openat dirfd=AT_FDCWD name=/etc/passwd flags=O_RDONLY mode=0 res=3").unwrap();
        let mut out = Vec::new();
        push_args(&record.event().unwrap(), &Fixed, &mut out);
        let want =
            "fd=3(<f>/etc/passwd) dirfd=-100(AT_FDCWD) name=/etc/passwd flags=1(O_RDONLY) mode=00 dev=<NA> ino=<NA>";
        assert_eq!(String::from_utf8(out).unwrap(), want);
    }
}
