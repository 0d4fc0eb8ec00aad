#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

const RULES: &str = "- rule: Shadow\n  condition: evt.type in (open, openat) and fd.name = /etc/shadow and not proc.name in (login, sshd)\n  output: shadow by %proc.name file=%fd.name n=%evt.num user=%user.name missing=%fd.sip\n  desc: d\n  priority: warning\n";

fn run(case: &str) -> CaseReport {
    let file = TestFile::parse("t.toml", &format!("[[case]]\nname = 'c'\nrules = 'r.yaml'\n{case}")).unwrap();
    file.cases()[0].run(&[SourceFile::new("r.yaml", RULES)]).unwrap()
}

const EVENTS: &str =
    "events = ['execve pid=7 exe=/bin/cat args=[/etc/shadow]', 'openat pid=7 name=/etc/shadow flags=O_RDONLY res=3']\n";

#[test]
fn expected_alerts_pass() {
    let report = run(&format!(
        "{EVENTS}alerts = [{{ rule = 'Shadow', at = 2, fields = {{ 'proc.name' = 'cat', 'fd.name' = '/etc/shadow', 'evt.num' = 2, 'user.name' = 'root', 'fd.sip' = '<NA>' }} }}]"
    ));
    assert!(report.passed(), "{report:#?}");
    assert!(report.fired.contains("Shadow") && report.silent.is_empty());
}

#[test]
fn expected_silence_passes() {
    let report = run(&EVENTS.replace("/bin/cat", "/bin/login"));
    assert!(report.passed(), "{report:#?}");
    assert!(report.silent.contains("Shadow") && report.fired.is_empty());
}

#[test]
fn failures_show_the_event_and_the_values() {
    let unexpected = run(EVENTS);
    assert!(!unexpected.passed());
    let text = &unexpected.failures[0];
    for part in
        ["event 2: rule `Shadow` fired unexpectedly", "openat pid=7", "fd.name = /etc/shadow", "proc.name = cat"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let silent = run(&format!("{}alerts = [{{ rule = 'Shadow', at = 2 }}]", EVENTS.replace("/bin/cat", "/bin/login")));
    let text = &silent.failures[0];
    for part in ["event 2: rule `Shadow` did not fire", "proc.name = login"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let wrong =
        run(&format!("{EVENTS}alerts = [{{ rule = 'Shadow', fields = {{ 'proc.name' = 'dog', 'no.field' = 1 }} }}]"));
    assert_eq!(wrong.failures.len(), 2, "{wrong:#?}");
    assert!(wrong.failures.iter().any(|text| text.contains("`proc.name` is `cat`, expected")));
    let unknown = run(&format!("{EVENTS}ignore = ['Shadow']\nalerts = [{{ rule = 'None' }}]"));
    assert_eq!(unknown.failures, ["no rule `None` is loaded"]);
}

#[test]
fn mistakes_in_the_file_are_errors() {
    let parse = |text: &str| TestFile::parse("t.toml", text).unwrap_err().to_string();
    assert!(parse("[[case]]\nname = 'c'\nrules = 'r'\nevents = []\nalert = []\n").contains("unknown field `alert`"));
    assert!(parse("[[case]\n").contains("line 1"));
    let file = TestFile::parse("t.toml", "[[case]]\nname = 'c'\nrules = 'r.yaml'\nevents = ['opnat pid=1']\n").unwrap();
    let error = file.cases()[0].run(&[SourceFile::new("r.yaml", RULES)]).unwrap_err();
    assert!(error.contains("event `opnat pid=1`: column 1: unknown event"), "{error}");
    let error = file.run(Path::new("/nonexistent")).unwrap_err().to_string();
    assert!(error.contains("case `c`") && error.contains("r.yaml"), "{error}");
}

#[test]
fn lines_are_split_with_quotes_and_lists() {
    assert_eq!(
        pairs("e a=1 b=\"x y=2 \\\" z\" c=[1, \"2 d=\"] e=3"),
        [("a", "1"), ("b", "\"x y=2 \\\" z\""), ("c", "[1, \"2 d=\"]"), ("e", "3"),]
    );
}
