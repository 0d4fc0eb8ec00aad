// SPDX-License-Identifier: Apache-2.0

//! Programs whose files would give privileges that a traced process does not get.

use crate::notice::Privilege;
use crate::proc::Proc;
use crate::tracer::Mode;
use std::os::fd::AsRawFd as _;

const SETUID: u32 = 0o4000;
/// Setgid, and the right of the group to run it: without that it means something else.
const SETGID: u32 = 0o2010;

/// Returns which privilege the program that `tid` runs now did not give it.
///
/// A started command may not gain any (`no_new_privs`). For a process that was running before, the kernel decides by the
/// tracer's own rights, so nothing is said.
pub(crate) fn withheld(proc: &mut Proc, tid: u32, mode: Mode) -> Option<Privilege> {
    if mode == Mode::Attached {
        return None;
    }
    let stat = proc.stat(format_args!("{tid}/exe")).ok()?;
    if stat.st_mode & SETUID != 0 && stat.st_uid != rustix::process::geteuid().as_raw() {
        return Some(Privilege::User);
    }
    if stat.st_mode & SETGID == SETGID && stat.st_gid != rustix::process::getegid().as_raw() {
        return Some(Privilege::Group);
    }
    if rustix::process::geteuid().is_root() {
        return None;
    }
    let exe = proc.open_path(format_args!("{tid}/exe")).ok()?;
    let path = format!("/proc/self/fd/{}", exe.as_raw_fd());
    rustix::fs::getxattr(path, "security.capability", &mut [0_u8; 64][..]).ok().map(|_| Privilege::Capabilities)
}
