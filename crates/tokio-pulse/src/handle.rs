//! A way to a runtime that others own.

use std::future::Future;
use std::sync::Arc;

use tokio::task::JoinHandle;

use crate::error::TryCurrentError;
use crate::heartbeat::hooks;
use crate::lane::DedicatedThreadScheduler;
use crate::metrics::{Metrics, PreemptionMetrics};
use crate::pulse::{self, Core};
use crate::task::wrapper::Spawned;
use crate::tier::TierManager;

/// A handle to a runtime under watch. Mirrors [`tokio::runtime::Handle`]; cheap to clone, and it
/// does not keep the runtime alive.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(crate) tokio: tokio::runtime::Handle,
    pub(crate) core: Arc<Core>,
}

impl Handle {
    /// The runtime that the caller runs on.
    ///
    /// # Panics
    ///
    /// When there is none, or when it is a plain Tokio runtime. [`try_current`](Self::try_current)
    /// does not panic.
    ///
    /// ```
    /// let runtime = tokio_pulse::Runtime::new()?;
    /// let stalls = runtime.block_on(async { tokio_pulse::Handle::current().metrics().stalls() });
    /// assert_eq!(stalls, 0);
    /// # Ok::<(), tokio_pulse::BuildError>(())
    /// ```
    #[track_caller]
    pub fn current() -> Self {
        match Self::try_current() {
            Ok(handle) => handle,
            Err(error) => panic!("{error}"),
        }
    }

    /// The runtime that the caller runs on, if it is under watch.
    ///
    /// # Errors
    ///
    /// When there is none, or when it is a plain Tokio runtime.
    pub fn try_current() -> Result<Self, TryCurrentError> {
        let tokio = tokio::runtime::Handle::try_current()
            .map_err(|_| TryCurrentError { in_runtime: false })?;
        match pulse::find_attached(tokio.id()) {
            Some(core) => Ok(Self { tokio, core }),
            None => Err(TryCurrentError { in_runtime: true }),
        }
    }

    /// Tokio's handle.
    pub fn tokio(&self) -> &tokio::runtime::Handle {
        &self.tokio
    }

    /// What Pulse has seen and done so far. May be called from anywhere, also while every worker
    /// is stalled and after the runtime is gone.
    pub fn metrics(&self) -> Metrics {
        Metrics::of(&self.core)
    }

    /// All that is counted, with the tiers, the lanes and how long things took. May be called from
    /// anywhere, as [`metrics`](Self::metrics).
    pub fn preemption_metrics(&self) -> PreemptionMetrics {
        PreemptionMetrics::of(&self.core)
    }

    /// The record of offenders, and what is done to them.
    pub fn tiers(&self) -> &TierManager {
        &self.core.tiers
    }

    /// The lane: threads for tasks that need a lot of CPU.
    pub fn lane(&self) -> DedicatedThreadScheduler {
        DedicatedThreadScheduler::of(&self.tokio, &self.core)
    }

    /// The lane for isolated tasks, under a CPU quota: empty unless `isolation.quota` is set.
    pub fn isolated_lane(&self) -> DedicatedThreadScheduler {
        DedicatedThreadScheduler::isolated_of(&self.tokio, &self.core)
    }

    /// Spawns a task.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.tokio.spawn(hooks::wrap(Spawned::new(future, None)))
    }

    /// Runs a function on a thread where it may block.
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, f: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.tokio.spawn_blocking(f)
    }

    /// Runs a future on the calling thread until it is ready.
    ///
    /// # Panics
    ///
    /// As in Tokio, when called from within a runtime.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.tokio.block_on(future)
    }

    /// Enters the runtime's context.
    pub fn enter(&self) -> tokio::runtime::EnterGuard<'_> {
        self.tokio.enter()
    }
}
