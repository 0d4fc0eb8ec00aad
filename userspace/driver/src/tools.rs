//! What else build roots and archives are good for: a look inside, and files of packages for a virtual machine.

use crate::build::Pipeline;
use crate::error::BuildError;
use crate::recipe::Recipe;
use crate::root::{Root, clear};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

impl Pipeline<'_> {
    /// Runs a command in the build root of a suite, with this process's input and output.
    ///
    /// # Errors
    /// When there is no such root and it cannot be made, or it cannot be entered.
    pub fn shell(
        &self,
        distro: &str,
        suite: &str,
        words: &[OsString],
        mirror: Option<&str>,
    ) -> Result<ExitStatus, BuildError> {
        let recipe = Recipe::find(distro)?;
        let suite = recipe.suite_named(suite)?;
        let archive = self.archive((&recipe, suite), mirror)?;
        let root = Root::open(&self.cache.join("roots"), (&recipe, suite), &archive, &self.runner)?;
        let mut command = root.command(words);
        command.status().map_err(|err| crate::run::start_error(&command, err))
    }

    /// Unpacks packages and what they depend on below `into`, which is emptied first. None of their scripts run.
    ///
    /// # Errors
    /// When there is no such package, or it cannot be had.
    pub fn unpack(&self, distro: &str, suite: &str, packages: &[String], into: &Path) -> Result<(), BuildError> {
        let recipe = Recipe::find(distro)?;
        let archive = self.archive((&recipe, recipe.suite_named(suite)?), None)?;
        clear(into)?;
        for file in archive.fetch(packages)? {
            archive.unpack(&file, into)?;
            fs::remove_file(&file).map_err(BuildError::io(&file))?;
        }
        Ok(())
    }

    /// Returns the kernel itself, to boot it; it is kept.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn image(&self, distro: &str, release: &str) -> Result<PathBuf, BuildError> {
        let image = self.cache.join("images").join(release);
        if image.exists() {
            return Ok(image);
        }
        let recipe = Recipe::find(distro)?;
        let suite = recipe.suite_of(release)?;
        let archive = self.archive((&recipe, suite), None)?;
        let fill = |text: &str| recipe.fill(text, suite, release);
        let folder = tempfile::tempdir_in(&self.cache).map_err(BuildError::io(&self.cache))?;
        for file in archive.fetch_alone(&[fill(&recipe.kernel.image.package)])? {
            archive.unpack(&file, folder.path())?;
            fs::remove_file(&file).map_err(BuildError::io(&file))?;
        }
        let parent = image.parent().unwrap_or(&self.cache);
        fs::create_dir_all(parent).map_err(BuildError::io(parent))?;
        let path = folder.path().join(fill(&recipe.kernel.image.path));
        fs::rename(&path, &image).map_err(BuildError::io(&path))?;
        Ok(image)
    }
}
