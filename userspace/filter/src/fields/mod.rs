//! What a rule can name: the fields, their types and what may be done with them.
//!
//! [`FieldId`] comes from the table in `table.rs`. [`FieldRef`] is a field with its argument, as written in a
//! condition (`proc.aname[2]`) or an output (`%evt.arg.flags`). [`FieldRegistry`] looks names up.

mod reference;
mod table;

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

pub(crate) use reference::starts_with_field;
pub use reference::{FieldArg, FieldError, FieldRef};
use table::FIELDS;
pub use table::FieldId;

/// Type of a field's value, and so the operators and constants it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// `true` or `false`.
    Bool,
    /// Signed, 16 bits.
    Int16,
    /// Signed, 32 bits.
    Int32,
    /// Signed, 64 bits.
    Int64,
    /// Unsigned, 32 bits.
    Uint32,
    /// Unsigned, 64 bits.
    Uint64,
    /// Port number, or the name of a well-known service.
    Port,
    /// Duration in nanoseconds.
    RelTime,
    /// Nanoseconds since the epoch.
    AbsTime,
    /// Floating point; constants are whole numbers.
    Double,
    /// Text or path, compared byte by byte.
    Text,
    /// Raw bytes.
    Bytes,
    /// IPv4 or IPv6 address.
    Ip,
    /// An address, tested against networks.
    Net,
    /// Known only when the event is seen (`evt.rawarg`).
    Dynamic,
}

impl FieldType {
    /// Smallest and largest constant the type can hold, for the whole-number types.
    #[must_use]
    pub const fn range(self) -> Option<(i128, i128)> {
        Some(match self {
            Self::Int16 => (i16::MIN as i128, i16::MAX as i128),
            Self::Int32 => (i32::MIN as i128, i32::MAX as i128),
            Self::Int64 | Self::Double => (i64::MIN as i128, i64::MAX as i128),
            Self::Uint32 => (0, u32::MAX as i128),
            Self::Uint64 | Self::RelTime | Self::AbsTime => (0, u64::MAX as i128),
            Self::Port => (0, u16::MAX as i128),
            Self::Bool | Self::Text | Self::Bytes | Self::Ip | Self::Net | Self::Dynamic => return None,
        })
    }

    /// Name for messages and listings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Port => "port",
            Self::RelTime => "reltime",
            Self::AbsTime => "abstime",
            Self::Double => "double",
            Self::Text => "string",
            Self::Bytes => "bytes",
            Self::Ip => "ipaddr",
            Self::Net => "ipnet",
            Self::Dynamic => "dynamic",
        }
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// When the value of a field can change: the engine re-evaluates a test only then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// With the process itself: exec, credentials, working directory, container data.
    Process,
    /// Also with an ancestor, a session leader or a group leader.
    Lineage,
    /// With the open file the event is about.
    Descriptor,
    /// With each event; never cached.
    Event,
}

impl Class {
    /// Name for listings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Lineage => "lineage",
            Self::Descriptor => "descriptor",
            Self::Event => "event",
        }
    }
}

/// What may and may not be done with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FieldFlags(u16);

impl FieldFlags {
    /// No restriction.
    pub const PLAIN: Self = Self(0);
    /// Has no value to print: conditions only.
    pub const FILTER_ONLY: Self = Self(1);
    /// Output formats only.
    pub const PRINT_ONLY: Self = Self(1 << 1);
    /// Not allowed inside `val()` on the right.
    pub const NO_RHS: Self = Self(1 << 2);
    /// Takes no transformer.
    pub const NO_TRANSFORMER: Self = Self(1 << 3);
    /// Kept so that old rules load; named in a warning.
    pub const DEPRECATED: Self = Self(1 << 4);
    /// The value is a list of the field's type.
    pub const LIST: Self = Self(1 << 5);
    /// A path with a resolved and a lexical value (see `naive` for what that means to a test).
    pub const PATH: Self = Self(1 << 6);
    /// Without an index: any ancestor.
    pub const ANCESTORS: Self = Self(1 << 7);
    /// Both ends of a connection: `=` holds for either, `!=` only if for neither.
    pub const ENDPOINTS: Self = Self(1 << 8);
    /// Part of the suggested output of a rule.
    pub const SUGGESTED: Self = Self(1 << 9);
    /// Understood, but left out of short listings.
    pub const UNLISTED: Self = Self(1 << 10);
    /// The value is the name of an event; constants must be known names.
    pub const EVENT_NAME: Self = Self(1 << 11);

    /// These flags and `other`'s.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all flags of `other` are set.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Which arguments a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ArgRule {
    /// The field means nothing without one.
    pub required: bool,
    /// `field.name`.
    pub takes_name: bool,
    /// `field[3]`, counted from 0.
    pub takes_index: bool,
    /// `field[key]` or `field["key"]`.
    pub takes_key: bool,
}

impl ArgRule {
    pub(crate) const NONE: Self = Self::optional();

    const fn optional() -> Self {
        Self { required: false, takes_name: false, takes_index: false, takes_key: false }
    }

    const fn required() -> Self {
        Self { required: true, ..Self::optional() }
    }

    const fn name(self) -> Self {
        Self { takes_name: true, ..self }
    }

    const fn index(self) -> Self {
        Self { takes_index: true, ..self }
    }

    const fn key(self) -> Self {
        Self { takes_key: true, ..self }
    }

    /// Whether any argument in square brackets is allowed.
    #[must_use]
    pub const fn takes_brackets(self) -> bool {
        self.takes_index || self.takes_key
    }

    /// The accepted forms in words, such as `.name or [index]`; empty when there is none.
    #[must_use]
    pub fn forms(self) -> String {
        let forms = [(self.takes_name, ".name"), (self.takes_index, "[index]"), (self.takes_key, "[key]")];
        let taken: Vec<&str> = forms.iter().filter(|(takes, _)| *takes).map(|(_, form)| *form).collect();
        taken.join(" or ")
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct FieldInfo {
    /// The field.
    pub id: FieldId,
    /// Name without argument.
    pub name: &'static str,
    /// Type of the value, or of each element of a list.
    pub ty: FieldType,
    /// Arguments it takes.
    pub arg: ArgRule,
    /// When its value can change.
    pub changes: Class,
    /// Restrictions and peculiarities.
    pub flags: FieldFlags,
    /// One line, lower case, no final stop.
    pub description: &'static str,
}

impl FieldInfo {
    /// Whether the value is a list.
    #[must_use]
    pub const fn is_list(&self) -> bool {
        self.flags.has(FieldFlags::LIST)
    }

    /// Whether the value is a path with a resolved and a lexical form.
    #[must_use]
    pub const fn is_path(&self) -> bool {
        self.flags.has(FieldFlags::PATH)
    }

    /// Whether rules should stop using the field.
    #[must_use]
    pub const fn is_deprecated(&self) -> bool {
        self.flags.has(FieldFlags::DEPRECATED)
    }
}

impl FieldId {
    /// The field's row.
    #[must_use]
    pub fn info(self) -> &'static FieldInfo {
        // INVARIANT: the macro writes enum and array from the same rows, so every id is an index.
        &FIELDS[usize::from(self as u16)]
    }

    /// Name without argument.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.info().name
    }
}

static BY_NAME: LazyLock<HashMap<&'static str, FieldId>> =
    LazyLock::new(|| FIELDS.iter().map(|info| (info.name, info.id)).collect());

/// Longest edit distance at which a name is still offered for a mistyped one.
const SUGGEST_DISTANCE: usize = 3;
/// Most names offered.
const SUGGESTIONS: usize = 3;

/// Looks fields up by name.
#[derive(Clone, Copy, Debug)]
pub struct FieldRegistry;

impl FieldRegistry {
    /// The field of exactly this name, without argument.
    #[must_use]
    pub fn lookup(name: &str) -> Option<&'static FieldInfo> {
        BY_NAME.get(name).map(|id| id.info())
    }

    /// All fields in table order.
    pub fn iter() -> impl ExactSizeIterator<Item = &'static FieldInfo> {
        FIELDS.iter()
    }

    /// The known names nearest to `name`, best first; none if nothing is near.
    #[must_use]
    pub fn suggest(name: &str) -> Vec<&'static str> {
        // No name is near this, and the distance is quadratic in the length.
        if name.len() > 64 {
            return Vec::new();
        }
        let limit = SUGGEST_DISTANCE.min(name.len() / 3);
        let mut near: Vec<(usize, &'static str)> = FIELDS
            .iter()
            .filter(|info| !info.is_deprecated())
            .map(|info| (edit_distance(name.as_bytes(), info.name.as_bytes()), info.name))
            .filter(|(distance, _)| *distance <= limit)
            .collect();
        near.sort_unstable();
        near.into_iter().take(SUGGESTIONS).map(|(_, name)| name).collect()
    }
}

/// Insertions, deletions and replacements between two names.
fn edit_distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            left = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            diagonal = above;
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_index_their_rows() {
        for (at, info) in FieldRegistry::iter().enumerate() {
            assert_eq!(usize::from(info.id as u16), at, "{}", info.name);
            assert_eq!(info.id.name(), info.name);
            assert_eq!(
                FieldRegistry::lookup(info.name).map(|found| found.id),
                Some(info.id),
                "name used twice: {}",
                info.name
            );
        }
    }

    #[test]
    fn rows_are_well_formed() {
        for info in FieldRegistry::iter() {
            assert!(!info.description.is_empty() && !info.description.ends_with('.'), "{}", info.name);
            assert!(info.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._".contains(&b)));
            assert!(!info.arg.required || !info.arg.forms().is_empty(), "{}", info.name);
            if info.flags.has(FieldFlags::ENDPOINTS) {
                assert!(info.flags.has(FieldFlags::NO_RHS.with(FieldFlags::NO_TRANSFORMER)), "{}", info.name);
            }
        }
    }

    #[test]
    fn classes_follow_what_changes_a_value() {
        let cases = [
            ("proc.name", Class::Process),
            ("proc.exepath", Class::Process),
            ("user.uid", Class::Process),
            ("container.id", Class::Process),
            ("k8s.ns.name", Class::Process),
            ("proc.stdin.type", Class::Process),
            ("proc.pname", Class::Lineage),
            ("proc.aname", Class::Lineage),
            ("proc.sname", Class::Lineage),
            ("proc.pgid.exe", Class::Lineage),
            ("proc.loginshellid", Class::Lineage),
            ("fd.name", Class::Descriptor),
            ("fd.sip", Class::Descriptor),
            ("fd.nameraw", Class::Descriptor),
            ("fd.num", Class::Event),
            ("evt.type", Class::Event),
            ("fs.path.name", Class::Event),
            ("proc.duration", Class::Event),
            ("proc.vmrss", Class::Event),
            ("container.duration", Class::Event),
        ];
        for (name, class) in cases {
            assert_eq!(FieldRegistry::lookup(name).map(|info| info.changes), Some(class), "{name}");
        }
    }

    #[test]
    fn paths_are_marked() {
        let paths: Vec<&str> = FieldRegistry::iter().filter(|info| info.is_path()).map(|info| info.name).collect();
        assert_eq!(
            paths,
            [
                "evt.abspath",
                "fd.containerdirectory",
                "fd.containername",
                "fd.directory",
                "fd.filename",
                "fd.name",
                "fs.path.name",
                "fs.path.source",
                "fs.path.target",
            ]
        );
    }

    #[test]
    fn suggestions_are_near_names() {
        assert_eq!(FieldRegistry::suggest("proc.nme").first(), Some(&"proc.name"));
        assert!(FieldRegistry::suggest("evt.tpye").contains(&"evt.type"));
        assert!(FieldRegistry::suggest("zzzzzzzzzzzz.qqqqqqqq").is_empty());
        assert!(FieldRegistry::suggest(&"a".repeat(10_000)).is_empty());
    }

    #[test]
    fn edit_distance_counts_edits() {
        for (a, b, distance) in
            [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("same", "same", 0)]
        {
            assert_eq!(edit_distance(a.as_bytes(), b.as_bytes()), distance, "{a} {b}");
        }
    }

    /// The reference list is outside the repository; without it there is nothing to compare with.
    #[test]
    fn every_field_of_the_reference_is_known_with_its_type() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/reference/fields.tsv");
        let Ok(text) = std::fs::read_to_string(path) else {
            println!("skipped: reference/fields.tsv is not here");
            return;
        };
        let classes =
            ["evt", "syscall", "proc", "thread", "fd", "fdlist", "fs", "user", "group", "container", "k8s", "static"];
        let mut seen = 0;
        for line in text.lines().skip(1) {
            let columns: Vec<&str> = line.split('\t').collect();
            let [name, ty, arg, _, deprecated, ..] = columns.as_slice() else { panic!("short line: {line}") };
            if !classes.contains(&name.split('.').next().unwrap_or_default()) {
                continue;
            }
            seen += 1;
            let name = name.strip_suffix(".<key>").unwrap_or(name);
            let info = FieldRegistry::lookup(name).unwrap_or_else(|| panic!("`{name}` is missing"));
            let base = ty.split('(').next().unwrap_or_default();
            let base = base.strip_prefix("list<").map_or(base, |inner| inner.trim_end_matches('>'));
            assert_eq!(info.ty.name(), base, "{name}");
            assert_eq!(info.is_list(), ty.starts_with("list<"), "{name}");
            assert_eq!(info.is_deprecated(), *deprecated == "yes", "{name}");
            if name != "static" && name != "evt.abspath" {
                assert_eq!(info.arg.required, arg.starts_with("required"), "{name}");
                assert_eq!(info.arg.forms().is_empty(), *arg == "none", "{name}");
            }
        }
        assert_eq!(seen, FieldRegistry::iter().len());
    }
}
