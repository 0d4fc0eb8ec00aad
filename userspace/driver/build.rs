//! Puts the module's sources into the crate, so that the one binary can build the module anywhere.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

#[path = "src/layout.rs"]
mod layout;

fn main() -> io::Result<()> {
    let top = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("../..");
    let mut table = String::from("&[\n");
    for path in layout::source_files(&top)? {
        let full = fs::canonicalize(top.join(&path))?;
        writeln!(table, "    ({path:?}, include_bytes!({full:?})),").map_err(io::Error::other)?;
    }
    table.push(']');
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join("sources.rs"), table)?;
    for path in layout::SOURCE_PATHS {
        println!("cargo::rerun-if-changed={}", top.join(path).display());
    }
    // Each commit and each checkout writes this file.
    if let Some(log) = git(&top, &["rev-parse", "--path-format=absolute", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
    println!("cargo::rustc-env=SAKER_SOURCE_COMMIT={}", layout::commit(&top).unwrap_or_default());
    Ok(())
}

fn git(top: &Path, args: &[&str]) -> Option<String> {
    layout::trimmed_output(Command::new("git").arg("-C").arg(top).args(args))
}
