//! Users and groups, of the host and of containers, as records told them.

use foldhash::fast::FixedState;
use saker_driver_api::event::{EventType, at};
use saker_event::Event;
use std::collections::HashMap;

/// One user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserInfo {
    /// Main group.
    pub gid: u32,
    /// Name.
    pub name: Box<[u8]>,
    /// Home directory.
    pub home: Box<[u8]>,
    /// Login shell.
    pub shell: Box<[u8]>,
}

/// Weight of one entry beside its texts, in bytes.
const ENTRY_BYTES: usize = 96;

type Ids<T> = HashMap<u32, T, FixedState>;

#[derive(Debug, Default)]
struct Database {
    users: Ids<UserInfo>,
    groups: Ids<Box<[u8]>>,
}

/// All user databases; the host's has an empty container id.
#[derive(Debug, Default)]
pub(crate) struct Users {
    host: Database,
    containers: HashMap<Box<[u8]>, Database, FixedState>,
    bytes: usize,
    /// Entries not kept because the budget was used up.
    pub(crate) refused: u64,
    /// Changes with every change of any database.
    pub(crate) version: u64,
}

fn user_bytes(user: &UserInfo) -> usize {
    ENTRY_BYTES + user.name.len() + user.home.len() + user.shell.len()
}

impl Users {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn database(&self, container: &[u8]) -> Option<&Database> {
        if container.is_empty() { Some(&self.host) } else { self.containers.get(container) }
    }

    pub(crate) fn user(&self, container: &[u8], uid: u32) -> Option<&UserInfo> {
        self.database(container)?.users.get(&uid)
    }

    pub(crate) fn group(&self, container: &[u8], gid: u32) -> Option<&[u8]> {
        self.database(container)?.groups.get(&gid).map(|name| &**name)
    }

    /// Applies a user or group record, within `budget` bytes.
    pub(crate) fn apply(&mut self, event: &Event<'_>, budget: usize) {
        use EventType as E;
        let container_at = match event.kind() {
            E::Useradded => at::Useradded::container_id,
            E::Userdeleted => at::Userdeleted::container_id,
            E::Groupadded => at::Groupadded::container_id,
            _ => at::Groupdeleted::container_id,
        };
        let container = event.text(container_at).unwrap_or_default();
        let Some(id) = event.u32(0) else { return };
        match event.kind() {
            E::Useradded => {
                let text = |index| event.text(index).unwrap_or_default().into();
                let user = UserInfo {
                    gid: event.u32(at::Useradded::gid).unwrap_or(crate::process::UNSET_ID),
                    name: text(at::Useradded::name),
                    home: text(at::Useradded::home),
                    shell: text(at::Useradded::shell),
                };
                let weight = user_bytes(&user);
                self.put(container, budget, weight, |db| db.users.insert(id, user).map(|old| user_bytes(&old)));
            }
            E::Groupadded => {
                let name: Box<[u8]> = event.text(at::Groupadded::name).unwrap_or_default().into();
                let weight = ENTRY_BYTES + name.len();
                self.put(container, budget, weight, |db| db.groups.insert(id, name).map(|old| ENTRY_BYTES + old.len()));
            }
            E::Userdeleted => self.take(container, |db| db.users.remove(&id).map(|old| user_bytes(&old))),
            E::Groupdeleted => self.take(container, |db| db.groups.remove(&id).map(|old| ENTRY_BYTES + old.len())),
            _ => {}
        }
    }

    fn put(
        &mut self,
        container: &[u8],
        budget: usize,
        weight: usize,
        put: impl FnOnce(&mut Database) -> Option<usize>,
    ) {
        let fresh = !container.is_empty() && !self.containers.contains_key(container);
        let weight = weight + if fresh { ENTRY_BYTES + container.len() } else { 0 };
        if self.bytes + weight > budget {
            self.refused += 1;
            return;
        }
        let database = match container {
            [] => &mut self.host,
            id => self.containers.entry(id.into()).or_default(),
        };
        let replaced = put(database).unwrap_or(0);
        self.bytes = (self.bytes + weight).saturating_sub(replaced);
    }

    fn take(&mut self, container: &[u8], take: impl FnOnce(&mut Database) -> Option<usize>) {
        let database = match container {
            [] => Some(&mut self.host),
            id => self.containers.get_mut(id),
        };
        let Some(database) = database else { return };
        let mut freed = take(database).unwrap_or(0);
        if !container.is_empty() && database.users.is_empty() && database.groups.is_empty() {
            self.containers.remove(container);
            freed += ENTRY_BYTES + container.len();
        }
        self.bytes = self.bytes.saturating_sub(freed);
    }

    /// Returns every database, the host's first and containers by id.
    fn databases(&self) -> Vec<(&[u8], &Database)> {
        let mut all: Vec<_> = self.containers.iter().map(|(id, db)| (&**id, db)).collect();
        all.push((b"", &self.host));
        all.sort_by_key(|(id, _)| *id);
        all
    }

    /// Returns every user with its container and id, in a fixed order.
    pub(crate) fn all_users(&self) -> Vec<(&[u8], u32, &UserInfo)> {
        let mut all: Vec<_> = self
            .databases()
            .into_iter()
            .flat_map(|(id, db)| db.users.iter().map(move |(uid, user)| (id, *uid, user)))
            .collect();
        all.sort_by_key(|(id, uid, _)| (*id, *uid));
        all
    }

    /// Returns every group with its container and id, in a fixed order.
    pub(crate) fn all_groups(&self) -> Vec<(&[u8], u32, &[u8])> {
        let mut all: Vec<_> = self
            .databases()
            .into_iter()
            .flat_map(|(id, db)| db.groups.iter().map(move |(gid, name)| (id, *gid, &**name)))
            .collect();
        all.sort_by_key(|(id, gid, _)| (*id, *gid));
        all
    }
}
