//! First stage: a file's YAML to typed items, in order, each knowing its place.
//!
//! Nothing is looked up here: an item is checked for what can be seen in it alone. Items with a mistake are reported
//! and left out, so that one load reports the mistakes of all items.

use std::sync::Arc;

use super::error::{LoadError, LoadWarning, Report, WarningCode};
use super::item::{Action, Changes, Entry, ExceptionItem, Item, ListItem, Located, MacroItem, PluginVersion, RuleItem};
use super::source::{Place, SourceFile, Text, shortened};
use super::yaml::{self, Limits, Node};
use crate::priority::Priority;

const LIST_KEYS: &[&str] = &["list", "items", "append", "override"];
const MACRO_KEYS: &[&str] = &["macro", "condition", "append", "override"];
const RULE_KEYS: &[&str] = &[
    "rule",
    "condition",
    "output",
    "desc",
    "priority",
    "source",
    "enabled",
    "tags",
    "exceptions",
    "warn_evttypes",
    "skip-if-unknown-filter",
    "capture",
    "capture_duration",
    "append",
    "override",
];
const EXCEPTION_KEYS: &[&str] = &["name", "fields", "comps", "values"];

/// Reads the items of a file; what is wrong goes into `report`.
pub(crate) fn read(file: &Arc<SourceFile>, report: &mut Report) -> Vec<Item> {
    let (documents, error) = yaml::parse(file.text(), Limits::RULES);
    let mut items = Vec::new();
    for (at, document) in documents.iter().enumerate() {
        let place = Place::document(file, at);
        match document {
            Node::Scalar { null: true, .. } => {}
            Node::Sequence(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    items.extend(item(node, place.index(index), report));
                }
            }
            other => report.error(|| {
                let found = other.kind();
                LoadError::shape(&place, "", format!("expected a sequence of rules, macros and lists, found {found}"))
            }),
        }
    }
    if let Some(error) = error {
        report.error(|| LoadError::yaml(file, error));
    }
    items
}

fn item(node: &Node, place: Place, report: &mut Report) -> Option<Item> {
    let Node::Map(pairs) = node else {
        report.error(|| LoadError::shape(&place, "", format!("expected a map, found {}", node.kind())));
        return None;
    };
    let mut map = Map { pairs, place: &place, item: String::new(), report, bad: false };
    let kinds = ["required_engine_version", "required_plugin_versions", "list", "macro", "rule"];
    let Some(kind) = kinds.into_iter().find(|kind| map.find(kind).is_some()) else {
        let keys: Vec<&str> = pairs.iter().map(|(key, _)| key.as_str()).take(4).collect();
        let message = format!(
            "unknown item (keys: `{}`): expected one of `rule`, `macro`, `list`, `required_engine_version`, `required_plugin_versions`",
            shortened(&keys.join("`, `"))
        );
        report.warn(|| LoadWarning::new(WarningCode::UnknownItem, &place, "", message));
        return None;
    };
    let item = match kind {
        "required_engine_version" => map.engine_version(),
        "required_plugin_versions" => map.plugin_versions(),
        "list" => map.list(),
        "macro" => map.condition_macro(),
        _ => map.rule(),
    };
    if map.bad { None } else { item }
}

/// A map being read; the first mistake marks the item as not usable.
struct Map<'a> {
    pairs: &'a [(String, Node)],
    place: &'a Place,
    /// What messages call the item.
    item: String,
    report: &'a mut Report,
    bad: bool,
}

impl<'a> Map<'a> {
    fn find(&self, key: &str) -> Option<&'a Node> {
        self.pairs.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    fn wrong(&mut self, place: &Place, message: String) {
        self.bad = true;
        let item = &self.item;
        self.report.error(|| LoadError::shape(place, item, message));
    }

    fn only(&mut self, known: &[&str]) {
        for (key, _) in self.pairs {
            if !known.contains(&key.as_str()) {
                let (place, item) = (self.place, &self.item);
                let message = format!("unknown key `{}`, expected one of `{}`", shortened(key), known.join("`, `"));
                self.report.warn(|| LoadWarning::new(WarningCode::UnknownKey, &place.key(key), item, message));
            }
        }
    }

    /// The text under a key; wrong if it is there and no text.
    fn text(&mut self, key: &str) -> Option<&'a str> {
        match self.find(key)? {
            Node::Scalar { text, null: false } => Some(text),
            other => {
                self.wrong(&self.place.value(key), format!("`{key}` should be a text, is {}", other.kind()));
                None
            }
        }
    }

    /// The item's name: its text must not be blank.
    fn name(&mut self, key: &str) -> String {
        let Some(name) = self.text(key) else { return String::new() };
        self.item = format!("{key} `{}`", shortened(name));
        if name.trim().is_empty() {
            self.wrong(&self.place.value(key), format!("`{key}` needs a name"));
        }
        name.to_owned()
    }

    fn scalar(&mut self, key: &str) -> Option<Text> {
        self.text(key).map(|text| Text::scalar(text, self.place.value(key)))
    }

    /// A condition or output that must hold something.
    fn filled(&mut self, key: &str) -> Option<Text> {
        let text = self.scalar(key)?;
        if text.as_str().is_empty() {
            self.wrong(&self.place.value(key), format!("`{key}` is empty"));
        }
        Some(text)
    }

    fn flag(&mut self, key: &str) -> Option<bool> {
        let text = self.text(key)?;
        let flag = match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "y" | "on" => Some(true),
            "false" | "no" | "n" | "off" => Some(false),
            _ => None,
        };
        if flag.is_none() {
            let message = format!("`{key}` should be `true` or `false`, is `{}`", shortened(text));
            self.wrong(&self.place.value(key), message);
        }
        flag
    }

    fn number(&mut self, key: &str) -> Option<u64> {
        let text = self.text(key)?;
        let number = text.parse().ok();
        if number.is_none() {
            let message = format!("`{key}` should be a whole number, is `{}`", shortened(text));
            self.wrong(&self.place.value(key), message);
        }
        number
    }

    /// A sequence of texts.
    fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        let node = self.find(key)?;
        let place = self.place.value(key);
        let Node::Sequence(nodes) = node else {
            self.wrong(&place, format!("`{key}` should be a sequence, is {}", node.kind()));
            return None;
        };
        let mut texts = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            match node {
                Node::Scalar { text, null: false } => texts.push(text.clone()),
                // An empty entry is the word `null`, as other readers of the same files have it.
                Node::Scalar { null: true, .. } => texts.push("null".to_owned()),
                other => self.wrong(&place.index(at), format!("`{key}` holds {}, expected texts", other.kind())),
            }
        }
        Some(texts)
    }

    fn changes(&mut self, known: &[&str]) -> Changes {
        let append = self.flag("append").unwrap_or(false).then(|| self.place.key("append"));
        if let Some(place) = &append {
            let item = &self.item;
            let message = "`append: true` is deprecated: use `override` with `append` for each key";
            self.report.warn(|| LoadWarning::new(WarningCode::DeprecatedItem, place, item, message));
        }
        let mut overrides = Vec::new();
        if let Some(node) = self.find("override") {
            let place = self.place.value("override");
            if append.is_some() {
                self.wrong(&place, "`override` and `append: true` exclude each other".to_owned());
            }
            let Node::Map(pairs) = node else {
                self.wrong(&place, format!("`override` should be a map, is {}", node.kind()));
                return Changes { overrides, append };
            };
            for (key, node) in pairs {
                overrides.extend(self.one_override(key, node, &place, known));
            }
        }
        Changes { overrides, append }
    }

    fn one_override(
        &mut self,
        key: &str,
        node: &Node,
        place: &Place,
        known: &[&str],
    ) -> Option<(String, Action, Place)> {
        if !known.contains(&key) {
            let message = format!("`{}` cannot be overridden, only `{}`", shortened(key), known.join("`, `"));
            self.wrong(&place.key(key), message);
            return None;
        }
        let action = match node {
            Node::Scalar { text, .. } if text == "append" => Action::Append,
            Node::Scalar { text, .. } if text == "replace" => Action::Replace,
            _ => {
                self.wrong(&place.value(key), format!("the override of `{key}` should be `append` or `replace`"));
                return None;
            }
        };
        if action == Action::Append && !APPENDABLE.contains(&key) {
            let message = format!("`{key}` cannot be appended to, only replaced");
            self.wrong(&place.value(key), message);
            return None;
        }
        if self.find(key).is_none() {
            self.wrong(&place.key(key), format!("the override names `{key}`, but the item has no such key"));
            return None;
        }
        Some((key.to_owned(), action, place.key(key)))
    }

    /// With an override map, each key it could name must be named.
    fn all_overridden(&mut self, changes: &Changes, known: &[&str]) {
        if changes.overrides.is_empty() {
            return;
        }
        for key in known {
            if self.find(key).is_some() && !changes.overrides.iter().any(|(name, ..)| name == key) {
                let message = format!("unexpected key `{key}`: the item has `override`, which does not name it");
                self.wrong(&self.place.key(key), message);
            }
        }
    }

    fn engine_version(&mut self) -> Option<Item> {
        let key = "required_engine_version";
        self.item = key.to_owned();
        self.only(&[key]);
        let value = self.text(key)?.to_owned();
        Some(Item::EngineVersion(Located { value, place: self.place.value(key) }))
    }

    fn plugin_versions(&mut self) -> Option<Item> {
        let key = "required_plugin_versions";
        self.item = key.to_owned();
        self.only(&[key]);
        let place = self.place.value(key);
        let node = self.find(key)?;
        let Node::Sequence(nodes) = node else {
            self.wrong(&place, format!("`{key}` should be a sequence, is {}", node.kind()));
            return None;
        };
        let mut versions = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let place = place.index(at);
            let mut names = vec![self.plugin(node, &place)?];
            let Node::Map(pairs) = node else { return None };
            if let Some((_, Node::Sequence(others))) = pairs.iter().find(|(key, _)| key == "alternatives") {
                for (at, other) in others.iter().enumerate() {
                    names.push(self.plugin(other, &place.value("alternatives").index(at))?);
                }
            }
            let mut sorted = names.clone();
            sorted.sort();
            sorted.dedup();
            if sorted.len() != names.len() {
                self.wrong(&place, "the same plugin is named twice".to_owned());
            }
            versions.push(PluginVersion { names, place });
        }
        Some(Item::PluginVersions(versions))
    }

    fn plugin(&mut self, node: &Node, place: &Place) -> Option<String> {
        let text = |key: &str| match node {
            Node::Map(pairs) => pairs.iter().find_map(|(name, node)| match node {
                Node::Scalar { text, null: false } if name == key => Some(text.clone()),
                _ => None,
            }),
            _ => None,
        };
        let (name, version) = (text("name"), text("version"));
        if name.is_none() || version.is_none() {
            self.wrong(place, "expected a map with `name` and `version`".to_owned());
        }
        name
    }

    fn list(&mut self) -> Option<Item> {
        let name = self.name("list");
        self.only(LIST_KEYS);
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || "()\"'=,".contains(c)) {
            let (place, item) = (self.place.value("list"), &self.item);
            let message = "the name cannot stand in a condition: no blanks, quotes, parentheses, `=` or `,`";
            self.report.warn(|| LoadWarning::new(WarningCode::InvalidListName, &place, item, message));
        }
        let items = self.texts("items");
        if items.is_none() {
            self.needs("items");
        }
        let changes = self.changes(&["items"]);
        Some(Item::List(ListItem { name, place: self.place.clone(), items, changes }))
    }

    fn condition_macro(&mut self) -> Option<Item> {
        let name = self.name("macro");
        self.only(MACRO_KEYS);
        let usable = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !usable {
            let (place, item) = (self.place.value("macro"), &self.item);
            let message = "the name cannot stand in a condition: letters first, then letters, digits and `_`";
            self.report.warn(|| LoadWarning::new(WarningCode::InvalidMacroName, &place, item, message));
        }
        let condition = self.filled("condition");
        if condition.is_none() {
            self.needs("condition");
        }
        let changes = self.changes(&["condition"]);
        Some(Item::Macro(MacroItem { name, place: self.place.clone(), condition, changes }))
    }

    fn needs(&mut self, key: &str) {
        if self.find(key).is_none() {
            self.wrong(self.place, format!("the key `{key}` is missing"));
        }
    }

    fn rule(&mut self) -> Option<Item> {
        let name = self.name("rule");
        self.only(RULE_KEYS);
        let changes = self.changes(OVERRIDABLE);
        self.all_overridden(&changes, OVERRIDABLE);
        let rule = RuleItem {
            name,
            place: self.place.clone(),
            condition: self.filled("condition"),
            output: self.scalar("output"),
            desc: self.text("desc").map(|desc| desc.trim().to_owned()),
            priority: self.priority(),
            source: self
                .text("source")
                .map(|value| Located { value: value.to_owned(), place: self.place.value("source") }),
            enabled: self.flag("enabled"),
            tags: self.texts("tags"),
            exceptions: self.exceptions(),
            warn_evttypes: self.flag("warn_evttypes"),
            skip_if_unknown_filter: self.flag("skip-if-unknown-filter"),
            capture: self.flag("capture"),
            capture_duration_ms: self.number("capture_duration"),
            changes,
        };
        Some(Item::Rule(Box::new(rule)))
    }

    fn priority(&mut self) -> Option<Priority> {
        let text = self.text("priority")?;
        let priority = text.parse().ok();
        if priority.is_none() {
            let names = Priority::ALL.map(|priority| priority.as_str().to_ascii_lowercase()).join("`, `");
            let message = format!("unknown priority `{}`, expected one of `{names}` or 0 to 7", shortened(text));
            self.wrong(&self.place.value("priority"), message);
        }
        priority
    }

    fn exceptions(&mut self) -> Option<Vec<ExceptionItem>> {
        let node = self.find("exceptions")?;
        let place = self.place.value("exceptions");
        let nodes = match node {
            Node::Sequence(nodes) => nodes,
            Node::Scalar { null: true, .. } => return Some(Vec::new()),
            other => {
                self.wrong(&place, format!("`exceptions` should be a sequence, is {}", other.kind()));
                return None;
            }
        };
        Some(nodes.iter().enumerate().filter_map(|(at, node)| self.exception(node, place.index(at))).collect())
    }

    fn exception(&mut self, node: &Node, place: Place) -> Option<ExceptionItem> {
        let Node::Map(pairs) = node else {
            self.wrong(&place, format!("an exception should be a map, is {}", node.kind()));
            return None;
        };
        for (key, _) in pairs {
            if !EXCEPTION_KEYS.contains(&key.as_str()) {
                let message = format!("unknown key `{}` in an exception", shortened(key));
                let item = &self.item;
                self.report.warn(|| LoadWarning::new(WarningCode::UnknownKey, &place.key(key), item, message));
            }
        }
        let find = |key: &str| pairs.iter().find(|(name, _)| name == key).map(|(_, node)| node);
        let Some(Node::Scalar { text: name, null: false }) = find("name") else {
            self.wrong(&place, "an exception needs a `name`".to_owned());
            return None;
        };
        let mut entry = |key: &str| find(key).and_then(|node| self.entry(node, &place.value(key)));
        let (fields, comps) = (entry("fields"), entry("comps"));
        let values = match entry("values") {
            Some(Entry::Many(values)) => Some(values),
            Some(Entry::One(_)) => {
                self.wrong(&place.value("values"), "`values` should be a sequence".to_owned());
                None
            }
            None => None,
        };
        Some(ExceptionItem { name: name.clone(), place, fields, comps, values })
    }

    fn entry(&mut self, node: &Node, place: &Place) -> Option<Entry> {
        match node {
            Node::Scalar { null: true, .. } => None,
            Node::Scalar { text, .. } => Some(Entry::One(text.clone())),
            Node::Sequence(nodes) => Some(Entry::Many(
                nodes.iter().enumerate().filter_map(|(at, node)| self.entry(node, &place.index(at))).collect(),
            )),
            Node::Map(_) => {
                self.wrong(place, "expected a text or a sequence, found a map".to_owned());
                None
            }
        }
    }
}

const APPENDABLE: &[&str] = &["condition", "output", "desc", "tags", "exceptions", "items"];
const OVERRIDABLE: &[&str] = &[
    "condition",
    "output",
    "desc",
    "tags",
    "exceptions",
    "priority",
    "capture",
    "capture_duration",
    "enabled",
    "warn_evttypes",
    "skip-if-unknown-filter",
];
