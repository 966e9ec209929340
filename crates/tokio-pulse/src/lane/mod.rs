//! The slow lane: where polls that are known to be heavy take turns.

mod algorithm;
pub(crate) mod queue;
mod queue_probe;

pub use algorithm::SchedulingAlgorithm;
#[doc(hidden)]
pub use queue_probe::QueueProbe;
