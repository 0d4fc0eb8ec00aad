#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use proptest::prelude::*;

fn one(text: &str) -> Result<Loaded, LoadFailure> {
    all(&[("rules.yaml", text)])
}

fn all(files: &[(&str, &str)]) -> Result<Loaded, LoadFailure> {
    let files: Vec<_> = files.iter().map(|(name, text)| SourceFile::new(*name, *text)).collect();
    let config = LoadConfig { suggested_output: false, ..LoadConfig::default() };
    load(&files, &config)
}

fn ok(text: &str) -> Loaded {
    one(text).unwrap_or_else(|failure| panic!("{failure:#?}\n{failure}\n{text}"))
}

fn errors(text: &str) -> Vec<LoadError> {
    one(text).map(|_| panic!("loads: {text}")).unwrap_err().errors
}

/// A rule with this condition and two more lines.
fn rule(name: &str, condition: &str) -> String {
    format!("- rule: {name}\n  condition: {condition}\n  output: x\n  desc: d\n  priority: info\n")
}

#[test]
fn each_mistake_is_named_with_its_place() {
    let good = rule("g", "evt.type = open");
    let cases = [
        ("rule: x\n", "1:1", "expected a sequence of rules, macros and lists, found a map"),
        ("- just text\n", "1:3", "expected a map, found a text"),
        (
            "- rule: r\n  condition: [a]\n  output: o\n  desc: d\n  priority: info\n",
            "2:14",
            "`condition` should be a text, is a sequence",
        ),
        ("- rule: r\n  condition: evt.type = open\n  output: o\n  desc: d\n", "1:3", "the key `priority` is missing"),
        (
            "- rule: r\n  condition: evt.type = open\n  output: o\n  desc: d\n  priority: high\n",
            "5:13",
            "unknown priority `high`, expected one of `emergency`",
        ),
        ("- rule: r\n  enabled: maybe\n", "2:12", "`enabled` should be `true` or `false`, is `maybe`"),
        ("- rule: r\n  desc: d\n  desc: e\n", "3:3", "key `desc` is given twice"),
        ("- macro: m\n", "1:3", "the key `condition` is missing"),
        ("- list: l\n  items: {a: b}\n", "2:10", "`items` should be a sequence, is a map"),
        ("- list: l\n  items: [a, [b]]\n", "2:14", "`items` holds a sequence, expected texts"),
        (
            "- required_engine_version: 0.64.0\n",
            "1:28",
            "asks for engine version `0.64.0`, this one understands 0.63.0",
        ),
        ("- required_engine_version: 1.2\n", "1:28", "`1.2` is not a version"),
        ("- rule: r\n  enabled: false\n", "1:3", "it changes a rule, but no rule by that name already exists"),
        ("- macro: m\n  condition: evt.type = open\n  append: true\n", "1:3", "no macro by that name already exists"),
        ("- list: l\n  items: [a]\n  override: {items: append}\n", "1:3", "no list by that name already exists"),
        (
            "- list: l\n  items: [a]\n  override: {items: add}\n",
            "3:21",
            "the override of `items` should be `append` or `replace`",
        ),
        ("- list: l\n  items: [a]\n  override: {name: append}\n", "3:14", "`name` cannot be overridden, only `items`"),
        ("- rule: r\n  priority: info\n  override: {priority: append}\n", "3:24", "`priority` cannot be appended to"),
        (
            "- rule: r\n  desc: d\n  override: {output: append}\n",
            "3:14",
            "the override names `output`, but the item has no such key",
        ),
        ("- rule: r\n  desc: d\n  output: o\n  override: {output: append}\n", "2:3", "unexpected key `desc`"),
        ("- rule: r\n  output: o\n  append: true\n  override: {output: append}\n", "4:13", "exclude each other"),
        ("- a: 1\n- b: [\n", "3:1", "while parsing a flow node"),
        ("- !rule r\n", "1:3", "tags (`!name`) have no meaning here"),
        (&rule("r", "evt.type = "), "2:", "expected"),
        (&rule("r", "evt.type = opn"), "2:25", "unknown event"),
        (&rule("r", "proc.nme = x"), "2:14", "unknown field `proc.nme`, did you mean `proc.name`"),
        (&rule("r", "evt.type = open and user.uid contains x"), "2:43", ""),
        (&rule("r", ">\n    evt.type = open\n    and fd.nme = x"), "4:9", "unknown field `fd.nme`"),
        (&rule("r", "(evt.type = open or nothing_here)"), "2:34", "undefined macro `nothing_here`"),
        (
            "- macro: a\n  condition: proc.name = x and b\n- macro: b\n  condition: proc.name = y\n",
            "2:32",
            "undefined macro `b`",
        ),
        (&good.replace("output: x", "output: \"a %fd.nam\""), "3:15", "unknown field `fd.nam`"),
        (&good.replace("output: x", "output: 100 %"), "3:16", "`%` at the end"),
        (&good.replace("output: x", "output: \"%fd.net\""), "3:13", "can be used in conditions only"),
    ];
    for (text, at, message) in cases {
        let found = errors(text);
        let error = found.first().unwrap();
        let place = format!("rules.yaml:{at}");
        assert!(error.to_string().starts_with(&place), "{text}\nshould be at {place}: {error:#}");
        assert!(error.message().contains(message), "{text}\nshould say {message}: {error}");
    }
}

#[test]
fn messages_print_the_line_with_a_caret() {
    let text = rule("Bad rule", "evt.type = open and proc.nme = x");
    let error = errors(&text).remove(0);
    let shown = format!("{error:#}");
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[1], "      condition: evt.type = open and proc.nme = x");
    assert_eq!(lines[2].find('^'), lines[1].find("proc.nme"));
    assert!(lines[0].starts_with("rules.yaml:2:34: rule `Bad rule`: unknown field `proc.nme`"), "{shown}");
    assert_eq!(
        (error.item(), error.code(), error.file()),
        ("rule `Bad rule`", "LOAD_ERR_COMPILE_CONDITION", "rules.yaml")
    );
    assert_eq!(error.excerpt().lines().count(), 2);
}

#[test]
fn one_load_reports_many_mistakes() {
    let text = rule("a", "evt.type = opn")
        + &rule("b", "evt.type =")
        + "- list: l\n  items: 3\n"
        + &rule("c", "evt.type = open");
    assert_eq!(errors(&text).len(), 3);
    let many: String = (0..210).map(|n| rule(&format!("r{n}"), "evt.type = opn")).collect();
    assert_eq!(errors(&many).len(), error::MAX_REPORTED);
}

#[test]
fn a_mistake_in_a_macro_is_reported_once_and_there() {
    let text =
        "- macro: m\n  condition: proc.nme = x\n".to_owned() + &rule("a", "evt.type = open and m") + &rule("b", "m");
    let found = errors(&text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].pos(), Pos { line: 2, column: 14 });
    let broken = "- macro: m\n  condition: proc.name =\n".to_owned() + &rule("a", "evt.type = open and m");
    assert_eq!(errors(&broken).len(), 1, "users of a macro that does not parse are not reported too");
}

#[test]
fn macro_loops_are_errors() {
    let text = "- macro: a\n  condition: evt.type = open\n- macro: b\n  condition: a or proc.name = x\n- macro: a\n  condition: b\n";
    let found = errors(text);
    assert!(found[0].message().contains("macro loop: `"), "{}", found[0]);
    let own = errors("- macro: a\n  condition: proc.name = x or a\n");
    assert!(own[0].message().contains("macro loop: `a` -> `a`"), "{}", own[0]);
}

#[test]
fn warnings_have_codes_and_places() {
    let good = rule("r", "evt.type = open and m and proc.name in (l)")
        + "- macro: m\n  condition: proc.name != x\n- list: l\n  items: [a]\n";
    assert!(ok(&good).warnings.is_empty(), "{:?}", ok(&good).warnings);
    let cases = [
        ("- something: else\n", WarningCode::UnknownItem, "4:3"),
        ("- list: unused\n  items: []\n", WarningCode::UnusedList, "4:3"),
        ("- macro: unused\n  condition: proc.name = x\n", WarningCode::UnusedMacro, "4:3"),
        ("- macro: bad-name\n  condition: proc.name = x\n", WarningCode::InvalidMacroName, "4:10"),
        ("- list: bad name\n  items: []\n", WarningCode::InvalidListName, "4:9"),
        (
            "- rule: r2\n  color: red\n  condition: evt.type = open\n  output: o\n  desc: d\n  priority: 0\n",
            WarningCode::UnknownKey,
            "5:3",
        ),
        (
            "- rule: r2\n  source: k8s_audit\n  condition: ka.verb = x\n  output: '%ka.verb'\n  desc: d\n  priority: 0\n",
            WarningCode::UnknownSource,
            "5:11",
        ),
        (
            "- rule: r2\n  condition: proc.name = x\n  output: o\n  desc: d\n  priority: 0\n",
            WarningCode::NoEventType,
            "4:3",
        ),
        (
            "- rule: r2\n  skip-if-unknown-filter: true\n  condition: proc.nme = x\n  output: o\n  desc: d\n  priority: 0\n",
            WarningCode::UnknownFilter,
            "6:14",
        ),
        (
            "- rule: r2\n  condition: evt.type = open\n  output: o%container.info\n  desc: d\n  priority: 0\n",
            WarningCode::DeprecatedItem,
            "6:13",
        ),
        ("- required_plugin_versions:\n  - name: json\n    version: 1.0.0\n", WarningCode::Extension, "5:5"),
        ("- rule: one\n  enabled: false\n", WarningCode::DeprecatedItem, "4:3"),
        ("- rule: one\n  condition: and proc.name = x\n  append: true\n", WarningCode::DeprecatedItem, "6:3"),
    ];
    for (text, code, at) in cases {
        let file = SourceFile::new("w.yaml", format!("# three\n# lines\n# before\n{text}"));
        let one = SourceFile::new("one.yaml", rule("one", "evt.type = open"));
        let config = LoadConfig { suggested_output: false, ..LoadConfig::default() };
        let loaded = load(&[one, file], &config).unwrap_or_else(|failure| panic!("{failure}\n{text}"));
        let found = loaded.warnings.iter().find(|warning| warning.code() == code);
        let warning = found.unwrap_or_else(|| panic!("{text}\nno {code:?} in {:#?}", loaded.warnings));
        assert!(warning.to_string().starts_with(&format!("w.yaml:{at}: ")), "{text}\nshould be at {at}: {warning}");
        assert!(warning.to_string().ends_with(&format!("({})", code.as_str())));
    }
}

#[test]
fn quiet_flags_silence_warnings() {
    let text = rule("r", "proc.name = x") + "  warn_evttypes: false\n";
    assert!(ok(&text).warnings.is_empty());
}

#[test]
fn lists_expand_also_in_lists() {
    let text = "- list: a\n  items: [x, 'b c']\n- list: b\n  items: [a, y]\n".to_owned()
        + &rule("r", "evt.type = open and proc.name in (b, z)");
    let loaded = ok(&text);
    let test = loaded.ruleset.rules()[0].filter().tests().last().unwrap();
    let saker_filter::TypedRhs::Texts(texts) = &test.rhs else { panic!("{test:?}") };
    let texts: Vec<_> = texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    assert_eq!(texts, ["b c", "x", "y", "z"]);
}

#[test]
fn later_definitions_replace_and_keep_their_place() {
    let text = rule("a", "evt.type = open") + &rule("b", "evt.type = open") + &rule("a", "evt.type = creat");
    let loaded = ok(&text);
    let names: Vec<&str> = loaded.ruleset.rules().iter().map(Rule::name).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(loaded.ruleset.rules()[0].condition(), "evt.type = creat");
    assert_eq!(loaded.ruleset.rules()[0].position(), ("rules.yaml".to_owned(), Pos { line: 11, column: 3 }));
}

use crate::ruleset::Rule;

#[test]
fn a_redefined_macro_and_list_count_for_all_rules() {
    let files = [
        (
            "a.yaml",
            rule("r", "evt.type = open and m") + "- macro: m\n  condition: proc.name in (l)\n- list: l\n  items: [x]\n",
        ),
        ("b.yaml", "- list: l\n  items: [y]\n".to_owned()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let loaded = all(&files).unwrap();
    assert!(format!("{:?}", loaded.ruleset.rules()[0].filter().tests()).contains("121"), "y is 121");
}

#[test]
fn overrides_append_and_replace() {
    let base =
        "- rule: r\n  condition: evt.type = open\n  output: one\n  desc: first\n  priority: info\n  tags: [b, a]\n";
    let change = "- rule: r\n  condition: and proc.name = x\n  output: two %evt.num\n  desc: second\n  priority: 2\n  tags: [c, a]\n  enabled: false\n  override:\n    condition: append\n    output: append\n    desc: append\n    priority: replace\n    tags: append\n    enabled: replace\n";
    let loaded = all(&[("a.yaml", base), ("b.yaml", change)]).unwrap();
    let rule = &loaded.ruleset.rules()[0];
    assert_eq!(rule.condition(), "evt.type = open and proc.name = x");
    assert_eq!((rule.output(), rule.desc()), ("one two %evt.num", "first second"));
    assert_eq!((rule.priority(), rule.is_enabled()), (Priority::Critical, false));
    assert_eq!(rule.tags(), ["a", "b", "c"]);
    let replaced =
        all(&[("a.yaml", base), ("b.yaml", &change.replace("append", "replace").replace(": and ", ": "))]).unwrap();
    let rule = &replaced.ruleset.rules()[0];
    assert_eq!((rule.condition(), rule.output(), rule.desc()), ("proc.name = x", "two %evt.num", "second"));
    assert_eq!(rule.tags(), ["a", "c"]);
}

#[test]
fn a_mistake_in_an_appended_piece_points_into_its_file() {
    let change = "- rule: r\n  condition: and proc.nme = x\n  override: {condition: append}\n";
    let failure = all(&[("a.yaml", &rule("r", "evt.type = open")), ("b.yaml", change)]).unwrap_err();
    assert!(failure.errors[0].to_string().starts_with("b.yaml:2:18: "), "{failure}");
}

#[test]
fn lists_and_macros_take_appends_in_both_spellings() {
    for change in ["append: true", "override: {items: append}"] {
        let text = format!("- list: l\n  items: [x]\n- list: l\n  items: [y]\n  {change}\n")
            + &rule("r", "evt.type = open and proc.name in (l)");
        assert!(format!("{:?}", ok(&text).ruleset.rules()[0].filter().tests()).contains("[120], [121]"), "{change}");
    }
    for change in ["append: true", "override: {condition: append}"] {
        let text = format!(
            "- macro: m\n  condition: evt.type = open\n- macro: m\n  condition: or evt.type = creat\n  {change}\n"
        ) + &rule("r", "m");
        assert!(ok(&text).ruleset.rules()[0].event_types().contains("creat"), "{change}");
    }
}

#[test]
fn what_changes_a_left_out_rule_is_left_out() {
    let text = "- rule: r\n  source: aws\n  condition: x.y = z\n  output: o\n  desc: d\n  priority: 0\n- rule: r\n  enabled: false\n";
    let loaded = ok(text);
    assert!(loaded.ruleset.rules().is_empty());
    assert_eq!(loaded.warnings.len(), 1);
}

#[test]
fn weak_rules_are_loaded_but_do_not_run() {
    let config = LoadConfig { priority: Priority::Notice, ..LoadConfig::default() };
    let loaded = load(&[SourceFile::new("a", rule("r", "evt.type = open"))], &config).unwrap();
    assert!(!loaded.ruleset.rules()[0].is_enabled());
    assert!(loaded.ruleset.index().rules(saker_driver_api::event::EventType::OpenExit).is_empty());
}

#[test]
fn exceptions_extend_the_condition() {
    let base = rule("r", "evt.type = open");
    let cases = [
        (
            "- {name: e, fields: [proc.name, fd.name], comps: [=, startswith], values: [[a, /b], ['c d', /e]]}",
            "(evt.type = open) and not ((proc.name = a and fd.name startswith /b) or (proc.name = \"c d\" and fd.name startswith /e))",
        ),
        ("- {name: e, fields: [proc.name], values: [[a]]}", "(evt.type = open) and not ((proc.name = a))"),
        (
            "- {name: e, fields: [proc.name], comps: [in], values: [[[a, b]]]}",
            "(evt.type = open) and not ((proc.name in (a, b)))",
        ),
        (
            "- {name: e, fields: [proc.name], comps: [in], values: [[a]]}",
            "(evt.type = open) and not ((proc.name in (a)))",
        ),
        (
            "- {name: e, fields: proc.name, values: [a, 'b,c', '\"q\"']}",
            "(evt.type = open) and not (proc.name in (a, \"b,c\", \"q\"))",
        ),
        (
            "- {name: e, fields: fd.name, comps: pmatch, values: [/a, /b]}",
            "(evt.type = open) and not (fd.name pmatch (/a, /b))",
        ),
        (
            "- {name: e, fields: fd.name, comps: startswith anyof, values: [/a]}",
            "(evt.type = open) and not (fd.name startswith anyof (/a))",
        ),
        ("- {name: e, fields: [proc.name]}", "evt.type = open"),
        (
            "- {name: e, fields: [proc.name], values: [[a]]}\n  - {name: f, fields: [fd.name], values: [[b]]}",
            "(evt.type = open) and not ((proc.name = a)) and not ((fd.name = b))",
        ),
    ];
    for (exceptions, condition) in cases {
        let loaded = ok(&format!("{base}  exceptions:\n  {exceptions}\n"));
        assert_eq!(loaded.ruleset.rules()[0].condition(), condition, "{exceptions}");
    }
}

#[test]
fn mistakes_in_exceptions_are_named() {
    let base = rule("r", "evt.type = open");
    let cases = [
        ("- {fields: [proc.name]}", "an exception needs a `name`"),
        ("- {name: e, values: [[a]]}", "the exception `e` needs `fields`"),
        ("- {name: e, fields: [proc.nme]}", "`proc.nme` is not a supported filter field"),
        ("- {name: e, fields: [proc.name], comps: [in, =]}", "1 fields but 2 comps"),
        ("- {name: e, fields: [proc.name], comps: [like]}", "`like` is not a comparison operator"),
        ("- {name: e, fields: proc.name, comps: startswith}", "does not compare one field with several values"),
        ("- {name: e, fields: [proc.name], values: [[a, b]]}", "2 values for 1 fields"),
        ("- {name: e, fields: [proc.name], values: [a]}", "one value per field"),
        ("- {name: e, fields: proc.name, values: [[a]]}", "because `fields` is one text"),
        ("- {name: e, fields: [proc.name], values: x}", "`values` should be a sequence"),
    ];
    for (exception, message) in cases {
        let found = errors(&format!("{base}  exceptions:\n  {exception}\n"));
        assert!(found[0].message().contains(message), "{exception}: {}", found[0]);
        assert_eq!(found[0].pos().line, 7, "{exception}: {}", found[0]);
    }
}

#[test]
fn exceptions_take_appended_values() {
    let base = rule("r", "evt.type = open") + "  exceptions:\n  - {name: e, fields: [proc.name], values: [[a]]}\n";
    let append = |exceptions: &str| {
        format!("{base}- rule: r\n  exceptions:\n  {exceptions}\n  override: {{exceptions: append}}\n")
    };
    let loaded = ok(&append("- {name: e, values: [[b]]}\n  - {name: n, fields: [fd.name], values: [[c]]}"));
    let condition = "(evt.type = open) and not ((proc.name = a) or (proc.name = b)) and not ((fd.name = c))";
    assert_eq!(loaded.ruleset.rules()[0].condition(), condition);
    assert!(errors(&append("- {name: e, fields: [proc.name], values: [[b]]}"))[0].message().contains("only `values`"));
    let empty = ok(&append("- {name: e}"));
    assert_eq!(empty.warnings[0].code(), WarningCode::AppendNoValues);
    let twice = ok(&(rule("r", "evt.type = open")
        + "  exceptions:\n  - {name: e, fields: [proc.name]}\n  - {name: e, fields: [fd.name]}\n"));
    assert_eq!(twice.warnings[0].code(), WarningCode::ExceptionNameNotUnique);
}

#[test]
fn the_index_holds_only_what_can_match() {
    use saker_driver_api::event::EventType as E;
    let text = rule("a", "evt.type in (open, unlink)")
        + &rule("b", "proc.name = x")
        + &rule("c", "evt.type = getrandom")
        + &rule("d", "evt.num = 0");
    let set = ok(&text).ruleset;
    let names =
        |event| set.index().rules(event).iter().map(|id| set.rule(*id).unwrap().name().to_owned()).collect::<String>();
    assert_eq!((names(E::OpenExit), names(E::UnlinkExit), names(E::ReadExit)), ("ab".into(), "ab".into(), "b".into()));
    assert_eq!((names(E::GenericExit), names(E::Clock), names(E::Task)), ("bc".into(), String::new(), String::new()));
    assert!(set.interest().contains("unlink") && set.interest().contains("read"), "b matches any event");
}

fn reference() -> Option<std::sync::Arc<SourceFile>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference/rules/falco_rules.yaml");
    let found = SourceFile::read(std::path::Path::new(path)).ok().and_then(|mut files| files.pop());
    if found.is_none() {
        println!("skipped: reference/rules/falco_rules.yaml is not here");
    }
    found
}

#[test]
fn the_reference_rules_load_whole() {
    let Some(file) = reference() else { return };
    let loaded = load(&[file], &LoadConfig::default()).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(loaded.ruleset.rules().len(), 25);
    for rule in loaded.ruleset.rules() {
        assert!(!rule.event_types().is_all(), "{}", rule.name());
        let (_, pos) = rule.position();
        assert!(pos.line > 300, "{}: {pos}", rule.name());
    }
    let bad: Vec<_> = loaded
        .warnings
        .iter()
        .filter(|w| !matches!(w.code(), WarningCode::UnusedMacro | WarningCode::UnusedList))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let interest = loaded.ruleset.interest();
    assert!(interest.contains("symlinkat") && interest.contains("ptrace") && !interest.contains("read"));
}

#[test]
fn hostile_files_end() {
    let deep = "[".repeat(200_000);
    let long_list = format!("- list: l\n  items: [{}]\n", "a,".repeat(20_000))
        + &rule("r", "evt.type = open and proc.name in (l, l, l, l)");
    let mut doubling = String::from("- macro: m0\n  condition: proc.name = x\n");
    for n in 1..60 {
        doubling.push_str(&format!("- macro: m{n}\n  condition: m{0} or m{0}\n", n - 1));
    }
    doubling.push_str(&rule("r", "m59"));
    let parens = rule("r", &format!("{}evt.type = open{}", "(".repeat(5000), ")".repeat(5000)));
    for text in [deep.as_str(), &doubling, &parens] {
        assert!(!errors(text).is_empty());
    }
    let _ = one(&long_list);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_panics_the_loader(text in any::<String>()) {
        let _ = one(&text);
    }

    #[test]
    fn no_yaml_panics_the_loader(lines in proptest::collection::vec("(- |  |    )?(rule|macro|list|items|condition|output|desc|priority|override|append|exceptions|name|fields|values|tags)?(: )?[\\[\\]{}>|&*!%a-z0-9., '\"()=-]{0,12}", 0..12)) {
        let _ = one(&lines.join("\n"));
    }

    #[test]
    fn no_condition_panics_the_loader(condition in "[a-z_. ()=!<>\"'\\\\,\\[\\]%0-9]{0,60}", output in "[a-z_.%\\[\\]()0-9* ]{0,40}") {
        let text = format!("- rule: r\n  desc: d\n  priority: 1\n  condition: '{}'\n  output: '{}'\n", condition.replace('\'', "''"), output.replace('\'', "''"));
        if let Err(failure) = one(&text) {
            let shown = format!("{:#}", failure.errors[0]);
            prop_assert!(shown.contains('^'));
        }
    }
}
