//! `saker completions` and `saker man`: both come from the one table of flags.

use crate::cli::flags::Flags;
use crate::outcome::Outcome;
use anyhow::{Context as _, Result};
use clap::CommandFactory as _;
use std::io::Write as _;
use std::path::Path;
use std::{fs, io};

/// Prints the completion script for `shell`.
pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Outcome> {
    // Into memory first: the generator panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Flags::command(), "saker", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(Outcome::Fine)
}

/// Writes `saker.1` and one page for each command into `dir`.
pub(crate) fn man(dir: &Path) -> Result<Outcome> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make the folder `{}`", dir.display()))?;
    clap_mangen::generate_to(Flags::command(), dir)
        .with_context(|| format!("cannot write man pages to `{}`", dir.display()))?;
    Ok(Outcome::Fine)
}
