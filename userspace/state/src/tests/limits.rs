//! Budgets, hostile input, determinism.

use super::snapshots::check;
use super::{Host, dump, show};
use crate::{Budget, State};
use proptest::prelude::*;
use saker_event::{EventBuilder, EventType, ParamStatus};

#[test]
fn the_dead_and_the_idle_go_first() {
    let budget = Budget { threads_bytes: 20_000, ..Budget::default() };
    let mut host = Host::with(budget);
    host.run(&[
        "clone res=0 pid=2 tid=2 ptid=1 comm=dead",
        "clone res=0 pid=3 tid=3 ptid=2 comm=child",
        "procexit pid=2",
    ]);
    let mut pid = 10;
    while host.state.stats().threads_evicted == 0 {
        pid += 1;
        host.run(&[&format!("clone res=0 pid={pid} tid={pid} ptid=1 comm=many")]);
    }
    assert_eq!(host.state.stats().threads_evicted, 1);
    assert_eq!(host.ancestors(3), "", "the ended parent went first");
    let known = host.state.stats().threads;
    for extra in 0..10 {
        host.run(&[
            "getuid uid=0 pid=3",
            &format!("clone res=0 pid={} tid={} ptid=1 comm=more", 900 + extra, 900 + extra),
        ]);
    }
    let stats = host.state.stats();
    assert_eq!((stats.threads, stats.threads_evicted), (known, 11), "one goes for each that comes");
    assert!(host.state.task(3).is_some() && host.state.task(909).is_some());
    check(&host.state);
}

#[test]
fn a_fork_bomb_stays_within_its_budget() {
    let budget = Budget { threads_bytes: 2 << 20, fds_bytes: 1 << 20, users_bytes: 1 << 10 };
    let mut host = Host::with(budget);
    host.run(&[
        "execve res=0 pid=1 tid=1 exe=bomb args=[\"x\"] comm=bomb",
        "openat pid=1 name=/dev/null flags=O_RDONLY res=0",
    ]);
    let mut highest = 0;
    for pid in 2..100_002u32 {
        let record = EventBuilder::new(EventType::CloneExit)
            .ts(u64::from(pid) * 1000)
            .tid(pid)
            .set("res", 0)
            .set("pid", i64::from(pid))
            .set("ptid", i64::from(pid - 1))
            .build()
            .unwrap();
        host.state.apply(&record.event().unwrap());
        if pid % 10_000 == 0 {
            highest = highest.max(host.state.memory_bytes());
            check(&host.state);
        }
    }
    let stats = host.state.stats();
    // Slots are added by doubling, so up to as many again may be free.
    assert!(highest < 2 * (budget.threads_bytes + budget.fds_bytes), "{highest} bytes");
    assert_eq!(stats.threads + stats.threads_evicted, stats.threads_added);
    assert!(host.state.thread_bytes() <= budget.threads_bytes && host.state.fd_bytes() <= budget.fds_bytes);
}

#[test]
fn one_process_with_many_threads_or_files_is_bounded_too() {
    let budget = Budget { threads_bytes: 40_000, fds_bytes: 20_000, users_bytes: 1 << 10 };
    let mut host = Host::with(budget);
    host.run(&["execve res=0 pid=7 tid=7 exe=x comm=x"]);
    for tid in 100..400 {
        host.run(&[&format!("clone res=0 pid=7 tid={tid} ptid=1 comm=t flags=CLONE_THREAD|CLONE_FILES|CLONE_FS")]);
    }
    for fd in 0..400 {
        host.run(&[&format!("openat pid=7 name=/some/longer/name/{fd} flags=O_RDONLY res={fd}")]);
        assert!(host.state.fd_bytes() <= budget.fds_bytes);
    }
    assert!(host.state.thread_bytes() <= budget.threads_bytes);
    let stats = host.state.stats();
    assert_eq!(host.task(7).fd_count() as u64 + stats.fds_evicted, 400);
    assert!(host.task(7).fd(0).is_some() && host.task(7).fd(399).is_some(), "standard descriptors and the newest stay");
    check(&host.state);
}

#[test]
fn room_for_descriptors_that_are_closed_is_given_back() {
    let budget = Budget { fds_bytes: 200_000, ..Budget::default() };
    let mut host = Host::with(budget);
    for pid in 10..60 {
        host.run(&[
            &format!("clone res=0 pid={pid} tid={pid} ptid=1 comm=c"),
            &format!("openat pid={pid} name=/f flags=O_RDONLY res=1000"),
            &format!("close pid={pid} res=0 fd=1000"),
        ]);
        assert!(host.state.fd_bytes() <= budget.fds_bytes, "process {pid}: {} bytes", host.state.fd_bytes());
    }
    check(&host.state);
}

#[test]
fn forks_share_one_joined_command_line() {
    let mut host = Host::with(Budget::default());
    let long = "x".repeat(3000);
    host.run(&[
        &format!("execve res=0 pid=7 tid=7 exe=a args=[\"{long}\"] comm=a"),
        &format!("clone res=0 pid=8 tid=8 ptid=7 exe=a args=[\"{long}\"] comm=a"),
        &format!("clone res=0 pid=9 tid=9 ptid=7 exe=a args=[\"{long}\"] comm=b"),
    ]);
    let (parent, child) = (host.task(7).cmdline(), host.task(8).cmdline());
    assert_eq!(show(&parent), format!("a {long}"));
    assert!(std::ptr::eq(&raw const *parent, &raw const *child), "one text for both");
    assert_eq!(show(host.task(9).cmdline()), format!("b {long}"));
}

#[test]
fn users_over_the_budget_are_refused_and_counted() {
    let mut host = Host::with(Budget { users_bytes: 500, ..Budget::default() });
    for uid in 0..10 {
        host.run(&[&format!("useradded uid={uid} gid=0 name=someone container_id=c")]);
    }
    assert!(host.state.users.bytes() <= 500);
    let known = (0..10).filter(|uid| host.state.users.user(b"c", *uid).is_some()).count();
    assert_eq!(known as u64 + host.state.stats().users_refused, 10);
}

#[test]
fn the_same_records_give_the_same_state() {
    let lines: Vec<String> = (1..300u32)
        .flat_map(|n| {
            let pid = n % 97 + 1;
            [
                format!("clone res=0 pid={pid} tid={pid} ptid={} comm=c", n % 7 + 1),
                format!("openat pid={pid} name=/f{n} flags=O_RDONLY res={}", n % 9),
            ]
        })
        .collect();
    let run = || {
        let mut host = Host::with(Budget { threads_bytes: 15_000, fds_bytes: 9_000, users_bytes: 0 });
        lines.iter().for_each(|line| host.run(&[line]));
        (dump(&host.state), host.state.stats())
    };
    let first = run();
    assert!(first.1.threads_evicted > 0 && first.1.fds_evicted > 0);
    assert_eq!(first, run());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_record_panics(
        records in proptest::collection::vec(
            (
                0..EventType::ALL.len(),
                1u32..6,
                1u32..4,
                0u64..50,
                proptest::collection::vec(
                    (prop_oneof![
                        Just(vec![0u8; 8]),
                        (0u8..6).prop_map(|n| vec![n, 0, 0, 0, 0, 0, 0, 0]),
                        (0u8..6).prop_map(|n| vec![n, 0, 0, 0]),
                        proptest::collection::vec(any::<u8>(), 0..40),
                        "[/a.]{0,8}".prop_map(String::into_bytes),
                    ], prop_oneof![4 => Just(0u8), 1 => any::<u8>()]),
                    0..40,
                ),
            ),
            1..60,
        )
    ) {
        let mut state = State::new(Budget { threads_bytes: 12_000, fds_bytes: 8_000, users_bytes: 600 });
        for (kind, tid, pid, ts, params) in &records {
            let mut builder = EventBuilder::new(EventType::ALL[*kind]).ts(*ts).tid(*tid).pid(*pid);
            for (at, (bytes, status)) in params.iter().enumerate() {
                builder = builder.set_raw(at, bytes, ParamStatus(*status));
            }
            let mut record = builder.build().unwrap();
            record.header_mut(|header| header.pid = *pid);
            let event = record.event().unwrap();
            let context = state.before(&event);
            if let Some(task) = state.task_of(&context) {
                let _ = (task.cmdline(), task.lineage_version(), task.ancestors().count(), task.session_leader().is_some());
            }
            let mut out = Vec::new();
            saker_event::render::push_args(&event, &state.names(&context), &mut out);
            state.after(&event, context);
            check(&state);
        }
        let _ = state.checkpoint(0);
    }
}
