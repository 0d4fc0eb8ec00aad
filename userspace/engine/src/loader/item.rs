//! Items of rule files as their authors wrote them: what the reader makes and the collector takes.

use super::source::{Place, Text};
use crate::priority::Priority;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

/// How a definition treats one of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Append,
    Replace,
}

/// What an item changes instead of defining.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// `override: {key: append|replace}`.
    pub(crate) overrides: Vec<(String, Action, Place)>,
    /// The old `append: true`.
    pub(crate) append: Option<Place>,
}

/// One item of a file.
#[derive(Debug)]
pub(crate) enum Item {
    EngineVersion(Located<String>),
    PluginVersions(Vec<PluginVersion>),
    List(ListItem),
    Macro(MacroItem),
    Rule(Box<RuleItem>),
}

/// One entry of `required_plugin_versions`: alternatives, any of which will do.
#[derive(Debug)]
pub(crate) struct PluginVersion {
    pub(crate) names: Vec<String>,
    pub(crate) place: Place,
}

#[derive(Debug)]
pub(crate) struct ListItem {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) items: Option<Vec<String>>,
    pub(crate) changes: Changes,
}

#[derive(Debug)]
pub(crate) struct MacroItem {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) condition: Option<Text>,
    pub(crate) changes: Changes,
}

#[derive(Debug)]
pub(crate) struct RuleItem {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) condition: Option<Text>,
    pub(crate) output: Option<Text>,
    pub(crate) desc: Option<String>,
    pub(crate) priority: Option<Priority>,
    pub(crate) source: Option<Located<String>>,
    pub(crate) enabled: Option<bool>,
    pub(crate) tags: Option<Vec<String>>,
    pub(crate) exceptions: Option<Vec<ExceptionItem>>,
    pub(crate) warn_evttypes: Option<bool>,
    pub(crate) skip_if_unknown_filter: Option<bool>,
    pub(crate) capture: Option<bool>,
    pub(crate) capture_duration_ms: Option<u64>,
    pub(crate) changes: Changes,
}

/// One exception as written.
#[derive(Clone, Debug)]
pub(crate) struct ExceptionItem {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) fields: Option<Entry>,
    pub(crate) comps: Option<Entry>,
    pub(crate) values: Option<Vec<Entry>>,
}

/// A text or a list of entries, as exceptions use them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    One(String),
    Many(Vec<Entry>),
}
