//! What Saker says about itself: its log, and the books that `--stats` prints.

use saker_driver_api::books::{Books, ClassBooks, DropReason};
use saker_driver_api::event::Class;
use saker_engine::{Engine, RuleId};
use saker_ring::ReaderBooks;
use serde_json::{Map, Value, json};
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Names the variable that sets the level of the log.
const LOG_VARIABLE: &str = "SAKER_LOG";

/// Sends the log to stderr; `SAKER_LOG` sets its level (`warn` unless set).
pub(crate) fn init() {
    let asked = std::env::var(LOG_VARIABLE).ok();
    let filter = asked.as_deref().map(EnvFilter::try_new).transpose();
    let (filter, problem) = match filter {
        Ok(filter) => (filter.unwrap_or_else(|| EnvFilter::new("warn")), None),
        Err(err) => (EnvFilter::new("warn"), Some(err)),
    };
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colour = std::io::stderr().is_terminal() && !refused;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour);
    // It fails only where a log is set up already.
    let _ = log.without_time().with_target(false).try_init();
    if let Some(problem) = problem {
        tracing::warn!("{LOG_VARIABLE}: {problem}: the level stays at `warn`");
    }
}

/// Everything there is to account for at the end of a run.
pub(crate) struct Stats<'a> {
    /// Books of the rings' producers and readers; a replay has none.
    pub(crate) ring: Option<(&'a Books, &'a ReaderBooks)>,
    /// Records of several rings that came later than others with a later time.
    pub(crate) late: Option<u64>,
    /// Records that do not belong to the process tree that is watched.
    pub(crate) outside: Option<u64>,
    pub(crate) engine: &'a Engine,
}

impl Stats<'_> {
    /// Prints to stderr: text, or one JSON object.
    pub(crate) fn print(&self, json: bool) {
        if json {
            eprintln!("{}", self.to_json());
        } else {
            eprint!("{}", self.to_text());
        }
    }

    fn to_json(&self) -> Value {
        let stats = self.engine.stats();
        let state = self.engine.state().stats();
        let mut books = Map::new();
        if let Some((producer, reader)) = self.ring {
            books.insert("producer".into(), producer_json(producer));
            books.insert("reader".into(), reader_json(reader));
        }
        for (name, count) in [("late", self.late), ("outside", self.outside)] {
            count.into_iter().for_each(|count| _ = books.insert(name.into(), count.into()));
        }
        let kinds: Map<String, Value> = stats.kinds().map(|(kind, n)| (format!("{kind:?}"), n.into())).collect();
        json!({
            "books": books,
            "engine": {
                "records": stats.records, "events": stats.events, "meta": stats.meta, "unknown": stats.unknown,
                "matches": stats.matches, "rules": self.matches_by_rule(), "kinds": kinds,
            },
            "state": {
                "threads": state.threads, "files": state.files, "threads_added": state.threads_added,
                "threads_removed": state.threads_removed, "threads_evicted": state.threads_evicted,
                "fds_evicted": state.fds_evicted, "fds_unknown": state.fds_unknown,
                "users_refused": state.users_refused, "stubs": state.stubs, "reused": state.reused,
                "stale": state.stale, "suspects": state.suspects, "lost": state.lost,
                "memory_bytes": self.engine.state().memory_bytes(),
            },
        })
    }

    /// How often each rule matched, rules that did not left out.
    fn matches_by_rule(&self) -> Map<String, Value> {
        let (stats, rules) = (self.engine.stats(), self.engine.ruleset().rules());
        let counts =
            rules.iter().enumerate().filter_map(|(at, rule)| Some((rule, stats.rule_matches(RuleId::new(at)?))));
        counts
            .filter(|(_, matches)| *matches > 0)
            .map(|(rule, matches)| (rule.name().to_owned(), matches.into()))
            .collect()
    }

    fn to_text(&self) -> String {
        let mut out = String::new();
        if let Some((producer, reader)) = self.ring {
            for class in Class::ALL {
                out.push_str(&class_line(class, producer.class(class)));
            }
            out.push_str(&format!(
                "own records: committed {}, dropped {}\n",
                producer.meta.committed, producer.meta.dropped
            ));
            out.push_str(&format!(
                "reader: committed {} = decoded {} + skipped {} + refused {}{}\n",
                reader.committed,
                reader.decoded,
                reader.skipped,
                reader.refused,
                if reader.balances() { "" } else { "  DOES NOT BALANCE" },
            ));
        }
        if let Some(late) = self.late {
            out.push_str(&format!("merge: {late} records late\n"));
        }
        if let Some(outside) = self.outside {
            out.push_str(&format!("tree: {outside} records of other processes left out\n"));
        }
        let (stats, state) = (self.engine.stats(), self.engine.state().stats());
        out.push_str(&format!(
            "engine: records {} = events {} + meta {} + unknown {}; rules matched {} times\n",
            stats.records, stats.events, stats.meta, stats.unknown, stats.matches
        ));
        out.push_str(&format!(
            "state: {} threads, {} open files, {} bytes; {} threads met without a record of their start\n",
            state.threads,
            state.files,
            self.engine.state().memory_bytes(),
            state.stubs
        ));
        out.push_str(&format!(
            "state limits: {} threads and {} descriptors evicted, {} users refused; {} records lost, {} processes suspect\n",
            state.threads_evicted, state.fds_evicted, state.users_refused, state.lost, state.suspects
        ));
        out
    }
}

fn class_line(class: Class, books: &ClassBooks) -> String {
    let reasons: Vec<String> = DropReason::ALL
        .iter()
        .filter(|reason| books.dropped_for(**reason) > 0)
        .map(|reason| format!("{} {}", reason.name(), books.dropped_for(*reason)))
        .collect();
    format!(
        "{}: seen {} = committed {} + filtered {} + discarded {} + dropped {}{}{}\n",
        class_name(class),
        books.seen,
        books.committed,
        books.filtered,
        books.discarded,
        books.dropped_total(),
        if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) },
        if books.balances() { "" } else { "  DOES NOT BALANCE" },
    )
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Ordinary => "ordinary",
        Class::State => "state",
        Class::Critical => "critical",
    }
}

fn producer_json(books: &Books) -> Value {
    let mut out = Map::new();
    for class in Class::ALL {
        let row = books.class(class);
        let dropped: Map<String, Value> =
            DropReason::ALL.iter().map(|reason| (reason.name().to_owned(), row.dropped_for(*reason).into())).collect();
        out.insert(
            class_name(class).to_owned(),
            json!({
                "seen": row.seen, "committed": row.committed, "filtered": row.filtered,
                "discarded": row.discarded, "dropped": dropped,
            }),
        );
    }
    out.insert("own".to_owned(), books.meta.committed.into());
    Value::Object(out)
}

fn reader_json(books: &ReaderBooks) -> Value {
    json!({
        "committed": books.committed, "decoded": books.decoded, "skipped": books.skipped,
        "refused": books.refused, "resyncs": books.resyncs,
    })
}
