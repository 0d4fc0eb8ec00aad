//! Fetches packages of a distribution and unpacks them into a folder. Nothing of them is run, so this needs no root, and a
//! foreign distribution gets no say on this machine.

use crate::error::BuildError;
use crate::mirror::Mirror;
use crate::recipe::{Packages, Recipe, Suite, fill};
use crate::run::{PATH, Runner};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The packages of one suite.
pub(crate) struct Archive<'a> {
    /// Everything that is kept between runs: lists, downloads.
    state: PathBuf,
    recipe: &'a Recipe,
    suite: &'a Suite,
    runner: &'a Runner<'a>,
}

impl<'a> Archive<'a> {
    /// Opens the archives of `suite`; `state` is a folder of its own. `mirror` replaces the one of this machine's apt.
    pub(crate) fn open(
        state: &Path,
        (recipe, suite): (&'a Recipe, &'a Suite),
        mirror: Option<&str>,
        runner: &'a Runner<'a>,
    ) -> Result<Self, BuildError> {
        for folder in ["lists/partial", "archives/partial", "none"] {
            let folder = state.join(folder);
            fs::create_dir_all(&folder).map_err(BuildError::io(&folder))?;
        }
        let archive = Self { state: state.to_owned(), recipe, suite, runner };
        if let Packages::Apt { origin, keyring } = &recipe.packages {
            let mirror = Mirror::find(mirror, origin, keyring)?;
            let lines = mirror.source_lines(&suite.archives, &state.join("archive.asc"))?;
            let sources = state.join("sources.list");
            if fs::read_to_string(&sources).is_ok_and(|old| old == lines) {
                return Ok(archive);
            }
            let fresh = state.join("sources.new");
            fs::write(&fresh, &lines).map_err(BuildError::io(&fresh))?;
            archive.update(&fresh)?;
            fs::rename(&fresh, &sources).map_err(BuildError::io(&sources))?;
        }
        Ok(archive)
    }

    /// Downloads packages and what they depend on; returns the files.
    pub(crate) fn fetch(&self, packages: &[String]) -> Result<Vec<PathBuf>, BuildError> {
        match &self.recipe.packages {
            Packages::Apt { .. } => self.with_fresh_lists(|| self.apt_fetch(packages)),
            Packages::Commands { fetch, .. } => self.command_fetch(fetch, packages),
        }
    }

    /// Downloads packages alone; returns the files.
    pub(crate) fn fetch_alone(&self, packages: &[String]) -> Result<Vec<PathBuf>, BuildError> {
        let Packages::Apt { .. } = self.recipe.packages else {
            return self.fetch(packages);
        };
        self.with_fresh_lists(|| {
            let into = tempfile::tempdir_in(&self.state).map_err(BuildError::io(&self.state))?.keep();
            let mut apt = self.apt("apt-get");
            apt.current_dir(&into).arg("download").args(packages);
            self.runner.run(&mut apt, "download", "the download of packages")?;
            files_of(&into)
        })
    }

    /// Returns the version of the newest package of a name.
    pub(crate) fn version(&self, package: &str) -> Result<String, BuildError> {
        let mut apt = self.apt("apt-cache");
        apt.args(["show", "--no-all-versions", package]);
        let none = || BuildError::NoPackage { package: package.to_owned(), suite: self.suite.name.clone() };
        let shown = self.runner.output(&mut apt, "show", "the look-up of a package").map_err(|_| none())?;
        let shown = String::from_utf8_lossy(&shown);
        shown.lines().find_map(|line| line.strip_prefix("Version: ")).map(str::to_owned).ok_or_else(none)
    }

    /// Returns the names of all packages that start with `prefix`, sorted.
    pub(crate) fn names(&self, prefix: &str) -> Result<Vec<String>, BuildError> {
        let mut apt = self.apt("apt-cache");
        apt.args(["pkgnames", prefix]);
        let names = self.runner.output(&mut apt, "names", "the list of packages")?;
        let mut names: Vec<String> = String::from_utf8_lossy(&names).lines().map(str::to_owned).collect();
        names.sort();
        Ok(names)
    }

    /// Unpacks a package below `root`.
    pub(crate) fn unpack(&self, file: &Path, root: &Path) -> Result<(), BuildError> {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let mut command = match &self.recipe.packages {
            Packages::Apt { .. } => {
                let mut command = Command::new("dpkg-deb");
                command.arg("-x").arg(file).arg(root);
                command
            }
            Packages::Commands { unpack, .. } => {
                shell(&fill(unpack, &[("file", &quoted(file)), ("root", &quoted(root))]))
            }
        };
        let log = format!("unpack-{name}");
        self.runner.run(command.env("PATH", PATH), &log, &format!("unpacking `{name}`"))
    }

    /// Runs `attempt`; when it fails, once more with new lists, since packages leave the archive as others come.
    fn with_fresh_lists<T>(&self, attempt: impl Fn() -> Result<T, BuildError>) -> Result<T, BuildError> {
        attempt().or_else(|_| {
            self.update(&self.state.join("sources.list"))?;
            attempt()
        })
    }

    fn update(&self, sources: &Path) -> Result<(), BuildError> {
        self.runner.say(&format!("reading the package lists of {}", self.suite.archives.join(" and ")));
        let mut apt = self.apt("apt-get");
        apt.arg("-o").arg(format!("Dir::Etc::sourcelist={}", sources.display())).arg("update");
        // Without this, lists that could not be had are a warning, and a package is missing later.
        apt.args(["-o", "APT::Update::Error-Mode=any"]);
        self.runner.run(&mut apt, "update", "reading the package lists")
    }

    fn apt_fetch(&self, packages: &[String]) -> Result<Vec<PathBuf>, BuildError> {
        let archives = self.state.join("archives");
        for stale in files_of(&archives)? {
            fs::remove_file(&stale).map_err(BuildError::io(&stale))?;
        }
        for package in packages {
            self.version(package.split('=').next().unwrap_or(package))?;
        }
        let mut plan = self.apt("apt-get");
        plan.args(["install", "--yes", "--print-uris"]).args(packages);
        let plan = self.runner.output(&mut plan, "plan", "working out what the packages depend on")?;
        let plan = String::from_utf8_lossy(&plan);
        // 'ADDRESS' FILE BYTES HASH; what was downloaded already is not among them.
        let lines = plan.lines().filter(|line| line.starts_with('\''));
        let entries: Vec<(&str, u64)> = lines
            .filter_map(|line| {
                let mut words = line.split(' ').skip(1);
                Some((words.next()?, words.next()?.parse().ok()?))
            })
            .collect();
        let bytes: u64 = entries.iter().map(|(_, bytes)| bytes).sum();
        self.runner.say(&format!("downloading {} packages, {} MB", entries.len(), bytes / 1_000_000));
        let mut download = self.apt("apt-get");
        download.args(["install", "--yes", "--download-only"]).args(packages);
        self.runner.run(&mut download, "download", "the download of packages")?;
        files_of(&archives)
    }

    fn command_fetch(&self, fetch: &str, packages: &[String]) -> Result<Vec<PathBuf>, BuildError> {
        let into = tempfile::tempdir_in(&self.state).map_err(BuildError::io(&self.state))?.keep();
        let names = packages.join(" ");
        let values = [
            ("packages", names.as_str()),
            ("suite", &self.suite.name),
            ("into", &quoted(&into)),
            ("state", &quoted(&self.state)),
        ];
        self.runner.say(&format!("downloading {} packages and what they need", packages.len()));
        self.runner.run(&mut shell(&fill(fetch, &values)), "download", "the download of packages")?;
        files_of(&into)
    }

    /// An apt program that sees nothing of this machine but its proxy and its keys.
    fn apt(&self, program: &str) -> Command {
        let state = self.state.display();
        let none = self.state.join("none");
        let mut command = Command::new(program);
        command.env("PATH", PATH).env("LC_ALL", "C.UTF-8").env("DEBIAN_FRONTEND", "noninteractive").arg("-q");
        for option in [
            format!("Dir::Etc::sourcelist={state}/sources.list"),
            format!("Dir::Etc::sourceparts={}", none.display()),
            format!("Dir::Etc::preferences={}/none", none.display()),
            format!("Dir::Etc::preferencesparts={}", none.display()),
            format!("Dir::State={state}"),
            format!("Dir::State::lists={state}/lists"),
            "Dir::State::status=/dev/null".to_owned(),
            format!("Dir::Cache={state}"),
            format!("Dir::Cache::archives={state}/archives"),
            "APT::Keep-Downloaded-Packages=true".to_owned(),
            "Debug::NoLocking=1".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
            "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false".to_owned(),
            "APT::Install-Recommends=false".to_owned(),
            "APT::Sandbox::User=root".to_owned(),
        ] {
            command.arg("-o").arg(option);
        }
        command
    }
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.env("PATH", PATH).args(["-euc", script]);
    command
}

/// Returns a path as one word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

/// Returns the plain files of a folder, sorted.
fn files_of(folder: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(BuildError::io(folder))? {
        let path = entry.map_err(BuildError::io(folder))?.path();
        let package = path.extension().is_some_and(|extension| extension != "lock");
        if path.is_file() && package {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_a_shell() {
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
