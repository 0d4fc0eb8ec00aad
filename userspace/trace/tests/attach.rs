// SPDX-License-Identifier: Apache-2.0

//! Processes that were running before: taken on whole, and let go unharmed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::HashSet;
use std::process::{Child, Command, Stdio};
use support::{is_root, read, state, tracee, wait_until};
use tempfile::TempDir;

fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
}

fn status_line(pid: u32, key: &str) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some(status.lines().find_map(|line| line.strip_prefix(key))?.trim().to_owned())
}

fn is_traced(pid: u32) -> bool {
    status_line(pid, "TracerPid:").is_some_and(|tracer| tracer != "0")
}

/// A running process with a second thread and a child, which is killed in the end.
struct Busy(Child);

impl Busy {
    fn start(tracee: &str) -> Self {
        let busy = Command::new(tracee).args(["busy", "/dev/null"]).spawn().unwrap();
        wait_until("threads", || status_line(busy.id(), "Threads:").is_some_and(|count| count == "2"));
        Self(busy)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn attach(dir: &TempDir, pid: u32) -> Child {
    Command::new(support::dump())
        .arg(dir.path().join("dump"))
        .args(["openat,close", "--pid", &pid.to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_running_tree_is_watched_and_let_go() {
    let Some(tracee) = tracee() else { return };
    let busy = Busy::start(&tracee);
    let dir = TempDir::new().unwrap();
    let dump = attach(&dir, busy.0.id());
    wait_until("the tracer", || is_traced(busy.0.id()));
    std::thread::sleep(std::time::Duration::from_millis(300));
    signal(dump.id(), Signal::SIGINT);
    let output = dump.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("each of its system calls"), "said once");
    assert!(!is_traced(busy.0.id()));
    wait_until("it runs on", || state(busy.0.id()) == Some('S'));
    let lines = read(&dir.path().join("dump"));
    let outcome = lines.last().unwrap();
    assert_eq!((outcome.get("balances"), outcome.get("status"), outcome.int("dropped")), ("true", "None", 0));
    let scanned: HashSet<&str> = lines.iter().filter(|line| line.name == "task").map(|line| line.get("tid")).collect();
    let opens = lines.iter().filter(|line| line.name == "openat" && line.get("realpath") == "/dev/null");
    let openers: HashSet<&str> = opens.map(|line| line.get("tid")).collect();
    assert_eq!(openers.len(), 3, "both threads and the child");
    assert!(openers.is_subset(&scanned));
}

#[test]
fn a_stopped_process_is_let_go_stopped() {
    let Some(tracee) = tracee() else { return };
    let busy = Busy::start(&tracee);
    let pid = busy.0.id();
    signal(pid, Signal::SIGSTOP);
    wait_until("the stop", || state(pid) == Some('T'));
    let dir = TempDir::new().unwrap();
    let dump = attach(&dir, pid);
    wait_until("the tracer", || is_traced(pid));
    std::thread::sleep(std::time::Duration::from_millis(100));
    signal(dump.id(), Signal::SIGTERM);
    assert!(dump.wait_with_output().unwrap().status.success());
    wait_until("let go", || !is_traced(pid));
    assert_eq!(state(pid), Some('T'));
    signal(pid, Signal::SIGCONT);
    wait_until("it runs on", || state(pid) == Some('S'));
}

#[test]
fn what_cannot_be_traced_is_said() {
    let dir = TempDir::new().unwrap();
    let output = attach(&dir, 0x3fff_ffff).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no process has the id 1073741823"));
    let Some(tracee) = tracee() else { return };
    let busy = Busy::start(&tracee);
    let first = attach(&dir, busy.0.id());
    wait_until("the tracer", || is_traced(busy.0.id()));
    let second = attach(&TempDir::new().unwrap(), busy.0.id()).wait_with_output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&second.stderr).contains("is traced by process"), "{second:?}");
    signal(first.id(), Signal::SIGINT);
    first.wait_with_output().unwrap();
    if !is_root() {
        return;
    }
    let program = dir.path().join("dump-copy");
    std::fs::copy(support::dump(), &program).unwrap();
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let script = format!("{} {}/out all --pid {}", program.display(), dir.path().display(), busy.0.id());
    let output =
        Command::new("setpriv").args(["--reuid=65534", "--clear-groups", "sh", "-c", &script]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("belongs to another user"), "{output:?}");
}
