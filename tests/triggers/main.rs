//! Tiny programs that make one kind of system call, for the end-to-end tests to watch.
//!
//! Usage: `trigger WHAT ARG...`; exit status 0 when the call did what it should, 1 when not, 2 for wrong usage.
#![forbid(unsafe_code)]

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use std::fs::{self, File};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["open", path] => open(path),
        ["openat-dirfd", dir, name] => openat_dirfd(dir, name),
        ["second-thread", path] => second_thread(path),
        ["threads", count, path] => many_threads(count, path),
        ["flood", kind, seconds] => flood(kind, seconds),
        ["relative", dir, name] => std::env::set_current_dir(dir).and_then(|()| open(name)),
        _ => {
            eprintln!(
                "usage: trigger open PATH | openat-dirfd DIR NAME | second-thread PATH | threads N PATH | relative DIR NAME | flood KIND SECONDS"
            );
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("trigger: {err}");
            ExitCode::from(1)
        }
    }
}

/// Makes one kind of call as fast as it can.
fn flood(kind: &str, seconds: &str) -> io::Result<()> {
    let unknown = || io::Error::other(format!("no flood of `{kind}` for `{seconds}` seconds"));
    let until = Instant::now() + Duration::from_secs(seconds.parse().map_err(|_| unknown())?);
    let zero = File::open("/dev/zero")?;
    let long = "/a".repeat(2047);
    while Instant::now() < until {
        for _ in 0..100 {
            match kind {
                "getpid" => _ = std::process::id(),
                "dup" => drop(zero.try_clone()?),
                "open" => open("/dev/null")?,
                // These fail, which is what is watched.
                "path" => _ = File::open(&long),
                "connect" => _ = UnixStream::connect("/no/such/socket"),
                "fork" => _ = Command::new("/no/such/program").spawn(),
                _ => return Err(unknown()),
            }
        }
    }
    Ok(())
}

fn open(path: impl AsRef<Path>) -> io::Result<()> {
    File::open(path).map(drop)
}

fn openat_dirfd(dir: &str, name: &str) -> io::Result<()> {
    let dir = File::open(dir)?;
    openat(&dir, name, OFlag::O_RDONLY, Mode::empty())?;
    Ok(())
}

fn second_thread(path: &str) -> io::Result<()> {
    thread::scope(|scope| scope.spawn(|| open(path)).join().unwrap_or_else(|_| Err(io::Error::other("thread died"))))
}

/// Every thread reads the file; the number of opens is the number of threads.
fn many_threads(count: &str, path: &str) -> io::Result<()> {
    let count: usize = count.parse().map_err(io::Error::other)?;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(|| fs::read(path).map(drop))).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("thread died"))))
    })
}
