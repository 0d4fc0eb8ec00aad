//! Finds a distribution's archive and its keys in the configuration of this machine's apt.

use crate::error::BuildError;
use crate::layout::trimmed_output;
use crate::run::PATH;
use std::fs;
use std::path::Path;
use std::process::Command;

/// An archive and what vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    pub(crate) uri: String,
    /// A key file, a fingerprint or a whole key; without one apt uses the keys that it trusts for everything.
    pub(crate) signed_by: Option<String>,
}

impl Mirror {
    /// Returns the archive that was named, or the first one of `origin` that apt uses here.
    pub(crate) fn find(named: Option<&str>, origin: &str, keyring: &str) -> Result<Self, BuildError> {
        if let Some(uri) = named {
            return Ok(Self { uri: uri.to_owned(), signed_by: Some(keyring.to_owned()) });
        }
        let mut apt = Command::new("apt-get");
        apt.env("PATH", PATH).args(["indextargets", "--format"]);
        apt.args(["$(ORIGIN)|$(LABEL)|$(REPO_URI)|$(SOURCESENTRY)", "Identifier: Packages"]);
        let targets = trimmed_output(&mut apt).unwrap_or_default();
        let (uri, entry) = first_of(origin, &targets)
            .ok_or_else(|| BuildError::NoMirror { origin: origin.to_owned(), keyring: keyring.to_owned() })?;
        Ok(Self { uri: uri.to_owned(), signed_by: entry.and_then(|(file, line)| signed_by_of(file, line)) })
    }

    /// Returns the lines of a sources.list for some suites. A whole key is written to the file `key_file`.
    pub(crate) fn source_lines(&self, suites: &[String], key_file: &Path) -> Result<String, BuildError> {
        let option = match &self.signed_by {
            Some(key) if key.contains("BEGIN PGP") => {
                fs::write(key_file, key).map_err(BuildError::io(key_file))?;
                format!("[signed-by={}] ", key_file.display())
            }
            Some(key) => format!("[signed-by={key}] "),
            None => String::new(),
        };
        Ok(suites.iter().map(|suite| format!("deb {option}{} {suite} main\n", self.uri)).collect())
    }
}

/// Returns address and place (file, line) of the first main archive of `origin`: security archives have another label.
fn first_of<'a>(origin: &str, targets: &'a str) -> Option<(&'a str, Option<(&'a Path, usize)>)> {
    targets.lines().find_map(|line| {
        let mut parts = line.splitn(4, '|');
        let (from, label, uri, entry) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let place = entry.rsplit_once(':').and_then(|(file, line)| Some((Path::new(file), line.parse().ok()?)));
        (from == origin && label == origin).then_some((uri, place))
    })
}

fn signed_by_of(file: &Path, line: usize) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    if file.extension().is_some_and(|extension| extension == "sources") {
        signed_by_of_stanza(&text, line)
    } else {
        signed_by_of_line(text.lines().nth(line.checked_sub(1)?)?)
    }
}

/// Returns the `signed-by` of a line such as `deb [arch=amd64 signed-by=/some/key.gpg] ...`.
fn signed_by_of_line(line: &str) -> Option<String> {
    let (_, options) = line.split_once('[')?;
    let (options, _) = options.split_once(']')?;
    options.split_whitespace().find_map(|option| option.strip_prefix("signed-by=")).map(str::to_owned)
}

/// Returns the `Signed-By` field of the stanza that line `at`, counted from 1, lies in.
fn signed_by_of_stanza(text: &str, at: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let blank = |line: &&str| line.trim().is_empty();
    let at = at.min(lines.len());
    let first = lines.get(..at)?.iter().rposition(blank).map_or(0, |blank| blank + 1);
    let last = lines.get(at..)?.iter().position(blank).map_or(lines.len(), |blank| at + blank);
    let mut stanza = lines.get(first..last)?.iter().filter(|line| !line.starts_with('#')).peekable();
    while let Some(line) = stanza.next() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if !name.eq_ignore_ascii_case("signed-by") {
            continue;
        }
        let mut key = value.trim().to_owned();
        // Lines that go on start with a blank; a lone dot stands for an empty one.
        while let Some(more) = stanza.next_if(|line| line.starts_with([' ', '\t'])) {
            let more = more.trim();
            key.push('\n');
            key.push_str(if more == "." { "" } else { more });
        }
        return Some(key.trim_start().to_owned());
    }
    None
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    const STANZAS: &str = "Types: deb\n# a note\nURIs: http://one\nSigned-By: /keys/one.gpg\n\nTypes: deb\nURIs: http://two\nsigned-by:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQIN\n -----END PGP PUBLIC KEY BLOCK-----\nSuites: x\n\nTypes: deb\nURIs: http://three\n";

    #[test]
    fn a_stanza_gives_its_own_key() {
        assert_eq!(signed_by_of_stanza(STANZAS, 1).unwrap(), "/keys/one.gpg");
        assert_eq!(signed_by_of_stanza(STANZAS, 4).unwrap(), "/keys/one.gpg");
        let key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQIN\n-----END PGP PUBLIC KEY BLOCK-----";
        assert_eq!(signed_by_of_stanza(STANZAS, 6).unwrap(), key);
        assert_eq!(signed_by_of_stanza(STANZAS, 15), None);
        assert_eq!(signed_by_of_stanza(STANZAS, 99), None);
    }

    #[test]
    fn a_line_gives_its_key() {
        let key = |line| signed_by_of_line(line);
        assert_eq!(key("deb [arch=amd64 signed-by=/k.gpg] http://x y main").unwrap(), "/k.gpg");
        assert_eq!(key("deb http://x y main"), None);
    }

    #[test]
    fn the_main_archive_is_found_among_others() {
        let targets = "Other|Other|http://o/|/a.list:1\nDebian|Debian-Security|http://s/|/a.sources:8\nDebian|Debian|http://d/|/a.sources:2\n";
        assert_eq!(first_of("Debian", targets), Some(("http://d/", Some((Path::new("/a.sources"), 2)))));
        assert_eq!(first_of("Ubuntu", targets), None);
    }

    #[test]
    fn a_whole_key_becomes_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.asc");
        let mirror = Mirror { uri: "http://d".into(), signed_by: Some("-----BEGIN PGP PUBLIC KEY BLOCK-----".into()) };
        let lines = mirror.source_lines(&["a".into(), "b".into()], &file).unwrap();
        let option = format!("[signed-by={}]", file.display());
        assert_eq!(lines, format!("deb {option} http://d a main\ndeb {option} http://d b main\n"));
        assert!(fs::read_to_string(file).unwrap().starts_with("-----BEGIN"));
    }
}
