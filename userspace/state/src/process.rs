//! Threads, processes and what they share.
//!
//! ```text
//! ThreadInfo --> ProcessInfo --> Image (the program; shared by fork until exec)
//!    |               `---------> parent ProcessInfo, children
//!    |--> FsInfo (cwd, root; shared by CLONE_FS)
//!    `--> FdTable (shared by CLONE_FILES)
//! ```
//! Versions come from one counter that only grows, so a version never returns: whoever cached something for a version
//! need only compare.

use crate::fd::FdTable;
use crate::pool::{Key, Weigh};
use std::borrow::Cow;
use std::sync::OnceLock;

/// Longest thread name, in bytes.
pub const COMM_BYTES: usize = 15;

/// Name of a thread, kept in place.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Comm {
    bytes: [u8; COMM_BYTES],
    len: u8,
}

impl Comm {
    /// Keeps the first [`COMM_BYTES`] bytes of `name`.
    #[must_use]
    pub fn new(name: &[u8]) -> Self {
        let len = name.len().min(COMM_BYTES);
        let mut bytes = [0; COMM_BYTES];
        if let (Some(into), Some(from)) = (bytes.get_mut(..len), name.get(..len)) {
            into.copy_from_slice(from);
        }
        Self { bytes, len: u8::try_from(len).unwrap_or(0) }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&self.bytes)
    }
}

impl std::fmt::Debug for Comm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.as_bytes()))
    }
}

/// Id that is not known or not set.
pub const UNSET_ID: u32 = u32::MAX;

/// Who a thread acts as. Ids are those of the initial user namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Effective user id, [`UNSET_ID`] if not known.
    pub euid: u32,
    /// Effective group id, [`UNSET_ID`] if not known.
    pub egid: u32,
    /// Inheritable capabilities.
    pub cap_inheritable: u64,
    /// Permitted capabilities.
    pub cap_permitted: u64,
    /// Effective capabilities.
    pub cap_effective: u64,
}

impl Default for Credentials {
    fn default() -> Self {
        Self { euid: UNSET_ID, egid: UNSET_ID, cap_inheritable: 0, cap_permitted: 0, cap_effective: 0 }
    }
}

/// One thread.
#[derive(Debug)]
pub struct ThreadInfo {
    /// Id in the initial PID namespace.
    pub tid: u32,
    /// Id in its own PID namespace, -1 if not known.
    pub vtid: i64,
    /// Name.
    pub comm: Comm,
    /// Who it acts as.
    pub credentials: Credentials,
    /// When it started, boot-clock nanoseconds, 0 if not known.
    pub start_ns: u64,
    /// Its last event, boot-clock nanoseconds.
    pub last_ns: u64,
    /// Page faults that needed I/O, as last told.
    pub faults_major: u64,
    /// Page faults that did not, as last told.
    pub faults_minor: u64,
    /// CPU time of its last slice, from switch events, nanoseconds.
    pub slice_ns: u64,
    /// CPU time since the capture began, from switch events, nanoseconds.
    pub cpu_ns: u64,
    pub(crate) process: Key<ProcessInfo>,
    pub(crate) fs: Key<FsInfo>,
    pub(crate) files: Key<FdTable>,
    pub(crate) next: Option<Key<ThreadInfo>>,
    pub(crate) prev: Option<Key<ThreadInfo>>,
    /// Only its number is known.
    pub(crate) stub: bool,
    /// It ended, but its process has other threads or children.
    pub(crate) dead: bool,
    /// Made from its parent's record; its own is still to come.
    pub(crate) from_parent: bool,
    /// When a scan saw it; older events do not change it.
    pub(crate) scan_ns: u64,
    /// When its facts were last told as a whole (clone, exec, scan).
    pub(crate) told_ns: u64,
    pub(crate) version: u64,
}

impl Weigh for ThreadInfo {
    fn heap_bytes(&self) -> usize {
        // Its place in the index by number.
        24
    }
}

/// One process: what its threads share beside files and directories.
#[derive(Debug)]
pub struct ProcessInfo {
    /// Id in the initial PID namespace.
    pub pid: u32,
    /// Id of the parent in the initial PID namespace, 0 if it has none or it is not known.
    pub ppid: u32,
    /// Id in its own PID namespace, -1 if not known.
    pub vpid: i64,
    /// Process group in the initial PID namespace, -1 if not known.
    pub pgid: i64,
    /// Process group in its own PID namespace, -1 if not known.
    pub vpgid: i64,
    /// Session in the initial PID namespace, -1 if not known.
    pub sid: i64,
    /// Controlling terminal as a device number, 0 for none.
    pub tty: u32,
    /// Audit user id, [`UNSET_ID`] when unset.
    pub loginuid: u32,
    /// Soft limit of open descriptors, -1 if not known.
    pub fdlimit: i64,
    /// Virtual memory, KiB.
    pub vm_size: u32,
    /// Resident memory, KiB.
    pub vm_rss: u32,
    /// Swapped memory, KiB.
    pub vm_swap: u32,
    /// Start of the PID namespace's init, epoch nanoseconds, 0 if not known.
    pub pidns_init_start_ns: u64,
    /// When it last executed a program, boot-clock nanoseconds, 0 if it did not while watched.
    pub exec_ns: u64,
    pub(crate) cgroups: Key<Cgroups>,
    pub(crate) image: Key<Image>,
    pub(crate) parent: Option<Key<ProcessInfo>>,
    pub(crate) first_child: Option<Key<ProcessInfo>>,
    pub(crate) next_sibling: Option<Key<ProcessInfo>>,
    pub(crate) prev_sibling: Option<Key<ProcessInfo>>,
    pub(crate) first_thread: Option<Key<ThreadInfo>>,
    pub(crate) leader: Option<Key<ThreadInfo>>,
    pub(crate) live_threads: u32,
    /// Records about it were lost: what is known may be wrong.
    pub(crate) suspect: bool,
    pub(crate) last_ns: u64,
    pub(crate) version: u64,
}

impl Weigh for ProcessInfo {
    fn heap_bytes(&self) -> usize {
        24
    }
}

/// Bits of [`Image::flags`].
pub struct ExecFlags;

impl ExecFlags {
    /// The user who ran it may write the file.
    pub const WRITABLE: u32 = 1;
    /// The file is in the upper layer of an overlay.
    pub const UPPER_LAYER: u32 = 2;
    /// The file is a memory file.
    pub const FROM_MEMFD: u32 = 4;
    /// The file is in the lower layer of an overlay.
    pub const LOWER_LAYER: u32 = 8;
}

/// The program a process runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// First argument.
    pub exe: Box<[u8]>,
    /// Path of the executable file, links resolved; empty if not known.
    pub exepath: Box<[u8]>,
    /// Arguments after the first, each NUL-terminated.
    pub args: Box<[u8]>,
    /// The same arguments with a blank between.
    pub args_joined: Box<[u8]>,
    /// Environment, each entry NUL-terminated.
    pub env: Box<[u8]>,
    /// [`ExecFlags`] bits.
    pub flags: u32,
    /// `PathFlags` of the executable's path.
    pub path_flags: u8,
    /// Inode of the executable.
    pub ino: u64,
    /// Change time of the executable, epoch nanoseconds.
    pub ctime_ns: u64,
    /// Modification time of the executable, epoch nanoseconds.
    pub mtime_ns: u64,
    pub(crate) cmdline: Cmdline,
}

/// A command line joined once and kept: that of the first thread whose line was asked for. It follows from the rest
/// of the image, so it takes no part in comparing and copying.
#[derive(Debug, Default)]
pub(crate) struct Cmdline(OnceLock<(Comm, Box<[u8]>)>);

impl Clone for Cmdline {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Cmdline {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Cmdline {}

impl Image {
    /// Returns a thread's name and the arguments, with a blank between.
    ///
    /// PERF: rules ask for it at every exec, of a thread and of its relatives. One line per image is kept, not one per
    /// thread: forks share an image, and lines of theirs would be memory that no budget counts.
    pub(crate) fn cmdline<'i>(&'i self, comm: &'i Comm) -> Cow<'i, [u8]> {
        if self.args_joined.is_empty() {
            return Cow::Borrowed(comm.as_bytes());
        }
        let join = || [comm.as_bytes(), b" ", &self.args_joined].concat();
        let (of, line) = self.cmdline.0.get_or_init(|| (*comm, join().into()));
        if of == comm { Cow::Borrowed(line) } else { Cow::Owned(join()) }
    }
}

impl Weigh for Image {
    fn heap_bytes(&self) -> usize {
        // The joined arguments once here and once with a thread's name before them, whether that was asked for or not.
        self.exe.len()
            + self.exepath.len()
            + self.args.len()
            + 2 * self.args_joined.len()
            + self.env.len()
            + COMM_BYTES
            + 1
    }
}

impl Image {
    pub(crate) fn set_args(&mut self, args: &[u8]) {
        self.args = match args {
            [] | [.., 0] => args.into(),
            unended => [unended, b"\0"].concat().into(),
        };
        let joined = args.strip_suffix(&[0]).unwrap_or(args);
        self.args_joined = joined.iter().map(|b| if *b == 0 { b' ' } else { *b }).collect();
        self.cmdline = Cmdline::default();
    }
}

/// Working and root directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FsInfo {
    /// Working directory without a slash at its end (but `/` itself), empty if not known.
    pub cwd: Box<[u8]>,
    /// Root directory, `/` unless changed.
    pub root: Box<[u8]>,
    pub(crate) version: u64,
}

impl Weigh for FsInfo {
    fn heap_bytes(&self) -> usize {
        self.cwd.len() + self.root.len()
    }
}

/// Control groups of a process: `subsystem=path` items, each NUL-terminated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cgroups(pub(crate) Box<[u8]>);

impl Weigh for Cgroups {
    fn heap_bytes(&self) -> usize {
        self.0.len()
    }
}
