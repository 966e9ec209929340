//! One reading of all that is counted for a runtime.

use std::time::Duration;

use super::histogram::Histogram;
use super::{Metrics, TierMetrics};
use crate::alert::AlertStatus;
use crate::lane::LaneMetrics;
use crate::pulse::Core;
use crate::tier::Tier;

/// All that is counted for one runtime, at the moment of the call: what
/// [`Handle::preemption_metrics`](crate::Handle::preemption_metrics) returns.
///
/// The parts are read one after the other while everybody goes on, so two of them may differ by what
/// happened in between. Counters never fall while the runtime lives. With the feature `metrics`,
/// `MetricsExporter` passes all of it on to the crate `metrics`.
///
/// ```
/// use std::time::Duration;
///
/// let runtime = tokio_pulse::Builder::new_multi_thread().worker_threads(1).build()?;
/// let metrics = runtime.handle().preemption_metrics();
/// assert_eq!(metrics.runtime().stalls(), 0);
/// assert_eq!(metrics.stall_time().sum(), Duration::ZERO);
/// assert_eq!(metrics.lane().refused(), 0);
/// # Ok::<(), tokio_pulse::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PreemptionMetrics {
    runtime: Metrics,
    tiers: TierMetrics,
    lane: LaneMetrics,
    isolated: LaneMetrics,
    uptime: Duration,
    polls: u64,
    poll_time: Histogram,
    stall_time: Histogram,
    gate_wait_time: Histogram,
    lane_wait_time: Histogram,
    lane_poll_time: Histogram,
    treated_poll_time: Histogram,
    alerts: Vec<AlertStatus>,
}

impl PreemptionMetrics {
    pub(crate) fn of(core: &Core) -> Self {
        let lanes = [&core.lane.counters, &core.isolated.counters];
        let both = |time: fn(&crate::lane::counters::LaneCounters) -> Histogram| {
            let [slow, isolated] = lanes.map(time);
            slow.plus(&isolated)
        };
        Self {
            runtime: Metrics::of(core),
            tiers: core.tiers.metrics(),
            lane: LaneMetrics::of(&core.lane),
            isolated: LaneMetrics::of(&core.isolated),
            uptime: core.heart.began.elapsed(),
            polls: core.polls(),
            poll_time: core.heart.registry.poll_time(),
            stall_time: core.counters.stall_time(),
            gate_wait_time: core.tiers.gate().wait_time(),
            lane_wait_time: both(|counters| counters.wait_time()),
            lane_poll_time: both(|counters| counters.poll_time()),
            treated_poll_time: core.tiers.counters().poll_time(),
            alerts: core.alerts.list(),
        }
    }

    /// Stalls, rescues, the reserve, and each thread.
    pub fn runtime(&self) -> &Metrics {
        &self.runtime
    }

    /// What was done to suspects.
    pub fn tiers(&self) -> &TierMetrics {
        &self.tiers
    }

    /// The lane.
    pub fn lane(&self) -> &LaneMetrics {
        &self.lane
    }

    /// The lane for isolated tasks.
    pub fn isolated_lane(&self) -> &LaneMetrics {
        &self.isolated
    }

    /// For how long the runtime has been there.
    pub fn uptime(&self) -> Duration {
        self.uptime
    }

    /// Polls on all threads so far, those that have ended and those of both lanes included: each poll that
    /// [`slow_polls`](Self::slow_polls) may count.
    ///
    /// Without `--cfg tokio_unstable` only the polls of tasks spawned through Pulse are counted.
    pub fn polls(&self) -> u64 {
        self.polls
    }

    /// Polls that took too long, or nearly: stalls or violations, whichever are more, since most of
    /// the one are the other as well; and the slow polls of suspects. A lower bound.
    pub fn slow_polls(&self) -> u64 {
        self.runtime.stalls().max(self.tiers.violations()) + self.tiers.slow_polls()
    }

    /// Tasks on record whose tier is this one.
    pub fn suspects_at(&self, tier: Tier) -> usize {
        self.tiers.suspects_at(tier)
    }

    /// How long polls have taken on the workers, by the clock on the wall. Empty without
    /// `Builder::poll_times`.
    ///
    /// Of an offender's poll, without what was done before it began.
    pub fn poll_time(&self) -> &Histogram {
        &self.poll_time
    }

    /// How long stalls have lasted that are over, as the watchdog saw them: from its first look at the
    /// poll to its first look at something else.
    pub fn stall_time(&self) -> &Histogram {
        &self.stall_time
    }

    /// How long polls have waited at the gate, of those that had to and are inside by now.
    pub fn gate_wait_time(&self) -> &Histogram {
        &self.gate_wait_time
    }

    /// How long tasks have waited for a thread of either lane, each time that they got one.
    pub fn lane_wait_time(&self) -> &Histogram {
        &self.lane_wait_time
    }

    /// How long polls have taken on either lane, by the clock on the wall.
    pub fn lane_poll_time(&self) -> &Histogram {
        &self.lane_poll_time
    }

    /// How long polls of tasks on record have taken on the workers, by the clock on the wall and
    /// without what was done before they began.
    pub fn treated_poll_time(&self) -> &Histogram {
        &self.treated_poll_time
    }

    /// How the alerts stand.
    pub fn alerts(&self) -> &[AlertStatus] {
        &self.alerts
    }
}
