//! Whether a thread runs or waits, as `thread_info` tells: one call, for any thread of the process.

use std::time::Duration;

use super::thread::{self, Port, Silence};
use crate::{RunState, Unavailable};

const CAPABILITY: &str = "thread run state";

/// Asks the kernel what a thread is doing, from any thread of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadProbe {
    port: Port,
}

impl ThreadProbe {
    /// A probe of the calling thread.
    ///
    /// # Errors
    ///
    /// When the kernel does not tell.
    pub fn of_current_thread() -> Result<Self, Unavailable> {
        let probe = Self { port: thread::current() };
        probe.state().map(|_| probe)
    }

    /// What the thread is doing now.
    ///
    /// # Errors
    ///
    /// When the kernel does not tell.
    pub fn state(&self) -> Result<RunState, Unavailable> {
        of_thread(self.port, CAPABILITY)
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

/// The same for a thread that is only known by number.
pub(super) fn of_thread(port: Port, capability: &'static str) -> Result<RunState, Unavailable> {
    match thread::basic_info(port) {
        Ok(info) => Ok(state(info.run_state)),
        Err(Silence::Gone) => Ok(RunState::Gone),
        Err(silence) => Err(silence.unavailable(capability)),
    }
}

/// "Running" includes those in a queue for a processor; the kernel tells no difference.
fn state(state: libc::integer_t) -> RunState {
    match state {
        libc::TH_STATE_RUNNING => RunState::Runnable,
        libc::TH_STATE_HALTED => RunState::Gone,
        _ => RunState::Blocked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn tells_a_runner_from_a_sleeper() {
        assert_eq!(ThreadProbe::of_current_thread().unwrap().state(), Ok(RunState::Runnable));
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
            std::thread::sleep(Duration::from_millis(1));
        }
        go_out.send(()).unwrap();
        thread.join().unwrap();
    }
}
