//! macOS on Apple silicon and Intel.
//!
//! What is said of the system in these files is from Apple's manual pages, from the headers of its
//! SDK, and where these are silent from the published source of its kernel (XNU). None of it has been
//! run by the project itself yet: `docs/platforms.md` tells what was.

pub(crate) mod activity;
pub(crate) mod code;
pub(crate) mod cpu_clock;
pub(crate) mod isolation;
pub(crate) mod processor;
pub(crate) mod run_delay;
pub(crate) mod run_state;
pub(crate) mod scheduling;
pub(crate) mod stack;
mod thread;

/// What the last call on this thread failed with.
fn last_error() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}
