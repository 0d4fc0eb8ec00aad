//! `saker rules`: check, list and test rules.

use crate::cli::flags::{RuleFilesFlags, RuleTestFlags};
use crate::outcome::{InvalidInput, Outcome};
use crate::rulefiles::sources;
use anyhow::{Context as _, Result};
use saker_engine::ruletest::{CaseReport, TestFile};
use saker_engine::{LoadConfig, LoadFailure, Loaded, Rule, load};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};

fn load_files(files: &[PathBuf]) -> Result<Result<Loaded, LoadFailure>> {
    Ok(load(&sources(files)?, &LoadConfig { suggested_output: false, ..LoadConfig::default() }))
}

/// Reports every error and warning.
pub(crate) fn check(flags: &RuleFilesFlags) -> Result<Outcome> {
    let (errors, warnings, rules) = match load_files(&flags.files)? {
        Ok(loaded) => (Vec::new(), loaded.warnings, loaded.ruleset.rules().len()),
        Err(failure) => (failure.errors, failure.warnings, 0),
    };
    let mut out = std::io::stdout().lock();
    if flags.json {
        let errors_json: Vec<Value> = errors
            .iter()
            .map(|error| problem(error.file(), error.pos(), error.item(), error.code(), &error.message()))
            .collect();
        let warnings_json: Vec<Value> = warnings
            .iter()
            .map(|warning| {
                problem(warning.file(), warning.pos(), warning.item(), warning.code().as_str(), warning.message())
            })
            .collect();
        let row = json!({ "successful": errors.is_empty(), "rules": rules, "errors": errors_json, "warnings": warnings_json });
        writeln!(out, "{row}")?;
    } else {
        errors.iter().try_for_each(|error| writeln!(out, "error: {error:#}"))?;
        warnings.iter().try_for_each(|warning| writeln!(out, "warning: {warning:#}"))?;
        if errors.is_empty() {
            writeln!(out, "{rules} rules are fine")?;
        }
    }
    Ok(if errors.is_empty() { Outcome::Fine } else { Outcome::Findings })
}

fn problem(file: &str, pos: saker_engine::Pos, item: &str, code: &str, message: &str) -> Value {
    json!({ "file": file, "line": pos.line, "column": pos.column, "item": item, "code": code, "message": message })
}

/// Lists the rules.
pub(crate) fn list(flags: &RuleFilesFlags) -> Result<Outcome> {
    let loaded = load_files(&flags.files)?.map_err(|failure| InvalidInput(format!("{failure:#}")))?;
    let mut out = std::io::stdout().lock();
    for rule in loaded.ruleset.rules() {
        if flags.json {
            writeln!(out, "{}", rule_json(rule))?;
        } else {
            let off = if rule.is_enabled() { "" } else { " (disabled)" };
            writeln!(out, "{:<13} {}{off}", rule.priority().as_str(), rule.name())?;
        }
    }
    Ok(Outcome::Fine)
}

fn rule_json(rule: &Rule) -> Value {
    let (file, pos) = rule.position();
    json!({
        "rule": rule.name(),
        "priority": rule.priority().as_str(),
        "source": rule.source(),
        "tags": rule.tags(),
        "runs": rule.is_enabled(),
        "capture_ms": rule.capture_ms(),
        "desc": rule.desc(),
        "condition": rule.condition(),
        "output": rule.output(),
        "file": file,
        "line": pos.line,
    })
}

/// Runs rule tests.
pub(crate) fn test(flags: &RuleTestFlags) -> Result<Outcome> {
    let mut out = std::io::stdout().lock();
    let (mut passed, mut failed) = (0_u64, 0_u64);
    for path in test_files(&flags.tests)? {
        let file = TestFile::read(&path).map_err(|err| InvalidInput(format!("{err}")))?;
        let base = path.parent().unwrap_or(Path::new("."));
        for report in file.run(base).map_err(|err| InvalidInput(format!("{err}")))? {
            if report.passed() {
                passed += 1
            } else {
                failed += 1
            }
            print_report(&mut out, &path, &report, flags.json)?;
        }
    }
    if !flags.json {
        writeln!(out, "{passed} passed, {failed} failed")?;
    }
    Ok(if failed == 0 { Outcome::Fine } else { Outcome::Findings })
}

fn print_report(out: &mut impl std::io::Write, path: &Path, report: &CaseReport, json: bool) -> Result<()> {
    if json {
        let row = json!({
            "file": path.display().to_string(), "case": report.name, "passed": report.passed(), "failures": report.failures,
        });
        writeln!(out, "{row}")?;
    } else if !report.passed() {
        writeln!(out, "FAILED {}: {}", path.display(), report.name)?;
        for failure in &report.failures {
            writeln!(out, "    {}", failure.replace('\n', "\n    "))?;
        }
    }
    Ok(())
}

/// The test files among `paths`: files as they are, of folders all `.toml` in order of their names.
fn test_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let mut found: Vec<PathBuf> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
            .collect();
        if found.is_empty() {
            return Err(InvalidInput(format!("`{}` holds no `.toml` file", path.display())).into());
        }
        found.sort();
        files.append(&mut found);
    }
    Ok(files)
}
