//! A lock that tasks of one thread can share.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, Mutex, MutexGuard, PoisonError};

use super::NoPreempt;

/// A mutex whose holder is not preempted.
///
/// A task that is set aside with a [`std::sync::Mutex`] held makes the next task of its thread wait
/// for it, and itself, for good. This one is released before anybody else on the thread runs. Hold
/// it briefly, and not over an `await`: the guard is not `Send`.
///
/// ```
/// let hits = tokio_pulse_stackful::PreemptSafeMutex::new(0);
/// *hits.lock().unwrap() += 1;
/// ```
#[derive(Default)]
pub struct PreemptSafeMutex<T: ?Sized> {
    inner: Mutex<T>,
}

/// The value, until it is dropped.
pub struct PreemptSafeGuard<'a, T: ?Sized> {
    // In this order: unlocked first.
    inner: MutexGuard<'a, T>,
    _no_preempt: NoPreempt,
}

impl<T> PreemptSafeMutex<T> {
    /// Of a value.
    pub const fn new(value: T) -> Self {
        Self { inner: Mutex::new(value) }
    }
}

impl<T: ?Sized> PreemptSafeMutex<T> {
    /// Waits for other threads. Not preempted from before the wait to the guard's drop.
    ///
    /// # Errors
    ///
    /// When a holder panicked, as with [`Mutex::lock`].
    pub fn lock(&self) -> LockResult<PreemptSafeGuard<'_, T>> {
        let no_preempt = NoPreempt::new();
        match self.inner.lock() {
            Ok(inner) => Ok(PreemptSafeGuard { inner, _no_preempt: no_preempt }),
            Err(poisoned) => Err(PoisonError::new(PreemptSafeGuard {
                inner: poisoned.into_inner(),
                _no_preempt: no_preempt,
            })),
        }
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for PreemptSafeMutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _no_preempt = NoPreempt::new();
        f.debug_tuple("PreemptSafeMutex").field(&&self.inner).finish()
    }
}

impl<T: ?Sized> Deref for PreemptSafeGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: ?Sized> DerefMut for PreemptSafeGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for PreemptSafeGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
