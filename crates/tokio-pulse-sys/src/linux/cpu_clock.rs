//! A thread's CPU clock that other threads can read.

use std::mem::MaybeUninit;
use std::time::Duration;

use crate::Unavailable;

const CAPABILITY: &str = "thread CPU clock";

/// The CPU time of one thread, readable from every thread of the process.
///
/// It is a number, not a resource: it may outlive its thread, and then [`read`](Self::read) fails.
/// A kernel may give the number to a later thread of this process; whoever keeps a clock beyond its
/// thread must bear with that thread's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadCpuClock(libc::clockid_t);

impl ThreadCpuClock {
    /// The clock of the calling thread.
    ///
    /// # Errors
    ///
    /// When the kernel keeps no CPU time per thread.
    pub fn of_current_thread() -> Result<Self, Unavailable> {
        let mut id = MaybeUninit::uninit();
        // SAFETY: `pthread_self` has no preconditions and names a live thread, the caller's own;
        // `id` is valid for a write of one `clockid_t`.
        let code = unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), id.as_mut_ptr()) };
        if code == 0 {
            // SAFETY: the call above succeeded, and then it has written `id`.
            Ok(Self(unsafe { id.assume_init() }))
        } else {
            Err(Unavailable::refused(CAPABILITY, code))
        }
    }

    /// The CPU time that the thread has used since it began.
    ///
    /// Costs one system call, about 0.2 us.
    ///
    /// # Errors
    ///
    /// When the thread has ended.
    pub fn read(&self) -> Result<Duration, Unavailable> {
        read(self.0)
    }

    /// By how much two readings of a clock may differ without the thread having run in between, or agree
    /// although it has: the clock moves in jumps of this length. It does not here.
    pub fn grain() -> Duration {
        Duration::ZERO
    }
}

/// The CPU time that the calling thread has used since it began.
///
/// The same as [`ThreadCpuClock::read`] of the caller's own clock, without a search for the thread.
///
/// # Errors
///
/// When the kernel keeps no CPU time per thread, or a sandbox does not let it be read.
#[inline]
pub fn current_thread_cpu_time() -> Result<Duration, Unavailable> {
    read(libc::CLOCK_THREAD_CPUTIME_ID)
}

#[inline]
fn read(clock: libc::clockid_t) -> Result<Duration, Unavailable> {
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: `time` is valid for a write of one `timespec`; the kernel checks the clock's number
    // and answers `EINVAL` for one that names no thread.
    let code = unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) };
    if code != 0 {
        let error = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
        return Err(Unavailable::refused(CAPABILITY, error));
    }
    // SAFETY: the call above succeeded, and then it has written `time`.
    let time = unsafe { time.assume_init() };
    // Neither is negative: the clock began with the thread.
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Ok(Duration::new(seconds, nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn counts_work_and_not_sleep() {
        let clock = ThreadCpuClock::of_current_thread().unwrap();
        let before = clock.read().unwrap();
        std::thread::sleep(Duration::from_millis(30));
        let slept = clock.read().unwrap() - before;
        assert!(slept < Duration::from_millis(25), "sleep burned {slept:?}");

        let goal = clock.read().unwrap() + Duration::from_millis(5);
        let deadline = Instant::now() + Duration::from_secs(30);
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
    fn another_thread_reads_it_and_its_end_is_an_answer() {
        let (clock_out, clock_in) = std::sync::mpsc::channel();
        let (go_out, go_in) = std::sync::mpsc::channel::<()>();
        let thread = std::thread::spawn(move || {
            clock_out.send(ThreadCpuClock::of_current_thread().unwrap()).unwrap();
            go_in.recv().unwrap();
        });
        let clock = clock_in.recv().unwrap();
        clock.read().unwrap();
        go_out.send(()).unwrap();
        thread.join().unwrap();
        // The number may already belong to a new thread of this test process, so only an answer
        // that claims success without one of the two would be wrong; the call must not fail hard.
        if let Err(error) = clock.read() {
            assert_eq!(error.capability(), CAPABILITY);
        }
    }
}
