//! A small executor whose tasks are preempted.

mod join;
mod levels;
mod scheduler;
mod state;
mod task;
mod worker;

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

pub use join::{JoinError, PreemptiveJoinHandle};
pub use levels::Priority;
pub use task::TaskSettings;

use crate::current::Section;
use crate::metrics::Metrics;
use crate::settings::{self, Coverage, Settings};
use crate::ticker::Slot;
use crate::{Unavailable, current, stack};
use scheduler::Scheduler;
use task::Task;
use worker::Worker;

/// How a [`PreemptiveRuntime`] is built.
#[derive(Clone, Debug)]
#[must_use]
pub struct PreemptiveBuilder {
    workers: usize,
    quantum: Duration,
    coverage: Coverage,
    stack_size: usize,
    patience: Duration,
    tokio: Option<tokio::runtime::Handle>,
}

/// Why a runtime could not be built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The process cannot be preempted.
    Unavailable(Unavailable),
    /// A thread or Tokio's runtime could not be started.
    Io(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(error) => error.fmt(f),
            Self::Io(error) => write!(f, "a thread could not be started: {error}"),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unavailable(error) => Some(error),
            Self::Io(error) => Some(error),
        }
    }
}

impl From<Unavailable> for BuildError {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

impl From<io::Error> for BuildError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl PreemptiveBuilder {
    /// Threads that run tasks, at least one; as many as processors by default.
    pub fn worker_threads(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// How long a poll runs before others get their turn, if there are any; at least
    /// [`Settings::MIN_QUANTUM`].
    pub fn quantum(mut self, quantum: Duration) -> Self {
        self.quantum = quantum.max(Settings::MIN_QUANTUM);
        self
    }

    /// Where tasks are preempted.
    pub fn coverage(mut self, coverage: Coverage) -> Self {
        self.coverage = coverage;
        self
    }

    /// The size in bytes of the stacks that tasks run on; at least 64 KiB, by default 1 MiB. Memory
    /// is what is touched of it.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes.max(stack::MIN_SIZE);
        self
    }

    /// How long a drop of the runtime waits for interrupted polls to end before it leaks them.
    pub fn shutdown_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Whose timers, sockets and `spawn` the tasks use. Without one, the runtime brings its own, on
    /// one more thread.
    pub fn tokio(mut self, handle: tokio::runtime::Handle) -> Self {
        self.tokio = Some(handle);
        self
    }

    /// Starts the workers.
    ///
    /// # Errors
    ///
    /// Where the process cannot be preempted, or threads cannot be started.
    pub fn build(self) -> Result<PreemptiveRuntime, BuildError> {
        settings::prepare(self.coverage)?;
        let (tokio, driver) = match &self.tokio {
            Some(handle) => (handle.clone(), None),
            None => {
                let driver = Driver::start()?;
                (driver.handle.clone(), Some(driver))
            }
        };
        let scheduler = Arc::new(Scheduler::new(self.workers, self.quantum));
        let mut runtime =
            PreemptiveRuntime { scheduler, threads: Vec::new(), slots: Vec::new(), driver };
        for index in 0..self.workers {
            let (sender, receiver) = mpsc::channel();
            let (scheduler, tokio) = (runtime.scheduler.clone(), tokio.clone());
            let (stack_size, patience) = (self.stack_size, self.patience);
            let marked = self.coverage == Coverage::Marked;
            let thread = thread::Builder::new().name(format!("preemptive-{index}"));
            let thread = thread.spawn(move || {
                // On the thread's own stack and for its life: tasks find it entered.
                let _entered = tokio.enter();
                let Some(slot) = current::slot() else { return };
                let _ = sender.send(slot.clone());
                Worker::new(index, scheduler, slot, stack_size, marked).run(patience);
            })?;
            runtime.threads.push(thread);
            runtime.slots.extend(receiver.recv());
        }
        Ok(runtime)
    }
}

/// Runs tasks on a few threads, and sets a task aside when its poll outlives its quantum and others
/// wait.
///
/// Tasks use Tokio as they do elsewhere: timers, sockets and `tokio::spawn`, whose tasks are Tokio's
/// and not preempted.
///
/// # Drop
///
/// Ends the workers: the polls that run or are interrupted go on to their ends, for as long as
/// [`PreemptiveBuilder::shutdown_patience`] allows; the stacks of those that do not end are leaked.
/// All other tasks are dropped. A poll that blocks in a system call is waited for.
///
/// # Examples
///
/// ```
/// use tokio_pulse_stackful::PreemptiveRuntime;
///
/// let runtime = PreemptiveRuntime::builder().worker_threads(1).build()?;
/// // SAFETY: the task computes; it holds no lock, and nothing of its thread's.
/// let sum = unsafe { runtime.spawn(async { (1..=1_000_000_u64).sum::<u64>() }) };
/// assert_eq!(sum.join()?, 500_000_500_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PreemptiveRuntime {
    scheduler: Arc<Scheduler>,
    threads: Vec<JoinHandle<()>>,
    slots: Vec<Arc<Slot>>,
    driver: Option<Driver>,
}

impl PreemptiveRuntime {
    /// A builder with the defaults: a worker for each processor, a quantum of
    /// [`Settings::DEFAULT_QUANTUM`].
    pub fn builder() -> PreemptiveBuilder {
        PreemptiveBuilder {
            workers: thread::available_parallelism().map_or(1, usize::from),
            quantum: Settings::DEFAULT_QUANTUM,
            coverage: Coverage::default(),
            stack_size: stack::DEFAULT_SIZE,
            patience: Settings::DEFAULT_DROP_PATIENCE,
            tokio: None,
        }
    }

    /// Spawns a task with [`TaskSettings::default`].
    ///
    /// # Safety
    ///
    /// The future keeps to [the contract](crate#the-contract).
    pub unsafe fn spawn<F>(&self, future: F) -> PreemptiveJoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        // SAFETY: the caller's promise is passed on.
        unsafe { self.spawn_with(TaskSettings::default(), future) }
    }

    /// Spawns a task.
    ///
    /// # Safety
    ///
    /// The future keeps to [the contract](crate#the-contract).
    pub unsafe fn spawn_with<F>(
        &self,
        settings: TaskSettings,
        future: F,
    ) -> PreemptiveJoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        // Locks of this runtime are taken, maybe by one of its own tasks.
        let _section = Section::enter();
        let (task, result) = Task::new(settings, Box::pin(future), self.scheduler.clone());
        self.scheduler.adopt(&task);
        PreemptiveJoinHandle::new(task, result)
    }

    /// What preemption did on all workers so far.
    pub fn metrics(&self) -> Metrics {
        let mut sum = Metrics::default();
        self.slots.iter().for_each(|slot| slot.counters().add_to(&mut sum));
        sum
    }
}

impl fmt::Debug for PreemptiveRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreemptiveRuntime").field("workers", &self.threads.len()).finish()
    }
}

impl Drop for PreemptiveRuntime {
    fn drop(&mut self) {
        self.scheduler.close();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        self.scheduler.clear();
        for task in self.scheduler.all() {
            if task.state.transition_to_seized() {
                // SAFETY: seized just now, and not by a poll that is suspended.
                unsafe { task.cancel() };
                task.state.transition_to_done();
            }
        }
        drop(self.driver.take());
    }
}

/// A Tokio runtime on a thread of its own.
struct Driver {
    handle: tokio::runtime::Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Driver {
    fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("preemptive-tokio".to_owned());
        let thread = thread.spawn(move || drop(runtime.block_on(stopped)))?;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
