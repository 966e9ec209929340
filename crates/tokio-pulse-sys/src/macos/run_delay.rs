//! How long a thread waited for a processor: macOS does not tell a process.
//!
//! The kernel counts it for whole tasks at most (`TASK_POWER_INFO` and the like have other things);
//! of threads only its tracing (`ktrace`) knows, and that is for root.

use std::time::Duration;

use crate::Unavailable;

pub(super) const MISSING: Unavailable = Unavailable::lacking(
    "thread run delay",
    "macOS tells only those who trace the whole machine how long a thread waited",
    "polls are judged by their CPU time alone",
    None,
);

/// The time that one thread has waited for a processor; on this platform no value of it can be made.
#[derive(Debug)]
pub struct ThreadRunDelay(std::convert::Infallible);

impl ThreadRunDelay {
    /// The run delay of the calling thread.
    ///
    /// # Errors
    ///
    /// Always, on this platform.
    pub fn of_current_thread() -> Result<Self, Unavailable> {
        Err(MISSING)
    }

    /// The time that the thread has waited since it began.
    ///
    /// # Errors
    ///
    /// Never reached: there is no run delay to read.
    pub fn read(&self) -> Result<Duration, Unavailable> {
        match self.0 {}
    }
}

/// How often the calling thread has gone to sleep in the kernel since it began.
///
/// # Errors
///
/// Always, on this platform.
pub fn current_thread_sleeps() -> Result<u64, Unavailable> {
    Err(MISSING)
}

/// How often a thread of this process was set aside for another thread: not told here.
///
/// # Errors
///
/// Always.
pub fn threads_set_aside() -> Result<u64, Unavailable> {
    Err(MISSING)
}
