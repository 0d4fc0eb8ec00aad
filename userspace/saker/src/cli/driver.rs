//! `saker driver`: what was typed.

use crate::cli::flags::EXIT_STATUS;
use clap::{Args, Subcommand, ValueHint};
use std::ffi::OsString;
use std::path::PathBuf;

/// `saker driver`.
#[derive(Debug, Subcommand)]
pub(crate) enum DriverCommand {
    /// Build the module for a kernel, which need not be the running one.
    ///
    /// The compiler and the kernel's headers come from the distribution's archive into a folder of their own, once per
    /// kernel; headers of this machine are used where they suffice. Neither root nor the kernel is needed. Prints where
    /// the module lies; beside it lies a manifest (`.json`).
    #[command(after_help = EXIT_STATUS)]
    Build(BuildFlags),
    /// Load the module into the running kernel.
    #[command(after_help = EXIT_STATUS)]
    Load {
        /// Print a JSON object.
        #[arg(long)]
        json: bool,
        /// Module to load. Default: the one installed for the running kernel, else the one that `build` made.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        module: Option<PathBuf>,
    },
    /// Unload the module.
    #[command(after_help = EXIT_STATUS)]
    Unload,
    /// Say whether the module is loaded, which one, and who captures.
    #[command(after_help = EXIT_STATUS)]
    Status {
        /// Print a JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Run a command in a build root.
    Shell {
        #[command(flatten)]
        place: PlaceFlags,
        /// Command and arguments, as found in the root.
        #[arg(required = true, last = true, value_name = "CMD")]
        cmd: Vec<OsString>,
    },
    /// Unpack packages, with what they depend on, into a folder. None of their scripts run.
    #[command(after_help = EXIT_STATUS)]
    Unpack {
        #[command(flatten)]
        place: PlaceFlags,
        /// Folder, which is emptied first.
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        into: PathBuf,
        /// Names of packages.
        #[arg(required = true, value_name = "PACKAGE")]
        packages: Vec<String>,
    },
    /// Fetch a kernel to boot it in a virtual machine; prints where it lies.
    #[command(after_help = EXIT_STATUS)]
    Image {
        /// Distribution, as `/etc/os-release` names it.
        #[arg(long, value_name = "NAME", default_value = "debian")]
        distro: String,
        /// Kernel, as `uname -r` prints it.
        #[arg(value_name = "RELEASE")]
        kernel: String,
    },
}

/// Which suite of which distribution.
#[derive(Debug, Args)]
pub(crate) struct PlaceFlags {
    /// Distribution, as `/etc/os-release` names it.
    #[arg(long, value_name = "NAME", default_value = "debian")]
    pub(crate) distro: String,
    /// Suite of the distribution.
    #[arg(long, value_name = "NAME", default_value = "trixie")]
    pub(crate) suite: String,
}

/// `saker driver build`.
#[derive(Debug, Args)]
pub(crate) struct BuildFlags {
    /// Distribution of the kernel. Default: this machine's.
    #[arg(long, value_name = "NAME")]
    pub(crate) distro: Option<String>,
    /// Kernel, as `uname -r` prints it. Default: the running one.
    #[arg(long, value_name = "RELEASE")]
    pub(crate) kernel: Option<String>,
    /// Put module and manifest here as well.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) out: Option<PathBuf>,
    /// Build from this checkout instead of the sources in this program.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) source: Option<PathBuf>,
    /// List the kernels that the distribution offers, and why some cannot be built for; build nothing.
    #[arg(long, conflicts_with_all = ["kernel", "out", "source", "sign", "rebuild"])]
    pub(crate) list: bool,
    /// Sign the module with this private key (PEM), for Secure Boot. `KBUILD_SIGN_PIN` is not passed on: no passphrase.
    #[arg(long, value_name = "KEY", requires = "cert", value_hint = ValueHint::FilePath)]
    pub(crate) sign: Option<PathBuf>,
    /// The key's certificate.
    #[arg(long, value_name = "CERT", requires = "sign", value_hint = ValueHint::FilePath)]
    pub(crate) cert: Option<PathBuf>,
    /// Build although the module is in the cache.
    #[arg(long)]
    pub(crate) rebuild: bool,
    /// Archive to take packages from. Default: the one that apt uses here.
    #[arg(long, value_name = "URL")]
    pub(crate) mirror: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}
