//! Running the binary and reading what it printed.

use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Top of the repository.
pub(crate) fn repo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Material shared by the project's repositories; a checkout without it skips what needs it, and says so.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = repo().join("../shared").join(name);
    if !path.exists() {
        eprintln!("skipped: no `../shared/{name}` beside this checkout");
        return None;
    }
    Some(path)
}

/// Whether the tests run as root; what only root may do is skipped for others, with a word.
pub(crate) fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        eprintln!("skipped: needs root");
    }
    root
}

/// The trigger program (`tests/triggers`).
pub(crate) fn trigger() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_saker")).parent().unwrap().join("examples/trigger")
}

/// A folder that goes away with the test.
pub(crate) fn scratch() -> TempDir {
    tempfile::Builder::new().prefix("saker-e2e-").tempdir().unwrap()
}

/// `saker` with these arguments, no standard input, run from the top of the repository.
pub(crate) fn saker<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(args: I) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_saker"));
    command.args(args).current_dir(repo()).stdin(Stdio::null()).env_remove("NO_COLOR");
    command
}

/// Runs it to its end.
pub(crate) fn run<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(args: I) -> Output {
    saker(args).output().unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The alerts on standard output, leaving out what the watched program printed there.
pub(crate) fn alerts(output: &Output) -> Vec<Value> {
    alert_lines(output).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The same, as the lines they are.
pub(crate) fn alert_lines(output: &Output) -> Vec<String> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| line.starts_with("{\"") && line.contains("\"output_fields\""))
        .map(str::to_owned)
        .collect()
}

pub(crate) fn rules_of(alerts: &[Value]) -> Vec<&str> {
    alerts.iter().map(|alert| alert["rule"].as_str().unwrap()).collect()
}

/// The object that `--stats --json` prints to stderr.
pub(crate) fn stats(output: &Output) -> Value {
    let text = stderr(output);
    let line =
        text.lines().find(|line| line.starts_with("{\"books\"")).unwrap_or_else(|| panic!("no books in: {text}"));
    serde_json::from_str(line).unwrap()
}

/// Asserts that both sides of the books agree, and returns how many records were committed.
pub(crate) fn assert_books(stats: &Value) -> u64 {
    let books = &stats["books"];
    let mut committed = 0;
    for class in ["ordinary", "state", "critical"] {
        let row = &books["producer"][class];
        let n = |key: &str| row[key].as_u64().unwrap_or_else(|| panic!("no `{key}` in {row}"));
        let dropped: u64 = row["dropped"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
        assert_eq!(n("seen"), n("committed") + n("filtered") + n("discarded") + dropped, "{class}: {row}");
        committed += n("committed");
    }
    let own = books["producer"]["own"].as_u64().unwrap();
    let reader = &books["reader"];
    let n = |key: &str| reader[key].as_u64().unwrap();
    assert_eq!(n("decoded") + n("skipped") + n("refused"), committed + own, "{books}");
    assert_eq!((n("skipped"), n("refused")), (0, 0), "{books}");
    committed
}
