//! Tiny programs that make one kind of system call, for the end-to-end tests to watch.
//!
//! Usage: `trigger WHAT ARG...`; exit status 0 when the call did what it should, 1 when not, 2 for wrong usage.
#![forbid(unsafe_code)]

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::thread;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["open", path] => open(path),
        ["openat-dirfd", dir, name] => openat_dirfd(dir, name),
        ["second-thread", path] => second_thread(path),
        ["threads", count, path] => many_threads(count, path),
        ["relative", dir, name] => std::env::set_current_dir(dir).and_then(|()| open(name)),
        _ => {
            eprintln!(
                "usage: trigger open PATH | openat-dirfd DIR NAME | second-thread PATH | threads N PATH | relative DIR NAME"
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
