#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;

use super::*;
use crate::ast::testing::without_spans;

fn rule(text: &str) -> Result<Expr, ConditionError> {
    parse(text, &Limits::for_rules())
}

/// Every production, with the form the tree prints as.
#[test]
fn every_production_parses() {
    let cases = [
        ("a", "a"),
        ("  a\t\r\n", "a"),
        ("a and b and c", "a and b and c"),
        ("a or b or c", "a or b or c"),
        ("a and b or c and d", "(a and b) or (c and d)"),
        ("(a or b) and c", "(a or b) and c"),
        ("a and(b or c)", "a and (b or c)"),
        ("a or(b)", "a or b"),
        ("a or(b) and c", "a or (b and c)"),
        ("((a))", "a"),
        ("not a", "not a"),
        ("not not a", "a"),
        ("not not not a", "not a"),
        ("not(a or b)", "not (a or b)"),
        ("not (a and not b)", "not (a and not b)"),
        ("not not(a or b)", "a or b"),
        ("not(not a)", "not (not a)"),
        ("notify and android or order", "(notify and android) or order"),
        ("proc.name exists", "proc.name exists"),
        ("(proc.name exists)", "proc.name exists"),
        ("proc.name=cat", "proc.name = cat"),
        ("proc.name == cat", "proc.name = cat"),
        ("proc.name = \"a b\"", "proc.name = \"a b\""),
        ("proc.name='a\"b'", "proc.name = \"a\\\"b\""),
        ("proc.name != cat", "proc.name != cat"),
        ("proc.name = exists", "proc.name = exists"),
        ("fd.num<5", "fd.num < 5"),
        ("fd.num <= -5", "fd.num <= -5"),
        ("fd.num > 0x1f", "fd.num > 0x1f"),
        ("fd.num >=5", "fd.num >= 5"),
        ("fd.num < val(proc.pid)", "fd.num < val(proc.pid)"),
        ("fd.num < len(proc.name)", "fd.num < len(proc.name)"),
        ("fd.name glob /a/*", "fd.name glob /a/*"),
        ("fd.name iglob '*.LOG'", "fd.name iglob \"*.LOG\""),
        ("fd.name contains x", "fd.name contains x"),
        ("fd.name icontains x", "fd.name icontains x"),
        ("evt.buffer bcontains 0a0b", "evt.buffer bcontains 0a0b"),
        ("evt.buffer bstartswith 7f454c46", "evt.buffer bstartswith 7f454c46"),
        ("fd.name startswith /etc", "fd.name startswith /etc"),
        ("fd.name endswith .conf", "fd.name endswith .conf"),
        ("proc.name regex '[a-z]+'", "proc.name regex \"[a-z]+\""),
        ("proc.name in (a, 'b c' , d)", "proc.name in (a, \"b c\", d)"),
        ("proc.name in(a)", "proc.name in (a)"),
        ("proc.name in ()", "proc.name in ()"),
        ("proc.name in ( )", "proc.name in ()"),
        ("proc.name in shells", "proc.name in (shells)"),
        ("proc.name in val(proc.pname)", "proc.name in val(proc.pname)"),
        ("proc.name in tolower(proc.pname)", "proc.name in tolower(proc.pname)"),
        ("fd.types intersects (file, ipv4)", "fd.types intersects (file, ipv4)"),
        ("fd.name pmatch (/a, /b)", "fd.name pmatch (/a, /b)"),
        ("fd.name pmatch dirs", "fd.name pmatch (dirs)"),
        ("proc.name = oneof (a, b)", "proc.name = oneof (a, b)"),
        ("proc.name startswith anyof (a, b)", "proc.name startswith anyof (a, b)"),
        ("proc.name != allof shells", "proc.name != allof (shells)"),
        ("proc.name = anyof", "proc.name = anyof"),
        ("proc.name = anyof and a", "proc.name = anyof and a"),
        ("proc.name = allof(a)", "proc.name = allof (a)"),
        ("proc.name = val( proc.pname )", "proc.name = val(proc.pname)"),
        ("proc.name = val", "proc.name = val"),
        ("proc.name = toupper(proc.pname)", "proc.name = toupper(proc.pname)"),
        ("proc.name = tolower", "proc.name = tolower"),
        ("tolower(proc.name) = cat", "tolower(proc.name) = cat"),
        ("toupper( tolower( proc.name ) ) = CAT", "toupper(tolower(proc.name)) = CAT"),
        ("b64(proc.args[1]) contains x", "b64(proc.args[1]) contains x"),
        ("basename(fd.name) = x", "basename(fd.name) = x"),
        ("len(\"abc\") = 3", "len(\"abc\") = 3"),
        (
            "join(\",\", (proc.name, \"x\", len(fd.name), 5, 0x1f)) = x",
            "join(\",\", (proc.name, \"x\", len(fd.name), 5, 0x1f)) = x",
        ),
        ("join('', ()) = x", "join(\"\", ()) = x"),
        ("concat(proc.name, '-', proc.pname) = a-b", "concat(proc.name, \"-\", proc.pname) = a-b"),
        ("getopt((proc.args[0]), \"l\")[l] = l", "getopt((proc.args[0]), \"l\")[l] = l"),
        ("getopt((\"-l\"), \"l\")['l'] exists", "getopt((\"-l\"), \"l\")[\"l\"] exists"),
        ("len = x.y", ""),
        ("proc.aname[2]=x", "proc.aname[2] = x"),
        ("proc.env[\"A B\"] = x", "proc.env[\"A B\"] = x"),
        ("container.mount.dest[/proc*] exists", "container.mount.dest[/proc*] exists"),
        ("evt.arg.flags contains X", "evt.arg.flags contains X"),
        ("evt.type.is.3 = 1", "evt.type.is.3 = 1"),
        ("proc.name = \"\"", "proc.name = \"\""),
        ("proc.cmdline contains \"\\x01\\xff\\n\\\\\"", "proc.cmdline contains \"\\x01\\xff\\n\\\\\""),
        ("proc.name = é", "proc.name = é"),
    ];
    for (text, printed) in cases {
        match rule(text) {
            Ok(expr) => {
                assert_eq!(expr.to_string(), printed, "{text}");
                assert_eq!(without_spans(rule(printed).unwrap()), without_spans(expr), "{text}");
            }
            Err(error) => assert!(printed.is_empty(), "{text}: {error}"),
        }
    }
}

/// Text, line, column, what is expected, what is found.
#[test]
fn errors_name_place_expectation_and_find() {
    let cases = [
        ("", 1, 1, "a field, a transformer", "the end of the condition"),
        ("   ", 1, 4, "a field, a transformer", "the end of the condition"),
        ("a and", 1, 6, "a blank or `(`", "the end of the condition"),
        ("a and ", 1, 7, "a field, a transformer", "the end of the condition"),
        ("a andb", 1, 3, "`and`, `or` or the end", "`andb`"),
        ("a and)", 1, 6, "a blank or `(`", "`)`"),
        ("a b", 1, 3, "`and`, `or` or the end of the condition", "`b`"),
        ("a)", 1, 2, "`and`, `or` or the end of the condition", "`)`"),
        ("(a", 1, 3, "`)` to close the `(` at 1:1", "the end of the condition"),
        ("a and\n (b or (c)", 2, 11, "`)` to close the `(` at 2:2", "the end of the condition"),
        ("(a b)", 1, 4, "`and`, `or` or `)`", "`b`"),
        ("()", 1, 2, "a field, a transformer", "`)`"),
        ("and a", 1, 1, "a field, a transformer", "`and`"),
        ("a or or b", 1, 6, "a field, a transformer", "`or`"),
        ("not", 1, 1, "a field, a transformer", "`not`"),
        ("not ", 1, 5, "a field, a transformer", "the end of the condition"),
        ("exists", 1, 1, "a field, a transformer", "`exists`"),
        ("val(proc.name) = x", 1, 1, "a field, a transformer", "`val`"),
        ("5 = 5", 1, 1, "a field, a transformer", "`5`"),
        ("\"a\" = b", 1, 1, "a field, a transformer", "`\"`"),
        ("proc.name", 1, 10, "an operator", "the end of the condition"),
        ("proc.name cat", 1, 11, "an operator", "`cat`"),
        ("proc.name ~ cat", 1, 11, "an operator", "`~`"),
        ("proc. = cat", 1, 5, "`and`, `or` or the end", "`.`"),
        ("proc.name =", 1, 12, "a value", "the end of the condition"),
        ("proc.name = (a)", 1, 13, "a value", "`(`"),
        ("proc.name = \"abc", 1, 13, "`\"` to close this text", "the end of the condition"),
        ("proc.name = \"a\\qb\"", 1, 15, "an escape", "`\\q`"),
        ("proc.name contains(a)", 1, 19, "a blank after `contains`", "`(`"),
        ("proc.name contains", 1, 19, "a value", "the end of the condition"),
        ("fd.num < abc", 1, 10, "a number", "`abc`"),
        ("fd.num < \"5\"", 1, 10, "a number", "`\"`"),
        ("fd.num < 5x", 1, 11, "`and`, `or` or the end", "`x`"),
        ("proc.name in", 1, 13, "a list in parentheses", "the end of the condition"),
        ("proc.name in \"a\"", 1, 14, "a list in parentheses", "`\"`"),
        ("proc.name in (a b)", 1, 17, "`,` or `)`", "`b`"),
        ("proc.name in (a,)", 1, 17, "a value of the list", "`)`"),
        ("proc.name in (,a)", 1, 15, "a value of the list", "`,`"),
        ("proc.name in (a", 1, 16, "`,` or `)`", "the end of the condition"),
        ("proc.name in ((a))", 1, 15, "a value of the list", "`(`"),
        ("proc.name = val(5)", 1, 17, "a field", "`5`"),
        ("proc.name = val(proc.pname", 1, 27, "`)`", "the end of the condition"),
        ("tolower() = a", 1, 9, "a field, a transformer, a list", "`)`"),
        ("tolower(proc.name = a", 1, 19, "`,` or `)`", "`=`"),
        ("tolower (proc.name) = a", 1, 9, "`and`, `or` or the end", "`(`"),
        ("tolower(abc) = a", 1, 9, "a field, a transformer, a list", "`abc`"),
        ("join(\",\", ((\"a\"))) = a", 1, 12, "a field, a transformer, a text", "`(`"),
        ("proc.aname[ 1] = x", 1, 12, "an argument", "` `"),
        ("proc.aname[1 = x", 1, 13, "`]`", "` `"),
        ("proc.aname[] = x", 1, 12, "an argument", "`]`"),
        ("getopt((\"-l\"), \"l\")[] = l", 1, 21, "an option letter", "`]`"),
        ("a and\n\n  é.b = c", 3, 3, "a field, a transformer", "`é.b`"),
    ];
    for (text, line, column, expected, found) in cases {
        let error = rule(text).unwrap_err();
        assert_eq!((error.line(), error.column()), (line, column), "{text}: {error}");
        assert!(error.expected().starts_with(expected), "{text}: expected {}", error.expected());
        assert_eq!(error.found(), found, "{text}");
        assert_eq!(error.kind(), ErrorKind::Syntax);
        let caret = error.render(text, 80);
        assert_eq!(caret.lines().last().unwrap().chars().count(), usize::try_from(column).unwrap(), "{text}");
    }
}

#[test]
fn the_rendered_error_points_at_the_place() {
    let text = "evt.type = open and\nproc.name cat and fd.num = 1";
    let error = rule(text).unwrap_err();
    assert_eq!(error.render(text, 80), "proc.name cat and fd.num = 1\n          ^");
    assert_eq!(error.to_string(), "expected an operator such as `=`, `in`, `contains` or `exists`, found `cat`");
    assert_eq!(error.offset(), 30);
}

#[test]
fn spans_cover_their_text() {
    let text = "a or not (proc.name = \"x y\" and b)";
    let expr = parse_from(text, SourceId(7), &Limits::default()).unwrap();
    let slice = |span: crate::error::Span| &text[span.start as usize..span.end as usize];
    let ExprKind::Or(parts) = &expr.kind else { panic!("{expr:?}") };
    assert_eq!(parts.iter().map(|part| slice(part.span)).collect::<Vec<_>>(), ["a", "not (proc.name = \"x y\" and b)"]);
    let ExprKind::Not(inner) = &parts[1].kind else { panic!("{expr:?}") };
    assert_eq!(slice(inner.span), "proc.name = \"x y\" and b");
    let ExprKind::And(checks) = &inner.kind else { panic!("{expr:?}") };
    let ExprKind::Binary(check) = &checks[0].kind else { panic!("{expr:?}") };
    assert_eq!(slice(check.op_span), "=");
    let Rhs::One(literal) = &check.rhs else { panic!("{expr:?}") };
    assert_eq!((slice(literal.span), literal.span.column, literal.span.source), ("\"x y\"", 23, SourceId(7)));
}

#[test]
fn nesting_is_bounded_and_costs_no_stack() {
    let parens = |n: usize| format!("{}a{}", "(".repeat(n), ")".repeat(n));
    assert!(rule(&parens(1000)).is_ok());
    let error = rule(&parens(1001)).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (ErrorKind::TooDeep, 1000));
    assert!(parse(&parens(100), &Limits::default()).is_ok());
    assert_eq!(parse(&parens(101), &Limits::default()).unwrap_err().kind(), ErrorKind::TooDeep);
    assert_eq!(rule(&"(".repeat(1_000_000)).unwrap_err().kind(), ErrorKind::TooDeep);

    let nested = |n: usize| format!("{}a{}", "not(b or ".repeat(n), ")".repeat(n));
    let expr = rule(&nested(499)).unwrap();
    assert_eq!(without_spans(rule(&expr.to_string()).unwrap()), without_spans(expr.clone()));
    assert_eq!(rule(&nested(501)).unwrap_err().kind(), ErrorKind::TooDeep);

    assert_eq!(rule(&("not ".repeat(100_001) + "a")).unwrap().to_string(), "not a");
    let calls = |n: usize| format!("{}proc.name{} = a", "tolower(".repeat(n), ")".repeat(n));
    assert!(rule(&calls(32)).is_ok());
    assert_eq!(rule(&calls(33)).unwrap_err().kind(), ErrorKind::TooDeep);
    assert_eq!(rule(&calls(100_000)).unwrap_err().kind(), ErrorKind::TooDeep);
}

#[test]
fn trees_of_any_depth_are_freed() {
    let mut expr = rule("a").unwrap();
    for _ in 0..1_000_000 {
        let span = expr.span;
        expr = Expr::new(ExprKind::Not(Box::new(expr)), span);
    }
    drop(expr);
}

#[test]
fn long_texts_are_refused() {
    let limits = Limits { max_bytes: 10, ..Limits::default() };
    assert!(parse("aaaaaaaaaa", &limits).is_ok());
    let error = parse("aaaaaaaaaaa", &limits).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("11 bytes, more than 10"));
}

/// Text made of the language's own words comes much closer to its corners than random text does.
fn words() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "and",
        "or",
        "not",
        "(",
        ")",
        "a",
        "proc.name",
        "fd.num",
        "=",
        "!=",
        "<",
        "in",
        "exists",
        "glob",
        "anyof",
        "val(",
        "tolower(",
        "join(",
        "\"x\"",
        "'y",
        "\\",
        ",",
        "[",
        "]",
        "5",
        "0x1",
        "é",
        "pmatch",
        "contains",
        ".",
        "\n",
    ]);
    prop::collection::vec((word, prop::sample::select(vec!["", " "])), 0..24)
        .prop_map(|words| words.into_iter().flat_map(|(word, blank)| [word, blank]).collect())
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z/.*-]{1,8}",
        "[ -~]{0,8}".prop_map(|text| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))),
    ]
}

fn check() -> impl Strategy<Value = String> {
    let lhs = prop::sample::select(vec![
        "proc.name",
        "fd.name",
        "evt.arg.flags",
        "proc.aname[2]",
        "tolower(proc.name)",
        "concat(proc.name, \"x\")",
    ]);
    let op = prop::sample::select(vec!["=", "!=", "contains ", "glob ", "startswith "]);
    let modifier = prop::sample::select(vec!["oneof", "anyof", "allof"]);
    prop_oneof![
        "[a-m]{1,5}",
        lhs.clone().prop_map(|lhs| format!("{lhs} exists")),
        (lhs.clone(), op.clone(), literal()).prop_map(|(lhs, op, literal)| format!("{lhs} {op} {literal}")),
        (lhs.clone(), prop::collection::vec(literal(), 0..4))
            .prop_map(|(lhs, items)| format!("{lhs} in ({})", items.join(","))),
        (lhs.clone(), op, modifier, literal())
            .prop_map(|(lhs, op, modifier, item)| format!("{lhs} {op} {modifier} ({item})")),
        (lhs, 0..9i64).prop_map(|(lhs, n)| format!("{lhs} >= {n}")),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    check().prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.join(" and ")),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.join(" or ")),
            inner.clone().prop_map(|inner| format!("not ({inner})")),
            inner.prop_map(|inner| format!("({inner})")),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in ".{0,80}") {
        if let Err(error) = rule(&text) {
            prop_assert!(error.offset() <= text.len());
            prop_assert!(!error.render(&text, 40).is_empty());
        }
    }

    #[test]
    fn text_of_the_languages_words_never_panics(text in words()) {
        match rule(&text) {
            Ok(expr) => prop_assert_eq!(without_spans(rule(&expr.to_string()).unwrap()), without_spans(expr)),
            Err(error) => prop_assert!(error.offset() <= text.len()),
        }
    }

    #[test]
    fn printing_and_parsing_agree(text in condition()) {
        let expr = without_spans(rule(&text).unwrap());
        prop_assert_eq!(without_spans(rule(&expr.to_string()).unwrap()), expr);
    }
}
