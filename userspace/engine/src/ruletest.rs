//! Tests of rules: synthetic events and the alerts they must give, as TOML beside the rules.
//!
//! ```toml
//! [[case]]
//! name = "shadow read by cat"
//! rules = ["../credentials.yaml"]          # relative to this file
//! prelude = ["useradded uid=1000 name=ann"] # records before the events; may be left out
//! events = [
//!     "execve pid=7 exe=/bin/cat args=[/etc/shadow]",
//!     "openat pid=7 name=/etc/shadow flags=O_RDONLY res=3",
//! ]
//! alerts = [{ rule = "Read sensitive file", at = 2, fields = { "proc.name" = "cat" } }]
//! ignore = ["Some other rule"]              # its alerts do not matter here
//! ```
//! `alerts` is the whole truth: an alert that is not listed fails the case, and a case without `alerts` says that
//! nothing fires. `at` counts events from 1, as `evt.num` does. Files that come before a rule file in its folder are
//! loaded before it, as in production, for the lists and macros they hold; only the alerts of rules in the files named
//! count. Lines are those of `saker_event::parse_line`; what a line leaves out is
//! filled in sensibly: a millisecond between events, the host, root, and for `execve` what follows from `exe`.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use saker_event::{RecordBuf, parse_line};
use saker_state::Budget;
use serde::Deserialize;

use crate::alert::{Alert, condition_values};
use crate::engine::Engine;
use crate::format::FieldValue;
use crate::loader::{LoadConfig, SourceFile, load};
use crate::ruleset::{Rule, Ruleset};

/// First time of a case on the boot clock; leaves room for processes that started before.
const START_NS: u64 = 3_600_000_000_000;
const STEP_NS: u64 = 1_000_000;
/// What every case begins with: 2026-01-01 UTC, and root.
const BASE: &[&str] = &[
    "clock ts=0 offset_ns=1767222000000000000",
    "host ts=0 hostname=test utc_offset_s=0 boot_epoch_ns=1767222000000000000 num_cpus=1 kernel=test self_pid=1",
    "useradded ts=0 uid=0 gid=0 name=root home=/root shell=/bin/bash",
    "groupadded ts=0 gid=0 name=root",
];

/// Why a test file cannot be run.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct TestError {
    file: String,
    problem: String,
}

/// A file of cases.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestFile {
    #[serde(skip)]
    name: String,
    #[serde(rename = "case")]
    cases: Vec<TestCase>,
}

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestCase {
    name: String,
    rules: OneOrMany,
    #[serde(default)]
    prelude: Vec<String>,
    events: Vec<String>,
    #[serde(default)]
    alerts: Vec<Expected>,
    #[serde(default)]
    ignore: BTreeSet<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Many(names) => names,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    rule: String,
    at: Option<usize>,
    #[serde(default)]
    fields: BTreeMap<String, toml::Value>,
}

/// Outcome of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseReport {
    /// Name of the case.
    pub name: String,
    /// What is wrong, each with the values that led there; empty if the case passes.
    pub failures: Vec<String>,
    /// Rules that fired as expected.
    pub fired: BTreeSet<String>,
    /// Rules that were loaded and stayed silent as expected.
    pub silent: BTreeSet<String>,
}

impl CaseReport {
    /// Whether everything was as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

impl TestFile {
    /// Reads cases from text; `name` is what messages call it.
    ///
    /// # Errors
    /// If the text is no TOML of the form above; the message has line and column.
    pub fn parse(name: &str, text: &str) -> Result<Self, TestError> {
        let fail = |problem: String| TestError { file: name.to_owned(), problem };
        let file: Self = toml::from_str(text).map_err(|err| fail(err.to_string()))?;
        Ok(Self { name: name.to_owned(), ..file })
    }

    /// Reads a file of cases.
    ///
    /// # Errors
    /// If the file cannot be read or parsed.
    pub fn read(path: &Path) -> Result<Self, TestError> {
        let name = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|err| TestError { file: name.clone(), problem: err.to_string() })?;
        Self::parse(&name, &text)
    }

    /// The cases.
    #[must_use]
    pub fn cases(&self) -> &[TestCase] {
        &self.cases
    }

    /// Runs every case. Rule files are looked for relative to `base`, the folder of the test file.
    ///
    /// # Errors
    /// If rules do not load or a line is no event; a rule that fires wrongly is a failure in the report instead.
    pub fn run(&self, base: &Path) -> Result<Vec<CaseReport>, TestError> {
        // Most cases of a file name the same rules; loading is most of the work.
        let mut loaded: HashMap<&[String], Tested> = HashMap::new();
        let mut reports = Vec::with_capacity(self.cases.len());
        for case in &self.cases {
            let fail = |problem: String| TestError {
                file: self.name.clone(),
                problem: format!("case `{}`: {problem}", case.name),
            };
            let names = case.rules.names();
            let tested = match loaded.entry(names) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(Files::of(names, base).and_then(Files::load).map_err(fail)?),
            };
            reports.push(case.run_tested(tested).map_err(fail)?);
        }
        Ok(reports)
    }
}

/// Rule files in the order of loading, and which of them are under test.
#[derive(Default)]
struct Files {
    all: Vec<Arc<SourceFile>>,
    tested: BTreeSet<String>,
}

impl Files {
    fn read(&mut self, path: &Path, tested: bool) -> Result<(), String> {
        for file in SourceFile::read(path).map_err(|err| err.to_string())? {
            if tested {
                self.tested.insert(file.name().to_owned());
            }
            if !self.all.iter().any(|known| known.name() == file.name()) {
                self.all.push(file);
            }
        }
        Ok(())
    }

    fn of(names: &[String], base: &Path) -> Result<Self, String> {
        let mut files = Self::default();
        for name in names {
            let path = base.join(name);
            for before in earlier(&path) {
                files.read(&before, false)?;
            }
            files.read(&path, true)?;
        }
        Ok(files)
    }

    fn load(self) -> Result<Tested, String> {
        let loaded =
            load(&self.all, &LoadConfig::default()).map_err(|failure| format!("rules do not load: {failure:#}"))?;
        Ok(Tested { ruleset: Arc::new(loaded.ruleset), files: self.tested })
    }
}

/// Rules, and the files whose rules are under test.
struct Tested {
    ruleset: Arc<Ruleset>,
    files: BTreeSet<String>,
}

impl Tested {
    fn counts(&self, rule: &Rule) -> bool {
        self.files.contains(rule.file())
    }

    fn engine(&self) -> Engine {
        Engine::new(Arc::clone(&self.ruleset), Budget::default())
    }
}

/// Rule files that come before this one in its folder.
fn earlier(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Vec::new() };
    if path.is_dir() {
        return Vec::new();
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_earlier = |path: &PathBuf| {
        path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml")
            && path.file_name().is_some_and(|other| other < name)
    };
    let mut paths: Vec<PathBuf> = entries.filter(is_earlier).collect();
    paths.sort();
    // Named from the path as given, so that a file read both ways has one name.
    paths.into_iter().filter_map(|path| path.file_name().map(|name| folder.join(name))).collect()
}

/// Records of a case, those before the events apart.
struct Stream {
    prelude: Vec<RecordBuf>,
    events: Vec<RecordBuf>,
}

impl TestCase {
    /// Name of the case.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs the case against rules given as text.
    ///
    /// # Errors
    /// If the rules do not load or a line is no event.
    pub fn run(&self, files: &[Arc<SourceFile>]) -> Result<CaseReport, String> {
        let tested = files.iter().map(|file| file.name().to_owned()).collect();
        self.run_tested(&Files { all: files.to_vec(), tested }.load()?)
    }

    fn run_tested(&self, tested: &Tested) -> Result<CaseReport, String> {
        let stream = self.stream()?;
        let mut engine = tested.engine();
        let mut alerts: Vec<(usize, Alert)> = Vec::new();
        stream.feed_prelude(&mut engine)?;
        for (at, record) in stream.events.iter().enumerate() {
            let raw = record.raw().map_err(|err| err.to_string())?;
            engine.feed(raw, |alert| alerts.push((at + 1, alert)));
        }
        let counts = |name: &str| engine.ruleset().find(name).is_some_and(|rule| tested.counts(rule));
        alerts.retain(|(_, alert)| counts(&alert.rule) && !self.ignore.contains(&alert.rule));
        let mut failures = Vec::new();
        let mut fired = BTreeSet::new();
        for expected in &self.alerts {
            if engine.ruleset().find(&expected.rule).is_none() {
                failures.push(format!("no rule `{}` is loaded", expected.rule));
                continue;
            }
            match expected.find(&alerts) {
                Some(found) => {
                    let (at, alert) = alerts.remove(found);
                    failures.extend(expected.wrong_fields(&alert).map(|problem| format!("event {at}: {problem}")));
                    fired.insert(alert.rule);
                }
                None => failures.push(self.describe_silence(expected, &stream, tested)?),
            }
        }
        for (at, alert) in &alerts {
            let values = self.values_at(&alert.rule, *at, &stream, tested)?;
            failures.push(format!("event {at}: rule `{}` fired unexpectedly{values}", alert.rule));
        }
        let enabled = engine.ruleset().rules().iter().filter(|rule| rule.is_enabled() && tested.counts(rule));
        let noisy: BTreeSet<&str> = alerts.iter().map(|(_, alert)| alert.rule.as_str()).collect();
        let expected: BTreeSet<&str> = self.alerts.iter().map(|expected| expected.rule.as_str()).collect();
        let silent = enabled.map(|rule| rule.name()).filter(|name| {
            !fired.contains(*name) && !noisy.contains(name) && !expected.contains(name) && !self.ignore.contains(*name)
        });
        let silent = silent.map(str::to_owned).collect();
        Ok(CaseReport { name: self.name.clone(), failures, fired, silent })
    }

    fn stream(&self) -> Result<Stream, String> {
        let base = BASE.iter().map(|line| (*line).to_owned()).chain(self.prelude.iter().cloned());
        let mut ts_ns = START_NS - STEP_NS * 1000;
        let prelude = base.map(|line| record(&line, &mut ts_ns)).collect::<Result<_, _>>()?;
        ts_ns = START_NS;
        let events = self.events.iter().map(|line| record(line, &mut ts_ns)).collect::<Result<_, _>>()?;
        Ok(Stream { prelude, events })
    }

    fn describe_silence(&self, expected: &Expected, stream: &Stream, tested: &Tested) -> Result<String, String> {
        let at = expected.at.unwrap_or(self.events.len());
        let values = self.values_at(&expected.rule, at, stream, tested)?;
        let place = expected.at.map_or("no event".to_owned(), |at| format!("event {at}"));
        Ok(format!("{place}: rule `{}` did not fire; at event {at}{values}", expected.rule))
    }

    /// The values of the fields in a rule's condition at an event, found by running the case again.
    fn values_at(&self, rule: &str, at: usize, stream: &Stream, tested: &Tested) -> Result<String, String> {
        let Some(rule) = tested.ruleset.find(rule) else { return Ok(String::new()) };
        let mut engine = tested.engine();
        stream.feed_prelude(&mut engine)?;
        let mut values = None;
        for record in stream.events.iter().take(at) {
            let raw = record.raw().map_err(|err| err.to_string())?;
            values = engine.view(raw, |view| condition_values(rule, view));
        }
        let Some(values) = values else { return Ok(": no rule sees this event".to_owned()) };
        let line = at.checked_sub(1).and_then(|at| self.events.get(at)).map_or("", String::as_str);
        let mut text = format!(" ({line}):");
        for (name, value) in values {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n    {name} = {value}");
        }
        Ok(text)
    }
}

impl Stream {
    fn feed_prelude(&self, engine: &mut Engine) -> Result<(), String> {
        for record in &self.prelude {
            engine.feed(record.raw().map_err(|err| err.to_string())?, drop);
        }
        Ok(())
    }
}

impl Expected {
    /// An alert of the rule at the place, one whose fields fit if there is one.
    fn find(&self, alerts: &[(usize, Alert)]) -> Option<usize> {
        let fits = |(at, alert): &(usize, Alert)| alert.rule == self.rule && self.at.is_none_or(|wanted| wanted == *at);
        let exact = alerts.iter().position(|found| fits(found) && self.wrong_fields(&found.1).next().is_none());
        exact.or_else(|| alerts.iter().position(fits))
    }

    fn wrong_fields(&self, alert: &Alert) -> impl Iterator<Item = String> {
        self.fields.iter().filter_map(|(name, wanted)| match alert.field(name) {
            None => Some(format!("the output of rule `{}` has no field `{name}`", self.rule)),
            Some(value) if is_equal(value, wanted) => None,
            Some(value) => Some(format!("rule `{}`: `{name}` is `{value}`, expected `{wanted}`", self.rule)),
        })
    }
}

/// Numbers and booleans equal as such; text as shown, so that `<NA>` expects a missing value.
fn is_equal(value: &FieldValue, wanted: &toml::Value) -> bool {
    match (value, wanted) {
        (FieldValue::I64(value), toml::Value::Integer(wanted)) => value == wanted,
        (FieldValue::U64(value), toml::Value::Integer(wanted)) => i64::try_from(*value) == Ok(*wanted),
        (FieldValue::Bool(value), toml::Value::Boolean(wanted)) => value == wanted,
        (value, toml::Value::String(wanted)) => value.to_string() == *wanted,
        _ => false,
    }
}

/// Parses a line after filling in what it leaves out; `ts_ns` moves on.
fn record(line: &str, ts_ns: &mut u64) -> Result<RecordBuf, String> {
    let full = filled_in(line, *ts_ns);
    let record = parse_line(&full).map_err(|err| format!("event `{line}`: {err}"))?;
    *ts_ns = record.event().map_or(*ts_ns, |event| event.ts_ns().max(*ts_ns)) + STEP_NS;
    Ok(record)
}

fn filled_in(line: &str, ts_ns: u64) -> String {
    let pairs = pairs(line);
    let value = |key: &str| pairs.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
    let mut full = line.to_owned();
    let mut add = |key: &str, text: &str| {
        if value(key).is_none() {
            // Writing to a string cannot fail.
            let _ = write!(full, " {key}={text}");
        }
    };
    add("ts", &ts_ns.to_string());
    let event = line.split_whitespace().next().unwrap_or_default();
    if matches!(event, "execve" | "execveat") {
        let exe = value("exe").or(value("trusted_exepath")).unwrap_or("/bin/true");
        let base = exe.trim_matches('"').rsplit('/').next().unwrap_or_default();
        add("exe", exe);
        add("comm", &format!("\"{base}\""));
        add("trusted_exepath", exe);
        for (key, text) in [("res", "0"), ("cwd", "/"), ("uid", "0"), ("gid", "0"), ("loginuid", "-1"), ("tty", "0")] {
            add(key, text);
        }
    } else if matches!(event, "openat" | "openat2" | "unlinkat" | "mkdirat" | "fchmodat") {
        add("dirfd", "AT_FDCWD");
    }
    full
}

/// Keys and values of a line as written, quotes and brackets respected.
fn pairs(line: &str) -> Vec<(&str, &str)> {
    let mut words = Vec::new();
    let (mut start, mut quoted, mut escaped, mut depth) = (0, false, false, 0_usize);
    for (at, c) in line.char_indices().chain([(line.len(), ' ')]) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '[' if !quoted => depth += 1,
            ']' if !quoted => depth = depth.saturating_sub(1),
            c if c.is_whitespace() && (at == line.len() || (!quoted && depth == 0)) => {
                words.push(line.get(start..at).unwrap_or_default());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    words.into_iter().filter_map(|word| word.split_once('=')).collect()
}

#[cfg(test)]
#[path = "ruletest_tests.rs"]
mod tests;
