//! The slow lane: threads of Pulse's own for tasks that need a lot of CPU.
//!
//! A task that was spawned through Pulse, and that its tier sends to the slow queue, leaves its
//! Tokio task between two polls and runs here, until it behaves. To everybody else it is the same
//! task: its handle, its timers, its sockets. The essay is `README.md`, beside this file.

pub(crate) mod counters;
pub(crate) mod errand;
mod flow;
mod metrics;
pub(crate) mod passage;
mod pressure;
pub(crate) mod queue;
mod queue_probe;
mod roll;
mod scheduled;
pub(crate) mod scheduler;
mod seclusion;
mod sizing;
mod sleepers;
pub(crate) mod ticket;
pub(crate) mod traveller;
mod worker;

mod algorithm;

pub use algorithm::SchedulingAlgorithm;
pub use metrics::LaneMetrics;
#[doc(hidden)]
pub use queue_probe::QueueProbe;
pub(crate) use roll::Named;
pub use scheduled::DedicatedThreadScheduler;
