//! Where something stands in a condition, and what is wrong with it.

use std::fmt;

/// Which text a [`Span`] points into. The caller numbers its texts: the condition itself and the macros it uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub u32);

/// A stretch of a condition's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Line of the first byte, from 1.
    pub line: u32,
    /// Column of the first byte in characters, from 1.
    pub column: u32,
}

/// What kind of mistake a [`ConditionError`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text does not follow the grammar.
    Syntax,
    /// Nested more deeply than the limit.
    TooDeep,
    /// Longer than the limit, as text, constant or expanded tree.
    TooLarge,
    /// No such field (rules may ask to be skipped for this).
    UnknownField,
    /// The field is known, its argument is not right.
    FieldArgument,
    /// The field may not be used in this place.
    FieldUse,
    /// No such event or system call name (rules may ask to be skipped for this).
    UnknownEventType,
    /// The operator does not fit the type on its left.
    Operator,
    /// The value on the right, or an argument, does not fit.
    Value,
    /// A macro nobody defined.
    UnknownMacro,
    /// Macros that use each other in a circle.
    MacroLoop,
}

/// Why a condition cannot be used, and where.
#[derive(Clone, PartialEq, Eq)]
pub struct ConditionError(Box<Inner>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    kind: ErrorKind,
    span: Span,
    message: String,
    found: String,
    expected: String,
}

impl ConditionError {
    pub(crate) fn syntax(span: Span, found: &str, expected: &str) -> Self {
        let message = format!("expected {expected}, found {found}");
        Self::new(ErrorKind::Syntax, span, message, found, expected)
    }

    pub(crate) fn new(kind: ErrorKind, span: Span, message: String, found: &str, expected: &str) -> Self {
        Self(Box::new(Inner { kind, span, message, found: found.to_owned(), expected: expected.to_owned() }))
    }

    /// Kind of mistake.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Place of the mistake.
    #[must_use]
    pub fn span(&self) -> Span {
        self.0.span
    }

    /// The text the place is in.
    #[must_use]
    pub fn source_id(&self) -> SourceId {
        self.0.span.source
    }

    /// Byte offset of the place.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.0.span.start as usize
    }

    /// Line, from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.0.span.line
    }

    /// Column in characters, from 1.
    #[must_use]
    pub fn column(&self) -> u32 {
        self.0.span.column
    }

    /// What stands there.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.0.found
    }

    /// What could stand there instead.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.0.expected
    }

    /// The line of `text` (the text the place is in) with a caret below the place, cut to `width` characters.
    ///
    /// Cuts show as `...`; control characters as blanks, so that a hostile rule cannot steer a terminal.
    #[must_use]
    pub fn render(&self, text: &str, width: usize) -> String {
        let index = (self.line() as usize).saturating_sub(1);
        let line: Vec<char> = text.split('\n').nth(index).unwrap_or_default().chars().collect();
        let caret = (self.column() as usize).saturating_sub(1).min(line.len());
        let width = width.max(16);
        let from = if line.len() <= width { 0 } else { caret.saturating_sub(width / 2).min(line.len() - width) };
        let to = line.len().min(from + width);
        let mut shown: Vec<char> =
            line.get(from..to).unwrap_or_default().iter().map(|c| if c.is_control() { ' ' } else { *c }).collect();
        if from > 0 {
            shown.iter_mut().take(3).for_each(|c| *c = '.');
        }
        if to < line.len() {
            shown.iter_mut().rev().take(3).for_each(|c| *c = '.');
        }
        let shown: String = shown.into_iter().collect();
        format!("{}\n{}^", shown.trim_end(), " ".repeat(caret - from))
    }
}

impl fmt::Display for ConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for ConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ConditionError {}

/// Text for a message: at most 40 characters, in backticks.
pub(crate) fn quoted(text: &str) -> String {
    let mut short: String = text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        short.push_str("...");
    }
    format!("`{short}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> ConditionError {
        let span = Span { line, column, ..Span::default() };
        ConditionError::syntax(span, "`x`", "a value")
    }

    #[test]
    fn the_caret_stands_under_the_place() {
        assert_eq!(at(1, 3).render("ab cd", 80), "ab cd\n  ^");
        assert_eq!(at(2, 1).render("ab\ncd", 80), "cd\n^");
        assert_eq!(at(1, 6).render("ab cd", 80), "ab cd\n     ^");
        assert_eq!(at(1, 2).render("\u{e9}x", 80), "\u{e9}x\n ^");
        assert_eq!(at(1, 3).render("a\tb\u{1b}", 80), "a b\n  ^");
        assert_eq!(at(7, 7).render("ab", 80), "\n^");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let line: String = ('a'..='z').cycle().take(100).collect();
        assert_eq!(at(1, 1).render(&line, 16), "abcdefghijklm...\n^");
        assert_eq!(at(1, 50).render(&line, 16), "...stuvwxyzab...\n        ^");
        assert_eq!(at(1, 101).render(&line, 16), "...jklmnopqrstuv\n                ^");
    }

    #[test]
    fn quoted_text_is_short_and_tame() {
        assert_eq!(quoted("a\nb"), "`a b`");
        assert_eq!(quoted(&"x".repeat(50)), format!("`{}...`", "x".repeat(40)));
    }
}
