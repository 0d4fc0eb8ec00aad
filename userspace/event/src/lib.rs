//! Events: records with their kind known, typed parameters, text, and a way to write them.
//!
//! ```text
//! RawEvent --decode--> Event --int/text/tuple/..--> values
//!                        `-----render--> `evt.arg.NAME`, `evt.args`
//! EventBuilder, parse_line --> RecordBuf --> RawEvent
//! ```
//! Everything on the reading side borrows from the record and allocates nothing. What a record says is never trusted to
//! have the width its type asks for: getters answer `None` instead.
//!
//! Example: `parse_line("openat pid=7 name=/etc/shadow flags=O_RDONLY res=3")` gives a record whose event answers
//! `fd() == Some(3)`.

#![forbid(unsafe_code)]

pub mod address;
pub mod build;
pub mod event;
pub mod line;
pub mod render;

pub use address::{SockAddr, SockTuple};
pub use build::{BuildError, EventBuilder, RecordBuf, Value};
pub use event::{Decoded, Event, Items};
pub use line::{LineError, parse_line};
pub use render::{Names, NoNames};
pub use saker_driver_api::event::{EventInfo, EventType, at};
pub use saker_driver_api::param::ParamStatus;
