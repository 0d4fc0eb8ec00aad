// SPDX-License-Identifier: Apache-2.0

//! Reading `/proc`: one open directory, reused buffers, no allocation in the steady state.

use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, Mode, OFlags, Stat, open, openat, readlinkat_raw, statat};
use rustix::io::Errno;
use std::fmt::{Arguments, Write as _};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

/// Longest path the kernel gives.
const PATH_BYTES: usize = 4096;

/// An open `/proc` whose process ids are those of this process.
#[derive(Debug)]
pub(crate) struct Proc {
    dir: OwnedFd,
    name: String,
    link: Box<[u8; PATH_BYTES]>,
    link_len: Option<usize>,
}

impl Proc {
    /// Opens `/proc`.
    ///
    /// # Errors
    /// Returns an error if it is not mounted, or shows the processes of another PID namespace.
    pub(crate) fn open() -> io::Result<Self> {
        let dir = open("/proc", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let mut proc = Self { dir, name: String::with_capacity(64), link: Box::new([0; PATH_BYTES]), link_len: None };
        let own = std::process::id().to_string();
        if proc.link(format_args!("self"))? != own.as_bytes() {
            return Err(io::Error::other("`/proc` shows another PID namespace; mount the one of this process"));
        }
        Ok(proc)
    }

    /// Reads up to `max` bytes of a file of one thread into `into`; returns whether that was all of it.
    ///
    /// The kernel makes such a file in one go, so a read that leaves room was the last one. (Tables of the whole host come
    /// in pieces; this is not for them.)
    pub(crate) fn read(&mut self, file: Arguments<'_>, into: &mut Vec<u8>, max: usize) -> Result<bool, Errno> {
        into.clear();
        read_open(&self.open_file(file)?, into, max)
    }

    /// Reads a link.
    pub(crate) fn link(&mut self, link: Arguments<'_>) -> Result<&[u8], Errno> {
        self.set_name(link);
        self.link_len = None;
        let n = readlinkat_raw(&self.dir, &self.name, &mut self.link[..])?;
        self.link_len = Some(n);
        Ok(self.link.get(..n).unwrap_or_default())
    }

    /// Returns what the last [`Proc::link`] read, if it could.
    pub(crate) fn last_link(&self) -> Option<&[u8]> {
        self.link.get(..self.link_len?)
    }

    /// Describes the file behind a link.
    pub(crate) fn stat(&mut self, link: Arguments<'_>) -> Result<Stat, Errno> {
        self.set_name(link);
        statat(&self.dir, &self.name, AtFlags::empty())
    }

    /// Opens the file behind a link without access to its content.
    pub(crate) fn open_path(&mut self, link: Arguments<'_>) -> Result<OwnedFd, Errno> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        self.set_name(link);
        openat(&self.dir, &self.name, flags, Mode::empty())
    }

    /// Opens a file or directory to be read.
    pub(crate) fn open_file(&mut self, file: Arguments<'_>) -> Result<OwnedFd, Errno> {
        self.set_name(file);
        openat(&self.dir, &self.name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
    }

    /// Lists the numbers among the names in a directory.
    pub(crate) fn numbers(&mut self, dir: Arguments<'_>) -> Vec<u32> {
        let Ok(fd) = self.open_file(dir) else { return Vec::new() };
        let Ok(entries) = rustix::fs::Dir::read_from(fd.as_fd()) else { return Vec::new() };
        entries.filter_map(|entry| entry.ok()?.file_name().to_str().ok()?.parse().ok()).collect()
    }

    fn set_name(&mut self, name: Arguments<'_>) {
        self.name.clear();
        // Writing to a string cannot fail.
        let _ = self.name.write_fmt(name);
    }
}

/// Reads an open file from its start, as [`Proc::read`] does; the kernel makes it anew each time.
pub(crate) fn read_open(file: &OwnedFd, into: &mut Vec<u8>, max: usize) -> Result<bool, Errno> {
    into.clear();
    // One byte more than wanted tells whether the file goes on.
    into.reserve(max + 1);
    while into.len() <= max {
        let (room, at) = (into.capacity() - into.len(), into.len() as u64);
        match rustix::io::pread(file, spare_capacity(into), at) {
            Ok(n) if n < room => break,
            Ok(_) | Err(Errno::INTR) => {}
            Err(err) => {
                into.clear();
                return Err(err);
            }
        }
    }
    let whole = into.len() <= max;
    into.truncate(max);
    Ok(whole)
}

/// What `/proc/TID/stat` says, as far as it is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TaskStat<'a> {
    pub(crate) comm: &'a [u8],
    pub(crate) pgid: u32,
    pub(crate) sid: u32,
    pub(crate) tty: u32,
    pub(crate) faults_minor: u64,
    pub(crate) faults_major: u64,
    pub(crate) start_ticks: u64,
}

impl<'a> TaskStat<'a> {
    /// Reads the line, or returns `None` where it is cut. The name may hold anything, so its end is the last `)`.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let open = line.iter().position(|b| *b == b'(')?;
        let close = line.iter().rposition(|b| *b == b')')?;
        let mut fields = line.get(close + 2..)?.split(|b| *b == b' ').map(number);
        // Field 3 is the state; `nth` counts from the one after the last taken.
        let pgid = fields.nth(2)??;
        let sid = fields.next()??;
        let tty = fields.next()??;
        let faults_minor = fields.nth(2)??;
        let faults_major = fields.nth(1)??;
        let start_ticks = fields.nth(9)??;
        Some(Self {
            comm: line.get(open + 1..close)?,
            pgid: u32::try_from(pgid).unwrap_or(0),
            sid: u32::try_from(sid).unwrap_or(0),
            tty: u32::try_from(tty).unwrap_or(0),
            faults_minor,
            faults_major,
            start_ticks,
        })
    }
}

/// Name of a thread, of up to 15 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Comm {
    bytes: [u8; 15],
    len: u8,
}

impl Comm {
    /// Reads a name in which line feeds and backslashes are escaped.
    fn unescape(text: &[u8]) -> Self {
        let mut comm = Self::default();
        let mut rest = text.iter();
        while let Some(byte) = rest.next() {
            let byte = match byte {
                b'\\' if rest.next() == Some(&b'n') => b'\n',
                plain => *plain,
            };
            if let Some(slot) = comm.bytes.get_mut(usize::from(comm.len)) {
                *slot = byte;
                comm.len += 1;
            }
        }
        comm
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

/// What `/proc/TID/status` says, as far as it is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TaskStatus {
    pub(crate) comm: Comm,
    pub(crate) tgid: u32,
    pub(crate) ppid: u32,
    pub(crate) vtid: u32,
    pub(crate) vpid: u32,
    pub(crate) vpgid: u32,
    pub(crate) ruid: u32,
    pub(crate) euid: u32,
    pub(crate) egid: u32,
    pub(crate) cap_inheritable: u64,
    pub(crate) cap_permitted: u64,
    pub(crate) cap_effective: u64,
    pub(crate) vm_size_kib: u32,
    pub(crate) vm_rss_kib: u32,
    pub(crate) vm_swap_kib: u32,
    /// Signals that wait for the thread or its process, signal 1 in bit 0.
    pub(crate) pending: u64,
    /// Signals that do not act by default here: blocked, ignored or caught.
    pub(crate) not_default: u64,
    /// Nested PID namespaces, from this process's inwards.
    pub(crate) pid_levels: u32,
}

impl TaskStatus {
    pub(crate) fn parse(text: &[u8]) -> Self {
        let mut status = Self::default();
        for line in text.split(|b| *b == b'\n') {
            let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
            let (key, value) = line.split_at(colon);
            status.set(key, value.get(1..).unwrap_or_default());
            if key == b"CapEff" {
                // PERF: nothing behind it is used, and that is a third of the file.
                break;
            }
        }
        status
    }

    /// Whether the task lives in a PID namespace further in than this process.
    pub(crate) fn is_nested(&self) -> bool {
        self.pid_levels > 1
    }

    /// Whether a thread that job control stopped has been continued, as far as its pending signals tell. A stop sent
    /// right after SIGCONT takes that back, so a stop that waits tells as much; let go on, the thread stops again at once.
    pub(crate) fn is_continued(&self) -> bool {
        const CONTINUE: u64 = 1 << 17;
        const STOPS: u64 = 0b1111 << 18;
        self.pending & (CONTINUE | STOPS & !self.not_default) != 0
    }

    fn set(&mut self, key: &[u8], value: &[u8]) {
        let words = || value.split(|b| b.is_ascii_whitespace()).filter(|word| !word.is_empty());
        let nth = |n| words().nth(n).and_then(number).and_then(|v| u32::try_from(v).ok()).unwrap_or(0);
        let last = || words().next_back().and_then(number).and_then(|v| u32::try_from(v).ok()).unwrap_or(0);
        let hex = || words().next().and_then(hex_number).unwrap_or(0);
        match key {
            b"Name" => self.comm = Comm::unescape(value.strip_prefix(b"\t").unwrap_or(value)),
            b"Tgid" => self.tgid = nth(0),
            b"PPid" => self.ppid = nth(0),
            b"Uid" => (self.ruid, self.euid) = (nth(0), nth(1)),
            b"Gid" => self.egid = nth(1),
            b"NStgid" => self.vpid = last(),
            b"NSpid" => {
                self.vtid = last();
                self.pid_levels = u32::try_from(words().count()).unwrap_or(0);
            }
            b"NSpgid" => self.vpgid = last(),
            b"VmSize" => self.vm_size_kib = nth(0),
            b"VmRSS" => self.vm_rss_kib = nth(0),
            b"VmSwap" => self.vm_swap_kib = nth(0),
            b"SigPnd" | b"ShdPnd" => self.pending |= hex(),
            b"SigBlk" | b"SigIgn" | b"SigCgt" => self.not_default |= hex(),
            b"CapInh" => self.cap_inheritable = hex(),
            b"CapPrm" => self.cap_permitted = hex(),
            b"CapEff" => self.cap_effective = hex(),
            _ => {}
        }
    }
}

/// Reads a decimal number; a negative one counts as 0, which is what it means in these files.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    match text {
        [b'-', ..] => Some(0),
        digits => std::str::from_utf8(digits).ok()?.parse().ok(),
    }
}

fn hex_number(text: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(text).ok()?, 16).ok()
}

/// Returns the soft limit of open descriptors that `/proc/TID/limits` gives; none is `u64::MAX`.
pub(crate) fn open_files_limit(limits: &[u8]) -> Option<u64> {
    let line = limits.split(|b| *b == b'\n').find_map(|line| line.strip_prefix(b"Max open files"))?;
    match line.split(|b| *b == b' ').find(|word| !word.is_empty())? {
        b"unlimited" => Some(u64::MAX),
        word => number(word),
    }
}

/// Controllers whose groups events name.
const CONTROLLERS: [&[u8]; 5] = [b"cpuset", b"cpu", b"cpuacct", b"io", b"memory"];

/// Appends the control groups that `/proc/TID/cgroup` lists as `controller=path`, each NUL-terminated.
///
/// Of the unified hierarchy, each controller that no older one has gets the same path.
pub(crate) fn cgroups(text: &[u8], to: &mut Vec<u8>) {
    let mut unified = None;
    let mut put = |controller: &[u8], path: &[u8]| {
        to.extend_from_slice(controller);
        to.push(b'=');
        to.extend_from_slice(path);
        to.push(0);
    };
    let mut seen = [false; CONTROLLERS.len()];
    for line in text.split(|b| *b == b'\n') {
        let mut parts = line.splitn(3, |b| *b == b':');
        let (Some(_), Some(names), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        if names.is_empty() {
            unified = Some(path);
        }
        for name in names.split(|b| *b == b',').filter(|name| !name.is_empty()) {
            put(name, path);
            CONTROLLERS.iter().zip(&mut seen).filter(|(known, _)| **known == name).for_each(|(_, seen)| *seen = true);
        }
    }
    if let Some(path) = unified {
        CONTROLLERS.iter().zip(seen).filter(|(_, seen)| !seen).for_each(|(name, _)| put(name, path));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let line = b"12 (a) (b\n c) S 1 12 13 34816 12 4194304 150 0 7 0 2 1 0 0 20 0 1 0 8899 1000 5 rest";
        let stat = TaskStat::parse(line).unwrap();
        assert_eq!(stat.comm, b"a) (b\n c");
        assert_eq!((stat.pgid, stat.sid, stat.tty), (12, 13, 34816));
        assert_eq!((stat.faults_minor, stat.faults_major, stat.start_ticks), (150, 7, 8899));
        assert_eq!(TaskStat::parse(b"12 (x"), None);
        assert_eq!(TaskStat::parse(b""), None);
    }

    #[test]
    fn status_names_both_namespaces() {
        let text = b"Name:\t a\\nb\\\\c\nTgid:\t70\nPPid:\t1\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nNStgid:\t70\t3\nNSpid:\t71\t4\n\
            NSpgid:\t70\t3\nVmSize:\t  900 kB\nSigPnd:\t0000000000000001\nShdPnd:\t0000000000020000\nCapEff:\t00000000000000ff\n";
        let status = TaskStatus::parse(text);
        assert_eq!((status.tgid, status.ppid, status.vtid, status.vpid, status.vpgid), (70, 1, 4, 3, 3));
        assert_eq!((status.euid, status.egid, status.ruid), (2, 6, 1));
        assert_eq!((status.vm_size_kib, status.pending, status.cap_effective), (900, 0x20001, 255));
        assert_eq!(status.pid_levels, 2);
        assert_eq!(status.comm.as_bytes(), b" a\nb\\c");
        assert_eq!(Comm::unescape(b"0123456789abcdef").as_bytes(), b"0123456789abcde");
        assert_eq!(TaskStatus::parse(b"Uid\nUid:\nPPid:\tx"), TaskStatus::default());
    }

    #[test]
    fn pending_signals_tell_that_a_job_was_continued() {
        let is_continued = |text: &str| TaskStatus::parse(text.as_bytes()).is_continued();
        assert!(!is_continued("SigPnd:\t0\nShdPnd:\t4000\n"));
        assert!(is_continued("SigPnd:\t0\nShdPnd:\t20000\nSigBlk:\t20000\n"), "SIGCONT, even blocked");
        assert!(is_continued("SigPnd:\t0\nShdPnd:\t80000\n"), "SIGTSTP");
        assert!(!is_continued("ShdPnd:\t80000\nSigBlk:\t0\nSigCgt:\t80000\n"), "SIGTSTP that would not stop it");
    }

    #[test]
    fn groups_of_both_hierarchies_are_listed() {
        let mut got = Vec::new();
        cgroups(b"4:memory,blkio:/a\n0::/b c\n", &mut got);
        assert_eq!(got, b"memory=/a\0blkio=/a\0cpuset=/b c\0cpu=/b c\0cpuacct=/b c\0io=/b c\0");
    }

    #[test]
    fn limits_are_found() {
        assert_eq!(open_files_limit(b"x\nMax open files            1024       4096  files\n"), Some(1024));
        assert_eq!(open_files_limit(b"Max open files            unlimited  4096  files\n"), Some(u64::MAX));
        assert_eq!(open_files_limit(b""), None);
    }

    #[test]
    fn this_process_is_readable() {
        let mut proc = Proc::open().unwrap();
        let mut buf = Vec::new();
        assert!(!proc.read(format_args!("self/status"), &mut buf, 16).unwrap(), "cut");
        assert_eq!(buf.len(), 16);
        assert!(proc.read(format_args!("self/status"), &mut buf, 65536).unwrap());
        assert_eq!(TaskStatus::parse(&buf).tgid, std::process::id());
        assert!(proc.numbers(format_args!("self/fd")).contains(&0));
    }
}
