// SPDX-License-Identifier: Apache-2.0

//! One process tree out of the stream of the whole machine.
//!
//! A process belongs to the tree if it is the root, or made by one that does. Records that only inform the tables pass
//! whoever they are about: parents and leaders outside the tree have names as well.

use saker_driver_api::event::{EventType as E, at};
use saker_driver_api::record::{RawEvent, RecordFlags};
use std::collections::{HashMap, HashSet};
use std::fs;

/// The processes of a tree, kept up to date by the records that pass.
#[derive(Debug, Default)]
pub struct Tree {
    /// Each process with its living threads.
    members: HashMap<u32, HashSet<u32>>,
    /// A root that has not become the program that was asked for: its own calls are not the program's.
    unborn: Option<u32>,
    outside: u64,
}

impl Tree {
    /// Makes the tree of a process that runs, with its descendants and all their threads as `/proc` has them now; empty if
    /// there is no such process.
    #[must_use]
    pub fn of_running(root: u32) -> Self {
        let members = descendants(root).into_iter().map(|pid| (pid, numbers(&format!("/proc/{pid}/task")).collect()));
        Self { members: members.collect(), ..Self::default() }
    }

    /// Makes a tree whose root was just made to run a program; it counts from that program on.
    #[must_use]
    pub fn of_command(pid: u32) -> Self {
        Self { unborn: Some(pid), members: HashMap::from([(pid, HashSet::from([pid]))]), outside: 0 }
    }

    /// Returns whether no process is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Returns how many records were left out.
    #[must_use]
    pub fn outside(&self) -> u64 {
        self.outside
    }

    /// Returns whether a record belongs to the tree, and notes what it says about the tree.
    pub fn admits(&mut self, event: &RawEvent<'_>) -> bool {
        let header = event.header();
        if header.flags & RecordFlags::STATE_ONLY != 0 {
            return true;
        }
        let kind = E::from_wire(header.kind);
        if kind.is_none_or(E::is_meta) {
            return true;
        }
        let admitted = match kind {
            Some(E::CloneExit | E::Clone3Exit | E::ForkExit | E::VforkExit) => self.made(event),
            Some(E::ExecveExit | E::ExecveatExit) => self.executed(event),
            Some(E::Procexit) => self.ended(header.tid, header.pid),
            _ => self.members.contains_key(&header.pid) && self.unborn != Some(header.pid),
        };
        self.outside += u64::from(!admitted);
        admitted
    }

    fn made(&mut self, event: &RawEvent<'_>) -> bool {
        let header = event.header();
        match number(event, at::CloneExit::res) {
            // Seen by the new task.
            Some(0) => {
                let parent = number(event, at::CloneExit::ptid).and_then(|parent| u32::try_from(parent).ok());
                let mine = self.members.contains_key(&header.pid)
                    || parent.is_some_and(|parent| self.members.contains_key(&parent));
                if mine {
                    self.members.entry(header.pid).or_default().insert(header.tid);
                }
                mine
            }
            _ => self.members.contains_key(&header.pid) && self.unborn != Some(header.pid),
        }
    }

    fn executed(&mut self, event: &RawEvent<'_>) -> bool {
        let header = event.header();
        let Some(threads) = self.members.get_mut(&header.pid) else { return false };
        if header.flags & RecordFlags::FAILED == 0 {
            // The other threads are gone, and the one that is left has the number of the process.
            *threads = HashSet::from([header.pid]);
            self.unborn.take_if(|pid| *pid == header.pid);
        }
        self.unborn != Some(header.pid)
    }

    fn ended(&mut self, tid: u32, pid: u32) -> bool {
        let Some(threads) = self.members.get_mut(&pid) else { return false };
        threads.remove(&tid);
        if threads.is_empty() {
            self.members.remove(&pid);
        }
        true
    }
}

fn number(event: &RawEvent<'_>, index: usize) -> Option<i64> {
    event.value(index).and_then(|bytes| bytes.try_into().ok()).map(i64::from_le_bytes)
}

/// Returns the numbers among the names in a folder.
fn numbers(folder: &str) -> impl Iterator<Item = u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Returns a process and its descendants as `/proc` has them now; empty if there is no such process.
fn descendants(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = numbers("/proc").filter_map(|pid| Some((pid, parent_of(pid)?))).collect();
    let mut found: Vec<u32> = parents.iter().filter(|(pid, _)| *pid == root).map(|(pid, _)| *pid).collect();
    let mut at = 0;
    while let Some(parent) = found.get(at).copied() {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    found
}

fn parent_of(pid: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use saker_driver_api::record::{EventHeader, RecordWriter};

    fn tree_of_10() -> Tree {
        Tree { unborn: None, ..Tree::of_command(10) }
    }

    #[repr(align(8))]
    struct Span([u8; 512]);

    /// Asks the tree about a record whose parameters are these numbers, by position.
    fn admits(tree: &mut Tree, kind: E, pid: u32, tid: u32, numbers: &[(usize, i64)]) -> bool {
        let mut span = Span([0; 512]);
        let params = kind.info().params.len();
        let mut writer = RecordWriter::begin(&mut span.0, params).unwrap();
        for index in 0..params {
            match numbers.iter().find(|(at, _)| *at == index) {
                Some((_, value)) => writer.int(value.cast_unsigned(), 8),
                None => writer.absent(),
            }
        }
        let len = writer.finish(EventHeader { pid, tid, kind: kind as u16, ..EventHeader::default() });
        tree.admits(&RawEvent::parse(&span.0[..len]).unwrap())
    }

    fn forked(tree: &mut Tree, pid: u32, parent: i64) -> bool {
        admits(tree, E::CloneExit, pid, pid, &[(at::CloneExit::res, 0), (at::CloneExit::ptid, parent)])
    }

    #[test]
    fn children_belong_and_strangers_do_not() {
        let mut tree = tree_of_10();
        assert!(forked(&mut tree, 11, 10) && forked(&mut tree, 12, 11) && !forked(&mut tree, 21, 20));
        assert!(admits(&mut tree, E::CloseExit, 12, 12, &[]) && !admits(&mut tree, E::CloseExit, 21, 21, &[]));
        assert_eq!(tree.outside(), 2);
    }

    #[test]
    fn a_process_is_gone_with_its_last_thread() {
        let mut tree = tree_of_10();
        assert!(admits(&mut tree, E::CloneExit, 10, 15, &[(at::CloneExit::res, 0), (at::CloneExit::ptid, 1)]));
        assert!(admits(&mut tree, E::Procexit, 10, 10, &[]) && !tree.is_empty());
        assert!(admits(&mut tree, E::Procexit, 10, 15, &[]) && tree.is_empty());
        assert!(!admits(&mut tree, E::CloseExit, 10, 10, &[]), "the number may be another process by now");
    }

    #[test]
    fn a_command_counts_from_its_program_on() {
        let mut tree = Tree::of_command(10);
        assert!(forked(&mut tree, 10, 1), "its birth belongs to it");
        assert!(!admits(&mut tree, E::CloseExit, 10, 10, &[]));
        assert!(admits(&mut tree, E::ExecveExit, 10, 10, &[(0, 0)]));
        assert!(admits(&mut tree, E::CloseExit, 10, 10, &[]));
    }

    #[test]
    fn records_about_the_stream_pass() {
        assert!(admits(&mut tree_of_10(), E::Clock, 0, 0, &[]));
    }

    #[test]
    fn a_running_process_belongs_with_all_its_threads() {
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            tell.send(()).unwrap();
            let _ = ended.recv();
        });
        told.recv().unwrap();
        let tree = Tree::of_running(std::process::id());
        drop(end);
        thread.join().unwrap();
        assert!(tree.members[&std::process::id()].len() >= 2);
    }

    #[test]
    fn this_process_descends_from_its_parent() {
        let parent = parent_of(std::process::id()).unwrap();
        assert!(descendants(parent).contains(&std::process::id()));
        assert_eq!(descendants(u32::MAX), Vec::<u32>::new());
        assert!(Tree::of_running(u32::MAX).is_empty());
    }
}
