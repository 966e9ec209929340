//! What a task says about itself: not here, only here, here if need be.

use std::marker::PhantomData;

use crate::current;

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

/// A region that a task with [`Coverage::Marked`](crate::Coverage::Marked) may be preempted in.
/// For others it changes nothing, nor does it lift a [`NoPreempt`].
///
/// ```
/// let sum: u64 = tokio_pulse_stackful::preemptible(|| (0..1_000_000).sum());
/// # assert_eq!(sum, 499_999_500_000);
/// ```
pub fn preemptible<T>(body: impl FnOnce() -> T) -> T {
    struct Region;

    impl Drop for Region {
        fn drop(&mut self) {
            current::mark_region(-1);
        }
    }

    current::mark_region(1);
    let _region = Region;
    // As a trait object it is a function of its own, which is the caller's and not this crate's.
    let mut body = Some(body);
    let mut result = None;
    let mut call = || result = body.take().map(|body| body());
    call_apart(&mut call);
    result.unwrap_or_else(|| unreachable!("the closure was called"))
}

#[inline(never)]
fn call_apart(body: &mut dyn FnMut()) {
    std::hint::black_box(body)();
}

/// A safe point: sets the poll aside if a preemption was refused since it began or was resumed.
/// Returns whether others ran in between.
#[inline]
pub fn checkpoint() -> bool {
    current::yield_if_pending()
}
