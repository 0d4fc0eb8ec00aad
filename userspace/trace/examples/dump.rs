// SPDX-License-Identifier: Apache-2.0

//! Prints the records of a command, or of a running process, into a file: `dump FILE CALLS -- CMD…` or
//! `dump FILE CALLS --pid N`. CALLS is `all` or a list of names; of a name with `:state` behind it, the effect is enough. The crate's tests read what it writes.

use saker_driver_api::event::EventType;
use saker_driver_api::interest::InterestMask;
use saker_driver_api::param::{ParamStatus, ParamType};
use saker_driver_api::probe::FactSet;
use saker_driver_api::record::{Origin, RawEvent};
use saker_ring::{Doorbell, HeapReader, HeapRing, OnFull, Wake};
use saker_trace::{InodeFacts, Launch, Notice, OnTerminal, Outcome, Settings, SignalRecords, Signals, Tracer, child};
use std::error::Error;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};

const STATE: &str = ":state";

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<OsString> = std::env::args_os().collect();
    if child::is_child(&args) {
        std::process::exit(child::run(&args));
    }
    let signals = Signals::block()?;
    let [_, file, calls, how, rest @ ..] = args.as_slice() else {
        return Err("dump FILE CALLS (-- CMD|--pid N)".into());
    };
    let settings = Settings {
        interest: interest(&calls.to_string_lossy()),
        state_only: state_only(&calls.to_string_lossy()),
        signals: SignalRecords::Keep,
        inodes: InodeFacts::Keep,
        unread: FactSet::EMPTY,
        snaplen_bytes: 80,
    };
    let out = BufWriter::new(File::create(file)?);
    let (producer, reader) = HeapRing::new(0, 1 << 20, OnFull::Wait, &Doorbell::new())?.split();
    let notify = |notice: Notice| eprintln!("notice: {notice}");
    let printer = std::thread::spawn(move || print(reader, out));
    let tracer = match (how.to_str(), rest) {
        (Some("--pid"), [pid]) => {
            let tracer = Tracer::attach(pid.to_string_lossy().parse()?, settings, producer, notify);
            let tracer = tracer.unwrap_or_else(|err| fail(&err));
            signals.forward_to(tracer.control(), OnTerminal::End)?;
            tracer
        }
        (Some("--"), [program, args @ ..]) => {
            let launch = Launch { program: program.clone(), args: args.to_vec(), settings };
            let tracer = Tracer::launch(launch, producer, &signals, notify).unwrap_or_else(|err| fail(&err));
            signals.forward_to(tracer.control(), OnTerminal::LeaveToCommand)?;
            tracer
        }
        _ => return Err("dump FILE CALLS (-- CMD|--pid N)".into()),
    };
    let outcome = tracer.join();
    let (reader, mut out) = printer.join().map_err(|_| "the printer panicked")??;
    writeln!(out, "{}", summary(&outcome, &reader))?;
    out.flush()?;
    std::process::exit(outcome.status.map_or(0, |status| i32::from(status.shell_code())))
}

fn fail(err: &dyn Error) -> ! {
    eprintln!("dump: {err}");
    std::process::exit(2)
}

fn interest(calls: &str) -> InterestMask {
    if calls == "all" {
        return InterestMask::ALL;
    }
    let mut mask = InterestMask::NONE;
    calls.split(',').for_each(|name| _ = mask.insert_name(name.trim_end_matches(STATE)));
    mask
}

fn state_only(calls: &str) -> InterestMask {
    let mut mask = InterestMask::NONE;
    calls.split(',').filter_map(|name| name.strip_suffix(STATE)).for_each(|name| _ = mask.insert_name(name));
    mask
}

fn print(mut reader: HeapReader, mut out: BufWriter<File>) -> Result<(HeapReader, BufWriter<File>), String> {
    loop {
        let wake = reader.wait();
        for event in &reader.batch().map_err(|err| err.to_string())? {
            writeln!(out, "{}", line(&event)).map_err(|err| err.to_string())?;
        }
        if wake == Wake::Closed {
            return Ok((reader, out));
        }
    }
}

fn summary(outcome: &Outcome, reader: &HeapReader) -> String {
    let (books, events) = (&outcome.books, outcome.books.events());
    format!(
        "outcome\tstatus={:?}\tstarted={}\tunaccounted={}\tbalances={}\tdropped={}\tcommitted={}\tdecoded={}",
        outcome.status,
        outcome.started,
        outcome.unaccounted,
        books.balances() && reader.books().balances(),
        events.dropped_total(),
        books.records(),
        reader.books().decoded,
    )
}

/// One record: name, thread, process, origin, then each parameter, with tabs between.
fn line(event: &RawEvent<'_>) -> String {
    let header = event.header();
    let Some(kind) = EventType::from_wire(header.kind) else { return format!("unknown {}", header.kind) };
    let origin = Origin::from_wire(header.origin).unwrap_or(Origin::Synthetic);
    let mut line = format!("{}\ttid={}\tpid={}\torigin={origin:?}", kind.name(), header.tid, header.pid);
    for (index, param) in kind.info().params.iter().enumerate() {
        let value = match event.value(index) {
            Some(bytes) => text(param.ty, bytes),
            None => "-".into(),
        };
        let _ = write!(line, "\t{}={value}", param.name);
        if event.param(index).is_some_and(|(_, status)| status.has(ParamStatus::CHANGED)) {
            let _ = write!(line, "\t{}~changed", param.name);
        }
    }
    line
}

fn text(ty: ParamType, bytes: &[u8]) -> String {
    let mut word = [0; 8];
    match (ty.width(), word.get_mut(..bytes.len())) {
        (Some(width), Some(into)) if width == bytes.len() => {
            into.copy_from_slice(bytes);
            let value = u64::from_le_bytes(word);
            if ty.is_signed() { signed(value, width).to_string() } else { value.to_string() }
        }
        _ if ty == ParamType::SockTuple || ty == ParamType::SockAddr => format!("{bytes:02x?}"),
        _ => String::from_utf8_lossy(bytes).escape_default().to_string(),
    }
}

fn signed(value: u64, width: usize) -> i64 {
    let unused = 64 - 8 * u32::try_from(width).unwrap_or(8);
    (value << unused).cast_signed() >> unused
}
