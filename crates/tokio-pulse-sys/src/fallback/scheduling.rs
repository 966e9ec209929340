//! The kernel's scheduling attributes of a thread: not available here.

use std::time::Duration;

use crate::Unavailable;

/// The kernel's scheduling attributes of one thread; on this platform no value of it can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadScheduling(std::convert::Infallible);

impl ThreadScheduling {
    /// The attributes of the calling thread.
    ///
    /// # Errors
    ///
    /// Always, on this platform.
    pub fn of_current_thread() -> Result<Self, Unavailable> {
        Err(Unavailable::on_this_platform("thread scheduling attributes"))
    }

    /// Asks for a time slice, or with `None` for the kernel's own again.
    ///
    /// # Errors
    ///
    /// Never reached: there is no thread to set it for.
    pub fn set_slice(&self, _slice: Option<Duration>) -> Result<(), Unavailable> {
        match self.0 {}
    }

    /// The time slice in force, whether asked for or the kernel's own.
    ///
    /// # Errors
    ///
    /// Never reached: there is no thread to ask about.
    pub fn slice(&self) -> Result<Duration, Unavailable> {
        match self.0 {}
    }

    /// The niceness: from -20, the largest share of the processor, to 19.
    ///
    /// # Errors
    ///
    /// Never reached: there is no thread to ask about.
    pub fn nice(&self) -> Result<i32, Unavailable> {
        match self.0 {}
    }

    /// Sets the niceness of this thread alone.
    ///
    /// # Errors
    ///
    /// Never reached: there is no thread to set it for.
    pub fn set_nice(&self, _nice: i32) -> Result<(), Unavailable> {
        match self.0 {}
    }

    /// Asks the kernel to let the thread run soon after it wakes up: for one that computes little, and
    /// that others wait for. Needs no privilege.
    ///
    /// # Errors
    ///
    /// Never reached: there is no thread to ask for.
    pub fn hasten(&self) -> Result<(), Unavailable> {
        match self.0 {}
    }

    /// Lets the thread run only on what all others leave over, or as an ordinary one again.
    ///
    /// # Errors
    ///
    /// Never reached: there is no thread to set it for.
    pub fn set_idle(&self, _idle: bool) -> Result<(), Unavailable> {
        match self.0 {}
    }
}

/// Whether the kernel takes time slices.
///
/// # Errors
///
/// Always, on this platform.
pub fn slices_available() -> Result<(), Unavailable> {
    Err(Unavailable::on_this_platform("kernel time slice"))
}

/// Whether a thread that was made nicer can be brought back to the caller's niceness.
///
/// # Errors
///
/// Always, on this platform.
pub fn nice_restorable() -> Result<(), Unavailable> {
    Err(Unavailable::on_this_platform("thread niceness"))
}

/// Whether a thread can be brought back from the idle policy.
///
/// # Errors
///
/// Always, on this platform.
pub fn idle_restorable() -> Result<(), Unavailable> {
    Err(Unavailable::on_this_platform("idle scheduling policy"))
}
