//! Alerts as lines of text: `HH:MM:SS.nnnnnnnnn: Priority message`.

use std::fmt::Write as _;

use saker_engine::{Alert, Priority};

/// The alert as one line without its end. Control characters are written as in JSON: `\n`, `\u001b`.
#[must_use]
pub fn to_text(alert: &Alert) -> String {
    let mut line = format!("{}: {} ", alert.time_of_day(), alert.priority);
    push_escaped(&mut line, &alert.message);
    line
}

/// Text as it may be shown on a terminal: control characters are written as in JSON.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    push_escaped(&mut line, text);
    line
}

/// The same line with the priority in colour.
pub(crate) fn to_colored(alert: &Alert) -> String {
    let mut line = format!("{}: {}{}\u{1b}[0m ", alert.time_of_day(), color(alert.priority), alert.priority);
    push_escaped(&mut line, &alert.message);
    line
}

const fn color(priority: Priority) -> &'static str {
    match priority {
        Priority::Emergency | Priority::Alert | Priority::Critical | Priority::Error => "\u{1b}[1;31m",
        Priority::Warning => "\u{1b}[1;33m",
        Priority::Notice => "\u{1b}[1;36m",
        Priority::Informational | Priority::Debug => "\u{1b}[1m",
    }
}

/// Whether a character can do more on a terminal than show itself: controls, and marks that reorder what is around them.
pub(crate) fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

pub(crate) fn push_escaped(line: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            '\u{8}' => line.push_str("\\b"),
            '\u{c}' => line.push_str("\\f"),
            c if is_unsafe(c) => {
                // Writing to a string cannot fail.
                let _ = write!(line, "\\u{:04x}", u32::from(c));
            }
            c => line.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::alert;
    use proptest::prelude::*;

    #[test]
    fn a_line_has_local_time_priority_and_message() {
        assert_eq!(to_text(&alert()), "13:50:16.272456224: Warning file=/etc/shadow");
        assert_eq!(to_colored(&alert()), "13:50:16.272456224: \u{1b}[1;33mWarning\u{1b}[0m file=/etc/shadow");
    }

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        let mut alert = alert();
        alert.message = "a\nb\tc\u{1b}[2Jd\u{9b}e\u{202e}f\u{7f}é".to_owned();
        assert!(to_text(&alert).ends_with("Warning a\\nb\\tc\\u001b[2Jd\\u009be\\u202ef\\u007fé"));
    }

    proptest! {
        #[test]
        fn no_message_leaves_its_line(message in any::<String>()) {
            let line = to_text(&Alert { message, ..alert() });
            prop_assert!(!line.chars().any(is_unsafe));
        }
    }
}
