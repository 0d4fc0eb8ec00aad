#![allow(clippy::unwrap_used)]

use super::*;
use crate::fields::FieldRegistry;
use crate::parser::{Limits, parse};

struct Names;

impl EventNames for Names {
    fn is_known(&self, name: &str) -> bool {
        matches!(name, "open" | "close")
    }
}

fn compile(text: &str) -> Result<Filter, ConditionError> {
    Filter::compile(&parse(text, &Limits::for_rules())?, &Names)
}

/// One field of every type, with a constant that fits.
const SAMPLES: [(FieldType, &str, &str); 15] = [
    (FieldType::Bool, "evt.failed", "true"),
    (FieldType::Int16, "evt.cpu", "1"),
    (FieldType::Int32, "fd.dev", "-1"),
    (FieldType::Int64, "fd.num", "1"),
    (FieldType::Uint32, "user.uid", "1"),
    (FieldType::Uint64, "proc.vmsize", "1"),
    (FieldType::Port, "fd.sport", "1"),
    (FieldType::RelTime, "proc.duration", "1"),
    (FieldType::AbsTime, "evt.rawtime", "1"),
    (FieldType::Double, "thread.cpu", "1"),
    (FieldType::Text, "proc.name", "41"),
    (FieldType::Bytes, "evt.buffer", "41"),
    (FieldType::Ip, "fd.sip", "\"::1\""),
    (FieldType::Net, "fd.snet", "10.0.0.0/8"),
    (FieldType::Dynamic, "evt.rawarg.res", "10"),
];

fn check(field: &str, op: Operator, constant: &str) -> String {
    match op {
        Operator::Exists => format!("{field} exists"),
        Operator::In | Operator::Intersects | Operator::PMatch => format!("{field} {op} ({constant})"),
        _ => format!("{field} {op} {constant}"),
    }
}

/// The table of the language, written once more by hand: `=` `<` contains bcontains startswith bstartswith endswith glob
/// pmatch regex in.
#[test]
fn every_operator_meets_every_type() {
    use Operator::{
        BContains, BStartsWith, Contains, EndsWith, Exists, Glob, IContains, IGlob, Lt, Ne, PMatch, Regex, StartsWith,
    };
    for (ty, field, constant) in SAMPLES {
        assert_eq!(FieldRegistry::lookup(field.strip_suffix(".res").unwrap_or(field)).unwrap().ty, ty);
        let is_number = ty.range().is_some();
        for op in Operator::ALL.iter().copied() {
            let allowed = match op {
                Operator::Eq | Ne | Exists | Operator::In | Operator::Intersects => true,
                Lt | Operator::Le | Operator::Gt | Operator::Ge => {
                    is_number || matches!(ty, FieldType::Text | FieldType::Dynamic)
                }
                Contains | StartsWith | EndsWith => {
                    matches!(ty, FieldType::Text | FieldType::Bytes | FieldType::Dynamic)
                }
                BContains | BStartsWith => matches!(ty, FieldType::Bytes | FieldType::Dynamic),
                IContains | Glob | IGlob | PMatch | Regex => matches!(ty, FieldType::Text | FieldType::Dynamic),
            };
            let text = check(field, op, constant);
            if matches!(op, Lt | Operator::Le | Operator::Gt | Operator::Ge)
                && parse(&text, &Limits::default()).is_err()
            {
                continue;
            }
            match compile(&text) {
                Ok(_) => assert!(allowed, "{text}"),
                Err(error) => {
                    assert!(!allowed, "{text}: {error}");
                    assert_eq!(
                        (error.kind(), error.found()),
                        (ErrorKind::Operator, format!("`{op}`").as_str()),
                        "{text}"
                    );
                    assert!(error.to_string().contains(&format!("({ty}): use `=`")), "{text}: {error}");
                }
            }
        }
    }
    for op in Operator::ALL.iter().copied().filter(|op| !matches!(op, Lt | Operator::Le | Operator::Gt | Operator::Ge))
    {
        let allowed = matches!(op, Operator::In | Operator::Intersects | Exists);
        assert_eq!(compile(&check("fd.types", op, "file")).is_ok(), allowed, "list {op}");
    }
}

#[test]
fn constants_become_values() {
    let value = |text: &str| match compile(text).unwrap().tests()[0].rhs.clone() {
        TypedRhs::Values(values) => values[0].clone(),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(value("fd.sport = https"), Constant::Int(443));
    assert_eq!(value("fd.sport = 65535"), Constant::Int(65535));
    assert_eq!(value("user.loginuid = -1"), Constant::Int(-1));
    assert_eq!(value("user.loginuid = \"-1\""), Constant::Int(-1));
    assert_eq!(value("proc.vmsize = 18446744073709551615"), Constant::Int(i128::from(u64::MAX)));
    assert_eq!(value("evt.failed = false"), Constant::Bool(false));
    assert_eq!(value("evt.buffer bcontains 0Aff"), Constant::Text([10, 255].into()));
    assert_eq!(value("fd.sip = 1.2.3.4"), Constant::Ip([1, 2, 3, 4].into()));
    assert_eq!(value("fd.snet = 10.1.0.0/8"), Constant::Net("10.0.0.0/8".parse().unwrap()));
    assert_eq!(value("evt.rawarg.res = x"), Constant::Dynamic { text: b"x"[..].into(), number: None });
    let TypedRhs::Texts(texts) = &compile("proc.name in (b, a, b)").unwrap().tests()[0].rhs.clone() else { panic!() };
    assert_eq!(texts.iter().map(|text| &**text).collect::<Vec<_>>(), [b"a", b"b"]);
    let any = compile("proc.name = anyof (b, a)").unwrap();
    assert_eq!((any.tests()[0].op, any.tests()[0].modifier), (Operator::In, None));
}

/// Text, kind, offset of the place, part of the message.
#[test]
fn mistakes_are_named_with_their_place() {
    use ErrorKind::{FieldArgument, FieldUse, TooLarge, UnknownEventType, UnknownField, UnknownMacro, Value};
    let long = format!("proc.name = {}", "x".repeat(256));
    let cases = [
        ("evt.type = opne", UnknownEventType, 11, "unknown event type `opne`"),
        ("evt.type in (open, opne)", UnknownEventType, 19, "unknown event type `opne`"),
        ("syscall.type != opne", UnknownEventType, 16, "unknown event type"),
        ("evt.type = anyof (opne)", UnknownEventType, 18, "unknown event type"),
        ("a", UnknownMacro, 0, "undefined macro `a`"),
        ("a and proc.nme = x", UnknownMacro, 0, "undefined macro"),
        ("proc.nme = x", UnknownField, 0, "unknown field `proc.nme`, did you mean `proc.name`"),
        ("proc.name = val(proc.pnme)", UnknownField, 16, "did you mean `proc.pname`"),
        ("tolower(proc.nme) = x", UnknownField, 8, "unknown field"),
        ("proc.name[1] = x", FieldArgument, 0, "it has no argument"),
        ("evt.arg = x", FieldArgument, 0, "`evt.arg` needs an argument: .name or [index]"),
        ("proc.aname[x] = y", FieldArgument, 0, "only [index]"),
        ("evt.outputtime = x", FieldUse, 0, "can only be printed"),
        ("proc.name = val(proc.aname[1])", FieldUse, 16, "cannot stand on the right"),
        ("tolower(proc.aname[1]) = x", FieldUse, 8, "cannot be transformed"),
        ("tolower(evt.type) = open", FieldUse, 8, "cannot be transformed"),
        ("fd.num = abc", Value, 9, "`abc`: not a decimal whole number"),
        ("fd.num = 0x10", Value, 9, "`0x10`: not a decimal whole number"),
        ("fd.num > 1.5", Value, 9, "not a decimal whole number"),
        ("user.uid = -1", Value, 11, "does not fit uint32, which holds 0 to 4294967295"),
        ("fd.sport = 65536", Value, 11, "does not fit port"),
        ("fd.sport = nosuch", Value, 11, "not a known service"),
        ("evt.failed = yes", Value, 13, "not `true` or `false`"),
        ("fd.sip = 1.2.3", Value, 9, "not an IPv4 or IPv6 address"),
        ("fd.snet = 1.2.3.4", Value, 10, "not a network"),
        ("fd.snet = 1.2.3.4/40", Value, 10, "not a network"),
        ("evt.buffer bcontains abc", Value, 21, "not an even number of hexadecimal digits"),
        ("evt.buffer bcontains \"\"", Value, 21, "not an even number"),
        ("evt.buffer bcontains zz", Value, 21, "not an even number"),
        ("proc.name regex \"(\"", Value, 16, "not a regular expression"),
        ("proc.name regex \"\\xff\"", Value, 16, "must be UTF-8"),
        ("proc.name glob \"a\\\\\"", Value, 15, "lone backslash"),
        ("fd.name pmatch (\"\")", Value, 16, "an empty path"),
        (long.as_str(), TooLarge, 12, "256 bytes, more than 255"),
        ("fd.num = val(proc.name)", Value, 13, "`fd.num` is int64, `proc.name` is string"),
        ("proc.name = val(fd.types)", FieldUse, 16, "cannot stand on the right"),
        ("proc.name = getopt((\"a\"), \"l\")", Value, 12, "is list of string"),
        ("fd.sport = val(fd.num)", Value, 15, "only equal types compare"),
        ("proc.name regex val(proc.pname)", ErrorKind::Operator, 20, "takes constants only"),
        ("fd.name pmatch val(proc.cwd)", ErrorKind::Operator, 19, "takes constants only"),
        ("fd.snet = val(fd.snet)", FieldUse, 14, "cannot stand on the right"),
        ("tolower(fd.num) = 1", Value, 0, "`tolower` needs a string, not `fd.num`, int64"),
        ("tolower(proc.name, proc.name) = a", Value, 0, "`tolower` takes one argument, not 2"),
        ("tolower((\"a\")) = a", Value, 0, "needs a string, not a list"),
        ("concat(proc.name) = a", Value, 0, "two or more arguments"),
        ("concat(proc.name, proc.aargs) = a", Value, 0, "of every ancestor"),
        ("concat(proc.name, tolower(proc.aargs)) = a", Value, 0, "of every ancestor"),
        ("join(\",\", proc.name) = a", Value, 0, "`join` needs a list here"),
        ("join(\",\") = a", Value, 0, "a separator and a list"),
        ("len(fd.num) = 1", Value, 0, "`len` needs a string or a bytes"),
        ("len(proc.name)[l] = 1", Value, 15, "takes nothing in square brackets"),
        ("getopt((\"a\"), \"l\")[lm] = x", Value, 19, "not one option letter"),
        ("getopt((\"a\"), \"l\") = x", ErrorKind::Operator, 19, "list of string"),
        ("len(proc.name) contains x", ErrorKind::Operator, 15, "`len(...)` (uint64)"),
    ];
    for (text, kind, offset, message) in cases {
        let error = compile(text).unwrap_err();
        assert_eq!((error.kind(), error.offset()), (kind, offset), "{text}: {error}");
        assert!(error.to_string().contains(message), "{text}: {error}");
        assert!(!error.found().is_empty() && !error.expected().is_empty(), "{text}");
    }
}

#[test]
fn fields_with_endpoints_allow_what_the_rules_use() {
    for text in [
        "fd.net in (10.0.0.0/8, \"192.168.0.0/16\")",
        "fd.ip in (1.2.3.4)",
        "fd.port = 22",
        "fd.proto = ssh",
        "len(fd.types) = 2",
        "len((\"a\", proc.name)) = 2",
        "tolower(proc.aargs) contains x",
        "join(\",\", fd.types) contains file",
        "container.mount.dest[/proc*] exists",
        "evt.type startswith op",
        "evt.type in (open) and not syscall.type = close",
        "fd.types in val(fd.types)",
        "static.region = x",
    ] {
        let compiled = compile(text);
        assert_eq!(compiled.is_ok(), !text.contains("val(fd.types)"), "{text}: {compiled:?}");
    }
}

#[test]
fn warnings_name_what_may_not_be_meant() {
    let cases: [(&str, &[WarningKind]); 8] = [
        ("evt.dir = <", &[WarningKind::DeprecatedField]),
        ("proc.name = \"proc.pname\"", &[WarningKind::LooksLikeField]),
        ("proc.name in (proc.pname, x)", &[WarningKind::LooksLikeField]),
        ("proc.name = \"tolower(proc.pname)\"", &[WarningKind::LooksLikeTransformer]),
        ("proc.name = tolower", &[]),
        ("proc.name = static", &[]),
        ("proc.name = file.txt", &[]),
        ("proc.name = val(k8s.pod.id)", &[WarningKind::DeprecatedField]),
    ];
    for (text, kinds) in cases {
        let found: Vec<WarningKind> = compile(text).unwrap().warnings().iter().map(|warning| warning.kind).collect();
        assert_eq!(found, kinds, "{text}");
    }
}

#[test]
fn polarity_counts_negations() {
    let filter = compile("fd.num = 1 and not (fd.num = 2 or not fd.num = 3)").unwrap();
    let polarities: Vec<Polarity> = filter.tests().iter().map(|test| test.polarity).collect();
    assert_eq!(polarities, [Polarity::Inclusive, Polarity::Exclusive, Polarity::Inclusive]);
}

#[test]
fn checks_change_with_their_fields() {
    use crate::fields::Class;
    let cases = [
        ("proc.name = a", Class::Process),
        ("proc.name = val(proc.pname)", Class::Lineage),
        ("fd.name = a", Class::Descriptor),
        ("concat(fd.name, proc.name) = a", Class::Event),
        ("evt.type = open", Class::Event),
        ("len((\"a\")) = 1", Class::Process),
    ];
    for (text, class) in cases {
        assert_eq!(compile(text).unwrap().tests()[0].changes(), class, "{text}");
    }
    let fields = compile("concat(fd.name, proc.name) = a or proc.pname = val(proc.name)").unwrap().fields();
    let names: Vec<String> = fields.iter().map(ToString::to_string).collect();
    assert_eq!(names.len(), 3);
    assert!(["fd.name", "proc.name", "proc.pname"].iter().all(|name| names.iter().any(|found| found == name)));
}

#[test]
fn depth_is_bounded_here_too() {
    let mut expr = parse("fd.num = 1", &Limits::default()).unwrap();
    for _ in 0..MAX_DEPTH {
        let span = expr.span;
        expr = Expr::new(ExprKind::Not(Box::new(expr)), span);
    }
    assert_eq!(Filter::compile(&expr, &Names).unwrap_err().kind(), ErrorKind::TooDeep);
}

#[test]
fn the_examples_of_the_documentation_compile() {
    let text = include_str!("../../../docs/conditions.md");
    let blocks = text.split("```").skip(1).step_by(2);
    let examples: Vec<&str> = blocks.flat_map(str::lines).filter(|line| !line.is_empty()).collect();
    for example in &examples {
        let compiled = compile(&example.replace("openat", "close"));
        assert!(compiled.is_ok(), "{example}: {compiled:?}");
    }
    assert!(examples.len() >= 7, "{examples:?}");
}

/// The reference rules are outside the repository; without them there is nothing to try.
#[test]
fn every_condition_of_the_reference_rules_compiles() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference/rules/falco_rules.yaml");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: the reference rules are not here");
        return;
    };
    let items: Vec<serde_yaml::Value> = serde_yaml::from_str(&text).unwrap();
    let string = |item: &serde_yaml::Value, key: &str| item.get(key).and_then(|v| v.as_str()).map(str::to_owned);
    let mut lists = std::collections::HashMap::new();
    for item in &items {
        if let Some(name) = string(item, "list") {
            let items = item.get("items").and_then(|v| v.as_sequence()).unwrap();
            let scalar = |v: &serde_yaml::Value| {
                v.as_str().map_or_else(|| serde_yaml::to_string(v).unwrap().trim().to_owned(), str::to_owned)
            };
            lists.insert(name, items.iter().map(scalar).collect::<Vec<String>>());
        }
    }
    let expand =
        |text: &str| crate::expand::expand_lists(text, |name| lists.get(name).map(Vec::as_slice)).unwrap().text;
    let parsed = |text: &str| parse(&expand(text), &Limits::for_rules()).unwrap_or_else(|e| panic!("{text}: {e}"));
    let macros: std::collections::HashMap<String, Expr> =
        items.iter().filter_map(|item| Some((string(item, "macro")?, parsed(&string(item, "condition")?)))).collect();
    struct Any;
    impl EventNames for Any {
        fn is_known(&self, name: &str) -> bool {
            !name.is_empty()
        }
    }
    let mut rules = 0;
    for item in items.iter().filter(|item| item.get("rule").is_some()) {
        let condition = string(item, "condition").unwrap();
        let expr =
            parsed(&condition).substitute(&|name| macros.get(name)).unwrap_or_else(|e| panic!("{condition}: {e}"));
        let filter = Filter::compile(&expr, &Any).unwrap_or_else(|e| panic!("{condition}: {e}"));
        assert!(!filter.tests().is_empty());
        rules += 1;
    }
    assert_eq!((rules, macros.len(), lists.len()), (25, 87, 49));
}
