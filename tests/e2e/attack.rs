//! The scripted attack: every step alerts, live and replayed, equal byte for byte.

use crate::support::{alert_lines, alerts, assert_books, is_root, repo, rules_of, run, scratch, stats, stderr};
use std::collections::BTreeSet;

#[test]
fn every_step_of_the_attack_alerts_live_and_replayed() {
    if !is_root() {
        return;
    }
    let dir = scratch();
    let file = dir.path().join("attack.skr").display().to_string();
    let live = run(["run", "--json", "--stats", "-o", &file, "--", "tests/e2e/attack.sh"]);
    assert_eq!(live.status.code(), Some(0), "{}", stderr(&live));
    assert_books(&stats(&live));

    let found = alerts(&live);
    let found: BTreeSet<_> = rules_of(&found).into_iter().collect();
    let expected = std::fs::read_to_string(repo().join("tests/e2e/attack.expected")).unwrap();
    let steps: Vec<_> = expected.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()).collect();
    assert!(steps.len() >= 15, "{} steps", steps.len());
    for step in steps {
        let (name, rule) = step.split_once('\t').unwrap_or_else(|| panic!("not `step<tab>rule`: {step}"));
        assert!(found.contains(rule), "step `{name}` did not raise `{rule}`; raised: {found:#?}");
    }

    let replay = run(["replay", "--json", &file]);
    assert_eq!(replay.status.code(), Some(0), "{}", stderr(&replay));
    assert_eq!(alert_lines(&live), alert_lines(&replay));
}
