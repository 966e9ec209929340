//! For the benchmarks of this workspace.

use std::time::{Duration, Instant};

use crate::settings::{Coverage, prepare};
use crate::{Unavailable, current, platform};

/// What a signal to oneself costs, there and back, with a handler that finds nothing to do.
///
/// # Errors
///
/// Where the process cannot be preempted.
pub fn signal_round_trip(turns: u32) -> Result<Duration, Unavailable> {
    prepare(Coverage::Marked)?;
    let _slot = current::slot();
    let thread = platform::thread_number();
    let began = Instant::now();
    for _ in 0..turns {
        platform::interrupt(thread);
    }
    Ok(began.elapsed() / turns.max(1))
}

/// What it takes to set the process up, most of which is reading the program's code. The first
/// preemptible task of a process does it; later ones find it done.
///
/// # Errors
///
/// Where the process cannot be preempted.
pub fn set_up() -> Result<Duration, Unavailable> {
    let began = Instant::now();
    prepare(Coverage::Everywhere)?;
    Ok(began.elapsed())
}
