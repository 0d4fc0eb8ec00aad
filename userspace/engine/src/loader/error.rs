//! What is wrong with rule files: errors, which stop the load, and warnings, which do not.

use std::fmt;
use std::sync::Arc;

use saker_filter::ConditionError;

use super::source::{Place, Pos, SourceFile, Text, excerpt};
use super::yaml::YamlError;
use crate::format::FormatError;

/// Most errors and, separately, most warnings reported for one load; finding each one's place reads its file again.
pub(crate) const MAX_REPORTED: usize = 200;

/// One mistake in a rule file. Prints as `file:line:column: message`; the alternate form (`{:#}`) adds the source
/// line with a caret.
#[derive(Debug)]
pub struct LoadError {
    kind: LoadErrorKind,
    at: Spot,
}

/// File, position, item and source line of a message.
#[derive(Clone, Debug)]
struct Spot {
    file: Arc<SourceFile>,
    pos: Pos,
    /// Such as "rule `x`"; empty where no item is known.
    item: String,
}

impl Spot {
    fn new(file: Arc<SourceFile>, pos: Pos, item: &str) -> Self {
        Self { file, pos, item: item.to_owned() }
    }

    fn print(&self, f: &mut fmt::Formatter<'_>, message: &dyn fmt::Display) -> fmt::Result {
        write!(f, "{}:{}: ", self.file.name(), self.pos)?;
        if !self.item.is_empty() {
            write!(f, "{}: ", self.item)?;
        }
        message.fmt(f)?;
        if f.alternate() {
            for line in excerpt(self.file.text(), self.pos).lines() {
                write!(f, "\n    {line}")?;
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
enum LoadErrorKind {
    Yaml(String),
    Shape(String),
    Validate(String),
    Condition(ConditionError),
    Output(FormatError),
}

impl fmt::Display for LoadErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yaml(message) | Self::Shape(message) | Self::Validate(message) => f.write_str(message),
            Self::Condition(error) => error.fmt(f),
            Self::Output(error) => error.fmt(f),
        }
    }
}

impl LoadError {
    pub(crate) fn yaml(file: &Arc<SourceFile>, error: YamlError) -> Self {
        let pos = Pos { line: error.line, column: error.column };
        Self { kind: LoadErrorKind::Yaml(error.message), at: Spot::new(Arc::clone(file), pos, "") }
    }

    /// The YAML is fine, its parts are not what they should be.
    pub(crate) fn shape(place: &Place, item: &str, message: impl Into<String>) -> Self {
        Self { kind: LoadErrorKind::Shape(message.into()), at: Spot::new(Arc::clone(place.file()), place.pos(), item) }
    }

    /// Items that do not fit together.
    pub(crate) fn validate(place: &Place, item: &str, message: impl Into<String>) -> Self {
        Self {
            kind: LoadErrorKind::Validate(message.into()),
            at: Spot::new(Arc::clone(place.file()), place.pos(), item),
        }
    }

    /// A mistake at byte `offset` of a condition; `place` is the item's, should the text be empty.
    pub(crate) fn condition(error: ConditionError, text: &Text, offset: usize, place: &Place, item: &str) -> Self {
        let at = spot(text, offset, place, item);
        Self { kind: LoadErrorKind::Condition(error), at }
    }

    pub(crate) fn output(error: FormatError, text: &Text, place: &Place, item: &str) -> Self {
        let at = spot(text, error.offset(), place, item);
        Self { kind: LoadErrorKind::Output(error), at }
    }

    /// Name of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        self.at.file.name()
    }

    /// Place in the file.
    #[must_use]
    pub fn pos(&self) -> Pos {
        self.at.pos
    }

    /// The item it is about, such as "rule `x`"; empty where none is known.
    #[must_use]
    pub fn item(&self) -> &str {
        &self.at.item
    }

    /// The source line with a caret below the place, as two lines.
    #[must_use]
    pub fn excerpt(&self) -> String {
        excerpt(self.at.file.text(), self.at.pos)
    }

    /// The message without the place.
    #[must_use]
    pub fn message(&self) -> String {
        self.kind.to_string()
    }

    /// The code other tools know the mistake by.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.kind {
            LoadErrorKind::Yaml(_) => "LOAD_ERR_YAML_PARSE",
            LoadErrorKind::Shape(_) => "LOAD_ERR_YAML_VALIDATE",
            LoadErrorKind::Validate(_) => "LOAD_ERR_VALIDATE",
            LoadErrorKind::Condition(_) => "LOAD_ERR_COMPILE_CONDITION",
            LoadErrorKind::Output(_) => "LOAD_ERR_COMPILE_OUTPUT",
        }
    }
}

fn spot(text: &Text, offset: usize, place: &Place, item: &str) -> Spot {
    let (file, pos) = text.resolve(offset).unwrap_or_else(|| (Arc::clone(place.file()), place.pos()));
    Spot::new(file, pos, item)
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at.print(f, &self.kind)
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            LoadErrorKind::Condition(error) => Some(error),
            LoadErrorKind::Output(error) => Some(error),
            LoadErrorKind::Yaml(_) | LoadErrorKind::Shape(_) | LoadErrorKind::Validate(_) => None,
        }
    }
}

macro_rules! warning_codes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal,)+) => {
        /// Kind of a warning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum WarningCode { $($(#[$doc])* $variant,)+ }

        impl WarningCode {
            /// The code other tools know the warning by.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }
        }
    };
}

warning_codes! {
    /// The rule's source is not one that is watched; the rule is left out.
    UnknownSource = "LOAD_UNKNOWN_SOURCE",
    /// The condition does not narrow the event types down, so the rule is evaluated for most events.
    NoEventType = "LOAD_NO_EVTTYPE",
    /// The rule names an unknown field or event and asks to be left out then.
    UnknownFilter = "LOAD_UNKNOWN_FILTER",
    /// No condition uses the macro.
    UnusedMacro = "LOAD_UNUSED_MACRO",
    /// No condition uses the list.
    UnusedList = "LOAD_UNUSED_LIST",
    /// The item is none of the known kinds.
    UnknownItem = "LOAD_UNKNOWN_ITEM",
    /// The item has a key that means nothing.
    UnknownKey = "LOAD_UNKNOWN_KEY",
    /// Old spelling; there is a better one.
    DeprecatedItem = "LOAD_DEPRECATED_ITEM",
    /// The file asks for a plugin that does not exist here.
    Extension = "LOAD_WARNING_EXTENSION",
    /// An exception is appended without values.
    AppendNoValues = "LOAD_APPEND_NO_VALUES",
    /// Two exceptions of a rule share a name.
    ExceptionNameNotUnique = "LOAD_EXCEPTION_NAME_NOT_UNIQUE",
    /// The macro's name cannot be used in a condition.
    InvalidMacroName = "LOAD_INVALID_MACRO_NAME",
    /// The list's name cannot be used in a condition.
    InvalidListName = "LOAD_INVALID_LIST_NAME",
    /// The condition compiles but probably does not say what it should.
    CompileCondition = "LOAD_COMPILE_CONDITION",
}

/// Something in a rule file that deserves attention. Prints like [`LoadError`].
#[derive(Debug)]
pub struct LoadWarning {
    code: WarningCode,
    message: String,
    at: Spot,
}

impl LoadWarning {
    pub(crate) fn new(code: WarningCode, place: &Place, item: &str, message: impl Into<String>) -> Self {
        let at = Spot::new(Arc::clone(place.file()), place.pos(), item);
        Self { code, message: message.into(), at }
    }

    pub(crate) fn inside(
        code: WarningCode,
        (text, offset): (&Text, usize),
        place: &Place,
        item: &str,
        message: impl Into<String>,
    ) -> Self {
        Self { code, message: message.into(), at: spot(text, offset, place, item) }
    }

    /// Its kind.
    #[must_use]
    pub fn code(&self) -> WarningCode {
        self.code
    }

    /// Name of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        self.at.file.name()
    }

    /// Place in the file.
    #[must_use]
    pub fn pos(&self) -> Pos {
        self.at.pos
    }

    /// The item it is about, such as "rule `x`"; empty where none is known.
    #[must_use]
    pub fn item(&self) -> &str {
        &self.at.item
    }

    /// The message without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for LoadWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at.print(f, &format_args!("{} ({})", self.message, self.code.as_str()))
    }
}

/// Why a set of rule files cannot be used: every mistake found, in order, and the warnings.
#[derive(Debug)]
pub struct LoadFailure {
    /// The mistakes; never empty.
    pub errors: Vec<LoadError>,
    /// What else was noticed.
    pub warnings: Vec<LoadWarning>,
}

impl fmt::Display for LoadFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.errors.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadFailure {}

/// Errors and warnings as the stages find them.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) errors: Vec<LoadError>,
    pub(crate) warnings: Vec<LoadWarning>,
}

impl Report {
    /// Takes an error, made only while there is room: making one may read a file.
    /// A mistake in a macro that several rules use is reported once.
    pub(crate) fn error(&mut self, error: impl FnOnce() -> LoadError) {
        if self.errors.len() >= MAX_REPORTED {
            return;
        }
        let error = error();
        let same = |known: &LoadError| {
            known.at.pos == error.at.pos
                && Arc::ptr_eq(&known.at.file, &error.at.file)
                && known.kind.to_string() == error.kind.to_string()
        };
        if !self.errors.iter().any(same) {
            self.errors.push(error);
        }
    }

    /// Takes what another report has, as if it had been reported here now.
    pub(crate) fn append(&mut self, other: Self) {
        other.errors.into_iter().for_each(|error| self.error(|| error));
        other.warnings.into_iter().for_each(|warning| self.warn(|| warning));
    }

    /// Takes a warning, made only while there is room.
    pub(crate) fn warn(&mut self, warning: impl FnOnce() -> LoadWarning) {
        if self.warnings.len() < MAX_REPORTED {
            self.warnings.push(warning());
        }
    }
}
