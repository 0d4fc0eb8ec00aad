// SPDX-License-Identifier: Apache-2.0

//! Calls of which only the effect is wanted (`Settings::state_only`): fewer stops, and nothing lost for it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;
use support::{Line, Run, is_root, run, tracee};

const BIRTHS: &str = "clone:state,clone3:state,fork:state,vfork:state";

/// The records of births, of makers and of children.
fn births(ran: &Run) -> (Vec<&Line>, Vec<&Line>) {
    let births = ["clone", "clone3", "fork", "vfork"].map(|name| ran.events(name)).concat();
    births.into_iter().partition(|line| line.int("res") > 0)
}

/// Fails unless each maker's record names the child of exactly one other, and of the same kind.
fn check_pairs(ran: &Run, expected: usize) {
    let (makers, children) = births(ran);
    assert_eq!((makers.len(), children.len()), (expected, expected));
    let named: HashSet<_> = makers.iter().map(|line| (line.name.as_str(), line.int("res"))).collect();
    let born: HashSet<_> = children.iter().map(|line| (line.name.as_str(), line.int("tid"))).collect();
    assert!(named == born && named.len() == expected, "{named:?} {born:?}");
}

#[test]
fn each_birth_has_both_halves() {
    let ran = run(BIRTHS, &["sh", "-c", "(exit 1); (exit 2); /bin/true; (exit 3) & wait; exit 4"]);
    assert_eq!(ran.output.status.code(), Some(4));
    check_pairs(&ran, 4);
    let (makers, children) = births(&ran);
    assert!(
        children.iter().all(|line| line.get("cwd") != "-" && line.get("comm") == "sh" && line.int("start_time") > 0)
    );
    for maker in makers {
        let child = children.iter().find(|child| child.int("tid") == maker.int("res")).unwrap();
        assert_eq!((maker.get("comm"), maker.get("flags")), ("-", child.get("flags")));
    }
    assert_eq!(ran.events("procexit").len(), 5);
}

#[test]
fn no_fork_and_no_thread_is_lost() {
    let Some(tracee) = tracee() else { return };
    let ran = run(BIRTHS, &[&tracee, "forks", "-", "2000"]);
    assert!(ran.output.status.success(), "{}", ran.stderr());
    check_pairs(&ran, 2000);
    let failed = ran.events("procexit").iter().filter(|line| line.int("ret") == 1).count();
    assert_eq!((failed, ran.events("procexit").len()), (1000, 2001));
    let ran = run(BIRTHS, &[&tracee, "threads", "/dev/null", "5", "64"]);
    check_pairs(&ran, 64);
    let ends: HashSet<_> = ran.events("procexit").iter().map(|line| line.int("tid")).collect();
    assert_eq!(ends.len(), 65);
}

#[test]
fn a_thread_that_takes_over_its_process_ends_it_first() {
    let Some(tracee) = tracee() else { return };
    let calls = format!("{BIRTHS},execve");
    let ran = run(&calls, &[&tracee, "threadexec", "/bin/true", ""]);
    assert!(ran.output.status.success(), "{}", ran.stderr());
    let process = ran.events("execve")[0].int("tid");
    let order: Vec<_> = ran.lines.iter().filter(|line| line.has("tid") && line.int("tid") == process).collect();
    let names: Vec<_> = order.iter().map(|line| line.name.as_str()).filter(|name| !name.contains("clone")).collect();
    assert_eq!(names[names.len() - 4..], ["execve", "procexit", "execve", "procexit"]);
}

#[test]
fn a_maker_in_another_pid_namespace_counts_there() {
    if !is_root() {
        eprintln!("skipped: only root makes PID namespaces");
        return;
    }
    let ran = run(BIRTHS, &["unshare", "--pid", "--fork", "sh", "-c", "(exit 0); (exit 0); :"]);
    assert!(ran.output.status.success(), "{}", ran.stderr());
    let (makers, children) = births(&ran);
    assert_eq!((makers.len(), children.len()), (3, 3));
    // The namespace's first process is 1 there, and names its children by their numbers there.
    let mut inside: Vec<_> = makers.iter().map(|line| line.int("res")).filter(|res| *res < 10).collect();
    inside.sort_unstable();
    assert_eq!(inside, [2, 3]);
}

#[test]
fn a_task_that_hides_is_told_all_the_same() {
    let Some(tracee) = tracee() else { return };
    let ran = run(BIRTHS, &[&tracee, "untraced"]);
    assert!(ran.output.status.success() && ran.stderr().contains("CLONE_UNTRACED"), "{}", ran.stderr());
    let (makers, children) = births(&ran);
    assert_eq!((makers.len(), children.len()), (1, 0), "the call itself stops and returns");
}

#[test]
fn a_close_is_recorded_when_it_begins() {
    let script = "exec 7</etc/hostname; exec 7<&-; exec 8<&- 2>&1";
    let count = |calls: &str| {
        let ran = run(calls, &["sh", "-c", script]);
        assert!(ran.output.status.success(), "{}", ran.stderr());
        let of = |fd: i64| ran.events("close").iter().filter(|line| line.int("fd") == fd).count();
        let results: HashSet<_> = ran.events("close").iter().map(|line| line.get("res").to_owned()).collect();
        (of(7), ran.events("close").len(), results)
    };
    let (of_seven, all, results) = count("close");
    assert!(of_seven > 0 && results.contains("0"));
    assert_eq!(count("close:state"), (of_seven, all, HashSet::from(["-".to_owned()])), "the result is not known then");
}
