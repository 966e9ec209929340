//! The one door between the protocols (the ticker's slot and doze, a task's state, the hand-over
//! between workers, a picture of a blocked poll) and the primitives they are built on: the standard
//! library's, or loom's when the models run (`--cfg pulse_loom`).

#[cfg(not(pulse_loom))]
pub(crate) use std::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU64, fence},
};

#[cfg(pulse_loom)]
pub(crate) use loom::sync::{
    Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU64, fence},
};

use std::sync::PoisonError;

/// Locks, and goes on with the data of a thread that panicked while it held the lock: every critical
/// section of this crate leaves its data valid at each step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits, with the same view of poisoning.
pub(crate) fn wait<'a, T>(condvar: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}
