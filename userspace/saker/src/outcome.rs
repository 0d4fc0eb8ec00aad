//! How a command ends, and the exit status that says so.

use std::fmt;
use std::process::ExitCode;

/// How a command ended without failing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well.
    Fine,
    /// It did its work and found something wrong with what it looked at.
    Findings,
    /// The status of the command that was run and watched.
    Command(u8),
}

impl Outcome {
    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Fine => ExitCode::SUCCESS,
            Self::Findings => ExitCode::from(1),
            Self::Command(status) => ExitCode::from(status),
        }
    }
}

/// Input that is wrong, as opposed to work that failed: exit status 1, and a text that already names the place.
#[derive(Debug)]
pub(crate) struct InvalidInput(pub(crate) String);

impl fmt::Display for InvalidInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidInput {}

/// A command that could not be started; the status is the one shells give.
#[derive(Debug)]
pub(crate) struct NotStarted {
    pub(crate) message: String,
    /// 127: not found; 126: found, but it cannot be executed.
    pub(crate) status: u8,
}

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for NotStarted {}

/// Returns the exit status for an error.
pub(crate) fn failure_code(error: &anyhow::Error) -> ExitCode {
    if let Some(not_started) = error.downcast_ref::<NotStarted>() {
        return ExitCode::from(not_started.status);
    }
    ExitCode::from(if error.downcast_ref::<InvalidInput>().is_some() { 1 } else { 2 })
}

/// Whoever read our output went away, as `head` does: nothing is wrong.
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let is_closed = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|err| err.kind() == std::io::ErrorKind::BrokenPipe)
    };
    error.chain().any(is_closed)
}
