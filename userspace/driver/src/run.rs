//! Running other programs: their output goes to a file, and errors show its end.

use crate::error::BuildError;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Lines of a failed program that an error shows.
const TAIL_LINES: usize = 15;
/// The most that is read to find them, in bytes.
const TAIL_BYTES: u64 = 8 << 10;

/// Where to look for programs: an ordinary user's path lacks those of administrators.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Programs that the pipeline starts, and the Debian packages that have them.
const PACKAGES: [(&str, &str); 7] = [
    ("apt-get", "apt"),
    ("apt-cache", "apt"),
    ("dpkg-deb", "dpkg"),
    ("unshare", "util-linux"),
    ("tar", "tar"),
    ("make", "make"),
    ("strip", "binutils"),
];

/// Where programs write and who is told what goes on.
pub(crate) struct Runner<'a> {
    logs: PathBuf,
    progress: &'a dyn Fn(&str),
}

impl<'a> Runner<'a> {
    /// Keeps logs in `folder`, and tells `progress` in a few words what is going on.
    pub(crate) fn new(folder: &Path, progress: &'a dyn Fn(&str)) -> Result<Self, BuildError> {
        fs::create_dir_all(folder).map_err(BuildError::io(folder))?;
        Ok(Self { logs: folder.to_owned(), progress })
    }

    /// Says what goes on.
    pub(crate) fn say(&self, what: &str) {
        (self.progress)(what);
    }

    /// Runs a program to its end. Its output goes to the log `name`; `what` says in an error what it was to do.
    pub(crate) fn run(&self, command: &mut Command, name: &str, what: &str) -> Result<(), BuildError> {
        let path = self.logs.join(format!("{name}.log"));
        let log = File::create(&path).map_err(BuildError::io(&path))?;
        let errors = log.try_clone().map_err(BuildError::io(&path))?;
        let status = command
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .status()
            .map_err(|err| start_error(command, err))?;
        if status.success() {
            return Ok(());
        }
        let tail = tail(&path).unwrap_or_default();
        Err(BuildError::Failed { what: what.to_owned(), status: status.to_string(), tail, log: path })
    }

    /// Runs a program and returns what it printed; its errors go to the log `name`.
    pub(crate) fn output(&self, command: &mut Command, name: &str, what: &str) -> Result<Vec<u8>, BuildError> {
        let path = self.logs.join(format!("{name}.log"));
        let errors = File::create(&path).map_err(BuildError::io(&path))?;
        let output = command.stdin(Stdio::null()).stderr(errors).output().map_err(|err| start_error(command, err))?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let tail = tail(&path).unwrap_or_default();
        Err(BuildError::Failed { what: what.to_owned(), status: output.status.to_string(), tail, log: path })
    }
}

/// Returns the error of a program that did not start.
pub(crate) fn start_error(command: &Command, error: io::Error) -> BuildError {
    let program = command.get_program().to_string_lossy().into_owned();
    match PACKAGES.iter().find(|(name, _)| *name == program) {
        Some((_, package)) if error.kind() == io::ErrorKind::NotFound => BuildError::NoProgram { program, package },
        _ => BuildError::Io { path: program.into(), source: error },
    }
}

fn tail(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(TAIL_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let skip = lines.len().saturating_sub(TAIL_LINES);
    Ok(lines.into_iter().skip(skip).map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_failure_shows_the_end_of_the_output() {
        let folder = tempfile::tempdir().unwrap();
        let runner = Runner::new(folder.path(), &|_| {}).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "seq 100; echo it broke >&2; exit 3"]);
        let error = runner.run(&mut command, "try", "the attempt").unwrap_err().to_string();
        assert!(error.starts_with("the attempt failed (exit status: 3)"), "{error}");
        assert!(error.contains("  100\n  it broke\n") && !error.contains("  50\n"), "{error}");
    }

    #[test]
    fn a_missing_program_names_its_package() {
        let error = start_error(&Command::new("dpkg-deb"), io::ErrorKind::NotFound.into()).to_string();
        assert!(error.contains("apt-get install dpkg"), "{error}");
    }
}
