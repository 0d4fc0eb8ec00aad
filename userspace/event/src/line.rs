//! Events as people write them in rule tests: `openat pid=7 name=/etc/shadow flags=O_RDONLY res=3`.
//!
//! ```text
//! line  = NAME { blank KEY "=" value }        NAME is an event's name; ">NAME" is the start of a call
//! value = bare text without blanks | "quoted \"text\" \n \t \\ \xHH" | [ value { "," value } ]
//! ```
//! Keys are parameter names; `res` is the result whatever its name; `pid`, `tid`, `ts`, `cpu` and `origin` go to the
//! header (and to clone's and exec's parameters of that name). A parameter that is shadowed so is written `arg.pid`.
//! Numbers are decimal, `0x` hexadecimal or, with a leading 0 where the parameter is octal, octal. Results and
//! descriptors take errno names, flags take `NAME|NAME`, enumerations a name; addresses are `10.0.0.1:443`, `::1:53` or a
//! path, tuples `address->address` or for unix sockets `"inode->inode path"` with hexadecimal inodes.

use crate::address::{SockAddr, SockTuple};
use crate::build::{BuildError, EventBuilder, RecordBuf, Value};
use crate::event::result_param;
use crate::render::{AT_FDCWD, enum_name, errno_name};
use saker_driver_api::event::{EventType, Phase};
use saker_driver_api::param::{Format, ParamInfo, ParamType};
use saker_driver_api::record::Origin;
use std::net::{IpAddr, SocketAddr};

/// What is wrong with a line, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {problem}")]
pub struct LineError {
    /// Column of the mistake, from 1, in bytes.
    pub column: usize,
    /// The mistake.
    pub problem: String,
}

enum Token {
    One(Vec<u8>),
    Many(Vec<Vec<u8>>),
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

type Found<T> = Result<T, LineError>;

/// Reads one event.
///
/// # Errors
/// Returns [`LineError`] with the column for unknown events and keys, for values that do not fit, and for quoting that
/// does not end.
pub fn parse_line(line: &str) -> Result<RecordBuf, LineError> {
    let mut cursor = Cursor { text: line, at: 0 };
    cursor.skip_blanks();
    let start = cursor.at;
    let kind =
        event_named(cursor.word()).ok_or_else(|| fail(start, format!("unknown event `{}`", line_word(line, start))))?;
    let mut builder = EventBuilder::new(kind);
    loop {
        cursor.skip_blanks();
        if cursor.rest().is_empty() {
            break;
        }
        let key_at = cursor.at;
        let key = cursor.key()?;
        let value_at = cursor.at;
        let token = cursor.value()?;
        builder = set(builder, kind, (key, key_at), (token, value_at))?;
    }
    builder.build().map_err(|error| fail(start, error.to_string()))
}

fn fail(at: usize, problem: String) -> LineError {
    LineError { column: at + 1, problem }
}

fn line_word(line: &str, at: usize) -> &str {
    line.get(at..).and_then(|rest| rest.split_whitespace().next()).unwrap_or("")
}

fn event_named(name: &str) -> Option<EventType> {
    let (name, enter) = name.strip_prefix('>').map_or((name, false), |name| (name, true));
    let fits = |kind: &&EventType| kind.name() == name && (kind.info().phase == Phase::Enter) == enter;
    // Old and new halves of a pair share a name; the later row is the one written today.
    EventType::ALL.iter().rev().find(fits).copied()
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let word = rest.split(char::is_whitespace).next().unwrap_or("");
        self.at += word.len();
        word
    }

    fn key(&mut self) -> Found<&'a str> {
        let rest = self.rest();
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        if key.is_empty() || !after.starts_with('=') {
            return Err(fail(self.at, format!("`{}` is not `key=value`", line_word(self.text, self.at))));
        }
        self.at += end + 1;
        Ok(key)
    }

    fn value(&mut self) -> Found<Token> {
        if !self.rest().starts_with('[') {
            return self.item(false).map(Token::One);
        }
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.skip_blanks();
            if self.eat("]") {
                return Ok(Token::Many(items));
            }
            items.push(self.item(true)?);
            self.skip_blanks();
            if !self.eat(",") && !self.rest().starts_with(']') {
                return Err(fail(self.at, "list goes on without `,` or `]`".to_owned()));
            }
        }
    }

    fn eat(&mut self, text: &str) -> bool {
        let there = self.rest().starts_with(text);
        self.at += if there { text.len() } else { 0 };
        there
    }

    fn item(&mut self, in_list: bool) -> Found<Vec<u8>> {
        if self.rest().starts_with('"') {
            return self.quoted();
        }
        let rest = self.rest();
        let ends = |c: char| c.is_whitespace() || (in_list && matches!(c, ',' | ']'));
        let end = rest.find(ends).unwrap_or(rest.len());
        self.at += end;
        Ok(rest.get(..end).unwrap_or(rest).as_bytes().to_vec())
    }

    fn quoted(&mut self) -> Found<Vec<u8>> {
        let start = self.at;
        let mut out = Vec::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.at = start + at + 1;
                    return Ok(out);
                }
                '\\' => {
                    let escaped = chars.next().map(|(_, c)| c);
                    out.push(match escaped {
                        Some('n') => b'\n',
                        Some('t') => b'\t',
                        Some('0') => 0,
                        Some('\\') => b'\\',
                        Some('"') => b'"',
                        Some('x') => {
                            let digits: String = chars.by_ref().take(2).map(|(_, c)| c).collect();
                            u8::from_str_radix(&digits, 16)
                                .map_err(|_| fail(start + at, format!("`\\x{digits}` is not two hexadecimal digits")))?
                        }
                        other => {
                            let shown = other.map_or(String::new(), String::from);
                            return Err(fail(start + at, format!("unknown escape `\\{shown}`")));
                        }
                    });
                }
                c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        Err(fail(start, "quoted text does not end".to_owned()))
    }
}

fn set(mut builder: EventBuilder, kind: EventType, key: (&str, usize), token: (Token, usize)) -> Found<EventBuilder> {
    let ((key, key_at), (token, value_at)) = (key, token);
    let info = kind.info();
    if let (Token::One(value), "pid" | "tid" | "ts" | "cpu" | "origin") = (&token, key) {
        let text = String::from_utf8_lossy(value);
        builder = set_header(builder, key, &text).ok_or_else(|| fail(value_at, format!("`{text}` is no {key}")))?;
        let own = info.params.iter().any(|param| param.name == "ptid");
        if !own || !info.params.iter().any(|param| param.name == key) {
            return Ok(builder);
        }
    }
    let name = key.strip_prefix("arg.").unwrap_or(key);
    let index = match info.params.iter().position(|param| param.name == name) {
        None if name == "res" => result_param(info),
        found => found,
    };
    let Some((index, param)) = index.and_then(|at| info.params.get(at).map(|param| (at, param))) else {
        let error = builder.try_set(name, Value::Absent).err().map(|error: BuildError| error.to_string());
        return Err(fail(key_at, error.unwrap_or_else(|| format!("unknown key `{key}`"))));
    };
    let value = typed(param, token).map_err(|problem| fail(value_at, problem))?;
    builder.try_set_at(index, value).map_err(|error| fail(value_at, error.to_string()))?;
    Ok(builder)
}

fn set_header(builder: EventBuilder, key: &str, text: &str) -> Option<EventBuilder> {
    Some(match key {
        "pid" => builder.pid(text.parse().ok()?),
        "tid" => builder.tid(text.parse().ok()?),
        "ts" => builder.ts(text.parse().ok()?),
        "cpu" => builder.cpu(text.parse().ok()?),
        _ => builder.origin(match text {
            "syscall" => Origin::Syscall,
            "ia32" => Origin::Ia32,
            "x32" => Origin::X32,
            "io_uring" => Origin::IoUring,
            "procfs" => Origin::Procfs,
            "synthetic" => Origin::Synthetic,
            _ => return None,
        }),
    })
}

fn typed(param: &ParamInfo, token: Token) -> Result<Value, String> {
    use ParamType as P;
    let bytes = match token {
        Token::Many(items) if param.ty == P::FdList => return fd_list(&items),
        Token::Many(items) => return Ok(Value::List(items)),
        Token::One(bytes) => bytes,
    };
    if param.ty.is_text() || param.ty == P::ByteBuf {
        return Ok(Value::Bytes(bytes));
    }
    let text = String::from_utf8_lossy(&bytes);
    let value = match param.ty {
        P::CharBufArray => return Ok(Value::List(vec![bytes])),
        P::SockAddr => address(&text).map(Value::from),
        P::SockTuple => tuple(&text),
        P::Ipv4Addr | P::Ipv6Addr => text.parse().ok().map(|ip: IpAddr| match ip {
            IpAddr::V4(ip) => Value::Bytes(ip.octets().to_vec()),
            IpAddr::V6(ip) => Value::Bytes(ip.octets().to_vec()),
        }),
        P::Bool => text.parse().ok().map(|value: bool| Value::Int(value.into())),
        P::FdList => return fd_list(&[bytes]),
        _ => number(param, &text).map(Value::Int),
    };
    value.ok_or_else(|| format!("`{text}` is no value for parameter `{}`", param.name))
}

fn number(param: &ParamInfo, text: &str) -> Option<i128> {
    if let Some(value) = plain_number(text, param.format) {
        return Some(value);
    }
    if !param.names.names().is_empty() {
        let find = |name: &str| {
            let plain = || plain_number(name, param.format);
            let named = param.names.names().iter().find(|(_, known)| *known == name);
            named.map(|(value, _)| i128::from(*value)).or_else(plain)
        };
        return text.split('|').try_fold(0, |all, name| Some(all | find(name)?));
    }
    match param.ty {
        ParamType::Fd | ParamType::Fd32 if text == "AT_FDCWD" => Some(i128::from(AT_FDCWD)),
        ParamType::Errno | ParamType::Fd | ParamType::Pid | ParamType::Int64 => {
            (-4095..0).rev().find(|res| errno_name(*res) == Some(text)).map(i128::from)
        }
        ParamType::SigType => (0..=64u64).find(|sig| enum_name(param.names, *sig) == Some(text)).map(i128::from),
        _ => None,
    }
}

fn plain_number(text: &str, format: Format) -> Option<i128> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let value = if let Some(hex) = digits.strip_prefix("0x") {
        i128::from_str_radix(hex, 16)
    } else if let (Format::Oct, Some(octal)) = (format, digits.strip_prefix('0').filter(|octal| !octal.is_empty())) {
        i128::from_str_radix(octal, 8)
    } else {
        digits.parse()
    };
    digits.starts_with(|c: char| c.is_ascii_digit()).then_some(())?;
    value.ok().map(|value| sign * value)
}

fn endpoint(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.rsplit_once(':')?;
    let ip = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']')).unwrap_or(ip);
    Some(SocketAddr::new(ip.parse().ok()?, port.parse().ok()?))
}

fn address(text: &str) -> Option<SockAddr<'_>> {
    if text.starts_with(['/', '@']) {
        return Some(SockAddr::Unix(text.as_bytes()));
    }
    endpoint(text).map(SockAddr::Ip)
}

fn tuple(text: &str) -> Option<Value> {
    let (source, dest) = text.split_once("->")?;
    if let (Some(source), Some(dest)) = (endpoint(source), endpoint(dest)) {
        return Some(SockTuple::Ip { source, dest }.into());
    }
    let (peer, path) = dest.split_once(' ').unwrap_or((dest, ""));
    let (source, peer) = (u64::from_str_radix(source, 16).ok()?, u64::from_str_radix(peer, 16).ok()?);
    Some(SockTuple::Unix { source, peer, path: path.as_bytes() }.into())
}

fn fd_list(items: &[Vec<u8>]) -> Result<Value, String> {
    let mut bytes = u16::try_from(items.len()).map_err(|_| "too many descriptors".to_owned())?.to_le_bytes().to_vec();
    for item in items {
        let text = String::from_utf8_lossy(item);
        let entry = text
            .split_once(':')
            .and_then(|(fd, events)| Some((fd.parse::<i64>().ok()?, u16::from_str_radix(events, 16).ok()?)));
        let (fd, events) = entry.ok_or_else(|| format!("`{text}` is not `fd:events`"))?;
        bytes.extend_from_slice(&fd.to_le_bytes());
        bytes.extend_from_slice(&events.to_le_bytes());
    }
    Ok(Value::Bytes(bytes))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use saker_driver_api::event::at;

    #[test]
    fn a_line_is_an_event() {
        let record = parse_line("openat pid=7 tid=8 ts=99 name=\"/etc/a b\" flags=O_RDONLY|O_CLOEXEC res=3").unwrap();
        let event = record.event().unwrap();
        assert_eq!((event.kind(), event.pid(), event.tid(), event.ts_ns()), (EventType::OpenatExit, 7, 8, 99));
        assert_eq!(event.text(at::OpenatExit::name), Some(&b"/etc/a b"[..]));
        assert_eq!((event.uint(at::OpenatExit::flags), event.res()), (Some(0x1001), Some(3)));
    }

    #[test]
    fn pid_goes_where_it_belongs() {
        let exec = parse_line("execve pid=7 exe=/bin/cat").unwrap();
        assert_eq!((exec.event().unwrap().pid(), exec.event().unwrap().int(at::ExecveExit::pid)), (7, Some(7)));
        let kill = parse_line("kill pid=7 arg.pid=9 res=ESRCH").unwrap();
        let event = kill.event().unwrap();
        assert_eq!((event.pid(), event.int(at::KillExit::pid), event.failed()), (7, Some(9), true));
    }

    #[test]
    fn the_start_of_a_call_is_marked() {
        assert_eq!(parse_line(">connect fd=3").unwrap().event().unwrap().kind(), EventType::ConnectEnter);
        assert_eq!(parse_line("connect fd=3").unwrap().event().unwrap().kind(), EventType::ConnectExit);
    }

    #[test]
    fn mistakes_name_their_column() {
        for (line, column, says) in [
            ("opennat res=3", 1, "unknown event `opennat`"),
            ("  openat res", 10, "`res` is not `key=value`"),
            ("openat nam=x", 8, "event `openat` has no parameter `nam`"),
            ("openat res=3x", 12, "`3x` is no value for parameter `fd`"),
            ("openat flags=O_RDONLY|O_NO", 14, "`O_RDONLY|O_NO` is no value for parameter `flags`"),
            ("openat name=\"x", 13, "quoted text does not end"),
            ("openat name=\"\\q\"", 14, "unknown escape `\\q`"),
            ("execve args=[\"a\" \"b\"]", 18, "list goes on without `,` or `]`"),
            ("openat flags=0x1ffffffff", 14, "parameter `flags` of `openat` takes"),
            ("openat pid=x", 12, "`x` is no pid"),
        ] {
            let error = parse_line(line).unwrap_err();
            assert_eq!(error.column, column, "{line}: {error}");
            assert!(error.problem.starts_with(says), "{line}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_line_panics(line in "[a-z>]{0,8}( [a-z.]{0,6}=?[\\[\\]\",x0-9|:>\\\\-]{0,12}){0,4}") {
            let _ = parse_line(&line);
        }

        #[test]
        fn quoting_gives_any_text_back(text in "[ -~]{0,20}") {
            let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
            let record = parse_line(&format!("unlink path=\"{quoted}\"")).unwrap();
            let event = record.event().unwrap();
            prop_assert_eq!(event.text(at::UnlinkExit::path), Some(text.as_bytes()));
        }
    }
}
