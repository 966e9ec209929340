//! The stack of another thread: not available here.

use std::time::Duration;

use crate::{SampleError, StackSignal, StackSnapshot, Unavailable};

/// Takes the stacks of this process's threads; on this platform no value of it can be made.
#[derive(Debug)]
pub struct StackSampler(std::convert::Infallible);

impl StackSampler {
    /// Installs what is needed.
    ///
    /// # Errors
    ///
    /// Always, on this platform.
    pub fn install(_signal: StackSignal) -> Result<Self, Unavailable> {
        Err(Unavailable::on_this_platform("stack of another thread"))
    }

    /// Takes a thread's registers and stack.
    ///
    /// # Errors
    ///
    /// Never reached: there is no sampler to ask.
    pub fn sample(
        &self,
        _tid: i32,
        _timeout: Duration,
        _into: &mut StackSnapshot,
    ) -> Result<(), SampleError> {
        match self.0 {}
    }
}

/// The system's number of the calling thread.
///
/// # Errors
///
/// Always, on this platform.
pub fn current_thread_number() -> Result<i32, Unavailable> {
    Err(Unavailable::on_this_platform("thread number"))
}
