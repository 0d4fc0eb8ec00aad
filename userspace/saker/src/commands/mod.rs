//! One file for each group of commands.

pub(crate) mod captures;
pub(crate) mod catalogue;
pub(crate) mod driver;
pub(crate) mod events;
pub(crate) mod live;
pub(crate) mod replay;
pub(crate) mod rules;
pub(crate) mod shell;
