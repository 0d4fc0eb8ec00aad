// SPDX-License-Identifier: Apache-2.0

//! Decodes N events of a mix and reads every parameter, to be counted under `valgrind --tool=callgrind`.
//!
//! Usage: `bench_decode [EVENTS] [records|owned|json]`; 100000 events from their records unless told. `json` reads the
//! same events from JSON text with `serde_json` (texts borrowed where the text allows it), `owned` copies every
//! value of a record before it reads it. Prints a checksum, which is the same for every way, and the time it took.
//!
//! The mix: openat, read, connect, clone and execve, in turn.

use saker_driver_api::param::ParamType;
use saker_driver_api::record::{RawEvent, record_len};
use saker_event::{Event, EventBuilder, EventType, RecordBuf, SockAddr, SockTuple};
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Instant;

type Failure = Box<dyn Error>;
type ReadOne = fn(&[u8]) -> Result<u64, Failure>;

/// A value as JSON has it, and as an owning decoder would hand it out.
#[derive(Serialize)]
#[serde(untagged)]
enum Plain<'a> {
    Absent,
    Int(i64),
    Text(Cow<'a, str>),
    List(Vec<Plain<'a>>),
}

/// One event as JSON; its values are in the order of the event table, so that no map of names has to be built.
#[derive(Serialize, Deserialize)]
struct PlainEvent<'a> {
    ts_ns: u64,
    tid: u32,
    pid: u32,
    kind: u16,
    #[serde(borrow)]
    values: Vec<Plain<'a>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Plain<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(PlainVisitor)
    }
}

/// Reads a value by the JSON type it has, without the buffer that a derived untagged enumeration needs.
struct PlainVisitor;

impl<'de> Visitor<'de> for PlainVisitor {
    type Value = Plain<'de>;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("null, a number, a text or a list of texts")
    }

    fn visit_unit<E>(self) -> Result<Plain<'de>, E> {
        Ok(Plain::Absent)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Plain<'de>, E> {
        Ok(Plain::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Plain<'de>, E> {
        Ok(Plain::Int(value.cast_signed()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Plain<'de>, E> {
        Ok(Plain::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Plain<'de>, E> {
        Ok(Plain::Text(Cow::Borrowed(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Plain<'de>, A::Error> {
        let mut list = Vec::with_capacity(items.size_hint().unwrap_or(0));
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Plain::List(list))
    }
}

fn records() -> Result<Vec<RecordBuf>, Failure> {
    let (here, there): (SocketAddr, SocketAddr) = ("10.0.0.7:51234".parse()?, "93.184.216.34:443".parse()?);
    let on = |kind| EventBuilder::new(kind).ts(1_234_567_890).pid(4242).tid(4243);
    let openat = on(EventType::OpenatExit)
        .set("fd", 3)
        .set("dirfd", -100)
        .set("name", "/etc/ssl/certs/ca-certificates.crt")
        .set("flags", 4097)
        .set("mode", 0)
        .set("dev", 0xfd00)
        .set("ino", 1_234_567)
        .set("realpath", "/etc/ssl/certs/ca-certificates.crt");
    let read = on(EventType::ReadExit).set("res", 80).set("data", &[b'x'; 80][..]).set("fd", 3).set("size", 4096);
    let connect = on(EventType::ConnectExit)
        .set("res", 0)
        .set("tuple", SockTuple::Ip { source: here, dest: there })
        .set("fd", 5)
        .set("addr", SockAddr::Ip(there));
    let clone = task(on(EventType::CloneExit)).set("res", 4250).set("flags", 0x0120_0011);
    let execve = task(on(EventType::ExecveExit))
        .set("res", 0)
        .set("env", ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/home/user", "LANG=C.UTF-8", "TERM=xterm"])
        .set("tty", 34816)
        .set("vpgid", 4242)
        .set("loginuid", 1000)
        .set("cap_permitted", 0)
        .set("cap_effective", 0)
        .set("exe_ino", 987_654)
        .set("exe_ino_mtime", 1_700_000_000_000_000_000_u64)
        .set("trusted_exepath", "/usr/bin/curl")
        .set("filename", "/usr/bin/curl");
    [openat, read, connect, clone, execve].map(|event| event.build().map_err(Failure::from)).into_iter().collect()
}

/// Sets what clone and execve both say about a task.
fn task(event: EventBuilder) -> EventBuilder {
    event
        .set("exe", "/usr/bin/curl")
        .set("args", ["-sS", "--max-time", "10", "https://example.org/index.html"])
        .set("tid", 4243)
        .set("pid", 4242)
        .set("ptid", 4200)
        .set("cwd", "/home/user/project")
        .set("fdlimit", 1024)
        .set("pgft_maj", 3)
        .set("pgft_min", 512)
        .set("vm_size", 21_000)
        .set("vm_rss", 9_000)
        .set("comm", "curl")
        .set("cgroups", ["cpu=/user.slice", "memory=/user.slice/user-1000.slice"])
        .set("uid", 1000)
        .set("gid", 1000)
}

/// A number counts as itself, a text as its length and a list as its items, so that every way to read the same event
/// gives the same sum.
fn sum(value: &Plain<'_>) -> u64 {
    match value {
        Plain::Absent => 0,
        Plain::Int(value) => value.cast_unsigned(),
        Plain::Text(text) => text.len() as u64,
        Plain::List(items) => items.iter().map(sum).sum(),
    }
}

/// Whether bytes are texts back to back.
fn is_list(name: &str) -> bool {
    matches!(name, "args" | "env" | "cgroups")
}

/// Decodes one record and sums what all its parameters say, borrowing everything.
#[inline(never)]
fn read_record(bytes: &[u8]) -> Result<u64, Failure> {
    let event = decode(bytes)?;
    let mut total = event.ts_ns() + u64::from(event.tid()) + u64::from(event.pid());
    for (at, param) in event.info().params.iter().enumerate() {
        let value = match param.ty {
            ParamType::CharBuf | ParamType::FsPath | ParamType::FsRelPath => {
                event.text(at).map(|text| text.len() as u64)
            }
            ParamType::ByteBuf if is_list(param.name) => {
                event.items(at).map(|items| items.map(|item| item.len() as u64).sum())
            }
            ParamType::ByteBuf => event.bytes(at).map(|bytes| bytes.len() as u64),
            ParamType::SockAddr => event.sockaddr(at).map(|addr| addr_sum(&addr)),
            ParamType::SockTuple => event.tuple(at).map(|tuple| tuple_sum(&tuple)),
            _ => event.int(at).map(i64::cast_unsigned),
        };
        total = total.wrapping_add(value.unwrap_or(0));
    }
    Ok(total)
}

fn decode(bytes: &[u8]) -> Result<Event<'_>, Failure> {
    // As the reader of a ring does: the length says where the next record starts.
    let record = bytes.get(..record_len(bytes)?).ok_or("a record is cut")?;
    Event::decode(RawEvent::parse(record)?).event().ok_or_else(|| "an event is unknown".into())
}

fn addr_sum(addr: &SockAddr<'_>) -> u64 {
    match addr {
        SockAddr::Ip(addr) => u64::from(addr.port()),
        SockAddr::Unix(path) => path.len() as u64,
        SockAddr::Other(family) => u64::from(*family),
    }
}

fn tuple_sum(tuple: &SockTuple<'_>) -> u64 {
    match tuple {
        SockTuple::Ip { source, dest } => u64::from(source.port()) + u64::from(dest.port()),
        SockTuple::Unix { path, .. } => path.len() as u64,
        SockTuple::Other(family) => u64::from(*family),
    }
}

/// Copies one record into values of its own.
fn plain(bytes: &[u8]) -> Result<PlainEvent<'static>, Failure> {
    let event = decode(bytes)?;
    let own = |bytes: &[u8]| Cow::Owned(String::from_utf8_lossy(bytes).into_owned());
    let value = |at: usize| {
        let param = event.param_info(at)?;
        Some(match param.ty {
            ParamType::CharBuf | ParamType::FsPath | ParamType::FsRelPath => Plain::Text(own(event.text(at)?)),
            ParamType::ByteBuf if is_list(param.name) => {
                Plain::List(event.items(at)?.map(|item| Plain::Text(own(item))).collect())
            }
            ParamType::ByteBuf => Plain::Text(own(event.bytes(at)?)),
            ParamType::SockAddr => Plain::Int(addr_sum(&event.sockaddr(at)?).cast_signed()),
            ParamType::SockTuple => Plain::Int(tuple_sum(&event.tuple(at)?).cast_signed()),
            _ => Plain::Int(event.int(at)?),
        })
    };
    let values = (0..event.info().params.len()).map(|at| value(at).unwrap_or(Plain::Absent)).collect();
    Ok(PlainEvent { ts_ns: event.ts_ns(), tid: event.tid(), pid: event.pid(), kind: event.kind() as u16, values })
}

#[inline(never)]
fn read_owned(bytes: &[u8]) -> Result<u64, Failure> {
    Ok(plain_sum(&plain(bytes)?))
}

#[inline(never)]
fn read_json(text: &[u8]) -> Result<u64, Failure> {
    Ok(plain_sum(&serde_json::from_slice(text)?))
}

fn plain_sum(event: &PlainEvent<'_>) -> u64 {
    let head = event.ts_ns + u64::from(event.tid) + u64::from(event.pid);
    event.values.iter().fold(head, |total, value| total.wrapping_add(sum(value)))
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let events: usize = args.first().map_or(Ok(100_000), |arg| arg.parse())?;
    let way = args.get(1).map_or("records", String::as_str);
    let records = records()?;
    let text = |record: &RecordBuf| serde_json::to_vec(&plain(record.bytes())?).map_err(Failure::from);
    let texts: Vec<Vec<u8>> = records.iter().map(text).collect::<Result<_, _>>()?;
    let (read, inputs): (ReadOne, Vec<&[u8]>) = match way {
        "records" => (read_record, records.iter().map(RecordBuf::bytes).collect()),
        "owned" => (read_owned, records.iter().map(RecordBuf::bytes).collect()),
        "json" => (read_json, texts.iter().map(Vec::as_slice).collect()),
        _ => return Err(format!("unknown way `{way}`; known are records, owned, json").into()),
    };
    let (mut checksum, started) = (0u64, Instant::now());
    for input in inputs.into_iter().cycle().take(events) {
        checksum = checksum.wrapping_add(read(std::hint::black_box(input))?);
    }
    println!("count {events} checksum {checksum} nanoseconds {}", started.elapsed().as_nanos());
    Ok(())
}
