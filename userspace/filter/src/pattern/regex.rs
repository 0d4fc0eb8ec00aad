//! Regular expressions that must match the whole value.
//!
//! Bytes that are no UTF-8 are replaced before matching, so `.` means one character. Matching takes time linear in the
//! value; compiling is bounded in size.

use std::fmt;

use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use super::PatternError;

/// Most bytes the compiled automaton may take. The lazy automaton's cache is bounded by the crate's own default.
const SIZE_LIMIT_BYTES: usize = 1 << 20;
/// Deepest nesting of groups in an expression.
const NEST_LIMIT: u32 = 100;

/// A compiled regular expression, anchored at both ends.
#[derive(Clone)]
pub struct Pattern {
    text: Box<str>,
    regex: Regex,
}

impl Pattern {
    /// Compiles an expression.
    ///
    /// # Errors
    /// If it is malformed or too large.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        // On its own first: wrapping must not make a malformed text well-formed (`a)|(b`).
        syntax::parse_with(text, &syntax()).map_err(|error| PatternError::Regex(last_line(&error.to_string())))?;
        // A comment in verbose mode would swallow the closing parenthesis; only then is the newline not text.
        let regex = build(&format!(r"\A(?:{text})\z")).or_else(|error| match error {
            PatternError::Regex(_) => build(&format!("\\A(?:{text}\n)\\z")),
            error => Err(error),
        })?;
        Ok(Self { text: text.into(), regex })
    }

    /// The expression as written, without the anchors.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole value matches.
    #[must_use]
    pub fn matches(&self, value: &[u8]) -> bool {
        self.regex.is_match(String::from_utf8_lossy(value).as_bytes())
    }
}

fn syntax() -> syntax::Config {
    syntax::Config::new().nest_limit(NEST_LIMIT)
}

fn build(text: &str) -> Result<Regex, PatternError> {
    let limits = Regex::config().nfa_size_limit(Some(SIZE_LIMIT_BYTES)).onepass_size_limit(Some(SIZE_LIMIT_BYTES));
    Regex::builder().configure(limits).syntax(syntax().nest_limit(NEST_LIMIT + 1)).build(text).map_err(|error| {
        if error.size_limit().is_some() {
            PatternError::RegexTooLarge(SIZE_LIMIT_BYTES)
        } else {
            PatternError::Regex(last_line(&error.to_string()))
        }
    })
}

/// The crate prints the pattern over several lines and the reason last.
fn last_line(message: &str) -> String {
    let line = message.lines().last().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_value_must_match() {
        let cases: [(&str, &[u8], bool); 13] = [
            ("a", b"a", true),
            ("a", b"ab", false),
            ("a", b"ba", false),
            ("a|ab", b"ab", true),
            ("a|b", b"ab", false),
            ("a*", b"", true),
            (".", "é".as_bytes(), true),
            (".", b"\xff", true),
            ("..", b"\xff\xfe", true),
            ("^a$", b"a", true),
            ("(?i)ABC", b"abc", true),
            ("(?x)a b # c", b"ab", true),
            ("[[:digit:]]+", b"123", true),
        ];
        for (text, value, expected) in cases {
            assert_eq!(Pattern::new(text).unwrap().matches(value), expected, "{text}");
        }
    }

    #[test]
    fn malformed_and_huge_expressions_are_refused() {
        for text in ["(", "a)|(b", "[", "*", "\\", "a{2,1}"] {
            assert!(matches!(Pattern::new(text), Err(PatternError::Regex(_))), "{text}");
        }
        assert_eq!(Pattern::new("(((a{100}){100}){100})"), Err(PatternError::RegexTooLarge(SIZE_LIMIT_BYTES)));
        let deep = "(".repeat(200) + &")".repeat(200);
        assert!(Pattern::new(&deep).is_err());
    }

    #[test]
    fn backtracking_bombs_are_linear() {
        let pattern = Pattern::new("(a*)*(a|aa)+b").unwrap();
        assert!(!pattern.matches("a".repeat(100_000).as_bytes()));
    }
}
