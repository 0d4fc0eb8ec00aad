//! One line per alert, to anything that takes bytes.

use std::io::{IsTerminal, Write};

use saker_engine::Alert;

use crate::text::to_colored;
use crate::{Output, OutputError, to_json, to_text};

/// How alerts are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `HH:MM:SS.nnnnnnnnn: Priority message`.
    Text,
    /// A JSON object.
    Json,
}

/// Whether priorities are coloured in text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// They are.
    Always,
    /// They are not.
    Never,
}

impl Color {
    /// What suits standard output: colour on a terminal, unless the environment has a `NO_COLOR` that is not empty.
    #[must_use]
    pub fn of_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if !refused && std::io::stdout().is_terminal() { Self::Always } else { Self::Never }
    }
}

/// Writes each alert as a line and flushes, so that a reader sees it at once.
#[derive(Debug)]
pub struct LineOutput<W> {
    name: String,
    to: W,
    form: Form,
    color: Color,
}

impl LineOutput<std::io::Stdout> {
    /// Standard output.
    #[must_use]
    pub fn stdout(form: Form) -> Self {
        Self::new("stdout", std::io::stdout(), form, Color::of_stdout())
    }
}

impl<W: Write> LineOutput<W> {
    /// Any destination; `name` is what messages call it.
    #[must_use]
    pub fn new(name: &str, to: W, form: Form, color: Color) -> Self {
        Self { name: name.to_owned(), to, form, color }
    }
}

impl<W: Write> Output for LineOutput<W> {
    fn name(&self) -> &str {
        &self.name
    }

    fn deliver(&mut self, alert: &Alert) -> Result<(), OutputError> {
        let mut line = match (self.form, self.color) {
            (Form::Json, _) => to_json(alert),
            (Form::Text, Color::Never) => to_text(alert),
            (Form::Text, Color::Always) => to_colored(alert),
        };
        line.push('\n');
        // One write per alert, so that lines of several writers to one pipe do not mix.
        let wrote = self.to.write_all(line.as_bytes()).and_then(|()| self.to.flush());
        wrote.map_err(|source| OutputError { output: self.name.clone(), source })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::testing::alert;

    fn written(form: Form, color: Color) -> String {
        let mut bytes = Vec::new();
        LineOutput::new("test", &mut bytes, form, color).deliver(&alert()).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn each_alert_is_one_line() {
        assert_eq!(written(Form::Text, Color::Never), to_text(&alert()) + "\n");
        assert_eq!(written(Form::Json, Color::Always), to_json(&alert()) + "\n");
        assert!(written(Form::Text, Color::Always).contains("\u{1b}[1;33mWarning\u{1b}[0m"));
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_cannot_be_written_is_an_error_with_a_name() {
        let error = LineOutput::new("a full disk", Full, Form::Text, Color::Never).deliver(&alert()).unwrap_err();
        assert_eq!(error.to_string(), "cannot write an alert to a full disk");
        assert!(std::error::Error::source(&error).is_some());
    }

    struct Watched<'f>(&'f mut Vec<&'static str>);

    impl Write for Watched<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.push("write");
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            self.0.push("flush");
            Ok(())
        }
    }

    #[test]
    fn alerts_are_flushed_one_by_one() {
        let mut calls = Vec::new();
        let mut output = LineOutput::new("test", Watched(&mut calls), Form::Text, Color::Never);
        output.deliver(&alert()).unwrap();
        output.deliver(&alert()).unwrap();
        assert_eq!(calls, ["write", "flush", "write", "flush"]);
    }
}
