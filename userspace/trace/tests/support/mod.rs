// SPDX-License-Identifier: Apache-2.0

//! Runs the example `dump`, which is a tracer, and reads what it wrote. Each test file uses a part of this.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "each test uses a part; it fails by panicking"
)]

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use tempfile::TempDir;

/// One record, as `dump` prints it.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    fields: HashMap<String, String>,
}

impl Line {
    fn parse(line: &str) -> Self {
        let mut parts = line.split('\t');
        let name = parts.next().unwrap_or_default().to_owned();
        let pairs = parts.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        // The header comes first and has the names that count.
        let mut fields = HashMap::new();
        for (key, value) in pairs {
            fields.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        }
        Self { name, fields }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.fields.contains_key(key)
    }

    pub(crate) fn get(&self, key: &str) -> &str {
        self.fields.get(key).map_or_else(|| panic!("no `{key}` in {self:?}"), String::as_str)
    }

    pub(crate) fn int(&self, key: &str) -> i64 {
        self.get(key).parse().unwrap_or_else(|_| panic!("no number: `{key}` in {self:?}"))
    }
}

/// What a traced command and its tracer left.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) output: Output,
    pub(crate) lines: Vec<Line>,
}

impl Run {
    /// Returns the events of this name.
    pub(crate) fn events(&self, name: &str) -> Vec<&Line> {
        self.lines.iter().filter(|line| line.name == name).collect()
    }

    /// Returns the calls of this name on this path.
    pub(crate) fn on_path(&self, name: &str, key: &str, path: &Path) -> Vec<&Line> {
        let path = path.to_str().unwrap();
        self.events(name).into_iter().filter(|line| line.get(key) == path).collect()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    /// Fails unless every event seen was committed, and every committed one read.
    pub(crate) fn check_books(&self) {
        let outcome = self.lines.last().expect("an outcome");
        assert_eq!((outcome.name.as_str(), outcome.get("balances"), outcome.int("dropped")), ("outcome", "true", 0));
        assert_eq!(outcome.int("unaccounted"), 0, "nothing is kept of a thread that is gone");
        assert_eq!(outcome.int("committed"), outcome.int("decoded"));
    }
}

/// Returns the tracer: the example of this crate, which is built with the tests.
pub(crate) fn dump() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests.parent().unwrap().parent().unwrap().join("examples/dump")
}

/// Reads what `dump` wrote.
pub(crate) fn read(file: &Path) -> Vec<Line> {
    std::fs::read_to_string(file).unwrap().lines().map(Line::parse).collect()
}

/// Traces a command to its end, with those calls recorded.
pub(crate) fn run(calls: &str, command: &[&str]) -> Run {
    run_with(calls, command, |_| {})
}

pub(crate) fn run_with(calls: &str, command: &[&str], change: impl FnOnce(&mut Command)) -> Run {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("dump");
    let mut dump = Command::new(dump());
    dump.arg(&file).arg(calls).arg("--").args(command);
    change(&mut dump);
    let output = dump.output().unwrap();
    let run = Run { output, lines: read(&file) };
    run.check_books();
    run
}

/// Returns the program that the tests trace, or says why not and returns `None`.
pub(crate) fn tracee() -> Option<String> {
    static PROGRAM: OnceLock<Option<(TempDir, String)>> = OnceLock::new();
    let built = PROGRAM.get_or_init(|| {
        let dir = TempDir::new().unwrap();
        let program = dir.path().join("tracee").to_str().unwrap().to_owned();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/tracee.c");
        let status = match Command::new("cc").args(["-O1", "-pthread", "-o", &program, source]).status() {
            Ok(status) => status,
            Err(err) => {
                eprintln!("skipped: no C compiler: {err}");
                return None;
            }
        };
        assert!(status.success(), "the traced program does not compile");
        Some((dir, program))
    });
    built.as_ref().map(|(_, program)| program.clone())
}

/// Returns whether we are root; if not, says that the test is skipped.
pub(crate) fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: only root can do this");
    }
    root
}

/// Waits until `ready` is true; fails after a long time.
pub(crate) fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if ready() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("waited in vain: {what}");
}

/// Returns the state letter of a process, or `None` once it is gone.
pub(crate) fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}
