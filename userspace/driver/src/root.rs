//! A build root: a distribution's compiler and kernel headers in a folder, entered through namespaces.
//!
//! ```text
//! ROOT/usr/...          packages, only unpacked
//! ROOT/build/...        what is being built; emptied before each build
//! ROOT.json             what the root holds: written last, so that half a root is never used
//! ROOT.lock             held by whoever changes or uses the root
//! ```

use crate::error::BuildError;
use crate::kconfig::KernelConfig;
use crate::packages::Archive;
use crate::recipe::{Recipe, Suite};
use crate::run::{PATH, Runner};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Lends the root /proc, without which the kernel's build fails, and /dev; both end with the namespace.
const ENTER: &str = r#"for folder in proc dev; do mount --rbind "/$folder" "$1/$folder"; done; exec chroot "$@""#;

/// A build root of one suite, held for this process alone.
pub(crate) struct Root<'a> {
    path: PathBuf,
    recipe: &'a Recipe,
    suite: &'a Suite,
    contents: Contents,
    _lock: File,
}

/// What a root holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Contents {
    /// The packages asked for, by which a changed recipe is noticed.
    packages: Vec<String>,
    /// Files of packages that were unpacked.
    unpacked: BTreeSet<String>,
    /// Kernels whose headers are complete, and the version of their package.
    kernels: BTreeMap<String, String>,
}

impl<'a> Root<'a> {
    /// Opens the root of a suite below `folder`, and makes it first where it is missing or of another recipe.
    pub(crate) fn open(
        folder: &Path,
        (recipe, suite): (&'a Recipe, &'a Suite),
        archive: &Archive<'_>,
        runner: &Runner<'_>,
    ) -> Result<Self, BuildError> {
        let path = folder.join(format!("{}-{}", recipe.distro, suite.name));
        fs::create_dir_all(folder).map_err(BuildError::io(folder))?;
        let lock_path = path.with_extension("lock");
        let lock = File::create(&lock_path).map_err(BuildError::io(&lock_path))?;
        lock.lock().map_err(BuildError::io(&lock_path))?;
        let packages: Vec<String> = recipe.root.packages.iter().chain(&suite.packages).cloned().collect();
        let contents = fs::read(path.with_extension("json")).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let current = contents.filter(|contents: &Contents| contents.packages == packages);
        let made = current.is_some();
        let mut root = Self { path, recipe, suite, contents: current.unwrap_or_default(), _lock: lock };
        if !made {
            root.make(packages, archive, runner)?;
        }
        root.check_entry()?;
        Ok(root)
    }

    /// Returns a path in the root as seen from outside.
    pub(crate) fn outside(&self, inside: &str) -> PathBuf {
        self.path.join(inside.trim_start_matches('/'))
    }

    /// Returns a command that runs inside the root, with nothing of this machine's environment.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new("unshare");
        command.env("PATH", PATH).arg("--mount");
        if !nix::unistd::geteuid().is_root() {
            command.arg("--map-root-user");
        }
        command.args(["sh", "-euc", ENTER, "sh"]).arg(&self.path);
        command.args(["env", "-i", "HOME=/root", "LC_ALL=C.UTF-8", "TERM=dumb"]).arg(format!("PATH={PATH}"));
        // The same in every build, so that the bytes are.
        command.args(["KBUILD_BUILD_TIMESTAMP=1970-01-01", "KBUILD_BUILD_USER=saker", "KBUILD_BUILD_HOST=saker"]);
        command.args(words);
        command
    }

    /// Puts a kernel's headers into the root and completes them. Returns the version of their package.
    pub(crate) fn add_kernel(
        &mut self,
        release: &str,
        archive: &Archive<'_>,
        runner: &Runner<'_>,
    ) -> Result<String, BuildError> {
        if let Some(version) = self.contents.kernels.get(release) {
            return Ok(version.clone());
        }
        let fill = |text: &String| self.recipe.fill(text, self.suite, release);
        let packages: Vec<String> = self.recipe.kernel.packages.iter().map(fill).collect();
        let sources: Vec<String> = self.recipe.kernel.sources.iter().map(fill).collect();
        let prepare = self.recipe.kernel.prepare.as_ref().map(fill);
        let files = archive.fetch(&packages)?;
        self.unpack(&files, archive, runner)?;
        let config = self.kernel_config(release)?;
        if !config.has_rust() {
            return Err(BuildError::NoRust { release: release.to_owned() });
        }
        self.check_compiler(release, &config, runner)?;
        let version = match packages.first() {
            Some(package) if !sources.is_empty() => archive.version(package)?,
            _ => release.to_owned(),
        };
        if let Some(script) = prepare {
            // The sources have to be those that the kernel was built from, not the newest.
            let sources: Vec<String> = sources.iter().map(|name| format!("{name}={version}")).collect();
            self.prepare(release, &script, &archive.fetch_alone(&sources)?, (archive, runner))?;
        }
        self.contents.kernels.insert(release.to_owned(), version.clone());
        self.save()?;
        Ok(version)
    }

    /// Returns the configuration of a kernel whose headers are in the root.
    pub(crate) fn kernel_config(&self, release: &str) -> Result<KernelConfig, BuildError> {
        let headers = self.recipe.fill(&self.recipe.kernel.headers, self.suite, release);
        KernelConfig::read(&self.outside(&headers).join(".config"))
    }

    /// Returns what the root's rustc says of itself.
    pub(crate) fn rustc(&self, runner: &Runner<'_>) -> Result<String, BuildError> {
        let version = runner.output(&mut self.command(["rustc", "--version"]), "rustc", "asking rustc its version")?;
        Ok(String::from_utf8_lossy(&version).trim().to_owned())
    }

    fn check_compiler(&self, release: &str, config: &KernelConfig, runner: &Runner<'_>) -> Result<(), BuildError> {
        let (wanted, found) = (config.rustc(), self.rustc(runner)?);
        if wanted == found {
            return Ok(());
        }
        let place = format!("the build root {}", self.path.display());
        let advice =
            "; delete it to have it made from today's packages, or wait for the archive to have both of one version";
        Err(BuildError::Toolchain { release: release.to_owned(), wanted, place, found, advice })
    }

    /// Runs a recipe's script, with its sources unpacked for as long.
    fn prepare(
        &self,
        release: &str,
        script: &str,
        sources: &[PathBuf],
        (archive, runner): (&Archive<'_>, &Runner<'_>),
    ) -> Result<(), BuildError> {
        runner.say(&format!("preparing {release} for modules in Rust (once, some minutes)"));
        let build = self.outside("build");
        clear(&build)?;
        for file in sources {
            archive.unpack(file, &self.path)?;
            let folder = file.parent().unwrap_or(&self.path);
            fs::remove_dir_all(folder).map_err(BuildError::io(folder))?;
        }
        let what = format!("preparing {release}");
        runner.run(&mut self.command(["sh", "-euc", script]), "prepare", &what)?;
        clear(&build)?;
        for entry in fs::read_dir(self.outside("usr/src")).map_err(BuildError::io(&self.path))? {
            let path = entry.map_err(BuildError::io(&self.path))?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("linux-source-"))
                && path.is_file()
            {
                fs::remove_file(&path).map_err(BuildError::io(&path))?;
            }
        }
        Ok(())
    }

    fn make(&mut self, packages: Vec<String>, archive: &Archive<'_>, runner: &Runner<'_>) -> Result<(), BuildError> {
        runner.say(&format!("making a build root of {} in {} (once)", self.suite.name, self.path.display()));
        clear(&self.path)?;
        for folder in ["proc", "dev", "tmp", "build", "root"] {
            let folder = self.path.join(folder);
            fs::create_dir_all(&folder).map_err(BuildError::io(&folder))?;
        }
        let files = archive.fetch(&packages)?;
        self.unpack(&files, archive, runner)?;
        for (link, target) in self.recipe.root.links.iter().chain(&self.suite.links) {
            let link = self.path.join(link);
            if !link.exists() {
                symlink(target, &link).map_err(BuildError::io(&link))?;
            }
        }
        self.contents.packages = packages;
        self.save()
    }

    /// Unpacks what is not in the root yet, on all processors, and removes the files.
    fn unpack(&mut self, files: &[PathBuf], archive: &Archive<'_>, runner: &Runner<'_>) -> Result<(), BuildError> {
        let name = |file: &PathBuf| file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let fresh: Vec<&PathBuf> = files.iter().filter(|file| !self.contents.unpacked.contains(&name(file))).collect();
        runner.say(&format!("unpacking {} packages", fresh.len()));
        // What brings the links /bin and /lib must come before what lies below them.
        let (base, rest): (Vec<&PathBuf>, Vec<&PathBuf>) =
            fresh.iter().partition(|file| name(file).starts_with("base-files") || name(file).starts_with("filesystem"));
        for file in base.into_iter().chain(rest) {
            archive.unpack(file, &self.path)?;
            self.contents.unpacked.insert(name(file));
        }
        for file in files {
            fs::remove_file(file).map_err(BuildError::io(file))?;
        }
        Ok(())
    }

    fn save(&self) -> Result<(), BuildError> {
        let path = self.path.with_extension("json");
        let text = serde_json::to_vec_pretty(&self.contents).map_err(|err| BuildError::io(&path)(err.into()))?;
        fs::write(&path, text).map_err(BuildError::io(&path))
    }

    fn check_entry(&self) -> Result<(), BuildError> {
        let mut command = self.command(["true"]);
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        match status.map_err(|err| crate::run::start_error(&command, err))? {
            status if status.success() => Ok(()),
            _ => Err(BuildError::NoNamespace),
        }
    }
}

/// Makes a folder empty.
pub(crate) fn clear(folder: &Path) -> Result<(), BuildError> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(BuildError::io(folder))?;
    }
    fs::create_dir_all(folder).map_err(BuildError::io(folder))
}
