//! A field with its argument, as it stands in a condition or an output.

use std::fmt;
use std::sync::LazyLock;

use thiserror::Error;

use super::{BY_NAME, FieldId, FieldRegistry};

/// Longest argument, in bytes: the same as for constants.
const MAX_ARG_BYTES: usize = 255;

/// Argument of a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldArg {
    /// None given.
    None,
    /// `[3]`: a position counted from 0, never negative.
    Index(i64),
    /// `[key]`, `["key"]` or `.name`.
    Key(Box<str>),
}

/// A field and its argument.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldRef {
    /// The field.
    pub id: FieldId,
    /// Its argument.
    pub arg: FieldArg,
}

/// Why a text is not a field.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FieldError {
    /// No field's name starts the text.
    #[error("unknown field `{name}`{}", did_you_mean(.suggestions))]
    Unknown {
        /// The name as far as it goes.
        name: String,
        /// Known names near it, best first.
        suggestions: Vec<&'static str>,
    },
    /// The field needs an argument and has none.
    #[error("`{name}` needs an argument: {forms}")]
    MissingArgument {
        /// The field.
        name: &'static str,
        /// Accepted forms.
        forms: String,
    },
    /// The field takes no argument, or not in this form.
    #[error("`{name}` does not take `{found}`{}", takes_instead(.forms))]
    UnexpectedArgument {
        /// The field.
        name: &'static str,
        /// The argument as written.
        found: String,
        /// Accepted forms; empty if none.
        forms: String,
    },
    /// The argument has no end, holds a forbidden character or is too long.
    #[error("bad argument of `{name}`: {problem}")]
    BadArgument {
        /// The field.
        name: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
}

fn did_you_mean(names: &[&str]) -> String {
    if names.is_empty() { String::new() } else { format!(", did you mean `{}`?", names.join("`, `")) }
}

fn takes_instead(forms: &str) -> String {
    if forms.is_empty() { ": it has no argument".to_owned() } else { format!(", only {forms}") }
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl FieldRef {
    /// A field without argument.
    #[must_use]
    pub const fn bare(id: FieldId) -> Self {
        Self { id, arg: FieldArg::None }
    }

    /// Reads the longest field that starts `text` and says how many bytes it took.
    ///
    /// The longest known name wins (`evt.args`, not `evt.arg` and an `s`); what follows is an argument only if
    /// the field takes one, so `%proc.name[%proc.pid]` in an output is a field, a bracket, a field.
    ///
    /// # Errors
    /// If no known name starts the text, or the argument is missing or malformed.
    pub fn parse(text: &str) -> Result<(Self, usize), FieldError> {
        let (id, mut used) = longest_known(text, name_run(text)).ok_or_else(|| unknown(text))?;
        let rule = id.info().arg;
        let rest = text.get(used..).unwrap_or_default();
        if rule.takes_name && rest.starts_with('.') {
            let name: &str = leading_name(rest.get(1..).unwrap_or_default());
            if accepts_name(id, name) {
                used += 1 + name.len();
                return Ok((Self { id, arg: FieldArg::Key(name.into()) }, used));
            }
        }
        if rule.takes_brackets() && rest.starts_with('[') {
            let (inner, quoted, length) = bracketed(id, rest)?;
            let arg = bracket_argument(id, inner, quoted)?;
            return Ok((Self { id, arg }, used + length));
        }
        if rule.required {
            return Err(missing(id));
        }
        Ok((Self::bare(id), used))
    }

    /// Reads a whole field reference: like [`FieldRef::parse`], but nothing may be left over.
    ///
    /// # Errors
    /// As [`FieldRef::parse`], and if text remains after the field.
    pub fn parse_exact(text: &str) -> Result<Self, FieldError> {
        let (field, used) = Self::parse(text)?;
        match text.get(used..) {
            None | Some("") => Ok(field),
            Some(rest) if rest.starts_with('[') => Err(unexpected(field.id, rest)),
            Some(rest) if rest.starts_with('.') && field.id.info().arg.takes_name => Err(unexpected(field.id, rest)),
            Some(_) => Err(unknown(text)),
        }
    }
}

impl fmt::Display for FieldRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id.name())?;
        match &self.arg {
            FieldArg::None => Ok(()),
            FieldArg::Index(index) => write!(f, "[{index}]"),
            FieldArg::Key(name) if self.id.info().arg.takes_name => write!(f, ".{name}"),
            FieldArg::Key(key) if key.contains([' ', '[', ']', '\'']) => write!(f, "[\"{key}\"]"),
            FieldArg::Key(key) if key.contains('"') => write!(f, "['{key}']"),
            FieldArg::Key(key) => write!(f, "[{key}]"),
        }
    }
}

/// Whether a known name starts `text`. Cheaper than [`FieldRef::parse`] where none does: that looks for names near it.
pub(crate) fn starts_with_field(text: &str) -> bool {
    longest_known(text, name_run(text)).is_some()
}

fn name_run(text: &str) -> usize {
    text.bytes().take_while(|b| is_name_byte(*b) || *b == b'.').count()
}

fn longest_known(text: &str, run: usize) -> Option<(FieldId, usize)> {
    // No name is longer, so a long run of letters costs no more than a short one.
    static LONGEST: LazyLock<usize> = LazyLock::new(|| BY_NAME.keys().map(|name| name.len()).max().unwrap_or(0));
    let longest = run.min(*LONGEST);
    (1..=longest).rev().find_map(|length| text.get(..length).and_then(|name| BY_NAME.get(name)).map(|id| (*id, length)))
}

fn leading_name(text: &str) -> &str {
    let length = text.bytes().take_while(|b| is_name_byte(*b)).count();
    text.get(..length).unwrap_or_default()
}

fn accepts_name(id: FieldId, name: &str) -> bool {
    match id {
        FieldId::EvtAbspath => matches!(name, "src" | "dst"),
        _ => !name.is_empty() && name.len() <= MAX_ARG_BYTES,
    }
}

/// The text between brackets, whether it was quoted, and the length with brackets and quotes.
fn bracketed(id: FieldId, text: &str) -> Result<(&str, bool, usize), FieldError> {
    let bad = |problem| FieldError::BadArgument { name: id.name(), problem };
    let body = text.get(1..).unwrap_or_default();
    let (inner, quoted, length) = match body.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let body = body.get(1..).unwrap_or_default();
            let end = body.find(quote).ok_or_else(|| bad("the quote is not closed"))?;
            if !body.get(end + 1..).unwrap_or_default().starts_with(']') {
                return Err(bad("`]` is missing"));
            }
            (body.get(..end), true, end + 4)
        }
        _ => {
            let end = body.find([']', '[', ' ', '\t', '\n', '\r', '"', '\'']).ok_or_else(|| bad("`]` is missing"))?;
            if !body.get(end..).unwrap_or_default().starts_with(']') {
                return Err(bad("blanks, brackets and quotes need the argument in quotes"));
            }
            (body.get(..end), false, end + 2)
        }
    };
    match inner {
        Some("") => Err(bad("it is empty")),
        Some(inner) if inner.len() > MAX_ARG_BYTES => Err(bad("it is longer than 255 bytes")),
        Some(inner) => Ok((inner, quoted, length)),
        None => Err(bad("it is not text")),
    }
}

fn bracket_argument(id: FieldId, inner: &str, quoted: bool) -> Result<FieldArg, FieldError> {
    let rule = id.info().arg;
    let digits = inner.bytes().all(|b| b.is_ascii_digit());
    if rule.takes_index && digits && !quoted {
        return inner
            .parse()
            .map(FieldArg::Index)
            .map_err(|_| FieldError::BadArgument { name: id.name(), problem: "the index is too large" });
    }
    if rule.takes_key {
        return Ok(FieldArg::Key(inner.into()));
    }
    Err(unexpected(id, &format!("[{inner}]")))
}

fn missing(id: FieldId) -> FieldError {
    FieldError::MissingArgument { name: id.name(), forms: id.info().arg.forms() }
}

fn unexpected(id: FieldId, found: &str) -> FieldError {
    let found = found.chars().take(40).collect();
    FieldError::UnexpectedArgument { name: id.name(), found, forms: id.info().arg.forms() }
}

fn unknown(text: &str) -> FieldError {
    let name: String =
        text.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.')).take(64).collect();
    let suggestions = FieldRegistry::suggest(&name);
    FieldError::Unknown { name, suggestions }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn key(id: FieldId, key: &str) -> FieldRef {
        FieldRef { id, arg: FieldArg::Key(key.into()) }
    }

    fn index(id: FieldId, index: i64) -> FieldRef {
        FieldRef { id, arg: FieldArg::Index(index) }
    }

    #[test]
    fn the_longest_known_name_wins() {
        let cases = [
            ("proc.name", FieldRef::bare(FieldId::ProcName), 9),
            ("proc.name and", FieldRef::bare(FieldId::ProcName), 9),
            ("proc.names", FieldRef::bare(FieldId::ProcName), 9),
            ("evt.args", FieldRef::bare(FieldId::EvtArgs), 8),
            ("evt.arg.flags)", key(FieldId::EvtArg, "flags"), 13),
            ("evt.arg.flags.", key(FieldId::EvtArg, "flags"), 13),
            ("evt.arg[1]", index(FieldId::EvtArg, 1), 10),
            ("evt.time.iso8601", FieldRef::bare(FieldId::EvtTimeIso8601), 16),
            ("evt.time.x", FieldRef::bare(FieldId::EvtTime), 8),
            ("evt.type.is.open", key(FieldId::EvtTypeIs, "open"), 16),
            ("evt.type.is.3", key(FieldId::EvtTypeIs, "3"), 13),
            ("evt.abspath", FieldRef::bare(FieldId::EvtAbspath), 11),
            ("evt.abspath.src", key(FieldId::EvtAbspath, "src"), 15),
            ("proc.aname", FieldRef::bare(FieldId::ProcAname), 10),
            ("proc.aname[2]", index(FieldId::ProcAname, 2), 13),
            ("proc.env[PATH]", key(FieldId::ProcEnv, "PATH"), 14),
            ("proc.env[1]", key(FieldId::ProcEnv, "1"), 11),
            ("proc.aenv[1]", index(FieldId::ProcAenv, 1), 12),
            ("proc.aenv['1']", key(FieldId::ProcAenv, "1"), 14),
            ("container.mount.dest[/proc*]", key(FieldId::ContainerMountDest, "/proc*"), 28),
            ("container.mount.dest[0]", index(FieldId::ContainerMountDest, 0), 23),
            ("container.label[\"a b\"]x", key(FieldId::ContainerLabel, "a b"), 22),
            ("thread.cgroup.cpuset", key(FieldId::ThreadCgroup, "cpuset"), 20),
            ("static.region", key(FieldId::Static, "region"), 13),
            ("proc.name[%proc.pid]", FieldRef::bare(FieldId::ProcName), 9),
        ];
        for (text, field, used) in cases {
            assert_eq!(FieldRef::parse(text), Ok((field, used)), "{text}");
        }
    }

    #[test]
    fn printing_reads_back() {
        for text in [
            "proc.name",
            "evt.arg.flags",
            "evt.arg[1]",
            "proc.aname[2]",
            "proc.env[PATH]",
            "container.label[\"a b\"]",
            "container.label['a\"b']",
            "static.region",
            "evt.abspath.dst",
        ] {
            let field = FieldRef::parse_exact(text).unwrap();
            assert_eq!(FieldRef::parse_exact(&field.to_string()), Ok(field), "{text}");
        }
    }

    #[test]
    fn errors_name_field_and_remedy() {
        let cases = [
            ("proc.nam", "unknown field `proc.nam`, did you mean `proc.name`"),
            ("nothing.like.it", "unknown field `nothing.like.it`"),
            ("", "unknown field ``"),
            ("é", "unknown field ``"),
            ("evt.arg", "`evt.arg` needs an argument: .name or [index]"),
            ("evt.argument", "`evt.arg` needs an argument"),
            ("evt.rawarg[1]", "`evt.rawarg` needs an argument: .name"),
            ("proc.name[1]", "`proc.name` does not take `[1]`: it has no argument"),
            ("proc.name.x", "unknown field `proc.name.x`"),
            ("proc.names", "unknown field `proc.names`, did you mean `proc.name`"),
            ("evt.abspath.foo", "`evt.abspath` does not take `.foo`, only .name"),
            ("proc.aname[x]", "`proc.aname` does not take `[x]`, only [index]"),
            ("proc.aname[-1]", "does not take `[-1]`"),
            ("proc.aname[", "bad argument of `proc.aname`: `]` is missing"),
            ("proc.aname[]", "it is empty"),
            ("proc.aname[99999999999999999999]", "the index is too large"),
            ("container.label[a b]", "need the argument in quotes"),
            ("container.label[\"a]", "the quote is not closed"),
            ("container.label[\"a\"x]", "`]` is missing"),
        ];
        for (text, message) in cases {
            let error = FieldRef::parse_exact(text).unwrap_err().to_string();
            assert!(error.contains(message), "{text}: {error}");
        }
        let long = format!("container.label[{}]", "a".repeat(256));
        assert!(FieldRef::parse(&long).unwrap_err().to_string().contains("longer than 255 bytes"));
    }
}
