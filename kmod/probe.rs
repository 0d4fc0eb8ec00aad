// SPDX-License-Identifier: GPL-2.0-only

//! The probes: what the kernel calls at the return of system calls, and when programs and tasks begin and end.
//!
//! ```text
//! sys_exit ── bitmap: not wanted ─> return
//!          └─ wanted: decode, unwrap, emit
//! sched_process_exec, _fork, _exit ─> emit
//! ```
//! Contexts: all run in the task that does it, preemptible, and may sleep (sys_exit is faultable; the others run under
//! SRCU). No lock is held between them and [`emit`](crate::emit::emit). A probe gets the capture as its data; it
//! is freed after all probes that were given it have returned.

use crate::capture::Capture;
use crate::context::{About, Happening};
use crate::driver_api::capture::unwrap_call;
use crate::driver_api::fillers::{child_filler_for, filler_for, EXEC, EXECVEAT, PROC_EXIT};
use crate::driver_api::probe::Call;
use crate::driver_api::record::Origin;
use crate::driver_api::syscalls::{decode, nr, ONLY_32, X32_BIT};
use crate::emit::emit;
use crate::shim;
use crate::unwrapped::Registers;
use core::ffi::c_void;
use core::ptr::null_mut;
use kernel::bindings;
use kernel::error::to_result;
use kernel::ffi::{c_int, c_long};
use kernel::prelude::*;
use kernel::sync::Arc;

/// Bit of `thread_info.status`: the call came through the 32-bit entry.
const TS_COMPAT: u32 = 2;
/// Results that say a call is to be made again after a signal; the caller sees EINTR or nothing.
const RESTARTS: core::ops::RangeInclusive<i64> = -516..=-512;
const EINTR: i64 = -4;
const KERNEL_THREAD: u32 = bindings::PF_KTHREAD;

/// One tracepoint and the function it calls.
#[derive(Clone, Copy)]
struct Probe {
    name: &'static CStr,
    function: *mut c_void,
}

/// The probes that are attached to a capture.
pub(crate) struct Attached {
    capture: *const Capture,
    points: [*mut bindings::tracepoint; PROBES],
    /// What hooks.c has attached, or NULL.
    hooks: *mut c_void,
}

// SAFETY: tracepoints of the kernel itself live for ever; the capture outlives its probes.
unsafe impl Send for Attached {}

const PROBES: usize = 4;

fn probes() -> [Probe; PROBES] {
    [
        Probe { name: c"sched_process_fork", function: forked as *mut c_void },
        Probe { name: c"sched_process_exec", function: executed as *mut c_void },
        Probe { name: c"sched_process_exit", function: ended as *mut c_void },
        Probe { name: c"sys_exit", function: returned as *mut c_void },
    ]
}

impl Attached {
    /// Attaches all probes, or none.
    ///
    /// # Errors
    /// ENOENT when the kernel lacks one of the tracepoints; errors of the registration.
    pub(crate) fn new(capture: &Arc<Capture>) -> Result<Self> {
        // From here on `drop` detaches whatever is attached.
        let mut attached = Self { capture: &**capture, points: [null_mut(); PROBES], hooks: null_mut() };
        for (slot, probe) in attached.points.iter_mut().zip(probes()) {
            let point = find(probe.name).ok_or(ENOENT)?;
            // SAFETY: the function has the signature of this tracepoint, and the capture outlives its probes.
            to_result(unsafe {
                bindings::tracepoint_probe_register(point, probe.function, (attached.capture as *mut Capture).cast())
            })?;
            *slot = point;
        }
        // SAFETY: sleeping is allowed here, and the capture outlives its hooks.
        let hooks = unsafe { shim::saker_hooks_attach(attached.capture.cast()) };
        // SAFETY: `hooks` is what the function just returned.
        to_result(unsafe { shim::saker_hooks_error(hooks) } as c_int)?;
        attached.hooks = hooks;
        Ok(attached)
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        for (point, probe) in self.points.iter().zip(probes()) {
            if !point.is_null() {
                // SAFETY: registered in `new` with the same function and data, and not unregistered since.
                unsafe {
                    bindings::tracepoint_probe_unregister(*point, probe.function, (self.capture as *mut Capture).cast())
                };
            }
        }
        // Last, because each waits for a while: calls that nobody records any more should not pay meanwhile.
        if !self.hooks.is_null() {
            // SAFETY: attached in `new` and not detached since; sleeping is allowed here.
            unsafe { shim::saker_hooks_detach(self.hooks) };
        }
    }
}

struct Search {
    name: &'static CStr,
    found: *mut bindings::tracepoint,
}

fn find(name: &'static CStr) -> Option<*mut bindings::tracepoint> {
    let mut search = Search { name, found: null_mut() };
    // SAFETY: the callback gets `search` back, which lives through the call.
    unsafe { bindings::for_each_kernel_tracepoint(Some(compare), (&raw mut search).cast()) };
    Some(search.found).filter(|found| !found.is_null())
}

/// # Safety
/// Called by [`find`] with a tracepoint and its [`Search`].
unsafe extern "C" fn compare(point: *mut bindings::tracepoint, search: *mut c_void) {
    // SAFETY: by this function's contract.
    let search = unsafe { &mut *search.cast::<Search>() };
    // SAFETY: by this function's contract; a tracepoint's name never changes.
    let name = unsafe { (*point).name };
    // SAFETY: both are NUL-terminated and live for ever.
    if unsafe { bindings::strcmp(name, search.name.as_ptr().cast()) } == 0 {
        search.found = point;
    }
}

const fn is_failure(ret: i64) -> bool {
    ret < 0 && ret >= -4095
}

/// # Safety
/// Called by the tracepoint `sys_exit` with the capture it was registered with and the registers of the current task.
unsafe extern "C" fn returned(data: *mut c_void, regs: *mut bindings::pt_regs, ret: c_long) {
    // SAFETY: the capture outlives its probes.
    let capture = unsafe { &*data.cast::<Capture>() };
    // SAFETY: the registers are the current task's own.
    let number = unsafe { (*regs).orig_ax };
    let task = current();
    // SAFETY: the current task is valid, and this field is its own.
    let compat = unsafe { (*task).thread_info.status } & TS_COMPAT != 0;
    // PERF: most calls end here, after one look at the set of what is wanted; so nothing is set up before it is needed.
    if !compat && number < ONLY_32 as usize {
        if capture.wants(number as u32, is_failure(ret as i64)) {
            // SAFETY: as above.
            unsafe { own_abi(capture, regs, ret as i64) };
        }
        return;
    }
    // SAFETY: as above.
    unsafe { other_abi(capture, task, regs, ret as i64, compat) };
}

/// Records a call of the 64-bit ABI.
///
/// # Safety
/// `regs` are the registers of the current task.
#[inline(never)]
unsafe fn own_abi(capture: &Capture, regs: *mut bindings::pt_regs, ret: i64) {
    // SAFETY: by this function's contract.
    let number = unsafe { (*regs).orig_ax } as u32;
    // SAFETY: by this function's contract.
    unsafe { wanted(capture, current(), regs, (number, number, Origin::Syscall), ret) };
}

/// Returns the current task, without the call that `Task::current_raw` is.
#[inline(always)]
pub(crate) fn current() -> *mut bindings::task_struct {
    let task: *mut bindings::task_struct;
    // SAFETY: reads the per-CPU variable that `current` is in C, for a task that moves as well.
    unsafe {
        core::arch::asm!(
            "mov {}, qword ptr gs:[rip + const_current_task]",
            out(reg) task,
            options(pure, readonly, nostack, preserves_flags)
        );
    }
    task
}

/// Looks at a call of another ABI, or with a number that no call has.
///
/// # Safety
/// `task` is the current task and `regs` are its registers.
#[inline(never)]
unsafe fn other_abi(
    capture: &Capture,
    task: *mut bindings::task_struct,
    regs: *mut bindings::pt_regs,
    ret: i64,
    compat: bool,
) {
    // SAFETY: by this function's contract.
    let number = unsafe { (*regs).orig_ax };
    // After rt_sigreturn and the like the number is -1: no call that anybody made.
    if number as i32 == -1 {
        return;
    }
    let raw = number as u32;
    let (native, origin) = match (compat, raw & X32_BIT != 0) {
        (true, _) => (raw, Origin::Ia32),
        (false, true) => (raw & !X32_BIT, Origin::X32),
        (false, false) => (raw, Origin::Syscall),
    };
    let call = decode(raw, origin);
    let stands_for_others = origin == Origin::Ia32 && matches!(call, nr::SOCKETCALL | nr::IPC);
    let failed = is_failure(ret);
    let is_wanted = match call {
        Call::UNKNOWN => capture.wants_unknown(failed),
        call => stands_for_others || capture.wants(call, failed),
    };
    if is_wanted {
        // SAFETY: by this function's contract.
        unsafe { wanted(capture, task, regs, (call, native, origin), ret) };
    }
}

/// Records a call that returned.
///
/// # Safety
/// `task` is the current task and `regs` are its registers.
#[inline(always)]
unsafe fn wanted(
    capture: &Capture,
    task: *mut bindings::task_struct,
    regs: *mut bindings::pt_regs,
    (number, native_nr, origin): (u32, u32, Origin),
    ret: i64,
) {
    // These are recorded where they happen: a new program, and the start of a new task, which returns 0.
    if ret == 0 && (matches!(number, nr::EXECVE | nr::EXECVEAT) || child_filler_for(number).is_some()) {
        return;
    }
    // SAFETY: by this function's contract.
    let regs = unsafe { &*regs };
    let ret = if RESTARTS.contains(&ret) { EINTR } else { ret };
    let mut call = Call { nr: number, native_nr, origin, args: arguments(regs, origin), ret };
    if origin == Origin::Ia32 {
        call = unwrap_call(&mut Registers { call });
        if call.nr != number && !capture.wants(call.nr, call.failed()) {
            return;
        }
    }
    // SAFETY: the current task is valid as long as it runs this.
    let about = unsafe { About::of(task, call, Happening::Return) };
    emit(capture, &about, filler_for(call.nr));
}

fn arguments(regs: &bindings::pt_regs, origin: Origin) -> [u64; 6] {
    match origin {
        Origin::Ia32 => [regs.bx, regs.cx, regs.dx, regs.si, regs.di, regs.bp].map(|reg| reg as u32 as u64),
        _ => [regs.di, regs.si, regs.dx, regs.r10, regs.r8, regs.r9].map(|reg| reg as u64),
    }
}

/// Returns the call that the current task is in, by its registers.
pub(crate) fn current_call(task: *mut bindings::task_struct) -> Call {
    // SAFETY: the current task has registers at the top of its stack.
    let regs = unsafe { &*shim::saker_current_regs() };
    // SAFETY: the caller passes the current task.
    let compat = unsafe { (*task).thread_info.status } & TS_COMPAT != 0;
    let raw = regs.orig_ax as u32;
    let origin = match (compat, raw & X32_BIT != 0) {
        (true, _) => Origin::Ia32,
        (false, true) => Origin::X32,
        (false, false) => Origin::Syscall,
    };
    // PERF: most calls are of the 64-bit ABI, whose numbers are the ones we use.
    let nr = if origin == Origin::Syscall && raw < ONLY_32 { raw } else { decode(raw, origin) };
    Call { nr, native_nr: raw & !X32_BIT, origin, args: arguments(regs, origin), ret: 0 }
}

/// # Safety
/// Called by the tracepoint `sched_process_fork` in the task `parent`; `child` exists and does not run yet.
unsafe extern "C" fn forked(data: *mut c_void, parent: *mut bindings::task_struct, child: *mut bindings::task_struct) {
    // SAFETY: the capture outlives its probes.
    let capture = unsafe { &*data.cast::<Capture>() };
    // SAFETY: by this function's contract; the flags of the parent are the current task's own.
    let flags = unsafe { (*parent).flags };
    if flags & KERNEL_THREAD != 0 {
        return;
    }
    let call = current_call(parent);
    let Some(filler) = child_filler_for(call.nr) else { return };
    // SAFETY: by this function's contract.
    let about = unsafe { About::of(child, call, Happening::Fork(parent)) };
    emit(capture, &about, filler);
}

/// # Safety
/// Called by the tracepoint `sched_process_exec` in the task `task`, which has become the program of `bprm`.
unsafe extern "C" fn executed(
    data: *mut c_void,
    task: *mut bindings::task_struct,
    _old_pid: c_int,
    bprm: *mut bindings::linux_binprm,
) {
    // SAFETY: the capture outlives its probes.
    let capture = unsafe { &*data.cast::<Capture>() };
    // SAFETY: by this function's contract.
    let by_descriptor = unsafe { shim::saker_program_by_descriptor(bprm.cast()) };
    let (number, filler) = if by_descriptor { (nr::EXECVEAT, &EXECVEAT) } else { (nr::EXECVE, &EXEC) };
    // The registers are the new program's: nothing is left of the call but its success.
    let call = Call { nr: number, native_nr: number, origin: Origin::Syscall, args: [0; 6], ret: 0 };
    // SAFETY: by this function's contract.
    let name = unsafe { shim::saker_program_name(bprm.cast()) };
    // SAFETY: the name is NUL-terminated.
    let len = unsafe { bindings::strlen(name) };
    // SAFETY: `len` bytes from `name` were just looked at, and live as long as `bprm`.
    let name = unsafe { core::slice::from_raw_parts(name.cast::<u8>(), len as usize) };
    // SAFETY: by this function's contract.
    let about = unsafe { About::of(task, call, Happening::Exec(name)) };
    emit(capture, &about, filler);
}

/// # Safety
/// Called by the tracepoint `sched_process_exit` in the task `task`.
unsafe extern "C" fn ended(data: *mut c_void, task: *mut bindings::task_struct, _group_dead: bool) {
    // SAFETY: the capture outlives its probes.
    let capture = unsafe { &*data.cast::<Capture>() };
    // SAFETY: by this function's contract; the flags are the current task's own.
    let flags = unsafe { (*task).flags };
    if flags & KERNEL_THREAD != 0 {
        return;
    }
    let call = Call { nr: Call::UNKNOWN, native_nr: 0, origin: Origin::Syscall, args: [0; 6], ret: 0 };
    // SAFETY: by this function's contract.
    let about = unsafe { About::of(task, call, Happening::Exit) };
    emit(capture, &about, &PROC_EXIT);
}
