// SPDX-License-Identifier: Apache-2.0

//! What a wait status says.

/// Why a thread stopped or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is gone; the status is as `wait` gives it.
    Gone {
        /// The whole wait status.
        status: i32,
    },
    /// A system call starts or returns.
    Call,
    /// A system call that the filter wants starts.
    Wanted,
    /// It made a new process.
    Forked,
    /// It made a new thread, or a process in the way of threads.
    Cloned,
    /// It runs another program.
    Executed,
    /// It is about to end.
    Ending,
    /// A new thread's first stop, or the answer to an interrupt.
    Trapped,
    /// Job control stopped it, by this signal.
    Group(i32),
    /// A signal is about to be delivered.
    Signal(i32),
    /// Something that needs no action.
    Other,
}

const SIGTRAP: i32 = 5;
const CALL_SIGNAL: i32 = SIGTRAP | 0x80;

impl Stop {
    /// Reads a wait status of a thread that was seized with the options of `tracer::OPTIONS`.
    pub(crate) fn from_status(status: i32) -> Self {
        if status & 0xff != 0x7f {
            return if status == 0xffff { Self::Other } else { Self::Gone { status } };
        }
        let signal = (status >> 8) & 0xff;
        match (status >> 16, signal) {
            (0, CALL_SIGNAL) => Self::Call,
            (0, signal) => Self::Signal(signal),
            // Fork and vfork, be they calls of that name or not.
            (1 | 2, SIGTRAP) => Self::Forked,
            (3, SIGTRAP) => Self::Cloned,
            (4, SIGTRAP) => Self::Executed,
            (6, SIGTRAP) => Self::Ending,
            (7, SIGTRAP) => Self::Wanted,
            (128, SIGTRAP) => Self::Trapped,
            (128, signal) => Self::Group(signal),
            _ => Self::Other,
        }
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// It returned this code.
    Code(u8),
    /// This signal ended it.
    Signal(u8),
}

impl ExitStatus {
    /// Reads a wait status of a process that is gone.
    #[must_use]
    pub fn from_status(status: i32) -> Self {
        let [low, code, ..] = status.to_le_bytes();
        match low & 0x7f {
            0 => Self::Code(code),
            signal => Self::Signal(signal),
        }
    }

    /// Returns the status a shell would give: the code, or 128 and the signal.
    #[must_use]
    pub fn shell_code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 | signal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_told_apart() {
        let stop = |event: i32, signal: i32| Stop::from_status(event << 16 | signal << 8 | 0x7f);
        assert_eq!(stop(0, 0x85), Stop::Call);
        assert_eq!(stop(0, 5), Stop::Signal(5), "the program's own SIGTRAP");
        assert_eq!(stop(0, 34), Stop::Signal(34), "real-time signals have no name");
        assert_eq!([stop(1, 5), stop(2, 5), stop(3, 5)], [Stop::Forked, Stop::Forked, Stop::Cloned]);
        assert_eq!((stop(4, 5), stop(6, 5), stop(7, 5)), (Stop::Executed, Stop::Ending, Stop::Wanted));
        assert_eq!((stop(128, 5), stop(128, 20)), (Stop::Trapped, Stop::Group(20)));
        assert_eq!(Stop::from_status(0x0300), Stop::Gone { status: 0x0300 });
        assert_eq!(Stop::from_status(9), Stop::Gone { status: 9 });
    }

    #[test]
    fn ends_are_read_as_a_shell_reads_them() {
        assert_eq!(ExitStatus::from_status(0x0300), ExitStatus::Code(3));
        assert_eq!(ExitStatus::from_status(0x8b), ExitStatus::Signal(11), "with a core");
        assert_eq!(ExitStatus::Signal(11).shell_code(), 139);
    }
}
