//! What a worker does now, whether it is stuck or not.

use super::{Stack, StallReport, StallVerdict};

/// The stack of one worker at one moment; see [`Handle::stacks`](crate::Handle::stacks).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WorkerStack {
    /// The name of the thread.
    pub thread: String,
    /// The system's number of the thread.
    pub tid: i32,
    /// Which worker it is.
    pub worker: Option<usize>,
    /// Whether the watchdog holds its poll to be stalled.
    pub is_stalled: bool,
    /// Where it sleeps, if it does; of a thread that is awake, [`Unknown`](StallVerdict::Unknown).
    pub verdict: StallVerdict,
    /// Where it is.
    pub stack: Stack,
}

impl WorkerStack {
    pub(crate) fn new(report: StallReport, is_stalled: bool) -> Self {
        Self {
            thread: report.thread,
            tid: report.tid,
            worker: report.worker,
            is_stalled,
            verdict: report.verdict,
            stack: report.stack,
        }
    }
}
