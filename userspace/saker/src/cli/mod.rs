//! The command line, in two steps: what was typed ([`flags`]), and the settings that follow from it.

pub(crate) mod flags;
