//! YAML behind one door: text to nodes with the scalars as written, and a node's place on demand.
//!
//! `serde_yaml` keeps no positions for input it can read, but attaches line and column to every error. So a place is
//! found by reading again and raising an error at the wanted node ([`locate`]): exact, and paid for only by those
//! who ask. Scalars come in two passes: the first learns which nodes are scalars, the second reads those as text, so
//! `0x10`, `007` and `1.0` stay what the author wrote.
//!
//! Bounded by [`Limits`]: depth, nodes and bytes, aliases counted as often as they are used. Brackets that are opened
//! and not closed are counted before the text is parsed, because the parser below spends time on each of them again and
//! again: a file of nothing but `[` would take minutes.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::Deserialize as _;
use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, Visitor};

/// Most that a file may unfold to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Sequences and maps inside each other.
    pub(crate) depth: usize,
    /// Scalars, sequences and maps together.
    pub(crate) nodes: usize,
    /// Bytes of all scalars together.
    pub(crate) bytes: usize,
}

impl Limits {
    pub(crate) const RULES: Self = Self { depth: 32, nodes: 2_000_000, bytes: 64 << 20 };
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// Text as written, and whether YAML means "nothing" by it.
    Scalar { text: String, null: bool },
    /// `[a, b]` or lines with `-`.
    Sequence(Vec<Node>),
    /// `{a: b}` or lines with `:`; keys are unique.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// The kind in words, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Scalar { null: true, .. } => "nothing",
            Self::Scalar { .. } => "a text",
            Self::Sequence(_) => "a sequence",
            Self::Map(_) => "a map",
        }
    }
}

/// One step from a node to a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Element of a sequence.
    Index(usize),
    /// Value under a key.
    Value(Box<str>),
    /// The key itself.
    Key(Box<str>),
}

/// Why text is not usable YAML; line and column count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct YamlError {
    pub(crate) message: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// Reads all documents. Those before the first error are returned with it.
pub(crate) fn parse(text: &str, limits: Limits) -> (Vec<Node>, Option<YamlError>) {
    if let Some(error) = unclosed_brackets(text) {
        return (Vec::new(), Some(error));
    }
    let budget = Budget { nodes: Cell::new(limits.nodes), bytes: Cell::new(limits.bytes) };
    let mut shapes = Vec::new();
    let mut error = None;
    for document in serde_yaml::Deserializer::from_str(text) {
        match (ShapeSeed { budget: &budget, depth: limits.depth }).deserialize(document) {
            Ok(shape) => shapes.push(shape),
            Err(err) => {
                error = Some(described(&err));
                break;
            }
        }
    }
    let mut nodes = Vec::with_capacity(shapes.len());
    for (shape, document) in shapes.iter().zip(serde_yaml::Deserializer::from_str(text)) {
        match (TextSeed { shape, budget: &budget }).deserialize(document) {
            Ok(node) => nodes.push(node),
            // The first pass read this document, so only the bytes can be too many.
            Err(err) => return (nodes, Some(described(&err))),
        }
    }
    (nodes, error)
}

/// Most brackets open at one time, wherever they stand: texts and comments hold pairs, so their balance stays near zero.
const MAX_OPEN_BRACKETS: usize = 1000;

fn unclosed_brackets(text: &str) -> Option<YamlError> {
    let mut open = 0_usize;
    for (line, content) in text.split('\n').enumerate() {
        for (column, c) in content.bytes().enumerate() {
            match c {
                b'[' | b'{' => open += 1,
                b']' | b'}' => open = open.saturating_sub(1),
                _ => {}
            }
            if open > MAX_OPEN_BRACKETS {
                let message = format!("more than {MAX_OPEN_BRACKETS} brackets are opened and not closed");
                return Some(YamlError { message, line: line + 1, column: column + 1 });
            }
        }
    }
    None
}

/// Line and column of a node, from 1; `None` if the path leads nowhere.
pub(crate) fn locate(text: &str, document: usize, path: &[Step]) -> Option<(usize, usize)> {
    let document = serde_yaml::Deserializer::from_str(text).nth(document)?;
    let error = PlaceSeed { path }.deserialize(document).err()?;
    let found = described(&error);
    (found.message == FOUND).then_some((found.line, found.column))
}

fn described(error: &serde_yaml::Error) -> YamlError {
    let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
    let mut message = error.to_string();
    // The first place in the message is the error's own; others say where the enclosing value began.
    if let Some(cut) = message.find(" at line ") {
        let own = message.get(cut..).unwrap_or_default();
        let end = own.find(", ").map_or(message.len(), |end| cut + end);
        message.replace_range(cut..end, "");
    }
    // Messages of visitors are prefixed with the path inside the document; the place says that better.
    let message = match message.split_once(": ") {
        Some((path, rest)) if path.contains('[') || path.starts_with('.') || rest.starts_with(OURS) => rest.to_owned(),
        _ => message,
    };
    YamlError { message: message.trim_start_matches(OURS).to_owned(), line, column }
}

/// Marks messages made here, so that a path before them can be told from text.
const OURS: &str = "\u{1}";
const FOUND: &str = "found";

fn ours<E: de::Error>(message: impl fmt::Display) -> E {
    E::custom(format_args!("{OURS}{message}"))
}

struct Budget {
    nodes: Cell<usize>,
    bytes: Cell<usize>,
}

impl Budget {
    fn node<E: de::Error>(&self) -> Result<(), E> {
        spend(&self.nodes, 1).ok_or_else(|| ours("the file unfolds to too many values"))
    }

    fn text<E: de::Error>(&self, text: &str) -> Result<(), E> {
        spend(&self.bytes, text.len()).ok_or_else(|| ours("the file unfolds to too much text"))
    }
}

fn spend(left: &Cell<usize>, amount: usize) -> Option<()> {
    left.set(left.get().checked_sub(amount)?);
    Some(())
}

/// What the first pass learns of a node.
enum Shape {
    Scalar { null: bool },
    Sequence(Vec<Shape>),
    Map(Vec<Shape>),
}

#[derive(Clone, Copy)]
struct ShapeSeed<'b> {
    budget: &'b Budget,
    depth: usize,
}

impl ShapeSeed<'_> {
    fn deeper<E: de::Error>(self) -> Result<Self, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| ours::<E>("values are nested too deeply"))?;
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for ShapeSeed<'_> {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Shape, D::Error> {
        self.budget.node::<D::Error>()?;
        from.deserialize_any(self)
    }
}

macro_rules! scalars {
    ($($method:ident: $ty:ty),+) => {
        $(fn $method<E: de::Error>(self, _: $ty) -> Result<Shape, E> {
            Ok(Shape::Scalar { null: false })
        })+
    };
}

impl<'de> Visitor<'de> for ShapeSeed<'_> {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    scalars!(visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128, visit_f64: f64, visit_str: &str);

    fn visit_unit<E: de::Error>(self) -> Result<Shape, E> {
        Ok(Shape::Scalar { null: true })
    }

    fn visit_none<E: de::Error>(self) -> Result<Shape, E> {
        Ok(Shape::Scalar { null: true })
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Shape, A::Error> {
        Err(ours("tags (`!name`) have no meaning here"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Shape, A::Error> {
        let inner = self.deeper()?;
        let mut parts = Vec::new();
        while let Some(part) = from.next_element_seed(inner)? {
            parts.push(part);
        }
        Ok(Shape::Sequence(parts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Shape, A::Error> {
        let inner = self.deeper()?;
        let mut parts = Vec::new();
        let mut keys = HashSet::new();
        while let Some(key) = from.next_key_seed(KeySeed { known: &keys })? {
            keys.insert(key);
            parts.push(from.next_value_seed(inner)?);
        }
        Ok(Shape::Map(parts))
    }
}

/// Reads a key, which must be text and new.
struct KeySeed<'k> {
    known: &'k HashSet<String>,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<String, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<String, E> {
        if self.known.contains(key) {
            return Err(ours(format_args!("key `{}` is given twice", super::source::shortened(key))));
        }
        Ok(key.to_owned())
    }
}

/// Second pass: the same walk, with every scalar read as text.
#[derive(Clone, Copy)]
struct TextSeed<'s> {
    shape: &'s Shape,
    budget: &'s Budget,
}

impl<'de> DeserializeSeed<'de> for TextSeed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Node, D::Error> {
        match self.shape {
            // An empty document has no scalar to read as text.
            Shape::Scalar { null: true } => {
                Option::<de::IgnoredAny>::deserialize(from).map(|_| Node::Scalar { text: String::new(), null: true })
            }
            Shape::Scalar { null: false } => from.deserialize_str(self),
            Shape::Sequence(_) => from.deserialize_seq(self),
            Shape::Map(_) => from.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for TextSeed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the same value again")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Node, E> {
        self.budget.text::<E>(text)?;
        Ok(Node::Scalar { text: text.to_owned(), null: false })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Node, A::Error> {
        let Shape::Sequence(shapes) = self.shape else { return Err(ours("the value changed while it was read")) };
        let mut parts = Vec::with_capacity(shapes.len());
        for shape in shapes {
            parts.extend(from.next_element_seed(TextSeed { shape, ..self })?);
        }
        // The sequence must be read to its end.
        from.next_element::<de::IgnoredAny>()?;
        Ok(Node::Sequence(parts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Node, A::Error> {
        let Shape::Map(shapes) = self.shape else { return Err(ours("the value changed while it was read")) };
        let known = HashSet::new();
        let mut parts = Vec::with_capacity(shapes.len());
        for shape in shapes {
            let Some(key) = from.next_key_seed(KeySeed { known: &known })? else { break };
            self.budget.text::<A::Error>(&key)?;
            parts.push((key, from.next_value_seed(TextSeed { shape, ..self })?));
        }
        from.next_key::<de::IgnoredAny>()?;
        Ok(Node::Map(parts))
    }
}

/// Walks to a node and raises an error there.
struct PlaceSeed<'p> {
    path: &'p [Step],
}

impl<'de> DeserializeSeed<'de> for PlaceSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

macro_rules! raise {
    ($($method:ident: $ty:ty),+) => {
        $(fn $method<E: de::Error>(self, _: $ty) -> Result<(), E> {
            self.here()
        })+
    };
}

impl PlaceSeed<'_> {
    fn here<E: de::Error>(&self) -> Result<(), E> {
        if self.path.is_empty() { Err(ours(FOUND)) } else { Ok(()) }
    }
}

impl<'de> Visitor<'de> for PlaceSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the wanted value")
    }

    raise!(visit_bool: bool, visit_i64: i64, visit_i128: i128, visit_u64: u64, visit_u128: u128, visit_f64: f64, visit_str: &str);

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.here()
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.here()
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        self.here()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        self.here()?;
        let Some((Step::Index(wanted), rest)) = self.path.split_first() else { return Err(ours("no such place")) };
        for _ in 0..*wanted {
            from.next_element::<de::IgnoredAny>()?;
        }
        from.next_element_seed(PlaceSeed { path: rest })?;
        Err(ours("no such place"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        self.here()?;
        let Some((step, rest)) = self.path.split_first() else { return Err(ours("no such place")) };
        loop {
            let key = match step {
                Step::Key(wanted) => from.next_key_seed(WantedKey(wanted))?,
                Step::Value(_) | Step::Index(_) => from.next_key::<String>()?,
            };
            let Some(key) = key else { return Err(ours("no such place")) };
            match step {
                Step::Value(wanted) if **wanted == *key => {
                    from.next_value_seed(PlaceSeed { path: rest })?;
                    return Err(ours("no such place"));
                }
                _ => from.next_value::<de::IgnoredAny>().map(drop)?,
            }
        }
    }
}

/// Raises the error at a key.
struct WantedKey<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for WantedKey<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<String, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for WantedKey<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<String, E> {
        if key == self.0 { Err(ours(FOUND)) } else { Ok(key.to_owned()) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn scalar(text: &str) -> Node {
        Node::Scalar { text: text.to_owned(), null: false }
    }

    fn read(text: &str) -> Vec<Node> {
        let (nodes, error) = parse(text, Limits::RULES);
        assert_eq!(error, None, "{text}");
        nodes
    }

    #[test]
    fn scalars_stay_as_written() {
        let nodes = read("[0x10, 007, 1.0, yes, 'a b', ~, '~', 1e3, -5]");
        let [Node::Sequence(items)] = nodes.as_slice() else { panic!("{nodes:?}") };
        let texts = ["0x10", "007", "1.0", "yes", "a b"].map(scalar);
        assert_eq!(items[..5], texts);
        assert_eq!(items[5], Node::Scalar { text: String::new(), null: true });
        assert_eq!(items[6..], ["~", "1e3", "-5"].map(scalar));
    }

    #[test]
    fn documents_come_in_order_and_may_be_empty() {
        assert_eq!(read("a\n---\nb\n"), [scalar("a"), scalar("b")]);
        assert_eq!(read("").len(), 1);
        assert_eq!(read("# only a comment\n").len(), 1);
        assert_eq!(read("- a\n---\n---\n- b").len(), 3);
    }

    #[test]
    fn places_are_exact() {
        let text = "- a: 1\n  b: >\n    two\n    three\n- [x, {y: 'z'}]\n---\n- c: d\n";
        let value = |key: &str| Step::Value(key.into());
        type Case = (usize, Vec<Step>, Option<(usize, usize)>);
        let cases: [Case; 9] = [
            (0, vec![], Some((1, 1))),
            (0, vec![Step::Index(0)], Some((1, 3))),
            (0, vec![Step::Index(0), value("a")], Some((1, 6))),
            (0, vec![Step::Index(0), Step::Key("b".into())], Some((2, 3))),
            (0, vec![Step::Index(0), value("b")], Some((2, 6))),
            (0, vec![Step::Index(1), Step::Index(1), value("y")], Some((5, 11))),
            (1, vec![Step::Index(0), Step::Key("c".into())], Some((7, 3))),
            (1, vec![Step::Index(1)], None),
            (2, vec![], None),
        ];
        for (document, path, at) in cases {
            assert_eq!(locate(text, document, &path), at, "{document} {path:?}");
        }
    }

    #[test]
    fn errors_have_a_place_and_no_path() {
        let error = |text| parse(text, Limits::RULES).1.unwrap();
        assert_eq!((error("- a: 1\n  b: [1, 2\n- c").line, error("a: b: c").column), (4, 5));
        let twice = error("- x: 1\n- y: 1\n  y: 2\n");
        assert_eq!((twice.message.as_str(), twice.line, twice.column), ("key `y` is given twice", 3, 3));
        let tag = error("- !new x");
        assert_eq!(tag.message, "tags (`!name`) have no meaning here");
        assert!(error("- *nowhere").message.contains("anchor"));
    }

    #[test]
    fn what_was_read_before_an_error_is_kept() {
        let (nodes, error) = parse("- a\n---\n- b: [\n", Limits::RULES);
        assert_eq!(nodes, [Node::Sequence(vec![scalar("a")])]);
        assert!(error.is_some());
    }

    #[test]
    fn limits_hold() {
        let small = Limits { depth: 3, nodes: 50, bytes: 100 };
        let message = |text: &str| parse(text, small).1.map(|error| error.message).unwrap_or_default();
        assert_eq!(message("[[[1]]]"), "");
        assert_eq!(message("[[[[1]]]]"), "values are nested too deeply");
        assert!(message(&"- a\n".repeat(60)).contains("too many values"));
        assert!(message(&format!("[{}]", "x".repeat(101))).contains("too much text"));
        let laughs = "a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]\n";
        assert!(message(laughs).contains("too many values"));
        let copies = format!("a: &a {}\nb: [*a, *a, *a]", "x".repeat(30));
        assert!(message(&copies).contains("too much text"));
        let brackets = parse(&"[".repeat(100_000), Limits::RULES).1.unwrap();
        assert_eq!(
            (brackets.message.as_str(), brackets.column),
            ("more than 1000 brackets are opened and not closed", 1001)
        );
        assert_eq!(parse(&"- '[{'\n- ']}'\n".repeat(2000), Limits::RULES).1, None);
    }
}
