//! Descriptors coming and going.

use crate::State;
use crate::fd::{FdEntry, FdInfo, FdTable};
use crate::pool::Key;
use crate::process::ThreadInfo;

/// Highest descriptor number that is believed; the kernel's own limit is lower unless raised.
pub(crate) const MAX_FD: i64 = 1 << 24;

impl State {
    /// Adds an open file with one user, for [`State::install`] to take.
    pub(crate) fn add_file(&mut self, mut file: FdInfo) -> Key<FdInfo> {
        file.version = self.next_version();
        self.files.insert(file)
    }

    /// Puts an open file behind a descriptor of a thread; takes over one use of `file`. What was there before stays
    /// readable until the event is over.
    pub(crate) fn install(&mut self, thread: Key<ThreadInfo>, fd: i64, entry: FdEntry) {
        let table = self.threads.get(thread).map(|thread| thread.files);
        let number = u32::try_from(fd).ok().filter(|_| fd <= MAX_FD);
        let (Some(table), Some(number)) = (table, number) else {
            self.files.release(entry.file);
            return;
        };
        self.stats.fds_added += 1;
        let std_version = if number < 3 { Some(self.next_version()) } else { None };
        let old = self.tables.update(table, |table| {
            table.changed_ns = table.changed_ns.max(entry.at_ns);
            table.std_version = std_version.unwrap_or(table.std_version);
            table.insert(number, entry)
        });
        if let Some(old) = old.flatten() {
            self.stats.fds_removed += 1;
            self.replaced.push(old.file);
        }
    }

    /// Ends a descriptor.
    pub(crate) fn close(&mut self, thread: Key<ThreadInfo>, fd: i64, at_ns: u64) {
        let Some(table) = self.threads.get(thread).map(|thread| thread.files) else { return };
        let std_version = if (0..3).contains(&fd) { Some(self.next_version()) } else { None };
        let old = self.tables.get_mut(table).and_then(|table| {
            table.changed_ns = table.changed_ns.max(at_ns);
            table.closed_ns = table.closed_ns.max(at_ns);
            table.std_version = std_version.unwrap_or(table.std_version);
            table.remove(fd)
        });
        if let Some(old) = old {
            self.stats.fds_removed += 1;
            self.files.release(old.file);
        }
    }

    /// Returns an open file of a thread.
    pub(crate) fn file_at(&self, thread: Key<ThreadInfo>, fd: i64) -> Option<Key<FdInfo>> {
        Some(self.tables.get(self.threads.get(thread)?.files)?.get(fd)?.file)
    }

    /// Sets or clears close-on-exec.
    pub(crate) fn set_cloexec(&mut self, thread: Key<ThreadInfo>, fd: i64, cloexec: bool) {
        let table = self.threads.get(thread).and_then(|thread| self.tables.get_mut(thread.files));
        if let Some(entry) = table.and_then(|table| table.get_mut(fd)) {
            entry.cloexec = cloexec;
        }
    }

    /// Makes a copy of a table; the files get one more user each.
    pub(crate) fn copy_table(&mut self, table: Key<FdTable>) -> Key<FdTable> {
        let copy = self.tables.get(table).map(FdTable::copy).unwrap_or_default();
        for (_, entry) in copy.iter() {
            self.files.share(entry.file);
        }
        self.tables.insert(copy)
    }

    /// Gives a thread a table of its own if it shares one.
    pub(crate) fn unshare_table(&mut self, thread: Key<ThreadInfo>) {
        let Some(table) = self.threads.get(thread).map(|thread| thread.files) else { return };
        if self.tables.users(table) < 2 {
            return;
        }
        let own = self.copy_table(table);
        if let Some(thread) = self.threads.get_mut(thread) {
            thread.files = own;
        }
        self.release_table(table);
    }

    /// Gives a thread directories of its own if it shares them.
    pub(crate) fn unshare_fs(&mut self, thread: Key<ThreadInfo>) {
        let Some(fs) = self.threads.get(thread).map(|thread| thread.fs) else { return };
        let Some(copy) = self.fs.get(fs).filter(|_| self.fs.users(fs) > 1).cloned() else { return };
        let own = self.fs.insert(copy);
        self.change_thread(thread, |thread| thread.fs = own);
        self.fs.release(fs);
    }

    /// Takes a user from a table; closes everything with the last one.
    pub(crate) fn release_table(&mut self, table: Key<FdTable>) {
        if let Some(mut table) = self.tables.release(table) {
            for entry in table.drain() {
                self.stats.fds_removed += 1;
                self.files.release(entry.file);
            }
        }
    }

    /// Ends the descriptors of a thread that `which` names.
    pub(crate) fn close_where(&mut self, thread: Key<ThreadInfo>, at_ns: u64, which: impl Fn(u32, &FdEntry) -> bool) {
        let Some(table) = self.threads.get(thread).and_then(|thread| self.tables.get(thread.files)) else { return };
        let gone: Vec<_> = table.iter().filter(|(fd, entry)| which(*fd, entry)).map(|(fd, _)| i64::from(fd)).collect();
        for fd in gone {
            self.close(thread, fd, at_ns);
        }
    }

    /// Changes an open file and gives it a new version.
    pub(crate) fn change_file<R>(&mut self, key: Key<FdInfo>, change: impl FnOnce(&mut FdInfo) -> R) -> Option<R> {
        let version = self.next_version();
        self.files.update(key, |file| {
            file.version = version;
            change(file)
        })
    }

    /// Lets go of what the last event replaced.
    pub(crate) fn release_replaced(&mut self) {
        while let Some(file) = self.replaced.pop() {
            self.files.release(file);
        }
    }
}
