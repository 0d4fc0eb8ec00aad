// SPDX-License-Identifier: Apache-2.0

//! Rings in userspace: memory for one on the heap, the reader, and the merge of several.
//!
//! ```text
//! HeapProducer ──records──> HeapReader ──┐
//! HeapProducer ──records──> HeapReader ──┴─> Merge ──one stream, by time──>
//!       └──────── Doorbell: wakes the reader by weight, watermark or 10 ms ────────┘
//! ```
//! The protocol itself is `saker_driver_api::ring`, which the kernel module compiles too; `docs/ring-protocol.md` tells it
//! in words. The files `map.rs` and `device.rs` are the only ones in userspace with unsafe code.
//!
//! ```
//! use saker_driver_api::event::{Class, EventType};
//! use saker_driver_api::probe::RecordSink as _;
//! use saker_driver_api::record::{EventHeader, RecordWriter};
//! use saker_ring::{Doorbell, HeapRing, OnFull};
//!
//! let (mut producer, mut reader) = HeapRing::new(0, 1 << 20, OnFull::Drop, &Doorbell::new())?.split();
//! producer.write_record(Class::State, 1, 64, |span| {
//!     let header = EventHeader { ts_ns: 5, kind: EventType::CloseExit as u16, ..EventHeader::default() };
//!     Ok(RecordWriter::begin(span, 0).map_or(0, |writer| writer.finish(header)))
//! });
//! for event in &reader.batch()? {
//!     assert_eq!(event.header().ts_ns, 5);
//! } // Dropping the batch gives the bytes back to the producer.
//! assert_eq!(reader.books().decoded, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(not(loom))]
mod device;
mod doorbell;
mod heap;
mod map;
mod merge;
mod position;
mod reader;
mod sync;

#[cfg(not(loom))]
pub use device::{Cursor, Device, DeviceError, MappedArea, MappedReader};
pub use doorbell::{Doorbell, Pending, Wake};
pub use heap::{HeapProducer, HeapReader, HeapRing, OnFull, RingError, RoomError};
#[cfg(loom)]
pub use heap::{ModelParts, model_parts};
pub use map::{ReadHalf, WriteHalf};
pub use merge::{Input, Merge, MergeBatch, MergeBooks, Merged, MergedEvents, Slack};
pub use position::{HeadEnd, TailEnd};
pub use reader::{Batch, DrainError, Events, ReadArea, Reader, ReaderBooks};
