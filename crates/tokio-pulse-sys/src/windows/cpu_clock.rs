//! A thread's CPU clock that other threads can read.
//!
//! By `QueryThreadCycleTime` where its cycles can be taken for time (see [`cycles`](super::cycles)),
//! and by `GetThreadTimes` otherwise: user and kernel time, which move once per clock interrupt, every
//! 10 to 16 ms. Which of the two is found out once for the process, by a trial of a millisecond or
//! two.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use windows_sys::Win32::Foundation::{FILETIME, HANDLE};
use windows_sys::Win32::System::Threading::{GetCurrentThread, GetThreadTimes};

use super::cycles::{self, Rate};
use super::last_error;
use super::thread::OpenedThread;
use crate::Unavailable;

const CAPABILITY: &str = "thread CPU clock";

/// The longest time between two clock interrupts, unless a program has asked for more of them.
const INTERRUPT: Duration = Duration::from_micros(15_625);

/// What is read, and how it becomes time.
#[derive(Clone, Copy, Debug)]
enum Counter {
    Cycles(Rate),
    Times,
}

impl Counter {
    fn here() -> Self {
        static HERE: OnceLock<Counter> = OnceLock::new();
        *HERE.get_or_init(|| Rate::measure().map_or(Self::Times, Self::Cycles))
    }
}

/// Whether the clock moves by less than a clock interrupt.
pub(super) fn is_fine() -> bool {
    matches!(Counter::here(), Counter::Cycles(_))
}

/// The CPU time of one thread, readable from every thread of the process.
///
/// Keeps the thread open: the number of its last moment can be read after its end, and is never
/// another thread's.
#[derive(Clone, Debug)]
pub struct ThreadCpuClock(Arc<OpenedThread>);

impl ThreadCpuClock {
    /// The clock of the calling thread.
    ///
    /// # Errors
    ///
    /// When the system does not let the thread be opened.
    pub fn of_current_thread() -> Result<Self, Unavailable> {
        // Threads ask for their clock as they start, where the trial is in nobody's way.
        Counter::here();
        OpenedThread::current()
            .map(|thread| Self(Arc::new(thread)))
            .map_err(|code| Unavailable::refused(CAPABILITY, code))
    }

    /// The CPU time that the thread has used since it began.
    ///
    /// # Errors
    ///
    /// When the system does not tell.
    pub fn read(&self) -> Result<Duration, Unavailable> {
        read(self.0.handle())
    }

    /// By how much two readings of a clock may differ without the thread having run in between, or agree
    /// although it has: the clock moves in jumps of this length.
    pub fn grain() -> Duration {
        if is_fine() { Duration::ZERO } else { INTERRUPT }
    }
}

/// The CPU time that the calling thread has used since it began.
///
/// # Errors
///
/// When the system does not tell.
#[inline]
pub fn current_thread_cpu_time() -> Result<Duration, Unavailable> {
    // SAFETY: no preconditions; what it gives always names the calling thread.
    read(unsafe { GetCurrentThread() })
}

#[inline]
fn read(thread: HANDLE) -> Result<Duration, Unavailable> {
    let time = match Counter::here() {
        Counter::Cycles(rate) => cycles::of_thread(thread).map(|cycles| rate.duration(cycles)),
        Counter::Times => times(thread),
    };
    time.map_err(|code| Unavailable::refused(CAPABILITY, code))
}

fn times(thread: HANDLE) -> Result<Duration, i32> {
    let [mut began, mut ended, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: all four are valid for writes; the system checks the handle.
    let done =
        unsafe { GetThreadTimes(thread, &mut began, &mut ended, &mut kernel, &mut user) } != 0;
    if done { Ok(duration(kernel) + duration(user)) } else { Err(last_error()) }
}

/// The unit is 100 ns.
fn duration(time: FILETIME) -> Duration {
    let units = u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    Duration::new(units / 10_000_000, (units % 10_000_000) as u32 * 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn counts_work_and_not_sleep() {
        let clock = ThreadCpuClock::of_current_thread().unwrap();
        let before = clock.read().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        let slept = clock.read().unwrap() - before;
        assert!(slept < Duration::from_millis(150), "sleep burned {slept:?}");

        let goal = clock.read().unwrap() + Duration::from_millis(30);
        let deadline = Instant::now() + Duration::from_secs(60);
        while clock.read().unwrap() < goal {
            assert!(Instant::now() < deadline, "the clock stands still");
        }
    }

    #[test]
    fn the_short_way_reads_the_same_clock() {
        let clock = ThreadCpuClock::of_current_thread().unwrap();
        let before = clock.read().unwrap();
        let short = current_thread_cpu_time().unwrap();
        let after = clock.read().unwrap();
        assert!(before <= short && short <= after, "{before:?}, {short:?}, {after:?}");
    }

    #[test]
    fn the_clock_of_a_thread_that_has_ended_stands_still() {
        let clock = std::thread::spawn(|| ThreadCpuClock::of_current_thread().unwrap());
        let clock = clock.join().unwrap();
        let last = clock.read();
        assert_eq!(clock.read(), last);
    }

    #[test]
    fn the_unit_is_a_hundred_nanoseconds() {
        let time = FILETIME { dwLowDateTime: 15, dwHighDateTime: 0 };
        assert_eq!(duration(time), Duration::from_nanos(1500));
        let time = FILETIME { dwLowDateTime: 0, dwHighDateTime: 1 };
        assert_eq!(duration(time), Duration::from_nanos((1 << 32) * 100));
    }
}
