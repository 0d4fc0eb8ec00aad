// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Prints what the tables of the contract say: `docs/event-schema.md`, or with `wire` the frozen rows.
//!
//! ```text
//! cargo run -p saker-driver-api --example event_schema > docs/event-schema.md
//! cargo run -p saker-driver-api --example event_schema wire > driver-api/tests/data/wire.txt
//! ```
//! Tests compare both files with what this prints.

use saker_driver_api::event::{Effect, EventInfo, EventType, Phase};
use saker_driver_api::fillers::{self, Filler, Truth};
use saker_driver_api::flags::FlagTable;
use saker_driver_api::param::{Format, ParamInfo};
use saker_driver_api::syscalls;
use std::fmt::Write as _;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("wire") => print!("{}", wire()),
        _ => print!("{}", document()),
    }
}

/// The rows that captures depend on, one event a line: number, name, parameters, and Saker's own behind the bar.
pub(crate) fn wire() -> String {
    EventType::ALL.iter().fold(String::new(), |mut out, event| {
        let info = event.info();
        let (shared, own) = info.params.split_at(info.shared);
        let list = |params: &[ParamInfo]| params.iter().map(param).collect::<Vec<_>>().join("; ");
        let _ = writeln!(out, "{} {} [{}] | [{}]", *event as u16, info.name, list(shared), list(own));
        out
    })
}

/// One parameter as the tables write it: `flags:flags32/hex`.
pub(crate) fn param(param: &ParamInfo) -> String {
    let ty = format!("{:?}", param.ty).to_lowercase();
    match param.format {
        Format::Text => format!("{}:{ty}", param.name),
        format => format!("{}:{ty}/{}", param.name, format!("{format:?}").to_lowercase()),
    }
}

const INTRODUCTION: &str = "\
# Events

Made from the tables in `driver-api` by `cargo run -p saker-driver-api --example event_schema`; a test compares. Do not edit.

Each event has a number, the name that `evt.type` prints, and parameters, which rules read as `evt.arg.NAME`. Numbers below
1024 and the parameters before the `+` are those of `.scap` files; what stands behind it is Saker's own (values that the kernel
vouches for) and is not part of `evt.args`. A parameter is written `name:type/base`, with the table of its names after `@`.

The class says how much of a ring a record may use: ordinary up to 3/4, state up to 7/8, critical all of it. Failed calls are
ordinary. *From* says what the values that matter stand on:

- registers: numbers that nobody can change behind the kernel;
- user memory: the caller's, at exit; the parameter's status says so, and says *changed* where it was another at entry;
- descriptor: looked up by number at exit, so another thread may have replaced it;
- task: the task itself;
- a kernel function: what the kernel used, where a hook reaches that function; the ptrace source looks the descriptor up instead.

Texts have no NUL, are at most 4096 bytes and of any encoding. Data is cut at the snaplen. Of a list of buffers the first 16 are looked
at, of polled descriptors 64, of arguments 1000 (12 KiB). Socket addresses: family (1 byte), then address and port (host order) or
path; tuples go the way of the data, so a receiving call has its peer as source. Of sendmmsg and recvmmsg the first message is shown.
";

/// The whole page.
pub(crate) fn document() -> String {
    let mut out = String::from(INTRODUCTION);
    for (title, phase) in [
        ("System calls", Phase::Exit),
        ("Starts of system calls", Phase::Enter),
        ("Tracepoints", Phase::Tracepoint),
        ("Snapshots of tasks", Phase::Snapshot),
        ("Messages about the stream and the host", Phase::Meta),
    ] {
        events(&mut out, title, phase);
    }
    generic(&mut out);
    flags(&mut out);
    out
}

fn events(out: &mut String, title: &str, phase: Phase) {
    let _ = writeln!(out, "\n## {title}\n");
    let _ = writeln!(out, "| # | Name | Category, class | Effects | From | Parameters |\n|---|---|---|---|---|---|");
    for info in EventType::ALL.iter().map(|event| event.info()).filter(|info| info.phase == phase) {
        let _ = writeln!(
            out,
            "| {} | {} | {:?}, {} | {} | {} | {} |",
            info.event as u16,
            info.name,
            info.category,
            format!("{:?}", info.class).to_lowercase(),
            effects(info.effects),
            source(info),
            parameters(info),
        );
    }
}

fn parameters(info: &EventInfo) -> String {
    let mut out = String::new();
    for (i, one) in info.params.iter().enumerate() {
        let mark = if i == info.shared { "+ " } else { "" };
        let names = if one.names == FlagTable::None { String::new() } else { format!(" @{:?}", one.names) };
        let end = if i + 1 == info.params.len() { "" } else { "; " };
        let _ = write!(out, "{mark}`{}`{names}{end}", param(one));
    }
    out
}

fn effects(bits: u16) -> String {
    let names = [
        (Effect::CREATES_FD, "creates fd"),
        (Effect::DESTROYS_FD, "destroys fd"),
        (Effect::USES_FD, "uses fd"),
        (Effect::READS_FD, "reads fd"),
        (Effect::WRITES_FD, "writes fd"),
        (Effect::MODIFIES_STATE, "modifies state"),
        (Effect::WAITS, "waits"),
    ];
    names.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

/// What makes the event, and what it stands on.
fn source(info: &EventInfo) -> String {
    let special = [&fillers::PROC_EXIT, &fillers::SIGNAL_DELIVER];
    let mut made: Vec<&Filler> = fillers::all().filter(|filler| filler.event == info.event).collect();
    made.extend(special.into_iter().filter(|filler| filler.event == info.event));
    let Some(first) = made.first() else {
        return if info.event == EventType::GenericExit { "registers".into() } else { String::new() };
    };
    let truth = match first.truth {
        Truth::Registers => "registers".to_owned(),
        Truth::UserMemory => "user memory".to_owned(),
        Truth::Descriptor => "descriptor".to_owned(),
        Truth::Task => "task".to_owned(),
        Truth::Kernel(function) => format!("`{function}`"),
    };
    let calls = made.iter().flat_map(|filler| filler.calls).filter_map(|nr| syscalls::name(*nr));
    let others: Vec<&str> = calls.filter(|name| *name != info.name).collect();
    if others.is_empty() {
        truth
    } else {
        format!("{truth} (calls: {})", others.join(", "))
    }
}

fn generic(out: &mut String) {
    let _ = writeln!(
        out,
        "\n## Generic system calls\n\n\
         These have no event of their own. `evt.type` is their name, the record carries number and result.\n"
    );
    let mut names: Vec<&str> = fillers::generic_only().map(|(_, name)| name).collect();
    names.sort_unstable();
    for line in names.chunks(12) {
        let _ = writeln!(out, "{}", line.join(" "));
    }
}

fn flags(out: &mut String) {
    let _ = writeln!(
        out,
        "\n## Names of values\n\n\
         Numbers are those of `.scap` files, not the kernel's. Sets print all their bits, the rest one name.\n\n\
         | Table | Kind | Names |\n|---|---|---|"
    );
    for table in FlagTable::ALL.iter().filter(|table| **table != FlagTable::None) {
        let kind = if table.is_set() { "set" } else { "one" };
        let names: Vec<String> = table.names().iter().map(|(value, name)| format!("{name} {value:#x}")).collect();
        let _ = writeln!(out, "| {table:?} | {kind} | {} |", names.join(", "));
    }
}
