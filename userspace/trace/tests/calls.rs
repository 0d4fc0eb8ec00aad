// SPDX-License-Identifier: Apache-2.0

//! What is recorded of single calls: paths, addresses, ABIs, counts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use support::{is_root, run, run_with, tracee};
use tempfile::TempDir;

/// A folder with a file `secret`, and its real path.
fn folder() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().canonicalize().unwrap();
    std::fs::write(path.join("secret"), "secret").unwrap();
    (dir, path)
}

#[test]
fn every_open_and_close_is_recorded_once() {
    let Some(tracee) = tracee() else { return };
    let (_dir, path) = folder();
    let secret = path.join("secret");
    let run = run("openat,close", &[&tracee, "open", secret.to_str().unwrap(), "1000"]);
    assert!(run.output.status.success());
    let opens = run.on_path("openat", "realpath", &secret);
    assert_eq!(opens.len(), 1000);
    let fd = opens[0].get("fd");
    let closes = run.events("close").iter().filter(|line| line.get("fd") == fd && line.int("res") == 0).count();
    assert!(closes >= 1000, "{closes}");
    assert!(run.events("read").is_empty(), "nobody asked for it");
}

#[test]
fn all_ways_to_a_file_lead_to_its_real_path() {
    let (_dir, path) = folder();
    let secret = path.join("secret");
    symlink(&secret, path.join("link")).unwrap();
    symlink(&path, path.join("around")).unwrap();
    let text = secret.to_str().unwrap();
    for name in ["link", "around/link", "./secret", "around/around/../secret"] {
        let run = run_with("openat", &["cat", name], |dump| _ = dump.current_dir(&path));
        // What `around/..` means depends on the walk.
        let expected = run.events("openat").into_iter().find(|line| line.get("name") == name).unwrap();
        match name {
            "around/around/../secret" => assert_eq!(expected.int("fd"), -2),
            _ => assert_eq!((expected.get("realpath"), expected.int("ino") > 0), (text, true), "{name}"),
        }
    }
    let Some(tracee) = tracee() else { return };
    let run = run("openat,open", &[&tracee, "openat", path.to_str().unwrap(), "link"]);
    assert!(run.output.status.success());
    assert_eq!(run.on_path("openat", "realpath", &secret).len(), 2, "by descriptor, and in the working directory");
}

#[test]
fn names_that_vanish_are_resolved_before() {
    let Some(tracee) = tracee() else { return };
    let (_dir, path) = folder();
    std::fs::create_dir(path.join("sub")).unwrap();
    std::fs::create_dir(path.join("real")).unwrap();
    std::fs::write(path.join("real/old"), "").unwrap();
    symlink(path.join("real"), path.join("link")).unwrap();
    symlink("/nowhere", path.join("dangling")).unwrap();
    let run = run("renameat,unlinkat,unlink,chdir", &[&tracee, "unlink", path.to_str().unwrap()]);
    assert!(run.output.status.success(), "{}", run.stderr());
    let real = |name: &str| path.join(name).to_str().unwrap().to_owned();
    let renamed = run.events("renameat")[0];
    assert_eq!((renamed.get("realold"), renamed.get("realnew")), (&*real("real/old"), &*real("sub/new")));
    assert_eq!(run.events("unlinkat")[0].get("realpath"), real("sub/new"));
    assert_eq!(run.events("unlink")[0].get("realpath"), real("dangling"), "the link, not where it points");
}

#[test]
fn a_chroot_does_not_hide_where_a_file_is() {
    let Some(tracee) = tracee() else { return };
    if !is_root() {
        return;
    }
    let (_dir, path) = folder();
    symlink("/secret", path.join("link")).unwrap();
    let root = path.to_str().unwrap();
    let run = run("openat,unlink,chroot", &[&tracee, "chroot", root, "/link"]);
    assert!(run.output.status.success(), "{}", run.stderr());
    assert_eq!(run.on_path("openat", "realpath", &path.join("secret")).len(), 1);
    assert_eq!(run.events("unlink")[0].get("realpath"), path.join("link").to_str().unwrap());
    assert_eq!(run.events("chroot")[0].get("realpath"), root);
}

#[test]
fn calls_of_all_abis_are_told_apart() {
    let Some(tracee) = tracee() else { return };
    let (_dir, path) = folder();
    let secret = path.join("secret");
    let text = secret.to_str().unwrap();
    let run32 = run("open,socket,close", &[&tracee, "open32", text]);
    assert!(run32.output.status.success(), "{}", run32.stderr());
    let open = run32.on_path("open", "realpath", &secret)[0];
    assert_eq!((open.get("origin"), open.get("name")), ("Ia32", text));
    let socket = run32.events("socket")[0];
    assert_eq!((socket.get("origin"), socket.int("domain"), socket.int("type")), ("Ia32", 1, 1), "in socketcall");
    let run_x32 = run("openat", &[&tracee, "openx32", text]);
    assert!(run_x32.output.status.success(), "{}", run_x32.stderr());
    let open = run_x32.events("openat").into_iter().find(|line| line.get("name") == text).unwrap();
    assert_eq!(open.get("origin"), "X32");
}

#[test]
fn a_connection_is_told_by_its_socket() {
    let Some(tracee) = tracee() else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let run = run("connect,sendto", &[&tracee, "connect", &port.to_string()]);
    assert!(run.output.status.success(), "{}", run.stderr());
    let client = listener.accept().unwrap().1.port();
    let end = |port: u16| [&[127, 0, 0, 1][..], &port.to_le_bytes()].concat();
    let tuple = format!("{:02x?}", [vec![2], end(client), end(port)].concat());
    assert_eq!(run.events("connect")[0].get("tuple"), tuple);
    assert_eq!(run.events("sendto")[0].get("data"), "hello");
}

#[test]
fn files_that_are_made_are_told_from_those_that_were_there() {
    const O_F_CREATED: i64 = 0x4000;
    let Some(tracee) = tracee() else { return };
    let (_dir, path) = folder();
    std::fs::write(path.join("old"), "").unwrap();
    symlink("target", path.join("link")).unwrap();
    let run = run("open,openat,openat2,creat", &[&tracee, "create", path.to_str().unwrap()]);
    assert!(run.output.status.success(), "{}", run.stderr());
    let made = |event: &str, name: &str, flags: &str| -> Vec<bool> {
        let lines = run.events(event).into_iter().filter(|line| line.get("name") == name && line.int("fd") >= 0);
        lines.map(|line| line.int(flags) & O_F_CREATED != 0).collect()
    };
    for name in ["plain", "at", "link"] {
        assert_eq!(made("openat", name, "flags"), [true, false], "{name}");
    }
    assert_eq!(made("open", "old", "flags"), [false, false]);
    assert_eq!(made("openat", "excl", "flags"), [true], "the second failed");
    assert_eq!(made("openat", "/dev/null", "flags"), [false]);
    assert_eq!(made("creat", "creat", "creat_flags"), [true, false]);
    let openat2 = made("openat2", "how", "flags");
    assert!(openat2.is_empty() || openat2 == [true, false], "{openat2:?}");
}

#[test]
fn a_path_that_changes_during_the_call_is_marked() {
    let Some(tracee) = tracee() else { return };
    let (_dir, path) = folder();
    // Whether the other thread writes in the right moment is up to the machine; it mostly does within a few calls.
    for _ in 0..50 {
        let run = run("unlink", &[&tracee, "race", path.to_str().unwrap(), "100"]);
        assert!(run.output.status.success(), "{}", run.stderr());
        let (constant, raced): (Vec<_>, Vec<_>) =
            run.events("unlink").into_iter().partition(|line| line.get("path") == "constant");
        assert_eq!((constant.len(), raced.len()), (100, 100));
        assert!(!constant.iter().any(|line| line.has("path~changed")), "nobody wrote there");
        if raced.iter().any(|line| line.has("path~changed")) {
            return;
        }
    }
    panic!("none of 5,000 calls is marked");
}

#[test]
fn what_is_not_known_is_absent_and_not_zero() {
    let Some(tracee) = tracee() else { return };
    let run = run("pipe,pipe2,socketpair,accept", &[&tracee, "pairs"]);
    assert!(run.output.status.success(), "{}", run.stderr());
    let pipes = [run.events("pipe"), run.events("pipe2")].concat();
    assert!(pipes.len() == 2 && pipes.iter().all(|line| line.int("ino") > 0), "{pipes:?}");
    let pair = run.events("socketpair")[0];
    assert!(pair.int("source") > 0 && pair.int("peer") > 0 && pair.get("source") != pair.get("peer"), "{pair:?}");
    let accept = run.events("accept")[0];
    assert_eq!(["queuepct", "queuelen", "queuemax"].map(|param| accept.get(param)), ["-"; 3], "{accept:?}");
}

#[test]
fn a_memory_file_is_no_file_of_that_name() {
    let Some(tracee) = tracee() else { return };
    let run = run("openat,memfd_create", &[&tracee, "memfd"]);
    assert!(run.output.status.success(), "{}", run.stderr());
    let open = run.events("openat").into_iter().next_back().unwrap();
    assert_eq!((open.get("realpath"), open.int("realflags")), ("/memfd:x", 4));
}

#[test]
fn of_a_process_that_hides_its_memory_the_calls_are_recorded() {
    let Some(tracee) = tracee() else { return };
    let (_dir, path) = folder();
    let secret = path.join("secret");
    let run = run("openat,prctl", &[&tracee, "hide", secret.to_str().unwrap()]);
    assert!(run.output.status.success(), "{}", run.stderr());
    let open = run.events("openat").into_iter().next_back().unwrap();
    let expected = if is_root() { secret.to_str().unwrap() } else { "-" };
    assert_eq!((open.int("fd") >= 0, open.get("realpath")), (true, expected));
}

#[test]
fn the_start_is_bootstrapped_from_proc() {
    let run = run("execve", &["true"]);
    let own = std::process::id().to_string();
    let host = run.events("host")[0];
    let tracer = host.get("self_pid");
    let tasks = run.events("task");
    let task = |pid: &str| tasks.iter().find(|line| line.get("pid") == pid).unwrap();
    assert_eq!(task(tracer).get("ppid"), own, "Saker itself, and the test that started it");
    assert_eq!(task(&own).get("origin"), "Procfs");
    assert!(!tasks.is_empty() && run.events("useradded").iter().any(|line| line.int("uid") == 0));
    let exec = run.events("execve")[0];
    assert_eq!((exec.get("ptid"), exec.get("comm"), exec.int("res")), (tracer, "true", 0));
    let child = task(exec.get("pid")).get("pid");
    let has_stdin = run
        .lines
        .iter()
        .any(|line| line.name.starts_with("task_file_") && line.get("pid") == child && line.get("fd") == "0");
    assert!(has_stdin, "descriptors of the command");
}
