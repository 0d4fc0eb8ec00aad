//! Runs the tests of all shipped rules: every case passes, and every rule fires in one case and stays silent in one.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use saker_engine::ruletest::TestFile;
use saker_engine::{LoadConfig, SourceFile, load};

fn rules() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules")
}

fn test_files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(rules().join("tests")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "toml"));
    files.sort();
    files
}

#[test]
fn shipped_rules_load_together_without_errors() {
    let files = SourceFile::read(&rules()).unwrap();
    let loaded = load(&files, &LoadConfig::default()).unwrap_or_else(|failure| panic!("{failure:#}"));
    assert!(loaded.ruleset.rules().len() >= 30);
    let shown: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
}

#[test]
fn every_case_passes_and_every_rule_is_covered() {
    let (mut fired, mut silent, mut failures) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for path in test_files() {
        let file = TestFile::read(&path).unwrap();
        for report in file.run(path.parent().unwrap()).unwrap_or_else(|err| panic!("{err}")) {
            fired.extend(report.fired.iter().cloned());
            silent.extend(report.silent.iter().cloned());
            for failure in &report.failures {
                failures.push(format!("{}: {}: {failure}", path.display(), report.name));
            }
        }
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
    let loaded = load(&SourceFile::read(&rules()).unwrap(), &LoadConfig::default()).unwrap();
    for rule in loaded.ruleset.rules() {
        assert!(fired.contains(rule.name()), "no case makes rule `{}` fire", rule.name());
        assert!(silent.contains(rule.name()), "no case keeps rule `{}` silent", rule.name());
    }
}
