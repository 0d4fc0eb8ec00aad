//! Rule files and places in them.
//!
//! A [`Place`] names a value by its path in the file and finds line and column only when asked. A [`Text`] is a
//! condition or output put together from pieces of files; it maps any offset back to the piece's file. YAML folds
//! and strips blanks, so inside a scalar the n-th character that is no blank is looked for, which is exact for plain,
//! folded and literal scalars and for quoted ones without exotic escapes.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use super::yaml::{self, Step};

/// Longest rule file, in bytes.
pub const MAX_FILE_BYTES: usize = 16 << 20;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// Widest source line shown below a message, in characters.
const EXCERPT_WIDTH: usize = 120;

/// Line and column, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pos {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl Pos {
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Pos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A rule file's name and text.
#[derive(Debug, PartialEq, Eq)]
pub struct SourceFile {
    name: String,
    text: String,
}

/// Why a rule file cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read rules from `{path}`: {problem}")]
pub struct ReadError {
    path: String,
    problem: ReadProblem,
}

#[derive(Debug, thiserror::Error)]
enum ReadProblem {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("the folder holds no `.yaml` or `.yml` file")]
    NoFile,
    #[error("it is longer than {} MiB", MAX_FILE_BYTES >> 20)]
    TooLong,
    #[error("it is not UTF-8 (byte {at})")]
    NotUtf8 { at: usize },
}

impl ReadError {
    /// Whether the file was read and what is in it is wrong, rather than that reading failed.
    #[must_use]
    pub fn is_content(&self) -> bool {
        matches!(self.problem, ReadProblem::TooLong | ReadProblem::NotUtf8 { .. })
    }
}

impl SourceFile {
    /// Takes text that is already here; `name` is what messages call it. A byte order mark, as some editors put
    /// before everything, is no part of the text: the YAML reader would count it as a column.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let mut text = text.into();
        if text.starts_with(BYTE_ORDER_MARK) {
            text.drain(..BYTE_ORDER_MARK.len_utf8());
        }
        Arc::new(Self { name: name.into(), text })
    }

    /// Reads a file, or of a folder all files ending in `.yaml` or `.yml`, in order of their names.
    ///
    /// # Errors
    /// If a file cannot be read, is longer than [`MAX_FILE_BYTES`] or is not UTF-8, or a folder holds no rule file.
    pub fn read(path: &Path) -> Result<Vec<Arc<Self>>, ReadError> {
        let failed = |path: &Path, problem: ReadProblem| ReadError { path: path.display().to_string(), problem };
        let of_folder = |err: std::io::Error| failed(path, err.into());
        if !std::fs::metadata(path).map_err(of_folder)?.is_dir() {
            return Self::read_one(path).map(|file| vec![file]).map_err(|problem| failed(path, problem));
        }
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path).map_err(of_folder)? {
            let entry = entry.map_err(of_folder)?.path();
            let is_rules = entry.extension().is_some_and(|ext| ext == "yaml" || ext == "yml");
            if is_rules && entry.is_file() {
                names.push(entry);
            }
        }
        if names.is_empty() {
            return Err(failed(path, ReadProblem::NoFile));
        }
        names.sort();
        names.iter().map(|name| Self::read_one(name).map_err(|problem| failed(name, problem))).collect()
    }

    fn read_one(path: &Path) -> Result<Arc<Self>, ReadProblem> {
        use std::io::Read as _;
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(MAX_FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > MAX_FILE_BYTES {
            return Err(ReadProblem::TooLong);
        }
        let text =
            String::from_utf8(bytes).map_err(|err| ReadProblem::NotUtf8 { at: err.utf8_error().valid_up_to() })?;
        Ok(Self::new(path.display().to_string(), text))
    }

    /// What messages call the file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A value in a rule file.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    file: Arc<SourceFile>,
    document: usize,
    path: Vec<Step>,
}

impl Place {
    pub(crate) fn document(file: &Arc<SourceFile>, document: usize) -> Self {
        Self { file: Arc::clone(file), document, path: Vec::new() }
    }

    fn step(&self, step: Step) -> Self {
        let mut path = self.path.clone();
        path.push(step);
        Self { path, ..self.clone() }
    }

    pub(crate) fn index(&self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    pub(crate) fn value(&self, key: &str) -> Self {
        self.step(Step::Value(key.into()))
    }

    pub(crate) fn key(&self, key: &str) -> Self {
        self.step(Step::Key(key.into()))
    }

    pub(crate) fn file(&self) -> &Arc<SourceFile> {
        &self.file
    }

    /// Where the value starts. Reads the file again: for messages and listings only.
    pub(crate) fn pos(&self) -> Pos {
        let found = yaml::locate(&self.file.text, self.document, &self.path);
        found.map_or(Pos::START, |(line, column)| Pos { line, column })
    }

    /// Where byte `offset` of the scalar `value` that starts here stands.
    fn inside(&self, value: &str, offset: usize) -> Pos {
        let start = self.pos();
        let before = value.get(..offset).unwrap_or(value);
        scalar_pos(&self.file.text, start, value, before.chars().filter(|c| !c.is_whitespace()).count())
            .unwrap_or(start)
    }
}

/// Place of the `nth` non-blank character of the scalar `value` whose node starts at `start`.
fn scalar_pos(text: &str, start: Pos, value: &str, nth: usize) -> Option<Pos> {
    let mut source = Chars::at(text, start)?;
    source.skip_properties();
    let quote = match source.peek()? {
        '>' | '|' => {
            source.skip_line();
            None
        }
        quote @ ('"' | '\'') => {
            source.next();
            Some(quote)
        }
        _ => None,
    };
    let mut wanted = value.chars().filter(|c| !c.is_whitespace());
    for _ in 0..nth {
        source.skip_blanks(quote);
        if source.take(quote)? != wanted.next()? {
            return None;
        }
    }
    let after = source.pos;
    match wanted.next() {
        None => Some(after),
        Some(next) => {
            source.skip_blanks(quote);
            let at = source.pos;
            (source.take(quote)? == next).then_some(at)
        }
    }
}

struct Chars<'t> {
    rest: std::str::Chars<'t>,
    pos: Pos,
}

impl<'t> Chars<'t> {
    fn at(text: &'t str, start: Pos) -> Option<Self> {
        let line = text.split('\n').nth(start.line - 1)?;
        let skipped: usize = line.chars().take(start.column - 1).map(char::len_utf8).sum();
        let offset = line.as_ptr() as usize - text.as_ptr() as usize + skipped;
        Some(Self { rest: text.get(offset..)?.chars(), pos: start })
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.pos = match c {
            '\n' => Pos { line: self.pos.line + 1, column: 1 },
            _ => Pos { column: self.pos.column + 1, ..self.pos },
        };
        Some(c)
    }

    fn skip_line(&mut self) {
        while let Some(c) = self.next() {
            if c == '\n' {
                return;
            }
        }
    }

    /// Passes an anchor (`&name`) in front of the scalar.
    fn skip_properties(&mut self) {
        if self.peek() == Some('&') {
            while self.peek().is_some_and(|c| !c.is_whitespace()) {
                self.next();
            }
            while self.peek().is_some_and(char::is_whitespace) {
                self.next();
            }
        }
    }

    fn skip_blanks(&mut self, quote: Option<char>) {
        loop {
            match self.peek() {
                Some(c) if c.is_whitespace() => drop(self.next()),
                // A backslash at the end of a line joins the lines.
                Some('\\') if quote == Some('"') && self.rest.as_str().starts_with("\\\n") => drop(self.next()),
                _ => return,
            }
        }
    }

    /// One character of the value: an escape in quotes counts as what it stands for.
    fn take(&mut self, quote: Option<char>) -> Option<char> {
        let c = self.next()?;
        match (quote, c) {
            (Some('\''), '\'') => self.next().filter(|c| *c == '\''),
            (Some('"'), '\\') => self.next().filter(|c| matches!(c, '"' | '\\' | '/')),
            (Some('"'), '"') => None,
            _ => Some(c),
        }
    }
}

/// A text put together from pieces of rule files.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug)]
struct Piece {
    start: usize,
    end: usize,
    place: Place,
    /// Written here by the author; otherwise made from what is at `place`.
    verbatim: bool,
}

impl Text {
    /// A scalar as the author wrote it, blanks at both ends cut off.
    pub(crate) fn scalar(value: &str, place: Place) -> Self {
        let text = value.trim().to_owned();
        let end = text.len();
        Self { text, pieces: vec![Piece { start: 0, end, place, verbatim: true }] }
    }

    /// Text made from what is at `place`.
    pub(crate) fn generated(text: String, place: Place) -> Self {
        let end = text.len();
        Self { text, pieces: vec![Piece { start: 0, end, place, verbatim: false }] }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Adds `other` behind `between`.
    pub(crate) fn join(&mut self, between: &str, other: &Self) {
        self.text.push_str(between);
        let shift = self.text.len();
        self.text.push_str(&other.text);
        self.pieces.extend(other.pieces.iter().map(|piece| Piece {
            start: piece.start + shift,
            end: piece.end + shift,
            ..piece.clone()
        }));
    }

    /// Puts text around all of it.
    pub(crate) fn wrap(&mut self, before: &str, after: &str) {
        self.text.insert_str(0, before);
        self.text.push_str(after);
        for piece in &mut self.pieces {
            piece.start += before.len();
            piece.end += before.len();
        }
    }

    /// File and position of byte `offset`.
    pub(crate) fn resolve(&self, offset: usize) -> Option<(Arc<SourceFile>, Pos)> {
        // Text between pieces belongs to the one before it.
        let piece = self.pieces.iter().rev().find(|piece| piece.start <= offset).or(self.pieces.first())?;
        let pos = if piece.verbatim {
            let value = self.text.get(piece.start..piece.end)?;
            piece.place.inside(value, offset.saturating_sub(piece.start).min(value.len()))
        } else {
            piece.place.pos()
        };
        Some((Arc::clone(&piece.place.file), pos))
    }
}

/// The source line with a caret below the place, cut to a readable width; control characters show as blanks.
pub(crate) fn excerpt(text: &str, pos: Pos) -> String {
    let line: Vec<char> = text.split('\n').nth(pos.line.saturating_sub(1)).unwrap_or_default().chars().collect();
    let caret = pos.column.saturating_sub(1).min(line.len());
    let from = if line.len() <= EXCERPT_WIDTH {
        0
    } else {
        caret.saturating_sub(EXCERPT_WIDTH / 2).min(line.len() - EXCERPT_WIDTH)
    };
    let to = line.len().min(from + EXCERPT_WIDTH);
    let shown: String =
        line.get(from..to).unwrap_or_default().iter().map(|c| if c.is_control() { ' ' } else { *c }).collect();
    let (left, right) = (if from > 0 { "..." } else { "" }, if to < line.len() { "..." } else { "" });
    format!("{left}{}{right}\n{}^", shown.trim_end(), " ".repeat(left.len() + caret - from))
}

/// Text for a message: at most 60 characters, control characters as blanks.
pub(crate) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(60).is_some() {
        short.push_str("...");
    }
    short
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn value(text: &str, key: &str) -> (String, Place) {
        let file = SourceFile::new("f.yaml", text);
        let (nodes, _) = yaml::parse(text, yaml::Limits::RULES);
        let yaml::Node::Map(pairs) = &nodes[0] else { panic!("{nodes:?}") };
        let found = pairs.iter().find(|(name, _)| name == key).map(|(_, node)| node.clone());
        let Some(yaml::Node::Scalar { text, .. }) = found else { panic!("no {key}") };
        (text, Place::document(&file, 0).value(key))
    }

    /// Finds `word` in the value and checks that its place in the file starts with it.
    fn check(text: &str, word: &str) {
        let (value, place) = value(text, "c");
        let joined = Text::scalar(&value, place);
        let (_, pos) = joined.resolve(joined.as_str().find(word).unwrap()).unwrap();
        let line = text.split('\n').nth(pos.line - 1).unwrap();
        let rest: String = line.chars().skip(pos.column - 1).collect();
        assert!(rest.starts_with(word), "{text:?}: `{word}` looked for at {pos}, found {rest:?}");
    }

    #[test]
    fn words_are_found_in_every_scalar_style() {
        check("a: 1\nc: plain one two\n", "two");
        check("c: plain\n  one\n\n  two\n", "two");
        check("c: >\n  folded\n  one   two\n", "two");
        check("c: >-\n\n  folded é\n  two\n", "two");
        check("c: |\n  literal\n    one\n  two\n", "two");
        check("c: &name >\n  folded\n  two\n", "two");
        check("c: 'it''s two'\n", "two");
        check("c: \"say \\\"one\\\" two\"\n", "two");
        check("c: \"one \\\n   two\"\n", "two");
    }

    #[test]
    fn a_byte_order_mark_and_carriage_returns_move_nothing() {
        let file =
            SourceFile::new("f.yaml", "\u{feff}- rule: x\r\n  desc: y\r\n  output: >\r\n    folded\r\n    two\r\n");
        let (nodes, errors) = yaml::parse(file.text(), yaml::Limits::RULES);
        assert!(errors.is_none() && nodes.len() == 1, "{nodes:?} {errors:?}");
        check("c: plain\r\n  two\r\n", "two");
    }

    #[test]
    fn what_cannot_be_read_is_told_from_what_is_wrong_inside() {
        let path = std::env::temp_dir().join(format!("saker-source-{}.yaml", std::process::id()));
        std::fs::write(&path, b"- rule: \xff\n").unwrap();
        let not_utf8 = SourceFile::read(&path).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert!(not_utf8.is_content() && not_utf8.to_string().ends_with("it is not UTF-8 (byte 8)"), "{not_utf8}");
        let missing = SourceFile::read(&path).unwrap_err();
        assert!(!missing.is_content() && missing.to_string().contains("saker-source-"), "{missing}");
    }

    #[test]
    fn exotic_escapes_fall_back_to_the_start() {
        let (text, place) = value("c: \"\\x41 two\"\n", "c");
        assert_eq!(place.inside(&text, 2), Pos { line: 1, column: 4 });
    }

    #[test]
    fn joined_texts_lead_back_to_their_pieces() {
        let (one, at_one) = value("a: first\nc: second\n", "a");
        let (two, at_two) = value("a: first\nc: second\n", "c");
        let mut text = Text::scalar(&one, at_one);
        text.wrap("(", ")");
        text.join(" and ", &Text::generated(two, at_two));
        assert_eq!(text.as_str(), "(first) and second");
        assert_eq!(text.resolve(1).unwrap().1, Pos { line: 1, column: 4 });
        assert_eq!(text.resolve(4).unwrap().1, Pos { line: 1, column: 7 });
        assert_eq!(text.resolve(15).unwrap().1, Pos { line: 2, column: 4 });
        assert_eq!(text.resolve(999).unwrap().1, Pos { line: 2, column: 4 });
    }

    #[test]
    fn excerpts_are_cut_around_the_caret() {
        assert_eq!(excerpt("a\nbc\td\n", Pos { line: 2, column: 3 }), "bc d\n  ^");
        let long = "x".repeat(500);
        let shown = excerpt(&long, Pos { line: 1, column: 400 });
        let (line, caret) = shown.split_once('\n').unwrap();
        assert!(line.starts_with("...x") && line.ends_with("x...") && line.len() == EXCERPT_WIDTH + 6);
        assert_eq!(caret.len(), 3 + EXCERPT_WIDTH / 2 + 1);
    }
}
