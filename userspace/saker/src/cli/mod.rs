//! The command line: what was typed ([`flags`]). Each command makes of it what it needs.

pub(crate) mod driver;
pub(crate) mod flags;
