// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Tables about files and descriptors.

use super::{table, Kind, Table};

// The access mode is a number in the kernel, so its three rows have no kernel value: see `FlagTable::coded`.
pub(super) const OPEN: Table = table!(set {
    "O_LARGEFILE" = 0x800 <- 0o100000,
    "O_DIRECTORY" = 0x400 <- 0o200000,
    "O_DIRECT" = 0x200 <- 0o40000,
    "O_TRUNC" = 0x100 <- 0o1000,
    "O_SYNC" = 0x80 <- 0o4010000,
    "O_NONBLOCK" = 0x40 <- 0o4000,
    "O_EXCL" = 0x20 <- 0o200,
    "O_DSYNC" = 0x10 <- 0o10000,
    "O_APPEND" = 0x8 <- 0o2000,
    "O_CREAT" = 0x4 <- 0o100,
    "O_RDWR" = 0x3,
    "O_WRONLY" = 0x2,
    "O_RDONLY" = 0x1,
    "O_CLOEXEC" = 0x1000 <- 0o2000000,
    "O_NONE" = 0,
    "O_TMPFILE" = 0x2000 <- 0o20200000,
    "O_F_CREATED" = 0x4000,
    "FD_UPPER_LAYER" = 0x8000,
    "FD_LOWER_LAYER" = 0x10000,
});

pub(super) const CREAT: Table = table!(set {
    "FD_UPPER_LAYER_CREAT" = 1,
    "FD_LOWER_LAYER_CREAT" = 2,
    // As in the flags of the other opens; peers do not know it here.
    "O_F_CREATED" = 0x4000,
});

pub(super) const REAL_PATH: Table = table!(set {
    "DELETED" = 1 <- 1,
    "UNREACHABLE" = 2 <- 2,
    "MEMFD" = 4 <- 4,
});

pub(super) const OPEN_RESOLVE: Table = table!(set {
    "RESOLVE_BENEATH" = 0x1 <- 0x8,
    "RESOLVE_IN_ROOT" = 0x2 <- 0x10,
    "RESOLVE_NO_MAGICLINKS" = 0x4 <- 0x2,
    "RESOLVE_NO_SYMLINKS" = 0x8 <- 0x4,
    "RESOLVE_NO_XDEV" = 0x10 <- 0x1,
    "RESOLVE_CACHED" = 0x20 <- 0x20,
});

pub(super) const MODE: Table = table!(set_keeping 0xffff {
    "S_IXOTH" = 0o1,
    "S_IWOTH" = 0o2,
    "S_IROTH" = 0o4,
    "S_IXGRP" = 0o10,
    "S_IWGRP" = 0o20,
    "S_IRGRP" = 0o40,
    "S_IXUSR" = 0o100,
    "S_IWUSR" = 0o200,
    "S_IRUSR" = 0o400,
    "S_ISVTX" = 0o1000,
    "S_ISGID" = 0o2000,
    "S_ISUID" = 0o4000,
    "S_IFSOCK" = 0o140000,
    "S_IFREG" = 0o100000,
    "S_IFBLK" = 0o60000,
    "S_IFCHR" = 0o20000,
    "S_IFIFO" = 0o10000,
});

pub(super) const ACCESS: Table = table!(set {
    "F_OK" = 0,
    "R_OK" = 4 <- 4,
    "W_OK" = 2 <- 2,
    "X_OK" = 1 <- 1,
});

pub(super) const FLOCK: Table = table!(set {
    "LOCK_SH" = 1 <- 1,
    "LOCK_EX" = 2 <- 2,
    "LOCK_NB" = 4 <- 4,
    "LOCK_UN" = 8 <- 8,
    "LOCK_NONE" = 0,
});

pub(super) const WHENCE: Table = table!(one_or 255 {
    "SEEK_END" = 2 <- 2,
    "SEEK_CUR" = 1 <- 1,
    "SEEK_SET" = 0 <- 0,
    "SEEK_DATA" = 3 <- 3,
    "SEEK_HOLE" = 4 <- 4,
});

pub(super) const FCNTL: Table = table!(one_or 0 {
    "F_GETPIPE_SZ" = 29 <- 1032,
    "F_SETPIPE_SZ" = 28 <- 1031,
    "F_NOTIFY" = 27 <- 1026,
    "F_DUPFD_CLOEXEC" = 26 <- 1030,
    "F_CANCELLK" = 25 <- 1029,
    "F_GETLEASE" = 24 <- 1025,
    "F_SETLEASE" = 23 <- 1024,
    "F_GETOWN_EX" = 22 <- 16,
    "F_SETOWN_EX" = 21 <- 15,
    "F_SETLKW64" = 19 <- 14,
    "F_SETLK64" = 18 <- 13,
    "F_GETLK64" = 17 <- 12,
    "F_GETSIG" = 15 <- 11,
    "F_SETSIG" = 13 <- 10,
    "F_GETOWN" = 12 <- 9,
    "F_SETOWN" = 10 <- 8,
    "F_SETLKW" = 9 <- 7,
    "F_SETLK" = 8 <- 6,
    "F_GETLK" = 6 <- 5,
    "F_SETFL" = 5 <- 4,
    "F_GETFL" = 4 <- 3,
    "F_SETFD" = 3 <- 2,
    "F_GETFD" = 2 <- 1,
    "F_DUPFD" = 1 <- 0,
    "F_OFD_GETLK" = 30 <- 36,
    "F_OFD_SETLK" = 31 <- 37,
    "F_OFD_SETLKW" = 32 <- 38,
    "UNKNOWN" = 0,
});

pub(super) const MOUNT: Table = table!(set {
    "RDONLY" = 0x1 <- 0x1,
    "NOSUID" = 0x2 <- 0x2,
    "NODEV" = 0x4 <- 0x4,
    "NOEXEC" = 0x8 <- 0x8,
    "SYNCHRONOUS" = 0x10 <- 0x10,
    "REMOUNT" = 0x20 <- 0x20,
    "MANDLOCK" = 0x40 <- 0x40,
    "DIRSYNC" = 0x80 <- 0x80,
    "NOSYMFOLLOW" = 0x100 <- 0x100,
    "NOATIME" = 0x400 <- 0x400,
    "NODIRATIME" = 0x800 <- 0x800,
    "BIND" = 0x1000 <- 0x1000,
    "MOVE" = 0x2000 <- 0x2000,
    "REC" = 0x4000 <- 0x4000,
    "SILENT" = 0x8000 <- 0x8000,
    "POSIXACL" = 0x10000 <- 0x10000,
    "UNBINDABLE" = 0x20000 <- 0x20000,
    "PRIVATE" = 0x40000 <- 0x40000,
    "SLAVE" = 0x80000 <- 0x80000,
    "SHARED" = 0x100000 <- 0x100000,
    "RELATIME" = 0x200000 <- 0x200000,
    "KERNMOUNT" = 0x400000 <- 0x400000,
    "I_VERSION" = 0x800000 <- 0x800000,
    "STRICTATIME" = 0x1000000 <- 0x1000000,
    "LAZYTIME" = 0x2000000 <- 0x2000000,
    "NOSEC" = 0x10000000 <- 0x10000000,
    "BORN" = 0x20000000 <- 0x20000000,
    "ACTIVE" = 0x40000000 <- 0x40000000,
    "NOUSER" = 0x80000000 <- 0x80000000,
});

pub(super) const UMOUNT: Table = table!(set {
    "FORCE" = 1 <- 1,
    "DETACH" = 2 <- 2,
    "EXPIRE" = 4 <- 4,
    "NOFOLLOW" = 8 <- 8,
});

pub(super) const UNLINKAT: Table = table!(set { "AT_REMOVEDIR" = 0x200 <- 0x200 });

pub(super) const LINKAT: Table = table!(set {
    "AT_SYMLINK_FOLLOW" = 0x400 <- 0x400,
    "AT_EMPTY_PATH" = 0x1000 <- 0x1000,
});

pub(super) const NEWFSTATAT: Table = table!(set {
    "AT_EMPTY_PATH" = 0x1000 <- 0x1000,
    "AT_NO_AUTOMOUNT" = 0x800 <- 0x800,
    "AT_SYMLINK_NOFOLLOW" = 0x100 <- 0x100,
});

// The portable number of "do not follow" is, in this table only, that of "follow" elsewhere.
pub(super) const FCHOWNAT: Table = table!(set {
    "AT_SYMLINK_NOFOLLOW" = 0x400 <- 0x100,
    "AT_EMPTY_PATH" = 0x1000 <- 0x1000,
});

pub(super) const RENAME: Table = table!(set {
    "RENAME_NOREPLACE" = 1 <- 1,
    "RENAME_EXCHANGE" = 2 <- 2,
    "RENAME_WHITEOUT" = 4 <- 4,
});

pub(super) const CLOSE_RANGE: Table = table!(set {
    "CLOSE_RANGE_UNSHARE" = 2 <- 2,
    "CLOSE_RANGE_CLOEXEC" = 4 <- 4,
});

pub(super) const MEMFD: Table = table!(set {
    "MFD_CLOEXEC" = 1 <- 1,
    "MFD_ALLOW_SEALING" = 2 <- 2,
    "MFD_HUGETLB" = 4 <- 4,
    "MFD_NOEXEC_SEAL" = 8 <- 8,
    "MFD_EXEC" = 16 <- 16,
});

pub(super) const FSCONFIG: Table = table!(one_or 0xffff_ffff {
    "FSCONFIG_SET_FLAG" = 0 <- 0,
    "FSCONFIG_SET_STRING" = 1 <- 1,
    "FSCONFIG_SET_BINARY" = 2 <- 2,
    "FSCONFIG_SET_PATH" = 3 <- 3,
    "FSCONFIG_SET_PATH_EMPTY" = 4 <- 4,
    "FSCONFIG_SET_FD" = 5 <- 5,
    "FSCONFIG_CMD_CREATE" = 6 <- 6,
    "FSCONFIG_CMD_RECONFIGURE" = 7 <- 7,
});

pub(super) const FD_TYPE: Table = table!(one_or 0 {
    "ANON_INODE_FD_TYPE_UNKNOWN" = 0,
    "ANON_INODE_FD_TYPE_EVENTFD" = 1 <- 1,
    "ANON_INODE_FD_TYPE_EVENTPOLL" = 2 <- 2,
    "ANON_INODE_FD_TYPE_INOTIFY" = 3 <- 3,
    "ANON_INODE_FD_TYPE_SIGNALFD" = 4 <- 4,
    "ANON_INODE_FD_TYPE_TIMERFD" = 5 <- 5,
    "ANON_INODE_FD_TYPE_IO_URING" = 6 <- 6,
    "ANON_INODE_FD_TYPE_USERFAULTFD" = 7 <- 7,
    "ANON_INODE_FD_TYPE_PIDFD" = 8 <- 8,
    "ANON_INODE_FD_TYPE_BPF_MAP" = 9 <- 9,
    "ANON_INODE_FD_TYPE_BPF_PROG" = 10 <- 10,
    "ANON_INODE_FD_TYPE_BPF_LINK" = 11 <- 11,
    "ANON_INODE_FD_TYPE_PERF_EVENT" = 12 <- 12,
    "ANON_INODE_FD_TYPE_DMABUF" = 13 <- 13,
});
