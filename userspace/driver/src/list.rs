//! Which kernels a distribution offers, and for which of them a module can be built.

use crate::build::Pipeline;
use crate::error::BuildError;
use crate::kconfig::KernelConfig;
use crate::packages::Archive;
use crate::recipe::{Recipe, Suite};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A kernel that the archives offer.
#[derive(Debug, Clone, Serialize)]
pub struct Kernel {
    /// As `uname -r` prints it.
    pub release: String,
    /// The suite that has it.
    pub suite: String,
    /// Version of its package.
    pub version: String,
    /// Why no module can be built for it; `None` where one can.
    pub problem: Option<String>,
    /// The compiler that it needs; empty where it has no CONFIG_RUST.
    pub rustc: String,
    /// Whether a module for it lies in the cache.
    pub built: bool,
}

impl Pipeline<'_> {
    /// Lists all kernels of a distribution that its archives offer now.
    ///
    /// # Errors
    /// When the archives cannot be read.
    pub fn list(&self, distro: &str, mirror: Option<&str>) -> Result<Vec<Kernel>, BuildError> {
        let recipe = Recipe::find(distro)?;
        if recipe.kernel.prefix.is_empty() {
            return Err(BuildError::Unsupported {
                distro: distro.to_owned(),
                what: "list kernels: name one with --kernel",
            });
        }
        let mut kernels = Vec::new();
        for suite in &recipe.suite {
            let archive = self.archive((&recipe, suite), mirror)?;
            kernels.extend(self.list_suite(&recipe, suite, &archive)?);
        }
        Ok(kernels)
    }

    fn list_suite(&self, recipe: &Recipe, suite: &Suite, archive: &Archive<'_>) -> Result<Vec<Kernel>, BuildError> {
        let prefix = &recipe.kernel.prefix;
        let mut releases: BTreeMap<String, String> = BTreeMap::new();
        for name in archive.names(prefix)? {
            let release = name.strip_prefix(prefix.as_str()).unwrap_or_default().to_owned();
            let flavour = |flavour: &String| {
                let end = release.strip_suffix(flavour.as_str()).and_then(|rest| rest.strip_suffix('-'));
                end.is_some_and(|rest| rest.ends_with(|c: char| c.is_ascii_digit()))
            };
            if suite.has(&release) && recipe.kernel.flavours.iter().any(flavour) {
                // Names of packages that are gone stay in the lists.
                let Ok(version) = archive.version(&name) else { continue };
                releases.insert(release, version);
            }
        }
        let configs = self.configs(recipe, suite, archive, &releases)?;
        let kernel = |(release, version): (String, String)| {
            let config = configs.get(&release);
            let problem = match config {
                None => Some("its configuration could not be read".to_owned()),
                Some(config) if config.has_rust() => None,
                Some(_) => Some("built without CONFIG_RUST, so it loads no module written in Rust".to_owned()),
            };
            let built = self.module_path(&recipe.distro, &release).exists();
            let rustc = config.map(KernelConfig::rustc).unwrap_or_default();
            Kernel { release, suite: suite.name.clone(), version, problem, rustc, built }
        };
        Ok(releases.into_iter().map(kernel).collect())
    }

    /// Returns the configurations of kernels, from their headers packages; they are kept.
    fn configs(
        &self,
        recipe: &Recipe,
        suite: &Suite,
        archive: &Archive<'_>,
        releases: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, KernelConfig>, BuildError> {
        let folder = self.cache.join("configs");
        fs::create_dir_all(&folder).map_err(BuildError::io(&folder))?;
        let kept = |release: &str, version: &str| folder.join(format!("{release}_{version}"));
        let missing: Vec<(&String, &String)> =
            releases.iter().filter(|(release, version)| !kept(release, version).exists()).collect();
        if !missing.is_empty() {
            self.runner.say(&format!("reading the configurations of {} kernels of {}", missing.len(), suite.name));
            let name = |(release, version): &(&String, &String)| format!("{}{release}={version}", recipe.kernel.prefix);
            let files = archive.fetch_alone(&missing.iter().map(name).collect::<Vec<_>>())?;
            for (release, version) in missing {
                let start = format!("{}{release}_", recipe.kernel.prefix);
                let file = files
                    .iter()
                    .find(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&start)));
                let Some(file) = file else { continue };
                let headers = recipe.fill(&recipe.kernel.headers, suite, release);
                let path = kept(release, version);
                fs::write(&path, self.member(file, &format!(".{headers}/.config"))?).map_err(BuildError::io(&path))?;
            }
            if let Some(folder) = files.first().and_then(|file| file.parent()) {
                fs::remove_dir_all(folder).map_err(BuildError::io(folder))?;
            }
        }
        let read = |(release, version): (&String, &String)| {
            let text = fs::read_to_string(kept(release, version)).ok()?;
            Some((release.clone(), KernelConfig::parse(text)))
        };
        Ok(releases.iter().filter_map(read).collect())
    }

    /// Returns one file of a Debian package.
    fn member(&self, package: &Path, path: &str) -> Result<Vec<u8>, BuildError> {
        let mut command = Command::new("sh");
        command.args(["-euc", r#"dpkg-deb --fsys-tarfile "$1" | tar -xO "$2""#, "sh"]).arg(package).arg(path);
        self.runner.output(&mut command, "member", "reading a file of a package")
    }
}
