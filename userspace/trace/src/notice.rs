// SPDX-License-Identifier: Apache-2.0

//! What a user must be told at once, because tracing changes it or cannot see it.

use std::fmt;

/// Something about the traced programs that tracing changes or cannot give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A program runs without the privileges its file would give it.
    PrivilegeWithheld {
        /// The process.
        pid: u32,
        /// The program.
        program: String,
        /// What the file would give.
        privilege: Privilege,
    },
    /// A program tried to trace others, which it cannot while it is traced itself. Told once.
    NestedTracer {
        /// The process.
        pid: u32,
    },
    /// A program made a process that may not be followed (`CLONE_UNTRACED`). Told once.
    NotFollowed {
        /// The process that made it.
        pid: u32,
    },
    /// All calls of a process that was running before stop it, not only the wanted ones.
    StopsAtEveryCall {
        /// The process.
        pid: u32,
    },
}

/// What the file of a program gives to who runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// The user that owns the file.
    User,
    /// The group that owns the file.
    Group,
    /// Capabilities.
    Capabilities,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrivilegeWithheld { pid, program, privilege } => {
                let what = match privilege {
                    Privilege::User => "the rights of its owner (setuid)",
                    Privilege::Group => "the rights of its group (setgid)",
                    Privilege::Capabilities => "its capabilities",
                };
                write!(f, "`{program}` (process {pid}) runs without {what}: a traced command gains no privileges")
            }
            Self::NestedTracer { pid } => {
                write!(f, "process {pid} wants to trace others, which fails while it is traced itself")
            }
            Self::NotFollowed { pid } => {
                write!(f, "process {pid} made one that may not be traced (CLONE_UNTRACED): it is not watched")
            }
            Self::StopsAtEveryCall { pid } => {
                write!(f, "process {pid} was running before, so each of its system calls stops it for a moment")
            }
        }
    }
}
