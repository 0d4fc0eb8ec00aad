// SPDX-License-Identifier: Apache-2.0

//! The seccomp program of a started command: it stops the command at wanted calls only.
//!
//! ```text
//! architecture ── x86-64 ──┬─ plain number ─> tree ─┬─ wanted:   stop, data = ABI << 14 | creates << 13 | number
//!              │           └─ x32 bit cut  ─> tree ─┤
//!              ├─ i386 ─────────────────────> tree ─┴─ unwanted: go on
//!              └─ any other: go on
//! ```
//! Where an event of its own tells of a new task, only those calls of clone stop that hide the task from its tracer
//! (`CLONE_UNTRACED`).
//! A tree halves the numbers by comparing; a leaf decides. The data that comes with a stop tells the tracer ABI and
//! number as the kernel saw them, so it need not read registers at the start of a call; of calls that open files also
//! whether their flags say that one may be made. Programs that only load and compare number and architecture before
//! they let a call pass are cached by the kernel (5.11 and later): an unwanted call then costs nothing.

use crate::entry::{EntryPlan, O_CREAT};
use saker_driver_api::fillers::filler_for;
use saker_driver_api::record::Origin;
use saker_driver_api::syscalls::{X32_BIT, decode, nr};
use seccompiler::sock_filter;

/// Numbers of calls per ABI, as that ABI numbers them, x32 without its bit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) x64: CallSet,
    pub(crate) x32: CallSet,
    pub(crate) ia32: CallSet,
    pub(crate) clones: Clones,
}

/// At which calls of clone(2) the program stops, if it is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Clones {
    #[default]
    All,
    /// At those that no event tells of.
    Hiding,
}

/// A set of call numbers below [`CallSet::LIMIT`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CallSet([u64; Self::WORDS]);

impl Default for CallSet {
    fn default() -> Self {
        Self([0; Self::WORDS])
    }
}

impl CallSet {
    const WORDS: usize = 16;
    /// First number that no ABI uses.
    pub(crate) const LIMIT: u32 = 64 * 16;

    /// Adds a number; one past the limit is not kept.
    pub(crate) fn insert(&mut self, nr: u32) {
        if let Some(word) = self.0.get_mut(nr as usize / 64) {
            *word |= 1 << (nr % 64);
        }
    }

    pub(crate) fn contains(&self, nr: u32) -> bool {
        self.0.get(nr as usize / 64).is_some_and(|word| word >> (nr % 64) & 1 == 1)
    }

    /// Returns the set as text that [`CallSet::from_hex`] reads.
    pub(crate) fn to_hex(&self) -> String {
        self.0.iter().map(|word| format!("{word:016x}")).collect()
    }

    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let mut set = Self::default();
        if text.len() != Self::WORDS * 16 {
            return None;
        }
        for (at, word) in set.0.iter_mut().enumerate() {
            *word = u64::from_str_radix(text.get(at * 16..at * 16 + 16)?, 16).ok()?;
        }
        Some(set)
    }

    /// Returns where the set begins or ends: sorted numbers, a run of wanted ones starting at each even index.
    fn edges(&self) -> Vec<u32> {
        let mut before = false;
        (0..=Self::LIMIT)
            .filter(|nr| {
                let now = self.contains(*nr);
                core::mem::replace(&mut before, now) != now
            })
            .collect()
    }
}

const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;
const AUDIT_ARCH_I386: u32 = 0x4000_0003;
const RET_TRACE: u32 = 0x7ff0_0000;
const RET_ALLOW: u32 = 0x7fff_0000;
const ABI_SHIFT: u32 = 14;
/// In the data of a stop: the call may make a file.
const CREATES: u32 = 1 << 13;

const LD_ABS: u16 = 0x20;
const AND: u16 = 0x54;
const OR: u16 = 0x44;
const JA: u16 = 0x05;
const JEQ: u16 = 0x15;
const JGE: u16 = 0x35;
const RET: u16 = 0x06;
const RET_A: u16 = 0x16;
const OFFSET_NR: u32 = 0;
const OFFSET_ARCH: u32 = 4;
/// Lower half of the first argument; each argument has 8 bytes.
const OFFSET_ARGS: u32 = 16;
/// The new task is to have no tracer.
pub(crate) const CLONE_UNTRACED: u32 = 0x80_0000;

/// Returns the program; it leaves every call alone that is not wanted.
pub(crate) fn program(wanted: &Wanted) -> Vec<sock_filter> {
    let plain = tree(&wanted.x64, Origin::Syscall, wanted.clones);
    let x32 = tree(&wanted.x32, Origin::X32, wanted.clones);
    let ia32 = tree(&wanted.ia32, Origin::Ia32, wanted.clones);
    let mut x64 = vec![op(LD_ABS, OFFSET_NR)];
    branch(&mut x64, JGE, X32_BIT, plain, [vec![op(AND, !X32_BIT)], x32].concat());
    let ia32 = [vec![op(LD_ABS, OFFSET_NR)], ia32].concat();
    let mut others = Vec::new();
    branch(&mut others, JEQ, AUDIT_ARCH_I386, vec![op(RET, RET_ALLOW)], ia32);
    let mut program = vec![op(LD_ABS, OFFSET_ARCH)];
    branch(&mut program, JEQ, AUDIT_ARCH_X86_64, others, x64);
    program
}

/// What comes with a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StopData {
    pub(crate) origin: Origin,
    /// Number of the call in its ABI.
    pub(crate) native_nr: u32,
    /// Its open flags are in an argument and say that it may make a file.
    pub(crate) creates: bool,
}

impl StopData {
    pub(crate) fn read(data: i64) -> Option<Self> {
        let data = u32::try_from(data & 0xffff).ok()?;
        let origin = Origin::from_wire(u8::try_from(data >> ABI_SHIFT).ok()?)?;
        Some(Self { origin, native_nr: data & (CREATES - 1), creates: data & CREATES != 0 })
    }
}

fn op(code: u16, k: u32) -> sock_filter {
    sock_filter { code, jt: 0, jf: 0, k }
}

/// Appends: if the comparison holds go to `then`, else to `otherwise`; neither falls through.
fn branch(to: &mut Vec<sock_filter>, code: u16, k: u32, otherwise: Vec<sock_filter>, then: Vec<sock_filter>) {
    // A conditional jump reaches 255 instructions, a plain one any number.
    to.push(sock_filter { code, jt: 0, jf: 1, k });
    to.push(op(JA, u32::try_from(otherwise.len()).unwrap_or(u32::MAX)));
    to.extend(otherwise);
    to.extend(then);
}

fn tree(set: &CallSet, origin: Origin, clones: Clones) -> Vec<sock_filter> {
    let mut tree = subtree(&set.edges(), false, origin);
    for native in (0..CallSet::LIMIT).filter(|native| set.contains(*native)) {
        if let Some(leaf) = leaf(native, origin, clones) {
            let mut first = Vec::new();
            branch(&mut first, JEQ, native, tree, leaf);
            tree = first;
        }
    }
    tree
}

/// Returns what decides a wanted call by its arguments, for those that need it.
fn leaf(native: u32, origin: Origin, clones: Clones) -> Option<Vec<sock_filter>> {
    let nr = decode(native, origin);
    match (nr, clones) {
        (nr::CLONE, Clones::Hiding) => Some(hiding(native, origin)),
        _ => EntryPlan::of(filler_for(nr)).flags_arg().map(|arg| opening(native, arg, origin)),
    }
}

/// Stops at a clone(2) whose task no event will tell of.
fn hiding(native: u32, origin: Origin) -> Vec<sock_filter> {
    let mut to = vec![op(LD_ABS, OFFSET_ARGS), op(AND, CLONE_UNTRACED)];
    branch(&mut to, JEQ, 0, vec![stop_at(native, origin)], vec![op(RET, RET_ALLOW)]);
    to
}

fn stop_at(native: u32, origin: Origin) -> sock_filter {
    op(RET, RET_TRACE | (origin as u32) << ABI_SHIFT | native)
}

/// Stops at a call whose open flags are in argument `arg`, and tells whether they may make a file.
fn opening(native: u32, arg: u8, origin: Origin) -> Vec<sock_filter> {
    let stop = stop_at(native, origin);
    let mut to = vec![op(LD_ABS, OFFSET_ARGS + 8 * u32::from(arg)), op(AND, O_CREAT)];
    branch(&mut to, JEQ, 0, vec![op(RET, stop.k | CREATES)], vec![stop]);
    to
}

/// Decides a number for which only `edges` are open; below the first of them, numbers are wanted as `before` says.
fn subtree(edges: &[u32], before: bool, origin: Origin) -> Vec<sock_filter> {
    let middle = edges.len() / 2;
    let (Some(pivot), below, above) = (edges.get(middle), edges.get(..middle), edges.get(middle + 1..)) else {
        return match before {
            true => vec![op(OR, RET_TRACE | (origin as u32) << ABI_SHIFT), op(RET_A, 0)],
            false => vec![op(RET, RET_ALLOW)],
        };
    };
    let from_pivot = before ^ middle.is_multiple_of(2);
    let mut to = Vec::new();
    branch(
        &mut to,
        JGE,
        *pivot,
        subtree(below.unwrap_or_default(), before, origin),
        subtree(above.unwrap_or_default(), from_pivot, origin),
    );
    to
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// Runs the program as the kernel would.
    fn run(program: &[sock_filter], arch: u32, nr: u32) -> u32 {
        run_with(program, arch, nr, [0; 6])
    }

    fn run_with(program: &[sock_filter], arch: u32, nr: u32, args: [u32; 6]) -> u32 {
        let (mut at, mut a) = (0, 0);
        loop {
            let ins = &program[at];
            at += 1;
            match ins.code {
                LD_ABS => {
                    a = match ins.k {
                        OFFSET_NR => nr,
                        OFFSET_ARCH => arch,
                        at => args[(at - OFFSET_ARGS) as usize / 8],
                    }
                }
                AND => a &= ins.k,
                OR => a |= ins.k,
                JA => at += ins.k as usize,
                JEQ => at += usize::from(if a == ins.k { ins.jt } else { ins.jf }),
                JGE => at += usize::from(if a >= ins.k { ins.jt } else { ins.jf }),
                RET => return ins.k,
                RET_A => return a,
                other => panic!("no such code {other:#x}"),
            }
        }
    }

    fn wanted() -> Wanted {
        let mut wanted = Wanted::default();
        (0..400).filter(|nr| nr % 3 == 0 || nr % 7 == 1).for_each(|nr| wanted.x64.insert(nr));
        [0, 59, 257, 520, 547].into_iter().for_each(|nr| wanted.x32.insert(nr));
        [1, 2, 3, 4, 5, 11, 1023].into_iter().for_each(|nr| wanted.ia32.insert(nr));
        wanted
    }

    #[test]
    fn stops_at_wanted_calls_of_each_abi_and_at_no_others() {
        let wanted = wanted();
        let program = program(&wanted);
        assert!(program.len() < 4096, "the kernel takes no longer program, this one has {}", program.len());
        for (arch, bit, set, origin) in [
            (AUDIT_ARCH_X86_64, 0, &wanted.x64, Origin::Syscall),
            (AUDIT_ARCH_X86_64, X32_BIT, &wanted.x32, Origin::X32),
            (AUDIT_ARCH_I386, 0, &wanted.ia32, Origin::Ia32),
        ] {
            for nr in (0..1100).chain([5000, 0x3fff_ffff]) {
                let verdict = run(&program, arch, nr | bit);
                if set.contains(nr) {
                    assert_eq!(verdict & 0xffff_0000, RET_TRACE, "{origin:?} {nr}");
                    let data = StopData { origin, native_nr: nr, creates: false };
                    assert_eq!(StopData::read(i64::from(verdict)), Some(data));
                } else {
                    assert_eq!(verdict, RET_ALLOW, "{origin:?} {nr}");
                }
            }
        }
        assert_eq!(run(&program, 0xc000_00b7, 0), RET_ALLOW, "another architecture");
    }

    #[test]
    fn opens_that_may_make_a_file_are_marked() {
        let mut wanted = Wanted::default();
        [2, 257].into_iter().for_each(|nr| wanted.x64.insert(nr));
        [5, 257, 295].into_iter().for_each(|nr| wanted.ia32.insert(nr));
        let program = program(&wanted);
        let marked = |arch, nr, arg: usize, flags| {
            let mut args = [u32::MAX; 6];
            args[arg] = flags;
            StopData::read(i64::from(run_with(&program, arch, nr, args))).unwrap().creates
        };
        for (arch, nr, arg) in
            [(AUDIT_ARCH_X86_64, 2, 1), (AUDIT_ARCH_X86_64, 257, 2), (AUDIT_ARCH_I386, 5, 1), (AUDIT_ARCH_I386, 295, 2)]
        {
            assert!(marked(arch, nr, arg, 0o1101) && !marked(arch, nr, arg, 0o2), "{arch:#x} {nr}");
        }
        assert!(!marked(AUDIT_ARCH_I386, 257, 2, 0o100), "the number of another call");
    }

    #[test]
    fn where_events_tell_of_births_only_hiding_clones_stop() {
        let mut wanted = Wanted { clones: Clones::Hiding, ..Wanted::default() };
        [56, 59, 435].into_iter().for_each(|nr| wanted.x64.insert(nr));
        wanted.ia32.insert(120);
        let program = program(&wanted);
        let stops =
            |arch, nr, flags| run_with(&program, arch, nr, [flags, u32::MAX, 0, 0, 0, 0]) & 0xffff_0000 == RET_TRACE;
        for (arch, clone) in [(AUDIT_ARCH_X86_64, 56), (AUDIT_ARCH_I386, 120)] {
            assert!(!stops(arch, clone, !CLONE_UNTRACED) && stops(arch, clone, CLONE_UNTRACED | 0x11), "{arch:#x}");
        }
        assert!(stops(AUDIT_ARCH_X86_64, 435, 0), "clone3 has its flags in memory");
        assert!(stops(AUDIT_ARCH_X86_64, 59, 0) && !stops(AUDIT_ARCH_X86_64, 60, 0));
    }

    #[test]
    fn an_empty_set_allows_everything() {
        let program = program(&Wanted::default());
        assert_eq!(run(&program, AUDIT_ARCH_X86_64, 59), RET_ALLOW);
    }

    #[test]
    fn sets_survive_the_command_line() {
        let set = wanted().x64;
        assert_eq!(CallSet::from_hex(&set.to_hex()), Some(set));
        assert_eq!(CallSet::from_hex("zz"), None);
        assert_eq!(CallSet::from_hex(&"g".repeat(256)), None);
    }
}
