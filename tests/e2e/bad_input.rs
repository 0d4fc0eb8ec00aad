//! What goes wrong is said clearly, with the right exit status, and costs nothing that was written.

use crate::support::{is_root, run, saker, scratch, stderr};
use std::path::Path;
use std::process::{Command, Output};

#[test]
fn a_command_that_is_not_there() {
    let output = run(["run", "--", "no-such-command-here"]);
    assert_eq!(output.status.code(), Some(127));
    assert!(stderr(&output).contains("no-such-command-here"), "{}", stderr(&output));
}

#[test]
fn a_command_that_cannot_be_executed() {
    let dir = scratch();
    let file = dir.path().join("data");
    std::fs::write(&file, "not a program").unwrap();
    let output = run(["run", "--", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(126), "{}", stderr(&output));
}

/// Each kind of error in a rule file: the text, and what the message must hold.
const BAD_RULES: &[(&str, &str, &[&str])] = &[
    ("not yaml", "- rule: [\n", &["bad.yaml:2:1"]),
    ("not a list", "rule: x\n", &["bad.yaml:1:1"]),
    ("missing key", "- rule: x\n  condition: evt.num > 0\n", &["bad.yaml:1:", "output"]),
    (
        "unknown field",
        concat!("- rule: x\n  desc: x\n  condition: ", "proc.nam = x", "\n  output: x\n  priority: INFO\n"),
        &["bad.yaml:3:14", "proc.nam", "proc.name", "^"],
    ),
    (
        "syntax",
        concat!("- rule: x\n  desc: x\n  condition: ", "proc.name = (a", "\n  output: x\n  priority: INFO\n"),
        &["bad.yaml:3:", "^"],
    ),
    (
        "unknown macro",
        concat!("- rule: x\n  desc: x\n  condition: ", "no_such_macro", "\n  output: x\n  priority: INFO\n"),
        &["bad.yaml:3:14", "no_such_macro"],
    ),
    (
        "wrong type",
        concat!("- rule: x\n  desc: x\n  condition: ", "fd.num = many", "\n  output: x\n  priority: INFO\n"),
        &["bad.yaml:3:", "many"],
    ),
    (
        "wrong operator",
        concat!("- rule: x\n  desc: x\n  condition: ", "proc.name bcontains 00", "\n  output: x\n  priority: INFO\n"),
        &["bad.yaml:3:"],
    ),
    (
        "unknown event",
        concat!("- rule: x\n  desc: x\n  condition: ", "evt.type = opne", "\n  output: x\n  priority: INFO\n"),
        &["bad.yaml:3:", "opne"],
    ),
    (
        "bad regex",
        concat!("- rule: x\n  desc: x\n  condition: ", "proc.name regex '('", "\n  output: x\n  priority: INFO\n"),
        &["bad.yaml:3:"],
    ),
    (
        "bad priority",
        "- rule: x\n  desc: x\n  condition: evt.num > 0\n  output: x\n  priority: HIGH\n",
        &["bad.yaml:5:", "HIGH"],
    ),
    (
        "bad output",
        "- rule: x\n  desc: x\n  condition: evt.num > 0\n  output: '%proc.nam'\n  priority: INFO\n",
        &["bad.yaml:4:", "proc.nam"],
    ),
    ("macro loop", "- macro: a\n  condition: b\n- macro: b\n  condition: a\n", &["bad.yaml:"]),
];

#[test]
fn rules_that_cannot_do_anything_are_said() {
    let dir = scratch();
    let file = dir.path().join("r.yaml");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    for nothing in [
        "",
        "- list: a\n  items: []\n",
        "- rule: k\n  desc: x\n  condition: a\n  output: x\n  priority: INFO\n  source: k8s\n",
    ] {
        std::fs::write(&file, nothing).unwrap();
        let output = run(["run", "-r", &text(&file), "--", "true"]);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        assert!(stderr(&output).contains("no rule is enabled"), "{nothing:?}: {}", stderr(&output));
    }
    std::fs::write(&file, b"- rule: \xff\n").unwrap();
    let output = run(["rules", "check", &text(&file)]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let output = run(["rules", "check", &text(dir.path().join("none").as_path())]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn every_kind_of_error_in_a_rule_file() {
    let dir = scratch();
    let file = dir.path().join("bad.yaml");
    for (what, text, expected) in BAD_RULES {
        std::fs::write(&file, text).unwrap();
        let output = run(["run", "-r", file.to_str().unwrap(), "--", "true"]);
        let message = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{what}: {message}");
        for part in *expected {
            assert!(message.contains(part), "{what}: no `{part}` in:\n{message}");
        }
        assert!(!message.contains("panicked"), "{what}: {message}");
    }
}

#[test]
fn a_rule_file_that_is_not_there() {
    let output = run(["run", "-r", "/no/such/rules.yaml", "--", "true"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("/no/such/rules.yaml"), "{}", stderr(&output));
}

#[test]
fn a_process_that_is_not_there() {
    let output = run(["run", "--pid", "4194300"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("4194300"), "{}", stderr(&output));
}

#[test]
fn a_process_that_may_not_be_traced() {
    if !is_root() {
        return;
    }
    let output = run_as_nobody(&["run", "--pid", "1"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let message = stderr(&output);
    assert!(message.contains("permi") || message.contains("not allowed"), "{message}");
}

#[test]
fn an_ordinary_user_gets_detections() {
    if !is_root() {
        return;
    }
    let output = run_as_nobody(&["run", "--json", "--", "find", "/tmp", "-maxdepth", "1", "-name", "id_rsa"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"rule\""), "{}", stderr(&output));
}

/// Runs a copy of the binary, for its folder is not always open to all, as the user `nobody`.
fn run_as_nobody(args: &[&str]) -> Output {
    let dir = scratch();
    let binary = dir.path().join("saker");
    std::fs::copy(env!("CARGO_BIN_EXE_saker"), &binary).unwrap();
    make_public(dir.path());
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    Command::new("setpriv").args(user).arg(&binary).args(args).output().unwrap()
}

fn make_public(dir: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    for path in [dir.to_path_buf(), dir.join("saker")] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn a_full_disk_while_recording() {
    if !is_root() {
        return;
    }
    let dir = scratch();
    let disk = dir.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    // The mount lives in a namespace of its own and goes away with it.
    let script = format!(
        "mount -t tmpfs -o size=2m tmpfs {0} && {1} record -o {0}/full.skr -- find /usr/share /usr/lib -type f >/dev/null; \
         echo status $?; {1} capture info {0}/full.skr; {1} events --count {0}/full.skr",
        disk.display(),
        env!("CARGO_BIN_EXE_saker")
    );
    let output = Command::new("unshare").args(["-m", "sh", "-c", &script]).output().unwrap();
    let (text, message) = (String::from_utf8_lossy(&output.stdout).into_owned(), stderr(&output));
    if message.contains("unshare failed") || message.contains("mount:") {
        eprintln!("skipped: cannot mount a small disk here: {message}");
        return;
    }
    assert!(text.contains("status 2"), "{text}\n{message}");
    assert!(message.contains("No space left"), "{message}");
    assert!(text.contains("openat"), "what was written is still there: {text}\n{message}");
    assert!(!message.contains("panicked"), "{message}");
}

#[test]
fn wrong_usage_is_status_two() {
    for args in [&["run"][..], &["nonsense"], &["replay"], &["run", "--ring-mib", "3", "--", "true"]] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
    }
}

#[test]
fn a_wrong_filter_is_explained() {
    let output = run(["events", "--filter", "evt.type = opne", "any.skr"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    for part in ["--filter: ", "`opne`", "\nevt.type = opne\n", "^"] {
        assert!(stderr(&output).contains(part), "no `{part}` in:\n{}", stderr(&output));
    }
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let script = format!("{} syscalls | head -n 1", saker([""; 0]).get_program().display());
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(!stderr(&output).contains("panicked"), "{}", stderr(&output));
}

#[test]
fn a_limit_of_file_sizes_ends_the_capture_and_not_the_watching() {
    let dir = scratch();
    let file = dir.path().join("limited.skr").display().to_string();
    // The command has the limit too, and the signal as it would have it untraced.
    let script = format!(
        "ulimit -f 1200; exec {} record -o {file} -- sh -c 'for i in $(seq 40); do head -c 100000 /dev/zero >/dev/null; sleep 0.1; done; \
         head -c 2000000 /dev/zero > {}/big; echo $? >&2'",
        env!("CARGO_BIN_EXE_saker"),
        dir.path().display()
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("limited.skr: no space left") && said.contains("\n153\n"), "{said}");
    let info = run(["capture", "info", "--json", &file]);
    let info: serde_json::Value = serde_json::from_slice(&info.stdout).unwrap();
    assert!(info["sections"].as_u64() > Some(0) && info["damage"][0]["bytes_lost"] == 0, "{info}");
}
