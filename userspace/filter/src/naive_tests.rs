#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::compile::EventNames;
use crate::fields::FieldRef;
use crate::parser::{Limits, parse};

struct AnyName;

impl EventNames for AnyName {
    fn is_known(&self, _: &str) -> bool {
        true
    }
}

/// Values by field as written; every other field is absent.
#[derive(Default)]
struct Event(HashMap<FieldRef, Extracted<'static>>);

impl Event {
    fn with(mut self, field: &str, value: Extracted<'static>) -> Self {
        self.0.insert(FieldRef::parse_exact(field).unwrap(), value);
        self
    }
}

impl FieldSource for Event {
    fn extract<'a>(&'a self, field: &FieldRef) -> Extracted<'a> {
        self.0.get(field).cloned().unwrap_or(Extracted::Absent)
    }
}

fn filter(text: &str) -> Filter {
    Filter::compile(&parse(text, &Limits::for_rules()).unwrap(), &AnyName).unwrap()
}

fn check(event: &Event, cases: &[(&str, Verdict)]) {
    for (text, verdict) in cases {
        assert_eq!(filter(text).eval(event), *verdict, "{text}");
    }
}

fn holds(event: &Event, cases: &[(&str, bool)]) {
    for (text, expected) in cases {
        assert_eq!(filter(text).eval(event), Verdict::from(*expected), "{text}");
    }
}

fn text(text: &'static str) -> Value<'static> {
    Value::text(text.as_bytes())
}

fn path(resolved: &'static str, lexical: Option<&'static str>) -> Extracted<'static> {
    Extracted::Path { resolved: resolved.as_bytes().into(), lexical: lexical.map(|path| path.as_bytes().into()) }
}

fn ip(address: &str) -> Value<'static> {
    Value::Ip(address.parse().unwrap())
}

fn texts(list: &[&'static str]) -> Vec<Value<'static>> {
    list.iter().map(|item| text(item)).collect()
}

fn event() -> Event {
    Event::default()
        .with("proc.name", Extracted::One(text("cat")))
        .with("proc.pname", Extracted::One(text("bash")))
        .with("proc.cmdline", Extracted::One(text("cat /etc/Shadow")))
        .with("proc.exe", Extracted::One(text("cat")))
        .with("proc.cwd", Extracted::One(text("c*t")))
        .with("proc.args[0]", Extracted::One(text("-lp")))
        .with("proc.args[1]", Extracted::One(text("80")))
        .with("fd.num", Extracted::One(Value::I64(-3)))
        .with("proc.pid", Extracted::One(Value::I64(7)))
        .with("proc.vmsize", Extracted::One(Value::U64(u64::MAX)))
        .with("thread.cpu", Extracted::One(Value::Double(1.5)))
        .with("evt.failed", Extracted::One(Value::Bool(true)))
        .with("evt.buffer", Extracted::One(Value::Bytes(b"\x7fELF\x00x"[..].into())))
        .with("fd.sip", Extracted::One(ip("10.0.0.1")))
        .with("fd.cip", Extracted::One(ip("fd00::1")))
        .with("fd.snet", Extracted::One(ip("10.0.0.1")))
        .with("fd.sport", Extracted::One(Value::U64(443)))
        .with("fd.types", Extracted::List(texts(&["file", "pipe", "file"])))
        .with("evt.rawarg.res", Extracted::One(Value::I64(-2)))
        .with("evt.rawarg.name", Extracted::One(text("/x")))
        .with("evt.rawarg.addr", Extracted::One(ip("::1")))
        .with("evt.type", Extracted::One(text("open")))
}

#[test]
fn operators_mean_what_they_say() {
    holds(
        &event(),
        &[
            ("proc.name = cat", true),
            ("proc.name = ca", false),
            ("proc.name != cat", false),
            ("proc.name != dog", true),
            ("proc.name < val(proc.pname)", false),
            ("proc.pname < val(proc.name)", true),
            ("proc.name <= val(proc.exe)", true),
            ("proc.name > val(proc.pname)", true),
            ("proc.name >= val(proc.exe)", true),
            ("proc.name = val(proc.exe)", true),
            ("proc.name != val(proc.exe)", false),
            ("proc.name in val(proc.exe)", true),
            ("proc.name contains val(proc.exe)", true),
            ("proc.name glob val(proc.cwd)", true),
            ("proc.pname glob val(proc.cwd)", false),
            ("proc.name iglob val(proc.cwd)", true),
            ("proc.cmdline contains etc", true),
            ("proc.cmdline contains ETC", false),
            ("proc.cmdline contains \"\"", true),
            ("proc.cmdline icontains ETC/sh", true),
            ("proc.cmdline icontains nope", false),
            ("proc.name contains catcat", false),
            ("proc.cmdline startswith cat", true),
            ("proc.cmdline startswith at", false),
            ("proc.cmdline endswith dow", true),
            ("proc.cmdline endswith cat", false),
            ("proc.cmdline glob \"c*/?tc/*\"", true),
            ("proc.cmdline glob \"*shadow\"", false),
            ("proc.cmdline iglob \"*shadow\"", true),
            ("proc.cmdline regex \"cat .*\"", true),
            ("proc.cmdline regex cat", false),
            ("proc.name in (dog, cat)", true),
            ("proc.name in (dog)", false),
            ("proc.name in ()", false),
            ("proc.name intersects (cat)", true),
            ("fd.num = -3", true),
            ("fd.num < -2", true),
            ("fd.num <= -3", true),
            ("fd.num > -3", false),
            ("fd.num >= -3", true),
            ("fd.num != 3", true),
            ("fd.num in (1, -3)", true),
            ("fd.num < val(proc.pid)", true),
            ("proc.vmsize = 18446744073709551615", true),
            ("proc.vmsize > 0", true),
            ("thread.cpu > 1", true),
            ("thread.cpu < 2", true),
            ("thread.cpu = 1", false),
            ("thread.cpu != 1", true),
            ("evt.failed = true", true),
            ("evt.failed != true", false),
            ("evt.failed in (false)", false),
            ("evt.buffer bstartswith 7f454c46", true),
            ("evt.buffer bcontains 4c4600", true),
            ("evt.buffer bcontains 4c46ff", false),
            ("evt.buffer contains ELF", true),
            ("evt.buffer startswith ELF", false),
            ("evt.buffer endswith x", true),
            ("evt.buffer = ELF", false),
            ("evt.buffer != ELF", true),
            ("fd.sip = 10.0.0.1", true),
            ("fd.sip != 10.0.0.1", false),
            ("fd.sip = \"::1\"", false),
            ("fd.sip != \"::1\"", true),
            ("fd.cip in (\"fd00::1\")", true),
            ("fd.snet = 10.0.0.0/8", true),
            ("fd.snet != 10.0.0.0/8", false),
            ("fd.snet in (1.0.0.0/8, 10.0.0.0/8)", true),
            ("fd.snet = \"::/0\"", false),
            ("fd.snet != \"::/0\"", true),
            ("fd.sport = https", true),
            ("fd.sport = 443", true),
            ("fd.sport < 1024", true),
            ("fd.types in (file, pipe)", true),
            ("fd.types in (file)", false),
            ("fd.types intersects (pipe, x)", true),
            ("fd.types intersects (x)", false),
            ("fd.types exists", true),
            ("evt.rawarg.res < 0", true),
            ("evt.rawarg.res = -2", true),
            ("evt.rawarg.res = x", false),
            ("evt.rawarg.res != x", true),
            ("evt.rawarg.name = /x", true),
            ("evt.rawarg.name startswith /", true),
            ("evt.rawarg.name < 5", true),
            ("evt.rawarg.addr = \"::1\"", true),
            ("evt.rawarg.addr != x", true),
            ("evt.type in (open, close)", true),
        ],
    );
}

#[test]
fn modifiers_count_the_values_that_hold() {
    holds(
        &event(),
        &[
            ("proc.cmdline startswith anyof (x, cat)", true),
            ("proc.cmdline startswith anyof (x)", false),
            ("proc.cmdline contains allof (cat, etc)", true),
            ("proc.cmdline contains allof (cat, x)", false),
            ("proc.cmdline contains oneof (cat, x)", true),
            ("proc.cmdline contains oneof (cat, etc)", false),
            ("proc.name = anyof (cat, x)", true),
            ("proc.name = oneof (cat, cat)", false),
            ("proc.name = allof (cat, cat)", true),
            ("proc.name != allof (x, y)", true),
            ("proc.name != allof (x, cat)", false),
            ("proc.name != anyof (x, cat)", true),
            ("proc.name != oneof (x, cat)", true),
            ("proc.name != oneof (x, y)", false),
            ("proc.name = anyof ()", false),
            ("proc.name = allof ()", false),
            ("proc.name = oneof ()", false),
            ("proc.name != allof ()", false),
        ],
    );
}

#[test]
fn absent_fields_make_checks_false() {
    let list =
        Event::default().with("fd.types", Extracted::List(Vec::new())).with("proc.aname", Extracted::Any(Vec::new()));
    holds(
        &list,
        &[
            ("proc.name = x", false),
            ("proc.name != x", false),
            ("not proc.name = x", true),
            ("not proc.name != x", true),
            ("proc.name exists", false),
            ("not proc.name exists", true),
            ("proc.name in (x)", false),
            ("proc.name = val(proc.pname)", false),
            ("proc.name != val(proc.pname)", false),
            ("tolower(proc.name) exists", false),
            ("fd.types in ()", false),
            ("fd.types in (a)", false),
            ("fd.types exists", false),
            ("len(fd.types) = 0", true),
            ("proc.aname != x", false),
            ("proc.aname exists", false),
        ],
    );
}

#[test]
fn three_values_follow_kleene() {
    use Verdict::{False, True, Unknown};
    let event = event().with("container.name", Extracted::Unknown);
    let word = |verdict| match verdict {
        True => "fd.num = -3",
        False => "fd.num = 0",
        Unknown => "container.name = x",
    };
    let table = [
        (True, True, True, True),
        (True, False, False, True),
        (True, Unknown, Unknown, True),
        (False, True, False, True),
        (False, False, False, False),
        (False, Unknown, False, Unknown),
        (Unknown, True, Unknown, True),
        (Unknown, False, False, Unknown),
        (Unknown, Unknown, Unknown, Unknown),
    ];
    for (a, b, and, or) in table {
        check(&event, &[(&format!("{} and {}", word(a), word(b)), and), (&format!("{} or {}", word(a), word(b)), or)]);
    }
    check(
        &event,
        &[
            ("not fd.num = -3", False),
            ("not fd.num = 0", True),
            ("not container.name = x", Unknown),
            ("container.name exists", Unknown),
            ("container.name != x", Unknown),
            ("tolower(container.name) = x", Unknown),
            ("concat(container.name, \"x\") = x", Unknown),
            ("join(\",\", (\"a\", container.name)) = x", Unknown),
            ("proc.name = val(container.name)", Unknown),
            ("container.name = val(proc.name)", Unknown),
            ("container.name = val(user.name)", False),
            ("user.name = val(container.name)", False),
            ("fd.num = -3 and container.name = x and fd.num = 0", False),
            ("container.name = x or fd.num = -3", True),
            ("not (container.name = x and fd.num = 0)", True),
            ("not (container.name = x or fd.num = 0)", Unknown),
        ],
    );
}

#[test]
fn evaluation_stops_at_the_deciding_part() {
    struct Counting(std::cell::Cell<u32>);
    impl FieldSource for Counting {
        fn extract<'a>(&'a self, _: &FieldRef) -> Extracted<'a> {
            self.0.set(self.0.get() + 1);
            Extracted::One(Value::I64(1))
        }
    }
    for (text, reads) in [
        ("fd.num = 2 and fd.num = 1", 1),
        ("fd.num = 1 or fd.num = 2", 1),
        ("fd.num = 1 and fd.num = 1", 2),
        ("(fd.num = 1 or fd.num = 1) and fd.num = 1", 2),
    ] {
        let source = Counting(std::cell::Cell::new(0));
        filter(text).eval(&source);
        assert_eq!(source.0.get(), reads, "{text}");
    }
}

#[test]
fn paths_include_on_either_form_and_exclude_on_the_resolved_one() {
    let link = Event::default().with("fd.name", path("/etc/shadow", Some("/tmp/link")));
    holds(
        &link,
        &[
            ("fd.name = /etc/shadow", true),
            ("fd.name = /tmp/link", true),
            ("fd.name = /x", false),
            ("not fd.name = /etc/shadow", false),
            ("not fd.name = /tmp/link", true),
            ("not not fd.name = /tmp/link", true),
            ("not (fd.name exists and not fd.name = /tmp/link)", true),
            ("fd.name != /etc/shadow", false),
            ("fd.name != /tmp/link", true),
            ("fd.name != /x", true),
            ("not fd.name != /etc/shadow", true),
            ("not fd.name != /tmp/link", true),
            ("not fd.name != /x", false),
            ("fd.name startswith /tmp", true),
            ("not fd.name startswith /tmp", true),
            ("not fd.name startswith /etc", false),
            ("fd.name in (/tmp/link)", true),
            ("not fd.name in (/tmp/link)", true),
            ("not fd.name in (/etc/shadow)", false),
            ("fd.name pmatch (/tmp)", true),
            ("not fd.name pmatch (/tmp)", true),
            ("fd.name glob /tmp/*", true),
            ("fd.name != allof (/tmp/link, /x)", true),
            ("fd.name != allof (/etc/shadow, /x)", false),
            ("not fd.name != allof (/tmp/link, /x)", true),
            ("not fd.name != allof (/y, /x)", false),
            ("not fd.name != anyof (/tmp/link, /etc/shadow)", false),
            ("fd.name exists", true),
            ("not fd.name exists", false),
            ("tolower(fd.name) = /tmp/link", true),
            ("not tolower(fd.name) = /tmp/link", true),
            ("basename(fd.name) = link", true),
            ("not basename(fd.name) = shadow", false),
            ("len(fd.name) = 11", true),
            ("len(fd.name) = 9", false),
            ("concat(fd.name, \"x\") = /tmp/linkx", true),
            ("not concat(fd.name, \"x\") = /tmp/linkx", true),
            ("concat(fd.name, \"x\") = /etc/shadowx", true),
            ("join(\",\", (fd.name, \"x\")) = \"/tmp/link,x\"", true),
        ],
    );
    let both = event().with("fd.name", path("/a", Some("/b"))).with("fs.path.name", path("/c", Some("/b")));
    holds(
        &both,
        &[
            ("fd.name = val(fs.path.name)", true),
            ("not fd.name = val(fs.path.name)", true),
            ("fd.name != val(fs.path.name)", true),
            ("not fd.name != val(fs.path.name)", true),
        ],
    );
    let plain = Event::default().with("fd.name", path("/etc/shadow", None));
    holds(&plain, &[("fd.name = /etc/shadow", true), ("not fd.name = /etc/shadow", false), ("fd.name != /x", true)]);
}

#[test]
fn several_candidates_need_one_that_holds() {
    let event = Event::default()
        .with("proc.aname", Extracted::Any(texts(&["bash", "sshd"])))
        .with("proc.apid", Extracted::Any(vec![Value::I64(5), Value::I64(1)]))
        .with("fd.ip", Extracted::Any(vec![ip("10.0.0.1"), ip("1.1.1.1")]))
        .with("fd.net", Extracted::Any(vec![ip("10.0.0.1"), ip("1.1.1.1")]))
        .with("fd.port", Extracted::Any(vec![Value::U64(22), Value::U64(50_000)]))
        .with("proc.aargs", Extracted::Any(texts(&["-A", "-b"])));
    holds(
        &event,
        &[
            ("proc.aname = sshd", true),
            ("proc.aname = x", false),
            ("proc.aname != sshd", true),
            ("not proc.aname = sshd", false),
            ("proc.aname in (sshd, x)", true),
            ("proc.aname startswith ss", true),
            ("proc.apid = 1", true),
            ("proc.apid > 4", true),
            ("fd.ip = 1.1.1.1", true),
            ("fd.ip != 1.1.1.1", false),
            ("fd.ip != 2.2.2.2", true),
            ("fd.ip in (2.2.2.2, 10.0.0.1)", true),
            ("fd.net = 10.0.0.0/8", true),
            ("fd.net != 10.0.0.0/8", false),
            ("fd.net != 192.168.0.0/16", true),
            ("fd.net in (192.168.0.0/16, 10.0.0.0/8)", true),
            ("fd.port = ssh", true),
            ("fd.port != ssh", false),
            ("fd.port != 80", true),
            ("not fd.port = 80", true),
            ("tolower(proc.aargs) = -a", true),
            ("tolower(proc.aargs) = -A", false),
        ],
    );
}

#[test]
fn transformers_transform() {
    let event = event()
        .with("user.name", Extracted::One(text("aGVsbG8")))
        .with("user.shell", Extracted::One(text("/bin/bash")))
        .with("proc.pexe", Extracted::One(text("!")));
    holds(
        &event,
        &[
            ("toupper(proc.name) = CAT", true),
            ("tolower(toupper(proc.name)) = cat", true),
            ("b64(user.name) = hello", true),
            ("b64(proc.pexe) exists", false),
            ("basename(user.shell) = bash", true),
            ("basename(user.shell) = val(proc.pname)", true),
            ("proc.pname = basename(user.shell)", true),
            ("proc.name = tolower(\"CAT\")", true),
            ("len(proc.name) = 3", true),
            ("len(evt.buffer) = 6", true),
            ("len(fd.types) = 3", true),
            ("len((\"a\", proc.name, user.homedir)) = 2", true),
            ("len(\"abc\") = 3", true),
            ("len(proc.name) = len(proc.exe)", true),
            ("join(\",\", fd.types) = \"file,pipe,file\"", true),
            ("join(\"-\", (\"a\", user.homedir, proc.name)) = a-cat", true),
            ("join(\"-\", ()) = \"\"", true),
            ("concat(proc.name, \"-\", proc.pname) = cat-bash", true),
            ("concat(proc.name, user.homedir) exists", false),
            ("getopt((proc.args[0], proc.args[1]), \"lp:\")[p] = 80", true),
            ("getopt((proc.args[0], proc.args[1]), \"lp:\")[l] = l", true),
            ("getopt((proc.args[0]), \"lp:\")[x] exists", false),
            ("getopt((proc.args[0], proc.args[1]), \"lp:\") intersects (\"p 80\")", true),
            ("getopt((proc.args[0], proc.args[1]), \"lp:\") in (l)", false),
            ("getopt((\"x\"), \"l\") exists", false),
        ],
    );
}

#[test]
fn deep_conditions_evaluate_within_a_thread() {
    let depth = 499;
    let text = format!("{}fd.num = -3{}", "not (fd.num = 0 or ".repeat(depth), ")".repeat(depth));
    let filter = filter(&text);
    assert_eq!(filter.eval(&event()), Verdict::from(depth % 2 == 0));
    assert!(filter.event_types().is_all());
    drop(filter.clone());
}

proptest! {
    /// De Morgan's laws hold in three values: pushing `not` inwards never changes a verdict.
    #[test]
    fn negation_moves_inwards(values in prop::collection::vec(0..3usize, 1..5)) {
        let event = event().with("container.name", Extracted::Unknown);
        let words = ["fd.num = -3", "fd.num = 0", "container.name = x"];
        let parts: Vec<&str> = values.iter().map(|value| words[*value]).collect();
        let negated: Vec<String> = parts.iter().map(|part| format!("not {part}")).collect();
        let eval = |text: &str| filter(text).eval(&event);
        prop_assert_eq!(eval(&format!("not ({})", parts.join(" and "))), eval(&negated.join(" or ")));
        prop_assert_eq!(eval(&format!("not ({})", parts.join(" or "))), eval(&negated.join(" and ")));
    }
}
