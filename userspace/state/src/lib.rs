//! Process, thread and descriptor state, fed by records only.
//!
//! ```text
//! for each record:  ctx = state.before(&event)   constructive changes, and what the event is about
//!                   rules look                   state.task_of(&ctx), state.fd_of(&ctx), ...
//!                   state.after(&event, ctx)     destructive changes: close, exit, close-on-exec, reparenting
//! ```
//! Nothing here asks the host: scans of `/proc`, users, the clock and the host's name arrive as records too, so a replayed
//! capture goes through the same states as the live run. See `docs/state.md` for what each event changes.
//!
//! Limits: every table has a byte [`Budget`]; what is over it is evicted, dead and idle first, and counted in
//! [`StateStats`]. The choice depends on the records alone.

#![forbid(unsafe_code)]

mod apply;
mod checkpoint;
mod context;
mod evict;
pub mod fd;
mod files;
mod path;
mod pool;
mod process;
mod state;
#[cfg(test)]
mod tests;
mod tree;
mod users;
mod view;

pub use context::{Context, EventNames, EventPath, PathRole, event_path};
pub use fd::{Connection, FdInfo, FdKind, L4Proto, PathFlags, Role, SocketInfo};
pub use path::{MAX_PATH_BYTES, push_absolute};
pub use pool::Key;
pub use process::{COMM_BYTES, Comm, Credentials, ExecFlags, FsInfo, Image, ProcessInfo, ThreadInfo, UNSET_ID};
pub use state::{Budget, HostInfo, State, StateStats};
pub use users::UserInfo;
pub use view::{MAX_ANCESTORS, Task};
