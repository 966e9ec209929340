//! Events for people, and spans of interventions; `docs/tracing.md` has the contract. Nothing at all
//! without the feature `tracing`.

#[cfg(feature = "tracing")]
#[path = "enabled.rs"]
mod variant;
#[cfg(not(feature = "tracing"))]
#[path = "disabled.rs"]
mod variant;

pub(crate) use variant::{
    Intervention, alert, lane_full, offender, reserve_ran_out, stall_began, stall_end, stall_ended,
    stall_report, wants_stall_reports,
};

use std::time::Duration;

use tokio::task::Id;

use crate::tier::sites::{Site, Violation};
use crate::tier::{InterventionAction, Tier};

/// A poll to which something is done.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "for the feature `tracing`")]
pub(crate) struct TreatedPoll {
    pub(crate) task: Id,
    pub(crate) site: Site,
    pub(crate) tier: Tier,
    pub(crate) action: InterventionAction,
    /// It runs on a thread of the lane.
    pub(crate) on_lane: bool,
}

/// What such a poll came to.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "for the feature `tracing`")]
pub(crate) struct Outcome {
    pub(crate) lasted: Duration,
    pub(crate) cpu: Option<Duration>,
    pub(crate) handed_off: bool,
    /// Of the time that it was allowed; `None` if nobody has judged it.
    pub(crate) budget_remaining: Option<Duration>,
}

/// A task that goes on to offend.
#[allow(dead_code, reason = "for the feature `tracing`")]
pub(crate) struct Offender<'a> {
    pub(crate) task: Id,
    pub(crate) name: Option<&'a str>,
    pub(crate) site: Site,
    pub(crate) tier: Tier,
    pub(crate) action: InterventionAction,
    pub(crate) violation: Violation,
    /// Of the time that its poll was allowed.
    pub(crate) budget_remaining: Duration,
    /// Offences that were not told since the last one that was.
    pub(crate) suppressed: u64,
}
