//! What the right side of a check can be beyond a plain value: glob, regular expression, path set, network.

mod glob;
mod net;
mod path_set;
mod regex;

pub use glob::Glob;
pub use net::IpNet;
pub use path_set::PathSet;
pub use regex::Pattern;

use thiserror::Error;

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// A glob ends in a backslash with nothing to escape.
    #[error("the pattern ends in a lone backslash")]
    TrailingBackslash,
    /// A path of the set has no component and is not `/`.
    #[error("an empty path matches nothing")]
    EmptyPath,
    /// The regular expression is malformed.
    #[error("not a regular expression: {0}")]
    Regex(String),
    /// The regular expression compiles to more than the limit.
    #[error("the regular expression needs more than {0} bytes when compiled")]
    RegexTooLarge(usize),
    /// Not `address/length`.
    #[error("not a network: write it as `10.0.0.0/8` or `fc00::/7`")]
    Net,
}
