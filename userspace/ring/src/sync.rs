// SPDX-License-Identifier: Apache-2.0

//! The synchronisation that this crate is built on: the real one, or the model checker's under `--cfg loom`.

#[cfg(not(loom))]
pub(crate) use {
    core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence},
    std::sync::{Condvar, Mutex, MutexGuard},
};

#[cfg(loom)]
pub(crate) use loom::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence},
};
