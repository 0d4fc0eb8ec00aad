//! Which files make the module; shared by the build script, which embeds them, and by `--source`.

use std::path::Path;
use std::process::Command;
use std::{fs, io};

/// What the module is made of, below the top of the source tree.
pub(crate) const SOURCE_PATHS: [&str; 3] = ["Kbuild", "driver-api/src/api", "kmod"];

/// Returns the module's source files below `top`, sorted, as paths relative to it.
pub(crate) fn source_files(top: &Path) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    for path in SOURCE_PATHS {
        collect(top, path, &mut files)?;
    }
    files.sort();
    Ok(files)
}

fn collect(top: &Path, path: &str, files: &mut Vec<String>) -> io::Result<()> {
    let full = top.join(path);
    if !full.is_dir() {
        // What an earlier build left, and documents, are no part of the module.
        if is_source(path) {
            files.push(path.to_owned());
        }
        return Ok(());
    }
    for entry in fs::read_dir(full)? {
        if let Some(name) = entry?.file_name().to_str() {
            collect(top, &format!("{path}/{name}"), files)?;
        }
    }
    Ok(())
}

fn is_source(path: &str) -> bool {
    let path = Path::new(path);
    let named = path.file_name().is_some_and(|name| name == "Kbuild" || name == "Makefile");
    let generated = path.to_str().is_some_and(|path| path.ends_with(".mod.c"));
    let extension = path.extension().and_then(|extension| extension.to_str());
    named || (!generated && matches!(extension, Some("rs" | "c" | "h" | "S")))
}

/// Returns the last commit that touched the module's sources, with `-dirty` behind it where they differ from it.
/// `None` where `top` is no checkout.
pub(crate) fn commit(top: &Path) -> Option<String> {
    let git =
        |args: &[&str]| trimmed_output(Command::new("git").arg("-C").arg(top).args(args).arg("--").args(SOURCE_PATHS));
    let commit = git(&["log", "-1", "--format=%H"]).filter(|commit| !commit.is_empty())?;
    let changes = git(&["status", "--porcelain"])?;
    Some(if changes.is_empty() { commit } else { format!("{commit}-dirty") })
}

/// Returns what a command printed, or `None` when it failed.
pub(crate) fn trimmed_output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
