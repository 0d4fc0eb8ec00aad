// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Files, directories, descriptors and file systems.

use super::Source::*;
use super::{nr, path, path_at, when, Filler, Hook, Last, Len, Test, Truth};
use super::{EventType as E, Fact as F};

/// `AT_SYMLINK_NOFOLLOW`.
const NOFOLLOW: u64 = 0x100;
/// `AT_SYMLINK_FOLLOW`.
const FOLLOW: u64 = 0x400;
/// `O_NOFOLLOW`; `O_CREAT | O_EXCL` keeps the link too, but then the call fails.
const O_NOFOLLOW: u64 = 0o400_000;

const OPENED: Truth = Truth::Kernel("security_file_open");
const UNLINKED: Truth = Truth::Kernel("filename_unlinkat");
const RENAMED: Truth = Truth::Kernel("filename_renameat2");
const MADE: Truth = Truth::Kernel("filename_mkdirat");
const REMOVED: Truth = Truth::Kernel("filename_rmdir");
const LINKED: Truth = Truth::Kernel("filename_linkat");
const SYMLINKED: Truth = Truth::Kernel("filename_symlinkat");

// Commands of fsconfig(2) by the type of their value.
const SETS_TEXT: Test = when(1, &[1, 3, 4]);
const SETS_BYTES: Test = when(1, &[2]);
const SETS_KEY: Test = when(1, &[0, 1, 2, 3, 4, 5]);

// Commands of quotactl(2) stand above the type of quota.
const fn quota(values: &'static [u32]) -> Test {
    Test { arg: 0, shift: 8, mask: 0x00ff_ffff, values }
}
const QUOTA_ON: Test = quota(&[0x0080_0002]);
const QUOTA_BLOCK: Test = quota(&[0x0080_0007, 0x0080_0008]);
const QUOTA_INFO: Test = quota(&[0x0080_0005, 0x0080_0006]);
const QUOTA_FORMAT: Test = quota(&[0x0080_0004]);

/// A close(2) that begins, for tables that need its effect alone: whatever it returns, an open descriptor is closed
/// (the kernel takes it out of the table first), and one that is not open needs no closing.
pub static CLOSE_BEGUN: Filler = Filler::new(Hook::Start, E::CloseExit, &[], &[Absent, Arg(0)]);

pub(super) const FILLERS: &[Filler] = &[
    Filler::call(
        E::OpenExit,
        &[nr::OPEN],
        &[
            Ret,
            Text(0),
            WithNew(&Flags(1)),
            OpenMode { flags: 1, mode: 2 },
            Fact(F::OpenedDev),
            Fact(F::OpenedIno),
            Fact(F::OpenedPath),
            Fact(F::OpenedFlags),
        ],
    )
    .paths(&[path(0, Last::FollowUnless(1, O_NOFOLLOW))])
    .truth(OPENED),
    Filler::call(
        E::OpenatExit,
        &[nr::OPENAT],
        &[
            Ret,
            Arg(0),
            Text(1),
            WithNew(&Flags(2)),
            OpenMode { flags: 2, mode: 3 },
            Fact(F::OpenedDev),
            Fact(F::OpenedIno),
            Fact(F::OpenedPath),
            Fact(F::OpenedFlags),
        ],
    )
    .paths(&[path_at(0, 1, Last::FollowUnless(2, O_NOFOLLOW))])
    .truth(OPENED),
    Filler::call(
        E::Openat2Exit,
        &[nr::OPENAT2],
        &[
            Ret,
            Arg(0),
            Text(1),
            WithNew(&UserFlags(2, 0, 8)),
            User(2, 8, 4),
            UserFlags(2, 16, 8),
            Fact(F::OpenedDev),
            Fact(F::OpenedIno),
            Fact(F::OpenedPath),
            Fact(F::OpenedFlags),
        ],
    )
    .paths(&[path_at(0, 1, Last::Follow)])
    .truth(OPENED),
    Filler::call(
        E::CreatExit,
        &[nr::CREAT],
        &[
            Ret,
            Text(0),
            Arg(1),
            Fact(F::OpenedDev),
            Fact(F::OpenedIno),
            WithNew(&Const(0)),
            Fact(F::OpenedPath),
            Fact(F::OpenedFlags),
        ],
    )
    .paths(&[path(0, Last::Follow)])
    .truth(OPENED),
    Filler::call(
        E::OpenByHandleAtExit,
        &[nr::OPEN_BY_HANDLE_AT],
        &[
            Ret,
            Arg(0),
            Flags(2),
            Fact(F::OpenedPath),
            Fact(F::OpenedDev),
            Fact(F::OpenedIno),
            Fact(F::OpenedPath),
            Fact(F::OpenedFlags),
        ],
    )
    .truth(OPENED),
    Filler::call(E::CloseExit, &[nr::CLOSE], &[Ret, Arg(0)]),
    Filler::call(E::CloseRangeExit, &[nr::CLOSE_RANGE], &[Ret, Arg(0), Arg(1), Flags(2)]),
    Filler::call(E::DupExit, &[nr::DUP], &[Ret, Arg(0)]),
    Filler::call(E::Dup2Exit, &[nr::DUP2], &[Ret, Arg(0), Arg(1)]),
    Filler::call(E::Dup3Exit, &[nr::DUP3], &[Ret, Arg(0), Arg(1), FdFlags(2)]),
    Filler::call(E::FcntlExit, &[nr::FCNTL, nr::FCNTL64], &[Ret, Arg(0), Flags(1), Arg(2)]),
    Filler::call(E::FlockExit, &[nr::FLOCK], &[Ret, Arg(0), Flags(1)]),
    Filler::call(E::IoctlExit, &[nr::IOCTL], &[Ret, Arg(0), Arg(1), Arg(2)]),
    Filler::call(E::LseekExit, &[nr::LSEEK], &[Ret, Arg(0), Long(1), Flags(2)]),
    Filler::call(E::LlseekExit, &[nr::LLSEEK], &[Ret, Arg(0), HighLow(1, 2), Flags(4)]),
    Filler::call(E::GetdentsExit, &[nr::GETDENTS], &[Ret, Arg(0)]),
    Filler::call(E::Getdents64Exit, &[nr::GETDENTS64], &[Ret, Arg(0)]),
    Filler::call(E::MemfdCreateExit, &[nr::MEMFD_CREATE], &[Ret, Text(0), Flags(1)]).truth(Truth::UserMemory),
    // Reading and writing.
    Filler::call(E::ReadExit, &[nr::READ], &[Ret, Data(1, Len::Ret), Arg(0), Arg(2)]).truth(Truth::UserMemory),
    Filler::call(E::WriteExit, &[nr::WRITE], &[Ret, Data(1, Len::RetOrArg(2)), Arg(0), Arg(2)])
        .truth(Truth::UserMemory),
    Filler::call(E::PreadExit, &[nr::PREAD64], &[Ret, Data(1, Len::Ret), Arg(0), Arg(2), Position(3)])
        .truth(Truth::UserMemory),
    Filler::call(E::PwriteExit, &[nr::PWRITE64], &[Ret, Data(1, Len::RetOrArg(2)), Arg(0), Arg(2), Position(3)])
        .truth(Truth::UserMemory),
    Filler::call(E::ReadvExit, &[nr::READV], &[Ret, IovSize(1, 2), Iov(1, 2, Len::Ret), Arg(0)])
        .truth(Truth::UserMemory),
    Filler::call(E::WritevExit, &[nr::WRITEV], &[Ret, Iov(1, 2, Len::RetOrAll), Arg(0), IovSize(1, 2)])
        .truth(Truth::UserMemory),
    Filler::call(E::PreadvExit, &[nr::PREADV], &[Ret, IovSize(1, 2), Iov(1, 2, Len::Ret), Arg(0), Position(3)])
        .truth(Truth::UserMemory),
    Filler::call(E::PwritevExit, &[nr::PWRITEV], &[Ret, Iov(1, 2, Len::RetOrAll), Arg(0), IovSize(1, 2), Position(3)])
        .truth(Truth::UserMemory),
    Filler::call(E::SendfileExit, &[nr::SENDFILE], &[Ret, UserLong(2, 0), Arg(0), Arg(1), Arg(3)]),
    Filler::call(E::SendfileExit, &[nr::SENDFILE64], &[Ret, User(2, 0, 8), Arg(0), Arg(1), Arg(3)]),
    Filler::call(
        E::CopyFileRangeExit,
        &[nr::COPY_FILE_RANGE],
        &[Ret, Arg(2), User(3, 0, 8), Arg(0), User(1, 0, 8), Arg(4)],
    ),
    Filler::call(E::SpliceExit, &[nr::SPLICE], &[Ret, Arg(0), Arg(2), Arg(4), Flags(5)]),
    // Names.
    Filler::call(E::RenameExit, &[nr::RENAME], &[Ret, Text(0), Text(1), Fact(F::RealPath), Fact(F::RealPath2)])
        .paths(&[path(0, Last::Keep), path(1, Last::Keep)])
        .truth(RENAMED),
    Filler::call(
        E::RenameatExit,
        &[nr::RENAMEAT],
        &[Ret, Arg(0), Text(1), Arg(2), Text(3), Fact(F::RealPath), Fact(F::RealPath2)],
    )
    .paths(&[path_at(0, 1, Last::Keep), path_at(2, 3, Last::Keep)])
    .truth(RENAMED),
    Filler::call(
        E::Renameat2Exit,
        &[nr::RENAMEAT2],
        &[Ret, Arg(0), Text(1), Arg(2), Text(3), Flags(4), Fact(F::RealPath), Fact(F::RealPath2)],
    )
    .paths(&[path_at(0, 1, Last::Keep), path_at(2, 3, Last::Keep)])
    .truth(RENAMED),
    Filler::call(E::LinkExit, &[nr::LINK], &[Ret, Text(0), Text(1), Fact(F::RealPath), Fact(F::RealPath2)])
        .paths(&[path(0, Last::Keep), path(1, Last::Keep)])
        .truth(LINKED),
    Filler::call(
        E::LinkatExit,
        &[nr::LINKAT],
        &[Ret, Arg(0), Text(1), Arg(2), Text(3), Flags(4), Fact(F::RealPath), Fact(F::RealPath2)],
    )
    .paths(&[path_at(0, 1, Last::KeepUnless(4, FOLLOW)), path_at(2, 3, Last::Keep)])
    .truth(LINKED),
    Filler::call(E::SymlinkExit, &[nr::SYMLINK], &[Ret, Text(0), Text(1), Fact(F::RealPath)])
        .paths(&[path(1, Last::Keep)])
        .truth(SYMLINKED),
    Filler::call(E::SymlinkatExit, &[nr::SYMLINKAT], &[Ret, Text(0), Arg(1), Text(2), Fact(F::RealPath)])
        .paths(&[path_at(1, 2, Last::Keep)])
        .truth(SYMLINKED),
    Filler::call(E::UnlinkExit, &[nr::UNLINK], &[Ret, Text(0), Fact(F::RealPath)])
        .paths(&[path(0, Last::Keep)])
        .truth(UNLINKED),
    Filler::call(E::UnlinkatExit, &[nr::UNLINKAT], &[Ret, Arg(0), Text(1), Flags(2), Fact(F::RealPath)])
        .paths(&[path_at(0, 1, Last::Keep)])
        .truth(UNLINKED),
    Filler::call(E::MkdirExit, &[nr::MKDIR], &[Ret, Text(0), Arg(1), Fact(F::RealPath)])
        .paths(&[path(0, Last::Keep)])
        .truth(MADE),
    Filler::call(E::MkdiratExit, &[nr::MKDIRAT], &[Ret, Arg(0), Text(1), Arg(2), Fact(F::RealPath)])
        .paths(&[path_at(0, 1, Last::Keep)])
        .truth(MADE),
    Filler::call(E::RmdirExit, &[nr::RMDIR], &[Ret, Text(0), Fact(F::RealPath)])
        .paths(&[path(0, Last::Keep)])
        .truth(REMOVED),
    Filler::call(E::MknodExit, &[nr::MKNOD], &[Ret, Text(0), Flags(1), Arg(2), Fact(F::RealPath)])
        .paths(&[path(0, Last::Keep)]),
    Filler::call(E::MknodatExit, &[nr::MKNODAT], &[Ret, Arg(0), Text(1), Flags(2), Arg(3), Fact(F::RealPath)])
        .paths(&[path_at(0, 1, Last::Keep)]),
    // Attributes.
    Filler::call(E::ChmodExit, &[nr::CHMOD], &[Ret, Text(0), Flags(1), Fact(F::RealPath)])
        .paths(&[path(0, Last::Follow)]),
    Filler::call(E::FchmodExit, &[nr::FCHMOD], &[Ret, Arg(0), Flags(1)]).truth(Truth::Descriptor),
    Filler::call(E::FchmodatExit, &[nr::FCHMODAT], &[Ret, Arg(0), Text(1), Flags(2), Fact(F::RealPath)])
        .paths(&[path_at(0, 1, Last::Follow)]),
    Filler::call(E::ChownExit, &[nr::CHOWN], &[Ret, Text(0), Id(1), Id(2), Fact(F::RealPath)])
        .paths(&[path(0, Last::Follow)]),
    Filler::call(E::LchownExit, &[nr::LCHOWN], &[Ret, Text(0), Id(1), Id(2), Fact(F::RealPath)])
        .paths(&[path(0, Last::Keep)]),
    Filler::call(E::FchownExit, &[nr::FCHOWN], &[Ret, Arg(0), Id(1), Id(2)]).truth(Truth::Descriptor),
    Filler::call(
        E::FchownatExit,
        &[nr::FCHOWNAT],
        &[Ret, Arg(0), Text(1), Arg(2), Arg(3), Flags(4), Fact(F::RealPath)],
    )
    .paths(&[path_at(0, 1, Last::FollowUnless(4, NOFOLLOW))]),
    Filler::call(E::AccessExit, &[nr::ACCESS], &[Ret, Text(0), Flags(1), Fact(F::RealPath)])
        .paths(&[path(0, Last::Follow)]),
    Filler::call(E::StatExit, &[nr::STAT], &[Ret, Text(0), Fact(F::RealPath)]).paths(&[path(0, Last::Follow)]),
    Filler::call(E::LstatExit, &[nr::LSTAT], &[Ret, Text(0), Fact(F::RealPath)]).paths(&[path(0, Last::Keep)]),
    Filler::call(E::FstatExit, &[nr::FSTAT], &[Ret, Arg(0)]).truth(Truth::Descriptor),
    Filler::call(E::Stat64Exit, &[nr::STAT64], &[Ret, Text(0)]).truth(Truth::UserMemory),
    Filler::call(E::Lstat64Exit, &[nr::LSTAT64], &[Ret, Text(0)]).truth(Truth::UserMemory),
    Filler::call(E::Fstat64Exit, &[nr::FSTAT64], &[Ret]),
    Filler::call(E::NewfstatatExit, &[nr::NEWFSTATAT], &[Ret, Arg(0), Text(1), Flags(3), Fact(F::RealPath)])
        .paths(&[path_at(0, 1, Last::FollowUnless(3, NOFOLLOW))]),
    // Where a process is.
    Filler::call(E::GetcwdExit, &[nr::GETCWD], &[Ret, OnSuccess(&TextOut(0))]).truth(Truth::UserMemory),
    Filler::call(E::ChdirExit, &[nr::CHDIR], &[Ret, Text(0), OnSuccess(&Fact(F::Cwd))])
        .paths(&[path(0, Last::Follow)])
        .truth(Truth::Task),
    Filler::call(E::FchdirExit, &[nr::FCHDIR], &[Ret, Arg(0), OnSuccess(&Fact(F::Cwd))]).truth(Truth::Task),
    Filler::call(E::ChrootExit, &[nr::CHROOT], &[Ret, Text(0), OnSuccess(&Fact(F::Root)), OnSuccess(&Fact(F::Cwd))])
        .paths(&[path(0, Last::Follow)])
        .truth(Truth::Task),
    // File systems.
    Filler::call(E::MountExit, &[nr::MOUNT], &[Ret, Text(0), Text(1), Text(2), Flags(3), Fact(F::RealPath)])
        .paths(&[path(1, Last::Follow)]),
    Filler::call(E::UmountExit, &[nr::UMOUNT], &[Ret, Text(0), Fact(F::RealPath)]).paths(&[path(0, Last::Follow)]),
    Filler::call(E::Umount2Exit, &[nr::UMOUNT2], &[Ret, Text(0), Flags(1), Fact(F::RealPath)])
        .paths(&[path(0, Last::FollowUnless(1, 8))]),
    Filler::call(
        E::FsconfigExit,
        &[nr::FSCONFIG],
        &[
            Ret,
            Arg(0),
            Flags(1),
            When(SETS_KEY, &Text(2), &Absent),
            When(SETS_BYTES, &Data(3, Len::Arg(4)), &Absent),
            When(SETS_TEXT, &Text(3), &Absent),
            Int(4),
        ],
    )
    .truth(Truth::UserMemory),
    Filler::call(
        E::QuotactlExit,
        &[nr::QUOTACTL],
        &[
            Ret,
            Text(1),
            When(QUOTA_ON, &Text(3), &Absent),
            When(QUOTA_BLOCK, &User(3, 0, 8), &Absent),
            When(QUOTA_BLOCK, &User(3, 8, 8), &Absent),
            When(QUOTA_BLOCK, &User(3, 16, 8), &Absent),
            When(QUOTA_BLOCK, &User(3, 24, 8), &Absent),
            When(QUOTA_BLOCK, &User(3, 32, 8), &Absent),
            When(QUOTA_BLOCK, &User(3, 48, 8), &Absent),
            When(QUOTA_BLOCK, &User(3, 56, 8), &Absent),
            When(QUOTA_INFO, &User(3, 0, 8), &Absent),
            When(QUOTA_INFO, &User(3, 8, 8), &Absent),
            When(QUOTA_INFO, &UserFlags(3, 16, 4), &Absent),
            When(QUOTA_FORMAT, &UserFlags(3, 0, 4), &Absent),
            Part(0, 8, 0x00ff_ffff),
            Part(0, 0, 0xff),
            Arg(2),
            When(QUOTA_ON, &Flags(2), &Const(1)),
        ],
    )
    .truth(Truth::UserMemory),
];
