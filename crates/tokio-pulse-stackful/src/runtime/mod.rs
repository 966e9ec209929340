//! A small executor whose tasks are preempted.
//!
//! * `builder`, `driver`, `error`: how it is set up, and whose timers and sockets its tasks use.
//! * `task`, `state`, `join`: one task, who may touch it, and who waits for it.
//! * `levels`, `hand_over`, `scheduler`: who is next, and how it gets to a worker.
//! * `worker`: polls, promotes its generator, resumes.

mod builder;
mod driver;
mod error;
pub(crate) mod hand_over;
mod join;
pub(crate) mod levels;
mod scheduler;
pub(crate) mod state;
mod task;
mod worker;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::thread::JoinHandle;

pub use builder::PreemptiveBuilder;
pub use error::BuildError;
pub use join::{JoinError, PreemptiveJoinHandle};
pub use levels::Priority;
pub use task::TaskSettings;

use crate::current::Section;
use crate::metrics::Metrics;
use crate::ticker::Slot;
use driver::Driver;
use scheduler::Scheduler;
use task::Task;

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
    /// [`Settings::DEFAULT_QUANTUM`](crate::Settings::DEFAULT_QUANTUM).
    pub fn builder() -> PreemptiveBuilder {
        PreemptiveBuilder::new()
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
