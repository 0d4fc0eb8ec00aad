//! The engine as a whole: counts, matching modes, suspect state, equal runs, and records nobody would write.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use saker_driver_api::event::EventType;
use saker_engine::{Alert, Engine, FieldValue, LoadConfig, Matching, SourceFile, load};
use saker_event::{EventBuilder, ParamStatus, RecordBuf, parse_line};
use saker_state::Budget;

const RULES: &str = "
- rule: Any open
  condition: evt.type in (open, openat)
  output: 'any %fd.name by %proc.name'
  desc: d
  priority: info
- rule: Open in tmp
  condition: evt.type = openat and fd.name startswith /tmp
  output: 'tmp %evt.num'
  desc: d
  priority: notice
";

fn engine(matching: Matching) -> Engine {
    let config = LoadConfig { matching, suggested_output: false, ..LoadConfig::default() };
    let loaded = load(&[SourceFile::new("r", RULES)], &config).unwrap_or_else(|failure| panic!("{failure}"));
    Engine::new(loaded.ruleset, Budget::default())
}

fn feed(engine: &mut Engine, lines: &[&str]) -> Vec<Alert> {
    let mut alerts = Vec::new();
    for line in lines {
        let record = parse_line(line).unwrap_or_else(|err| panic!("{line}: {err}"));
        engine.feed(record.raw().unwrap(), |alert| alerts.push(alert));
    }
    alerts
}

const LINES: &[&str] = &[
    "clock ts=0 offset_ns=1000",
    "host ts=0 hostname=box utc_offset_s=0 boot_epoch_ns=0 num_cpus=1 kernel=k self_pid=1",
    "execve ts=10 pid=7 res=0 exe=cat comm=cat uid=0",
    "openat ts=20 pid=7 dirfd=AT_FDCWD name=/tmp/x flags=O_RDONLY res=3",
    "openat ts=30 pid=7 dirfd=AT_FDCWD name=/etc/x flags=O_RDONLY res=4",
    "close ts=40 pid=7 fd=3 res=0",
];

#[test]
fn alerts_come_in_order_and_counts_balance() {
    let mut engine = engine(Matching::All);
    let alerts = feed(&mut engine, LINES);
    let names: Vec<(&str, u64)> = alerts.iter().map(|alert| (alert.rule.as_str(), alert.event_num)).collect();
    assert_eq!(names, [("Any open", 2), ("Open in tmp", 2), ("Any open", 3)]);
    assert_eq!(alerts[0].message, "any /tmp/x by cat");
    assert_eq!((alerts[0].time_ns, alerts[0].hostname.as_str()), (1020, "box"));
    assert_eq!(alerts[0].field("evt.time"), Some(&FieldValue::U64(1020)));
    let stats = engine.stats();
    assert_eq!((stats.records, stats.events, stats.meta, stats.unknown, stats.matches), (6, 4, 2, 0, 3));
    assert!(stats.kinds().any(|kind| kind == (EventType::OpenatExit, 2)));
    assert_eq!(stats.kinds().map(|(_, count)| count).sum::<u64>(), stats.records);
    let first = saker_engine::RuleId::new(0).unwrap();
    assert_eq!(stats.rule_matches(first), 2);
}

#[test]
fn the_first_match_can_be_the_last() {
    let alerts = feed(&mut engine(Matching::First), LINES);
    assert!(alerts.iter().all(|alert| alert.rule == "Any open"), "{alerts:#?}");
}

#[test]
fn equal_records_give_equal_alerts() {
    assert_eq!(feed(&mut engine(Matching::All), LINES), feed(&mut engine(Matching::All), LINES));
}

#[test]
fn another_stream_starts_with_nothing_known() {
    let mut engine = engine(Matching::All);
    let first = feed(&mut engine, LINES);
    engine.start_stream();
    assert_eq!((engine.state().stats().threads, engine.state().host().is_none()), (0, true));
    assert_eq!(feed(&mut engine, LINES), first);
    assert_eq!(engine.stats().records, 2 * LINES.len() as u64, "counts go on");
}

#[test]
fn unknown_kinds_are_counted_and_skipped() {
    let mut engine = engine(Matching::All);
    let mut record = parse_line(LINES[3]).unwrap();
    record.header_mut(|header| header.kind = 60_000);
    engine.feed(record.raw().unwrap(), |alert| panic!("{alert:?}"));
    assert_eq!((engine.stats().records, engine.stats().unknown), (1, 1));
}

#[test]
fn alerts_from_suspect_state_say_so() {
    let mut engine = engine(Matching::All);
    feed(&mut engine, &LINES[..3]);
    let gap = EventBuilder::new(EventType::Gap).ts(15).set("lost_state", 1_u64).set("pids", &7_u32.to_le_bytes()[..]);
    engine.feed(gap.build().unwrap().raw().unwrap(), |alert| panic!("{alert:?}"));
    let alerts = feed(&mut engine, &LINES[4..5]);
    assert_eq!(alerts[0].field("saker.suspect"), Some(&FieldValue::Bool(true)));
    assert!(alerts[0].message.contains("records were lost"));
}

fn any_record() -> impl Strategy<Value = RecordBuf> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..24);
    let params = proptest::collection::vec((bytes, any::<u8>()), 0..40);
    (any::<prop::sample::Index>(), any::<u64>(), 0_u32..6, 0_u32..6, any::<u16>(), params).prop_map(
        |(kind, ts_ns, tid, pid, flags, params)| {
            let kind = *kind.get(EventType::ALL);
            let mut builder = EventBuilder::new(kind).ts(ts_ns).pid(pid).tid(tid);
            for (index, (bytes, status)) in params.iter().enumerate().take(kind.info().params.len()) {
                builder = builder.set_raw(index, bytes, ParamStatus(status & 31));
            }
            let mut record = builder.build().unwrap();
            record.header_mut(|header| header.flags = flags & 7);
            record
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_record_panics_the_engine(records in proptest::collection::vec(any_record(), 0..40)) {
        let mut engine = engine(Matching::All);
        for record in &records {
            engine.feed(record.raw().unwrap(), drop);
        }
        let stats = engine.stats();
        prop_assert_eq!(stats.records, records.len() as u64);
        prop_assert_eq!(stats.records, stats.events + stats.meta + stats.unknown);
    }
}
