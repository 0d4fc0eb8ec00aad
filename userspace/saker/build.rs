//! Collects the rule files that ship with Saker, so that the binary needs no installed file to start.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules");
    println!("cargo::rerun-if-changed={}", rules.display());
    let mut files: Vec<_> = fs::read_dir(&rules)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "yaml"))
        .collect();
    files.sort();
    let mut out = String::from("&[\n");
    for path in &files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        println!("cargo::rerun-if-changed={}", path.display());
        // Absolute, because the generated file lies in the output folder.
        let path = fs::canonicalize(path)?;
        let _ = writeln!(out, "    (\"rules/{name}\", include_str!({:?})),", path.display().to_string());
    }
    out.push_str("]\n");
    fs::write(Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("shipped_rules.rs"), out)
}
