//! How much CPU time a piece of code takes.
//!
//! ```text
//!   mod.rs          the timer
//!   reading.rs      the clock it reads: the thread's CPU clock, or the one on the wall
//!   calibration.rs  what a reading costs by itself, known to the whole process
//! ```
//!
//! A reading of the thread's clock is a system call, and from the moment at which the kernel takes
//! the first time to that at which it takes the second, one whole call passes. So two readings with
//! nothing in between differ by the cost of one. The calibration takes many such pairs, and the
//! timer subtracts their median, once: for the reading at the start and the one that it reports.
//!
//! Readings in between are work that the thread does, and count. To take them off as well would let
//! a loop that waits for the timer wait forever, wherever a reading costs less than the median.
//!
//! **When it is measured.** By the first timer of the process, and after that by whoever has time:
//! the watchdog of a runtime, in its tidying up once a second, if the last time is a minute ago. A
//! program without a runtime may call [`CpuTimer::recalibrate`]. Readings never look how old it is,
//! and take no lock: the cost is one word, which a timer copies as it starts. What may change it is
//! the machine (its clock frequency, the host it was moved to), which is no matter of seconds; a
//! minute bounds the error from that, and the cost of measuring remains far below what an idle
//! runtime may cost. While the watchdog dozes nothing is measured: it would have to be woken for it.

mod calibration;
mod reading;

use std::marker::PhantomData;
use std::time::Duration;

pub(crate) use calibration::recalibrate_if_stale;
pub use reading::CpuTimeSource;
use reading::Reading;

/// Measures the CPU time that the calling thread spends.
///
/// While the kernel runs other threads, and while this one sleeps, it stands still. What the first and
/// the last reading cost is not counted.
///
/// ```
/// use tokio_pulse::CpuTimer;
///
/// let timer = CpuTimer::start();
/// let sum: u64 = (0..1_000_000).map(std::hint::black_box).sum();
/// std::thread::sleep(std::time::Duration::from_millis(10)); // does not count
/// println!("{sum} in {:?}", timer.stop());
/// ```
///
/// The time is that of one thread, so the timer cannot leave the one it was started on, and a future
/// that keeps a timer across an `.await` cannot be spawned on a multi-thread runtime:
///
/// ```compile_fail,E0277
/// let timer = tokio_pulse::CpuTimer::start();
/// std::thread::spawn(move || timer.stop());
/// ```
///
/// In a `LocalSet` or in `block_on` it can; there the time includes other tasks of the same thread.
///
/// # Costs
///
/// A reading is one system call where the source is the thread's CPU clock: much beside an
/// operation of a few nanoseconds, little beside a poll. The first timer of a process takes longer
/// to start, by some hundreds of readings; [`recalibrate`](Self::recalibrate) at the start of a
/// program does that in advance.
#[derive(Debug)]
#[must_use = "a timer that is not read measures nothing"]
pub struct CpuTimer {
    start: Reading,
    /// Of one reading, as it was known at the start.
    overhead: Duration,
    /// Neither `Send` nor `Sync`.
    _of_this_thread: PhantomData<*const ()>,
}

impl CpuTimer {
    /// Starts to measure.
    pub fn start() -> Self {
        let overhead = calibration::overhead();
        Self { start: Reading::now(), overhead, _of_this_thread: PhantomData }
    }

    /// The CPU time since the start, without what this reading costs. Readings before it count.
    ///
    /// Never less than at an earlier call. Zero, if the system has taken back the right to read the
    /// clock since the start.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed().saturating_sub(self.overhead)
    }

    /// Ends the measurement: the CPU time since the start, without what this reading costs.
    pub fn stop(self) -> Duration {
        self.elapsed()
    }

    /// What this timer measures.
    ///
    /// ```
    /// use tokio_pulse::{CpuTimeSource, CpuTimer};
    ///
    /// if CpuTimer::start().source() == CpuTimeSource::WallClock {
    ///     println!("times include what other threads did");
    /// }
    /// ```
    pub fn source(&self) -> CpuTimeSource {
        self.start.source()
    }

    /// What a reading costs by itself, as it is subtracted by timers that start now.
    ///
    /// Zero where the clock is too coarse to see it.
    pub fn overhead() -> Duration {
        calibration::overhead()
    }

    /// Measures what a reading costs, and returns it. Timers that are running keep what they know.
    ///
    /// Takes some hundreds of readings. While a runtime under Pulse is active this happens by
    /// itself, once a minute, on Pulse's own thread.
    ///
    /// ```
    /// let overhead = tokio_pulse::CpuTimer::recalibrate();
    /// println!("a reading costs {overhead:?}");
    /// ```
    pub fn recalibrate() -> Duration {
        calibration::recalibrate()
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_ever_negative() {
        let mut timer = CpuTimer::start();
        timer.overhead = Duration::MAX;
        assert_eq!(timer.elapsed(), Duration::ZERO);
    }

    /// Even if a reading costs less than was measured.
    #[test]
    fn who_waits_for_the_timer_does_not_wait_forever() {
        let mut timer = CpuTimer::start();
        timer.overhead = Duration::from_millis(1);
        while timer.elapsed() < Duration::from_millis(2) {}
    }

    #[test]
    fn later_looks_never_show_less() {
        let timer = CpuTimer::start();
        let mut last = Duration::ZERO;
        for _ in 0..10_000 {
            let elapsed = timer.elapsed();
            assert!(elapsed >= last, "{elapsed:?} after {last:?}");
            last = elapsed;
        }
    }
}
