//! How long a thread waited for a processor: not available here.

use std::time::Duration;

use crate::Unavailable;

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
        Err(Unavailable::on_this_platform("thread run delay"))
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
    Err(Unavailable::on_this_platform("thread sleeps"))
}

/// How often a thread of this process was set aside for another thread: not told here.
///
/// # Errors
///
/// Always.
pub fn threads_set_aside() -> Result<u64, Unavailable> {
    Err(Unavailable::on_this_platform("threads set aside"))
}
