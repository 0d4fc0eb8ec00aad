// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! The one table that describes every event; enum, names, parameter types and `docs/event-schema.md` come from it.
//!
//! Numbers, names and parameters up to the `+` are those of `.scap` files; parameters behind it are Saker's own
//! (values the kernel vouches for) and are left out of `evt.args`. Numbers from 1024 on are Saker's own events.
//! Rows are only ever added: a test freezes number, name and parameters of every row.

use super::flags::FlagTable;
use super::param::{Format, ParamInfo, ParamType};

/// What an event is about; `evt.category` prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is the name that `evt.category` prints")]
pub enum Category {
    File,
    Internal,
    IoOther,
    IoRead,
    IoWrite,
    Ipc,
    Memory,
    Net,
    Other,
    Process,
    Signal,
    Sleep,
    System,
    Time,
    Unknown,
    User,
}

/// How much of a ring an event may use; the classes are dropped in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Up to 3/4 of the ring; failed calls too.
    Ordinary = 0,
    /// Changes descriptors or processes: up to 7/8.
    State = 1,
    /// Execution, credentials, modules, mounts, namespaces: all of it.
    Critical = 2,
}

impl Class {
    /// Every class, weakest first.
    pub const ALL: [Self; 3] = [Self::Ordinary, Self::State, Self::Critical];
}

/// Where in the life of a call an event is made, or what else it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// A system call started.
    Enter,
    /// A system call returned.
    Exit,
    /// A kernel tracepoint other than a system call.
    Tracepoint,
    /// One item of a snapshot of tasks and descriptors; state only.
    Snapshot,
    /// A message about the stream or the host.
    Meta,
}

/// Bits of [`EventInfo::effects`].
pub struct Effect;

impl Effect {
    /// None of the below.
    pub const NONE: u16 = 0;
    /// Makes a descriptor.
    pub const CREATES_FD: u16 = 1;
    /// Ends a descriptor.
    pub const DESTROYS_FD: u16 = 2;
    /// Works on a descriptor.
    pub const USES_FD: u16 = 4;
    /// Reads through a descriptor.
    pub const READS_FD: u16 = 8;
    /// Writes through a descriptor.
    pub const WRITES_FD: u16 = 16;
    /// Changes what is known of a process.
    pub const MODIFIES_STATE: u16 = 32;
    /// Waits by design.
    pub const WAITS: u16 = 64;
    /// Carries nothing for the state tables.
    pub const SKIP_PARSE_RESET: u16 = 128;
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct EventInfo {
    /// The event.
    pub event: EventType,
    /// Name as in `evt.type`.
    pub name: &'static str,
    /// What the row means, in a line.
    pub summary: &'static str,
    /// Where in a call it is made.
    pub phase: Phase,
    /// What it is about.
    pub category: Category,
    /// How much of the ring it may use when the call succeeded.
    pub class: Class,
    /// [`Effect`] bits.
    pub effects: u16,
    /// All parameters, the shared ones first.
    pub params: &'static [ParamInfo],
    /// How many of them are shared with `.scap` files and shown in `evt.args`.
    pub shared: usize,
}

macro_rules! param_name {
    ($p:ident) => {
        stringify!($p)
    };
    ($p:ident $alias:literal) => {
        $alias
    };
}

macro_rules! param_format {
    () => {
        Format::Text
    };
    (dec) => {
        Format::Dec
    };
    (hex) => {
        Format::Hex
    };
    (oct) => {
        Format::Oct
    };
}

macro_rules! param_names {
    () => {
        FlagTable::None
    };
    ($t:ident) => {
        FlagTable::$t
    };
}

macro_rules! phase {
    (enter) => {
        Phase::Enter
    };
    (exit) => {
        Phase::Exit
    };
    (trace) => {
        Phase::Tracepoint
    };
    (iter) => {
        Phase::Snapshot
    };
    (meta) => {
        Phase::Meta
    };
}

macro_rules! events {
    ($(
        $(#[doc = $doc:literal])+
        $num:literal $ident:ident $name:literal $phase:ident $category:ident $class:ident ($($effect:ident)|+)
        [$($p:ident $(= $alias:literal)? : $ty:ident $(/ $fmt:ident)? $(@ $names:ident)?),*]
        + [$($xp:ident : $xty:ident $(/ $xfmt:ident)? $(@ $xnames:ident)?),*];
    )+) => {
        /// Every event this version knows; the number is what a record carries.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum EventType {
            $($(#[doc = $doc])+ $ident = $num,)+
        }

        impl EventType {
            /// Every event, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$ident),+];

            /// Returns the event with this number, or `None` for one this version does not know.
            #[must_use]
            pub const fn from_wire(raw: u16) -> Option<Self> {
                match raw {
                    $($num => Some(Self::$ident),)+
                    _ => None,
                }
            }

            /// Returns the event's row.
            #[must_use]
            pub const fn info(self) -> &'static EventInfo {
                match self {
                    $(Self::$ident => const {
                        &EventInfo {
                            event: Self::$ident,
                            name: $name,
                            summary: concat!($($doc),+),
                            phase: phase!($phase),
                            category: Category::$category,
                            class: Class::$class,
                            effects: $(Effect::$effect)|+,
                            params: &[
                                $(ParamInfo {
                                    name: param_name!($p $($alias)?),
                                    ty: ParamType::$ty,
                                    format: param_format!($($fmt)?),
                                    names: param_names!($($names)?),
                                },)*
                                $(ParamInfo {
                                    name: stringify!($xp),
                                    ty: ParamType::$xty,
                                    format: param_format!($($xfmt)?),
                                    names: param_names!($($xnames)?),
                                },)*
                            ],
                            shared: { let names: &[&str] = &[$(param_name!($p $($alias)?)),*]; names.len() },
                        }
                    },)+
                }
            }
        }

        /// Positions of the parameters in each event: `at::OpenatExit::dirfd` is 1.
        #[expect(non_snake_case, reason = "modules are named like the events, so that both are found together")]
        pub mod at {
            $(
                $(#[doc = $doc])+
                #[allow(non_upper_case_globals, missing_docs, reason = "constants are named like the parameters")]
                pub mod $ident {
                    #[allow(non_camel_case_types, dead_code, reason = "only counts the parameters")]
                    enum Index { $($p,)* $($xp,)* }
                    $(pub const $p: usize = Index::$p as usize;)*
                    $(pub const $xp: usize = Index::$xp as usize;)*
                }
            )+
        }
    };
}

impl EventType {
    /// Returns the name that rules use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.info().name
    }

    /// Returns whether the record only informs the tables: rules never see it and `evt.num` does not count it.
    #[must_use]
    pub const fn is_meta(self) -> bool {
        matches!(self.info().phase, Phase::Snapshot | Phase::Meta)
    }

    /// Returns the class of a record of this event: failed calls are ordinary, whatever the call.
    #[must_use]
    pub const fn class(self, failed: bool) -> Class {
        if failed {
            Class::Ordinary
        } else {
            self.info().class
        }
    }
}

events! {
    /// Return of a system call that has no event of its own; it carries the number.
    1 GenericExit "syscall" exit Other Ordinary (NONE) [ID: SyscallId/dec, nativeID: Uint16/dec] + [res: Errno/dec];
    /// Start of open(2), kept where an argument must be compared with the one the call used.
    2 OpenEnter "open" enter File State (CREATES_FD | MODIFIES_STATE) [
        name: FsPath, flags: Flags32/hex @Open, mode: Uint32/oct
    ] + [];
    /// Return of open(2).
    3 OpenExit "open" exit File State (CREATES_FD | MODIFIES_STATE) [
        fd: Fd/dec, name: FsPath, flags: Flags32/hex @Open, mode: Uint32/oct, dev: Uint32/hex, ino: Uint64/dec
    ] + [realpath: FsPath, realflags: Flags8/hex @RealPath];
    /// Return of close(2).
    5 CloseExit "close" exit IoOther State (DESTROYS_FD | USES_FD | MODIFIES_STATE) [res: Errno/dec, fd: Fd/dec] + [];
    /// Return of read(2).
    7 ReadExit "read" exit IoRead Ordinary (USES_FD | READS_FD) [
        res: Errno/dec, data: ByteBuf, fd: Fd/dec, size: Uint32/dec
    ] + [];
    /// Return of write(2).
    9 WriteExit "write" exit IoWrite Ordinary (USES_FD | WRITES_FD) [
        res: Errno/dec, data: ByteBuf, fd: Fd/dec, size: Uint32/dec
    ] + [];
    /// Return of socket(2).
    19 SocketExit "socket" exit Net State (CREATES_FD | MODIFIES_STATE) [
        fd: Fd/dec, domain: EnumFlags32/dec @SocketFamily, type_ = "type": Uint32/dec, proto: Uint32/dec,
        flags: Flags32/hex @SocketFlags
    ] + [ino: Uint64/dec];
    /// Return of bind(2).
    21 BindExit "bind" exit Net State (USES_FD | MODIFIES_STATE) [res: Errno/dec, addr: SockAddr, fd: Fd/dec] + [];
    /// Start of connect(2), kept where an argument must be compared with the one the call used.
    22 ConnectEnter "connect" enter Net State (USES_FD | MODIFIES_STATE) [fd: Fd/dec, addr: SockAddr] + [];
    /// Return of connect(2).
    23 ConnectExit "connect" exit Net State (USES_FD | MODIFIES_STATE) [
        res: Errno/dec, tuple: SockTuple, fd: Fd/dec, addr: SockAddr
    ] + [];
    /// Return of listen(2).
    25 ListenExit "listen" exit Net Ordinary (USES_FD) [res: Errno/dec, fd: Fd/dec, backlog: Int32/dec] + [];
    /// Return of send(2).
    29 SendExit "send" exit IoWrite Ordinary (USES_FD | WRITES_FD) [
        res: Errno/dec, data: ByteBuf, fd: Fd/dec, size: Uint32/dec, tuple: SockTuple
    ] + [];
    /// Return of sendto(2).
    31 SendtoExit "sendto" exit IoWrite State (USES_FD | WRITES_FD | MODIFIES_STATE) [
        res: Errno/dec, data: ByteBuf, fd: Fd/dec, size: Uint32/dec, tuple: SockTuple
    ] + [];
    /// Return of recv(2).
    33 RecvExit "recv" exit IoRead Ordinary (USES_FD | READS_FD) [
        res: Errno/dec, data: ByteBuf, fd: Fd/dec, size: Uint32/dec, tuple: SockTuple
    ] + [];
    /// Return of recvfrom(2).
    35 RecvfromExit "recvfrom" exit IoRead State (USES_FD | READS_FD | MODIFIES_STATE) [
        res: Errno/dec, data: ByteBuf, tuple: SockTuple, fd: Fd/dec, size: Uint32/dec
    ] + [];
    /// Return of shutdown(2).
    37 ShutdownExit "shutdown" exit Net State (USES_FD | MODIFIES_STATE) [
        res: Errno/dec, fd: Fd/dec, how: EnumFlags8/hex @Shutdown
    ] + [];
    /// Return of getsockname(2).
    39 GetsocknameExit "getsockname" exit Net Ordinary (NONE) [] + [];
    /// Return of getpeername(2).
    41 GetpeernameExit "getpeername" exit Net Ordinary (NONE) [] + [];
    /// Return of socketpair(2).
    43 SocketpairExit "socketpair" exit Ipc State (CREATES_FD | MODIFIES_STATE) [
        res: Errno/dec, fd1: Fd/dec, fd2: Fd/dec, source: Uint64/hex, peer: Uint64/hex,
        domain: EnumFlags32/dec @SocketFamily, type_ = "type": Uint32/dec, proto: Uint32/dec
    ] + [];
    /// Return of setsockopt(2).
    45 SetsockoptExit "setsockopt" exit Net Ordinary (USES_FD) [
        res: Errno/dec, fd: Fd/dec, level: EnumFlags8/dec @SockoptLevel, optname: EnumFlags8/dec @SockoptName,
        val: Dyn/dec, optlen: Uint32/dec
    ] + [];
    /// Return of getsockopt(2).
    47 GetsockoptExit "getsockopt" exit Net State (USES_FD | MODIFIES_STATE) [
        res: Errno/dec, fd: Fd/dec, level: EnumFlags8/dec @SockoptLevel, optname: EnumFlags8/dec @SockoptName,
        val: Dyn/dec, optlen: Uint32/dec
    ] + [];
    /// Return of sendmsg(2).
    49 SendmsgExit "sendmsg" exit IoWrite State (USES_FD | WRITES_FD | MODIFIES_STATE) [
        res: Errno/dec, data: ByteBuf, fd: Fd/dec, size: Uint32/dec, tuple: SockTuple
    ] + [];
    /// Return of sendmmsg(2).
    51 SendmmsgExit "sendmmsg" exit IoWrite State (USES_FD | WRITES_FD | MODIFIES_STATE) [
        res: Errno/dec, fd: Fd/dec, size: Uint32/dec, data: ByteBuf, tuple: SockTuple
    ] + [];
    /// Return of recvmsg(2).
    53 RecvmsgExit "recvmsg" exit IoRead State (USES_FD | READS_FD | MODIFIES_STATE) [
        res: Errno/dec, size: Uint32/dec, data: ByteBuf, tuple: SockTuple, msgcontrol: ByteBuf, fd: Fd/dec
    ] + [];
    /// Return of recvmmsg(2).
    55 RecvmmsgExit "recvmmsg" exit IoRead State (USES_FD | READS_FD | MODIFIES_STATE) [
        res: Errno/dec, fd: Fd/dec, size: Uint32/dec, data: ByteBuf, tuple: SockTuple, msgcontrol: ByteBuf
    ] + [];
    /// Start of creat(2), kept where an argument must be compared with the one the call used.
    58 CreatEnter "creat" enter File State (CREATES_FD | MODIFIES_STATE) [name: FsPath, mode: Uint32/oct] + [];
    /// Return of creat(2).
    59 CreatExit "creat" exit File State (CREATES_FD | MODIFIES_STATE) [
        fd: Fd/dec, name: FsPath, mode: Uint32/oct, dev: Uint32/hex, ino: Uint64/dec,
        creat_flags: Flags16/hex @Creat
    ] + [realpath: FsPath, realflags: Flags8/hex @RealPath];
    /// Return of pipe(2).
    61 PipeExit "pipe" exit Ipc State (CREATES_FD | MODIFIES_STATE) [
        res: Errno/dec, fd1: Fd/dec, fd2: Fd/dec, ino: Uint64/dec
    ] + [];
    /// Return of eventfd(2).
    63 EventfdExit "eventfd" exit Ipc State (CREATES_FD | MODIFIES_STATE) [
        res: Fd/dec, initval: Uint64/dec, flags: Uint32/hex
    ] + [];
    /// Return of futex(2).
    65 FutexExit "futex" exit Ipc Ordinary (NONE) [
        res: Errno/dec, addr: Uint64/hex, op: Flags16/hex @FutexOp, val: Uint64/dec
    ] + [];
    /// Return of stat(2).
    67 StatExit "stat" exit File Ordinary (NONE) [res: Errno/dec, path: FsPath] + [realpath: FsPath];
    /// Return of lstat(2).
    69 LstatExit "lstat" exit File Ordinary (NONE) [res: Errno/dec, path: FsPath] + [realpath: FsPath];
    /// Return of fstat(2).
    71 FstatExit "fstat" exit File Ordinary (USES_FD) [res: Errno/dec, fd: Fd] + [];
    /// Return of stat64(2).
    73 Stat64Exit "stat64" exit File Ordinary (NONE) [res: Errno/dec, path: FsPath] + [];
    /// Return of lstat64(2).
    75 Lstat64Exit "lstat64" exit File Ordinary (NONE) [res: Errno/dec, path: FsPath] + [];
    /// Return of fstat64(2).
    77 Fstat64Exit "fstat64" exit File Ordinary (NONE) [res: Errno/dec] + [];
    /// Return of epoll_wait(2).
    79 EpollWaitExit "epoll_wait" exit Unknown Ordinary (WAITS) [res: Errno/dec, maxevents: Errno/dec] + [];
    /// Return of poll(2).
    81 PollExit "poll" exit Unknown Ordinary (WAITS) [res: Errno/dec, fds: FdList/dec, timeout: Int64/dec] + [];
    /// Return of select(2).
    83 SelectExit "select" exit Unknown Ordinary (WAITS) [res: Errno/dec] + [];
    /// Return of lseek(2).
    87 LseekExit "lseek" exit File Ordinary (USES_FD) [
        res: Errno/dec, fd: Fd/dec, offset: Uint64/dec, whence: EnumFlags8/dec @Whence
    ] + [];
    /// Return of llseek(2).
    89 LlseekExit "llseek" exit File Ordinary (USES_FD) [
        res: Errno/dec, fd: Fd/dec, offset: Uint64/dec, whence: EnumFlags8/dec @Whence
    ] + [];
    /// Return of getcwd(2).
    93 GetcwdExit "getcwd" exit File Ordinary (NONE) [res: Errno/dec, path: CharBuf] + [];
    /// Return of chdir(2).
    95 ChdirExit "chdir" exit File State (MODIFIES_STATE) [res: Errno/dec, path: CharBuf] + [realpath: FsPath];
    /// Return of fchdir(2).
    97 FchdirExit "fchdir" exit File State (USES_FD | MODIFIES_STATE) [res: Errno/dec, fd: Fd] + [realpath: FsPath];
    /// Return of pread(2).
    113 PreadExit "pread" exit IoRead Ordinary (USES_FD | READS_FD) [
        res: Errno/dec, data: ByteBuf, fd: Fd/dec, size: Uint32/dec, pos: Uint64/dec
    ] + [];
    /// Return of pwrite(2).
    115 PwriteExit "pwrite" exit IoWrite Ordinary (USES_FD | WRITES_FD) [
        res: Errno/dec, data: ByteBuf, fd: Fd/dec, size: Uint32/dec, pos: Uint64/dec
    ] + [];
    /// Return of readv(2).
    117 ReadvExit "readv" exit IoRead Ordinary (USES_FD | READS_FD) [
        res: Errno/dec, size: Uint32/dec, data: ByteBuf, fd: Fd/dec
    ] + [];
    /// Return of writev(2).
    119 WritevExit "writev" exit IoWrite Ordinary (USES_FD | WRITES_FD) [
        res: Errno/dec, data: ByteBuf, fd: Fd/dec, size: Uint32/dec
    ] + [];
    /// Return of preadv(2).
    121 PreadvExit "preadv" exit IoRead Ordinary (USES_FD | READS_FD) [
        res: Errno/dec, size: Uint32/dec, data: ByteBuf, fd: Fd/dec, pos: Uint64/dec
    ] + [];
    /// Return of pwritev(2).
    123 PwritevExit "pwritev" exit IoWrite Ordinary (USES_FD | WRITES_FD) [
        res: Errno/dec, data: ByteBuf, fd: Fd/dec, size: Uint32/dec, pos: Uint64/dec
    ] + [];
    /// Return of signalfd(2).
    127 SignalfdExit "signalfd" exit Signal State (CREATES_FD | MODIFIES_STATE) [
        res: Fd/dec, fd: Fd/dec, mask: Uint32/hex, flags: Uint8/hex
    ] + [];
    /// Return of kill(2).
    129 KillExit "kill" exit Signal Ordinary (NONE) [res: Errno/dec, pid: Pid/dec, sig: SigType/dec @Signal] + [];
    /// Return of tkill(2).
    131 TkillExit "tkill" exit Signal Ordinary (NONE) [res: Errno/dec, tid: Pid/dec, sig: SigType/dec @Signal] + [];
    /// Return of tgkill(2).
    133 TgkillExit "tgkill" exit Signal Ordinary (NONE) [
        res: Errno/dec, pid: Pid/dec, tid: Pid/dec, sig: SigType/dec @Signal
    ] + [];
    /// Return of nanosleep(2).
    135 NanosleepExit "nanosleep" exit Sleep Ordinary (WAITS) [res: Errno/dec, interval: RelTime/dec] + [];
    /// Return of timerfd_create(2).
    137 TimerfdCreateExit "timerfd_create" exit Time State (CREATES_FD | MODIFIES_STATE) [
        res: Fd/dec, clockid: Uint8/dec, flags: Uint8/hex
    ] + [];
    /// Return of inotify_init(2).
    139 InotifyInitExit "inotify_init" exit Ipc State (CREATES_FD | MODIFIES_STATE) [
        res: Fd/dec, flags: Uint8/hex
    ] + [];
    /// Return of getrlimit(2).
    141 GetrlimitExit "getrlimit" exit Process Ordinary (NONE) [
        res: Errno/dec, cur: Int64/dec, max: Int64/dec, resource: EnumFlags8/dec @Rlimit
    ] + [];
    /// Return of setrlimit(2).
    143 SetrlimitExit "setrlimit" exit Process Ordinary (NONE) [
        res: Errno/dec, cur: Int64/dec, max: Int64/dec, resource: EnumFlags8/dec @Rlimit
    ] + [];
    /// Return of prlimit(2).
    145 PrlimitExit "prlimit" exit Process Ordinary (NONE) [
        res: Errno/dec, newcur: Int64/dec, newmax: Int64/dec, oldcur: Int64/dec, oldmax: Int64/dec,
        pid: Int64/dec, resource: EnumFlags8/dec @Rlimit
    ] + [];
    /// Not a system call: drop.
    148 DropEnter "drop" meta Unknown Ordinary (SKIP_PARSE_RESET) [ratio: Uint32/dec] + [];
    /// Not a system call: drop.
    149 DropExit "drop" meta Unknown Ordinary (SKIP_PARSE_RESET) [ratio: Uint32/dec] + [];
    /// Return of fcntl(2).
    151 FcntlExit "fcntl" exit IoOther State (USES_FD | MODIFIES_STATE) [
        res: Fd/dec, fd: Fd/dec, cmd: EnumFlags8/dec @Fcntl, arg: Uint64/hex
    ] + [];
    /// Kernel tracepoint: switch.
    152 Switch "switch" trace Unknown Ordinary (NONE) [
        next: Pid/dec, pgft_maj: Uint64/dec, pgft_min: Uint64/dec, vm_size: Uint32/dec, vm_rss: Uint32/dec,
        vm_swap: Uint32/dec
    ] + [];
    /// Return of brk(2).
    159 BrkExit "brk" exit Memory Ordinary (NONE) [
        res: Uint64/hex, vm_size: Uint32/dec, vm_rss: Uint32/dec, vm_swap: Uint32/dec, addr: Uint64/hex
    ] + [];
    /// Return of mmap(2).
    161 MmapExit "mmap" exit Memory Ordinary (USES_FD) [
        res: Errno/hex, vm_size: Uint32/dec, vm_rss: Uint32/dec, vm_swap: Uint32/dec, addr: Uint64/hex,
        length: Uint64/dec, prot: Flags32/hex @Prot, flags: Flags32/hex @Mmap, fd: Fd/dec, offset: Uint64/dec
    ] + [];
    /// Return of mmap2(2).
    163 Mmap2Exit "mmap2" exit Memory Ordinary (USES_FD) [
        res: Errno/hex, vm_size: Uint32/dec, vm_rss: Uint32/dec, vm_swap: Uint32/dec, addr: Uint64/hex,
        length: Uint64/dec, prot: Flags32/hex @Prot, flags: Flags32/hex @Mmap, fd: Fd/dec, pgoffset: Uint64/dec
    ] + [];
    /// Return of munmap(2).
    165 MunmapExit "munmap" exit Memory Ordinary (NONE) [
        res: Errno/dec, vm_size: Uint32/dec, vm_rss: Uint32/dec, vm_swap: Uint32/dec, addr: Uint64/hex,
        length: Uint64/dec
    ] + [];
    /// Return of splice(2).
    167 SpliceExit "splice" exit IoOther Ordinary (USES_FD) [
        res: Errno/dec, fd_in: Fd/dec, fd_out: Fd/dec, size: Uint64/dec, flags: Flags32/hex @Splice
    ] + [];
    /// Return of ptrace(2).
    169 PtraceExit "ptrace" exit Process Critical (NONE) [
        res: Errno/dec, addr: Dyn/hex, data: Dyn/hex, request: EnumFlags16/dec @Ptrace, pid: Pid/dec
    ] + [];
    /// Return of ioctl(2).
    171 IoctlExit "ioctl" exit IoOther Ordinary (USES_FD) [
        res: Errno/dec, fd: Fd/dec, request: Uint64/hex, argument: Uint64/hex
    ] + [];
    /// Return of rename(2).
    175 RenameExit "rename" exit File Ordinary (NONE) [
        res: Errno/dec, oldpath: FsPath, newpath: FsPath
    ] + [realold: FsPath, realnew: FsPath];
    /// Return of renameat(2).
    177 RenameatExit "renameat" exit File Ordinary (NONE) [
        res: Errno/dec, olddirfd: Fd/dec, oldpath: FsRelPath, newdirfd: Fd/dec, newpath: FsRelPath
    ] + [realold: FsPath, realnew: FsPath];
    /// Return of symlink(2).
    179 SymlinkExit "symlink" exit File Ordinary (NONE) [
        res: Errno/dec, target: CharBuf, linkpath: FsPath
    ] + [reallink: FsPath];
    /// Return of symlinkat(2).
    181 SymlinkatExit "symlinkat" exit File Ordinary (USES_FD) [
        res: Errno/dec, target: CharBuf, linkdirfd: Fd/dec, linkpath: FsRelPath
    ] + [reallink: FsPath];
    /// Kernel tracepoint: procexit.
    186 Procexit "procexit" trace Process State (MODIFIES_STATE) [
        status: Errno/dec, ret: Errno/dec, sig: SigType/dec @Signal, core: Uint8/dec, reaper_tid: Pid/dec
    ] + [];
    /// Return of sendfile(2).
    189 SendfileExit "sendfile" exit IoWrite Ordinary (USES_FD) [
        res: Errno/dec, offset: Uint64/dec, out_fd: Fd/dec, in_fd: Fd/dec, size: Uint64/dec
    ] + [];
    /// Return of quotactl(2).
    191 QuotactlExit "quotactl" exit User Ordinary (NONE) [
        res: Errno/dec, special: CharBuf, quotafilepath: CharBuf, dqb_bhardlimit: Uint64/dec,
        dqb_bsoftlimit: Uint64/dec, dqb_curspace: Uint64/dec, dqb_ihardlimit: Uint64/dec,
        dqb_isoftlimit: Uint64/dec, dqb_btime: RelTime/dec, dqb_itime: RelTime/dec, dqi_bgrace: RelTime/dec,
        dqi_igrace: RelTime/dec, dqi_flags: Flags8/dec @QuotaDqi, quota_fmt_out: Flags8/dec @QuotaFormat,
        cmd: Flags16/dec @QuotaCommand, type_ = "type": Flags8/dec @QuotaType, id: Uint32/dec,
        quota_fmt: Flags8/dec @QuotaFormat
    ] + [];
    /// Return of setresuid(2).
    193 SetresuidExit "setresuid" exit User Critical (MODIFIES_STATE) [
        res: Errno/dec, ruid: Uid/dec, euid: Uid/dec, suid: Uid/dec
    ] + [cred_euid: Uid/dec, cred_egid: Gid/dec, cap_inheritable: Uint64/hex, cap_permitted: Uint64/hex, cap_effective: Uint64/hex];
    /// Return of setresgid(2).
    195 SetresgidExit "setresgid" exit User Critical (MODIFIES_STATE) [
        res: Errno/dec, rgid: Gid/dec, egid: Gid/dec, sgid: Gid/dec
    ] + [cred_euid: Uid/dec, cred_egid: Gid/dec, cap_inheritable: Uint64/hex, cap_permitted: Uint64/hex, cap_effective: Uint64/hex];
    /// Not a system call: scapevent.
    196 Scapevent "scapevent" meta Unknown Ordinary (SKIP_PARSE_RESET) [
        event_type: Uint32/dec, event_data: Uint64/dec
    ] + [];
    /// Return of setuid(2).
    199 SetuidExit "setuid" exit User Critical (MODIFIES_STATE) [
        res: Errno/dec, uid: Uid/dec
    ] + [cred_euid: Uid/dec, cred_egid: Gid/dec, cap_inheritable: Uint64/hex, cap_permitted: Uint64/hex, cap_effective: Uint64/hex];
    /// Return of setgid(2).
    201 SetgidExit "setgid" exit User Critical (MODIFIES_STATE) [
        res: Errno/dec, gid: Gid/dec
    ] + [cred_euid: Uid/dec, cred_egid: Gid/dec, cap_inheritable: Uint64/hex, cap_permitted: Uint64/hex, cap_effective: Uint64/hex];
    /// Return of getuid(2).
    203 GetuidExit "getuid" exit User Ordinary (NONE) [uid: Uid/dec] + [];
    /// Return of geteuid(2).
    205 GeteuidExit "geteuid" exit User Ordinary (NONE) [euid: Uid/dec] + [];
    /// Return of getgid(2).
    207 GetgidExit "getgid" exit User Ordinary (NONE) [gid: Gid/dec] + [];
    /// Return of getegid(2).
    209 GetegidExit "getegid" exit User Ordinary (NONE) [egid: Gid/dec] + [];
    /// Return of getresuid(2).
    211 GetresuidExit "getresuid" exit User Ordinary (NONE) [
        res: Errno/dec, ruid: Uid/dec, euid: Uid/dec, suid: Uid/dec
    ] + [];
    /// Return of getresgid(2).
    213 GetresgidExit "getresgid" exit User Ordinary (NONE) [
        res: Errno/dec, rgid: Gid/dec, egid: Gid/dec, sgid: Gid/dec
    ] + [];
    /// Return of clone(2).
    223 CloneExit "clone" exit Process State (MODIFIES_STATE) [
        res: Pid/dec, exe: CharBuf, args: ByteBuf, tid: Pid/dec, pid: Pid/dec, ptid: Pid/dec, cwd: CharBuf,
        fdlimit: Int64/dec, pgft_maj: Uint64/dec, pgft_min: Uint64/dec, vm_size: Uint32/dec,
        vm_rss: Uint32/dec, vm_swap: Uint32/dec, comm: CharBuf, cgroups: ByteBuf, flags: Flags32/hex @Clone,
        uid: Uint32/dec, gid: Uint32/dec, vtid: Pid/dec, vpid: Pid/dec, pidns_init_start_ts: Uint64/dec
    ] + [start_time: AbsTime/dec];
    /// Return of fork(2).
    225 ForkExit "fork" exit Process State (MODIFIES_STATE) [
        res: Pid/dec, exe: CharBuf, args: ByteBuf, tid: Pid/dec, pid: Pid/dec, ptid: Pid/dec, cwd: CharBuf,
        fdlimit: Int64/dec, pgft_maj: Uint64/dec, pgft_min: Uint64/dec, vm_size: Uint32/dec,
        vm_rss: Uint32/dec, vm_swap: Uint32/dec, comm: CharBuf, cgroups: ByteBuf, flags: Flags32/hex @Clone,
        uid: Uint32/dec, gid: Uint32/dec, vtid: Pid/dec, vpid: Pid/dec, pidns_init_start_ts: Uint64/dec
    ] + [start_time: AbsTime/dec];
    /// Return of vfork(2).
    227 VforkExit "vfork" exit Process State (MODIFIES_STATE) [
        res: Pid/dec, exe: CharBuf, args: ByteBuf, tid: Pid/dec, pid: Pid/dec, ptid: Pid/dec, cwd: CharBuf,
        fdlimit: Int64/dec, pgft_maj: Uint64/dec, pgft_min: Uint64/dec, vm_size: Uint32/dec,
        vm_rss: Uint32/dec, vm_swap: Uint32/dec, comm: CharBuf, cgroups: ByteBuf, flags: Flags32/hex @Clone,
        uid: Uint32/dec, gid: Uint32/dec, vtid: Pid/dec, vpid: Pid/dec, pidns_init_start_ts: Uint64/dec
    ] + [start_time: AbsTime/dec];
    /// Kernel tracepoint: signaldeliver.
    232 Signaldeliver "signaldeliver" trace Signal Ordinary (NONE) [
        spid: Pid/dec, dpid: Pid/dec, sig: SigType/dec @Signal
    ] + [];
    /// Not a system call: procinfo.
    234 Procinfo "procinfo" meta Unknown Ordinary (SKIP_PARSE_RESET) [cpu_usr: Uint64/dec, cpu_sys: Uint64/dec] + [];
    /// Return of getdents(2).
    237 GetdentsExit "getdents" exit File Ordinary (USES_FD) [res: Errno/dec, fd: Fd] + [];
    /// Return of getdents64(2).
    239 Getdents64Exit "getdents64" exit File Ordinary (USES_FD) [res: Errno/dec, fd: Fd] + [];
    /// Return of setns(2).
    241 SetnsExit "setns" exit Process Critical (USES_FD) [res: Errno/dec, fd: Fd, nstype: Flags32/hex @Clone] + [];
    /// Return of flock(2).
    243 FlockExit "flock" exit File Ordinary (USES_FD) [res: Errno/dec, fd: Fd, operation: Flags32/hex @Flock] + [];
    /// Not a system call: cpu_hotplug.
    244 CpuHotplug "cpu_hotplug" meta System State (MODIFIES_STATE | SKIP_PARSE_RESET) [
        cpu: Uint32/dec, action: Uint32/dec
    ] + [];
    /// Return of accept(2).
    247 AcceptExit "accept" exit Net State (CREATES_FD | MODIFIES_STATE) [
        fd: Fd/dec, tuple: SockTuple, queuepct: Uint8/dec, queuelen: Uint32/dec, queuemax: Uint32/dec
    ] + [ino: Uint64/dec];
    /// Return of semop(2).
    251 SemopExit "semop" exit Process Ordinary (NONE) [
        res: Errno/dec, nsops: Uint32/dec, sem_num_0: Uint16/dec, sem_op_0: Int16/dec,
        sem_flg_0: Flags16/hex @Semop, sem_num_1: Uint16/dec, sem_op_1: Int16/dec,
        sem_flg_1: Flags16/hex @Semop, semid: Int32/dec
    ] + [];
    /// Return of semctl(2).
    253 SemctlExit "semctl" exit Process Ordinary (NONE) [
        res: Errno/dec, semid: Int32/dec, semnum: Int32/dec, cmd: Flags16/hex @Semctl, val: Int32/dec
    ] + [];
    /// Return of ppoll(2).
    255 PpollExit "ppoll" exit Unknown Ordinary (WAITS) [
        res: Errno/dec, fds: FdList/dec, timeout: RelTime/dec, sigmask: SigSet/dec
    ] + [];
    /// Return of mount(2).
    257 MountExit "mount" exit File Critical (MODIFIES_STATE) [
        res: Errno/dec, dev: CharBuf, dir: FsPath, type_ = "type": CharBuf, flags: Flags32/hex @Mount
    ] + [realdir: FsPath];
    /// Return of semget(2).
    263 SemgetExit "semget" exit Process Ordinary (NONE) [
        res: Errno/dec, key: Int32/hex, nsems: Int32/dec, semflg: Flags32/hex @Semget
    ] + [];
    /// Return of access(2).
    265 AccessExit "access" exit File Ordinary (NONE) [
        res: Errno/dec, name: FsPath, mode: Flags32/hex @Access
    ] + [realpath: FsPath];
    /// Return of chroot(2).
    267 ChrootExit "chroot" exit Process Critical (MODIFIES_STATE) [
        res: Errno/dec, path: FsPath
    ] + [realpath: FsPath, cwd: FsPath];
    /// Return of setsid(2).
    275 SetsidExit "setsid" exit Process State (MODIFIES_STATE) [res: Pid/dec] + [];
    /// Return of mkdir(2).
    277 MkdirExit "mkdir" exit File Ordinary (NONE) [
        res: Errno/dec, path: FsPath, mode: Uint32/hex
    ] + [realpath: FsPath];
    /// Return of rmdir(2).
    279 RmdirExit "rmdir" exit File Ordinary (NONE) [res: Errno/dec, path: FsPath] + [realpath: FsPath];
    /// Not a system call: notification.
    280 Notification "notification" meta Other Ordinary (SKIP_PARSE_RESET) [id: CharBuf/dec, desc: CharBuf] + [];
    /// Return of unshare(2).
    285 UnshareExit "unshare" exit Process Critical (NONE) [res: Errno/dec, flags: Flags32/hex @Clone] + [];
    /// Not a system call: infra.
    286 Infra "infra" meta Unknown Ordinary (SKIP_PARSE_RESET) [
        source: CharBuf/dec, name: CharBuf, description: CharBuf, scope: CharBuf
    ] + [];
    /// Kernel tracepoint: page_fault.
    290 PageFault "page_fault" trace Other Ordinary (SKIP_PARSE_RESET) [
        addr: Uint64/hex, ip: Uint64/hex, error: Flags32/hex @PageFault
    ] + [];
    /// Return of execve(2).
    293 ExecveExit "execve" exit Process Critical (MODIFIES_STATE) [
        res: Errno/dec, exe: CharBuf, args: ByteBuf, tid: Pid/dec, pid: Pid/dec, ptid: Pid/dec, cwd: CharBuf,
        fdlimit: Uint64/dec, pgft_maj: Uint64/dec, pgft_min: Uint64/dec, vm_size: Uint32/dec,
        vm_rss: Uint32/dec, vm_swap: Uint32/dec, comm: CharBuf, cgroups: ByteBuf, env: ByteBuf,
        tty: Uint32/dec, vpgid: Pid/dec, loginuid: Uid/dec, flags: Flags32/hex @Exec,
        cap_inheritable: Uint64/hex, cap_permitted: Uint64/hex, cap_effective: Uint64/hex, exe_ino: Uint64/dec,
        exe_ino_ctime: AbsTime/dec, exe_ino_mtime: AbsTime/dec, uid: Uid/dec, trusted_exepath: FsPath,
        pgid: Pid, gid: Gid/dec, filename: FsPath
    ] + [vtid: Pid/dec, vpid: Pid/dec, sid: Pid/dec, start_time: AbsTime/dec, realflags: Flags8/hex @RealPath];
    /// Return of setpgid(2).
    295 SetpgidExit "setpgid" exit Process Ordinary (NONE) [res: Errno/dec, pid: Pid/dec, pgid: Pid/dec] + [];
    /// Return of seccomp(2).
    299 SeccompExit "seccomp" exit Other Ordinary (NONE) [res: Errno/dec, op: Uint64/dec, flags: Uint64/hex] + [];
    /// Return of unlink(2).
    301 UnlinkExit "unlink" exit File Ordinary (NONE) [res: Errno/dec, path: FsPath] + [realpath: FsPath];
    /// Return of unlinkat(2).
    303 UnlinkatExit "unlinkat" exit File Ordinary (USES_FD) [
        res: Errno/dec, dirfd: Fd/dec, name: FsRelPath, flags: Flags32/hex @Unlinkat
    ] + [realpath: FsPath];
    /// Return of mkdirat(2).
    305 MkdiratExit "mkdirat" exit File Ordinary (USES_FD) [
        res: Errno/dec, dirfd: Fd/dec, path: FsRelPath, mode: Uint32/hex
    ] + [realpath: FsPath];
    /// Start of openat(2), kept where an argument must be compared with the one the call used.
    306 OpenatEnter "openat" enter File State (CREATES_FD | MODIFIES_STATE) [
        dirfd: Fd/dec, name: FsRelPath, flags: Flags32/hex @Open, mode: Uint32/oct
    ] + [];
    /// Return of openat(2).
    307 OpenatExit "openat" exit File State (CREATES_FD | MODIFIES_STATE) [
        fd: Fd/dec, dirfd: Fd/dec, name: FsRelPath, flags: Flags32/hex @Open, mode: Uint32/oct,
        dev: Uint32/hex, ino: Uint64/dec
    ] + [realpath: FsPath, realflags: Flags8/hex @RealPath];
    /// Return of link(2).
    309 LinkExit "link" exit File Ordinary (NONE) [
        res: Errno/dec, oldpath: FsPath, newpath: FsPath
    ] + [realold: FsPath, realnew: FsPath];
    /// Return of linkat(2).
    311 LinkatExit "linkat" exit File Ordinary (NONE) [
        res: Errno/dec, olddir: Fd/dec, oldpath: FsRelPath, newdir: Fd/dec, newpath: FsRelPath,
        flags: Flags32/hex @Linkat
    ] + [realold: FsPath, realnew: FsPath];
    /// Return of fchmodat(2).
    313 FchmodatExit "fchmodat" exit File Ordinary (USES_FD) [
        res: Errno/dec, dirfd: Fd/dec, filename: FsRelPath, mode: Mode/oct @Mode
    ] + [realpath: FsPath];
    /// Return of chmod(2).
    315 ChmodExit "chmod" exit File Ordinary (NONE) [
        res: Errno/dec, filename: FsPath, mode: Mode/oct @Mode
    ] + [realpath: FsPath];
    /// Return of fchmod(2).
    317 FchmodExit "fchmod" exit File Ordinary (USES_FD) [res: Errno/dec, fd: Fd/dec, mode: Mode/oct @Mode] + [];
    /// Return of renameat2(2).
    319 Renameat2Exit "renameat2" exit File Ordinary (NONE) [
        res: Errno/dec, olddirfd: Fd/dec, oldpath: FsRelPath, newdirfd: Fd/dec, newpath: FsRelPath,
        flags: Flags32/hex @Rename
    ] + [realold: FsPath, realnew: FsPath];
    /// Return of userfaultfd(2).
    321 UserfaultfdExit "userfaultfd" exit File State (CREATES_FD | MODIFIES_STATE) [
        res: Errno/dec, flags: Flags32/hex @Open
    ] + [];
    /// Not a system call: pluginevent.
    322 Pluginevent "pluginevent" meta Other Ordinary (NONE) [plugin_id: Uint32/dec, event_data: ByteBuf] + [];
    /// Not a system call: container.
    324 Container "container" meta Process State (MODIFIES_STATE) [json: CharBuf] + [];
    /// Start of openat2(2), kept where an argument must be compared with the one the call used.
    326 Openat2Enter "openat2" enter File State (CREATES_FD | MODIFIES_STATE) [
        dirfd: Fd/dec, name: FsRelPath, flags: Flags32/hex @Open, mode: Uint32/oct,
        resolve: Flags32/hex @OpenResolve
    ] + [];
    /// Return of openat2(2).
    327 Openat2Exit "openat2" exit File State (CREATES_FD | MODIFIES_STATE) [
        fd: Fd/dec, dirfd: Fd/dec, name: FsRelPath, flags: Flags32/hex @Open, mode: Uint32/oct,
        resolve: Flags32/hex @OpenResolve, dev: Uint32/hex, ino: Uint64/dec
    ] + [realpath: FsPath, realflags: Flags8/hex @RealPath];
    /// Return of mprotect(2).
    329 MprotectExit "mprotect" exit Memory Ordinary (NONE) [
        res: Errno/dec, addr: Uint64/hex, length: Uint64/dec, prot: Flags32/hex @Prot
    ] + [];
    /// Return of execveat(2).
    331 ExecveatExit "execveat" exit Process Critical (MODIFIES_STATE) [
        res: Errno/dec, exe: CharBuf, args: ByteBuf, tid: Pid/dec, pid: Pid/dec, ptid: Pid/dec, cwd: CharBuf,
        fdlimit: Uint64/dec, pgft_maj: Uint64/dec, pgft_min: Uint64/dec, vm_size: Uint32/dec,
        vm_rss: Uint32/dec, vm_swap: Uint32/dec, comm: CharBuf, cgroups: ByteBuf, env: ByteBuf,
        tty: Uint32/dec, vpgid: Pid/dec, loginuid: Uid/dec, flags: Flags32/hex @Exec,
        cap_inheritable: Uint64/hex, cap_permitted: Uint64/hex, cap_effective: Uint64/hex, exe_ino: Uint64/dec,
        exe_ino_ctime: AbsTime/dec, exe_ino_mtime: AbsTime/dec, uid: Uid/dec, trusted_exepath: FsPath,
        pgid: Pid, gid: Gid/dec
    ] + [vtid: Pid/dec, vpid: Pid/dec, sid: Pid/dec, start_time: AbsTime/dec, realflags: Flags8/hex @RealPath];
    /// Return of copy_file_range(2).
    333 CopyFileRangeExit "copy_file_range" exit File Ordinary (USES_FD | READS_FD | WRITES_FD) [
        res: Errno/dec, fdout: Fd/dec, offout: Uint64/dec, fdin: Fd/dec, offin: Uint64/dec, len: Uint64/dec
    ] + [];
    /// Return of clone3(2).
    335 Clone3Exit "clone3" exit Process State (MODIFIES_STATE) [
        res: Pid/dec, exe: CharBuf, args: ByteBuf, tid: Pid/dec, pid: Pid/dec, ptid: Pid/dec, cwd: CharBuf,
        fdlimit: Int64/dec, pgft_maj: Uint64/dec, pgft_min: Uint64/dec, vm_size: Uint32/dec,
        vm_rss: Uint32/dec, vm_swap: Uint32/dec, comm: CharBuf, cgroups: ByteBuf, flags: Flags32/hex @Clone,
        uid: Uint32/dec, gid: Uint32/dec, vtid: Pid/dec, vpid: Pid/dec, pidns_init_start_ts: Uint64/dec
    ] + [start_time: AbsTime/dec];
    /// Return of open_by_handle_at(2).
    337 OpenByHandleAtExit "open_by_handle_at" exit File State (CREATES_FD | MODIFIES_STATE) [
        fd: Fd/dec, mountfd: Fd/dec, flags: Flags32/hex @Open, path: FsPath, dev: Uint32/hex, ino: Uint64/dec
    ] + [realpath: FsPath, realflags: Flags8/hex @RealPath];
    /// Return of io_uring_setup(2).
    339 IoUringSetupExit "io_uring_setup" exit IoOther State (CREATES_FD | MODIFIES_STATE) [
        res: Errno/dec, entries: Uint32/dec, sq_entries: Uint32/dec, cq_entries: Uint32/dec,
        flags: Flags32/hex @IoUringSetup, sq_thread_cpu: Uint32/dec, sq_thread_idle: Uint32/dec,
        features: Flags32/hex @IoUringFeatures
    ] + [];
    /// Return of io_uring_enter(2).
    341 IoUringEnterExit "io_uring_enter" exit IoOther Ordinary (USES_FD) [
        res: Errno/dec, fd: Fd/dec, to_submit: Uint32/dec, min_complete: Uint32/dec,
        flags: Flags32/hex @IoUringEnter, sig: SigSet/dec
    ] + [];
    /// Return of io_uring_register(2).
    343 IoUringRegisterExit "io_uring_register" exit IoOther Ordinary (USES_FD) [
        res: Errno/dec, fd: Fd/dec, opcode: EnumFlags16/dec @IoUringRegister, arg: Uint64/hex,
        nr_args: Uint32/dec
    ] + [];
    /// Return of mlock(2).
    345 MlockExit "mlock" exit Memory Ordinary (NONE) [res: Errno/dec, addr: Uint64/hex, len: Uint64/dec] + [];
    /// Return of munlock(2).
    347 MunlockExit "munlock" exit Memory Ordinary (NONE) [res: Errno/dec, addr: Uint64/hex, len: Uint64/dec] + [];
    /// Return of mlockall(2).
    349 MlockallExit "mlockall" exit Memory Ordinary (NONE) [res: Errno/dec, flags: Flags32/hex @Mlockall] + [];
    /// Return of munlockall(2).
    351 MunlockallExit "munlockall" exit Memory Ordinary (NONE) [res: Errno/dec] + [];
    /// Return of capset(2).
    353 CapsetExit "capset" exit Process Critical (MODIFIES_STATE) [
        res: Errno/dec, cap_inheritable: Uint64/hex, cap_permitted: Uint64/hex, cap_effective: Uint64/hex
    ] + [];
    /// Not a system call: useradded.
    354 Useradded "useradded" meta Process State (MODIFIES_STATE) [
        uid: Uint32/dec, gid: Uint32/dec, name: CharBuf, home: CharBuf, shell: CharBuf, container_id: CharBuf
    ] + [];
    /// Not a system call: userdeleted.
    356 Userdeleted "userdeleted" meta Process State (MODIFIES_STATE) [
        uid: Uint32/dec, gid: Uint32/dec, name: CharBuf, home: CharBuf, shell: CharBuf, container_id: CharBuf
    ] + [];
    /// Not a system call: groupadded.
    358 Groupadded "groupadded" meta Process State (MODIFIES_STATE) [
        gid: Uint32/dec, name: CharBuf, container_id: CharBuf
    ] + [];
    /// Not a system call: groupdeleted.
    360 Groupdeleted "groupdeleted" meta Process State (MODIFIES_STATE) [
        gid: Uint32/dec, name: CharBuf, container_id: CharBuf
    ] + [];
    /// Return of dup2(2).
    363 Dup2Exit "dup2" exit IoOther State (CREATES_FD | USES_FD | MODIFIES_STATE) [
        res: Fd/dec, oldfd: Fd/dec, newfd: Fd/dec
    ] + [];
    /// Return of dup3(2).
    365 Dup3Exit "dup3" exit IoOther State (CREATES_FD | USES_FD | MODIFIES_STATE) [
        res: Fd/dec, oldfd: Fd/dec, newfd: Fd/dec, flags: Flags32/hex @Open
    ] + [];
    /// Return of dup(2).
    367 DupExit "dup" exit IoOther State (CREATES_FD | USES_FD | MODIFIES_STATE) [res: Fd/dec, oldfd: Fd/dec] + [];
    /// Return of bpf(2).
    369 BpfExit "bpf" exit Other Critical (CREATES_FD) [fd: Fd/dec, cmd: EnumFlags32/dec @Bpf] + [];
    /// Return of mlock2(2).
    371 Mlock2Exit "mlock2" exit Memory Ordinary (NONE) [
        res: Errno/dec, addr: Uint64/hex, len: Uint64/dec, flags: Flags32/hex @Mlock2
    ] + [];
    /// Return of fsconfig(2).
    373 FsconfigExit "fsconfig" exit System Ordinary (USES_FD) [
        res: Errno/dec, fd: Fd/dec, cmd: EnumFlags32/dec @Fsconfig, key: CharBuf, value_bytebuf: ByteBuf,
        value_charbuf: CharBuf, aux: Int32/dec
    ] + [];
    /// Return of epoll_create(2).
    375 EpollCreateExit "epoll_create" exit Unknown State (CREATES_FD | MODIFIES_STATE) [
        res: Errno/dec, size: Int32/dec
    ] + [];
    /// Return of epoll_create1(2).
    377 EpollCreate1Exit "epoll_create1" exit Unknown State (CREATES_FD | MODIFIES_STATE) [
        res: Errno/dec, flags: Flags32/hex @EpollCreate1
    ] + [];
    /// Return of chown(2).
    379 ChownExit "chown" exit File Ordinary (NONE) [
        res: Errno/dec, path: FsPath, uid: Uint32/dec, gid: Uint32/dec
    ] + [realpath: FsPath];
    /// Return of lchown(2).
    381 LchownExit "lchown" exit File Ordinary (NONE) [
        res: Errno/dec, path: FsPath, uid: Uint32/dec, gid: Uint32/dec
    ] + [realpath: FsPath];
    /// Return of fchown(2).
    383 FchownExit "fchown" exit File Ordinary (USES_FD) [
        res: Errno/dec, fd: Fd/dec, uid: Uint32/dec, gid: Uint32/dec
    ] + [];
    /// Return of fchownat(2).
    385 FchownatExit "fchownat" exit File Ordinary (USES_FD) [
        res: Errno/dec, dirfd: Fd/dec, pathname: FsRelPath, uid: Uint32/dec, gid: Uint32/dec,
        flags: Flags32/hex @Fchownat
    ] + [realpath: FsPath];
    /// Return of umount(2).
    387 UmountExit "umount" exit File Critical (MODIFIES_STATE) [res: Errno/dec, name: FsPath] + [realpath: FsPath];
    /// Return of accept4(2).
    389 Accept4Exit "accept4" exit Net State (CREATES_FD | MODIFIES_STATE) [
        fd: Fd/dec, tuple: SockTuple, queuepct: Uint8/dec, queuelen: Uint32/dec, queuemax: Uint32/dec,
        flags: Int32/hex
    ] + [ino: Uint64/dec];
    /// Return of umount2(2).
    391 Umount2Exit "umount2" exit File Critical (MODIFIES_STATE) [
        res: Errno/dec, name: FsPath, flags: Flags32/hex @Umount
    ] + [realpath: FsPath];
    /// Return of pipe2(2).
    393 Pipe2Exit "pipe2" exit Ipc State (CREATES_FD | MODIFIES_STATE) [
        res: Errno/dec, fd1: Fd/dec, fd2: Fd/dec, ino: Uint64/dec, flags: Flags32/hex @Open
    ] + [];
    /// Return of inotify_init1(2).
    395 InotifyInit1Exit "inotify_init1" exit Ipc State (CREATES_FD | MODIFIES_STATE) [
        res: Fd/dec, flags: Flags16/hex @Open
    ] + [];
    /// Return of eventfd2(2).
    397 Eventfd2Exit "eventfd2" exit Ipc State (CREATES_FD | MODIFIES_STATE) [
        res: Fd/dec, flags: Flags16/hex @Open, initval: Uint64/dec
    ] + [];
    /// Return of signalfd4(2).
    399 Signalfd4Exit "signalfd4" exit Signal State (CREATES_FD | MODIFIES_STATE) [
        res: Fd/dec, flags: Flags16/hex @Open, fd: Fd/dec, mask: Uint32/hex
    ] + [];
    /// Return of prctl(2).
    401 PrctlExit "prctl" exit Process State (MODIFIES_STATE) [
        res: Errno/dec, option: EnumFlags32/dec @Prctl, arg2_str: CharBuf, arg2_int: Int64/dec
    ] + [];
    /// Not a system call: asyncevent.
    402 Asyncevent "asyncevent" meta Other Ordinary (NONE) [plugin_id: Uint32/dec, name: CharBuf, data: ByteBuf] + [];
    /// Return of memfd_create(2).
    405 MemfdCreateExit "memfd_create" exit Memory State (CREATES_FD | MODIFIES_STATE) [
        fd: Fd/dec, name: CharBuf, flags: Flags32/hex @Memfd
    ] + [];
    /// Return of pidfd_getfd(2).
    407 PidfdGetfdExit "pidfd_getfd" exit Process State (CREATES_FD | MODIFIES_STATE) [
        fd: Fd/dec, pid_fd: Fd/dec, target_fd: Fd/dec, flags: Uint32/hex
    ] + [];
    /// Return of pidfd_open(2).
    409 PidfdOpenExit "pidfd_open" exit Process State (CREATES_FD | MODIFIES_STATE) [
        fd: Fd/dec, pid: Pid/dec, flags: Flags32/hex @PidfdOpen
    ] + [];
    /// Return of init_module(2).
    411 InitModuleExit "init_module" exit Other Critical (NONE) [
        res: Errno/dec, img: ByteBuf, length: Uint64/dec, uargs: CharBuf
    ] + [];
    /// Return of finit_module(2).
    413 FinitModuleExit "finit_module" exit Other Critical (USES_FD | READS_FD) [
        res: Errno/dec, fd: Fd/dec, uargs: CharBuf, flags: Flags32/hex @FinitModule
    ] + [];
    /// Return of mknod(2).
    415 MknodExit "mknod" exit Other Ordinary (NONE) [
        res: Errno/dec, path: FsPath, mode: Mode/oct @Mode, dev: Uint32/dec
    ] + [realpath: FsPath];
    /// Return of mknodat(2).
    417 MknodatExit "mknodat" exit Other Ordinary (USES_FD) [
        res: Errno/dec, dirfd: Fd/dec, path: FsRelPath, mode: Mode/oct @Mode, dev: Uint32/dec
    ] + [realpath: FsPath];
    /// Return of newfstatat(2).
    419 NewfstatatExit "newfstatat" exit File Ordinary (USES_FD) [
        res: Errno/dec, dirfd: Fd/dec, path: FsRelPath, flags: Flags32/hex @Newfstatat
    ] + [realpath: FsPath];
    /// Return of process_vm_readv(2).
    421 ProcessVmReadvExit "process_vm_readv" exit Ipc Ordinary (NONE) [
        res: Int64/dec, pid: Pid/dec, data: ByteBuf
    ] + [];
    /// Return of process_vm_writev(2).
    423 ProcessVmWritevExit "process_vm_writev" exit Ipc Critical (NONE) [
        res: Int64/dec, pid: Pid/dec, data: ByteBuf
    ] + [];
    /// Return of delete_module(2).
    425 DeleteModuleExit "delete_module" exit Other Critical (NONE) [
        res: Errno/dec, name: CharBuf, flags: Flags32/hex @DeleteModule
    ] + [];
    /// Return of setreuid(2).
    427 SetreuidExit "setreuid" exit User Critical (MODIFIES_STATE) [
        res: Errno/dec, ruid: Uid/dec, euid: Uid/dec
    ] + [cred_euid: Uid/dec, cred_egid: Gid/dec, cap_inheritable: Uint64/hex, cap_permitted: Uint64/hex, cap_effective: Uint64/hex];
    /// Return of setregid(2).
    429 SetregidExit "setregid" exit User Critical (MODIFIES_STATE) [
        res: Errno/dec, rgid: Uid/dec, egid: Uid/dec
    ] + [cred_euid: Uid/dec, cred_egid: Gid/dec, cap_inheritable: Uint64/hex, cap_permitted: Uint64/hex, cap_effective: Uint64/hex];
    /// Snapshot: task.
    430 Task "task" iter Process State (MODIFIES_STATE) [
        ppid: Pid32/dec, pgid: Pid32/dec, vpgid: Pid32/dec, sid: Pid32/dec, comm: CharBuf, argv: CharBufArray,
        exepath: FsPath, flags: Flags32/hex @Exec, env: CharBufArray, cwd: CharBuf, fdlimit: Uint64/dec,
        euid: Uid/dec, egid: Gid/dec, cap_permitted: Uint64/hex, cap_effective: Uint64/hex,
        cap_inheritable: Uint64/hex, exe_ino_num: Uint64/dec, exe_ino_ctime: AbsTime/dec,
        exe_ino_mtime: AbsTime/dec, vm_size: Uint32/dec, vm_rss: Uint32/dec, vm_swap: Uint32/dec,
        pgft_maj: Uint64/dec, pgft_min: Uint64/dec, vtgid: Pid32/dec, vpid: Pid32/dec,
        pidns_init_start_ts: Uint64/dec, cgroups: CharBufArray, root: FsPath, start_time: AbsTime/dec,
        tty: Uint32/dec, loginuid: Uid/dec
    ] + [];
    /// Snapshot: task file pipe.
    432 TaskFilePipe "task_file_pipe" iter File State (MODIFIES_STATE) [
        fd: Fd32/dec, path: FsPath, ino_num: Uint64/dec
    ] + [];
    /// Snapshot: task file memfd.
    434 TaskFileMemfd "task_file_memfd" iter File State (MODIFIES_STATE) [
        fd: Fd32/dec, path: FsPath, ino_num: Uint64/dec
    ] + [];
    /// Snapshot: task file regular.
    436 TaskFileRegular "task_file_regular" iter File State (MODIFIES_STATE) [
        fd: Fd32/dec, path: FsPath, flags: Flags32/hex @Open, mnt_id: Uint32/dec, ino_num: Uint64/dec
    ] + [dev: Uint32/hex];
    /// Snapshot: task file directory.
    438 TaskFileDirectory "task_file_directory" iter File State (MODIFIES_STATE) [
        fd: Fd32/dec, path: FsPath, ino_num: Uint64/dec
    ] + [];
    /// Snapshot: task file socket inet.
    440 TaskFileSocketInet "task_file_socket_inet" iter File State (MODIFIES_STATE) [
        fd: Fd32/dec, sk_type: Uint16/dec, sk_proto: Uint16/dec, local_ip: Ipv4Addr/hex, local_port: Port/hex,
        remote_ip: Ipv4Addr/hex, remote_port: Port/hex, ino_num: Uint64/dec
    ] + [listening: Bool/dec];
    /// Snapshot: task file socket inet6.
    442 TaskFileSocketInet6 "task_file_socket_inet6" iter File State (MODIFIES_STATE) [
        fd: Fd32/dec, sk_type: Uint16/dec, sk_proto: Uint16/dec, local_ip: Ipv6Addr/hex, local_port: Port/hex,
        remote_ip: Ipv6Addr/hex, remote_port: Port/hex, ino_num: Uint64/dec
    ] + [listening: Bool/dec];
    /// Snapshot: task file socket unix.
    444 TaskFileSocketUnix "task_file_socket_unix" iter File State (MODIFIES_STATE) [
        fd: Fd32/dec, sk_type: Uint16/dec, sk_proto: Uint16/dec, sk_pointer: Uint64, sun_path: FsPath,
        ino_num: Uint64/dec
    ] + [peer_ino: Uint64/dec, listening: Bool/dec];
    /// Snapshot: task file socket netlink.
    446 TaskFileSocketNetlink "task_file_socket_netlink" iter File State (MODIFIES_STATE) [
        fd: Fd32/dec, sk_type: Uint16/dec, sk_proto: Uint16/dec, ino_num: Uint64/dec
    ] + [];
    /// Snapshot: task file anon inode.
    448 TaskFileAnonInode "task_file_anon_inode" iter File State (MODIFIES_STATE) [
        fd: Fd32/dec, fd_type: Flags8/dec @FdType, path: FsPath, ino_num: Uint64/dec
    ] + [];
    /// Return of close_range(2).
    451 CloseRangeExit "close_range" exit IoOther State (MODIFIES_STATE) [
        res: Errno/dec, first: Uint32/dec, last: Uint32/dec, flags: Flags32/hex @CloseRange
    ] + [];
    /// Return of keyctl(2).
    453 KeyctlExit "keyctl" exit Other Ordinary (NONE) [
        res: Errno/dec, operation: EnumFlags32/dec @Keyctl, arg2: Dyn/dec, arg3: Dyn/dec, arg4: Dyn/dec,
        arg5: Dyn/dec
    ] + [];
    /// Records were lost: how many per class, when, and whose state is no longer sure (pids as u32 little-endian).
    1024 Gap "gap" meta Internal Critical (NONE) [

    ] + [lost_ordinary: Uint64/dec, lost_state: Uint64/dec, lost_critical: Uint64/dec, first_ns: AbsTime/dec, last_ns: AbsTime/dec, pids: ByteBuf];
    /// Boot clock to wall clock: add `offset_ns` to `ts_ns` for epoch time from this record on.
    1025 Clock "clock" meta Internal Critical (NONE) [] + [offset_ns: Int64/dec];
    /// The host that was watched; replay asks no other host for these.
    1026 Host "host" meta Internal Critical (NONE) [

    ] + [hostname: CharBuf, utc_offset_s: Int32/dec, boot_epoch_ns: AbsTime/dec, num_cpus: Uint32/dec, kernel: CharBuf, self_pid: Pid/dec];
    /// What a checkpoint keeps of the task before it beyond what a scan can tell: whose tables it shares, how it is related.
    1027 TaskState "task_state" iter Process State (MODIFIES_STATE) [

    ] + [
        node: Uint64/dec, parent_node: Uint64/dec, files_tid: Pid/dec, fs_tid: Pid/dec, bits: Uint32/hex, last_ns: AbsTime/dec,
        told_ns: AbsTime/dec, scan_ns: AbsTime/dec, exec_ns: AbsTime/dec, cpu_ns: RelTime/dec, slice_ns: RelTime/dec,
        realflags: Flags8/hex @RealPath
    ];
    /// What a checkpoint keeps of one descriptor: all of it, or whose open file it shares.
    1028 TaskFileState "task_file_state" iter File State (MODIFIES_STATE) [

    ] + [
        fd: Fd32/dec, bits: Uint32/hex, at_ns: AbsTime/dec, file_tid: Pid/dec, file_fd: Fd32/dec, kind: Uint8/dec, name: FsPath,
        lexical: FsPath, raw: FsPath, path_flags: Uint8/hex, open_flags: Flags32/hex @Open, dev: Uint32/hex, ino: Uint64/dec,
        target: Pid/dec, socket: Uint64/hex, local: SockAddr, remote: SockAddr, unix_source: Uint64/hex, unix_peer: Uint64/hex,
        unix_path: ByteBuf
    ];
}
