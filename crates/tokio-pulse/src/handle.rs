//! A way to a runtime that others own.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::error::TryCurrentError;
use crate::heartbeat::hooks;
use crate::lane::DedicatedThreadScheduler;
use crate::metrics::{Metrics, PreemptionMetrics};
use crate::pulse::{self, Core};
use crate::stall_report::{ReportCounts, ReportSink, SinkGuard, ThreadAtWork, WorkerStack};
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

    /// What became of the stalls that were long enough to be reported.
    pub fn reports(&self) -> ReportCounts {
        self.core.reports.counts()
    }

    /// Sends reports of stalls to one more sink, for as long as the guard is kept.
    ///
    /// ```
    /// use tokio_pulse::stall_report::StallReport;
    ///
    /// let runtime = tokio_pulse::Builder::new_multi_thread().worker_threads(1).build()?;
    /// let guard = runtime.handle().add_report_sink(|report: &StallReport| eprintln!("{report}"));
    /// drop(guard);
    /// # Ok::<(), tokio_pulse::BuildError>(())
    /// ```
    pub fn add_report_sink(&self, sink: impl ReportSink) -> SinkGuard {
        self.core.reports.add_sink(Arc::new(sink))
    }

    /// Whether the watch goes on. It ends with the runtime, or with the [`Pulse`](crate::Pulse) on it.
    pub fn is_watching(&self) -> bool {
        !self.core.is_stopped()
    }

    /// Waits until the sinks have got all reports so far. Whether that was so before the time was
    /// over. Blocks the calling thread.
    pub fn flush_reports(&self, timeout: Duration) -> bool {
        self.core.reports.flush(timeout)
    }

    /// The stacks of all workers that are awake now, the calling one included.
    ///
    /// Each of them is interrupted for it, by a signal whose handler this call installs if there is
    /// none yet. Workers that wait for work, reserve workers among them, are left asleep, and threads
    /// that gave their worker away are none. Blocks the calling thread: a thread that runs answers at
    /// once, another is waited for up to 20 ms; the first call reads the program's symbols.
    ///
    /// ```
    /// let runtime = tokio_pulse::Builder::new_multi_thread().worker_threads(1).build()?;
    /// let handle = runtime.handle().clone();
    /// let stacks = runtime.block_on(runtime.spawn(async move { handle.stacks() })).unwrap();
    /// for worker in &stacks {
    ///     println!("{worker:?}");
    /// }
    /// # Ok::<(), tokio_pulse::BuildError>(())
    /// ```
    pub fn stacks(&self) -> Vec<WorkerStack> {
        let holds_worker = |thread: &ThreadAtWork| thread.worker.is_some();
        let threads = self.threads_at_work().into_iter().filter(holds_worker);
        threads.map(|thread| self.stack_of(&thread)).collect()
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
