//! Recipes: what each distribution calls its packages, and what its kernels need beside them. A new distribution is a
//! new file in `recipes/` and its line in [`FILES`].

use crate::error::BuildError;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The recipes, embedded.
const FILES: [(&str, &str); 4] = [
    ("debian", include_str!("../recipes/debian.toml")),
    ("ubuntu", include_str!("../recipes/ubuntu.toml")),
    ("fedora", include_str!("../recipes/fedora.toml")),
    ("arch", include_str!("../recipes/arch.toml")),
];

/// How modules are built for the kernels of one distribution.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recipe {
    /// The distribution, as `ID` of `/etc/os-release` names it.
    pub(crate) distro: String,
    /// Whether the recipe has been run.
    pub(crate) tested: bool,
    pub(crate) packages: Packages,
    pub(crate) root: RootRecipe,
    pub(crate) kernel: KernelRecipe,
    pub(crate) suite: Vec<Suite>,
}

/// How packages are fetched and unpacked.
#[derive(Debug, Deserialize)]
#[serde(tag = "tool", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Packages {
    /// apt-get and dpkg-deb, with folders of their own.
    Apt {
        /// What the distribution's archives call their origin.
        origin: String,
        /// Keys of the archives, for a mirror that this machine's apt does not know.
        keyring: String,
    },
    /// Shell commands. `fetch` downloads `{packages}` and what they depend on to `{into}`, with `{state}` for its own
    /// files; `unpack` unpacks `{file}` below `{root}`.
    Commands { fetch: String, unpack: String },
}

/// What every build root of the distribution holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RootRecipe {
    pub(crate) packages: Vec<String>,
    /// Link below the root, and where it leads.
    pub(crate) links: BTreeMap<String, String>,
}

/// What a kernel adds to a build root.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KernelRecipe {
    /// Name of a headers package without the release; needed to list kernels.
    #[serde(default)]
    pub(crate) prefix: String,
    /// Ends of the releases that this recipe is for; needed to list kernels.
    #[serde(default)]
    pub(crate) flavours: Vec<String>,
    pub(crate) packages: Vec<String>,
    /// Where the headers lie in the root.
    pub(crate) headers: String,
    pub(crate) image: Image,
    /// Packages that only `prepare` needs.
    #[serde(default)]
    pub(crate) sources: Vec<String>,
    /// Shell script that completes the headers, run in the root with `/build` to itself.
    #[serde(default)]
    pub(crate) prepare: Option<String>,
}

/// The kernel itself, for those who boot it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    pub(crate) package: String,
    pub(crate) path: String,
}

/// One release of the distribution: its archives, its compiler, and what marks its kernels.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suite {
    pub(crate) name: String,
    pub(crate) archives: Vec<String>,
    /// A kernel release with one of these in it is of this suite.
    pub(crate) marks: Vec<String>,
    pub(crate) cc: String,
    pub(crate) packages: Vec<String>,
    #[serde(default)]
    pub(crate) links: BTreeMap<String, String>,
}

impl Recipe {
    /// Returns the recipe of a distribution.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn find(distro: &str) -> Result<Self, BuildError> {
        let known = || FILES.map(|(name, _)| format!("`{name}`")).join(", ");
        let (_, text) = FILES
            .iter()
            .find(|(name, _)| *name == distro)
            .ok_or_else(|| BuildError::NoRecipe { distro: distro.to_owned(), known: known() })?;
        toml::from_str(text).map_err(|err| BuildError::Recipe { distro: distro.to_owned(), problem: err.to_string() })
    }

    /// Returns the suite that a kernel release belongs to.
    pub(crate) fn suite_of(&self, release: &str) -> Result<&Suite, BuildError> {
        let marks = || self.suite.iter().flat_map(|suite| &suite.marks).map(|mark| format!("`{mark}`"));
        self.suite.iter().find(|suite| suite.has(release)).ok_or_else(|| BuildError::ForeignKernel {
            release: release.to_owned(),
            distro: self.distro.clone(),
            marks: marks().collect::<Vec<_>>().join(", "),
        })
    }

    /// Returns the suite of a name.
    pub(crate) fn suite_named(&self, name: &str) -> Result<&Suite, BuildError> {
        let known = || self.suite.iter().map(|suite| format!("`{}`", suite.name)).collect::<Vec<_>>().join(", ");
        self.suite
            .iter()
            .find(|suite| suite.name == name)
            .ok_or_else(|| BuildError::NoSuite { suite: name.to_owned(), known: known() })
    }

    /// Returns a text of the recipe with its placeholders filled for one kernel.
    pub(crate) fn fill(&self, text: &str, suite: &Suite, release: &str) -> String {
        let series = release.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
        let text = text.replace("{headers}", &self.kernel.headers);
        fill(&text, &[("release", release), ("series", &series), ("cc", &suite.cc), ("suite", &suite.name)])
    }
}

impl Suite {
    /// Returns whether a kernel release is of this suite.
    pub(crate) fn has(&self, release: &str) -> bool {
        self.marks.iter().any(|mark| release.contains(mark))
    }
}

/// Replaces each `{name}`.
pub(crate) fn fill(text: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_can_be_read_and_is_named_as_its_file() {
        for (name, _) in FILES {
            assert_eq!(Recipe::find(name).unwrap().distro, name);
        }
        let tested: Vec<_> = FILES.iter().filter(|(name, _)| Recipe::find(name).unwrap().tested).collect();
        assert_eq!(tested.len(), 1, "only what was run is marked tested");
    }

    #[test]
    fn no_placeholder_is_left_unfilled() {
        for (name, _) in FILES {
            let recipe = Recipe::find(name).unwrap();
            let kernel = &recipe.kernel;
            let mut texts: Vec<&String> = kernel.packages.iter().chain(&kernel.sources).collect();
            texts.extend([&kernel.headers, &kernel.image.package, &kernel.image.path]);
            texts.extend(&kernel.prepare);
            for text in texts {
                let filled = recipe.fill(text, &recipe.suite[0], "7.3.4+x-y");
                // Shell functions and expansions have other braces.
                assert!(!filled.contains("{r") && !filled.contains("{s") && !filled.contains("{h"), "{name}: {filled}");
            }
        }
    }

    #[test]
    fn a_release_tells_its_suite() {
        let debian = Recipe::find("debian").unwrap();
        let suite = |release| debian.suite_of(release).map(|suite| suite.name.as_str());
        assert_eq!(suite("7.3.4+deb13-cloud-amd64").unwrap(), "trixie");
        assert_eq!(suite("7.2.13+deb14-amd64").unwrap(), "sid");
        let error = suite("7.3.4-arch1-1").unwrap_err().to_string();
        assert!(error.contains("`7.3.4-arch1-1`") && error.contains("`+deb13-`"), "{error}");
        assert_eq!(debian.fill("linux-source-{series}", &debian.suite[1], "7.3.4+deb13-amd64"), "linux-source-7.3");
    }

    #[test]
    fn an_unknown_distribution_names_the_known_ones() {
        let error = Recipe::find("slackware").unwrap_err().to_string();
        assert!(error.contains("`slackware`") && error.contains("`debian`, `ubuntu`, `fedora`, `arch`"), "{error}");
    }
}
