//! A thread's CPU clock that other threads can read.
//!
//! `thread_info` tells the user and the system time of any thread, in microseconds, brought up to the
//! moment of the call also for a thread that runs. The calling thread has a shorter way to the same
//! count, `CLOCK_THREAD_CPUTIME_ID`, in nanoseconds.

use std::mem::MaybeUninit;
use std::time::Duration;

use super::last_error;
use super::thread::{self, Port};
use crate::Unavailable;

const CAPABILITY: &str = "thread CPU clock";

/// The CPU time of one thread, readable from every thread of the process.
///
/// It is a number, not a resource: it may outlive its thread, and then [`read`](Self::read) fails.
/// The system may give the number to a later thread of this process; whoever keeps a clock beyond its
/// thread must bear with that thread's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadCpuClock(Port);

impl ThreadCpuClock {
    /// The clock of the calling thread.
    ///
    /// # Errors
    ///
    /// When the kernel does not tell.
    pub fn of_current_thread() -> Result<Self, Unavailable> {
        let clock = Self(thread::current());
        clock.read().map(|_| clock)
    }

    /// The CPU time that the thread has used since it began.
    ///
    /// # Errors
    ///
    /// When the thread has ended.
    pub fn read(&self) -> Result<Duration, Unavailable> {
        let info = thread::basic_info(self.0).map_err(|silence| silence.unavailable(CAPABILITY))?;
        Ok(duration(info.user_time) + duration(info.system_time))
    }

    /// By how much two readings of a clock may differ without the thread having run in between, or agree
    /// although it has: the clock moves in jumps of this length.
    pub fn grain() -> Duration {
        Duration::from_micros(1)
    }
}

/// Neither part is negative: the time began with the thread.
fn duration(time: libc::time_value_t) -> Duration {
    let seconds = u64::try_from(time.seconds).unwrap_or(0);
    Duration::from_secs(seconds)
        + Duration::from_micros(u64::try_from(time.microseconds).unwrap_or(0))
}

/// The CPU time that the calling thread has used since it began.
///
/// # Errors
///
/// When the kernel does not tell.
#[inline]
pub fn current_thread_cpu_time() -> Result<Duration, Unavailable> {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: `time` is valid for a write of one `timespec`.
    if unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, time.as_mut_ptr()) } != 0 {
        return Err(Unavailable::refused(CAPABILITY, last_error()));
    }
    // SAFETY: the call above succeeded, and then it has written `time`.
    let time = unsafe { time.assume_init() };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Ok(Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn counts_work_and_not_sleep() {
        let clock = ThreadCpuClock::of_current_thread().unwrap();
        let before = clock.read().unwrap();
        std::thread::sleep(Duration::from_millis(100));
        let slept = clock.read().unwrap() - before;
        assert!(slept < Duration::from_millis(80), "sleep burned {slept:?}");

        let goal = clock.read().unwrap() + Duration::from_millis(5);
        let deadline = Instant::now() + Duration::from_secs(60);
        while clock.read().unwrap() < goal {
            assert!(Instant::now() < deadline, "the clock stands still");
        }
    }

    #[test]
    fn both_ways_read_the_same_count() {
        let clock = ThreadCpuClock::of_current_thread().unwrap();
        let (long, short) = (clock.read().unwrap(), current_thread_cpu_time().unwrap());
        assert!(long.abs_diff(short) < Duration::from_millis(50), "{long:?}, {short:?}");
    }
}
