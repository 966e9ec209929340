//! Regions that a program marks for preemption.

use crate::current;

/// A region that a task with [`Coverage::Marked`](crate::Coverage::Marked) may be preempted in.
/// For others it changes nothing, nor does it lift a [`NoPreempt`](crate::NoPreempt).
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
