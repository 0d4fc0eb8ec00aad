// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Names and portable numbers of flags, commands and other enumerated arguments.
//!
//! Records carry the numbering of `.scap` files, which differs from the kernel's for most arguments: `O_CREAT` is 4
//! there and 64 in an x86-64 register. One row per name holds both, so that [`FlagTable::from_kernel`] (at capture) and
//! [`FlagTable::names`] (at display) cannot drift apart:
//!
//! ```text
//! "O_CREAT" = 4 <- 0x40      portable 4, kernel 0x40
//! "O_F_CREATED" = 0x4000     portable only: no caller can pass it
//! ```
//! Rows stand in the order in which names are printed: `O_RDWR` before the two it is made of.

mod errno;
mod file;
mod io;
mod network;
mod process;

pub use errno::{errno_name, MAX_ERRNO};

/// How the values of a table combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Bits, any number of them.
    Set,
    /// One value; the number stands for every value the table does not know.
    Enum(u64),
}

/// One table: what is printed, and how kernel values become portable ones.
#[derive(Clone, Copy, Debug)]
struct Table {
    kind: Kind,
    names: &'static [(u64, &'static str)],
    kernel: &'static [(u64, u64)],
    /// Kernel bits that are kept as they are, such as the permission bits of semget(2).
    kept: u64,
}

impl Table {
    const NONE: Self = Self { kind: Kind::Set, names: &[], kernel: &[], kept: u64::MAX };
}

/// Declares a table: `set`, or `one` with the number for unknown values.
macro_rules! table {
    (set $($rest:tt)*) => { table!(@ Kind::Set, 0, $($rest)*) };
    (set_keeping $kept:literal $($rest:tt)*) => { table!(@ Kind::Set, $kept, $($rest)*) };
    (one_or $unknown:literal $($rest:tt)*) => { table!(@ Kind::Enum($unknown), 0, $($rest)*) };
    (@ $kind:expr, $kept:expr, { $($name:literal = $portable:literal $(<- $kernel:literal)?),* $(,)? }) => {
        Table {
            kind: $kind,
            names: &[$(($portable, $name)),*],
            kernel: &[$($(($kernel, $portable),)?)*],
            kept: $kept,
        }
    };
}
use table;

macro_rules! flag_tables {
    ($($(#[doc = $doc:literal])+ $name:ident => $table:path;)+) => {
        /// Which names the value of a parameter has.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FlagTable {
            /// None: a plain number.
            None,
            $($(#[doc = $doc])+ $name,)+
        }

        impl FlagTable {
            /// Every table.
            pub const ALL: &'static [Self] = &[Self::None, $(Self::$name),+];

            const fn table(self) -> &'static Table {
                match self {
                    Self::None => &Table::NONE,
                    $(Self::$name => &$table,)+
                }
            }
        }
    };
}

flag_tables! {
    /// Mode of access(2).
    Access => file::ACCESS;
    /// Commands of bpf(2).
    Bpf => io::BPF;
    /// Flags of clone(2), unshare(2) and setns(2), and what is known of the new task.
    Clone => process::CLONE;
    /// Flags of close_range(2).
    CloseRange => file::CLOSE_RANGE;
    /// What is known of a file that creat(2) opened.
    Creat => file::CREAT;
    /// Flags of delete_module(2).
    DeleteModule => process::DELETE_MODULE;
    /// Flags of epoll_create1(2).
    EpollCreate1 => io::EPOLL_CREATE1;
    /// What is known of an executable file.
    Exec => process::EXEC;
    /// Flags of fchownat(2).
    Fchownat => file::FCHOWNAT;
    /// Commands of fcntl(2).
    Fcntl => file::FCNTL;
    /// Kinds of anonymous inodes.
    FdType => file::FD_TYPE;
    /// Flags of finit_module(2).
    FinitModule => process::FINIT_MODULE;
    /// Operations of flock(2).
    Flock => file::FLOCK;
    /// Commands of fsconfig(2).
    Fsconfig => file::FSCONFIG;
    /// Operations of futex(2).
    FutexOp => process::FUTEX_OP;
    /// Flags of io_uring_enter(2).
    IoUringEnter => io::IO_URING_ENTER;
    /// Features that io_uring_setup(2) answers.
    IoUringFeatures => io::IO_URING_FEATURES;
    /// Operations of io_uring_register(2).
    IoUringRegister => io::IO_URING_REGISTER;
    /// Flags of io_uring_setup(2).
    IoUringSetup => io::IO_URING_SETUP;
    /// Operations of keyctl(2).
    Keyctl => process::KEYCTL;
    /// Flags of linkat(2).
    Linkat => file::LINKAT;
    /// Flags of memfd_create(2).
    Memfd => file::MEMFD;
    /// Flags of mlock2(2).
    Mlock2 => process::MLOCK2;
    /// Flags of mlockall(2).
    Mlockall => process::MLOCKALL;
    /// Flags of mmap(2).
    Mmap => process::MMAP;
    /// Permission bits and type of a file.
    Mode => file::MODE;
    /// Flags of mount(2).
    Mount => file::MOUNT;
    /// Flags of newfstatat(2).
    Newfstatat => file::NEWFSTATAT;
    /// Flags of open(2) and its kin, and what is known of the opened file.
    Open => file::OPEN;
    /// How openat2(2) may resolve the path.
    OpenResolve => file::OPEN_RESOLVE;
    /// Why a page fault happened.
    PageFault => process::PAGE_FAULT;
    /// Flags of pidfd_open(2).
    PidfdOpen => process::PIDFD_OPEN;
    /// Events of poll(2).
    Poll => io::POLL;
    /// Options of prctl(2).
    Prctl => process::PRCTL;
    /// Memory protection.
    Prot => process::PROT;
    /// Requests of ptrace(2).
    Ptrace => process::PTRACE;
    /// Commands of quotactl(2).
    QuotaCommand => io::QUOTA_COMMAND;
    /// Flags of quota information.
    QuotaDqi => io::QUOTA_DQI;
    /// Formats of quota files.
    QuotaFormat => io::QUOTA_FORMAT;
    /// Whose quota.
    QuotaType => io::QUOTA_TYPE;
    /// What is known of a path that the kernel vouches for.
    RealPath => file::REAL_PATH;
    /// Flags of renameat2(2).
    Rename => file::RENAME;
    /// Resources of setrlimit(2).
    Rlimit => process::RLIMIT;
    /// Commands of semctl(2).
    Semctl => io::SEMCTL;
    /// Flags of semget(2).
    Semget => io::SEMGET;
    /// Flags of one operation of semop(2).
    Semop => io::SEMOP;
    /// How shutdown(2) shuts.
    Shutdown => network::SHUTDOWN;
    /// Signals.
    Signal => process::SIGNAL;
    /// Address families.
    SocketFamily => network::SOCKET_FAMILY;
    /// Flags in the type argument of socket(2).
    SocketFlags => network::SOCKET_FLAGS;
    /// Levels of setsockopt(2).
    SockoptLevel => network::SOCKOPT_LEVEL;
    /// Options of setsockopt(2) at level `SOL_SOCKET`.
    SockoptName => network::SOCKOPT_NAME;
    /// Flags of splice(2).
    Splice => io::SPLICE;
    /// Flags of umount2(2).
    Umount => file::UMOUNT;
    /// Flags of unlinkat(2).
    Unlinkat => file::UNLINKAT;
    /// Where lseek(2) counts from.
    Whence => file::WHENCE;
}

impl FlagTable {
    /// Returns the portable value of an x86-64 kernel value: unknown bits are dropped, an unknown value becomes
    /// the table's number for that.
    #[must_use]
    pub fn from_kernel(self, value: u64) -> u64 {
        let table = self.table();
        let value = self.without_marks(value);
        match table.kind {
            Kind::Enum(unknown) => {
                // Enumerated arguments are C ints: the upper half of the register means nothing.
                let value = value & 0xffff_ffff;
                table.kernel.iter().find(|(kernel, _)| *kernel == value).map_or(unknown, |(_, portable)| *portable)
            }
            Kind::Set => {
                let known = table.kernel.iter().filter(|(kernel, _)| *kernel != 0 && value & kernel == *kernel);
                known.fold(self.coded(value) | value & table.kept, |all, (_, portable)| all | portable)
            }
        }
    }

    /// Returns the portable bits for the part of `value` that is a number and not a set of bits.
    fn coded(self, value: u64) -> u64 {
        match self {
            Self::Open => match value & 3 {
                0 => 1,
                1 => 2,
                // 3 asks for neither and is checked like both.
                _ => 3,
            },
            Self::FutexOp => value & 0x7f,
            _ => 0,
        }
    }

    /// Returns `value` without bits that say how it is passed and not what is asked.
    const fn without_marks(self, value: u64) -> u64 {
        match self {
            // Callers of old put a magic number in the upper half.
            Self::Mount if value & 0xffff_0000 == 0xc0ed_0000 => value & 0xffff,
            // IPC_64: the version of the structure that is passed along.
            Self::Semctl => value & !0x100,
            _ => value,
        }
    }

    /// Returns portable values and their names, in the order in which they are printed.
    #[must_use]
    pub const fn names(self) -> &'static [(u64, &'static str)] {
        self.table().names
    }

    /// Returns whether values are sets of bits, as opposed to one of several numbers.
    #[must_use]
    pub const fn is_set(self) -> bool {
        matches!(self.table().kind, Kind::Set)
    }

    /// Returns the portable value of a name, such as 4 for `O_CREAT`.
    #[must_use]
    pub fn by_name(self, name: &str) -> Option<u64> {
        self.names().iter().find(|(_, known)| *known == name).map(|(value, _)| *value)
    }
}

/// Names of capabilities; the index is the bit, in records as in the kernel.
pub const CAPABILITIES: &[&str] = &[
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// Returns a device number as records carry it: the kernel's 32-bit encoding for user space.
///
/// The low byte of the minor, then twelve bits of the major, then the rest of the minor.
#[must_use]
pub const fn encode_dev(major: u32, minor: u32) -> u32 {
    (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xf_ff00) << 12)
}

/// Returns major and minor of a device number in a record.
#[must_use]
pub const fn decode_dev(dev: u32) -> (u32, u32) {
    ((dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xf_ff00))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn open_flags_become_portable() {
        let portable = |kernel| FlagTable::Open.from_kernel(kernel);
        assert_eq!(portable(0), 1, "O_RDONLY is no bit in the kernel, but one here");
        assert_eq!(portable(0o100 | 0o1 | 0o2_000_000), 2 | 4 | 0x1000, "O_WRONLY|O_CREAT|O_CLOEXEC");
        assert_eq!(portable(0o2), 3);
        assert_eq!(portable(0o20_200_000), 1 | 0x2000 | 0x400, "O_TMPFILE contains O_DIRECTORY");
        assert_eq!(portable(0o200_000), 1 | 0x400, "but not the other way round");
        assert_eq!(portable(0o4_010_000) & 0x90, 0x90, "O_SYNC contains O_DSYNC");
        assert_eq!(portable(0o10_000) & 0x90, 0x10);
    }

    #[test]
    fn unknown_values_are_dropped_or_named_so() {
        assert_eq!(FlagTable::Clone.from_kernel(1 << 62 | 0x400), 1, "CLONE_FILES");
        assert_eq!(FlagTable::Fcntl.from_kernel(9999), 0);
        assert_eq!(FlagTable::Rlimit.from_kernel(99), 255);
        assert_eq!(FlagTable::Fcntl.from_kernel(0xffff_ffff_0000_0000), 1, "F_DUPFD is a C int");
        assert_eq!(FlagTable::Mount.from_kernel(0xc0ed_0000 | 4096), 1 << 12, "the magic number is no flag");
        assert_eq!(FlagTable::None.from_kernel(77), 77);
    }

    #[test]
    fn names_and_values_agree() {
        assert_eq!(FlagTable::Open.by_name("O_F_CREATED"), Some(0x4000));
        assert_eq!(FlagTable::Exec.by_name("EXE_LOWER_LAYER"), Some(8));
        assert_eq!(FlagTable::RealPath.by_name("UNREACHABLE"), Some(2));
        assert_eq!(FlagTable::Clone.by_name("CLONE_CHILD_IN_PIDNS"), Some(1 << 29));
        assert!(FlagTable::Open.is_set() && !FlagTable::Ptrace.is_set());
        for table in FlagTable::ALL {
            for (i, (_, name)) in table.names().iter().enumerate() {
                assert!(!name.is_empty());
                assert_eq!(table.names().iter().position(|(_, n)| n == name), Some(i), "{table:?} names {name} twice");
            }
        }
    }

    #[test]
    fn every_portable_result_has_a_name() {
        for table in FlagTable::ALL.iter().filter(|t| !t.is_set()) {
            for (kernel, portable) in table.table().kernel {
                assert!(table.names().iter().any(|(value, _)| value == portable), "{table:?} {kernel}");
            }
        }
    }

    #[test]
    fn devices_survive_their_encoding() {
        assert_eq!(encode_dev(8, 1), 0x801);
        assert_eq!(encode_dev(0, 0x1234), 0x0120_0034);
        for (major, minor) in [(0, 0), (8, 1), (0xfff, 0xf_ffff), (259, 300)] {
            assert_eq!(decode_dev(encode_dev(major, minor)), (major, minor));
        }
    }

    #[test]
    fn capabilities_are_in_the_order_of_their_bits() {
        assert_eq!(CAPABILITIES[21], "CAP_SYS_ADMIN");
        assert_eq!(CAPABILITIES.len(), 41);
    }
}
