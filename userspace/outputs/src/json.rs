//! Alerts as JSON objects with the keys that readers of Falco's output know.
//!
//! | key | value |
//! |---|---|
//! | `time` | ISO 8601, UTC, nanoseconds |
//! | `rule`, `priority`, `source`, `hostname` | text |
//! | `tags` | texts, sorted |
//! | `output` | the line of text, time and priority included |
//! | `output_fields` | values of the output's fields with their types; times are integers, epoch nanoseconds |

use saker_engine::{Alert, FieldValue};
use serde_json::{Map, Value};

use crate::text::{is_unsafe, to_text};

/// The alert as one JSON object on one line, keys in alphabetical order.
#[must_use]
pub fn to_json(alert: &Alert) -> String {
    let fields: Map<String, Value> = alert.fields.iter().map(|(name, value)| (name.clone(), value_of(value))).collect();
    let mut object = Map::new();
    let mut set = |key: &str, value: Value| drop(object.insert(key.to_owned(), value));
    set("hostname", alert.hostname.clone().into());
    set("output", to_text(alert).into());
    set("output_fields", Value::Object(fields));
    set("priority", alert.priority.as_str().into());
    set("rule", alert.rule.clone().into());
    set("source", alert.source.into());
    set("tags", alert.tags.clone().into());
    set("time", alert.time_iso8601().into());
    escaped(&Value::Object(object).to_string())
}

/// Names and values as one JSON object on one line, in the order given.
#[must_use]
pub fn fields_to_json(fields: &[(String, FieldValue)]) -> String {
    let object: Map<String, Value> = fields.iter().map(|(name, value)| (name.clone(), value_of(value))).collect();
    escaped(&Value::Object(object).to_string())
}

fn value_of(value: &FieldValue) -> Value {
    match value {
        FieldValue::Null => Value::Null,
        FieldValue::Bool(value) => (*value).into(),
        FieldValue::I64(value) => (*value).into(),
        FieldValue::U64(value) => (*value).into(),
        // A number that JSON cannot write becomes null.
        FieldValue::F64(value) => (*value).into(),
        FieldValue::Text(text) => text.clone().into(),
        FieldValue::List(values) => values.iter().map(value_of).collect(),
    }
}

/// JSON allows some characters that terminals obey; inside its strings they can be written as escapes.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unsafe(c) {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::testing::alert;
    use proptest::prelude::*;

    #[test]
    fn an_object_has_the_known_keys() {
        assert_eq!(
            to_json(&alert()),
            concat!(
                r#"{"hostname":"box","output":"13:50:16.272456224: Warning file=/etc/shadow","#,
                r#""output_fields":{"evt.time":1795351816272456224,"fd.name":"/etc/shadow","k8s.ns.name":null,"user.loginuid":-1},"#,
                r#""priority":"Warning","rule":"Read sensitive file untrusted","source":"syscall","#,
                r#""tags":["T1555","filesystem"],"time":"2026-11-22T12:50:16.272456224Z"}"#
            )
        );
    }

    #[test]
    fn values_keep_their_types() {
        let fields = vec![
            ("b".to_owned(), FieldValue::Bool(true)),
            ("d".to_owned(), FieldValue::F64(0.5)),
            ("l".to_owned(), FieldValue::List(vec![FieldValue::Text("x".to_owned()), FieldValue::U64(1)])),
            ("n".to_owned(), FieldValue::F64(f64::NAN)),
        ];
        let json = to_json(&Alert { fields, ..alert() });
        assert!(json.contains(r#""output_fields":{"b":true,"d":0.5,"l":["x",1],"n":null}"#), "{json}");
    }

    proptest! {
        #[test]
        fn any_text_survives_and_stays_on_its_line(text in any::<String>()) {
            let fields = vec![("x".to_owned(), FieldValue::Text(text.clone()))];
            let json = to_json(&Alert { fields, message: text.clone(), rule: text.clone(), ..alert() });
            prop_assert!(!json.chars().any(is_unsafe));
            let back: Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(back["output_fields"]["x"].as_str(), Some(text.as_str()));
            prop_assert_eq!(back["rule"].as_str(), Some(text.as_str()));
        }
    }
}
