// SPDX-License-Identifier: Apache-2.0

//! Processes and threads: none lost, none left behind, and each behaves as it would untraced.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;
use std::io::Write as _;
use std::process::Stdio;
use support::{Run, is_root, run, run_with, state, tracee, wait_until};

fn tids<'a>(run: &'a Run, name: &str) -> HashSet<&'a str> {
    run.events(name).iter().map(|line| line.get("tid")).collect()
}

#[test]
fn status_input_and_output_are_the_commands() {
    let ran = run("execve", &["sh", "-c", "exit 7"]);
    assert_eq!(ran.output.status.code(), Some(7));
    let ran = run("execve", &["sh", "-c", "echo out; echo err >&2; kill -SEGV $$"]);
    assert_eq!(ran.output.status.code(), Some(128 + 11));
    assert_eq!(ran.output.stdout, b"out\n");
    assert!(ran.stderr().contains("err"));
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("in");
    std::fs::File::create(&file).unwrap().write_all(b"line\n").unwrap();
    let ran = run_with("read", &["cat"], |dump| _ = dump.stdin(std::fs::File::open(&file).unwrap()));
    assert_eq!(ran.output.stdout, b"line\n");
}

#[test]
fn a_command_that_cannot_run_is_told_as_a_shell_tells_it() {
    let ran = run("all", &["/nowhere/command"]);
    assert_eq!(ran.output.status.code(), Some(127));
    assert!(ran.stderr().contains("cannot run `/nowhere/command`"), "{}", ran.stderr());
    assert_eq!(ran.lines.last().unwrap().get("started"), "false");
    assert!(ran.events("execve").is_empty(), "what was never started makes no events");
    let ran = run("all", &["/etc/passwd"]);
    assert_eq!(ran.output.status.code(), Some(126));
}

#[test]
fn no_thread_of_64_is_lost() {
    let Some(tracee) = tracee() else { return };
    let ran = run("openat,clone,clone3", &[&tracee, "threads", "/dev/null", "50", "64"]);
    assert!(ran.output.status.success(), "{}", ran.stderr());
    let opens = ran.events("openat").iter().filter(|line| line.get("realpath") == "/dev/null").count();
    assert_eq!(opens, 64 * 50);
    let children = |name: &str| ran.events(name).iter().filter(|line| line.int("res") == 0).count();
    assert_eq!(children("clone") + children("clone3"), 64);
    assert_eq!(tids(&ran, "procexit").len(), 65);
}

#[test]
fn no_fork_of_10000_is_lost() {
    let Some(tracee) = tracee() else { return };
    let ran = run("clone,fork,wait4", &[&tracee, "forks", "-", "10000"]);
    assert!(ran.output.status.success(), "{}", ran.stderr());
    let clones = ran.events("clone");
    assert_eq!(clones.iter().filter(|line| line.int("res") == 0).count(), 10_000, "in the child");
    assert_eq!(clones.iter().filter(|line| line.int("res") > 0).count(), 10_000, "in the parent");
    let exits = ran.events("procexit");
    assert_eq!(exits.len(), 10_001);
    assert_eq!(exits.iter().filter(|line| line.int("ret") == 1).count(), 5_000);
}

#[test]
fn a_thread_that_runs_a_program_becomes_its_process() {
    let Some(tracee) = tracee() else { return };
    let ran = run("execve,execveat,openat", &[&tracee, "threadexec", "/bin/cat", "/etc/hostname"]);
    assert!(ran.output.status.success(), "{}", ran.stderr());
    let execs = ran.events("execve");
    assert_eq!(execs.len(), 2);
    assert_eq!((execs[1].get("tid"), execs[1].get("filename")), (execs[0].get("tid"), "/bin/cat"));
    assert!(ran.events("openat").iter().any(|line| line.get("realpath") == "/etc/hostname"));
    // Three that waited, the first thread, and later the thread that took over the first one's id.
    assert_eq!((tids(&ran, "procexit").len(), ran.events("procexit").len()), (4, 5));
}

#[test]
fn an_orphan_goes_to_who_adopts_it() {
    let Some(tracee) = tracee() else { return };
    for subreaper in ["0", "1"] {
        let ran = run("fork,clone", &[&tracee, "orphan", "/dev/null", subreaper]);
        assert!(ran.output.status.success(), "{}", ran.stderr());
        let printed = String::from_utf8_lossy(&ran.output.stdout).into_owned();
        let pids: Vec<_> = printed.split_whitespace().collect();
        let [root, middle, adopter] = pids[..] else { panic!("{printed}") };
        let reaper = |pid: &str| {
            let ends = ran.events("procexit");
            ends.into_iter().find(|line| line.get("pid") == pid).unwrap().get("reaper_tid").to_owned()
        };
        // 0 is a process outside of our PID namespace.
        assert_eq!(reaper(middle), if adopter == "0" { "-" } else { adopter });
        assert_eq!(subreaper == "1", adopter == root, "{printed}");
        let childless = ran.events("procexit").into_iter().filter(|line| line.get("reaper_tid") == "0").count();
        assert_eq!(childless, 2, "the others had none");
    }
}

#[test]
fn a_child_has_what_its_maker_has() {
    let script = "cd /usr; (cd /etc; (exit 1); (exit 2); :); (exit 3); exit 3";
    let ran = run("fork,vfork,clone,clone3,execve", &["sh", "-c", script]);
    assert_eq!(ran.output.status.code(), Some(3), "{}", ran.stderr());
    let births = ["fork", "vfork", "clone", "clone3"].map(|name| ran.events(name)).concat();
    let in_child = |cwd: &str| births.iter().filter(|line| line.int("res") == 0 && line.get("cwd") == cwd).count();
    assert_eq!((in_child("/usr"), in_child("/etc")), (2, 2), "{births:#?}");
    let args = ran.events("execve")[0].get("args").to_owned();
    assert!(births.len() == 8 && births.iter().all(|line| line.get("args") == args && line.get("exe") == "sh"));
    assert!(births.iter().all(|line| line.get("cgroups") == births[0].get("cgroups") && line.int("fdlimit") > 0));
}

#[test]
fn a_child_by_vfork_is_followed() {
    let Some(tracee) = tracee() else { return };
    let ran = run("vfork,execve", &[&tracee, "vfork", "/bin/true"]);
    assert!(ran.output.status.success(), "{}", ran.stderr());
    assert_eq!(ran.events("vfork").len(), 2);
    assert_eq!(ran.events("execve").len(), 2);
}

#[test]
fn pipelines_and_background_jobs_are_followed_to_their_end() {
    let script = "(sleep 0.2; cat /etc/hostname >/dev/null) & cat /etc/passwd | cat | cat >/dev/null";
    let ran = run("execve,openat", &["sh", "-c", script]);
    assert!(ran.output.status.success());
    let opened = |path: &str| ran.events("openat").iter().any(|line| line.get("realpath") == path);
    assert!(opened("/etc/passwd") && opened("/etc/hostname"), "also what ends after the command itself");
}

#[test]
fn nested_tracers_and_withheld_privileges_are_told() {
    let Some(tracee) = tracee() else { return };
    let ran = run("execve", &[&tracee, "traceme"]);
    assert!(ran.output.status.success() && ran.stderr().contains("notice: "), "{}", ran.stderr());
    let ran = run("clone", &[&tracee, "untraced"]);
    assert!(ran.output.status.success() && ran.stderr().contains("CLONE_UNTRACED"), "{}", ran.stderr());
    if !is_root() {
        return;
    }
    let dir = tempfile::TempDir::new().unwrap();
    let program = dir.path().join("program");
    std::fs::copy("/bin/true", &program).unwrap();
    rustix::fs::chown(&program, Some(rustix::fs::Uid::from_raw(1)), None).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o4755)).unwrap();
    let ran = run("execve", &[program.to_str().unwrap()]);
    assert!(ran.stderr().contains("setuid"), "{}", ran.stderr());
    let ran = run("execve", &["/bin/true"]);
    assert!(!ran.stderr().contains("notice"), "{}", ran.stderr());
}

#[test]
fn nobody_outlives_a_killed_tracer() {
    let dir = tempfile::TempDir::new().unwrap();
    let pids = dir.path().join("pids");
    let script = format!("sleep 1000 & echo $! $$ > {}; wait", pids.display());
    let file = dir.path().join("dump");
    let mut dump = std::process::Command::new(support::dump())
        .arg(&file)
        .args(["execve", "--", "sh", "-c", &script])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let read = || std::fs::read_to_string(&pids).unwrap_or_default();
    wait_until("the script", || read().ends_with('\n'));
    dump.kill().unwrap();
    dump.wait().unwrap();
    for pid in read().split_whitespace() {
        wait_until("the end of the tree", || matches!(state(pid.parse().unwrap()), None | Some('Z')));
    }
}
