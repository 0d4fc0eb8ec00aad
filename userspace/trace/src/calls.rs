// SPDX-License-Identifier: Apache-2.0

//! Reading a call from the registers of a stopped thread.

use crate::filter::CLONE_UNTRACED;
use crate::memory;
use crate::resume::pid;
use nix::libc::user_regs_struct;
use nix::sys::ptrace;
use saker_driver_api::probe::Call;
use saker_driver_api::record::Origin;
use saker_driver_api::syscalls::{X32_BIT, decode, nr};

/// Architecture of a 32-bit call.
const AUDIT_ARCH_I386: u32 = 0x4000_0003;
/// `op` of a stop where a call starts.
const OP_ENTRY: u8 = 1;
/// Results that the kernel turns into a restart or into EINTR before the caller sees them.
const RESTARTS: [i64; 4] = [-512, -513, -514, -516];
const EINTR: i64 = 4;

/// Which side of a call a thread stopped at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Start,
    Return,
}

/// Returns side and ABI of the call a thread stopped at: only the kernel knows the ABI for sure, since 64-bit code may
/// make 32-bit calls. The x32 ABI is told by the number.
pub(crate) fn side(tid: u32) -> Option<(Side, Origin)> {
    let info = ptrace::syscall_info(pid(tid)?).ok()?;
    let side = if info.op == OP_ENTRY { Side::Start } else { Side::Return };
    Some((side, if info.arch == AUDIT_ARCH_I386 { Origin::Ia32 } else { Origin::Syscall }))
}

/// Returns the call that the registers of a stopped thread describe; `abi` is what [`side`] or the filter said.
pub(crate) fn read(tid: u32, abi: Origin) -> Option<Call> {
    Some(from_registers(&ptrace::getregs(pid(tid)?).ok()?, abi))
}

/// Whether a clone(2) or clone3(2) keeps the new task from being traced; no event tells of such a one.
pub(crate) fn hides_its_task(tid: u32, call: &Call) -> bool {
    let flags = match call.nr {
        nr::CLONE => Some(call.arg(0)),
        nr::CLONE3 => memory::array(tid, call.arg(0)).map(u64::from_ne_bytes),
        _ => None,
    };
    flags.is_some_and(|flags| flags & u64::from(CLONE_UNTRACED) != 0)
}

fn from_registers(regs: &user_regs_struct, abi: Origin) -> Call {
    #[expect(clippy::cast_possible_truncation, reason = "numbers of calls have 32 bits")]
    let raw = regs.orig_rax as u32;
    let low = |value: u64| value & 0xffff_ffff;
    let (origin, native_nr, args) = match abi {
        Origin::Ia32 => (Origin::Ia32, raw, [regs.rbx, regs.rcx, regs.rdx, regs.rsi, regs.rdi, regs.rbp].map(low)),
        _ => {
            let x32 = raw & X32_BIT != 0;
            let origin = if x32 { Origin::X32 } else { Origin::Syscall };
            (origin, raw & !X32_BIT, [regs.rdi, regs.rsi, regs.rdx, regs.r10, regs.r8, regs.r9])
        }
    };
    let ret = match regs.rax.cast_signed() {
        restart if RESTARTS.contains(&restart) => -EINTR,
        ret => ret,
    };
    Call { nr: decode(native_nr, origin), native_nr, origin, args, ret }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn registers(orig_rax: u64, rax: i64) -> user_regs_struct {
        // Any thread's registers will do; those that matter are replaced.
        user_regs_struct {
            orig_rax,
            rax: rax.cast_unsigned(),
            rdi: 1,
            rsi: 2,
            rdx: 3,
            r10: 4,
            r8: 5,
            r9: 6,
            rbx: 0xffff_ffff_0000_0007,
            rcx: 8,
            rbp: 9,
            r15: 0,
            r14: 0,
            r13: 0,
            r12: 0,
            r11: 0,
            rip: 0,
            cs: 0x33,
            eflags: 0,
            rsp: 0,
            ss: 0,
            fs_base: 0,
            gs_base: 0,
            ds: 0,
            es: 0,
            fs: 0,
            gs: 0,
        }
    }

    #[test]
    fn each_abi_has_its_own_registers_and_numbers() {
        let call = from_registers(&registers(257, 3), Origin::Syscall);
        assert_eq!((call.nr, call.origin, call.args, call.ret), (nr::OPENAT, Origin::Syscall, [1, 2, 3, 4, 5, 6], 3));
        let call = from_registers(&registers(0x4000_0000 | 520, -2), Origin::Syscall);
        assert_eq!((call.nr, call.native_nr, call.origin), (nr::EXECVE, 520, Origin::X32));
        assert!(call.failed());
        let call = from_registers(&registers(5, 3), Origin::Ia32);
        assert_eq!((call.nr, call.args), (nr::OPEN, [7, 8, 3, 2, 1, 9]), "upper halves mean nothing");
    }

    #[test]
    fn an_interrupted_call_says_so() {
        assert_eq!(from_registers(&registers(0, -512), Origin::Syscall).ret, -4);
    }
}
