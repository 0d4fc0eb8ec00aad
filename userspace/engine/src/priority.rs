//! How bad a matched rule is.

use std::fmt;
use std::str::FromStr;

/// Priority of a rule, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are those of syslog")]
pub enum Priority {
    Emergency = 0,
    Alert = 1,
    Critical = 2,
    Error = 3,
    Warning = 4,
    Notice = 5,
    Informational = 6,
    Debug = 7,
}

/// The text is no priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown priority, expected a name such as `warning` or a number from 0 to 7")]
pub struct UnknownPriority;

impl Priority {
    /// All of them, strongest first.
    pub const ALL: [Self; 8] = [
        Self::Emergency,
        Self::Alert,
        Self::Critical,
        Self::Error,
        Self::Warning,
        Self::Notice,
        Self::Informational,
        Self::Debug,
    ];

    /// Name as alerts print it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Emergency => "Emergency",
            Self::Alert => "Alert",
            Self::Critical => "Critical",
            Self::Error => "Error",
            Self::Warning => "Warning",
            Self::Notice => "Notice",
            Self::Informational => "Informational",
            Self::Debug => "Debug",
        }
    }
}

impl FromStr for Priority {
    type Err = UnknownPriority;

    /// Reads a name in any case, `info` for short, or a number.
    fn from_str(text: &str) -> Result<Self, UnknownPriority> {
        if text.eq_ignore_ascii_case("info") {
            return Ok(Self::Informational);
        }
        let by_number = text.parse().ok().and_then(|number: usize| Self::ALL.get(number).copied());
        let by_name = || Self::ALL.into_iter().find(|priority| priority.as_str().eq_ignore_ascii_case(text));
        by_number.or_else(by_name).ok_or(UnknownPriority)
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_case_and_numbers_are_read() {
        for (at, priority) in Priority::ALL.into_iter().enumerate() {
            assert_eq!(priority.as_str().parse(), Ok(priority));
            assert_eq!(priority.as_str().to_uppercase().parse(), Ok(priority));
            assert_eq!(at.to_string().parse(), Ok(priority));
        }
        assert_eq!("INFO".parse(), Ok(Priority::Informational));
        for bad in ["", "8", "-1", "warn", "high"] {
            assert_eq!(bad.parse::<Priority>(), Err(UnknownPriority), "{bad}");
        }
    }
}
