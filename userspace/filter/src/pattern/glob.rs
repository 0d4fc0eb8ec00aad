//! Shell patterns as fnmatch(3) reads them without flags, on bytes.
//!
//! `*` any bytes, `?` one byte, `[a-z]` `[!a]` `[^a]` `[[:alpha:]]` one byte of a set, `\x` a literal x. `*` and `?`
//! match `/` and leading dots too. A `[` without its `]` stands for itself.
//!
//! Matching goes back to the last `*` only, which is enough: if the text up to a later `*` fits at all, the shortest
//! fit leaves the most for the rest. So the work is at most pattern length times text length; nothing is allocated.

use std::ops::RangeInclusive;

use super::PatternError;

/// A compiled shell pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    tokens: Box<[Token]>,
    fold: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Byte(u8),
    One,
    Many,
    Set(Box<ByteSet>),
}

/// 256 bits, one per byte value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct ByteSet([u64; 4]);

impl ByteSet {
    fn insert(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte >> 6)).is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }

    fn insert_range(&mut self, range: RangeInclusive<u8>) {
        range.for_each(|byte| self.insert(byte));
    }

    fn invert(&mut self) {
        self.0.iter_mut().for_each(|word| *word = !*word);
    }

    /// Adds the other case of each letter.
    fn fold(&mut self) {
        for lower in b'a'..=b'z' {
            let upper = lower.to_ascii_uppercase();
            if self.has(lower) || self.has(upper) {
                self.insert(lower);
                self.insert(upper);
            }
        }
    }
}

impl Glob {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// If it ends in a lone backslash, which could never match.
    pub fn new(pattern: &[u8]) -> Result<Self, PatternError> {
        Self::compile(pattern, false)
    }

    /// Compiles a pattern that ignores the case of ASCII letters.
    ///
    /// # Errors
    /// As [`Glob::new`].
    pub fn new_folded(pattern: &[u8]) -> Result<Self, PatternError> {
        Self::compile(pattern, true)
    }

    fn compile(pattern: &[u8], fold: bool) -> Result<Self, PatternError> {
        let mut tokens = Vec::with_capacity(pattern.len());
        let mut rest = pattern;
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match first {
                b'*' if tokens.last() == Some(&Token::Many) => {}
                b'*' => tokens.push(Token::Many),
                b'?' => tokens.push(Token::One),
                b'[' => match set(after) {
                    Some((mut set, after)) => {
                        if fold {
                            set.fold();
                        }
                        tokens.push(Token::Set(Box::new(set)));
                        rest = after;
                    }
                    None => tokens.push(Token::Byte(b'[')),
                },
                b'\\' => {
                    let (escaped, after) = after.split_first().ok_or(PatternError::TrailingBackslash)?;
                    tokens.push(literal(*escaped, fold));
                    rest = after;
                }
                byte => tokens.push(literal(*byte, fold)),
            }
        }
        Ok(Self { tokens: tokens.into(), fold })
    }

    /// Whether the whole text fits the pattern.
    #[must_use]
    pub fn matches(&self, text: &[u8]) -> bool {
        let (mut token, mut at) = (0, 0);
        // Where to resume if the rest does not fit: after the last `*`, with it taking one byte more.
        let mut resume: Option<(usize, usize)> = None;
        loop {
            match (self.tokens.get(token), text.get(at)) {
                (None, None) => return true,
                (Some(Token::Many), _) => {
                    token += 1;
                    resume = Some((token, at));
                    continue;
                }
                (Some(one), Some(byte)) if self.fits(one, *byte) => {
                    token += 1;
                    at += 1;
                    continue;
                }
                _ => {}
            }
            match &mut resume {
                Some((after_star, taken)) if *taken < text.len() => {
                    *taken += 1;
                    (token, at) = (*after_star, *taken);
                }
                _ => return false,
            }
        }
    }

    fn fits(&self, token: &Token, byte: u8) -> bool {
        match token {
            Token::Byte(wanted) if self.fold => *wanted == byte.to_ascii_lowercase(),
            Token::Byte(wanted) => *wanted == byte,
            Token::One => true,
            Token::Set(set) => set.has(byte),
            Token::Many => false,
        }
    }

    /// The text the pattern stands for if it has no special part.
    #[must_use]
    pub fn as_literal(&self) -> Option<Vec<u8>> {
        let byte = |token: &Token| match token {
            Token::Byte(byte) => Some(*byte),
            Token::One | Token::Many | Token::Set(_) => None,
        };
        if self.fold { None } else { self.tokens.iter().map(byte).collect() }
    }
}

fn literal(byte: u8, fold: bool) -> Token {
    Token::Byte(if fold { byte.to_ascii_lowercase() } else { byte })
}

/// Reads a set after its `[`; none if it has no end.
fn set(text: &[u8]) -> Option<(ByteSet, &[u8])> {
    let mut set = ByteSet::default();
    let (negated, mut rest) = match text {
        [b'!' | b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut first = true;
    loop {
        rest = match rest {
            [b']', rest @ ..] if !first => {
                if negated {
                    set.invert();
                }
                return Some((set, rest));
            }
            _ => match rest.strip_prefix(b"[:").and_then(class) {
                Some((name, after)) => {
                    (0..=u8::MAX).filter(|byte| in_class(name, *byte)).for_each(|byte| set.insert(byte));
                    after
                }
                None => element(rest, &mut set)?,
            },
        };
        first = false;
    }
}

/// One byte or one range of a set.
fn element<'t>(text: &'t [u8], set: &mut ByteSet) -> Option<&'t [u8]> {
    let (from, rest) = set_byte(text)?;
    match rest {
        [b'-', after @ ..] if !matches!(after, [b']', ..] | []) => {
            let (to, rest) = set_byte(after)?;
            set.insert_range(from..=to);
            Some(rest)
        }
        _ => {
            set.insert(from);
            Some(rest)
        }
    }
}

fn set_byte(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [b'\\', byte, rest @ ..] | [byte, rest @ ..] => Some((*byte, rest)),
        [] => None,
    }
}

const CLASSES: [&str; 12] =
    ["alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "xdigit"];

fn class(text: &[u8]) -> Option<(&'static str, &[u8])> {
    CLASSES.iter().find_map(|name| {
        let rest = text.strip_prefix(name.as_bytes())?.strip_prefix(b":]")?;
        Some((*name, rest))
    })
}

fn in_class(name: &str, byte: u8) -> bool {
    match name {
        "alnum" => byte.is_ascii_alphanumeric(),
        "alpha" => byte.is_ascii_alphabetic(),
        "blank" => matches!(byte, b' ' | b'\t'),
        "cntrl" => byte.is_ascii_control(),
        "digit" => byte.is_ascii_digit(),
        "graph" => byte.is_ascii_graphic(),
        "lower" => byte.is_ascii_lowercase(),
        "print" => byte.is_ascii_graphic() || byte == b' ',
        "punct" => byte.is_ascii_punctuation(),
        "space" => byte.is_ascii_whitespace() || byte == 0x0b,
        "upper" => byte.is_ascii_uppercase(),
        "xdigit" => byte.is_ascii_hexdigit(),
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Glob::new(pattern.as_bytes()).unwrap().matches(text.as_bytes())
    }

    #[test]
    fn patterns_match_as_fnmatch_does() {
        let cases = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "/a/.b", true),
            ("?", "/", true),
            ("?", "", false),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("*a*b*", "xxaxxbxx", true),
            ("a**b", "ab", true),
            ("*.log", ".log", true),
            ("[abc]", "b", true),
            ("[a-c]x", "bx", true),
            ("[!a-c]", "b", false),
            ("[^a-c]", "d", true),
            ("[]a]", "]", true),
            ("[!]a]", "b", true),
            ("[a-]", "-", true),
            ("[-a]", "-", true),
            ("[c-a]", "b", false),
            ("[[:digit:]]", "7", true),
            ("[[:alpha:]_]", "_", true),
            ("[![:space:]]", "\t", false),
            ("[[:nope:]]", "n]", true),
            ("[[:nope:]]", "z]", false),
            ("[\\]]", "]", true),
            ("[a\\-c]", "-", true),
            ("[a\\-c]", "b", false),
            ("[abc", "[abc", true),
            ("[abc", "a", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("\\a", "a", true),
            ("[/]", "/", true),
            ("[a][b]", "ab", true),
            ("a[", "a[", true),
            ("[!", "[!", true),
            ("[]", "[]", true),
            ("/proc/*/mem", "/proc/1/2/mem", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn folding_ignores_case_everywhere() {
        for (pattern, text) in [("aBc*", "AbCxyz"), ("[a-c]", "B"), ("[A-C]", "b"), ("\\A", "a"), ("[[:upper:]]", "q")]
        {
            assert!(Glob::new_folded(pattern.as_bytes()).unwrap().matches(text.as_bytes()), "{pattern} {text}");
        }
        assert!(!Glob::new(b"aBc").unwrap().matches(b"abc"));
    }

    #[test]
    fn a_lone_backslash_is_refused() {
        assert_eq!(Glob::new(b"a\\"), Err(PatternError::TrailingBackslash));
    }

    #[test]
    fn literals_are_known() {
        assert_eq!(Glob::new(b"a\\*b").unwrap().as_literal(), Some(b"a*b".to_vec()));
        assert_eq!(Glob::new(b"a*b").unwrap().as_literal(), None);
    }

    /// Two to the thirtieth steps for a matcher that tries every split.
    #[test]
    fn many_stars_do_not_explode() {
        let pattern = "*a".repeat(30) + "b";
        assert!(!matches(&pattern, &"a".repeat(4000)));
        assert!(matches(&pattern, &("a".repeat(4000) + "b")));
    }

    /// Tries every way to split the text: slow and plainly right.
    fn slow(tokens: &[Token], text: &[u8], fold: bool) -> bool {
        match tokens.split_first() {
            None => text.is_empty(),
            Some((Token::Many, rest)) => (0..=text.len()).any(|n| slow(rest, &text[n..], fold)),
            Some((Token::One, rest)) => !text.is_empty() && slow(rest, &text[1..], fold),
            Some((Token::Byte(byte), rest)) => {
                let eq = |b: &u8| if fold { b.eq_ignore_ascii_case(byte) } else { b == byte };
                text.first().is_some_and(eq) && slow(rest, &text[1..], fold)
            }
            Some((Token::Set(set), rest)) => text.first().is_some_and(|b| set.has(*b)) && slow(rest, &text[1..], fold),
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_slow_matcher(pattern in "[ab*?\\[\\]A!-]{0,10}", text in "[abA\\[\\]!-]{0,10}", fold: bool) {
            let glob = Glob::compile(pattern.as_bytes(), fold).unwrap();
            prop_assert_eq!(glob.matches(text.as_bytes()), slow(&glob.tokens, text.as_bytes(), fold));
        }

        #[test]
        fn never_panics(pattern in proptest::collection::vec(any::<u8>(), 0..64), text in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(glob) = Glob::new(&pattern) {
                let _ = glob.matches(&text);
            }
        }

        #[test]
        fn an_escaped_text_matches_itself_only(text in proptest::collection::vec(any::<u8>(), 0..32), other in proptest::collection::vec(any::<u8>(), 0..32)) {
            let pattern: Vec<u8> = text.iter().flat_map(|b| [b'\\', *b]).collect();
            let glob = Glob::new(&pattern).unwrap();
            prop_assert!(glob.matches(&text));
            prop_assert_eq!(glob.matches(&other), text == other);
        }
    }
}
