//! Without `--cfg tokio_unstable`: Tokio's stable worker metrics, and a wrapper for our own tasks.

use std::cell::Cell;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::runtime::{Handle, RuntimeFlavor, RuntimeMetrics};
use tokio::task::{self, Id};

use crate::heartbeat::Heart;
use crate::heartbeat::pool::Line;
use crate::heartbeat::registry::Registry;
use crate::heartbeat::seat;
use crate::heartbeat::slot::Slot;
use crate::heartbeat::timing::PollClock;
use crate::hooks::dispatch::Dispatch;
use crate::intervene::handoff::{self, Handoff};
use crate::metrics::counters::Counters;
use crate::pulse::{Core, find_attached};
use crate::rescue::ballast;
use crate::watchdog::accuse;
use crate::watchdog::roster::Unit;
use crate::watchdog::scan::{Progress, Sample};

/// Only the polls of wrapped futures are seen one by one.
pub(crate) const POLL_HOOKS: bool = false;

/// Stable Tokio has no task hooks, so the user has none to chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskHooks {}

pub(crate) fn install_task_hooks(
    _builder: &mut tokio::runtime::Builder,
    dispatch: Dispatch,
    _counters: &Arc<Counters>,
    _user: TaskHooks,
) {
    // The wrapper calls them.
    if let Some(registry) = &dispatch.registry {
        registry.serve(&dispatch.heart);
    }
}

/// Which thread was last seen running which worker, and the other way round.
///
/// Both sides are recorded when a worker parks or unparks and when ballast settles on it, and a
/// claim counts while both agree. Between `block_in_place` and the next of these events the claim
/// names the thread that gave the worker away; then the CPU evidence of a stall is read from the
/// wrong thread, and the stall itself is still seen. Two runtimes with the same hooks would
/// overwrite each other's claims: a prepared Tokio builder is to build one.
#[derive(Debug)]
pub(crate) struct Claims {
    /// By worker: the serial of the slot, plus one.
    holders: Box<[AtomicU64]>,
}

impl Claims {
    pub(crate) fn new(workers: usize) -> Self {
        Self { holders: (0..workers).map(|_| AtomicU64::new(0)).collect() }
    }

    fn holder(&self, worker: usize) -> Option<u64> {
        self.holders.get(worker)?.load(Relaxed).checked_sub(1)
    }
}

pub(crate) fn claim_worker(registry: &Registry, slot: &Slot) {
    let Some(worker) = tokio::runtime::worker_index() else { return };
    let Some(holder) = registry.claims.holders.get(worker) else { return };
    let mine = slot.serial + 1;
    // Stores only where something changes: the common case leaves the cache lines shared.
    if slot.thread.worker.load(Relaxed) != worker {
        slot.thread.worker.store(worker, Relaxed);
    }
    if holder.load(Relaxed) != mine {
        holder.store(mine, Relaxed);
    }
}

/// Hook: the thread goes to Tokio's park, or has left it.
pub(crate) fn on_park_or_unpark(heart: &Heart, transition: impl FnOnce(&Line)) {
    seat::with_slot_as_worker(heart, |slot| {
        claim_worker(&heart.registry, slot);
        transition(&slot.line);
    });
}

pin_project! {
    /// A future whose polls beat, and are told to whom they concern.
    pub(crate) struct Wrapped<F> {
        #[pin]
        future: F,
        spawned_at: &'static Location<'static>,
        // The watch over the runtime that polls: looked for once, found or not.
        core: Option<Option<Arc<Core>>>,
        done: bool,
    }

    impl<F> PinnedDrop for Wrapped<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            // Cancelled; otherwise its last poll has said that it is done.
            if let (false, Some(Some(core)), Some(task)) = (*this.done, this.core, task::try_id()) {
                core.dispatch.complete(task, this.spawned_at);
            }
        }
    }
}

#[track_caller]
pub(crate) fn wrap<F>(future: F) -> Wrapped<F> {
    Wrapped { future, spawned_at: Location::caller(), core: None, done: false }
}

impl<F: Future> Future for Wrapped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut wrapped = self.project();
        let core = wrapped.core.get_or_insert_with(find_core).as_deref();
        let spawned_at = *wrapped.spawned_at;
        let done = wrapped.done;
        let mut poll = |slot: &Slot| {
            let told = core.zip(task::try_id()).map(|(core, task)| Told {
                dispatch: &core.dispatch,
                task,
                spawned_at,
            });
            // Until the poll says otherwise: a panic does not come back to say so.
            *done = true;
            let mut running = RunningPoll::begin(slot, told);
            let poll = wrapped.future.as_mut().poll(cx);
            *done = poll.is_ready();
            running.done = *done;
            poll
        };
        match seat::with_current_slot(&mut poll) {
            Some(ready) => ready,
            None if find_seat(core) => match seat::with_current_slot(&mut poll) {
                Some(ready) => ready,
                None => wrapped.future.poll(cx),
            },
            None => wrapped.future.poll(cx),
        }
    }
}

#[cold]
fn find_core() -> Option<Arc<Core>> {
    tokio::runtime::Handle::try_current().ok().and_then(|runtime| find_attached(runtime.id()))
}

/// For a worker that has been busy since it was started and has met no hook yet. Once a thread.
#[cold]
fn find_seat(core: Option<&Core>) -> bool {
    let Some(core) = core.filter(|_| seat::is_first_search()) else { return false };
    seat::with_slot_as_worker(&core.heart, |slot| claim_worker(&core.heart.registry, slot));
    true
}

/// To whom a poll is told, and what.
#[derive(Clone, Copy)]
struct Told<'a> {
    dispatch: &'a Dispatch,
    task: Id,
    spawned_at: &'static Location<'static>,
}

impl<'a> Told<'a> {
    fn clock(self) -> Option<&'a PollClock> {
        self.dispatch.heart.poll_clock.as_ref()
    }
}

/// A poll in the beat; ends it also when it panics.
struct RunningPoll<'a> {
    slot: &'a Slot,
    told: Option<Told<'a>>,
    /// It was the last poll of its task.
    done: bool,
}

impl<'a> RunningPoll<'a> {
    fn begin(slot: &'a Slot, told: Option<Told<'a>>) -> Self {
        slot.beat().enter_poll();
        if let Some(told) = told.filter(|_| slot.line.attention.is_wanted()) {
            told.dispatch.before(&slot.line, told.task, told.spawned_at);
        }
        if let Some(clock) = told.and_then(Told::clock) {
            slot.line.timing.begin(clock);
        }
        Self { slot, told, done: true }
    }
}

impl Drop for RunningPoll<'_> {
    fn drop(&mut self) {
        if let Some(clock) = self.told.and_then(Told::clock) {
            self.slot.line.timing.end(clock);
        }
        if let Some(told) = self.told.filter(|_| self.slot.line.attention.is_wanted()) {
            if self.done {
                told.dispatch.complete(told.task, told.spawned_at);
            }
            told.dispatch.after(&self.slot.line, told.task, told.spawned_at);
        }
        self.slot.beat().exit_poll();
    }
}

/// Whether an accusation of this thread can be of the poll that ends: the watchdog knows by worker
/// what it accuses, and may not know yet that this thread has given its worker away.
pub(crate) fn can_be_blamed() -> bool {
    ballast::holds_worker()
}

/// Watches workers.
pub(crate) struct Observer {
    heart: Arc<Heart>,
    metrics: RuntimeMetrics,
    /// False for the current-thread scheduler: its thread comes and goes with `block_on`, and the
    /// figures do not tell. Only bracketed polls count there.
    workers_park: bool,
    version: Option<usize>,
    slots: Vec<Arc<Slot>>,
}

impl Observer {
    pub(crate) fn new(heart: Arc<Heart>, runtime: &Handle) -> Self {
        Self {
            heart,
            metrics: runtime.metrics(),
            workers_park: runtime.runtime_flavor() == RuntimeFlavor::MultiThread,
            version: None,
            slots: Vec::new(),
        }
    }

    /// One unit a worker, each with the slot of the thread that runs it.
    pub(crate) fn sync(&mut self, units: &mut Vec<Unit>) {
        let version = self.heart.registry.version();
        if self.version != Some(version) {
            self.version = Some(version);
            self.slots = self.heart.registry.slots();
        }
        units.resize_with(self.metrics.num_workers(), || Unit::new(None));
        for (worker, unit) in units.iter_mut().enumerate() {
            let holder = self.heart.registry.claims.holder(worker);
            let agrees = |slot: &&Arc<Slot>| {
                Some(slot.serial) == holder && slot.thread.worker.load(Relaxed) == worker
            };
            if unit.slot.as_ref().filter(agrees).is_none() {
                if let Some(old) = &unit.slot {
                    accuse::let_go(old);
                }
                unit.slot = self.slots.iter().find(agrees).cloned();
            }
        }
    }

    pub(crate) fn sample(&self, index: usize, unit: &Unit) -> Sample {
        // Odd: the worker is parked.
        let parks = self.metrics.worker_park_unpark_count(index);
        let busy = self.metrics.worker_total_busy_duration(index).as_nanos() as u64;
        let beat = unit.slot.as_ref().map(|slot| slot.beat().snapshot());
        let in_poll = beat.is_some_and(|beat| beat.in_poll());
        let in_reserve = beat.is_some_and(|beat| beat.in_reserve());
        let watched = parks % 2 == 0 && !in_reserve && (self.workers_park || in_poll);
        let cpu = if watched { unit.slot.as_ref().and_then(|slot| slot.cpu_time()) } else { None };
        let unheard = beat.is_none() && parks == 0 && busy == 0;
        let answers = unit.slot.as_ref().map_or(0, |slot| slot.line.due.answers());
        let progress = Progress { beat, answers, busy, parks };
        // Most polls are not seen, and so not which is the first.
        Sample { progress, busy: watched, cpu, began: None, unheard }
    }

    /// A unit is a worker here; it holds itself up unless it is parked, which `sample` has ruled
    /// out.
    pub(crate) fn holds_worker(&self, index: usize, _slot: Option<&Slot>) -> bool {
        self.metrics.worker_park_unpark_count(index) % 2 == 0
    }
}

/// Gives the calling thread's worker to another thread. Nobody tells when that has it; what tells is
/// that the worker's figures move on. Without a worker, it does `meanwhile` all the same.
pub(crate) fn hand_off_worker(meanwhile: impl FnOnce(&dyn Fn() -> bool)) -> Handoff {
    let Some(worker) = tokio::runtime::worker_index() else {
        return handoff::without_worker(meanwhile);
    };
    let runtime = Handle::current();
    if runtime.runtime_flavor() != RuntimeFlavor::MultiThread {
        return Handoff::Impossible;
    }
    if !ballast::holds_worker() {
        return handoff::without_worker(meanwhile);
    }
    let metrics = runtime.metrics();
    let figures =
        || (metrics.worker_park_unpark_count(worker), metrics.worker_total_busy_duration(worker));
    let before = Cell::new(figures());
    let is_taken = || before.get() != figures();
    let is_mine = || {
        before.set(figures());
        ballast::holds_worker()
    };
    handoff::hand_off(is_taken, is_mine, meanwhile)
}

/// Which worker a thread holds. A claim that is out of date names the one it gave away.
pub(crate) fn worker_of(metrics: &RuntimeMetrics, slot: &Slot) -> Option<usize> {
    Some(slot.thread.worker.load(Relaxed)).filter(|worker| *worker < metrics.num_workers())
}

/// Tokio does not tell.
pub(crate) fn waiting_behind(_metrics: &RuntimeMetrics, _worker: usize) -> Option<usize> {
    None
}
