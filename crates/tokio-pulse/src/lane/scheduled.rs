//! The lane, as users see it.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::LaneMetrics;
use super::scheduler::Lane;
use crate::heartbeat::hooks;
use crate::pulse::Core;
use crate::task::TaskContext;
use crate::task::wrapper::Spawned;

/// The lane of a runtime: threads of Pulse's own, and the fair queue before them.
///
/// From [`Handle::lane`](crate::Handle::lane). Known offenders that were spawned through Pulse run
/// here by themselves. Tasks that are known to compute can be spawned here right away: they share
/// what the workers leave, each according to its priority.
///
/// The number of threads, the bound of the queue and the algorithm are settings (`lane.threads`,
/// `lane.queue`, `lane.algorithm`), which may be changed while it works. Threads are started when
/// there is work for them, and end when there was none for ten seconds.
///
/// ```
/// # #[tokio_pulse::main]
/// # async fn main() {
/// let lane = tokio_pulse::Handle::current().lane();
/// let sum = lane.spawn(async { (0..1_000_000u64).sum::<u64>() });
/// assert_eq!(sum.await.unwrap(), 499_999_500_000);
/// assert_eq!(lane.metrics().completed(), 1);
/// # }
/// ```
#[derive(Clone)]
pub struct DedicatedThreadScheduler {
    tokio: tokio::runtime::Handle,
    lane: Arc<Lane>,
}

impl DedicatedThreadScheduler {
    pub(crate) fn of(tokio: &tokio::runtime::Handle, core: &Core) -> Self {
        Self { tokio: tokio.clone(), lane: core.lane.clone() }
    }

    pub(crate) fn isolated_of(tokio: &tokio::runtime::Handle, core: &Core) -> Self {
        Self { tokio: tokio.clone(), lane: core.isolated.clone() }
    }

    /// Spawns a task whose polls all run on the lane.
    ///
    /// Where there is no lane (`lane.threads` is 0), or it is full or closed, a poll runs in place, on
    /// a worker.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_described(future, None)
    }

    #[track_caller]
    pub(crate) fn spawn_described<F>(
        &self,
        future: F,
        context: Option<TaskContext>,
    ) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tokio.spawn(hooks::wrap(Spawned::new(future, context).settled()))
    }

    /// What happened on it so far.
    pub fn metrics(&self) -> LaneMetrics {
        LaneMetrics::of(&self.lane)
    }
}

impl fmt::Debug for DedicatedThreadScheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.lane, f)
    }
}
