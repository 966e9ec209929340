//! One look at the best clock there is.

use std::time::{Duration, Instant};

use tokio_pulse_sys::current_thread_cpu_time;

/// What a [`CpuTimer`](super::CpuTimer) measures on this system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CpuTimeSource {
    /// The CPU time of the thread.
    ThreadCpu,
    /// The time that passes, because the system does not tell a thread's CPU time: an upper bound of
    /// it.
    WallClock,
}

/// What the clock said at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading {
    ThreadCpu(Duration),
    WallClock(Instant),
}

impl Reading {
    #[inline]
    pub(super) fn now() -> Self {
        match current_thread_cpu_time() {
            Ok(time) => Self::ThreadCpu(time),
            Err(_) => Self::WallClock(Instant::now()),
        }
    }

    /// Since this reading, by the same clock.
    #[inline]
    pub(super) fn elapsed(self) -> Duration {
        match self {
            // A clock that could be read before can be read again, unless a sandbox has been
            // closed meanwhile; then nothing is known.
            Self::ThreadCpu(before) => {
                current_thread_cpu_time().map_or(Duration::ZERO, |now| now.saturating_sub(before))
            }
            Self::WallClock(before) => before.elapsed(),
        }
    }

    pub(super) fn source(self) -> CpuTimeSource {
        match self {
            Self::ThreadCpu(_) => CpuTimeSource::ThreadCpu,
            Self::WallClock(_) => CpuTimeSource::WallClock,
        }
    }
}
