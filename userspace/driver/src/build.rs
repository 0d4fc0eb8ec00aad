//! Builds the module for a kernel: in a build root, or with this machine's own headers where they are complete.

use crate::elf::ModuleFile;
use crate::error::BuildError;
use crate::kconfig::KernelConfig;
use crate::manifest::{Api, Manifest, SourceId, Toolchain};
use crate::packages::Archive;
use crate::recipe::Recipe;
use crate::root::{Root, clear};
use crate::run::{PATH, Runner, start_error};
use crate::source::Source;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the sources lie in a build root: the path is part of the module, so it is the same everywhere.
const SOURCE_FOLDER: &str = "/build/saker";

/// Arguments of every build. Types for BPF are left out: their tool fails on modules with both C and Rust.
const MAKE_ARGUMENTS: [&str; 2] = ["CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"];

/// What to build.
#[derive(Debug)]
pub struct Request<'a> {
    /// Distribution, as `/etc/os-release` names it.
    pub distro: &'a str,
    /// Kernel, as `uname -r` prints it.
    pub release: &'a str,
    /// What to build it from.
    pub source: &'a Source,
    /// Where to put it as well.
    pub out: Option<&'a Path>,
    /// Private key and certificate to sign it with.
    pub sign: Option<(&'a Path, &'a Path)>,
    /// Whether what is cached counts.
    pub rebuild: Rebuild,
    /// Archive to take packages from, instead of that of this machine's apt.
    pub mirror: Option<&'a str>,
}

/// What to do when the module is in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rebuild {
    /// Take it.
    IfChanged,
    /// Build it again.
    Always,
}

/// A built module.
#[derive(Debug)]
pub struct Built {
    /// Where it lies.
    pub module: PathBuf,
    /// What is known of it.
    pub manifest: Manifest,
    /// Whether it was in the cache.
    pub cached: bool,
}

/// The pipeline: build roots, package lists and modules below one folder.
pub struct Pipeline<'a> {
    pub(crate) cache: PathBuf,
    pub(crate) runner: Runner<'a>,
}

impl<'a> Pipeline<'a> {
    /// Keeps everything below `cache`. `progress` is told in a few words what goes on.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(cache: &Path, progress: &'a dyn Fn(&str)) -> Result<Self, BuildError> {
        let runner = Runner::new(&cache.join("logs"), progress)?;
        Ok(Self { cache: cache.to_owned(), runner })
    }

    /// Returns where the module for a kernel is kept.
    #[must_use]
    pub fn module_path(&self, distro: &str, release: &str) -> PathBuf {
        self.cache.join("modules").join(distro).join(release).join("saker.ko")
    }

    /// Builds the module for one kernel.
    ///
    /// # Errors
    /// When it cannot be built; the text says what to do.
    pub fn build(&self, request: &Request<'_>) -> Result<Built, BuildError> {
        if !request.source.has_module() {
            return Err(BuildError::NoModule);
        }
        let module = self.module_path(request.distro, request.release);
        let cached = match request.rebuild {
            Rebuild::IfChanged if request.sign.is_none() => cached(&module, request.source),
            _ => None,
        };
        let (manifest, cached) = match cached {
            Some(manifest) => (manifest, true),
            None => (self.build_new(request, &module)?, false),
        };
        let Some(out) = request.out else {
            return Ok(Built { module, manifest, cached });
        };
        fs::create_dir_all(out).map_err(BuildError::io(out))?;
        let copy = out.join("saker.ko");
        fs::copy(&module, &copy).map_err(BuildError::io(&copy))?;
        manifest.write(&copy)?;
        Ok(Built { module: copy, manifest, cached })
    }

    fn build_new(&self, request: &Request<'_>, module: &Path) -> Result<Manifest, BuildError> {
        let folder = module.parent().unwrap_or(&self.cache);
        fs::create_dir_all(folder).map_err(BuildError::io(folder))?;
        let host = host_headers(request.release, &self.runner)?;
        let (built, toolchain, kernel_package) = match host {
            Some(headers) => self.build_here(request, &headers)?,
            None => self.build_in_root(request)?,
        };
        let invalid = |problem: String| BuildError::Module { path: module.to_owned(), problem };
        let file = ModuleFile::parse(built).map_err(|err| invalid(err.to_string()))?;
        if file.release() != request.release {
            return Err(invalid(format!("it is for `{}`, not for `{}`", file.release(), request.release)));
        }
        let version = |name: &str| request.source.version(name).unwrap_or_default();
        let manifest = Manifest {
            distro: request.distro.to_owned(),
            release: request.release.to_owned(),
            kernel_package,
            vermagic: file.info("vermagic").unwrap_or_default().trim().to_owned(),
            arch: "x86_64".to_owned(),
            toolchain,
            api: Api { protocol: version("PROTOCOL"), schema: version("SCHEMA") },
            source: SourceId { commit: request.source.commit().map(str::to_owned), sha256: request.source.digest() },
            sha256: file.sha256(),
            build_id: file.build_id().to_owned(),
            signed: file.is_signed(),
        };
        // The manifest comes last: without it the module does not count as built.
        let old = Manifest::path_of(module);
        if old.exists() {
            fs::remove_file(&old).map_err(BuildError::io(&old))?;
        }
        fs::write(module, file.bytes()).map_err(BuildError::io(module))?;
        manifest.write(module)?;
        Ok(manifest)
    }

    fn build_in_root(&self, request: &Request<'_>) -> Result<(Vec<u8>, Toolchain, String), BuildError> {
        let recipe = Recipe::find(request.distro)?;
        let suite = recipe.suite_of(request.release)?;
        if !recipe.tested {
            self.runner.say(&format!("the recipe of {} is untested: please report how it went", recipe.distro));
        }
        let archive = self.archive((&recipe, suite), request.mirror)?;
        let mut root = Root::open(&self.cache.join("roots"), (&recipe, suite), &archive, &self.runner)?;
        let package = root.add_kernel(request.release, &archive, &self.runner)?;
        let config = root.kernel_config(request.release)?;
        let headers = recipe.fill(&recipe.kernel.headers, suite, request.release);
        self.runner.say(&format!("building saker.ko for {}", request.release));
        clear(&root.outside("build"))?;
        request.source.write(&root.outside(SOURCE_FOLDER))?;
        let run = |command: &mut Command, log: &str, what: &str| self.runner.run(command, log, what);
        let mut make: Vec<String> = vec!["make".into(), "-C".into(), headers.clone(), format!("M={SOURCE_FOLDER}")];
        make.extend(MAKE_ARGUMENTS.map(str::to_owned));
        run(&mut root.command(&make), "module", "building the module")?;
        let inside = format!("{SOURCE_FOLDER}/saker.ko");
        run(&mut root.command(["strip", "--strip-debug", &inside]), "strip", "stripping the module")?;
        if let Some((key, certificate)) = request.sign {
            let copy = root.outside("/build/certificate");
            fs::copy(certificate, &copy).map_err(BuildError::io(certificate))?;
            let tool = format!("{headers}/scripts/sign-file");
            let hash = config.signature_hash();
            let mut command = root.command([&tool, &hash, "/dev/stdin", "/build/certificate", &inside]);
            sign(&mut command, key)?;
        }
        let path = root.outside(&inside);
        let bytes = fs::read(&path).map_err(BuildError::io(&path))?;
        let toolchain = Toolchain { rustc: root.rustc(&self.runner)?, cc: config.cc(), bindgen: config.bindgen() };
        Ok((bytes, toolchain, package))
    }

    /// Builds with this machine's headers and compiler.
    fn build_here(
        &self,
        request: &Request<'_>,
        headers: &HostHeaders,
    ) -> Result<(Vec<u8>, Toolchain, String), BuildError> {
        self.runner.say(&format!("building saker.ko with the headers in {}", headers.path.display()));
        let work = tempfile::tempdir().map_err(BuildError::io(Path::new("/tmp")))?;
        request.source.write(&work.path().join("saker"))?;
        let source = work.path().join("saker");
        let mut make = Command::new("make");
        make.env("PATH", PATH).arg("-C").arg(&headers.path).arg(format!("M={}", source.display())).args(MAKE_ARGUMENTS);
        self.runner.run(&mut make, "module", "building the module")?;
        let module = source.join("saker.ko");
        let mut strip = Command::new("strip");
        self.runner.run(strip.env("PATH", PATH).arg("--strip-debug").arg(&module), "strip", "stripping the module")?;
        if let Some((key, certificate)) = request.sign {
            let mut command = Command::new(headers.path.join("scripts/sign-file"));
            command.arg(headers.config.signature_hash()).arg("/dev/stdin").arg(certificate).arg(&module);
            sign(&mut command, key)?;
        }
        let bytes = fs::read(&module).map_err(BuildError::io(&module))?;
        let config = &headers.config;
        let toolchain = Toolchain { rustc: config.rustc(), cc: config.cc(), bindgen: config.bindgen() };
        Ok((bytes, toolchain, format!("headers in {}", headers.path.display())))
    }

    pub(crate) fn archive<'b>(
        &'b self,
        (recipe, suite): (&'b Recipe, &'b crate::recipe::Suite),
        mirror: Option<&str>,
    ) -> Result<Archive<'b>, BuildError> {
        let state = self.cache.join("archives").join(format!("{}-{}", recipe.distro, suite.name));
        Archive::open(&state, (recipe, suite), mirror, &self.runner)
    }
}

/// Headers of this machine that modules in Rust can be built with.
struct HostHeaders {
    path: PathBuf,
    config: KernelConfig,
}

/// Returns this machine's headers for a kernel, if they have what rustc needs and rustc is the one that built the kernel.
fn host_headers(release: &str, runner: &Runner<'_>) -> Result<Option<HostHeaders>, BuildError> {
    let path = Path::new("/lib/modules").join(release).join("build");
    if !path.join("rust/libkernel.rmeta").exists() {
        return Ok(None);
    }
    let config = KernelConfig::read(&path.join(".config"))?;
    let version = runner.output(Command::new("rustc").env("PATH", PATH).arg("--version"), "rustc", "asking rustc");
    let same = version.is_ok_and(|found| String::from_utf8_lossy(&found).trim() == config.rustc());
    Ok(same.then_some(HostHeaders { path, config }))
}

/// Runs sign-file; the key goes through a pipe, so that no copy of it is made.
fn sign(command: &mut Command, key: &Path) -> Result<(), BuildError> {
    let key_file = File::open(key).map_err(BuildError::io(key))?;
    let output = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .and_then(|mut child| {
            if let Some(mut pipe) = child.stdin.take() {
                std::io::copy(&mut &key_file, &mut pipe)?;
            }
            child.wait_with_output()
        })
        .map_err(|err| start_error(command, err))?;
    if output.status.success() {
        return Ok(());
    }
    let tail = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    Err(BuildError::Failed {
        what: "signing the module".into(),
        status: output.status.to_string(),
        tail,
        log: key.into(),
    })
}

/// Returns the manifest of a cached module, if it is whole and was built from these sources.
fn cached(module: &Path, source: &Source) -> Option<Manifest> {
    let manifest = Manifest::beside(module).ok()??;
    let file = ModuleFile::read(module).ok()?;
    let current = manifest.source.sha256 == source.digest() && manifest.mismatch(&file).is_none() && !manifest.signed;
    current.then_some(manifest)
}
