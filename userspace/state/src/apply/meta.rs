//! Records about the stream and the host: users, the clock, the host, gaps; and snapshots of descriptors.

use super::snapshot;
use crate::State;
use crate::state::HostInfo;
use saker_driver_api::event::{EventType as E, at};
use saker_driver_api::param::ParamStatus;
use saker_event::Event;

pub(super) fn apply(state: &mut State, event: &Event<'_>) {
    match event.kind() {
        E::Useradded | E::Userdeleted | E::Groupadded | E::Groupdeleted => {
            let budget = state.budget.users_bytes;
            let version = state.next_version();
            state.users.apply(event, budget);
            state.users.version = version;
        }
        E::Clock => state.clock_offset_ns = event.int(at::Clock::offset_ns).or(state.clock_offset_ns),
        E::Host => host(state, event),
        E::Gap => gap(state, event),
        _ => snapshot::file(state, event),
    }
}

fn host(state: &mut State, event: &Event<'_>) {
    use at::Host as p;
    state.host = Some(HostInfo {
        hostname: event.text(p::hostname).unwrap_or_default().into(),
        kernel: event.text(p::kernel).unwrap_or_default().into(),
        utc_offset_s: event.int(p::utc_offset_s).and_then(|offset| i32::try_from(offset).ok()).unwrap_or(0),
        boot_epoch_ns: event.uint(p::boot_epoch_ns).unwrap_or(0),
        num_cpus: event.u32(p::num_cpus).unwrap_or(0),
        self_pid: event.u32(p::self_pid).unwrap_or(0),
    });
}

/// Records are missing: what is known of the processes they were about may be wrong from here on.
fn gap(state: &mut State, event: &Event<'_>) {
    use at::Gap as p;
    let lost = |index| event.uint(index).unwrap_or(0);
    let state_lost = lost(p::lost_state).saturating_add(lost(p::lost_critical));
    state.stats.lost = state.stats.lost.saturating_add(lost(p::lost_ordinary)).saturating_add(state_lost);
    let pids = event.bytes(p::pids).unwrap_or_default();
    let cut = event.status(p::pids).has(ParamStatus::TRUNCATED);
    let keys: Vec<_> = if cut || (pids.is_empty() && state_lost > 0) {
        // Nobody can say whose records they were.
        state.processes.iter().map(|(key, _)| key).collect()
    } else {
        let named = pids.chunks_exact(4).filter_map(|pid| <[u8; 4]>::try_from(pid).ok()).map(u32::from_le_bytes);
        named.filter_map(|pid| state.by_pid.get(&pid).copied()).collect()
    };
    for key in keys {
        if state.processes.get(key).is_some_and(|process| !process.suspect) {
            state.stats.suspects += 1;
            state.change_process(key, |process| process.suspect = true);
        }
    }
}
