// SPDX-License-Identifier: Apache-2.0

//! The index at the end of a capture; the only place that knows its encoding (`bincode`).

use crate::layout::{MAX_INDEX_BYTES, SectionHeader, SectionKind};
use bincode::config::{Configuration, Fixint, Limit, LittleEndian};
use bincode::{Decode, Encode};

/// Most sections that an index names; beyond, every second one is left out.
const MAX_ENTRIES: usize = 1 << 20;

const CONFIG: Configuration<LittleEndian, Fixint, Limit<MAX_INDEX_BYTES>> =
    bincode::config::standard().with_fixed_int_encoding().with_limit::<MAX_INDEX_BYTES>();

/// One section, as seeking needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Entry {
    pub(crate) offset: u64,
    pub(crate) first_ns: u64,
    pub(crate) first_num: u64,
    /// A reader may start here with the state that the checkpoint holds.
    pub(crate) starts_checkpoint: bool,
}

impl Entry {
    pub(crate) fn new(offset: u64, header: &SectionHeader) -> Self {
        let starts_checkpoint =
            header.kind == SectionKind::Checkpoint as u8 && header.flags & SectionHeader::STARTS_CHECKPOINT != 0;
        Self { offset, first_ns: header.first_ns, first_num: header.first_num, starts_checkpoint }
    }
}

/// Where the sections are, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Index {
    pub(crate) entries: Vec<Entry>,
}

impl Index {
    pub(crate) fn push(&mut self, entry: Entry) {
        if self.entries.len() >= MAX_ENTRIES {
            let mut keep = false;
            self.entries.retain(|entry| {
                keep = !keep;
                keep || entry.starts_checkpoint
            });
        }
        // Where even that is full (a million checkpoints), seeking goes by the earlier ones.
        if self.entries.len() < MAX_ENTRIES {
            self.entries.push(entry);
        }
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>, String> {
        bincode::encode_to_vec(self, CONFIG).map_err(|error| error.to_string())
    }

    /// Returns the index if the bytes are one; they may come from anywhere, so memory is bounded before it is used.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (index, used): (Self, usize) = bincode::decode_from_slice(bytes, CONFIG).ok()?;
        let ordered =
            index.entries.windows(2).all(|pair| pair.first().map(|e| e.offset) < pair.get(1).map(|e| e.offset));
        (used == bytes.len() && ordered).then_some(index)
    }

    /// Returns the offset of the first section known behind `offset`.
    pub(crate) fn after(&self, offset: u64) -> Option<u64> {
        let at = self.entries.partition_point(|entry| entry.offset <= offset);
        self.entries.get(at).map(|entry| entry.offset)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn entry(offset: u64) -> Entry {
        Entry { offset, first_ns: 1, first_num: offset, starts_checkpoint: offset == 128 }
    }

    #[test]
    fn an_index_survives_and_its_bytes_are_frozen() {
        let index = Index { entries: vec![entry(64), entry(128)] };
        let bytes = index.encode().unwrap();
        assert_eq!(Index::decode(&bytes), Some(index.clone()));
        assert_eq!(bytes.len(), 8 + 2 * 25);
        assert_eq!(bytes.get(..16), Some(&[2, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0][..]));
        assert_eq!((index.after(0), index.after(64), index.after(128)), (Some(64), Some(128), None));
    }

    #[test]
    fn other_bytes_are_no_index() {
        let bytes = Index { entries: vec![entry(64)] }.encode().unwrap();
        for wrong in [&bytes[..20], &[&bytes[..], &[0]].concat(), &[0xff; 64], &[]] {
            assert_eq!(Index::decode(wrong), None);
        }
        assert_eq!(Index::decode(&Index { entries: vec![entry(64), entry(8)] }.encode().unwrap()), None);
    }

    #[test]
    fn a_full_index_is_thinned_but_keeps_checkpoints() {
        let mut index = Index::default();
        (1..=MAX_ENTRIES as u64 + 1).for_each(|n| index.push(entry(n * 8)));
        assert!(index.entries.len() <= MAX_ENTRIES / 2 + 2);
        assert!(index.entries.iter().any(|entry| entry.starts_checkpoint));
        assert!(index.encode().unwrap().len() <= MAX_INDEX_BYTES);
    }
}
