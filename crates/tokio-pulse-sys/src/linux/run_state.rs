//! Whether a thread runs, waits for a processor, or sleeps in the kernel.

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use crate::{RunState, Unavailable};

const CAPABILITY: &str = "thread run state";

/// Asks the kernel what a thread is doing, from any thread of the process.
///
/// Reads `/proc/self/task/TID/stat`: a few microseconds, so it is for suspects only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadProbe {
    tid: libc::pid_t,
}

impl ThreadProbe {
    /// A probe of the calling thread.
    ///
    /// # Errors
    ///
    /// When `/proc` is not mounted or hides this process.
    pub fn of_current_thread() -> Result<Self, Unavailable> {
        // SAFETY: no preconditions.
        let probe = Self { tid: unsafe { libc::gettid() } };
        probe.state().map(|_| probe)
    }

    /// What the thread is doing now.
    ///
    /// # Errors
    ///
    /// When the kernel's answer cannot be read.
    pub fn state(&self) -> Result<RunState, Unavailable> {
        of_thread(self.tid, CAPABILITY)
    }
}

impl ThreadProbe {
    /// The time that the thread has waited for a processor since it began; see
    /// [`ThreadRunDelay::read`](crate::ThreadRunDelay::read).
    ///
    /// # Errors
    ///
    /// When the thread has ended, or the kernel does not count.
    pub fn run_delay(&self) -> Result<Duration, Unavailable> {
        super::run_delay::of_thread(self.tid)
    }
}

/// The same for a thread that is only known by number.
pub(super) fn of_thread(
    tid: libc::pid_t,
    capability: &'static str,
) -> Result<RunState, Unavailable> {
    // Large enough for every field up to the state: the name is at most 16 bytes.
    let mut line = [0; 64];
    let length = match File::open(format!("/proc/self/task/{tid}/stat"))
        .and_then(|mut file| file.read(&mut line))
    {
        Ok(length) => length,
        // The thread ended before the file was opened, or between that and the read.
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ESRCH)) => {
            return Ok(RunState::Gone);
        }
        Err(error) => {
            return Err(Unavailable::refused(capability, error.raw_os_error().unwrap_or(0)));
        }
    };
    parse_state(&line[..length]).ok_or(Unavailable::refused(capability, libc::EINVAL))
}

/// The state letter stands after the thread's name, which is in parentheses and may hold more.
fn parse_state(line: &[u8]) -> Option<RunState> {
    let close = line.iter().rposition(|&byte| byte == b')')?;
    match line.get(close + 2)? {
        b'R' => Some(RunState::Runnable),
        b'Z' | b'X' | b'x' => Some(RunState::Gone),
        _ => Some(RunState::Blocked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn names_with_parentheses_do_not_confuse_it() {
        assert_eq!(parse_state(b"7 (a) R b) S 1 2"), Some(RunState::Blocked));
        assert_eq!(parse_state(b"7 (x) R 1"), Some(RunState::Runnable));
        assert_eq!(parse_state(b"7 (x"), None);
        assert_eq!(parse_state(b"7 (x)"), None);
    }

    #[test]
    fn tells_a_runner_from_a_sleeper_and_from_the_dead() {
        assert_eq!(ThreadProbe::of_current_thread().unwrap().state(), Ok(RunState::Runnable));

        let (probe_out, probe_in) = std::sync::mpsc::channel();
        let (go_out, go_in) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            probe_out.send(ThreadProbe::of_current_thread().unwrap()).unwrap();
            go_in.recv().unwrap();
        });
        let probe = probe_in.recv().unwrap();
        assert!(probe.run_delay().is_ok());
        let deadline = Instant::now() + Duration::from_secs(30);
        while probe.state() != Ok(RunState::Blocked) {
            assert!(Instant::now() < deadline, "a waiting thread never looked blocked");
            std::thread::sleep(Duration::from_millis(1));
        }
        go_out.send(()).unwrap();
        thread.join().unwrap();
        while probe.state() != Ok(RunState::Gone) {
            assert!(Instant::now() < deadline, "an ended thread never looked gone");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
