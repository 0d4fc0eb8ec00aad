#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use proptest::prelude::*;

/// Answers with the field's own name, but for a few.
struct Echo;

impl FieldSource for Echo {
    fn extract<'a>(&'a self, field: &FieldRef) -> Extracted<'a> {
        match field.id {
            FieldId::UserName => Extracted::Absent,
            FieldId::ProcPid => Extracted::One(Value::I64(7)),
            FieldId::EvtRawtime => Extracted::One(Value::U64(1_000)),
            FieldId::EvtFailed => Extracted::One(Value::Bool(true)),
            FieldId::FdSip => Extracted::One(Value::Ip([10, 0, 0, 1].into())),
            FieldId::ProcFdusage => Extracted::One(Value::Double(0.5)),
            FieldId::EvtBuffer => Extracted::One(Value::Bytes(b"a\xffb".into())),
            FieldId::FdName => Extracted::Path { resolved: b"/real".into(), lexical: Some(b"/lexical".into()) },
            FieldId::ProcAname if field.arg == saker_filter::FieldArg::None => {
                Extracted::Any(vec![Value::text(b"a"), Value::text(b"b")])
            }
            _ => Extracted::One(Value::Text(field.to_string().into_bytes().into())),
        }
    }
}

fn text(format: &str) -> String {
    Formatter::parse(format).unwrap().format(&Echo).text
}

#[test]
fn fields_are_replaced_by_their_values() {
    let cases = [
        ("no field", "no field"),
        ("%proc.name", "proc.name"),
        ("a=%proc.name b=%proc.pid.", "a=proc.name b=7."),
        ("%proc.aname[2]|%evt.arg.flags|%evt.arg[1]", "proc.aname[2]|evt.arg.flags|evt.arg[1]"),
        ("%proc.name[%proc.pid]", "proc.name[7]"),
        ("%proc.names", "proc.names"),
        ("%user.name", "<NA>"),
        ("*%user.name", "<NA>"),
        ("%12proc.name|%4proc.name|%3user.name|%6proc.pid|", "proc.name   |proc|<NA|7     |"),
        ("%toupper(proc.name)!", "PROC.NAME!"),
        ("%toupper( proc.name )", "PROC.NAME"),
        ("%basename(fd.name) %len(proc.name)", "real 9"),
        ("%toupper(proc.name)[x]", "PROC.NAME[x]"),
        ("%concat(proc.name, \") \", proc.exe)", "proc.name) proc.exe"),
        ("%fd.name %fd.sip %evt.failed", "/real 10.0.0.1 true"),
        ("%proc.aname", "(a,b)"),
        ("%evt.buffer", "a\u{fffd}b"),
        ("x%container.info", "x"),
        ("é%proc.pidé", "é7é"),
    ];
    for (format, expected) in cases {
        assert_eq!(text(format), expected, "{format}");
    }
}

#[test]
fn values_keep_their_types_and_names() {
    let formatted =
        Formatter::parse("%proc.pid %evt.failed %proc.fdusage %user.name %evt.time %toupper(proc.name) %proc.pid")
            .unwrap();
    let formatted = formatted.format(&Echo);
    let expected = [
        ("proc.pid", FieldValue::I64(7)),
        ("evt.failed", FieldValue::Bool(true)),
        ("proc.fdusage", FieldValue::F64(0.5)),
        ("user.name", FieldValue::Null),
        ("evt.time", FieldValue::U64(1_000)),
        ("toupper(proc.name)", FieldValue::Text("PROC.NAME".to_owned())),
    ];
    assert_eq!(formatted.fields, expected.map(|(name, value)| (name.to_owned(), value)));
    assert!(formatted.text.contains("evt.time"), "text shows the time of day, JSON the number");
    assert!(!formatted.complete && Formatter::parse("%proc.pid").unwrap().format(&Echo).complete);
}

#[test]
fn a_star_asks_to_print_what_is_missing() {
    assert!(Formatter::parse("*%user.name").unwrap().keeps_missing());
    assert!(!Formatter::parse("%user.name *").unwrap().keeps_missing());
}

#[test]
fn mistakes_are_named_with_their_offset() {
    let cases = [
        ("100%", 4, "`%` at the end"),
        ("a %", 3, "`%` at the end"),
        ("%%proc.name", 1, "unknown field"),
        ("ab %proc.nme", 4, "unknown field `proc.nme`, did you mean `proc.name`"),
        ("%evt.arg", 1, "needs an argument"),
        ("%proc.aname[x]", 1, "does not take `[x]`"),
        ("%fd.net", 1, "conditions only"),
        ("%toupper(fd.net)", 1, ""),
        ("%toupper(proc.name", 1, "`toupper(` is not closed"),
        ("%toupper(proc.nme)", 1, "unknown field `proc.nme`"),
        ("%toupper(proc.pid)", 1, ""),
        ("%0proc.name", 1, "the width should be 1 to 4096"),
        ("%99999999999999999999proc.name", 1, "the width"),
        ("%5", 2, "`%` at the end"),
    ];
    for (format, offset, message) in cases {
        let error = Formatter::parse(format).map(|_| panic!("parses: {format}")).unwrap_err();
        assert_eq!(error.offset(), offset, "{format}: {error}");
        assert!(error.to_string().contains(message), "{format}: {error}");
    }
    assert!(Formatter::parse(&"x".repeat(MAX_TEXT_BYTES + 1)).is_err());
    let many: String = (0..=MAX_FIELDS).map(|n| format!("%evt.arg[{n}]")).collect();
    assert!(Formatter::parse(&many).unwrap_err().to_string().contains("more than 512 fields"));
}

#[test]
fn old_fields_are_warned_about() {
    let formatter = Formatter::parse("%container.info %evt.dir").unwrap();
    let offsets: Vec<usize> = formatter.warnings().iter().map(|warning| warning.offset).collect();
    assert_eq!(offsets, [1, 17]);
}

#[test]
fn appended_outputs_share_fields() {
    let mut formatter = Formatter::parse("a=%proc.pid").unwrap();
    formatter.append(&Formatter::parse("b=%proc.pid c=%proc.name").unwrap());
    let formatted = formatter.format(&Echo);
    assert_eq!(formatted.text, "a=7 b=7 c=proc.name");
    assert_eq!(formatted.fields.len(), 2);
}

proptest! {
    #[test]
    fn no_format_panics(format in "[%a-z.\\[\\]0-9()\"'*é ]{0,40}") {
        if let Ok(formatter) = Formatter::parse(&format) {
            let _ = formatter.format(&Echo);
        }
    }
}
