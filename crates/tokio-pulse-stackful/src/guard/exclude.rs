//! What else of the program's code is not to be preempted.

use std::sync::{Mutex, MutexGuard, PoisonError};

static EXCLUDED: Mutex<Excluded> = Mutex::new(Excluded { paths: Vec::new(), taken: false });

struct Excluded {
    paths: Vec<String>,
    taken: bool,
}

/// The process has been set up for preemption already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLate(());

impl std::fmt::Display for TooLate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("code can only be excluded before the first preemptible task is made")
    }
}

impl std::error::Error for TooLate {}

fn excluded() -> MutexGuard<'static, Excluded> {
    EXCLUDED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps code from being preempted, and what it calls: all functions whose path begins so, such as
/// `"my_pool::"` or `"my_service::cache::"`. For code that keeps state of its thread, and cannot be
/// given a [`NoPreempt`](crate::NoPreempt) guard. What the compiler has inlined elsewhere is not seen.
///
/// # Errors
///
/// Once the first preemptible task or runtime of the process has been made: the program's code is
/// read then.
///
/// ```
/// tokio_pulse_stackful::exclude_code("my_pool::")?;
/// # Ok::<(), tokio_pulse_stackful::TooLate>(())
/// ```
pub fn exclude_code(path: impl Into<String>) -> Result<(), TooLate> {
    let mut excluded = excluded();
    if excluded.taken {
        return Err(TooLate(()));
    }
    excluded.paths.push(path.into());
    Ok(())
}

/// For whoever reads the program's code; none come after that.
#[allow(dead_code, reason = "not every platform reads it")]
pub(crate) fn take() -> Vec<String> {
    let mut excluded = excluded();
    excluded.taken = true;
    std::mem::take(&mut excluded.paths)
}
