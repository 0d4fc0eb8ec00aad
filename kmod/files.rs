// SPDX-License-Identifier: GPL-2.0-only

//! Facts about files: what a call opened, what a task executes, where it stands.

use crate::context::Context;
use crate::driver_api::param::ParamStatus;
use crate::driver_api::probe::Fact;
use crate::facts::PATH_BYTES;
use crate::shim;
use kernel::bindings;

/// `RealPath` bits.
const DELETED: u64 = 1;
const MEMFD: u64 = 4;
/// `Exec` bits.
const EXE_WRITABLE: u64 = 1;
const EXE_UPPER_LAYER: u64 = 2;
const EXE_FROM_MEMFD: u64 = 4;
const EXE_LOWER_LAYER: u64 = 8;
const CAP_DAC_OVERRIDE: u64 = 1 << 1;
const CAP_FOWNER: u64 = 1 << 3;
/// What the kernel writes behind the path of a file without a name.
const DELETED_SUFFIX: &[u8] = b" (deleted)";
const MEMFD_PREFIX: &[u8] = b"/memfd:";

/// A reference to an open file.
pub(crate) struct FileRef(*mut bindings::file);

impl FileRef {
    /// Takes the file that descriptor `fd` of the current task is now.
    pub(crate) fn of_descriptor(fd: i64) -> Option<Self> {
        let fd = u32::try_from(fd).ok()?;
        // SAFETY: any number may be asked for; the result is NULL or a reference that is ours.
        Self::owned(unsafe { bindings::fget_raw(fd) })
    }

    /// Takes the file that a process executes.
    ///
    /// # Safety
    /// `mm` stays valid during the call.
    pub(crate) unsafe fn executed_by(mm: *mut bindings::mm_struct) -> Option<Self> {
        // SAFETY: by this function's contract; the result is NULL or a reference that is ours.
        Self::owned(unsafe { shim::saker_exe_file(mm) })
    }

    fn owned(file: *mut bindings::file) -> Option<Self> {
        if file.is_null() {
            None
        } else {
            Some(Self(file))
        }
    }

    pub(crate) fn as_ptr(&self) -> *mut bindings::file {
        self.0
    }

    pub(crate) fn inode(&self) -> shim::Inode {
        let mut inode = shim::Inode::default();
        // SAFETY: the file is referenced by `self`, and `inode` has the layout that the function writes.
        unsafe { shim::saker_inode(self.0, &mut inode) };
        inode
    }

    fn path(&self) -> *const bindings::path {
        // SAFETY: the file is referenced by `self`.
        unsafe { shim::saker_file_path(self.0) }
    }
}

impl Drop for FileRef {
    fn drop(&mut self) {
        // SAFETY: gives back the reference; the last one is put off to where sleeping is allowed.
        unsafe { bindings::fput(self.0) };
    }
}

/// Moves a text from the end of `room` to its start; returns its length.
pub(crate) fn to_start(room: &mut [u8], len: isize) -> Option<usize> {
    let len = usize::try_from(len).ok()?;
    // The kernel wrote it with its NUL at the very end.
    let start = room.len().checked_sub(len.saturating_add(1))?;
    let mut i = 0;
    while i < len {
        let byte = *room.get(start.saturating_add(i))?;
        *room.get_mut(i)? = byte;
        i = i.saturating_add(1);
    }
    Some(len)
}

/// Splits what the kernel says of a path into the path's length and its `RealPath` bits.
pub(crate) fn shown(path: &[u8], unlinked: bool) -> (usize, u64) {
    let (path, deleted) = match path.strip_suffix(DELETED_SUFFIX) {
        Some(path) if unlinked => (path, DELETED),
        _ => (path, 0),
    };
    // A memory file has no name that could be deleted.
    let flags = if unlinked && path.starts_with(MEMFD_PREFIX) { MEMFD } else { deleted };
    (path.len(), flags)
}

impl Context<'_> {
    /// Keeps the path of a file; returns its `RealPath` bits.
    fn file_path(&mut self, fact: Fact, file: &FileRef, unlinked: bool) -> Option<u64> {
        let host = self.capture.host_root();
        let room = self.facts.room(PATH_BYTES);
        let mut at = core::ptr::null_mut();
        // SAFETY: the file holds its path, the capture holds the root, `room` is writable for its length.
        let len = unsafe { shim::saker_path(file.path(), host, room.as_mut_ptr(), room.len() as i32, &mut at) };
        let Some(len) = to_start(room, len) else {
            self.facts.unreadable(fact);
            return None;
        };
        let (len, flags) = shown(room.get(..len).unwrap_or_default(), unlinked);
        self.facts.keep(fact, len, ParamStatus::OK);
        Some(flags)
    }

    /// What the call opened, as the kernel opened it; where no hook saw that, what the returned descriptor is now.
    pub(crate) fn opened(&mut self) {
        if let Some(inode) = self.capture.slots().give_opened(self.about, self.facts) {
            self.opened_inode(&inode);
            let flags = self.facts.shorten_path(Fact::OpenedPath, |path| shown(path, inode.unlinked != 0));
            return self.facts.int(Fact::OpenedFlags, flags);
        }
        const ALL: [Fact; 4] = [Fact::OpenedPath, Fact::OpenedFlags, Fact::OpenedDev, Fact::OpenedIno];
        let Some(file) = FileRef::of_descriptor(self.about.call.ret) else {
            return ALL.iter().for_each(|fact| self.facts.unreadable(*fact));
        };
        let inode = file.inode();
        self.opened_inode(&inode);
        match self.file_path(Fact::OpenedPath, &file, inode.unlinked != 0) {
            Some(flags) => self.facts.int(Fact::OpenedFlags, flags),
            None => self.facts.unreadable(Fact::OpenedFlags),
        }
    }

    fn opened_inode(&mut self, inode: &shim::Inode) {
        self.facts.int(Fact::OpenedDev, inode.dev);
        self.facts.int(Fact::OpenedIno, inode.ino);
        self.facts.int(Fact::OpenedNew, u64::from(inode.created));
    }

    /// What the task executes, given its credentials.
    pub(crate) fn executable(&mut self, mm: *mut bindings::mm_struct, euid: u32, egid: u32, effective: u64) {
        const ALL: [Fact; 6] =
            [Fact::ExePath, Fact::ExeRealFlags, Fact::ExeFlags, Fact::ExeIno, Fact::ExeCtime, Fact::ExeMtime];
        // SAFETY: the task holds its memory as long as it is the one we are about.
        let Some(file) = (unsafe { FileRef::executed_by(mm) }) else {
            return ALL.iter().for_each(|fact| self.facts.unreadable(*fact));
        };
        let inode = file.inode();
        let real = self.file_path(Fact::ExePath, &file, inode.unlinked != 0);
        match real {
            Some(flags) => self.facts.int(Fact::ExeRealFlags, flags),
            None => self.facts.unreadable(Fact::ExeRealFlags),
        }
        let memfd = if real.unwrap_or(0) & MEMFD == 0 { 0 } else { EXE_FROM_MEMFD };
        let writable = if may_write(&inode, euid, egid, effective) { EXE_WRITABLE } else { 0 };
        let layer = match inode.layer {
            0 => 0,
            1 => EXE_UPPER_LAYER,
            _ => EXE_LOWER_LAYER,
        };
        self.facts.int(Fact::ExeFlags, memfd | writable | layer);
        self.facts.int(Fact::ExeIno, inode.ino);
        self.facts.int(Fact::ExeCtime, epoch_ns(inode.ctime_s, inode.ctime_ns));
        self.facts.int(Fact::ExeMtime, epoch_ns(inode.mtime_s, inode.mtime_ns));
    }

    /// The root or the working directory of the task.
    pub(crate) fn place(&mut self, fact: Fact) {
        let host = self.capture.host_root();
        let task = self.about.task;
        let root = fact == Fact::Root;
        let room = self.facts.room(PATH_BYTES);
        let mut at = core::ptr::null_mut();
        // SAFETY: the task is current or does not run yet, the capture holds the root, `room` is writable for its length.
        let len = unsafe { shim::saker_place(task, root, host, room.as_mut_ptr(), room.len() as i32, &mut at) };
        match to_start(room, len) {
            Some(len) => self.facts.keep(fact, len, ParamStatus::OK),
            None => self.facts.unreadable(fact),
        }
    }
}

fn may_write(inode: &shim::Inode, euid: u32, egid: u32, effective: u64) -> bool {
    let bit = if effective & (CAP_DAC_OVERRIDE | CAP_FOWNER) != 0 {
        return true;
    } else if inode.uid == euid {
        0o200
    } else if inode.gid == egid {
        0o020
    } else {
        0o002
    };
    inode.mode & bit != 0
}

fn epoch_ns(seconds: i64, nanoseconds: u32) -> u64 {
    (seconds.max(0) as u64).saturating_mul(1_000_000_000).saturating_add(nanoseconds.into())
}
