//! What Tokio-Pulse needs from the operating system.
//!
//! One door for all platforms: the block below picks a folder, and every folder has the same files
//! with the same items. What a system cannot do is an [`Unavailable`] at run time, never a missing
//! item at compile time.
//!
//! This is the one crate of the workspace, beside the stackful one, in which `unsafe` is allowed.
//! It is an implementation detail of `tokio-pulse`; its API follows that crate's needs.

#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod platform;
#[cfg(windows)]
#[path = "windows/mod.rs"]
mod platform;
#[cfg(target_os = "macos")]
#[path = "macos/mod.rs"]
mod platform;
#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
#[path = "fallback/mod.rs"]
mod platform;

mod activity;
mod code;
mod isolation;
mod prefetch;
mod stack;
mod unavailable;

pub use activity::{Call, ThreadActivity};
pub use code::MappedCode;
pub use isolation::{CpuGroupError, CpuLimit, IsolationKind, IsolationStats};
pub use platform::activity::{system_call_name, thread_activity};
pub use platform::code::mapped_code;
pub use platform::cpu_clock::{ThreadCpuClock, current_thread_cpu_time};
pub use platform::isolation::{CpuGroup, Membership, ProcessGroup};
pub use platform::processor::current_processor;
pub use platform::run_delay::{ThreadRunDelay, current_thread_sleeps, threads_set_aside};
pub use platform::run_state::ThreadProbe;
pub use platform::scheduling::{
    ThreadScheduling, idle_restorable, nice_restorable, slices_available,
};
pub use platform::stack::{StackSampler, current_thread_number};
pub use prefetch::prefetch;
pub use stack::{Registers, SampleError, StackSignal, StackSnapshot};
pub use unavailable::Unavailable;

/// What the kernel's scheduler says of a thread at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunState {
    /// On a processor, or in a queue waiting for one.
    Runnable,
    /// Asleep in the kernel: in a system call, on a lock, on a page that must be read.
    Blocked,
    /// The thread has ended.
    Gone,
}
