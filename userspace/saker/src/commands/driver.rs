//! `saker driver`: builds, loads and unloads the kernel module, and tells how it is.

use crate::cli::driver::{BuildFlags, DriverCommand};
use crate::outcome::{InvalidInput, Outcome};
use anyhow::{Context as _, Result};
use nix::sys::utsname::uname;
use saker_driver::{BuildError, Kernel, Pipeline, Rebuild, Request, Source, Status};
use serde_json::json;
use std::env;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};

/// Where distributions and DKMS put modules of others, below `/lib/modules/RELEASE`.
const INSTALLED: [&str; 4] = ["updates/saker.ko", "updates/dkms/saker.ko", "extra/saker.ko", "extra/dkms/saker.ko"];

/// Does what was asked of the driver.
pub(crate) fn driver(command: DriverCommand) -> Result<Outcome> {
    match command {
        DriverCommand::Build(flags) if flags.list => list(&flags),
        DriverCommand::Build(flags) => build(&flags),
        DriverCommand::Load { json, module } => load(module, json),
        DriverCommand::Unload => {
            saker_driver::unload()?;
            Ok(Outcome::Fine)
        }
        DriverCommand::Status { json } => status(json),
        DriverCommand::Shell { place, cmd } => {
            let status = with_pipeline(|pipeline| pipeline.shell(&place.distro, &place.suite, &cmd, None))?;
            let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
            Ok(Outcome::Command(u8::try_from(code).unwrap_or(u8::MAX)))
        }
        DriverCommand::Unpack { place, into, packages } => {
            with_pipeline(|pipeline| pipeline.unpack(&place.distro, &place.suite, &packages, &into))?;
            Ok(Outcome::Fine)
        }
        DriverCommand::Image { distro, kernel } => {
            let image = with_pipeline(|pipeline| pipeline.image(&distro, &kernel))?;
            writeln!(std::io::stdout().lock(), "{}", image.display())?;
            Ok(Outcome::Fine)
        }
    }
}

fn build(flags: &BuildFlags) -> Result<Outcome> {
    let source = flags.source.as_deref().map_or_else(|| Ok(Source::embedded()), Source::read).map_err(sorted)?;
    let release = flags.kernel.clone().map_or_else(running_release, Ok)?;
    let distro = flags.distro.clone().unwrap_or_else(|| host_distro(flags.kernel.as_deref()));
    let built = with_pipeline(|pipeline| {
        pipeline.build(&Request {
            distro: &distro,
            release: &release,
            source: &source,
            out: flags.out.as_deref(),
            sign: flags.sign.as_deref().zip(flags.cert.as_deref()),
            rebuild: if flags.rebuild { Rebuild::Always } else { Rebuild::IfChanged },
            mirror: flags.mirror.as_deref(),
        })
    })?;
    let mut out = std::io::stdout().lock();
    if flags.json {
        let row = json!({ "module": built.module, "cached": built.cached, "manifest": serde_json::to_value(&built.manifest)? });
        writeln!(out, "{row}")?;
    } else {
        writeln!(out, "{}", built.module.display())?;
    }
    Ok(Outcome::Fine)
}

fn list(flags: &BuildFlags) -> Result<Outcome> {
    let distro = flags.distro.clone().unwrap_or_else(|| host_distro(None));
    let kernels = with_pipeline(|pipeline| pipeline.list(&distro, flags.mirror.as_deref()))?;
    let mut out = std::io::stdout().lock();
    if flags.json {
        writeln!(out, "{}", serde_json::to_value(&kernels)?)?;
        return Ok(Outcome::Fine);
    }
    let width = kernels.iter().map(|kernel| kernel.release.len()).max().unwrap_or_default();
    for kernel in &kernels {
        writeln!(out, "{:width$}  {:8}  {}", kernel.release, kernel.suite, can_be_built(kernel))?;
    }
    Ok(Outcome::Fine)
}

fn can_be_built(kernel: &Kernel) -> String {
    match &kernel.problem {
        Some(problem) => format!("no: {problem}"),
        None if kernel.built => format!("built, with {}", kernel.rustc),
        None => format!("yes, with {}", kernel.rustc),
    }
}

fn load(module: Option<PathBuf>, json: bool) -> Result<Outcome> {
    let module = module.map_or_else(default_module, Ok)?;
    let loaded = saker_driver::load(&module)?;
    tracing::info!("loaded {}, sha256 {}", loaded.path.display(), loaded.sha256);
    if loaded.manifest.is_none() {
        tracing::warn!("{} has no manifest: only its kernel release was checked", loaded.path.display());
    }
    let mut out = std::io::stdout().lock();
    if json {
        let manifest = serde_json::to_value(&loaded.manifest)?;
        writeln!(out, "{}", json!({ "module": loaded.path, "sha256": loaded.sha256, "manifest": manifest }))?;
    } else {
        writeln!(out, "loaded {}", loaded.path.display())?;
    }
    Ok(Outcome::Fine)
}

/// Returns the module installed for the running kernel, or the one in this user's cache.
fn default_module() -> Result<PathBuf> {
    let release = running_release()?;
    let installed = INSTALLED.iter().map(|path| Path::new("/lib/modules").join(&release).join(path));
    if let Some(module) = installed.into_iter().find(|path| path.exists()) {
        return Ok(module);
    }
    let pipeline = Pipeline::new(&cache()?, &|_| {})?;
    let module = pipeline.module_path(&host_distro(None), &release);
    let meta = std::fs::metadata(&module).map_err(|_| {
        anyhow::anyhow!("there is no module for `{release}`: build one with `saker driver build`, or name a file")
    })?;
    // With another's cache (`sudo -E`), another user would choose what goes into the kernel.
    let own = meta.uid() == nix::unistd::geteuid().as_raw() && meta.mode() & 0o022 == 0;
    anyhow::ensure!(
        own,
        "{} can be written by others, so it is not loaded unasked: name it to load it",
        module.display()
    );
    Ok(module)
}

fn status(json: bool) -> Result<Outcome> {
    let status = saker_driver::status();
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_value(&status)?)?;
    } else {
        write!(out, "{}", status_text(&status))?;
    }
    Ok(if status.loaded { Outcome::Fine } else { Outcome::Findings })
}

fn status_text(status: &Status) -> String {
    let holder = status.holder.as_ref().map(|holder| format!("`{}` (pid {})", holder.name, holder.pid));
    let mut text = format!("kernel    {}\n", status.running);
    text.push_str(&format!("module    {}\n", if status.loaded { "loaded" } else { "not loaded" }));
    if let Some(build_id) = &status.build_id {
        text.push_str(&format!("build id  {build_id}\n"));
    }
    if status.loaded {
        text.push_str(&format!(
            "device    {}\n",
            if status.device { "/dev/saker" } else { "missing: /dev/saker is not there" }
        ));
        text.push_str(&format!("open in   {}\n", holder.as_deref().unwrap_or("no process that this user may see")));
    }
    text.push_str(&format!("program   protocol {}, schema {}\n", status.protocol, status.schema));
    text
}

/// Runs something with the pipeline of this user's cache; progress is shown on a terminal.
fn with_pipeline<T>(work: impl FnOnce(&Pipeline<'_>) -> Result<T, BuildError>) -> Result<T> {
    let terminal = std::io::stderr().is_terminal();
    let progress = move |what: &str| {
        if terminal {
            eprintln!("saker: {what}");
        }
    };
    let pipeline = Pipeline::new(&cache()?, &progress).map_err(sorted)?;
    work(&pipeline).map_err(sorted)
}

/// Tells wrong input from work that failed.
fn sorted(error: BuildError) -> anyhow::Error {
    match error {
        BuildError::NoRecipe { .. }
        | BuildError::NoSuite { .. }
        | BuildError::ForeignKernel { .. }
        | BuildError::NoPackage { .. }
        | BuildError::NoRust { .. }
        | BuildError::NoSource { .. }
        | BuildError::NoModule => InvalidInput(error.to_string()).into(),
        error => error.into(),
    }
}

/// Returns where the pipeline keeps things: `SAKER_CACHE`, or `saker` in the user's cache folder.
fn cache() -> Result<PathBuf> {
    let named = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = named("SAKER_CACHE")
        .or_else(|| named("XDG_CACHE_HOME").map(|cache| cache.join("saker")))
        .or_else(|| named("HOME").map(|home| home.join(".cache/saker")));
    Ok(base.context("neither SAKER_CACHE nor HOME is set, so there is no place for the cache")?.join("driver"))
}

fn running_release() -> Result<String> {
    let release = uname()?.release().to_str().context("the kernel's release is no text")?.to_owned();
    Ok(release)
}

/// Returns the distribution that a kernel is of: its release tells for Debian's, else this machine's.
fn host_distro(release: Option<&str>) -> String {
    if release.is_some_and(|release| release.contains("+deb")) {
        return "debian".to_owned();
    }
    let text = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let id = text.lines().find_map(|line| line.strip_prefix("ID=")).unwrap_or("debian");
    id.trim_matches('"').to_owned()
}
