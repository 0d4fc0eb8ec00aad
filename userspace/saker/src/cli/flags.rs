//! The command line: exactly what was typed, no I/O. Help, man pages and completions come from here.

use crate::cli::driver::DriverCommand;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

pub(crate) const EXIT_STATUS: &str =
    "Exit status:\n  0    fine\n  1    findings, or invalid input\n  2    wrong usage, or failure\n";

const RUN_EXIT_STATUS: &str = "Exit status:\n  with `-- CMD`: CMD's own (128 + signal where one ended it);\n  127  CMD was not found\n  126  CMD cannot be executed\n  without CMD: 0 when the watched process ended or Saker was told to stop\n  1    invalid rules or filter\n  2    wrong usage, or failure (no permission, a full disk)\n";

/// Runtime security for Linux: watches what processes do and reports what should not happen.
#[derive(Debug, Parser)]
#[command(name = "saker", version, propagate_version = true, after_help = EXIT_STATUS, max_term_width = 100)]
pub(crate) struct Flags {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Watch live and print alerts.
    ///
    /// `saker run -- CMD` starts CMD and watches it and all it starts; `saker run --pid N` watches a running
    /// process and its descendants. No root and no kernel module are needed.
    #[command(after_help = RUN_EXIT_STATUS)]
    Run(RunFlags),
    /// Write a capture of all events to a file, to replay later.
    #[command(after_help = RUN_EXIT_STATUS)]
    Record(RecordFlags),
    /// Run rules over captures; prints the alerts the live run would have printed.
    #[command(after_help = EXIT_STATUS)]
    Replay(ReplayFlags),
    /// Print the events of captures.
    #[command(after_help = EXIT_STATUS)]
    Events(EventsFlags),
    /// Inspect and compress captures.
    #[command(subcommand)]
    Capture(CaptureCommand),
    /// Check, list and test rules.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// Build, load and unload the kernel module.
    #[command(subcommand)]
    Driver(DriverCommand),
    /// List the fields that rules and formats can name.
    #[command(after_help = EXIT_STATUS)]
    Fields(ListFlags),
    /// List the system calls, their events and parameters.
    #[command(after_help = EXIT_STATUS)]
    Syscalls(ListFlags),
    /// Print a completion script for a shell.
    #[command(after_help = EXIT_STATUS)]
    Completions {
        /// Shell to complete for.
        shell: clap_complete::Shell,
    },
    /// Write the man pages to a folder.
    #[command(after_help = EXIT_STATUS)]
    Man {
        /// Folder to write to; it is made if it is not there.
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        dir: PathBuf,
    },
}

/// Where live events come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SourceName {
    /// The module if it is loaded, may be used and is free, else ptrace.
    #[default]
    Auto,
    /// The kernel module: needs root, watches the whole machine.
    Kmod,
    /// ptrace: needs no module and no root, watches one process tree.
    Trace,
}

/// Options of everything that watches live.
#[derive(Debug, Args)]
pub(crate) struct LiveFlags {
    /// Where events come from.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) source: SourceName,
    /// Watch the process with this id and its descendants, whichever the source; without it and without CMD, the whole
    /// machine is watched, which takes the module, until Ctrl-C or SIGTERM.
    #[arg(long, value_name = "PID", conflicts_with = "cmd")]
    pub(crate) pid: Option<u32>,
    /// Bytes of data kept of each read, write, send and receive.
    #[arg(long, value_name = "BYTES", default_value_t = 80, value_parser = clap::value_parser!(u16).range(0..=16_000))]
    pub(crate) snaplen: u16,
    /// Size of the ring in MiB, a power of two; the module has one for each processor. Default: 8, and with the module
    /// less where all together are more than 1/64 of memory.
    #[arg(long, value_name = "MIB", value_parser = ring_mib)]
    pub(crate) ring_mib: Option<u32>,
    /// Print the books (every event delivered, filtered or dropped) to stderr at the end.
    #[arg(long)]
    pub(crate) stats: bool,
    /// Command to start and watch, with its arguments; only it and the processes that come from it are watched, whichever
    /// the source, and Saker ends with them.
    #[arg(last = true, value_name = "CMD", value_hint = ValueHint::CommandWithArguments)]
    pub(crate) cmd: Vec<OsString>,
}

/// Options of everything that judges events by rules.
#[derive(Debug, Args)]
pub(crate) struct RuleFlags {
    /// Rule file, or folder of rule files; may be given several times. Default: the rules that ship with Saker.
    #[arg(short, long = "rules", value_name = "RULES", value_hint = ValueHint::AnyPath)]
    pub(crate) rules: Vec<PathBuf>,
    /// Print alerts as JSON objects, one a line, with the keys that tools for Falco read.
    #[arg(long)]
    pub(crate) json: bool,
    /// Report every rule that matches an event, or only the first.
    #[arg(long, value_enum, value_name = "WHICH", default_value_t)]
    pub(crate) rule_matching: RuleMatching,
    /// Leave out rules weaker than this.
    #[arg(long, value_name = "PRIORITY", default_value = "debug")]
    pub(crate) priority: String,
}

/// How many rules may match one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuleMatching {
    /// Every rule.
    #[default]
    All,
    /// The first in the order of the files.
    First,
}

/// `saker run`.
#[derive(Debug, Args)]
pub(crate) struct RunFlags {
    #[command(flatten)]
    pub(crate) rules: RuleFlags,
    #[command(flatten)]
    pub(crate) live: LiveFlags,
    /// Also write a capture of the run.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
}

/// `saker record`.
#[derive(Debug, Args)]
pub(crate) struct RecordFlags {
    /// Capture to write, usually named `.skr`.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
    /// Compress sections with zstd.
    #[arg(long)]
    pub(crate) compress: bool,
    #[command(flatten)]
    pub(crate) live: LiveFlags,
}

/// `saker replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayFlags {
    #[command(flatten)]
    pub(crate) rules: RuleFlags,
    /// Print the books to stderr at the end.
    #[arg(long)]
    pub(crate) stats: bool,
    /// Captures, one after the other; each is a stream of its own.
    #[arg(required = true, value_name = "CAPTURE", value_hint = ValueHint::FilePath)]
    pub(crate) captures: Vec<PathBuf>,
}

/// `saker events`.
#[derive(Debug, Args)]
pub(crate) struct EventsFlags {
    /// Print only events that meet this condition, in the language of rules.
    #[arg(short, long, value_name = "COND")]
    pub(crate) filter: Option<String>,
    /// Text to print for each event, with `%field` in it; events that lack one of the fields are left out unless it
    /// starts with `*`.
    #[arg(short = 'p', long, value_name = "FORMAT", conflicts_with = "count")]
    pub(crate) format: Option<String>,
    /// Print JSON objects, one a line.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print only how many events there are, per type.
    #[arg(long)]
    pub(crate) count: bool,
    /// Print the books to stderr at the end.
    #[arg(long)]
    pub(crate) stats: bool,
    /// Captures, one after the other; each is a stream of its own.
    #[arg(required = true, value_name = "CAPTURE", value_hint = ValueHint::FilePath)]
    pub(crate) captures: Vec<PathBuf>,
}

/// `saker capture`.
#[derive(Debug, Subcommand)]
pub(crate) enum CaptureCommand {
    /// Say what is in a capture and whether it is whole.
    #[command(after_help = EXIT_STATUS)]
    Info {
        /// Print a JSON object.
        #[arg(long)]
        json: bool,
        /// Capture to look at.
        #[arg(value_name = "CAPTURE", value_hint = ValueHint::FilePath)]
        capture: PathBuf,
    },
    /// Write a compressed copy of a capture.
    #[command(after_help = EXIT_STATUS)]
    Pack {
        /// Print a JSON object.
        #[arg(long)]
        json: bool,
        /// Capture to read.
        #[arg(value_name = "IN", value_hint = ValueHint::FilePath)]
        input: PathBuf,
        /// Capture to write.
        #[arg(value_name = "OUT", value_hint = ValueHint::FilePath)]
        output: PathBuf,
    },
}

/// `saker rules`.
#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Load rule files and report every error and warning.
    #[command(after_help = EXIT_STATUS)]
    Check(RuleFilesFlags),
    /// List the rules of rule files.
    #[command(after_help = EXIT_STATUS)]
    List(RuleFilesFlags),
    /// Run rule tests: synthetic events that must or must not make rules fire.
    #[command(after_help = EXIT_STATUS)]
    Test(RuleTestFlags),
}

/// Options of commands about rule files.
#[derive(Debug, Args)]
pub(crate) struct RuleFilesFlags {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Rule files or folders. Default: the rules that ship with Saker.
    #[arg(value_name = "FILES", value_hint = ValueHint::AnyPath)]
    pub(crate) files: Vec<PathBuf>,
}

/// `saker rules test`.
#[derive(Debug, Args)]
pub(crate) struct RuleTestFlags {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Test files (`.toml`) or folders of them.
    #[arg(required = true, value_name = "TESTS", value_hint = ValueHint::AnyPath)]
    pub(crate) tests: Vec<PathBuf>,
}

/// Options of plain lists.
#[derive(Debug, Args)]
pub(crate) struct ListFlags {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

fn ring_mib(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(mib) if mib.is_power_of_two() && (1..=1024).contains(&mib) => Ok(mib),
        _ => Err("expected a power of two from 1 to 1024".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_table_is_consistent() {
        Flags::command().debug_assert();
    }

    #[test]
    fn a_ring_is_a_power_of_two() {
        assert_eq!(ring_mib("8"), Ok(8));
        for bad in ["0", "3", "2048", "x", "-1"] {
            assert!(ring_mib(bad).is_err(), "{bad}");
        }
    }
}
