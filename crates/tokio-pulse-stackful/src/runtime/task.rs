//! One task: its future, and the generator that holds an interrupted poll of it.

use std::cell::UnsafeCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use std::task::{Context, Poll, Wake};
use std::time::Duration;

use tokio::sync::oneshot;

use super::join::JoinError;
use super::levels::Priority;
use super::scheduler::Scheduler;
use super::state::State;
use crate::current::{Scope, Section, Subject};
use crate::generator::{Generator, Outcome, poll_root};
use crate::settings::{Coverage, as_ns};

/// How one task of a [`PreemptiveRuntime`](crate::PreemptiveRuntime) runs.
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse_stackful::{Priority, TaskSettings};
///
/// let settings = TaskSettings::default()
///     .name("report")
///     .priority(Priority::Low)
///     .quantum(Duration::from_millis(2));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TaskSettings {
    name: Option<String>,
    priority: Priority,
    quantum: Option<Duration>,
    worker: Option<usize>,
    pinned: bool,
}

impl TaskSettings {
    /// What it is called when its stack overflows.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How important it is; [`Priority::Normal`] by default.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Its own quantum instead of the runtime's; at least
    /// [`Settings::MIN_QUANTUM`](crate::Settings::MIN_QUANTUM).
    pub fn quantum(mut self, quantum: Duration) -> Self {
        self.quantum = Some(quantum.max(crate::Settings::MIN_QUANTUM));
        self
    }

    /// It runs on this worker only, counted from 0; a number too large wraps around.
    pub fn worker(mut self, worker: usize) -> Self {
        self.worker = Some(worker);
        self
    }

    /// It has a generator to itself, on one worker, from its first poll to its end. A preemption of
    /// it does not cost the worker its own; each poll costs a switch instead.
    pub fn pinned(mut self) -> Self {
        self.pinned = true;
        self
    }
}

pub(crate) struct Task {
    pub(super) state: State,
    /// Its number in the scheduler's list.
    pub(super) id: u64,
    name: String,
    pub(super) priority: Priority,
    pub(super) quantum_ns: u64,
    pub(super) pinned: bool,
    /// The only worker it runs on.
    pub(super) affinity: Option<usize>,
    scheduler: Arc<Scheduler>,
    aborted: AtomicBool,
    job: UnsafeCell<Box<dyn Job>>,
    generator: UnsafeCell<Option<Generator>>,
    /// One more than the worker whose generator it has, or 0.
    holder: AtomicUsize,
}

// SAFETY: the job is `Send`, and only touched by whoever moved the state to running. The generator
// is only touched by the worker it began on: a task with a generator is in that worker's own queue
// or, if it is pinned, has its affinity. Dropped elsewhere, a generator frees nothing.
unsafe impl Send for Task {}
// SAFETY: as above; all else is `Sync`.
unsafe impl Sync for Task {}

/// A future whose result goes to a join handle.
trait Job: Send {
    /// Whether it is over.
    fn poll(&mut self, scope: &Scope, subject: &Subject<'_>, context: &mut Context<'_>) -> bool;

    /// Drops the future.
    fn cancel(&mut self);
}

struct Spawned<T> {
    future: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    result: Option<oneshot::Sender<Result<T, JoinError>>>,
}

impl<T: Send> Job for Spawned<T> {
    fn poll(&mut self, scope: &Scope, subject: &Subject<'_>, context: &mut Context<'_>) -> bool {
        let Some(future) = &mut self.future else { return true };
        let poll = || poll_root(scope, subject, future.as_mut(), context);
        let result = match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Pending) => return false,
            Ok(Poll::Ready(output)) => Ok(output),
            Err(panic) => Err(JoinError::unwound(panic)),
        };
        self.drop_future();
        if let Some(sender) = self.result.take() {
            // Nobody may be waiting; a result whose drop panics is as bad as a task that does.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(sender.send(result))));
        }
        true
    }

    fn cancel(&mut self) {
        self.drop_future();
        self.result = None;
    }
}

impl<T> Spawned<T> {
    fn drop_future(&mut self) {
        let future = self.future.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(future)));
    }
}

impl Task {
    pub(super) fn new<T: Send + 'static>(
        settings: TaskSettings,
        future: Pin<Box<dyn Future<Output = T> + Send>>,
        scheduler: Arc<Scheduler>,
    ) -> (Arc<Self>, oneshot::Receiver<Result<T, JoinError>>) {
        let (sender, receiver) = oneshot::channel();
        let id = scheduler.next_id();
        let workers = scheduler.workers();
        let home = settings.worker.or(settings.pinned.then_some(id as usize));
        let task = Self {
            state: State::queued(),
            id,
            name: settings.name.unwrap_or_else(|| format!("task {id}")),
            priority: settings.priority,
            quantum_ns: settings.quantum.map_or(scheduler.quantum_ns(), as_ns),
            pinned: settings.pinned,
            affinity: home.map(|worker| worker % workers),
            scheduler,
            aborted: AtomicBool::new(false),
            job: UnsafeCell::new(Box::new(Spawned { future: Some(future), result: Some(sender) })),
            generator: UnsafeCell::new(None),
            holder: AtomicUsize::new(0),
        };
        (Arc::new(task), receiver)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn abort(self: &Arc<Self>) {
        self.aborted.store(true, Release);
        self.wake_by_ref();
    }

    /// One poll. Whether it is over; on a preemption this returns much later.
    ///
    /// # Safety
    ///
    /// The caller owns the task by its state.
    pub(super) unsafe fn poll(self: &Arc<Self>, scope: &Scope, coverage: Coverage) -> bool {
        // SAFETY: as the caller says.
        let job = unsafe { &mut *self.job.get() };
        if self.aborted.load(Acquire) {
            job.cancel();
            return true;
        }
        let waker = self.clone().into();
        let subject = Subject { coverage, name: &self.name };
        let over = job.poll(scope, &subject, &mut Context::from_waker(&waker));
        if !over && self.aborted.load(Acquire) {
            job.cancel();
            return true;
        }
        over
    }

    /// Resumes its generator. A poll of an aborted task is ended as soon as it can be.
    pub(super) fn resume(&self, generator: &mut Generator) -> Outcome {
        if generator.is_interrupted() && self.aborted.load(Acquire) {
            generator.resume_to_end()
        } else {
            generator.resume()
        }
    }

    /// Drops the future and tells the handle.
    ///
    /// # Safety
    ///
    /// The caller owns the task by its state, and no poll of it is suspended.
    pub(super) unsafe fn cancel(&self) {
        // SAFETY: as the caller says.
        unsafe { &mut *self.job.get() }.cancel();
    }

    /// Whether it has a generator of this worker's.
    pub(super) fn has_generator_of(&self, worker: usize) -> bool {
        self.holder.load(Relaxed) == worker + 1
    }

    /// # Safety
    ///
    /// The task came from this worker's queues, or has a generator of this worker's.
    pub(super) unsafe fn take_generator(&self) -> Option<Generator> {
        if self.holder.swap(0, Relaxed) == 0 {
            return None;
        }
        // SAFETY: only the worker that put it there gets here, as the caller says.
        unsafe { (*self.generator.get()).take() }
    }

    /// # Safety
    ///
    /// The generator is this worker's, the task in no queue, and without a generator.
    pub(super) unsafe fn put_generator(&self, generator: Generator, worker: usize) {
        // SAFETY: nobody else has the task in hand, as the caller says.
        unsafe { *self.generator.get() = Some(generator) };
        self.holder.store(worker + 1, Relaxed);
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // The queue's lock is taken.
        let _section = Section::enter();
        if self.state.transition_to_woken() {
            self.scheduler.push(self.clone());
        }
    }
}
