//! Saker: runtime security for Linux. This binary knows all rooms and joins them: source, ring, engine, outputs.
#![forbid(unsafe_code)]

mod cli;
mod commands;
mod observe;
mod outcome;
mod pipeline;
mod rulefiles;

use crate::cli::flags::{CaptureCommand, Command, Flags, RulesCommand};
use crate::outcome::{Outcome, failure_code, is_closed_pipe};
use anyhow::Result;
use clap::Parser as _;
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    if saker_trace::child::is_child(&args) {
        std::process::exit(saker_trace::child::run(&args));
    }
    let flags = match Flags::try_parse_from(args) {
        Ok(flags) => flags,
        Err(err) => {
            let _ = err.print();
            return ExitCode::from(if err.use_stderr() { 2 } else { 0 });
        }
    };
    observe::init();
    match run(flags) {
        Ok(outcome) => outcome.exit_code(),
        Err(err) if is_closed_pipe(&err) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("saker: {err:#}");
            failure_code(&err)
        }
    }
}

fn run(flags: Flags) -> Result<Outcome> {
    match flags.command {
        Command::Run(flags) => commands::live::run(flags),
        Command::Record(flags) => commands::live::record(flags),
        Command::Replay(flags) => commands::replay::replay(&flags),
        Command::Events(flags) => commands::events::events(&flags),
        Command::Capture(CaptureCommand::Info { json, capture }) => commands::captures::info(&capture, json),
        Command::Capture(CaptureCommand::Pack { json, input, output }) => {
            commands::captures::pack(&input, &output, json)
        }
        Command::Rules(RulesCommand::Check(flags)) => commands::rules::check(&flags),
        Command::Rules(RulesCommand::List(flags)) => commands::rules::list(&flags),
        Command::Rules(RulesCommand::Test(flags)) => commands::rules::test(&flags),
        Command::Driver(command) => commands::driver::driver(command),
        Command::Fields(flags) => commands::catalogue::fields(&flags),
        Command::Syscalls(flags) => commands::catalogue::syscalls(&flags),
        Command::Completions { shell } => commands::shell::completions(shell),
        Command::Man { dir } => commands::shell::man(&dir),
    }
}
