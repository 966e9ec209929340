//! Events for people: one at the start and one at the end of each stall, one when the reserve runs
//! out. Nothing at all without the feature `tracing`.

#[cfg(feature = "tracing")]
#[path = "enabled.rs"]
mod variant;
#[cfg(not(feature = "tracing"))]
#[path = "disabled.rs"]
mod variant;

pub(crate) use variant::{reserve_ran_out, stall_began, stall_ended};
