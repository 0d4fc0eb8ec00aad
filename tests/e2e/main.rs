//! The whole of Saker, as a user has it: the binary, real programs, real files.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod attack;
mod bad_input;
mod captures;
mod commands;
mod live;
mod support;
mod tricks;
