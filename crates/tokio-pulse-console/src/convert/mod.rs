//! From what tokio-pulse tells to what goes over the wire, and back.

mod config;
mod runtime;
mod stall;
mod suspect;

pub(crate) use config::{config, policy, rule_of_site};
pub(crate) use runtime::{alerts, lanes, overview, workers};
pub(crate) use stall::{stall_end, stall_report, thread_stack};
pub(crate) use suspect::{priority, query, site, spawn_site, suspect, suspects, tier};

use std::time::Duration;

/// 584 years are enough.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// For numbers of things in memory.
pub(crate) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// An id's number is how it is written.
pub(crate) fn number(task: tokio::task::Id) -> u64 {
    task.to_string().parse().unwrap_or_default()
}
