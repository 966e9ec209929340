//! With `--cfg tokio_unstable`: Tokio's own hooks around every poll.

use std::fmt;
use std::sync::Arc;

use tokio::runtime::{Handle, RuntimeMetrics, TaskMeta};

use crate::builder::Builder;
use crate::heartbeat::beat::Beat;
use crate::heartbeat::registry::Registry;
use crate::heartbeat::seat;
use crate::heartbeat::slot::Slot;
use crate::heartbeat::{Heart, Rhythm};
use crate::metrics::counters::Counters;
use crate::rescue::internal;
use crate::watchdog::roster::Unit;
use crate::watchdog::scan::{Progress, Sample};

/// Every poll is seen, whoever spawned the task.
pub(crate) const POLL_HOOKS: bool = true;

type TaskHook = Arc<dyn Fn(&TaskMeta<'_>) + Send + Sync>;

/// The user's own task hooks, in the order in which they were added.
#[derive(Clone, Default)]
pub(crate) struct TaskHooks {
    before_poll: Vec<TaskHook>,
    after_poll: Vec<TaskHook>,
    spawn: Vec<TaskHook>,
    terminate: Vec<TaskHook>,
}

impl fmt::Debug for TaskHooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHooks")
            .field("before_poll", &self.before_poll.len())
            .field("after_poll", &self.after_poll.len())
            .field("spawn", &self.spawn.len())
            .field("terminate", &self.terminate.len())
            .finish()
    }
}

/// Tokio keeps one closure a hook, so ours calls the user's. With none of the user's, ours is the
/// bare heartbeat.
pub(crate) fn install_task_hooks(
    builder: &mut tokio::runtime::Builder,
    heart: &Arc<Heart>,
    counters: &Arc<Counters>,
    user: TaskHooks,
) {
    // The user's hooks belong to the poll: time that they burn holds the worker as well.
    match heart.rhythm {
        Rhythm::Tick => {
            let heart = heart.clone();
            let tick = move || seat::on_worker(&heart, Beat::tick);
            if user.before_poll.is_empty() {
                builder.on_before_task_poll(move |_| tick());
            } else {
                let user = chain(user.before_poll, counters);
                builder.on_before_task_poll(move |task| {
                    tick();
                    user(task);
                });
            }
            if !user.after_poll.is_empty() {
                builder.on_after_task_poll(chain(user.after_poll, counters));
            }
        }
        Rhythm::Bracket => {
            let (enter, exit) = (bracket(heart, Beat::enter_poll), bracket(heart, Beat::exit_poll));
            if user.before_poll.is_empty() && user.after_poll.is_empty() {
                builder.on_before_task_poll(move |_| enter()).on_after_task_poll(move |_| exit());
            } else {
                let before = chain(user.before_poll, counters);
                let after = chain(user.after_poll, counters);
                builder.on_before_task_poll(move |task| {
                    enter();
                    before(task);
                });
                builder.on_after_task_poll(move |task| {
                    after(task);
                    exit();
                });
            }
        }
    }
    if !user.spawn.is_empty() {
        builder.on_task_spawn(chain(user.spawn, counters));
    }
    if !user.terminate.is_empty() {
        builder.on_task_terminate(chain(user.terminate, counters));
    }
}

fn bracket<F>(heart: &Arc<Heart>, transition: F) -> impl Fn() + Send + Sync + use<F>
where
    F: Fn(&Beat) + Send + Sync + 'static,
{
    let (id, heart) = (heart.id, heart.clone());
    move || seat::bracket(id, &heart, &transition)
}

/// One closure of many: it leaves out Pulse's own tasks, and a panic in one of the user's hooks
/// ends that call and nothing else. Tokio would lose the worker.
fn chain(
    hooks: Vec<TaskHook>,
    counters: &Arc<Counters>,
) -> impl Fn(&TaskMeta<'_>) + Send + Sync + 'static {
    let counters = counters.clone();
    move |task| {
        if internal::is_internal(task.spawned_at()) {
            return;
        }
        for hook in &hooks {
            counters.contain_hook(|| hook(task));
        }
    }
}

/// # Hooks of unstable Tokio
///
/// These exist with `--cfg tokio_unstable` only, as in Tokio. Unlike Tokio's, each call adds a
/// hook instead of replacing the one before, hooks do not see Pulse's own tasks, and a panic in a
/// hook is counted ([`Metrics::hook_panics`](crate::Metrics::hook_panics)) and goes no further.
impl Builder {
    /// Calls `hook` before each poll of a task.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// static POLLS: AtomicUsize = AtomicUsize::new(0);
    ///
    /// let runtime = tokio_pulse::Builder::new_multi_thread()
    ///     .on_before_task_poll(|_| {
    ///         POLLS.fetch_add(1, Ordering::Relaxed);
    ///     })
    ///     .build()?;
    /// runtime.block_on(runtime.spawn(async {})).unwrap();
    /// assert!(POLLS.load(Ordering::Relaxed) > 0);
    /// # Ok::<(), tokio_pulse::BuildError>(())
    /// ```
    pub fn on_before_task_poll<F>(&mut self, hook: F) -> &mut Self
    where
        F: Fn(&TaskMeta<'_>) + Send + Sync + 'static,
    {
        self.task_hooks.before_poll.push(Arc::new(hook));
        self
    }

    /// Calls `hook` after each poll of a task.
    pub fn on_after_task_poll<F>(&mut self, hook: F) -> &mut Self
    where
        F: Fn(&TaskMeta<'_>) + Send + Sync + 'static,
    {
        self.task_hooks.after_poll.push(Arc::new(hook));
        self
    }

    /// Calls `hook` when a task is spawned, on the spawning thread.
    pub fn on_task_spawn<F>(&mut self, hook: F) -> &mut Self
    where
        F: Fn(&TaskMeta<'_>) + Send + Sync + 'static,
    {
        self.task_hooks.spawn.push(Arc::new(hook));
        self
    }

    /// Calls `hook` when a task has ended.
    pub fn on_task_terminate<F>(&mut self, hook: F) -> &mut Self
    where
        F: Fn(&TaskMeta<'_>) + Send + Sync + 'static,
    {
        self.task_hooks.terminate.push(Arc::new(hook));
        self
    }

    /// Switches off Tokio's slot for the task that was woken last.
    ///
    /// A task in that slot cannot be stolen: when the running poll wakes one and then stalls, that
    /// one task waits until the stall ends, whatever Pulse does. Without the slot nothing waits,
    /// at some cost for tasks that send each other messages.
    pub fn disable_lifo_slot(&mut self) -> &mut Self {
        self.tokio.disable_lifo_slot();
        self
    }
}

/// Nothing to record: Tokio says which thread runs a worker.
#[derive(Debug)]
pub(crate) struct Claims;

impl Claims {
    pub(crate) fn new(_workers: usize) -> Self {
        Self
    }
}

pub(crate) fn claim_worker(_registry: &Registry, _slot: &Slot) {}

/// Hook: the thread goes to Tokio's park, or has left it.
pub(crate) fn on_park_or_unpark(heart: &Heart, transition: fn(&Beat)) {
    match heart.rhythm {
        Rhythm::Tick => seat::on_worker(heart, transition),
        Rhythm::Bracket => seat::with_slot(heart, |slot| transition(&slot.beat)),
    }
}

/// The future as it is: the hooks see its polls.
pub(crate) type Wrapped<F> = F;

pub(crate) fn wrap<F>(future: F) -> Wrapped<F> {
    future
}

/// Watches threads.
pub(crate) struct Observer {
    heart: Arc<Heart>,
    metrics: RuntimeMetrics,
    version: Option<usize>,
}

impl Observer {
    pub(crate) fn new(heart: Arc<Heart>, runtime: &Handle) -> Self {
        Self { heart, metrics: runtime.metrics(), version: None }
    }

    /// Makes `units` the threads there are, and keeps what is remembered of those that stay.
    pub(crate) fn sync(&mut self, units: &mut Vec<Unit>) {
        let version = self.heart.registry.version();
        units.retain(|unit| !unit.slot.as_ref().is_some_and(|slot| slot.is_retired()));
        if self.version == Some(version) {
            return;
        }
        self.version = Some(version);
        for slot in self.heart.registry.slots() {
            let known = |unit: &Unit| unit.slot.as_ref().is_some_and(|old| Arc::ptr_eq(old, &slot));
            if !units.iter().any(known) {
                units.push(Unit::new(Some(slot)));
            }
        }
    }

    pub(crate) fn sample(&self, _index: usize, unit: &Unit) -> Sample {
        let Some(slot) = &unit.slot else { return Sample::idle() };
        let beat = slot.beat.snapshot();
        let running = match self.heart.rhythm {
            Rhythm::Tick => beat.is_awake(),
            Rhythm::Bracket => beat.in_poll(),
        };
        let busy = running && !beat.in_reserve();
        let cpu = if busy { slot.cpu_time() } else { None };
        let progress = Progress { beat: Some(beat), busy: 0, parks: 0 };
        Sample { progress, busy, cpu, unheard: false }
    }

    /// Whether the thread has a worker to hold up. A poll inside `block_in_place` has none.
    pub(crate) fn holds_worker(&self, _index: usize, slot: Option<&Slot>) -> bool {
        let Some(slot) = slot else { return false };
        (0..self.metrics.num_workers())
            .any(|worker| self.metrics.worker_thread_id(worker) == Some(slot.thread.id))
    }
}
