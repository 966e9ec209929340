//! Whether a thread runs or sleeps: not available here.

use std::time::Duration;

use crate::{RunState, Unavailable};

/// Asks the kernel what a thread is doing; on this platform no value of it can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadProbe(std::convert::Infallible);

impl ThreadProbe {
    /// A probe of the calling thread.
    ///
    /// # Errors
    ///
    /// Always, on this platform.
    pub fn of_current_thread() -> Result<Self, Unavailable> {
        Err(Unavailable::on_this_platform("thread run state"))
    }

    /// What the thread is doing now.
    ///
    /// # Errors
    ///
    /// Never reached: there is no probe to ask.
    pub fn state(&self) -> Result<RunState, Unavailable> {
        match self.0 {}
    }

    /// The time that the thread has waited for a processor.
    ///
    /// # Errors
    ///
    /// Never reached: there is no probe to ask.
    pub fn run_delay(&self) -> Result<Duration, Unavailable> {
        match self.0 {}
    }
}
