//! The one door between the protocols and the primitives they are built on: the standard
//! library's, or loom's when the models run (`--cfg pulse_loom`).

#[cfg(not(pulse_loom))]
pub(crate) use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence},
};

#[cfg(pulse_loom)]
pub(crate) use loom::sync::{
    Arc, Condvar, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence},
};
#[cfg(pulse_loom)]
pub(crate) use std::sync::PoisonError;

/// Locks, and goes on with the data of a thread that panicked while it held the lock: every
/// critical section of this crate leaves its data valid at each step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
