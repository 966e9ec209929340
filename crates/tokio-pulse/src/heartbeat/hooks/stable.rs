//! Without `--cfg tokio_unstable`: Tokio's stable worker metrics, and a wrapper for our own tasks.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::runtime::{Handle, RuntimeFlavor, RuntimeMetrics};

use crate::heartbeat::Heart;
use crate::heartbeat::beat::Beat;
use crate::heartbeat::registry::Registry;
use crate::heartbeat::seat;
use crate::heartbeat::slot::Slot;
use crate::metrics::counters::Counters;
use crate::pulse::find_attached;
use crate::watchdog::roster::Unit;
use crate::watchdog::scan::{Progress, Sample};

/// Only the polls of wrapped futures are seen one by one.
pub(crate) const POLL_HOOKS: bool = false;

/// Stable Tokio has no task hooks, so the user has none to chain.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskHooks {}

pub(crate) fn install_task_hooks(
    _builder: &mut tokio::runtime::Builder,
    _heart: &Arc<Heart>,
    _counters: &Arc<Counters>,
    _user: TaskHooks,
) {
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
pub(crate) fn on_park_or_unpark(heart: &Heart, transition: fn(&Beat)) {
    seat::with_slot_as_worker(heart, |slot| {
        claim_worker(&heart.registry, slot);
        transition(&slot.beat);
    });
}

pin_project! {
    /// A future whose polls beat.
    pub(crate) struct Wrapped<F> {
        #[pin]
        future: F,
    }
}

pub(crate) fn wrap<F>(future: F) -> Wrapped<F> {
    Wrapped { future }
}

impl<F: Future> Future for Wrapped<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut future = self.project().future;
        let mut poll = |slot: &Slot| {
            slot.beat.enter_poll();
            let _exit = ExitOnDrop(slot);
            future.as_mut().poll(cx)
        };
        match seat::with_current_slot(&mut poll) {
            Some(ready) => ready,
            None if find_seat() => match seat::with_current_slot(&mut poll) {
                Some(ready) => ready,
                None => future.poll(cx),
            },
            None => future.poll(cx),
        }
    }
}

/// For a worker that has been busy since it was started and has met no hook yet. Asks once a
/// thread, because on a plain Tokio runtime the answer will always be no.
#[cold]
fn find_seat() -> bool {
    if !seat::is_first_search() {
        return false;
    }
    let runtime = tokio::runtime::Handle::try_current();
    let Some(core) = runtime.ok().and_then(|runtime| find_attached(runtime.id())) else {
        return false;
    };
    seat::with_slot_as_worker(&core.heart, |slot| claim_worker(&core.heart.registry, slot));
    true
}

/// Ends the poll in the beat, also when it panics.
struct ExitOnDrop<'a>(&'a Slot);

impl Drop for ExitOnDrop<'_> {
    fn drop(&mut self) {
        self.0.beat.exit_poll();
    }
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
                    old.thread.stalled.store(false, Relaxed);
                }
                unit.slot = self.slots.iter().find(agrees).cloned();
            }
        }
    }

    pub(crate) fn sample(&self, index: usize, unit: &Unit) -> Sample {
        // Odd: the worker is parked.
        let parks = self.metrics.worker_park_unpark_count(index);
        let busy = self.metrics.worker_total_busy_duration(index).as_nanos() as u64;
        let beat = unit.slot.as_ref().map(|slot| slot.beat.snapshot());
        let in_poll = beat.is_some_and(|beat| beat.in_poll());
        let in_reserve = beat.is_some_and(|beat| beat.in_reserve());
        let watched = parks % 2 == 0 && !in_reserve && (self.workers_park || in_poll);
        let cpu = if watched { unit.slot.as_ref().and_then(|slot| slot.cpu_time()) } else { None };
        let unheard = beat.is_none() && parks == 0 && busy == 0;
        Sample { progress: Progress { beat, busy, parks }, busy: watched, cpu, unheard }
    }

    /// A unit is a worker here; it holds itself up unless it is parked, which `sample` has ruled
    /// out.
    pub(crate) fn holds_worker(&self, index: usize, _slot: Option<&Slot>) -> bool {
        self.metrics.worker_park_unpark_count(index) % 2 == 0
    }
}
