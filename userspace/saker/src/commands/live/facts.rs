//! What a source may leave out, because it costs time and nobody reads it.

use saker_driver_api::event::EventType;
use saker_driver_api::fillers;
use saker_driver_api::probe::{Fact, FactSet};
use saker_engine::Ruleset;
use saker_filter::FieldId as F;
use saker_trace::InodeFacts;

/// What is read of the records of a source.
#[derive(Clone, Copy)]
pub(super) struct Facts {
    pub(super) inodes: InodeFacts,
    pub(super) unread: FactSet,
}

/// Facts that cost a look of their own: their fields, and their parameters.
const COSTLY: [(&[Fact], &[F], &[&str]); 5] = [
    (&[Fact::FdLimit], &[F::ProcFdlimit, F::ProcFdusage], &["fdlimit"]),
    (&[Fact::Cgroups], &[F::ThreadCgroup, F::ThreadCgroups], &["cgroups"]),
    (&[Fact::FaultsMajor, Fact::FaultsMinor], &[F::ThreadPfmajor, F::ThreadPfminor], &["pgft_maj", "pgft_min"]),
    (&[Fact::Env], &[F::ProcEnv, F::ProcAenv], &["env"]),
    (&[Fact::Loginuid], &[F::UserLoginuid, F::UserLoginname], &["loginuid"]),
];

impl Facts {
    /// Nothing is left out: a capture may be judged by other rules later.
    pub(super) const ALL: Self = Self { inodes: InodeFacts::Keep, unread: FactSet::EMPTY };

    /// Leaves out what no enabled rule can see: by a field of its own, or among the parameters of an event.
    pub(super) fn read_by(rules: &Ruleset) -> Self {
        const INODE: &[F] = &[F::FdDev, F::FdDevMajor, F::FdDevMinor, F::FdIno];
        let with_inode = with(&[Fact::OpenedDev, Fact::OpenedIno]);
        let inodes = match rules.reads(INODE, &with_inode, &["dev", "ino"]) {
            true => InodeFacts::Keep,
            false => InodeFacts::Skip,
        };
        let unread = COSTLY.iter().filter(|(facts, fields, params)| !rules.reads(fields, &with(facts), params));
        let unread = unread.flat_map(|(facts, ..)| *facts).fold(FactSet::EMPTY, |set, fact| set.with(*fact));
        Self { inodes, unread }
    }
}

/// Returns the events that have one of these facts among their parameters.
fn with(facts: &[Fact]) -> Vec<EventType> {
    let all = fillers::all().chain([&fillers::EXEC, &fillers::EXECVEAT]);
    let with = all.filter(|filler| facts.iter().any(|fact| filler.wants(false).has(*fact)));
    with.map(|filler| filler.event).collect()
}
