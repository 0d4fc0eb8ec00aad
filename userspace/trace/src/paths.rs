// SPDX-License-Identifier: Apache-2.0

//! Where a path argument leads, found out when the call begins: afterwards the name may be gone.
//!
//! The directory part is opened as the caller would walk it, from its own root, working directory or descriptor, and
//! the kernel is asked for the real path of what was opened. For calls that work on the name and not on what a link
//! points to, such as unlink(2), the last component is appended as it is.

use crate::proc::Proc;
use crate::task_facts::shown_path;
use rustix::fs::{Mode, OFlags, ResolveFlags, Stat, fstat, openat, openat2};
use rustix::io::Errno;
use saker_driver_api::fillers::PathArg;
use saker_driver_api::probe::Call;
use std::os::fd::{AsRawFd as _, OwnedFd};

const AT_FDCWD: i32 = -100;

/// A real path, in a buffer that is used again.
#[derive(Debug, Default)]
pub(crate) struct RealPath {
    pub(crate) path: Vec<u8>,
    pub(crate) state: RealPathState,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RealPathState {
    /// Nobody asked, or the call has no such path.
    #[default]
    None,
    Found,
    Unreadable,
}

/// Resolves path arguments of threads.
#[derive(Debug)]
pub(crate) struct PathReader {
    own_root: Option<(u64, u64)>,
}

impl PathReader {
    pub(crate) fn new(proc: &mut Proc) -> Self {
        let own_root = proc.stat(format_args!("self/root")).ok().map(|stat| identity(&stat));
        Self { own_root }
    }

    /// Resolves the path `text` in `arg` of a call that begins.
    pub(crate) fn resolve(
        &self,
        proc: &mut Proc,
        who: (u32, u32),
        (call, arg): (&Call, &PathArg),
        text: &[u8],
        to: &mut RealPath,
    ) {
        to.path.clear();
        let walk = self.walk(who, call, arg);
        let found = match arg.follows(call) {
            true => walk.follow(proc, text, &mut to.path).or_else(|_| walk.keep(proc, text, &mut to.path)),
            false => walk.keep(proc, text, &mut to.path),
        };
        to.state = if found.is_ok() { RealPathState::Found } else { RealPathState::Unreadable };
    }

    /// Returns whether there is a file where the path `text` leads, links followed; `None` if that cannot be seen.
    pub(crate) fn exists(
        &self,
        proc: &mut Proc,
        who: (u32, u32),
        (call, arg): (&Call, &PathArg),
        text: &[u8],
    ) -> Option<bool> {
        match self.walk(who, call, arg).open(proc, text) {
            Ok(_) => Some(true),
            Err(Errno::NOENT) => Some(false),
            Err(_) => None,
        }
    }

    fn walk(&self, (tid, tgid): (u32, u32), call: &Call, arg: &PathArg) -> Walk {
        #[expect(clippy::cast_possible_truncation, reason = "the kernel, too, looks at the low half of a descriptor")]
        let dir = arg.dirfd.map_or(AT_FDCWD, |dir| call.arg(dir) as i32);
        Walk { tid, tgid, dir, own_root: self.own_root }
    }
}

fn identity(stat: &Stat) -> (u64, u64) {
    (stat.st_dev, stat.st_ino)
}

/// One caller's view of the file system.
struct Walk {
    tid: u32,
    tgid: u32,
    dir: i32,
    own_root: Option<(u64, u64)>,
}

impl Walk {
    /// Resolves all of the path, a link at its end too. An empty path is the descriptor itself.
    fn follow(&self, proc: &mut Proc, text: &[u8], to: &mut Vec<u8>) -> Result<(), Errno> {
        to.clear();
        let found = self.open(proc, text)?;
        append_path_of(proc, &found, to)
    }

    /// Resolves all but the last component.
    fn keep(&self, proc: &mut Proc, text: &[u8], to: &mut Vec<u8>) -> Result<(), Errno> {
        let (parent, last) = split(text);
        self.follow(proc, parent, to)?;
        if !last.is_empty() {
            if !to.ends_with(b"/") {
                to.push(b'/');
            }
            to.extend_from_slice(last);
        }
        Ok(())
    }

    fn open(&self, proc: &mut Proc, path: &[u8]) -> Result<OwnedFd, Errno> {
        if path.starts_with(b"/") {
            let own = self.through_self(path);
            let root = proc.open_path(format_args!("{}/root", self.tid)).map_err(unseen)?;
            return self.open_under(&root, own.as_deref().unwrap_or(path));
        }
        let base = self.base(proc).map_err(unseen)?;
        if path.is_empty() { Ok(base) } else { self.open_from(proc, &base, path) }
    }

    fn base(&self, proc: &mut Proc) -> Result<OwnedFd, Errno> {
        let Self { tid, dir, .. } = self;
        match *dir {
            AT_FDCWD => proc.open_path(format_args!("{tid}/cwd")),
            fd => proc.open_path(format_args!("{tid}/fd/{fd}")),
        }
    }

    /// `/proc/self` is the caller's, not ours.
    fn through_self(&self, path: &[u8]) -> Option<Vec<u8>> {
        let Self { tid, tgid, .. } = self;
        let swap = |prefix: &[u8], own: String| {
            let rest = path.strip_prefix(prefix).filter(|rest| rest.is_empty() || rest.starts_with(b"/"))?;
            Some([own.as_bytes(), rest].concat())
        };
        swap(b"/proc/self", format!("/proc/{tgid}"))
            .or_else(|| swap(b"/proc/thread-self", format!("/proc/{tgid}/task/{tid}")))
    }

    /// Opens a path from the caller's root.
    fn open_under(&self, root: &OwnedFd, path: &[u8]) -> Result<OwnedFd, Errno> {
        if self.shares_root(root) {
            return openat(root, path, WALK, Mode::empty());
        }
        // Absolute links must start at the caller's root, too.
        openat2(root, path, WALK, Mode::empty(), ResolveFlags::IN_ROOT)
    }

    /// Opens a path from a directory of the caller.
    fn open_from(&self, proc: &mut Proc, base: &OwnedFd, path: &[u8]) -> Result<OwnedFd, Errno> {
        let root = proc.open_path(format_args!("{}/root", self.tid)).map_err(unseen)?;
        if self.shares_root(&root) {
            return openat(base, path, WALK, Mode::empty());
        }
        let mut root_path = Vec::new();
        append_path_of(proc, &root, &mut root_path)?;
        let mut from_root = Vec::new();
        append_path_of(proc, base, &mut from_root)?;
        let inside = from_root.strip_prefix(root_path.as_slice()).unwrap_or(&from_root);
        self.open_under(&root, &[inside, b"/", path].concat())
    }

    fn shares_root(&self, root: &OwnedFd) -> bool {
        fstat(root).is_ok_and(|stat| Some(identity(&stat)) == self.own_root)
    }
}

const WALK: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);

/// Splits off the last component; `.` and `..` are no names and stay with the directory.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    let slashes = text.iter().rev().take_while(|b| **b == b'/').count();
    if slashes == text.len() {
        return (text, b"");
    }
    let text = text.get(..text.len() - slashes).unwrap_or_default();
    let at = text.iter().rposition(|b| *b == b'/').map_or(0, |slash| slash + 1);
    match text.split_at(at) {
        (_, b"" | b"." | b"..") => (text, b""),
        (parent, last) => (parent, last),
    }
}

fn append_path_of(proc: &mut Proc, fd: &OwnedFd, to: &mut Vec<u8>) -> Result<(), Errno> {
    let unlinked = fstat(fd)?.st_nlink == 0;
    let link = proc.link(format_args!("self/fd/{}", fd.as_raw_fd())).map_err(unseen)?;
    to.extend_from_slice(shown_path(link, unlinked).0);
    Ok(())
}

/// What `/proc` does not show says nothing about the file the path leads to.
fn unseen(_: Errno) -> Errno {
    Errno::SRCH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_component_is_split_off() {
        for (text, parent, last) in [
            ("/etc/shadow", "/etc/", "shadow"),
            ("shadow", "", "shadow"),
            ("a/b//", "a/", "b"),
            ("a/..", "a/..", ""),
            (".", ".", ""),
            ("/", "/", ""),
            ("", "", ""),
        ] {
            assert_eq!(split(text.as_bytes()), (parent.as_bytes(), last.as_bytes()), "{text:?}");
        }
    }
}
