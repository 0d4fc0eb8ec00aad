// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! The tables against what must not change under them: old captures, the reference, the documentation.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../examples/event_schema.rs"]
#[allow(dead_code, reason = "its `main` is for `cargo run --example`")]
mod event_schema;

use event_schema::{document, param, wire};
use saker_driver_api::event::{Effect, EventType, Phase};
use saker_driver_api::fillers::{self, filler_for, Hook};
use saker_driver_api::syscalls;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
}

/// Rows of the reference: everything before the notes.
fn reference() -> Option<Vec<Vec<String>>> {
    let path = top().join("../shared/reference/events.tsv");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: the reference is not here: {}", path.display());
        return None;
    };
    let rows = text.lines().skip(1).take_while(|line| !line.is_empty());
    Some(rows.map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

#[test]
fn frozen_rows_stay_as_they_are() {
    let now = wire();
    let frozen = include_str!("data/wire.txt");
    let mut rows = now.lines();
    for line in frozen.lines() {
        assert_eq!(rows.next(), Some(line), "a row that captures depend on changed: add rows instead");
    }
    assert_eq!(rows.next(), None, "a new row is not frozen: add this line to driver-api/tests/data/wire.txt");
}

#[test]
fn the_page_is_what_the_tables_say() {
    let path = top().join("docs/event-schema.md");
    let again = "run: cargo run -p saker-driver-api --example event_schema > docs/event-schema.md";
    for (written, made) in read(&path).lines().zip(document().lines()) {
        assert_eq!(written, made, "{again}");
    }
    assert!(read(&path) == document(), "{again}");
}

#[test]
fn the_current_events_of_the_reference_are_all_here() {
    let Some(rows) = reference() else { return };
    let mut seen = 0;
    for row in rows {
        let [id, _, name, direction, category, flags, _, params, ..] = row.as_slice() else {
            panic!("a row with too few columns: {row:?}");
        };
        let flags: Vec<&str> = flags.split(',').collect();
        if flags.contains(&"old_version") || flags.contains(&"unused") {
            continue;
        }
        let event = EventType::from_wire(id.parse().unwrap()).unwrap_or_else(|| panic!("{id} {name} is missing"));
        let info = event.info();
        let ours: Vec<String> = info.params[..info.shared].iter().map(param).collect();
        let theirs = if params == "-" { Vec::new() } else { params.split("; ").map(str::to_owned).collect() };
        assert_eq!((info.name, &ours), (name.as_str(), &theirs), "{id}");
        for (bit, flag) in [
            (Effect::CREATES_FD, "creates_fd"),
            (Effect::DESTROYS_FD, "destroys_fd"),
            (Effect::USES_FD, "uses_fd"),
            (Effect::READS_FD, "reads_fd"),
            (Effect::WRITES_FD, "writes_fd"),
            (Effect::MODIFIES_STATE, "modifies_state"),
            (Effect::WAITS, "waits"),
        ] {
            assert_eq!(info.effects & bit != 0, flags.contains(&flag), "{id} {name}: {flag}");
        }
        if category.ends_with("+syscall") {
            assert_eq!(info.phase == Phase::Enter, direction == "enter", "{id} {name}");
        }
        seen += 1;
    }
    assert_eq!(seen, 196, "rows compared");
}

#[test]
fn calls_of_the_reference_become_their_events() {
    let Some(rows) = reference() else { return };
    let mut unreachable = Vec::new();
    for row in rows {
        let [id, _, name, direction, category, flags, _, _, generic, calls, ..] = row.as_slice() else {
            panic!("a row with too few columns: {row:?}");
        };
        let old = flags.split(',').any(|flag| flag == "old_version" || flag == "unused");
        if old || direction == "enter" || generic == "yes" || !category.ends_with("+syscall") {
            continue;
        }
        let event = EventType::from_wire(id.parse().unwrap()).unwrap();
        for call in calls.split(' ') {
            match syscalls::by_name(call) {
                Some(nr) => assert_eq!(filler_for(nr).event, event, "{call} must become {id} {name}"),
                None => unreachable.push(call.to_owned()),
            }
        }
    }
    assert_eq!(unreachable, Vec::<String>::new(), "calls that x86-64 does not have");
}

#[test]
fn portable_codes_of_generic_calls_are_known() {
    let path = top().join("../shared/reference/events.tsv");
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let list = text.lines().find(|line| line.starts_with("# GENERIC SYSCALLS")).expect("the list of generic calls");
    let (_, names) = list.split_once("): ").expect("names behind the title");
    let codes: BTreeMap<&str, u16> =
        (1..=u16::from(u8::MAX) * 2).filter_map(|code| syscalls::name_of_code(code).map(|name| (name, code))).collect();
    for name in names.split(' ').filter(|name| !name.is_empty()) {
        assert!(codes.contains_key(name), "{name}");
        if let Some(nr) = syscalls::by_name(name) {
            assert_eq!(syscalls::code(nr), codes[name]);
        }
    }
}

#[test]
fn every_event_of_a_call_has_a_filler() {
    for event in EventType::ALL.iter().filter(|event| event.info().phase == Phase::Exit) {
        let made = fillers::all().any(|filler| filler.event == *event) || *event == EventType::GenericExit;
        assert!(made, "nothing makes {event:?}");
    }
}

#[test]
fn fillers_agree_with_their_events() {
    let special = [
        &fillers::EXEC,
        &fillers::EXECVEAT,
        &fillers::CLONE_CHILD,
        &fillers::CLONE3_CHILD,
        &fillers::FORK_CHILD,
        &fillers::VFORK_CHILD,
        &fillers::CLONE_MAKER,
        &fillers::CLONE3_MAKER,
        &fillers::FORK_MAKER,
        &fillers::VFORK_MAKER,
        &fillers::CLOSE_BEGUN,
        &fillers::PROC_EXIT,
        &fillers::SIGNAL_DELIVER,
        &fillers::GENERIC,
    ];
    for filler in fillers::all().chain(special) {
        let params = filler.event.info().params;
        assert_eq!(filler.sources.len(), params.len(), "{:?}", filler.event);
        assert_eq!(filler.may_sleep(), filler.hook != Hook::Signal);
        for nr in filler.calls {
            assert_eq!(filler_for(*nr).event, filler.event, "{nr}");
        }
    }
}
