//! When a runtime is not live, and when it is not ready.

use std::time::Duration;

/// Long enough for work that was meant to be rare, short enough for people who wait.
const STUCK_FOR: Duration = Duration::from_secs(10);
const UNREADY_AFTER: Duration = Duration::from_secs(1);
/// Requests come back all at once: not at the first moment of quiet.
const READY_AFTER: Duration = Duration::from_secs(5);

/// When a runtime is not live, and when it is not ready.
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse::health::HealthPolicy;
///
/// let policy = HealthPolicy::default()
///     .stuck_for(Duration::from_secs(30))
///     .min_free_workers(2)
///     .ready_after(Duration::from_secs(10));
/// # let _ = policy;
/// ```
#[derive(Clone, Debug)]
pub struct HealthPolicy {
    pub(super) stuck_for: Duration,
    pub(super) unready_after: Duration,
    pub(super) ready_after: Duration,
    pub(super) min_free_workers: Option<usize>,
}

impl Default for HealthPolicy {
    fn default() -> Self {
        Self {
            stuck_for: STUCK_FOR,
            unready_after: UNREADY_AFTER,
            ready_after: READY_AFTER,
            min_free_workers: None,
        }
    }
}

impl HealthPolicy {
    /// Sets for how long every worker has to have been stuck for the runtime not to be live. Default:
    /// 10 s. It is live again as soon as one of them is not.
    pub fn stuck_for(mut self, time: Duration) -> Self {
        self.stuck_for = time;
        self
    }

    /// Sets for how long there has to be a reason for the runtime not to be ready. Default: 1 s.
    pub fn unready_after(mut self, time: Duration) -> Self {
        self.unready_after = time;
        self
    }

    /// Sets for how long there has to be none for it to be ready again. Default: 5 s.
    pub fn ready_after(mut self, time: Duration) -> Self {
        self.ready_after = time;
        self
    }

    /// Sets how many workers have to be without a stall for the runtime to be ready, the reserve
    /// included. Default: as many as the builder was asked for, so that it is not ready when there are
    /// more stalls than reserves.
    pub fn min_free_workers(mut self, workers: usize) -> Self {
        self.min_free_workers = Some(workers);
        self
    }
}
