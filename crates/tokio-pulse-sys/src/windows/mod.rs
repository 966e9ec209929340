//! Windows 10 and later on x86-64 and AArch64; other processors do without stacks.
//!
//! Functions that not every Windows has are looked up at run time ([`late`]), so that a program
//! starts everywhere. What is said of the system in these files is from Microsoft's reference of
//! the Windows API, unless it says otherwise; `docs/platforms.md` tells what was run and where.

pub(crate) mod activity;
pub(crate) mod code;
pub(crate) mod cpu_clock;
mod cycles;
pub(crate) mod isolation;
mod job;
mod late;
pub(crate) mod processor;
pub(crate) mod run_delay;
pub(crate) mod run_state;
pub(crate) mod scheduling;
pub(crate) mod stack;
mod thread;
mod thread_table;

use crate::Unavailable;

/// What the last call on this thread failed with.
fn last_error() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Runs a trial where what it leaves behind ends with it.
fn on_fresh_thread<T: Send>(
    capability: &'static str,
    trial: impl FnOnce() -> Result<T, Unavailable> + Send,
) -> Result<T, Unavailable> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name("pulse-trial".to_owned())
            .spawn_scoped(scope, trial)
            .map_err(|error| Unavailable::refused(capability, error.raw_os_error().unwrap_or(0)))?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
