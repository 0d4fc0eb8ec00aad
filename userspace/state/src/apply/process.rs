//! What a living task changes about itself: credentials, name, directories, session, group, namespaces, memory.

use super::flag;
use super::lifecycle::set_cwd;
use crate::State;
use crate::context::{Context, EventPath, PathRole, event_path};
use crate::pool::Key;
use crate::process::{Comm, ProcessInfo, ThreadInfo, UNSET_ID};
use saker_driver_api::event::{EventType as E, at};
use saker_driver_api::flags::FlagTable;
use saker_event::Event;
use saker_event::render::AT_FDCWD;

const CLONE_FILES: u64 = flag(FlagTable::Clone, "CLONE_FILES");
const CLONE_FS: u64 = flag(FlagTable::Clone, "CLONE_FS");
const CLONE_NEWNS: u64 = flag(FlagTable::Clone, "CLONE_NEWNS");
const PR_SET_NAME: u64 = flag(FlagTable::Prctl, "PR_SET_NAME");

/// CPUs whose switches are followed; ids above are taken as one.
const MAX_CPUS: usize = 8192;

/// Returns whether the event belongs to this family.
pub(super) fn before(state: &mut State, kind: E, event: &Event<'_>, ctx: &Context) -> bool {
    let Some(thread) = ctx.thread else {
        if kind == E::Switch {
            switch(state, event, None);
        }
        return kind == E::Switch;
    };
    match kind {
        E::SetuidExit | E::SetreuidExit | E::SetresuidExit | E::SetgidExit | E::SetregidExit | E::SetresgidExit => {
            credentials(state, kind, event, thread);
        }
        E::CapsetExit => state.change_thread(thread, |thread| {
            let credentials = &mut thread.credentials;
            let caps = (credentials.cap_inheritable, credentials.cap_permitted, credentials.cap_effective);
            credentials.cap_inheritable = event.uint(at::CapsetExit::cap_inheritable).unwrap_or(caps.0);
            credentials.cap_permitted = event.uint(at::CapsetExit::cap_permitted).unwrap_or(caps.1);
            credentials.cap_effective = event.uint(at::CapsetExit::cap_effective).unwrap_or(caps.2);
        }),
        E::PrctlExit => {
            if event.uint(at::PrctlExit::option) == Some(PR_SET_NAME)
                && let Some(name) = event.text(at::PrctlExit::arg2_str)
            {
                state.change_thread(thread, |thread| thread.comm = Comm::new(name));
            }
        }
        E::ChdirExit | E::FchdirExit => chdir(state, kind, event, ctx, thread),
        E::ChrootExit => chroot(state, event, ctx, thread),
        E::SetsidExit => setsid(state, thread),
        E::SetpgidExit => setpgid(state, event, thread),
        E::UnshareExit => unshare(state, event, thread),
        E::SetnsExit => setns(state, event, thread),
        E::Switch => switch(state, event, Some(thread)),
        E::BrkExit | E::MmapExit | E::Mmap2Exit | E::MunmapExit => memory(state, event, thread),
        _ => return false,
    }
    true
}

fn process_of(state: &State, thread: Key<ThreadInfo>) -> Option<Key<ProcessInfo>> {
    state.threads.get(thread).map(|thread| thread.process)
}

/// The record says what the kernel made of it; captures that do not say are taken by the call's own arguments.
fn credentials(state: &mut State, kind: E, event: &Event<'_>, thread: Key<ThreadInfo>) {
    let told = event.param_by_name("cred_euid").filter(|at| event.u32(*at).is_some());
    let set = |index: usize| event.u32(index).filter(|id| *id != UNSET_ID);
    let asked = match kind {
        E::SetuidExit | E::SetgidExit => set(1),
        _ => set(2),
    };
    let is_user = matches!(kind, E::SetuidExit | E::SetreuidExit | E::SetresuidExit);
    state.change_thread(thread, |thread| {
        let known = thread.credentials;
        let credentials = &mut thread.credentials;
        match told {
            // The five are in this order in every row.
            Some(at) => {
                credentials.euid = event.u32(at).unwrap_or(known.euid);
                credentials.egid = event.u32(at + 1).unwrap_or(known.egid);
                credentials.cap_inheritable = event.uint(at + 2).unwrap_or(known.cap_inheritable);
                credentials.cap_permitted = event.uint(at + 3).unwrap_or(known.cap_permitted);
                credentials.cap_effective = event.uint(at + 4).unwrap_or(known.cap_effective);
            }
            None if is_user => credentials.euid = asked.unwrap_or(known.euid),
            None => credentials.egid = asked.unwrap_or(known.egid),
        }
    });
}

fn chdir(state: &mut State, kind: E, event: &Event<'_>, ctx: &Context, thread: Key<ThreadInfo>) {
    let mut cwd = Vec::new();
    let real = if kind == E::ChdirExit { at::ChdirExit::realpath } else { at::FchdirExit::realpath };
    if let Some(real) = event.text(real) {
        cwd.extend_from_slice(real);
    } else if kind == E::ChdirExit {
        let Some(path) = event_path(event, PathRole::Source) else { return };
        if !state.push_lexical(ctx, &path, &mut cwd) {
            return;
        }
    } else if let Some(file) = state.fd_of(ctx) {
        cwd.extend_from_slice(&file.name);
    }
    let Some(fs) = state.threads.get(thread).map(|thread| thread.fs) else { return };
    set_cwd(state, fs, &cwd);
}

fn chroot(state: &mut State, event: &Event<'_>, ctx: &Context, thread: Key<ThreadInfo>) {
    let mut root = Vec::new();
    match (event.text(at::ChrootExit::realpath), event.text(at::ChrootExit::path)) {
        (Some(real), _) => root.extend_from_slice(real),
        (None, Some(raw)) => {
            if !state.push_lexical(ctx, &EventPath { raw, resolved: None, dirfd: AT_FDCWD }, &mut root) {
                return;
            }
        }
        (None, None) => return,
    }
    let Some(fs) = state.threads.get(thread).map(|thread| thread.fs) else { return };
    let version = state.next_version();
    state.fs.update(fs, |fs| {
        fs.root = root.into();
        fs.version = version;
    });
    if let Some(cwd) = event.text(at::ChrootExit::cwd) {
        set_cwd(state, fs, cwd);
    }
}

fn setsid(state: &mut State, thread: Key<ThreadInfo>) {
    let Some(process) = process_of(state, thread) else { return };
    state.change_process(process, |process| {
        let pid = i64::from(process.pid);
        (process.sid, process.pgid, process.vpgid, process.tty) = (pid, pid, process.vpid, 0);
    });
}

/// The numbers are those of the caller's PID namespace: only the caller and its children can be meant.
fn setpgid(state: &mut State, event: &Event<'_>, thread: Key<ThreadInfo>) {
    let (Some(pid), Some(group)) = (event.int(at::SetpgidExit::pid), event.int(at::SetpgidExit::pgid)) else { return };
    let Some(own) = process_of(state, thread) else { return };
    let is = |state: &State, key: Key<ProcessInfo>, id: i64| {
        state.processes.get(key).is_some_and(|p| if p.vpid > 0 { p.vpid == id } else { i64::from(p.pid) == id })
    };
    let target = match pid {
        0 => Some(own),
        pid if is(state, own, pid) => Some(own),
        pid => state.children_of(own).find(|child| is(state, *child, pid)),
    };
    let Some(target) = target else { return };
    let host_group = if group == 0 || is(state, target, group) {
        state.processes.get(target).map(|process| i64::from(process.pid))
    } else {
        let mut family = std::iter::once(own).chain(state.children_of(own)).filter_map(|key| state.processes.get(key));
        family
            .find(|process| process.vpgid == group || i64::from(process.pid) == group || process.vpid == group)
            .map(|process| if process.vpgid == group { process.pgid } else { i64::from(process.pid) })
    };
    state.change_process(target, |process| {
        process.vpgid = if group == 0 { process.vpid } else { group };
        // A group of strangers: its number is the host's own only outside PID namespaces.
        let outside = process.vpid == i64::from(process.pid) || process.vpid < 0;
        process.pgid = host_group.filter(|id| *id > 0).unwrap_or(if outside { group } else { -1 });
    });
}

fn unshare(state: &mut State, event: &Event<'_>, thread: Key<ThreadInfo>) {
    let flags = event.uint(at::UnshareExit::flags).unwrap_or(0);
    if flags & CLONE_FILES != 0 {
        state.unshare_table(thread);
    }
    // A new mount namespace needs directories of its own and so implies it.
    if flags & (CLONE_FS | CLONE_NEWNS) != 0 {
        state.unshare_fs(thread);
    }
}

/// Entering a mount namespace moves both directories to its root.
fn setns(state: &mut State, event: &Event<'_>, thread: Key<ThreadInfo>) {
    let mounts = event.uint(at::SetnsExit::nstype).is_some_and(|kind| kind & CLONE_NEWNS != 0);
    let Some(fs) = state.threads.get(thread).map(|thread| thread.fs).filter(|_| mounts) else { return };
    let version = state.next_version();
    state.fs.update(fs, |fs| {
        (fs.root, fs.cwd) = (b"/"[..].into(), b"/"[..].into());
        fs.version = version;
    });
}

/// Counts CPU time: a switch ends the slice of its thread.
fn switch(state: &mut State, event: &Event<'_>, thread: Option<Key<ThreadInfo>>) {
    let cpu = usize::from(event.cpu()).min(MAX_CPUS);
    if state.switched_ns.len() <= cpu {
        state.switched_ns.resize(cpu + 1, 0);
    }
    let Some(last) = state.switched_ns.get_mut(cpu) else { return };
    let since = std::mem::replace(last, event.ts_ns());
    let Some(thread) = thread.and_then(|key| state.threads.get_mut(key)) else { return };
    thread.slice_ns = if since == 0 { 0 } else { event.ts_ns().saturating_sub(since) };
    thread.cpu_ns = thread.cpu_ns.saturating_add(thread.slice_ns);
    thread.faults_major = event.uint(at::Switch::pgft_maj).unwrap_or(thread.faults_major);
    thread.faults_minor = event.uint(at::Switch::pgft_min).unwrap_or(thread.faults_minor);
    let process = thread.process;
    if let Some(process) = state.processes.get_mut(process) {
        process.vm_size = event.u32(at::Switch::vm_size).unwrap_or(process.vm_size);
        process.vm_rss = event.u32(at::Switch::vm_rss).unwrap_or(process.vm_rss);
        process.vm_swap = event.u32(at::Switch::vm_swap).unwrap_or(process.vm_swap);
    }
}

// brk, mmap, mmap2 and munmap tell memory in the same places. Memory is no reason to evaluate a rule again: no version.
const _: () = assert!(at::BrkExit::vm_size == at::MmapExit::vm_size && at::BrkExit::vm_swap == at::MunmapExit::vm_swap);

fn memory(state: &mut State, event: &Event<'_>, thread: Key<ThreadInfo>) {
    let process = process_of(state, thread).and_then(|key| state.processes.get_mut(key));
    if let Some(process) = process {
        process.vm_size = event.u32(at::MmapExit::vm_size).unwrap_or(process.vm_size);
        process.vm_rss = event.u32(at::MmapExit::vm_rss).unwrap_or(process.vm_rss);
        process.vm_swap = event.u32(at::MmapExit::vm_swap).unwrap_or(process.vm_swap);
    }
}
