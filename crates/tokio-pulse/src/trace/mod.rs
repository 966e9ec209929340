//! Events for people: one at the start and one at the end of each stall, one when the reserve runs
//! out. Nothing at all without the feature `tracing`.

#[cfg(feature = "tracing")]
#[path = "enabled.rs"]
mod variant;
#[cfg(not(feature = "tracing"))]
#[path = "disabled.rs"]
mod variant;

pub(crate) use variant::{
    alert, lane_full, offender, reserve_ran_out, stall_began, stall_end, stall_ended, stall_report,
    wants_stall_reports,
};

use tokio::task::Id;

use crate::tier::sites::{Site, Violation};
use crate::tier::{InterventionAction, Tier};

/// A task that goes on to offend.
#[allow(dead_code, reason = "for the feature `tracing`")]
pub(crate) struct Offender<'a> {
    pub(crate) task: Id,
    pub(crate) name: Option<&'a str>,
    pub(crate) site: Site,
    pub(crate) tier: Tier,
    pub(crate) action: InterventionAction,
    pub(crate) violation: Violation,
    /// Offences that were not told since the last one that was.
    pub(crate) suppressed: u64,
}
