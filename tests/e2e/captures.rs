//! Native captures: written live, replayed, printed, cut and broken.

use crate::support::{alert_lines, run, scratch, stderr};
use saker_capture::{Options, SkrReader, SkrWriter, is_numbered};
use saker_event::parse_line;
use serde_json::Value;
use std::path::Path;

/// A shell that does a little of everything.
const WORK: &str = "for i in 1 2 3 4 5; do cat /proc/version /etc/passwd | grep -c root; find / -maxdepth 1 -name id_rsa; done; (exit 3); cd /tmp && ls >/dev/null";

fn record(dir: &Path) -> String {
    let file = dir.join("run.skr").display().to_string();
    let output = run(["record", "-o", &file, "--", "sh", "-c", WORK]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    file
}

#[test]
fn replay_gives_the_bytes_of_the_live_run() {
    let dir = scratch();
    let file = dir.path().join("run.skr").display().to_string();
    for extra in [&[][..], &["--json"]] {
        let mut live = vec!["run", "-o", &file];
        live.extend(extra);
        // The program's own output goes elsewhere, so that only alerts are compared.
        let script = format!("exec >/dev/null; {WORK}");
        live.extend(["--", "sh", "-c", &script]);
        let live = run(live);
        assert_eq!(live.status.code(), Some(0), "{}", stderr(&live));
        assert!(!live.stdout.is_empty(), "the search for private keys alerts: {}", stderr(&live));
        let mut replay = vec!["replay", &file];
        replay.extend(extra);
        let replay = run(replay);
        assert_eq!(replay.status.code(), Some(0), "{}", stderr(&replay));
        assert_eq!(String::from_utf8_lossy(&live.stdout), String::from_utf8_lossy(&replay.stdout));
    }
}

#[test]
fn a_recorded_capture_replays_with_any_rules() {
    let dir = scratch();
    let file = record(dir.path());
    let output = run(["replay", "--json", &file]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!alert_lines(&output).is_empty(), "{}", stderr(&output));
}

#[test]
fn several_captures_are_as_if_each_were_alone() {
    let folders = (scratch(), scratch());
    let (one, two) = (record(folders.0.path()), record(folders.1.path()));
    for command in [&["replay", "--json"][..], &["events", "-p", "%evt.num %evt.time %proc.pid %proc.aname %fd.name"]] {
        let of = |captures: &[&String]| {
            let output =
                run(command.iter().map(|arg| (*arg).to_owned()).chain(captures.iter().map(|file| (*file).clone())));
            assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let apart = of(&[&one]) + &of(&[&two]) + &of(&[&one]);
        assert!(apart.lines().count() > 3, "{command:?}: {apart}");
        assert_eq!(of(&[&one, &two, &one]), apart, "{command:?}");
    }
}

#[test]
fn records_of_unknown_kinds_are_skipped_counted_and_said() {
    let dir = scratch();
    let file = dir.path().join("newer.skr");
    let mut writer = SkrWriter::create(&file, Options::default()).unwrap();
    for kind in [None, Some(60_000), None, Some(60_001)] {
        let mut record = parse_line("close ts=5 pid=7 tid=7 res=0 fd=3").unwrap();
        record.header_mut(|header| header.kind = kind.unwrap_or(header.kind));
        writer.append(&record.raw().unwrap()).unwrap();
    }
    writer.finish().unwrap();
    for command in [&["events", "--count"][..], &["replay"]] {
        let output = run(command.iter().copied().chain([file.to_str().unwrap()]));
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stderr(&output).contains("2 records are of kinds"), "{command:?}: {}", stderr(&output));
    }
    let events = run(["events", "-p", "%evt.num %evt.type", file.to_str().unwrap()]);
    assert_eq!(String::from_utf8_lossy(&events.stdout), "1 close\n2 close\n");
}

#[test]
fn events_are_printed_filtered_formatted_and_counted() {
    let dir = scratch();
    let file = record(dir.path());
    let all = run(["events", &file]);
    assert_eq!(all.status.code(), Some(0), "{}", stderr(&all));
    let all_lines = String::from_utf8_lossy(&all.stdout).lines().count();
    assert!(all_lines > 100, "{all_lines}");
    let mut reader = SkrReader::open(&file).unwrap();
    let mut numbered = 0;
    while let Some(section) = reader.next_section().unwrap() {
        numbered += section.events().filter(is_numbered).count();
    }
    assert_eq!(numbered, all_lines, "the capture numbers what rules see");

    let opens =
        run(["events", "--filter", "evt.type = openat and fd.name = /etc/passwd", "-p", "%proc.name %fd.name", &file]);
    let text = String::from_utf8_lossy(&opens.stdout).into_owned();
    assert_eq!(text.lines().filter(|line| *line == "cat /etc/passwd").count(), 5, "{text}\n{}", stderr(&opens));

    let json = run(["events", "--json", "--filter", "evt.type = execve and evt.rawres = 0", &file]);
    for line in String::from_utf8_lossy(&json.stdout).lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        assert_eq!(event["evt.type"], "execve", "{line}");
    }

    let count = run(["events", "--count", "--json", &file]);
    let counts: Value = serde_json::from_slice(&count.stdout).unwrap();
    let sum: u64 = counts["types"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!((sum, counts["events"].as_u64()), (all_lines as u64, Some(all_lines as u64)));
}

#[test]
fn a_capture_cut_anywhere_opens_up_to_its_last_whole_section() {
    let dir = scratch();
    let file = record(dir.path());
    let whole = std::fs::read(&file).unwrap();
    let all = run(["events", "-p", "%evt.num %evt.type", &file]).stdout;
    let cut = dir.path().join("cut.skr");
    for at in [0, 1, 17, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&cut, &whole[..at]).unwrap();
        let output = run(["events", "-p", "%evt.num %evt.type", cut.to_str().unwrap()]);
        let message = stderr(&output);
        assert_ne!(output.status.code(), Some(0), "cut at {at} must be said: {message}");
        assert!(all.starts_with(&output.stdout), "cut at {at}: not the start of the whole");
        assert!(message.contains("cut.skr") && !message.contains("panicked"), "cut at {at}: {message}");
    }
}

#[test]
fn a_corrupt_section_is_named_and_the_rest_is_used() {
    let dir = scratch();
    let file = record(dir.path());
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&file, &bytes).unwrap();
    let output = run(["replay", &file]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("offset"), "{}", stderr(&output));
}

#[test]
fn info_and_pack() {
    let dir = scratch();
    let file = record(dir.path());
    let packed = dir.path().join("packed.skr").display().to_string();
    assert_eq!(run(["capture", "pack", &file, &packed]).status.code(), Some(0));
    let info =
        |file: &str| -> Value { serde_json::from_slice(&run(["capture", "info", "--json", file]).stdout).unwrap() };
    let (raw, small) = (info(&file), info(&packed));
    assert_eq!(raw["records"], small["records"]);
    assert!(small["bytes"].as_u64() < raw["bytes"].as_u64(), "{raw} {small}");
    assert_eq!(run(["events", &file]).stdout, run(["events", &packed]).stdout);
}

#[test]
fn what_is_no_capture_is_said() {
    let output = run(["replay", "Cargo.toml"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("Cargo.toml"), "{}", stderr(&output));
    let output = run(["replay", "/no/such/file.skr"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}
