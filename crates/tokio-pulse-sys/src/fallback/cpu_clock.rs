//! A thread's CPU clock: not available here.

use std::time::Duration;

use crate::Unavailable;

const CAPABILITY: &str = "thread CPU clock";

/// The CPU time of one thread; on this platform no value of it can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadCpuClock(std::convert::Infallible);

impl ThreadCpuClock {
    /// The clock of the calling thread.
    ///
    /// # Errors
    ///
    /// Always, on this platform.
    pub fn of_current_thread() -> Result<Self, Unavailable> {
        Err(Unavailable::on_this_platform(CAPABILITY))
    }

    /// The CPU time that the thread has used since it began.
    ///
    /// # Errors
    ///
    /// Never reached: there is no clock to read.
    pub fn read(&self) -> Result<Duration, Unavailable> {
        match self.0 {}
    }

    /// By how much two readings of a clock may differ without the thread having run in between, or agree
    /// although it has: the clock moves in jumps of this length. There is none here.
    pub fn grain() -> Duration {
        Duration::ZERO
    }
}

/// The CPU time that the calling thread has used since it began.
///
/// # Errors
///
/// Always, on this platform.
pub fn current_thread_cpu_time() -> Result<Duration, Unavailable> {
    Err(Unavailable::on_this_platform(CAPABILITY))
}
