// SPDX-License-Identifier: Apache-2.0

//! The start of a traced command: this program once more, which waits to be traced, installs the filter and becomes
//! the command.
//!
//! ```text
//! saker run -- CMD
//!   └─ /proc/self/exe WORD … CMD    stops itself ── seized ── filter ── exec
//! ```
//! So no code of ours runs between `fork` and `exec`, which would need unsafe code. [`run`] is to be called before
//! anything else when [`is_child`] says so.

use crate::filter::{CallSet, Clones, Wanted, program};
use nix::sys::signal::{SigSet, Signal, raise};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// First argument of the program in this role; no user types it.
const WORD: &str = "--become-the-traced-command";

/// At which clones the filter stops, as an argument.
const ALL: &str = "all";
const HIDING: &str = "hiding";

/// Status when the command was found but cannot be run, as a shell gives it.
const CANNOT_RUN: i32 = 126;
/// Status when the command was not found, as a shell gives it.
const NOT_FOUND: i32 = 127;

/// Returns whether this process is to become a traced command: `args` are its arguments, the program's name first.
#[must_use]
pub fn is_child(args: &[OsString]) -> bool {
    args.get(1).is_some_and(|word| word == WORD)
}

/// Returns the command that starts this program in the role of [`run`].
///
/// `unblock` are the signals that this process blocks for itself and the command is to get.
pub(crate) fn command(program: &OsStr, args: &[OsString], wanted: &Wanted, unblock: &[Signal]) -> Command {
    let signals: Vec<String> = unblock.iter().map(|signal| (*signal as i32).to_string()).collect();
    let mut command = Command::new("/proc/self/exe");
    command.arg0("saker").arg(WORD).arg(signals.join(","));
    command.args([&wanted.x64, &wanted.x32, &wanted.ia32].map(CallSet::to_hex));
    command.arg(if wanted.clones == Clones::Hiding { HIDING } else { ALL });
    command.arg(program).args(args);
    command
}

/// Becomes the command in `args`, or says on stderr why not and returns the status to exit with.
#[must_use]
pub fn run(args: &[OsString]) -> i32 {
    let Some(plan) = Plan::parse(args) else {
        eprintln!("saker: `{WORD}` is for Saker's own use");
        return 2;
    };
    match plan.start() {
        Ok(never) => match never {},
        Err(StartError::Setup(message)) => {
            eprintln!("saker: cannot watch `{}`: {message}", plan.program.display());
            2
        }
        Err(StartError::Exec(err)) => {
            eprintln!("saker: cannot run `{}`: {err}", plan.program.display());
            if err.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { CANNOT_RUN }
        }
    }
}

enum StartError {
    Setup(String),
    Exec(io::Error),
}

struct Plan<'a> {
    unblock: SigSet,
    wanted: Wanted,
    program: &'a OsStr,
    args: &'a [OsString],
}

impl<'a> Plan<'a> {
    fn parse(args: &'a [OsString]) -> Option<Self> {
        let [_, _, signals, x64, x32, ia32, clones, program, args @ ..] = args else { return None };
        let mut unblock = SigSet::empty();
        for signal in signals.to_str()?.split(',').filter(|text| !text.is_empty()) {
            unblock.add(Signal::try_from(signal.parse::<i32>().ok()?).ok()?);
        }
        let set = |text: &OsStr| CallSet::from_hex(text.to_str()?);
        let clones = match clones.to_str()? {
            ALL => Clones::All,
            HIDING => Clones::Hiding,
            _ => return None,
        };
        let wanted = Wanted { x64: set(x64)?, x32: set(x32)?, ia32: set(ia32)?, clones };
        Some(Self { unblock, wanted, program, args })
    }

    fn start(&self) -> Result<std::convert::Infallible, StartError> {
        let setup = |what: &str, err: &dyn std::fmt::Display| StartError::Setup(format!("{what}: {err}"));
        // The tracer seizes the stopped process and lets it go on.
        raise(Signal::SIGSTOP).map_err(|err| setup("stop", &err))?;
        self.unblock.thread_unblock().map_err(|err| setup("signal mask", &err))?;
        seccompiler::apply_filter(&program(&self.wanted)).map_err(|err| setup("seccomp filter", &err))?;
        // `exec` gives SIGPIPE back its default action, which Rust's start-up took away.
        Err(StartError::Exec(Command::new(self.program).args(self.args).exec()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_is_what_is_read() {
        let mut wanted = Wanted { clones: Clones::Hiding, ..Wanted::default() };
        wanted.x64.insert(257);
        let command = command(OsStr::new("ls"), &["-l".into()], &wanted, &[Signal::SIGINT, Signal::SIGTERM]);
        let args: Vec<OsString> =
            [OsStr::new("saker")].into_iter().chain(command.get_args()).map(OsStr::to_owned).collect();
        assert!(is_child(&args));
        let plan = Plan::parse(&args).unwrap();
        assert_eq!((plan.program, plan.args), (OsStr::new("ls"), &[OsString::from("-l")][..]));
        assert!(plan.unblock.contains(Signal::SIGTERM) && !plan.unblock.contains(Signal::SIGHUP));
        assert_eq!(plan.wanted, wanted);
    }

    #[test]
    fn a_user_who_types_the_word_is_told() {
        assert_eq!(run(&["saker".into(), WORD.into()]), 2);
        assert!(!is_child(&["saker".into()]));
    }
}
