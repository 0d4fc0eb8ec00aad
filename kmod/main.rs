// SPDX-License-Identifier: GPL-2.0-only

//! Saker's kernel module: system calls as records, into rings that the consumer maps.
//!
//! ```text
//! device ── session ── capture ── ring of each CPU <── emit <── probes
//!                         │                              └─ context: facts, files, sockets, task, user
//!                         └─ queue: detaches and frees what its consumer has left
//! ```
//! The records, the ring protocol and what becomes of each call are `driver-api`, which userspace compiles as well; here is
//! what only the kernel can do. Nothing is attached, and no ring exists, while nobody captures.
//!
//! Locks, in this order: session, holder, attached (mutexes); a ring's spin lock; under it what the kernel takes to tell a
//! path or a terminal. Probes take the ring's alone, and none while they bring in a page.

#[path = "../driver-api/src/api/mod.rs"]
pub mod driver_api;

mod capture;
mod context;
mod device;
mod emit;
mod facts;
mod files;
mod named;
mod pages;
mod probe;
mod ring;
mod shim;
mod sockets;
mod task;
mod unwrapped;
mod user;

use crate::device::Session;
use crate::driver_api::ioctl::Holder;
use core::ptr::NonNull;
use kernel::bindings;
use kernel::miscdevice::MiscDeviceRegistration;
use kernel::prelude::*;
use kernel::sync::global_lock;
use kernel::sync::SetOnce;
use kernel::workqueue::Queue;

module! {
    type: Saker,
    name: "saker",
    authors: ["The Saker developers"],
    description: "System calls as records for Saker",
    license: "GPL v2",
}

/// Identity of the source, given by the build.
const SOURCE: &str = match option_env!("SAKER_SOURCE") {
    Some(source) => source,
    None => "unknown",
};

global_lock! {
    // SAFETY: initialised when the module is, before the device exists.
    unsafe(uninit) static HOLDER: Mutex<Option<Holder>> = None;
}

/// The queue on which captures end.
static QUEUE: SetOnce<QueuePtr> = SetOnce::new();

#[derive(Clone, Copy)]
struct QueuePtr(NonNull<bindings::workqueue_struct>);

// SAFETY: queues may be used from any thread.
unsafe impl Send for QueuePtr {}
// SAFETY: as above.
unsafe impl Sync for QueuePtr {}

/// Returns the queue on which captures end, or the system's before there is one.
fn queue() -> &'static Queue {
    match QUEUE.as_ref() {
        // SAFETY: the queue lives until the module goes, and nothing is enqueued after the device is gone.
        Some(queue) => unsafe { Queue::from_raw(queue.0.as_ptr()) },
        None => kernel::workqueue::system(),
    }
}

/// Owns the queue; dropping it waits until all captures have ended.
struct OwnQueue(QueuePtr);

impl OwnQueue {
    fn new() -> Result<Self> {
        // SAFETY: the name has no conversions, so no further arguments are read.
        let queue =
            unsafe { bindings::alloc_workqueue_noprof(c"saker".as_char_ptr(), bindings::wq_flags_WQ_UNBOUND, 0) };
        let queue = QueuePtr(NonNull::new(queue).ok_or(ENOMEM)?);
        QUEUE.populate(queue);
        Ok(Self(queue))
    }
}

impl Drop for OwnQueue {
    fn drop(&mut self) {
        // SAFETY: the queue is ours, and nothing is enqueued any more: the device is gone.
        unsafe { bindings::destroy_workqueue(self.0 .0.as_ptr()) };
    }
}

/// The module. Dropped in this order: no new captures, then wait for the end of the old ones.
#[pin_data]
struct Saker {
    #[pin]
    device: MiscDeviceRegistration<Session>,
    queue: OwnQueue,
}

impl kernel::InPlaceModule for Saker {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        // SAFETY: called once, before anything uses it.
        unsafe { HOLDER.init() };
        try_pin_init!(Self {
            queue: OwnQueue::new()?,
            device <- device::register(),
        })
    }
}
