//! `saker events`: the events of captures, as text, JSON or counts.

use crate::cli::flags::EventsFlags;
use crate::commands::replay::{Item, read_all, tell_unknown};
use crate::observe::Stats;
use crate::outcome::{InvalidInput, Outcome};
use anyhow::Result;
use saker_driver_api::record::RawEvent;
use saker_engine::{Engine, EventView, Formatter, Ruleset, compile_condition};
use saker_filter::{Filter, Verdict};
use saker_outputs::{escape, fields_to_json};
use saker_state::Budget;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io::{BufWriter, StdoutLock, Write, stdout};

/// What is printed of an event unless the user says.
const FORMAT: &str = "*%evt.num %evt.time %evt.cpu %proc.name (%thread.tid) %evt.type %evt.args";

/// Most columns of a condition that a message shows.
const EXCERPT_WIDTH: usize = 100;

/// Prints the events of captures.
pub(crate) fn events(flags: &EventsFlags) -> Result<Outcome> {
    let filter = flags.filter.as_deref().map(parse_filter).transpose()?;
    let formatter = parse_format(flags.format.as_deref().unwrap_or(FORMAT))?;
    let what = match (flags.count, flags.json) {
        (true, _) => What::Count(BTreeMap::new()),
        (false, true) => What::Json(formatter),
        (false, false) => What::Text(formatter),
    };
    let mut printer = Printer {
        engine: Engine::new(Ruleset::empty(), Budget::default()),
        filter,
        what,
        out: BufWriter::new(stdout().lock()),
    };
    let outcome = read_all(&flags.captures, |item| match item {
        Item::Start => {
            printer.engine.start_stream();
            Ok(())
        }
        Item::Record(record) => printer.take(record),
    });
    // What was printed before an error is good.
    printer.finish(flags.json)?;
    tell_unknown(&printer.engine);
    if flags.stats {
        Stats { ring: None, late: None, outside: None, engine: &printer.engine }.print(flags.json);
    }
    outcome
}

fn parse_filter(text: &str) -> Result<Filter> {
    compile_condition(text)
        .map_err(|err| InvalidInput(format!("--filter: {err}\n{}", err.render(text, EXCERPT_WIDTH))).into())
}

fn parse_format(text: &str) -> Result<Formatter> {
    Formatter::parse(text).map_err(|err| {
        let column = text.get(..err.offset()).map_or(0, |before| before.chars().count());
        InvalidInput(format!("--format: {err}\n{text}\n{:column$}^", "")).into()
    })
}

enum What {
    Text(Formatter),
    Json(Formatter),
    Count(BTreeMap<String, u64>),
}

struct Printer {
    engine: Engine,
    filter: Option<Filter>,
    what: What,
    out: BufWriter<StdoutLock<'static>>,
}

impl Printer {
    fn take(&mut self, raw: RawEvent<'_>) -> Result<()> {
        let Self { engine, filter, what, out } = self;
        let printed = engine.view(raw, |view| {
            let wanted = filter.as_ref().is_none_or(|filter| filter.eval(view) == Verdict::True);
            if wanted { print(what, out, view) } else { Ok(()) }
        });
        Ok(printed.unwrap_or(Ok(()))?)
    }

    fn finish(&mut self, json: bool) -> std::io::Result<()> {
        if let What::Count(types) = &self.what {
            let events: u64 = types.values().sum();
            if json {
                let types: Map<String, Value> = types.iter().map(|(name, n)| (name.clone(), (*n).into())).collect();
                writeln!(self.out, "{}", json!({ "events": events, "types": types }))?;
            } else {
                types.iter().try_for_each(|(name, n)| writeln!(self.out, "{n:>10} {name}"))?;
                writeln!(self.out, "{events:>10} in all")?;
            }
        }
        self.out.flush()
    }
}

fn print(what: &mut What, out: &mut impl Write, view: &EventView<'_>) -> std::io::Result<()> {
    match what {
        What::Count(types) => {
            match types.get_mut(view.event().name()) {
                Some(count) => *count += 1,
                None => _ = types.insert(view.event().name().to_owned(), 1),
            }
            Ok(())
        }
        What::Text(formatter) => {
            let formatted = formatter.format(view);
            if !formatted.complete && !formatter.keeps_missing() {
                return Ok(());
            }
            writeln!(out, "{}", escape(&formatted.text))
        }
        What::Json(formatter) => writeln!(out, "{}", fields_to_json(&formatter.format(view).fields)),
    }
}
