//! Whether a thread runs or waits, from the kernel's [`thread_table`](super::thread_table).

use std::time::Duration;

use super::cpu_clock;
use super::thread::{NotOpened, OpenedThread, current_number};
use super::thread_table::{self, Line};
use crate::{RunState, Unavailable};

const CAPABILITY: &str = "thread run state";

/// Without a fine clock a poll that computes looks like one that was given no CPU, until the clock
/// moves; if the kernel then says that it could run, it would pass for one that was set aside.
const COARSE: Unavailable = Unavailable::lacking(
    CAPABILITY,
    "the thread CPU clock of this system moves too seldom to go with it",
    "a poll that got little CPU is rescued, and not held against its task",
    None,
);

/// Asks the kernel what a thread is doing, from any thread of the process.
///
/// Copies a table of the whole machine: some milliseconds on a busy one, so it is for suspects only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadProbe {
    number: u32,
}

impl ThreadProbe {
    /// A probe of the calling thread.
    ///
    /// # Errors
    ///
    /// When the system does not tell, or has no thread CPU clock that is fine enough to go with it.
    pub fn of_current_thread() -> Result<Self, Unavailable> {
        if !cpu_clock::is_fine() {
            return Err(COARSE);
        }
        let number = current_number();
        thread_table::line_of(number).map(|_| Self { number })
    }

    /// What the thread is doing now.
    ///
    /// # Errors
    ///
    /// When the kernel's answer cannot be had.
    pub fn state(&self) -> Result<RunState, Unavailable> {
        Ok(of_thread(self.number, CAPABILITY)?.0)
    }

    /// The time that the thread has waited for a processor.
    ///
    /// # Errors
    ///
    /// Always, on this platform.
    pub fn run_delay(&self) -> Result<Duration, Unavailable> {
        Err(super::run_delay::MISSING)
    }
}

/// The state of a thread that is only known by number, and its line if it has one.
pub(super) fn of_thread(
    number: u32,
    capability: &'static str,
) -> Result<(RunState, Option<Line>), Unavailable> {
    match OpenedThread::open(number, 0) {
        Ok(_) => {}
        Err(NotOpened::Gone) => return Ok((RunState::Gone, None)),
        Err(NotOpened::Refused(code)) => return Err(Unavailable::refused(capability, code)),
    }
    let line = thread_table::line_of(number)?;
    let state = match line {
        None => RunState::Gone,
        Some(line) if line.is_waiting() => RunState::Blocked,
        Some(_) => RunState::Runnable,
    };
    Ok((state, line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn tells_a_runner_from_a_sleeper_and_from_the_dead() {
        let Ok(own) = ThreadProbe::of_current_thread() else { return };
        assert_eq!(own.state(), Ok(RunState::Runnable));
        assert!(own.run_delay().is_err());

        let (probe_out, probe_in) = std::sync::mpsc::channel();
        let (go_out, go_in) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            probe_out.send(ThreadProbe::of_current_thread().unwrap()).unwrap();
            go_in.recv().unwrap();
        });
        let probe = probe_in.recv().unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while probe.state() != Ok(RunState::Blocked) {
            assert!(Instant::now() < deadline, "a waiting thread never looked blocked");
        }
        go_out.send(()).unwrap();
        thread.join().unwrap();
        while probe.state() != Ok(RunState::Gone) {
            assert!(Instant::now() < deadline, "an ended thread never looked gone");
        }
    }

    #[test]
    fn the_end_of_a_thread_is_told_everywhere() {
        let number = std::thread::spawn(current_number).join().unwrap();
        assert!(matches!(of_thread(number, CAPABILITY), Ok((RunState::Gone, None)) | Err(_)));
    }
}
