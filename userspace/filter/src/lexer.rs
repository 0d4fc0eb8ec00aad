//! Tokens of a condition, taken from a cursor on demand: what a character means depends on where it stands.
//!
//! | token | form |
//! |---|---|
//! | blank | space, tab, backspace, carriage return, newline |
//! | name | letters, then letters, digits and `_` |
//! | quoted | `'...'` or `"..."` with escapes |
//! | bare | anything but blanks and `( ) " ' = ,` |
//! | number | decimal with sign, point and exponent, or `0x` and hexadecimal digits |

use crate::ast::Literal;
use crate::error::{ConditionError, ErrorKind, SourceId, Span, quoted};

/// A place in a condition's text that moves forward only.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'t> {
    text: &'t str,
    place: Place,
    source: SourceId,
}

/// Where a token starts.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    offset: usize,
    line: u32,
    column: u32,
}

fn narrow(offset: usize) -> u32 {
    // Texts are bounded far below 4 GiB by `Limits`.
    u32::try_from(offset).unwrap_or(u32::MAX)
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x08 | b'\r' | b'\n')
}

pub(crate) const fn is_bare(byte: u8) -> bool {
    !(byte.is_ascii_whitespace() || matches!(byte, 0x08 | 0x0b | 0 | b'(' | b')' | b'"' | b'\'' | b'=' | b','))
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl<'t> Cursor<'t> {
    pub(crate) fn new(text: &'t str, source: SourceId) -> Self {
        Self { text, place: Place { offset: 0, line: 1, column: 1 }, source }
    }

    pub(crate) fn rest(&self) -> &'t str {
        self.text.get(self.place.offset..).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest().bytes().next()
    }

    pub(crate) fn peek_after(&self, length: usize) -> Option<u8> {
        self.rest().as_bytes().get(length).copied()
    }

    pub(crate) fn place(&self) -> Place {
        self.place
    }

    pub(crate) fn span_from(&self, from: Place) -> Span {
        Span {
            source: self.source,
            start: narrow(from.offset),
            end: narrow(self.place.offset),
            line: from.line,
            column: from.column,
        }
    }

    /// Takes the next `length` bytes, which must end between characters.
    pub(crate) fn take(&mut self, length: usize) -> &'t str {
        let taken = self.rest().get(..length).unwrap_or_else(|| self.rest());
        for c in taken.chars() {
            if c == '\n' {
                self.place.line += 1;
                self.place.column = 1;
            } else {
                self.place.column += 1;
            }
        }
        self.place.offset += taken.len();
        taken
    }

    pub(crate) fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.rest().starts_with(symbol);
        if found {
            self.take(symbol.len());
        }
        found
    }

    /// Skips blanks; says whether there were any.
    pub(crate) fn skip_blanks(&mut self) -> bool {
        let length = self.rest().bytes().take_while(|b| is_blank(*b)).count();
        self.take(length);
        length > 0
    }

    pub(crate) fn peek_name(&self) -> Option<&'t str> {
        let rest = self.rest();
        rest.bytes().next().filter(u8::is_ascii_alphabetic)?;
        rest.get(..rest.bytes().take_while(|b| is_name(*b)).count())
    }

    /// Length of `NAME.NAME...`: later parts may start with a digit (`evt.type.is.3`).
    pub(crate) fn peek_field_name(&self) -> Option<usize> {
        let rest = self.rest();
        let mut length = self.peek_name()?.len();
        let mut parts = 1;
        while rest.as_bytes().get(length) == Some(&b'.') {
            let part = rest.bytes().skip(length + 1).take_while(|b| is_name(*b)).count();
            if part == 0 {
                break;
            }
            length += 1 + part;
            parts += 1;
        }
        (parts > 1).then_some(length)
    }

    pub(crate) fn peek_bare(&self) -> Option<&'t str> {
        let rest = self.rest();
        let word = rest.get(..rest.bytes().take_while(|b| is_bare(*b)).count())?;
        (!word.is_empty()).then_some(word)
    }

    pub(crate) fn bare(&mut self) -> Option<Literal> {
        let length = self.peek_bare()?.len();
        Some(self.plain_literal(length))
    }

    pub(crate) fn number(&mut self) -> Option<Literal> {
        let length = number_length(self.rest().as_bytes());
        (length > 0).then(|| self.plain_literal(length))
    }

    pub(crate) fn name_literal(&mut self) -> Option<Literal> {
        let length = self.peek_name()?.len();
        Some(self.plain_literal(length))
    }

    fn plain_literal(&mut self, length: usize) -> Literal {
        let from = self.place;
        let bytes = self.take(length).as_bytes().into();
        Literal { bytes, quoted: false, span: self.span_from(from) }
    }

    /// Takes a quoted text, if one starts here.
    pub(crate) fn quoted(&mut self) -> Result<Option<Literal>, ConditionError> {
        let Some(quote @ (b'"' | b'\'')) = self.peek() else { return Ok(None) };
        let from = self.place;
        self.take(1);
        let mut bytes = Vec::new();
        loop {
            let plain = self.rest().bytes().take_while(|b| *b != quote && *b != b'\\' && *b != 0).count();
            bytes.extend_from_slice(self.take(plain).as_bytes());
            match self.peek() {
                Some(b'\\') => bytes.push(self.escape(quote)?),
                Some(0) => return Err(self.refused_nul()),
                Some(_) => break,
                None => {
                    let mut span = self.span_from(from);
                    span.end = span.start + 1;
                    let expected = format!("`{}` to close this text", char::from(quote));
                    return Err(ConditionError::syntax(span, "the end of the condition", &expected));
                }
            }
        }
        self.take(1);
        Ok(Some(Literal { bytes: bytes.into(), quoted: true, span: self.span_from(from) }))
    }

    fn escape(&mut self, quote: u8) -> Result<u8, ConditionError> {
        let from = *self;
        self.take(1);
        let byte = match self.peek() {
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'x') => return self.hex_escape(from),
            // A backslash before a blank was always taken for a plain backslash.
            Some(b' ') => b'\\',
            Some(byte @ (b'\\' | b'/')) => byte,
            Some(byte) if byte == quote => byte,
            _ => return Err(from.bad_escape()),
        };
        self.take(1);
        Ok(byte)
    }

    fn hex_escape(&mut self, from: Self) -> Result<u8, ConditionError> {
        let digits = self.rest().get(1..3).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(0) => Err(from.refused_nul()),
            Some(byte) => {
                self.take(3);
                Ok(byte)
            }
            None => Err(from.bad_escape()),
        }
    }

    fn bad_escape(&self) -> ConditionError {
        let shown: String = self.rest().chars().take(2).collect();
        let expected = r#"an escape: `\b`, `\f`, `\n`, `\r`, `\t`, `\\`, `\/`, `\xHH` or the closing quote"#;
        self.unexpected_as(&quoted(&shown), expected)
    }

    fn refused_nul(&self) -> ConditionError {
        let message = "a zero byte in a text is never matched".to_owned();
        ConditionError::new(ErrorKind::Value, self.here(), message, "a zero byte", "text without zero bytes")
    }

    fn here(&self) -> Span {
        let mut after = *self;
        after.take(self.rest().chars().next().map_or(0, char::len_utf8));
        after.span_from(self.place)
    }

    /// The error for whatever stands here.
    pub(crate) fn unexpected(&self, expected: &str) -> ConditionError {
        let found = match self.rest().chars().next() {
            None => "the end of the condition".to_owned(),
            Some(first) if first.is_ascii() && !is_bare(self.peek().unwrap_or(0)) => quoted(&first.to_string()),
            Some(_) => quoted(self.peek_bare().unwrap_or_default()),
        };
        self.unexpected_as(&found, expected)
    }

    fn unexpected_as(&self, found: &str, expected: &str) -> ConditionError {
        ConditionError::syntax(self.here(), found, expected)
    }
}

/// Length of the number that starts `text`, or 0.
fn number_length(text: &[u8]) -> usize {
    let digits = |from: usize, hex: bool| {
        let test = if hex { u8::is_ascii_hexdigit } else { u8::is_ascii_digit };
        text.iter().skip(from).take_while(|b| test(b)).count()
    };
    if matches!(text, [b'0', b'x' | b'X', ..]) && digits(2, true) > 0 {
        return 2 + digits(2, true);
    }
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let whole = digits(sign, false);
    if whole == 0 {
        return 0;
    }
    let mut length = sign + whole;
    if text.get(length) == Some(&b'.') {
        length += 1 + digits(length + 1, false);
    }
    if matches!(text.get(length), Some(b'e' | b'E')) && matches!(text.get(length + 1), Some(b'+' | b'-')) {
        let exponent = digits(length + 2, false);
        if exponent > 0 {
            length += 2 + exponent;
        }
    }
    length
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn cursor(text: &str) -> Cursor<'_> {
        Cursor::new(text, SourceId(0))
    }

    #[test]
    fn quoted_texts_resolve_escapes() {
        let cases: [(&str, &[u8]); 11] = [
            (r#""""#, b""),
            ("''", b""),
            (r#""a b""#, b"a b"),
            (r#"'a"b'"#, b"a\"b"),
            (r#""a\"b""#, b"a\"b"),
            (r"'a\'b'", b"a'b"),
            (r#""\b\f\n\r\t\\\/""#, b"\x08\x0c\n\r\t\\/"),
            (r#""\x41\xff""#, b"A\xff"),
            (r#""C:\ x""#, b"C:\\x"),
            (r#""end\\""#, b"end\\"),
            ("\"é\"", "é".as_bytes()),
        ];
        for (text, bytes) in cases {
            let mut cursor = cursor(text);
            let literal = cursor.quoted().unwrap().unwrap();
            assert_eq!((&*literal.bytes, literal.quoted, cursor.rest()), (bytes, true, ""), "{text}");
        }
    }

    #[test]
    fn bad_texts_are_refused_at_their_place() {
        let cases = [
            (r#""abc"#, 0, "close this text"),
            (r#""\q""#, 1, "an escape"),
            (r#""ab\x4""#, 3, "an escape"),
            (r#""\xzz""#, 1, "an escape"),
            (r#""\'""#, 1, "an escape"),
            (r#"'\"'"#, 1, "an escape"),
            (r#""a\x00""#, 2, "zero byte"),
            ("\"a\0\"", 2, "zero byte"),
            ("\"\\é\"", 1, "an escape"),
            ("\"\\", 1, "an escape"),
            ("\"\\xé\"", 1, "an escape"),
        ];
        for (text, offset, message) in cases {
            let error = cursor(text).quoted().unwrap_err();
            assert_eq!(error.offset(), offset, "{text}");
            assert!(error.to_string().contains(message), "{text}: {error}");
        }
    }

    #[test]
    fn numbers_end_where_the_grammar_says() {
        let cases = [
            ("5", "5"),
            ("-1)", "-1"),
            ("+7 ", "+7"),
            ("1.5", "1.5"),
            ("1.", "1."),
            ("1e+3", "1e+3"),
            ("1e3", "1"),
            ("1e+", "1"),
            ("0x1F", "0x1F"),
            ("0x", "0"),
            ("12ab", "12"),
        ];
        for (text, number) in cases {
            let literal = cursor(text).number().unwrap();
            assert_eq!(&*literal.bytes, number.as_bytes(), "{text}");
        }
        for text in ["", "-", "x", ".5"] {
            assert!(cursor(text).number().is_none(), "{text}");
        }
    }

    #[test]
    fn lines_and_columns_count_characters() {
        let mut cursor = cursor("é\n x");
        cursor.take(2);
        assert_eq!((cursor.here().line, cursor.here().column, cursor.here().start), (1, 2, 2));
        cursor.skip_blanks();
        assert_eq!((cursor.here().line, cursor.here().column, cursor.here().start), (2, 2, 4));
    }
}
