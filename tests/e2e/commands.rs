//! The rest of the command line.

use crate::support::{repo, run, saker, scratch, shared, stderr};
use serde_json::Value;
use std::collections::BTreeSet;

fn json_lines(args: &[&str]) -> Vec<Value> {
    let output = run(args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_field_of_the_reference_is_listed() {
    let Some(reference) = shared("reference/fields.tsv") else { return };
    let listed: BTreeSet<String> =
        json_lines(&["fields", "--json"]).iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    for line in std::fs::read_to_string(reference).unwrap().lines().skip(1) {
        let columns: Vec<_> = line.split('\t').collect();
        let class = columns[0].split('.').next().unwrap();
        if ["evt", "proc", "thread", "fd", "fs", "user", "group"].contains(&class) && columns[4] == "no" {
            assert!(listed.contains(columns[0]), "{}", columns[0]);
        }
    }
}

#[test]
fn syscalls_are_listed_with_their_parameters() {
    let rows = json_lines(&["syscalls", "--json"]);
    let openat = rows.iter().find(|row| row["name"] == "openat").unwrap();
    assert_eq!(openat["number"], 307);
    assert_eq!(openat["params"][2]["name"], "name");
    assert!(rows.iter().any(|row| row["name"] == "getpid" && row["event"] == "syscall"));
}

#[test]
fn the_shipped_rules_load_without_a_warning_and_pass_their_tests() {
    let rules = json_lines(&["rules", "list", "--json"]);
    assert!(rules.len() >= 30, "{} rules", rules.len());
    for rule in &rules {
        let tags: Vec<_> = rule["tags"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(
            tags.iter().any(|tag| tag.starts_with('T') && tag[1..5].parse::<u16>().is_ok()),
            "no ATT&CK id: {rule}"
        );
        assert!(rule["desc"].as_str().unwrap().len() > 40, "{rule}");
    }
    let check = run(["rules", "check", repo().join("rules").to_str().unwrap()]);
    assert_eq!(check.status.code(), Some(0), "{}{}", String::from_utf8_lossy(&check.stdout), stderr(&check));
    assert!(!String::from_utf8_lossy(&check.stdout).contains("warning"), "{check:?}");
    let test = run(["rules", "test", repo().join("rules/tests").to_str().unwrap()]);
    assert_eq!(test.status.code(), Some(0), "{}{}", String::from_utf8_lossy(&test.stdout), stderr(&test));
}

#[test]
fn a_peer_s_rule_file_loads_whole() {
    let Some(file) = shared("reference/rules/falco_rules.yaml") else { return };
    let output = run(["rules", "check", "--json", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let rules = json_lines(&["rules", "list", "--json", file.to_str().unwrap()]);
    assert_eq!(rules.len(), 25);
    assert!(rules.iter().all(|rule| rule["runs"] == true), "every rule of the file runs");
}

#[test]
fn completions_and_man_pages_are_made() {
    for shell in ["bash", "zsh", "fish"] {
        let output = run(["completions", shell]);
        assert!(String::from_utf8_lossy(&output.stdout).contains("replay"), "{shell}");
    }
    let full = std::fs::File::create("/dev/full").unwrap();
    let output = saker(["completions", "bash"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let dir = scratch();
    assert_eq!(run(["man", dir.path().to_str().unwrap()]).status.code(), Some(0));
    let page = std::fs::read_to_string(dir.path().join("saker-run.1")).unwrap();
    assert!(page.contains(r"\-\-json") && page.contains("127"), "{page}");
}

#[test]
fn help_lists_the_exit_status() {
    for command in ["run", "record", "replay", "events", "fields", "syscalls", "completions", "man"] {
        let output = run([command, "--help"]);
        assert!(String::from_utf8_lossy(&output.stdout).contains("Exit status"), "{command}");
    }
}
