//! Keeps `docs/rules-catalogue.md` equal to the shipped rules: it is written from them, and this test compares.
//!
//! After a change of a rule: `SAKER_WRITE_CATALOGUE=1 cargo test -p saker-engine --test rules_catalogue`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use saker_engine::{LoadConfig, Rule, SourceFile, load};

const ABOUT: &str = "\
# The shipped rules

Written from the files in `rules/` by `userspace/engine/tests/rules_catalogue.rs`; change the rules, not this page.

Each topic is a file of `rules/`, and each rule has a case in which it fires and a near miss in which it does not, in
`rules/tests/`. To adapt a rule, leave the file as it is and put a file of your own behind it:

```yaml
- list: package_manager_paths      # a program that may do what packages do
  items: [/opt/deploy/agent]
  override: { items: append }
- rule: Change shell start-up file # one more thing that is fine here
  condition: and not proc.exepath = /usr/local/bin/our-installer
  override: { condition: append }
- rule: Start netcat or socat      # not wanted
  enabled: false
  override: { enabled: replace }
```

";

fn repo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Text on one line, fit for a table cell.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// Tags that are ATT&CK techniques, such as `T1003.008`.
fn techniques(rule: &Rule) -> String {
    let is_technique = |tag: &&String| {
        tag.strip_prefix('T').is_some_and(|id| id.len() >= 4 && id.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
    };
    rule.tags().iter().filter(is_technique).map(String::as_str).collect::<Vec<_>>().join(", ")
}

fn row(rule: &Rule) -> String {
    let parts = rule.desc().split_once("False alarms:");
    let (tells, alarms) =
        parts.unwrap_or_else(|| panic!("the description of rule `{}` tells of no false alarms", rule.name()));
    let techniques = techniques(rule);
    assert!(!techniques.is_empty(), "rule `{}` has no technique among its tags", rule.name());
    let tactic = rule.tags().iter().find_map(|tag| tag.strip_prefix("mitre_"));
    let tactic =
        tactic.unwrap_or_else(|| panic!("rule `{}` has no tactic among its tags", rule.name())).replace('_', " ");
    format!(
        "| {} | {} | {} | {techniques} ({tactic}) | {} |\n",
        cell(rule.name()),
        rule.priority(),
        cell(tells),
        cell(alarms)
    )
}

fn catalogue() -> String {
    let loaded = load(&SourceFile::read(&repo().join("rules")).unwrap(), &LoadConfig::default()).unwrap();
    let mut topics: BTreeMap<String, Vec<&Rule>> = BTreeMap::new();
    for rule in loaded.ruleset.rules() {
        let topic = Path::new(rule.file()).file_stem().unwrap().to_string_lossy().into_owned();
        topics.entry(topic).or_default().push(rule);
    }
    let mut page = ABOUT.to_owned();
    let _ = writeln!(page, "{} rules in {} topics.", loaded.ruleset.rules().len(), topics.len());
    for (topic, rules) in topics {
        let _ = write!(
            page,
            "\n## {topic}\n\n| Rule | Priority | What it tells | ATT&CK | Usual false alarms |\n|---|---|---|---|---|\n"
        );
        page.extend(rules.into_iter().map(row));
    }
    page
}

#[test]
fn the_example_of_an_adaptation_loads() {
    let example = ABOUT.split("```").nth(1).unwrap().strip_prefix("yaml").unwrap();
    let mut files = SourceFile::read(&repo().join("rules")).unwrap();
    files.push(SourceFile::new("example.yaml", example));
    let loaded = load(&files, &LoadConfig::default()).unwrap_or_else(|failure| panic!("{failure:#}"));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    assert!(!loaded.ruleset.find("Start netcat or socat").unwrap().is_enabled());
}

#[test]
fn the_catalogue_says_what_the_rules_say() {
    let path = repo().join("docs/rules-catalogue.md");
    let fresh = catalogue();
    if std::env::var_os("SAKER_WRITE_CATALOGUE").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    let stale = fresh.lines().zip(page.lines().chain(std::iter::repeat(""))).find(|(new, old)| new != old);
    assert!(page == fresh, "docs/rules-catalogue.md is stale ({stale:?}); see the head of this test");
}
