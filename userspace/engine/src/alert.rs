//! What a match tells the world: owned, and complete without the event.

use saker_filter::FieldSource as _;

use crate::extract::EventView;
use crate::format::FieldValue;
use crate::priority::Priority;
use crate::ruleset::Rule;

/// Field that marks an alert whose facts may be wrong because records were lost.
const SUSPECT_FIELD: &str = "saker.suspect";
const TIME_FIELD: &str = "evt.time";

/// One match of one rule. Everything in it comes from records, so a replay gives the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Time of the event, epoch nanoseconds.
    pub time_ns: u64,
    /// Offset of the watched host's local time from UTC, seconds.
    pub utc_offset_s: i32,
    /// Position of the event in the stream, from 1.
    pub event_num: u64,
    /// Name of the rule.
    pub rule: String,
    /// The rule's priority.
    pub priority: Priority,
    /// The rule's source.
    pub source: &'static str,
    /// Name of the watched host.
    pub hostname: String,
    /// The rule's tags, sorted.
    pub tags: Vec<String>,
    /// The rule's output with values filled in; control characters are still in it.
    pub message: String,
    /// Values of the output's fields and of `evt.time`, sorted by name.
    pub fields: Vec<(String, FieldValue)>,
}

impl Alert {
    pub(crate) fn new(rule: &Rule, view: &EventView<'_>) -> Self {
        let formatted = rule.formatter.format(view);
        let (mut message, mut fields) = (formatted.text, formatted.fields);
        if !fields.iter().any(|(name, _)| name == TIME_FIELD) {
            fields.push((TIME_FIELD.to_owned(), FieldValue::U64(view.epoch_ns())));
        }
        if view.is_suspect() {
            message.push_str(" (records were lost: facts about the process may be wrong)");
            fields.push((SUSPECT_FIELD.to_owned(), FieldValue::Bool(true)));
        }
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self {
            time_ns: view.epoch_ns(),
            utc_offset_s: view.utc_offset_s(),
            event_num: view.num(),
            rule: rule.name.clone(),
            priority: rule.priority,
            source: rule.source(),
            hostname: String::from_utf8_lossy(view.hostname()).into_owned(),
            tags: rule.tags.clone(),
            message,
            fields,
        }
    }

    /// The value of a field of the output.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&FieldValue> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Local time of day of the event, `HH:MM:SS.nnnnnnnnn`.
    #[must_use]
    pub fn time_of_day(&self) -> String {
        crate::extract::time_of_day(self.time_ns, self.utc_offset_s, true)
    }

    /// Time of the event in ISO 8601, UTC.
    #[must_use]
    pub fn time_iso8601(&self) -> String {
        crate::extract::iso8601(self.time_ns)
    }
}

/// The values of all fields a rule's condition reads, for messages about why it did or did not match.
#[must_use]
pub fn condition_values(rule: &Rule, view: &EventView<'_>) -> Vec<(String, FieldValue)> {
    let fields = rule.filter().fields();
    fields.iter().map(|field| (field.to_string(), FieldValue::from(view.extract(field)))).collect()
}
