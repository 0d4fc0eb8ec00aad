// SPDX-License-Identifier: GPL-2.0-only

//! Declares what shim.c and hooks.c define; they say what each function is called with.

use core::ffi::c_void;
use kernel::bindings;
use kernel::ffi::{c_char, c_int, c_long};
use kernel::prelude::*;

/// What the kernel knows of a file's inode.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Inode {
    pub(crate) ino: u64,
    pub(crate) dev: u64,
    pub(crate) ctime_s: i64,
    pub(crate) mtime_s: i64,
    pub(crate) ctime_ns: u32,
    pub(crate) mtime_ns: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) mode: u32,
    pub(crate) unlinked: u32,
    pub(crate) layer: u32,
    pub(crate) created: u32,
}
const _: () = assert!(size_of::<Inode>() == 64);

/// The two ends of a socket.
#[derive(Clone, Copy, Zeroable)]
#[repr(C)]
pub(crate) struct Socket {
    pub(crate) local: [u8; 16],
    pub(crate) peer: [u8; 16],
    pub(crate) ino: u64,
    pub(crate) peer_ino: u64,
    pub(crate) family: u16,
    pub(crate) local_port: u16,
    pub(crate) peer_port: u16,
    pub(crate) path_bytes: u16,
    pub(crate) backlog: u32,
    pub(crate) backlog_max: u32,
    pub(crate) path: [u8; 112],
}
const _: () = assert!(size_of::<Socket>() == 176);

impl Default for Socket {
    fn default() -> Self {
        pin_init::zeroed()
    }
}

/// One end of a call, as hooks.c found it: an entry of a directory, or with no entry the path itself.
#[repr(C)]
pub(crate) struct Named {
    path: *const bindings::path,
    entry: *const bindings::dentry,
}

/// How much memory a process uses.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub(crate) struct Memory {
    pub(crate) size_pages: u64,
    pub(crate) resident_pages: u64,
    pub(crate) swapped_pages: u64,
}
const _: () = assert!(size_of::<Memory>() == 24);

#[allow(improper_ctypes, reason = "structures of the kernel go by pointer; some hold empty ones")]
extern "C" {
    pub(crate) fn saker_path(
        path: *const bindings::path,
        host: *const bindings::path,
        buf: *mut u8,
        size: c_int,
        at: *mut *mut u8,
    ) -> c_long;
    pub(crate) fn saker_place(
        task: *mut bindings::task_struct,
        root: bool,
        host: *const bindings::path,
        buf: *mut u8,
        size: c_int,
        at: *mut *mut u8,
    ) -> c_long;
    pub(crate) fn saker_entry_path(
        named: *const Named,
        host: *const bindings::path,
        buf: *mut u8,
        size: c_int,
        at: *mut *mut u8,
    ) -> c_long;
    pub(crate) fn saker_hooks_attach(capture: *const c_void) -> *mut c_void;
    pub(crate) fn saker_hooks_detach(hooks: *mut c_void);
    pub(crate) fn saker_hooks_error(hooks: *const c_void) -> c_long;
    pub(crate) fn saker_host_root(root: *mut bindings::path);
    pub(crate) fn saker_exe_file(mm: *mut bindings::mm_struct) -> *mut bindings::file;
    pub(crate) fn saker_inode(file: *const bindings::file, out: *mut Inode) -> c_long;
    pub(crate) fn saker_socket(file: *mut bindings::file, out: *mut Socket) -> c_long;
    pub(crate) fn saker_memory(mm: *mut bindings::mm_struct, out: *mut Memory);
    pub(crate) fn saker_current_regs() -> *mut bindings::pt_regs;
    pub(crate) fn saker_reaper(task: *mut bindings::task_struct) -> u32;
    pub(crate) fn saker_cgroup(task: *mut bindings::task_struct, buf: *mut u8, size: c_int) -> c_long;
    pub(crate) fn saker_tty() -> u32;
    pub(crate) fn saker_loginuid(task: *mut bindings::task_struct) -> u32;
    pub(crate) fn saker_first_start_ns(task: *mut bindings::task_struct) -> u64;
    pub(crate) fn saker_pid_in_own_namespace(task: *mut bindings::task_struct, kind: u32) -> u32;
    pub(crate) fn saker_open_files_limit(task: *mut bindings::task_struct) -> u64;
    pub(crate) fn saker_file_path(file: *const bindings::file) -> *const bindings::path;
    pub(crate) fn saker_program_name(bprm: *const c_void) -> *const c_char;
    pub(crate) fn saker_program_by_descriptor(bprm: *const c_void) -> bool;
    pub(crate) fn saker_timer_set_up(
        timer: *mut bindings::timer_list,
        run: unsafe extern "C" fn(*mut bindings::timer_list),
    );
    pub(crate) fn saker_timer_arm(timer: *mut bindings::timer_list, ms: u32);
    pub(crate) fn saker_timer_end(timer: *mut bindings::timer_list);
    pub(crate) fn saker_wait_for_probes();
    pub(crate) fn saker_copy_text(into: *mut u8, from: *const u8, size: c_long) -> c_long;
}
