//! What the kernel says that a thread is doing, the same on all platforms.

use crate::RunState;

/// What the kernel says of one thread at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadActivity {
    /// Whether it runs.
    pub state: RunState,
    /// Where it entered the kernel.
    pub call: Call,
    /// The kernel's function in which it sleeps, if that is told.
    pub wait_channel: Option<String>,
}

/// Where a thread entered the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call {
    /// It is not asleep, or was not when the kernel looked.
    Running,
    /// It sleeps in the system call of this number.
    System(i64),
    /// It sleeps without a system call: on a page that must be read, for instance.
    Fault,
    /// The kernel does not tell.
    Unknown,
}
