// SPDX-License-Identifier: Apache-2.0

//! Feeds N events of a mix to an engine, to be counted under `valgrind --tool=callgrind`.
//!
//! Usage: `bench_rules [EVENTS] [judge|state] RULES...`: `judge` evaluates the rules, `state` stops after decoding and the
//! tables, so that the difference is what the rules cost. Prints how many rules are loaded, how many were tried in all
//! (those that can match the type of each event) and how many matched, which should be none.
//!
//! The mix is what a quiet host does: a shell starts `ls`, a server answers a request from a file, a program
//! fetches something. Nothing in it is suspicious, so every rule has to be tried and none ends the work early.

use saker_driver_api::event::EventType;
use saker_engine::{Engine, LoadConfig, Ruleset, SourceFile, load};
use saker_event::{RecordBuf, parse_line};
use saker_state::Budget;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

type Failure = Box<dyn Error>;

/// What the engine knows before the mix: the host, its users, and three processes with their parents.
const PRELUDE: &[&str] = &[
    "clock ts=0 offset_ns=1767222000000000000",
    "host ts=0 hostname=bench utc_offset_s=0 boot_epoch_ns=1767222000000000000 num_cpus=2 kernel=bench self_pid=9",
    "useradded ts=0 uid=0 gid=0 name=root home=/root shell=/bin/bash",
    "useradded ts=0 uid=33 gid=33 name=www-data home=/var/www shell=/usr/sbin/nologin",
    "useradded ts=0 uid=1000 gid=1000 name=ann home=/home/ann shell=/bin/bash",
    "groupadded ts=0 gid=0 name=root",
    "execve pid=1 res=0 exe=/usr/lib/systemd/systemd args=[] comm=systemd trusted_exepath=/usr/lib/systemd/systemd cwd=/ uid=0 gid=0",
    "execve pid=90 ptid=1 res=0 exe=/usr/sbin/sshd args=[-D] comm=sshd trusted_exepath=/usr/sbin/sshd cwd=/ uid=0 gid=0",
    "execve pid=100 ptid=90 res=0 exe=/usr/bin/bash args=[-l] comm=bash trusted_exepath=/usr/bin/bash cwd=/home/ann uid=1000 gid=1000 loginuid=1000 tty=34816",
    "execve pid=200 ptid=1 res=0 exe=/usr/sbin/nginx args=[-g,\"daemon off;\"] comm=nginx trusted_exepath=/usr/sbin/nginx cwd=/ uid=33 gid=33",
    "execve pid=300 ptid=100 res=0 exe=/usr/bin/git args=[fetch,origin] comm=git trusted_exepath=/usr/bin/git cwd=/home/ann/project uid=1000 gid=1000 loginuid=1000 tty=34816",
];

/// One round of the mix, which leaves the tables as it found them.
const MIX: &[&str] = &[
    "clone pid=100 res=101 tid=100 ptid=90 exe=/usr/bin/bash comm=bash cwd=/home/ann flags=CLONE_CHILD_CLEARTID uid=1000 gid=1000",
    "clone pid=101 res=0 tid=101 ptid=100 exe=/usr/bin/bash comm=bash cwd=/home/ann flags=CLONE_CHILD_CLEARTID uid=1000 gid=1000",
    "execve pid=101 ptid=100 res=0 exe=/usr/bin/ls args=[--color=auto,-l] env=[HOME=/home/ann,PATH=/usr/bin:/bin] comm=ls trusted_exepath=/usr/bin/ls filename=/usr/bin/ls cwd=/home/ann uid=1000 gid=1000 loginuid=1000 tty=34816",
    "openat pid=101 res=3 dirfd=AT_FDCWD name=/etc/ld.so.cache flags=O_RDONLY|O_CLOEXEC realpath=/etc/ld.so.cache",
    "mmap pid=101 res=0x7f0000000000 addr=0 length=40960 prot=PROT_READ flags=MAP_PRIVATE fd=3",
    "close pid=101 res=0 fd=3",
    "openat pid=101 res=3 dirfd=AT_FDCWD name=/lib/x86_64-linux-gnu/libc.so.6 flags=O_RDONLY|O_CLOEXEC realpath=/usr/lib/x86_64-linux-gnu/libc.so.6",
    "read pid=101 res=832 data=0123456789 fd=3 size=832",
    "close pid=101 res=0 fd=3",
    "openat pid=101 res=3 dirfd=AT_FDCWD name=. flags=O_RDONLY|O_DIRECTORY realpath=/home/ann",
    "getdents64 pid=101 res=480 fd=3",
    "close pid=101 res=0 fd=3",
    "write pid=101 res=64 data=README.md fd=1 size=64",
    "accept4 pid=200 res=7 tuple=10.0.0.9:51000->10.0.0.7:443",
    "recvfrom pid=200 res=400 data=\"GET / HTTP/1.1\" tuple=10.0.0.9:51000->10.0.0.7:443 fd=7 size=1024",
    "openat pid=200 res=8 dirfd=AT_FDCWD name=/var/www/html/index.html flags=O_RDONLY realpath=/var/www/html/index.html",
    "write pid=200 res=612 data=\"HTTP/1.1 200 OK\" fd=7 size=612",
    "close pid=200 res=0 fd=8",
    "close pid=200 res=0 fd=7",
    "socket pid=300 res=5 domain=AF_INET type=1 proto=6",
    "connect pid=300 res=0 tuple=10.0.0.7:40000->140.82.121.4:443 fd=5 addr=140.82.121.4:443",
    "sendto pid=300 res=500 data=hello fd=5 size=500",
    "recvfrom pid=300 res=1400 data=hello fd=5 size=4096",
    "openat pid=300 res=6 dirfd=AT_FDCWD name=.git/FETCH_HEAD flags=O_WRONLY|O_CREAT|O_TRUNC mode=0644 realpath=/home/ann/project/.git/FETCH_HEAD",
    "write pid=300 res=90 data=0123abcd fd=6 size=90",
    "close pid=300 res=0 fd=6",
    "close pid=300 res=0 fd=5",
    "procexit pid=101",
];

fn records(lines: &[&str]) -> Result<Vec<RecordBuf>, Failure> {
    lines.iter().map(|line| parse_line(line).map_err(|error| format!("`{line}`: {error}").into())).collect()
}

fn ruleset(paths: &[String]) -> Result<Ruleset, Failure> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(SourceFile::read(Path::new(path))?);
    }
    Ok(load(&files, &LoadConfig::default()).map_err(|failure| format!("{failure:#}"))?.ruleset)
}

/// Gives the engine one record, and returns what it is a record of.
#[inline(never)]
fn feed(engine: &mut Engine, record: &RecordBuf, judge: bool) -> Result<(), Failure> {
    let raw = record.raw()?;
    if judge {
        engine.feed(raw, drop);
    } else {
        engine.view(raw, |view| std::hint::black_box(view.num()));
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let events: u64 = args.first().map_or(Ok(10_000), |arg| arg.parse())?;
    let judge = match args.get(1).map_or("judge", String::as_str) {
        "judge" => true,
        "state" => false,
        other => return Err(format!("unknown way `{other}`; known are judge, state").into()),
    };
    // Both ways load the rules, so that both start alike.
    let mut engine = Engine::new(ruleset(args.get(2..).unwrap_or_default())?, Budget::default());
    for record in records(PRELUDE)? {
        feed(&mut engine, &record, judge)?;
    }
    let mut mix = records(MIX)?;
    let kinds: Vec<EventType> = mix.iter().filter_map(|record| Some(record.event()?.kind())).collect();
    let tried = |kind: &EventType| engine.ruleset().index().rules(*kind).len() as u64;
    let tried: u64 = kinds.iter().cycle().take(usize::try_from(events)?).map(tried).sum();
    let started = Instant::now();
    for at in 0..events {
        let slot = usize::try_from(at)? % mix.len();
        let Some(record) = mix.get_mut(slot) else { break };
        record.header_mut(|header| header.ts_ns = 3_600_000_000_000 + at * 1_000);
        feed(&mut engine, record, judge)?;
    }
    let took = started.elapsed();
    let stats = engine.stats();
    let rules = engine.ruleset().rules().iter().filter(|rule| rule.is_enabled()).count();
    println!(
        "count {events} seen {} rules {rules} tried {tried} matches {} nanoseconds {}",
        stats.events,
        stats.matches,
        took.as_nanos()
    );
    for (at, rule) in engine.ruleset().rules().iter().enumerate() {
        let matches = saker_engine::RuleId::new(at).map_or(0, |id| stats.rule_matches(id));
        if matches > 0 {
            eprintln!("{matches} matches of `{}`", rule.name());
        }
    }
    Ok(())
}
