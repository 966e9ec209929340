//! Looks at a runtime now and then, and remembers whether it is overloaded.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio_pulse::Handle;

use super::limits::{Limit, LimitError, Limits, Pressure};
use super::probe::Probe;

/// A look costs some locks and allocations: seldom beside requests, often beside an overload.
const INTERVAL: Duration = Duration::from_millis(10);

/// So many intervals after its arrival a probe says nothing any more: nobody has asked meanwhile.
const FRESH: u32 = 4;

/// Tells whether a runtime is overloaded. Cheap to clone; clones are the same gauge.
///
/// It looks when it is asked, at most once an interval, and answers from memory in between: one
/// reading of the clock on the wall, and two words. Whoever comes first after the interval looks, the
/// others do not wait.
///
/// An overload begins when one of its limits is reached, and ends when all of them are cleared; see
/// [`builder`](Self::builder).
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse_tower::PressureGauge;
///
/// # #[tokio_pulse::main]
/// # async fn main() -> Result<(), tokio_pulse_tower::LimitError> {
/// let gauge = PressureGauge::builder(&tokio_pulse::Handle::current())
///     .delay(Duration::from_millis(20), Duration::from_millis(5))
///     .stalls(4, 1)
///     .build()?;
/// assert!(!gauge.is_overloaded());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PressureGauge {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Handle,
    limits: Limits,
    interval: Duration,
    probe: Arc<Probe>,
    /// When to look again; who moves it on is the one who looks.
    due: AtomicU64,
    overloaded: AtomicBool,
}

/// From [`PressureGauge::builder`].
#[derive(Clone, Debug)]
#[must_use = "no gauge without `build`"]
pub struct PressureGaugeBuilder {
    runtime: Handle,
    limits: Limits,
    interval: Duration,
}

impl PressureGauge {
    /// With the default limits: 50 and 10 ms of delay, 256 and 64 waiting for the lane, and an
    /// exhausted reserve. It looks every 10 ms.
    #[must_use]
    pub fn new(runtime: &Handle) -> Self {
        Self::builder(runtime).open()
    }

    /// With other limits.
    pub fn builder(runtime: &Handle) -> PressureGaugeBuilder {
        PressureGaugeBuilder {
            runtime: runtime.clone(),
            limits: Limits::default(),
            interval: INTERVAL,
        }
    }

    /// Whether the runtime is overloaded, as it was seen within the last interval.
    #[inline]
    pub fn is_overloaded(&self) -> bool {
        let shared = &*self.shared;
        let now = shared.probe.now();
        let due = shared.due.load(Relaxed);
        if now >= due {
            shared.look_if_first(now, due);
        }
        shared.overloaded.load(Relaxed)
    }

    /// What the runtime goes through now, whatever was seen before.
    pub fn pressure(&self) -> Pressure {
        self.shared.read()
    }
}

impl Shared {
    #[cold]
    fn look_if_first(&self, now: u64, due: u64) {
        let interval = u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX);
        let next = now.saturating_add(interval);
        if self.due.compare_exchange(due, next, Relaxed, Relaxed).is_err() {
            return;
        }
        let overloaded = self.limits.judge(&self.read(), self.overloaded.load(Relaxed));
        self.overloaded.store(overloaded, Relaxed);
        if self.limits.delay.is_some() {
            self.probe.send(&self.runtime);
        }
    }

    fn read(&self) -> Pressure {
        let metrics = self.runtime.metrics();
        let (stalls, reserve) = (metrics.stalls_in_progress(), metrics.reserve_workers());
        Pressure {
            delay: self.probe.delay(self.interval.saturating_mul(FRESH)),
            stalls,
            lane_depth: self.runtime.lane().metrics().queued(),
            reserve_exhausted: stalls > reserve,
        }
    }
}

impl PressureGaugeBuilder {
    /// How long a ready task waits for its poll: overloaded at `raise`, no longer at `clear`.
    ///
    /// To know it, the gauge spawns a small task each time it looks.
    pub fn delay(mut self, raise: Duration, clear: Duration) -> Self {
        self.limits.delay = Some(Limit { raise, clear });
        self
    }

    /// Does without the delay.
    pub fn ignore_delay(mut self) -> Self {
        self.limits.delay = None;
        self
    }

    /// Stalls in progress: overloaded at `raise`, no longer at `clear`. Default: no limit.
    pub fn stalls(mut self, raise: usize, clear: usize) -> Self {
        self.limits.stalls = Some(Limit { raise, clear });
        self
    }

    /// Tasks that wait for the slow lane: overloaded at `raise`, no longer at `clear`.
    pub fn lane_depth(mut self, raise: usize, clear: usize) -> Self {
        self.limits.lane_depth = Some(Limit { raise, clear });
        self
    }

    /// Does without the depth of the lane.
    pub fn ignore_lane_depth(mut self) -> Self {
        self.limits.lane_depth = None;
        self
    }

    /// Whether more stalls than reserve workers are an overload. Default: yes.
    pub fn exhausted_reserve(mut self, counts: bool) -> Self {
        self.limits.reserve = counts;
        self
    }

    /// How long an answer is good for. Default: 10 ms.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// The gauge.
    ///
    /// # Errors
    ///
    /// When an overload would not end below the limit at which it begins.
    pub fn build(self) -> Result<PressureGauge, LimitError> {
        self.limits.check()?;
        Ok(self.open())
    }

    fn open(self) -> PressureGauge {
        let Self { runtime, limits, interval } = self;
        let probe = Probe::new();
        let (due, overloaded) = (AtomicU64::new(0), AtomicBool::new(false));
        let shared = Shared { runtime, limits, interval, probe, due, overloaded };
        PressureGauge { shared: Arc::new(shared) }
    }
}

impl fmt::Debug for PressureGauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PressureGauge")
            .field("limits", &self.shared.limits)
            .field("interval", &self.shared.interval)
            .field("overloaded", &self.shared.overloaded)
            .finish_non_exhaustive()
    }
}
