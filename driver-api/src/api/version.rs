// SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0

//! Versions that both sides compare when a device or a capture file is opened.

/// Version of a contract: a reader accepts the same major with a minor no newer than its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Changes when old readers would misunderstand new data.
    pub major: u16,
    /// Changes when something was added that old readers skip.
    pub minor: u16,
}

impl Version {
    /// Returns whether a reader of version `self` understands what a writer of version `writer` wrote.
    #[must_use]
    pub const fn reads(self, writer: Version) -> bool {
        self.major == writer.major && writer.minor <= self.minor
    }
}

/// Ring layout, positions and control calls.
pub const PROTOCOL: Version = Version { major: 1, minor: 0 };

/// Event numbers, their parameters and the encodings of values.
pub const SCHEMA: Version = Version { major: 1, minor: 0 };
