//! What a program says about its code: not here, only here, here if need be.
//!
//! * [`NoPreempt`], and what is built on it: an allocator ([`PreemptSafeAlloc`]) and a lock
//!   ([`PreemptSafeMutex`]).
//! * [`exclude_code`] for code that cannot be given a guard.
//! * [`preemptible`] for programs that only want to be preempted where they say so.

mod alloc;
mod exclude;
mod mutex;
mod region;

use std::marker::PhantomData;

use crate::current;
pub use alloc::PreemptSafeAlloc;
pub(crate) use exclude::take as take_excluded;
pub use exclude::{TooLate, exclude_code};
pub use mutex::{PreemptSafeGuard, PreemptSafeMutex};
pub use region::preemptible;

/// No preemption on this thread while it lives.
///
/// Guards nest. When the last one goes, a preemption that was refused in the meantime is made up
/// for, if the call chain allows it.
///
/// ```
/// let guard = tokio_pulse_stackful::NoPreempt::new();
/// // Other tasks of this thread do not run here.
/// drop(guard);
/// ```
#[derive(Debug)]
#[must_use = "it ends when it is dropped"]
pub struct NoPreempt {
    /// It belongs to its thread.
    thread: PhantomData<*mut ()>,
}

impl NoPreempt {
    /// From here to the drop.
    #[inline]
    pub fn new() -> Self {
        current::enter_no_preempt();
        Self { thread: PhantomData }
    }
}

impl Default for NoPreempt {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for NoPreempt {
    #[inline]
    fn drop(&mut self) {
        current::leave_no_preempt();
        current::yield_if_pending();
    }
}

/// Runs a closure under [`NoPreempt`].
pub fn no_preempt<T>(body: impl FnOnce() -> T) -> T {
    let _guard = NoPreempt::new();
    body()
}

/// A safe point: sets the poll aside if a preemption was refused since it began or was resumed.
/// Returns whether others ran in between.
///
/// It is also where a poll ends that nobody has use for any more: when its task was aborted or dropped
/// while the poll was set aside, this unwinds, so that all that is on the stack is dropped.
#[inline]
pub fn checkpoint() -> bool {
    current::safe_point()
}
