# shellcheck shell=bash
# Shared by the entry points in this folder; sourced, never run.
#
# Sets `top` (the checkout) and `cache` (what outlives a build: tools, the builder root, target folders
# of special builds), and changes to the checkout.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# $cache is read by the scripts that source this file.
# shellcheck disable=SC2034
cache=${SAKER_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/saker}
cd "$top" || exit

# shellcheck disable=SC2034 # Not every script uses every colour.
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
    bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' plain=$'\e[0m'
else
    bold='' red='' green='' yellow='' plain=''
fi

# Reports progress on standard error, so that standard output stays the script's result.
say() { printf '%s%s%s\n' "$bold" "$*" "$plain" >&2; }

warn() { printf '%swarning:%s %s\n' "$yellow" "$plain" "$*" >&2; }

die() {
    printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
    exit 1
}

# Prints the comment block at the top of a script, which is its manual.
manual() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$1"; }

# Runs a command as root: directly, or through sudo. Fails when neither is possible.
as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
        sudo "$@"
    else
        return 1
    fi
}

# Installs the named Debian packages that are not installed yet.
need_packages() {
    local package missing=()
    if ! command -v dpkg-query >/dev/null; then
        warn "this is not a Debian or Ubuntu machine: make sure that it has the like of: $*"
        return 0
    fi
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            missing+=("$package")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    as_root true || die "missing packages: ${missing[*]}. As root, run: apt-get install ${missing[*]}"
    say "Installing ${missing[*]}"
    # A third-party source that is down must not stop us: the install decides.
    as_root apt-get update -qq </dev/null >/dev/null || true
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null ||
        die "apt-get could not install ${missing[*]}; its messages are above"
}

# True when the cargo on the PATH is at least the version that the workspace asks for.
rust_is_new_enough() {
    local have
    have=$(cargo --version 2>/dev/null | awk '{ print $2 }')
    [[ -n $have ]] && printf '%s\n%s\n' "$1" "$have" | sort -V -C
}

# Makes `cargo` available, at the version the workspace asks for or newer.
need_rust() {
    local want
    want=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    PATH=$PATH:${CARGO_HOME:-${HOME:-/root}/.cargo}/bin
    rust_is_new_enough "$want" && return 0
    if ! command -v rustup >/dev/null && command -v apt-get >/dev/null; then
        # A fresh machine knows no package before its first update.
        apt-cache show rustup >/dev/null 2>&1 || as_root apt-get update -qq </dev/null >/dev/null || true
        [[ -z $(apt-cache show rustup 2>/dev/null) ]] || need_packages rustup
    fi
    command -v rustup >/dev/null ||
        die "Saker needs Rust $want or newer, and this machine has no rustup package." \
            "Install rustup as the Rust project's install page says, then run this again."
    say "Installing the stable Rust toolchain"
    rustup toolchain install stable --profile minimal --component rustfmt --component clippy >&2
    export RUSTUP_TOOLCHAIN=stable
    rust_is_new_enough "$want" || die "Saker needs Rust $want or newer; stable here is $(cargo --version)"
}

# Builds this checkout's `saker` and sets `saker` to its path, unless SAKER names one.
need_saker() {
    saker=${SAKER:-}
    [[ -z $saker ]] || return 0
    need_rust
    cargo build --quiet --locked -p saker --bin saker </dev/null >&2 || die "saker does not build"
    saker=${CARGO_TARGET_DIR:-target}/debug/saker
}
