// SPDX-License-Identifier: Apache-2.0

//! Signals and job control: what arrives, what stops and what goes on is as it would be untraced.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use support::{read, run, run_with, state, tracee, wait_until};
use tempfile::TempDir;

fn signal(pid: u32, signal: Signal) {
    kill(Pid::from_raw(pid.try_into().unwrap()), signal).unwrap();
}

/// A tracer in the background whose script wrote its process id into a file.
struct Background {
    dir: TempDir,
    dump: Child,
    pid: u32,
}

impl Background {
    /// Starts `script`, in which `$OUT` is a folder; it must write its process id to `$OUT/pid`.
    fn start(script: &str) -> Self {
        let dir = TempDir::new().unwrap();
        let dump = Command::new(support::dump())
            .arg(dir.path().join("dump"))
            .args(["execve,kill", "--", "sh", "-c", script])
            .env("OUT", dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let read = || std::fs::read_to_string(dir.path().join("pid")).unwrap_or_default();
        wait_until("the script", || read().ends_with('\n'));
        let pid = read().trim().parse().unwrap();
        Self { dir, dump, pid }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn end(mut self) -> (Option<i32>, Vec<support::Line>) {
        let status = self.dump.wait().unwrap();
        (status.code(), read(&self.path("dump")))
    }
}

fn exists(path: &Path) -> bool {
    path.exists()
}

#[test]
fn signals_arrive_with_what_came_with_them() {
    let Some(tracee) = tracee() else { return };
    for what in ["rtsig", "trap", "setuid"] {
        let ran = run("kill,tgkill", &[&tracee, what]);
        assert!(ran.output.status.success(), "{what}: {:?} {}", ran.output.status, ran.stderr());
    }
}

#[test]
fn deliveries_are_recorded_with_their_sender() {
    let ran = run("kill", &["sh", "-c", "trap 'exit 3' USR1; kill -USR1 $$"]);
    assert_eq!(ran.output.status.code(), Some(3));
    let delivered = ran.events("signaldeliver").into_iter().find(|line| line.int("sig") == 10).unwrap();
    assert_eq!((delivered.get("spid"), delivered.get("dpid")), (delivered.get("pid"), delivered.get("pid")));
}

#[test]
fn masks_and_dispositions_are_those_of_the_start() {
    let mask = "grep -E '^Sig(Blk|Ign)' /proc/self/status";
    let plain = Command::new("sh").args(["-c", mask]).output().unwrap();
    let traced = run("execve", &["sh", "-c", mask]);
    assert_eq!(String::from_utf8_lossy(&traced.output.stdout), String::from_utf8_lossy(&plain.stdout));
    // A closed pipe ends a command, as it does untraced.
    let ran = run("execve", &["sh", "-c", "(yes; echo $? >&2) | head -1 >/dev/null"]);
    assert!(ran.stderr().contains("141"), "{}", ran.stderr());
}

#[test]
fn a_stopped_job_stays_stopped_until_it_is_continued() {
    let traced = Background::start("echo $$ > $OUT/pid; while ! [ -e $OUT/go ]; do sleep 0.01; done; exit 5");
    signal(traced.pid, Signal::SIGSTOP);
    wait_until("the stop", || matches!(state(traced.pid), Some('t' | 'T')));
    std::fs::write(traced.path("go"), "").unwrap();
    // It would take 10 ms to end, were it running.
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(matches!(state(traced.pid), Some('t' | 'T')));
    signal(traced.pid, Signal::SIGCONT);
    assert_eq!(traced.end().0, Some(5));
}

#[test]
fn a_job_that_is_stopped_right_after_it_was_continued_stops_again() {
    let script = r#"my $job = fork; if (!$job) { sleep 1 while 1 }
        $SIG{ALRM} = sub { kill KILL => $job; exit 1 }; alarm 60;
        kill STOP => $job;
        for (1 .. 20) { waitpid($job, WUNTRACED) == $job or die; kill CONT => $job; kill STOP => $job }
        kill KILL => $job; waitpid $job, 0; waitpid $job, 0; print "went on""#;
    let ran = run("execve", &["perl", "-MPOSIX", "-e", script]);
    assert!(String::from_utf8_lossy(&ran.output.stdout).contains("went on"), "{ran:?}");
}

#[test]
fn a_traced_shell_sees_its_jobs_stop_and_go_on() {
    let script = "set -m; sleep 1000 & kill -STOP $!; while ! jobs | grep -q Stopped; do sleep 0.01; done
        kill -CONT $!; while jobs | grep -q Stopped; do sleep 0.01; done; kill $!; wait $!; echo $?";
    let ran = run("execve", &["bash", "-c", script]);
    assert!(String::from_utf8_lossy(&ran.output.stdout).contains("143"), "{ran:?}");
}

#[test]
fn a_killed_command_is_told_by_its_status() {
    let traced = Background::start("echo $$ > $OUT/pid; while :; do sleep 0.01; done");
    signal(traced.pid, Signal::SIGKILL);
    let (status, lines) = traced.end();
    assert_eq!(status, Some(128 + 9));
    let ends = lines.iter().filter(|line| line.name == "procexit" && line.int("sig") == 9);
    assert_eq!(ends.count(), 1);
}

#[test]
fn a_tracer_that_is_told_to_end_tells_its_command() {
    let traced =
        Background::start("trap 'echo > $OUT/told; exit 4' TERM; echo $$ > $OUT/pid; while :; do sleep 0.01; done");
    signal(traced.dump.id(), Signal::SIGTERM);
    let told = traced.path("told");
    wait_until("the command to be told", || exists(&told));
    let (status, lines) = traced.end();
    assert_eq!((status, lines.last().unwrap().name.as_str()), (Some(4), "outcome"), "and drains what is recorded");
}

#[test]
fn told_again_it_kills_the_tree() {
    let script =
        "trap '' TERM; (trap '' TERM; while :; do sleep 0.01; done) & echo $$ > $OUT/pid; while :; do sleep 0.01; done";
    let mut traced = Background::start(script);
    signal(traced.dump.id(), Signal::SIGTERM);
    let dump = Pid::from_raw(traced.dump.id().try_into().unwrap());
    wait_until("the end", || {
        let _ = kill(dump, Signal::SIGTERM);
        traced.dump.try_wait().unwrap().is_some()
    });
    assert_eq!(traced.end().0, Some(128 + 9));
}

#[test]
fn what_was_ignored_stays_ignored() {
    let ran = run_with("execve", &["sh", "-c", "kill -HUP $$; echo alive"], |dump| {
        let inner = dump.get_args().map(ToOwned::to_owned).collect::<Vec<_>>();
        let mut nohup = Command::new("nohup");
        nohup.arg(dump.get_program()).args(inner).stdin(Stdio::null());
        *dump = nohup;
    });
    assert_eq!(ran.output.stdout, b"alive\n", "{}", ran.stderr());
}

/// Runs a traced script on a terminal of its own and types `keys` once it is ready; returns what it printed.
fn on_terminal(script: &str, keys: &[u8]) -> Option<String> {
    let dir = TempDir::new().unwrap();
    // Ctrl-C reaches the outer shell, too. Some shells die of it at once, some only if their command did; one that
    // has a trap lives to tell the status, and what it starts still begins without a trap.
    let inner = format!(
        "trap : INT; {} {}/dump execve -- sh -c '{script}'; echo status $?",
        support::dump().display(),
        dir.path().display()
    );
    let spawned = Command::new("script")
        .args(["-qec", &inner, "/dev/null"])
        .env("OUT", dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut terminal) = spawned else {
        eprintln!("skipped: no `script` to make a terminal with");
        return None;
    };
    wait_until("the script", || dir.path().join("ready").exists());
    terminal.stdin.as_mut().unwrap().write_all(keys).unwrap();
    let output = terminal.wait_with_output().unwrap();
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn ctrl_c_is_left_to_the_command() {
    let Some(printed) = on_terminal("trap \"exit 9\" INT; echo > $OUT/ready; while :; do sleep 0.01; done", b"\x03")
    else {
        return;
    };
    assert!(printed.contains("status 9"), "{printed}");
    let Some(printed) = on_terminal("echo > $OUT/ready; while :; do sleep 0.01; done", b"\x03") else { return };
    assert!(printed.contains("status 130"), "{printed}");
}

#[test]
fn a_terminal_reaches_the_command() {
    let Some(printed) = on_terminal("echo > $OUT/ready; read line; echo got $line; test -t 0 && exit 6", b"typed\n")
    else {
        return;
    };
    assert!(printed.contains("got typed") && printed.contains("status 6"), "{printed}");
}

/// An interactive shell on a terminal of its own.
struct Shell {
    dir: TempDir,
    script: Child,
}

impl Shell {
    fn start() -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let spawned = Command::new("script")
            .args(["-qec", "bash --norc --noprofile -i", "/dev/null"])
            .env("OUT", dir.path())
            .env("DUMP", support::dump())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(script) = spawned else {
            eprintln!("skipped: no `script` to make a terminal with");
            return None;
        };
        Some(Self { dir, script })
    }

    fn type_in(&mut self, keys: &str) {
        self.script.stdin.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for a file that something on the terminal makes, whole lines of it.
    fn wait_for(&self, name: &str) -> String {
        let path = self.dir.path().join(name);
        let read = || std::fs::read_to_string(&path).unwrap_or_default();
        wait_until(name, || read().ends_with('\n'));
        read()
    }

    fn end(mut self) -> String {
        self.type_in("exit\n");
        let output = self.script.wait_with_output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

#[test]
fn ctrl_z_stops_the_job_and_fg_continues_it() {
    let Some(mut shell) = Shell::start() else { return };
    shell.type_in(
        "$DUMP $OUT/dump execve,openat -- sh -c 'echo $$ > $OUT/pid; while ! [ -e $OUT/go ]; do sleep 0.01; done; exit 5'\n",
    );
    let pid = shell.wait_for("pid").trim().parse().unwrap();
    for round in 0..5 {
        shell.type_in("\x1a");
        // The shell reads this only once it has the terminal back.
        shell.type_in(&format!("jobs > $OUT/jobs{round}\n"));
        assert!(shell.wait_for(&format!("jobs{round}")).contains("Stopped"), "the shell sees that the job stopped");
        wait_until("the command to stop as well", || matches!(state(pid), Some('t' | 'T')));
        if round == 4 {
            std::fs::write(shell.dir.path().join("go"), "").unwrap();
        }
        shell.type_in("fg\n");
        wait_until("the job to go on", || !matches!(state(pid), Some('t' | 'T')));
    }
    shell.type_in("echo $? > $OUT/status\n");
    assert_eq!(shell.wait_for("status"), "5\n");
    shell.end();
}
