//! With `--cfg tokio_unstable`: Tokio's own hooks around every poll.

use std::fmt;
use std::sync::Arc;
use std::thread::{self, ThreadId};

use tokio::runtime::{Handle, RuntimeFlavor, RuntimeMetrics, TaskMeta};

use crate::builder::Builder;
use crate::heartbeat::pool::Line;
use crate::heartbeat::registry::Registry;
use crate::heartbeat::seat;
use crate::heartbeat::slot::Slot;
use crate::heartbeat::timing::PollClock;
use crate::heartbeat::{Heart, Rhythm};
use crate::hooks::dispatch::Dispatch;
use crate::hooks::{HookRegistry, PollContext};
use crate::intervene::handoff::{self, Handoff};
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
    dispatch: Dispatch,
    counters: &Arc<Counters>,
    user: TaskHooks,
) {
    // The user's hooks belong to the poll: time that they burn holds the worker as well.
    let registry = dispatch.registry.clone();
    if let Some(registry) = &registry {
        registry.serve(&dispatch.heart);
    }
    if !user.spawn.is_empty() {
        builder.on_task_spawn(chain(user.spawn, counters));
    }
    let terminate = chain(user.terminate.clone(), counters);
    match registry {
        Some(registry) => {
            builder.on_task_terminate(move |task| {
                if !internal::is_internal(task.spawned_at()) {
                    registry.on_complete(&PollContext::new(task.id(), task.spawned_at()));
                }
                terminate(task);
            });
        }
        None if !user.terminate.is_empty() => {
            builder.on_task_terminate(terminate);
        }
        None => {}
    }
    let (begin, end) = (dispatch.clone(), dispatch);
    let pairs = Pairs {
        builder,
        clock: begin.heart.poll_clock.clone(),
        counters,
        before: user.before_poll,
        after: user.after_poll,
    };
    match begin.heart.rhythm {
        Rhythm::Tick => {
            let begin = move |task: &TaskMeta<'_>| match seat::ticker() {
                Some(line) => begin_tick(line, &begin, task),
                None => begin_first_tick(&begin, task),
            };
            let end = move |task: &TaskMeta<'_>| {
                if let Some(line) = seat::ticker() {
                    end_poll(line, &end, task);
                }
            };
            pairs.install(seat::ticker, begin, end);
        }
        Rhythm::Bracket => {
            let id = begin.heart.id;
            let begin = move |task: &TaskMeta<'_>| {
                seat::bracket(id, &begin.heart, |line| {
                    line.beat.enter_poll();
                    if line.attention.is_wanted() {
                        begin_attended(line, &begin, task);
                    }
                });
            };
            let end = move |task: &TaskMeta<'_>| {
                seat::bracket(id, &end.heart, |line| {
                    end_poll(line, &end, task);
                    line.beat.exit_poll();
                });
            };
            pairs.install(move || seat::bracketed(id), begin, end);
        }
    }
}

// What is not the common case is called with plain arguments, and last: then the common case needs
// no stack frame, and that is a good part of what it costs.

#[inline]
fn begin_tick(line: &Line, dispatch: &Dispatch, task: &TaskMeta<'_>) {
    line.beat.tick();
    if line.attention.is_wanted() {
        begin_attended(line, dispatch, task);
    }
}

#[cold]
#[inline(never)]
fn begin_first_tick(dispatch: &Dispatch, task: &TaskMeta<'_>) {
    if let Some(line) = seat::become_ticker(&dispatch.heart) {
        begin_tick(line, dispatch, task);
    }
}

#[cold]
#[inline(never)]
fn begin_attended(line: &Line, dispatch: &Dispatch, task: &TaskMeta<'_>) {
    dispatch.before(line, task.id(), task.spawned_at());
}

#[inline]
fn end_poll(line: &Line, dispatch: &Dispatch, task: &TaskMeta<'_>) {
    if line.attention.is_wanted() {
        end_attended(line, dispatch, task);
    }
}

#[cold]
#[inline(never)]
fn end_attended(line: &Line, dispatch: &Dispatch, task: &TaskMeta<'_>) {
    dispatch.after(line, task.id(), task.spawned_at());
}

/// What the closures around each poll are made of.
struct Pairs<'a> {
    builder: &'a mut tokio::runtime::Builder,
    clock: Option<PollClock>,
    counters: &'a Arc<Counters>,
    before: Vec<TaskHook>,
    after: Vec<TaskHook>,
}

impl Pairs<'_> {
    /// `line` finds that of the thread, after `begin`.
    fn install(
        self,
        line: impl Fn() -> Option<&'static Line> + Copy + Send + Sync + 'static,
        begin: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static,
        end: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static,
    ) {
        let Some(clock) = self.clock.clone() else { return self.chain(begin, end) };
        let watch = clock.clone();
        // What is done to an offender before its poll is not counted, and what comes of it afterwards.
        self.chain(
            move |task| {
                begin(task);
                if let Some(line) = line() {
                    line.timing.begin(&watch);
                }
            },
            move |task| {
                if let Some(line) = line() {
                    line.timing.end(&clock);
                }
                end(task);
            },
        );
    }

    fn chain(
        self,
        begin: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static,
        end: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static,
    ) {
        let Self { builder, counters, before, after, .. } = self;
        if before.is_empty() && after.is_empty() {
            builder.on_before_task_poll(begin).on_after_task_poll(end);
            return;
        }
        let (before, after) = (chain(before, counters), chain(after, counters));
        builder.on_before_task_poll(move |task| {
            begin(task);
            before(task);
        });
        builder.on_after_task_poll(move |task| {
            after(task);
            end(task);
        });
    }
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

/// # Hooks of unstable Tokio
impl HookRegistry {
    /// Installs the hooks into a Tokio builder, for a runtime that Pulse does not watch.
    ///
    /// Tokio keeps one closure for each of `on_before_task_poll`, `on_after_task_poll` and
    /// `on_task_terminate`: closures that were set before are replaced, and must not be set later.
    /// [`Builder::attach`] does all of this and more, and calls the user's hooks beside.
    ///
    /// ```
    /// let registry = tokio_pulse::HookRegistry::new();
    /// let mut tokio = tokio::runtime::Builder::new_multi_thread();
    /// registry.install_into(&mut tokio);
    /// let runtime = tokio.build()?;
    /// # drop(runtime);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn install_into(&self, builder: &mut tokio::runtime::Builder) {
        let context = |task: &TaskMeta<'_>| PollContext::new(task.id(), task.spawned_at());
        let (before, after, complete) = (self.clone(), self.clone(), self.clone());
        builder
            .on_before_task_poll(move |task| {
                if before.is_armed() {
                    before.before_poll(&context(task));
                }
            })
            .on_after_task_poll(move |task| {
                after.after_poll(&context(task));
            })
            .on_task_terminate(move |task| complete.on_complete(&context(task)));
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
pub(crate) fn on_park_or_unpark(heart: &Heart, transition: impl FnOnce(&Line)) {
    match heart.rhythm {
        Rhythm::Tick => {
            if let Some(line) = seat::ticker().or_else(|| seat::become_ticker(heart)) {
                seat::is_back(line);
                transition(line);
            }
        }
        Rhythm::Bracket => seat::with_slot(heart, |slot| transition(&slot.line)),
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
    /// The threads that hold a worker, as of the last `sync`. Asked for once a look, not once a
    /// thread: each answer is behind a lock of Tokio's, and many threads that once held a worker wait
    /// at the gate or in the blocking pool.
    holders: Vec<ThreadId>,
}

impl Observer {
    pub(crate) fn new(heart: Arc<Heart>, runtime: &Handle) -> Self {
        Self { heart, metrics: runtime.metrics(), version: None, holders: Vec::new() }
    }

    /// Makes `units` the threads there are, and keeps what is remembered of those that stay.
    pub(crate) fn sync(&mut self, units: &mut Vec<Unit>) {
        let workers = 0..self.metrics.num_workers();
        self.holders.clear();
        self.holders.extend(workers.filter_map(|worker| self.metrics.worker_thread_id(worker)));
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
        let beat = slot.beat().snapshot();
        let running = match self.heart.rhythm {
            Rhythm::Tick => beat.is_awake(),
            Rhythm::Bracket => beat.in_poll(),
        };
        let busy = running && !beat.in_reserve() && self.holders.contains(&slot.thread.id);
        let cpu = if busy { slot.cpu_time() } else { None };
        let answers = slot.line.due.answers();
        let progress = Progress { beat: Some(beat), answers, busy: 0, parks: 0 };
        Sample { progress, busy, cpu, began: slot.line.woken.shortly_before(beat), unheard: false }
    }

    /// Whether the thread has a worker to hold up. A poll inside `block_in_place` has none.
    pub(crate) fn holds_worker(&self, _index: usize, slot: Option<&Slot>) -> bool {
        slot.is_some_and(|slot| self.holders.contains(&slot.thread.id))
    }
}

/// Whether an accusation of this thread can be of the poll that ends.
pub(crate) fn can_be_blamed() -> bool {
    true
}

/// Gives the calling thread's worker to another thread. Without one, it does `meanwhile` all the same.
pub(crate) fn hand_off_worker(meanwhile: impl FnOnce(&dyn Fn() -> bool)) -> Handoff {
    let Some(worker) = tokio::runtime::worker_index() else {
        return handoff::without_worker(meanwhile);
    };
    let runtime = Handle::current();
    if runtime.runtime_flavor() != RuntimeFlavor::MultiThread {
        return Handoff::Impossible;
    }
    let (metrics, me) = (runtime.metrics(), thread::current().id());
    let is_mine = || metrics.worker_thread_id(worker) == Some(me);
    if !is_mine() {
        return handoff::without_worker(meanwhile);
    }
    handoff::hand_off(|| !is_mine(), is_mine, meanwhile)
}

/// Which worker a thread holds.
pub(crate) fn worker_of(metrics: &RuntimeMetrics, slot: &Slot) -> Option<usize> {
    (0..metrics.num_workers())
        .find(|&worker| metrics.worker_thread_id(worker) == Some(slot.thread.id))
}

/// How many tasks are in the worker's own queue.
pub(crate) fn waiting_behind(metrics: &RuntimeMetrics, worker: usize) -> Option<usize> {
    Some(metrics.worker_local_queue_depth(worker))
}
