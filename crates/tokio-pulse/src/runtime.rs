//! A Tokio runtime under watch.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::EnterGuard;
use tokio::task::JoinHandle;

use crate::error::BuildError;
use crate::handle::Handle;
use crate::lane::scheduler::Lane;
use crate::metrics::Metrics;
use crate::pulse::Pulse;

/// A Tokio runtime under watch. Mirrors [`tokio::runtime::Runtime`].
///
/// Dropping it does what dropping Tokio's does: tasks are dropped at their next await, and the
/// drop waits for polls that are running and for blocking tasks that have begun. A poll that never
/// ends is waited for as long; use [`shutdown_timeout`](Self::shutdown_timeout) or
/// [`shutdown_background`](Self::shutdown_background) not to.
///
/// ```
/// let runtime = tokio_pulse::Runtime::new()?;
/// let task = runtime.spawn(async { 6 * 7 });
/// assert_eq!(runtime.block_on(task).unwrap(), 42);
/// # Ok::<(), tokio_pulse::BuildError>(())
/// ```
#[derive(Debug)]
pub struct Runtime {
    // Dropped first: the reserve workers have to be awake to be shut down.
    pub(crate) pulse: Pulse,
    pub(crate) tokio: tokio::runtime::Runtime,
    /// Last: only a runtime that is gone has no task that may still come to the lane.
    pub(crate) lanes: EndOfLanes,
}

/// Waits for the polls on the lane, as Tokio does for those on its workers.
#[derive(Debug)]
pub(crate) struct EndOfLanes(Option<[Arc<Lane>; 2]>);

impl EndOfLanes {
    pub(crate) fn of(pulse: &Pulse) -> Self {
        let core = &pulse.handle().core;
        Self(Some([core.lane.clone(), core.isolated.clone()]))
    }

    fn wait(mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        for lane in self.0.take().into_iter().flatten() {
            lane.wait_until_ended(Some(deadline.saturating_duration_since(Instant::now())));
        }
    }
}

impl Drop for EndOfLanes {
    fn drop(&mut self) {
        for lane in self.0.take().into_iter().flatten() {
            lane.wait_until_ended(None);
        }
    }
}

impl Runtime {
    /// A multi-thread runtime with all defaults, I/O and time enabled.
    ///
    /// # Errors
    ///
    /// As [`Builder::build`](crate::Builder::build).
    pub fn new() -> Result<Self, BuildError> {
        crate::Builder::new_multi_thread().enable_all().build()
    }

    /// A handle, to spawn from elsewhere and to read [`Metrics`].
    pub fn handle(&self) -> &Handle {
        self.pulse.handle()
    }

    /// The Tokio runtime.
    pub fn tokio(&self) -> &tokio::runtime::Runtime {
        &self.tokio
    }

    /// Spawns a task.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle().spawn(future)
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
    /// That future is not a task: it holds no worker, and Pulse does not watch it.
    ///
    /// # Panics
    ///
    /// As in Tokio, when called from within a runtime.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.tokio.block_on(future)
    }

    /// Enters the runtime's context, so that `tokio::spawn` and timers find it.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.tokio.enter()
    }

    /// What Pulse has seen and done so far.
    pub fn metrics(&self) -> Metrics {
        self.handle().metrics()
    }

    /// Shuts down, and waits for running polls and blocking tasks for at most `duration`.
    ///
    /// Threads that are still busy then go on until they are done, as in Tokio.
    pub fn shutdown_timeout(self, duration: Duration) {
        let Self { pulse, tokio, lanes } = self;
        let begun = Instant::now();
        pulse.stop_without_waiting();
        tokio.shutdown_timeout(duration);
        lanes.wait(duration.saturating_sub(begun.elapsed()));
    }

    /// Shuts down without waiting for anything. May be called from within a task.
    pub fn shutdown_background(self) {
        let Self { pulse, tokio, lanes } = self;
        pulse.stop_without_waiting();
        tokio.shutdown_background();
        lanes.wait(Duration::ZERO);
    }
}
