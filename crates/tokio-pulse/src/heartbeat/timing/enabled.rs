//! With the feature `poll-times`.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::builder::Builder;
use crate::metrics::histogram::{Histogram, Recorder};

/// Reads the processor's counter where that runs evenly, and the system's clock elsewhere.
#[derive(Clone, Debug)]
pub(crate) struct PollClock(quanta::Clock);

impl PollClock {
    pub(crate) fn new() -> Self {
        Self(quanta::Clock::new())
    }
}

/// The polls of one thread. The thread alone writes; a poll that runs inside another takes over, and the
/// rest of the outer one counts from its end.
#[derive(Debug, Default)]
pub(crate) struct Timing {
    /// When the running poll began, in the clock's own unit.
    begun: AtomicU64,
    times: Recorder,
}

impl Timing {
    /// Thread: a poll begins.
    #[inline]
    pub(crate) fn begin(&self, clock: &PollClock) {
        self.begun.store(clock.0.raw(), Relaxed);
    }

    /// Thread: the poll has ended.
    #[inline]
    pub(crate) fn end(&self, clock: &PollClock) {
        let (begun, now) = (self.begun.load(Relaxed), clock.0.raw());
        self.times.record_nanos(clock.0.delta_as_nanos(begun, now));
        self.begun.store(now, Relaxed);
    }

    pub(crate) fn times(&self) -> Histogram {
        self.times.snapshot()
    }

    /// Another thread has taken this over.
    pub(crate) fn start_over(&self) {
        self.times.clear();
    }
}

impl Builder {
    /// Measures how long each poll takes, for
    /// [`PreemptionMetrics::poll_time`](crate::PreemptionMetrics::poll_time). Default: off. Needs
    /// the feature `poll-times`.
    ///
    /// Each poll then reads a clock twice; `docs/benchmarks.md` has what that costs. The first runtime
    /// that asks for it calibrates the clock, which takes a few milliseconds and up to a fifth of a second.
    ///
    /// Without `--cfg tokio_unstable`, only the polls of tasks that were spawned through Pulse.
    ///
    /// ```
    /// let runtime = tokio_pulse::Builder::new_multi_thread().poll_times(true).build()?;
    /// runtime.block_on(runtime.spawn(async {})).unwrap();
    /// drop(runtime.handle().preemption_metrics().poll_time().quantile(0.99));
    /// # Ok::<(), tokio_pulse::BuildError>(())
    /// ```
    pub fn poll_times(&mut self, measured: bool) -> &mut Self {
        self.poll_clock = measured.then(PollClock::new);
        self
    }
}
