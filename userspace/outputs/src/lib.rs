//! Where alerts go.
//!
//! [`to_text`] and [`to_json`] turn an alert into one line, [`Output`] is what a destination implements, and
//! [`LineOutput`] writes lines to anything that takes bytes: standard output now, files and pipes as they come.
//!
//! A line never holds control characters, so that an attacker's file name cannot steer the terminal it is shown on or
//! forge a second alert.
#![forbid(unsafe_code)]

mod json;
mod lines;
mod text;

pub use json::{fields_to_json, to_json};
pub use lines::{Color, Form, LineOutput};
pub use text::{escape, to_text};

use saker_engine::Alert;

/// A destination of alerts.
pub trait Output {
    /// Name for messages, such as `stdout`.
    fn name(&self) -> &str;

    /// Delivers one alert; on return it has left this process.
    ///
    /// # Errors
    /// If the destination does not take it. The alert may have been delivered in part.
    fn deliver(&mut self, alert: &Alert) -> Result<(), OutputError>;
}

/// Why an alert could not be delivered.
#[derive(Debug, thiserror::Error)]
#[error("cannot write an alert to {output}")]
pub struct OutputError {
    output: String,
    source: std::io::Error,
}

#[cfg(test)]
mod testing {
    use saker_engine::{Alert, FieldValue, Priority};

    pub(crate) fn alert() -> Alert {
        Alert {
            time_ns: 1_795_351_816_272_456_224,
            utc_offset_s: 3600,
            event_num: 7,
            rule: "Read sensitive file untrusted".to_owned(),
            priority: Priority::Warning,
            source: "syscall",
            hostname: "box".to_owned(),
            tags: vec!["T1555".to_owned(), "filesystem".to_owned()],
            message: "file=/etc/shadow".to_owned(),
            fields: vec![
                ("evt.time".to_owned(), FieldValue::U64(1_795_351_816_272_456_224)),
                ("fd.name".to_owned(), FieldValue::Text("/etc/shadow".to_owned())),
                ("k8s.ns.name".to_owned(), FieldValue::Null),
                ("user.loginuid".to_owned(), FieldValue::I64(-1)),
            ],
        }
    }
}
