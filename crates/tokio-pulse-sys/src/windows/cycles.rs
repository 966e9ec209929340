//! What a thread's cycles are in time.
//!
//! `QueryThreadCycleTime` is exact, where `GetThreadTimes` moves once per clock interrupt (10 to
//! 16 ms, as long as a slice of Pulse's), but it counts cycles. Its documentation warns against
//! taking them for time: "This function uses timer services provided by the CPU, which can vary in
//! implementation." So it is only done where the count has a constant rate: on x86-64 it is the time
//! stamp counter, and the processor says whether that is invariant (CPUID 8000_0007h, EDX bit 8).
//! On AArch64 it counts real cycles, whose length changes with the frequency: never there.
//!
//! The rate is measured against the clock on the wall, by a thread that does nothing but look at
//! both. Whenever it is set aside meanwhile its cycles stand still and the wall's clock does not, so
//! the rate comes out too low, never too high: several measurements that agree on the highest rate
//! are undisturbed ones.

use std::time::{Duration, Instant};

use windows_sys::Win32::Foundation::{ERROR_CALL_NOT_IMPLEMENTED, HANDLE};
use windows_sys::Win32::System::Threading::GetCurrentThread;

use super::{last_error, late};

/// Long enough for the two readings at its ends not to matter: each costs well below 1 us.
const WINDOW: Duration = Duration::from_micros(500);

/// How many measurements must agree, and how many are made for that at most.
const AGREEING: usize = 3;
const WINDOWS: usize = 64;

/// How far those that agree may be apart: a hundredth, as the CPU timer promises.
const TOLERANCE: f64 = 0.01;

/// Cycles per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rate(f64);

impl Rate {
    /// Measures it; `None` where cycles are no measure of time, or are not counted.
    pub(super) fn measure() -> Option<Self> {
        if !counts_time() {
            return None;
        }
        // SAFETY: no preconditions; what it gives always names the calling thread.
        let thread = unsafe { GetCurrentThread() };
        let mut rates = Vec::with_capacity(WINDOWS);
        for _ in 0..WINDOWS {
            let (begun, before) = (Instant::now(), of_thread(thread).ok()?);
            while begun.elapsed() < WINDOW {
                std::hint::spin_loop();
            }
            let cycles = of_thread(thread).ok()?.wrapping_sub(before);
            rates.push(cycles as f64 / begun.elapsed().as_secs_f64());
            if let Some(rate) = agreed(&rates) {
                return Some(Self(rate));
            }
        }
        None
    }

    pub(super) fn duration(self, cycles: u64) -> Duration {
        Duration::from_secs_f64(cycles as f64 / self.0)
    }
}

/// The highest rate, once enough measurements have come to it.
fn agreed(rates: &[f64]) -> Option<f64> {
    let highest = rates.iter().copied().fold(0.0, f64::max);
    let close = rates.iter().filter(|rate| **rate >= highest * (1.0 - TOLERANCE)).count();
    (highest > 0.0 && close >= AGREEING).then_some(highest)
}

/// The cycles of a thread, which was opened with the right to be asked. Fails with the system's code.
#[inline]
pub(super) fn of_thread(thread: HANDLE) -> Result<u64, i32> {
    let query = late::query_thread_cycle_time().ok_or(ERROR_CALL_NOT_IMPLEMENTED as i32)?;
    let mut cycles = 0;
    // SAFETY: `cycles` is valid for a write; the system checks the handle.
    if unsafe { query(thread, &mut cycles) } != 0 { Ok(cycles) } else { Err(last_error()) }
}

#[cfg(target_arch = "x86_64")]
fn counts_time() -> bool {
    use std::arch::x86_64::__cpuid;
    const LARGEST: u32 = 0x8000_0000;
    const POWER: u32 = 0x8000_0007;
    const INVARIANT: u32 = 1 << 8;
    // Safe since Rust 1.94, and unsafe before.
    #[allow(unused_unsafe, reason = "depends on the compiler's version")]
    // SAFETY: each x86-64 processor has the instruction; the leaf is there if the first call says so.
    unsafe {
        __cpuid(LARGEST).eax >= POWER && __cpuid(POWER).edx & INVARIANT != 0
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn counts_time() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disturbed_measurements_do_not_count() {
        assert_eq!(agreed(&[]), None);
        assert_eq!(agreed(&[0.0, 0.0, 0.0]), None);
        assert_eq!(agreed(&[3.0e9, 1.0e9, 2.0e9]), None);
        assert_eq!(agreed(&[3.0e9, 1.0e9, 2.99e9, 2.0e9, 2.98e9]), Some(3.0e9));
    }

    #[test]
    fn cycles_become_time() {
        let rate = Rate(2.5e9);
        assert_eq!(rate.duration(0), Duration::ZERO);
        assert_eq!(rate.duration(2_500_000), Duration::from_millis(1));
        assert!(rate.duration(u64::MAX) > Duration::from_secs(1 << 32));
    }
}
