//! Staying within the byte budgets: dead first, then childless, then longest idle.
//!
//! Each step looks at a few entries and removes the best of them, so the work per event is bounded; which ones depends on
//! the records alone.

use crate::State;
use crate::context::Context;
use crate::fd::FdTable;
use crate::pool::{Key, Weigh as _};
use crate::process::{ProcessInfo, ThreadInfo};

/// Entries looked at for each one removed.
const SAMPLE: usize = 16;
/// Most removals per event; an event adds at most a few entries.
const MAX_STEPS: usize = 64;

impl State {
    pub(crate) fn keep_budgets(&mut self, context: &Context) {
        for _ in 0..MAX_STEPS {
            if self.thread_bytes() <= self.budget.threads_bytes || !self.evict_process(context) {
                break;
            }
        }
        for _ in 0..MAX_STEPS {
            if self.fd_bytes() <= self.budget.fds_bytes || !self.evict_fds(context) {
                break;
            }
        }
    }

    fn evict_process(&mut self, context: &Context) -> bool {
        let current = context.thread.and_then(|key| self.threads.get(key)).map(|thread| thread.process);
        let score = |key: Key<ProcessInfo>, process: &ProcessInfo| {
            (Some(key) != current).then(|| (process.live_threads > 0, process.first_child.is_some(), process.last_ns))
        };
        if let Some(key) = self.processes.sweep(SAMPLE, score) {
            self.stats.threads_evicted += self.threads_of(key).len() as u64;
            self.remove_process(key);
            return true;
        }
        // Only the process of the event is left: its other threads go.
        let Some(process) = current else { return false };
        let leader = self.processes.get(process).and_then(|process| process.leader);
        let score = |key: Key<ThreadInfo>, thread: &ThreadInfo| {
            let other = thread.process == process && Some(key) != context.thread && Some(key) != leader;
            other.then_some((!thread.dead, thread.last_ns))
        };
        let idle = self.threads.sweep(SAMPLE, score);
        let Some(idle) = idle else { return false };
        self.stats.threads_evicted += 1;
        self.drop_thread(idle);
        self.settle(process);
        true
    }

    fn evict_fds(&mut self, context: &Context) -> bool {
        let current = context.thread.and_then(|key| self.threads.get(key)).map(|thread| thread.files);
        // A table without descriptors may still hold the room for them.
        let score = |key: Key<FdTable>, table: &FdTable| {
            (Some(key) != current && table.heap_bytes() > 0).then_some(table.changed_ns)
        };
        if let Some(key) = self.tables.sweep(SAMPLE, score) {
            let entries = self.tables.update(key, FdTable::drain).unwrap_or_default();
            self.stats.fds_evicted += entries.len() as u64;
            for entry in entries {
                self.files.release(entry.file);
            }
            return true;
        }
        let Some(key) = current else { return false };
        let keep = context.fd.and_then(|fd| u32::try_from(fd).ok());
        let evictable = |fd: u32| Some(fd) != keep && fd > 2;
        let sample: Vec<_> = self.tables.get(key).map_or(Vec::new(), |table| {
            let round = table.iter_from(self.evict_hand).chain(table.iter());
            let sample = round.filter(|(fd, _)| evictable(*fd)).take(SAMPLE);
            sample.map(|(fd, entry)| (entry.at_ns, fd)).collect()
        });
        let (Some((_, fd)), Some((_, last))) = (sample.iter().min().copied(), sample.last()) else { return false };
        self.evict_hand = last.saturating_add(1);
        let entry = self.tables.update(key, |table| table.remove(i64::from(fd))).flatten();
        let Some(entry) = entry else { return false };
        self.stats.fds_evicted += 1;
        self.files.release(entry.file);
        true
    }
}
