//! What is told of a runtime's health.

use std::fmt::{self, Write as _};

use crate::Handle;

/// What the health of a runtime is judged by, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Vitals {
    pub(super) workers: usize,
    pub(super) reserve: usize,
    pub(super) stalls: usize,
    pub(super) lane_queued: usize,
    pub(super) lane_bound: usize,
    /// The watch has ended: nothing is known any more.
    pub(super) ended: bool,
}

impl Vitals {
    pub(super) fn of(handle: &Handle) -> Self {
        let core = &handle.core;
        Self {
            workers: core.config.workers,
            reserve: core.config.reserve,
            stalls: core.counters.snapshot().in_progress,
            lane_queued: core.lane.queued(),
            lane_bound: core.lane.bound(),
            ended: core.is_stopped(),
        }
    }

    /// Workers that are not stuck, the sleeping ones included.
    pub(super) fn free(&self) -> usize {
        (self.workers + self.reserve).saturating_sub(self.stalls)
    }
}

/// Why a runtime is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Stuck,
    FewFree {
        wanted: usize,
    },
    LaneFull,
    Ended,
    /// The cause is gone, and it has not been for long enough.
    Settling,
}

/// The health of a runtime at one moment: what [`HealthServer::report`](super::HealthServer::report)
/// returns, and the server tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthReport {
    pub(super) live: bool,
    pub(super) ready: bool,
    pub(super) reasons: Vec<Reason>,
    pub(super) vitals: Vitals,
}

impl HealthReport {
    /// Whether it can still do anything without a restart.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Whether requests should be sent to it.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Stalls in progress.
    pub fn stalls(&self) -> usize {
        self.vitals.stalls
    }

    /// What speaks against it now, for people. There may be something for a moment before it counts.
    pub fn reasons(&self) -> impl Iterator<Item = String> + '_ {
        self.reasons.iter().map(|reason| self.explain(*reason))
    }

    fn explain(&self, reason: Reason) -> String {
        let Vitals { workers, reserve, stalls, lane_queued, lane_bound, .. } = self.vitals;
        match reason {
            Reason::Stuck => {
                format!(
                    "all workers are stuck: {stalls} stalls, {workers} workers and {reserve} in reserve"
                )
            }
            Reason::FewFree { wanted } => {
                let free = self.vitals.free();
                format!("{free} workers are free where {wanted} are wanted: {stalls} stalls")
            }
            Reason::LaneFull => {
                format!("the lane is full: {lane_queued} tasks wait where {lane_bound} may")
            }
            Reason::Ended => "the watch over the runtime has ended".to_owned(),
            Reason::Settling => "it was not well until a moment ago".to_owned(),
        }
    }

    pub(super) fn json(&self) -> String {
        let Self { live, ready, vitals, .. } = self;
        let mut json = format!("{{\"live\":{live},\"ready\":{ready},\"reasons\":[");
        for (index, reason) in self.reasons().enumerate() {
            // Of our own words and numbers: nothing to be escaped.
            let comma = if index == 0 { "" } else { "," };
            let _ = write!(json, "{comma}\"{reason}\"");
        }
        let Vitals { workers, reserve, stalls, lane_queued, .. } = vitals;
        let _ = write!(json, "],\"workers\":{workers},\"reserve\":{reserve},");
        let _ = writeln!(json, "\"stalls\":{stalls},\"lane_queued\":{lane_queued}}}");
        json
    }
}

impl fmt::Display for HealthReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.live, self.ready) {
            (false, _) => "stuck",
            (true, false) => "not ready",
            (true, true) => "well",
        })?;
        for reason in self.reasons() {
            write!(f, "; {reason}")?;
        }
        Ok(())
    }
}
