//! What is counted for each thread.
//!
//! Each counter has one writer: the thread itself, at a yield point that yields and at the end of a poll that
//! somebody attended to, or the watchdog. So an update is a load and a store. Setting back to zero is not a write to a
//! counter but to a note beside it, of what is to be taken off.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use crate::handle::Handle;
use crate::heartbeat::slot::Slot;

/// The counters of one thread that its own polls write.
#[derive(Debug, Default)]
pub(crate) struct WorkerCounters {
    violations: AtomicU64,
    slow_polls: AtomicU64,
    handoffs: AtomicU64,
    yields: AtomicU64,
    taken_off: Mutex<Figures>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    polls: u64,
    stalls: u64,
    violations: u64,
    slow_polls: u64,
    handoffs: u64,
    yields: u64,
    cpu: Duration,
}

impl WorkerCounters {
    pub(crate) fn violated(&self) {
        bump(&self.violations);
    }

    pub(crate) fn was_slow(&self) {
        bump(&self.slow_polls);
    }

    pub(crate) fn handed_off(&self) {
        bump(&self.handoffs);
    }

    pub(crate) fn yielded(&self) {
        bump(&self.yields);
    }
}

/// For the one writer of the counter.
fn bump(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed).wrapping_add(1), Relaxed);
}

fn figures(slot: &Slot) -> Figures {
    let counters = &slot.thread.counters;
    Figures {
        polls: slot.beat().snapshot().polls() as u64,
        stalls: slot.thread.stalls.load(Relaxed),
        violations: counters.violations.load(Relaxed),
        slow_polls: counters.slow_polls.load(Relaxed),
        handoffs: counters.handoffs.load(Relaxed),
        yields: counters.yields.load(Relaxed),
        cpu: slot.cpu_time().unwrap_or_default(),
    }
}

impl Handle {
    /// What is known of one worker thread; `None` if it has ended or never worked for this runtime.
    pub fn worker_metrics(&self, thread: ThreadId) -> Option<WorkerMetrics> {
        let slots = self.core.heart.registry.slots();
        slots.iter().find(|slot| slot.thread.id == thread).map(|slot| WorkerMetrics::of(slot))
    }

    /// Counts from zero again for one worker thread. False if there is no such thread.
    ///
    /// ```
    /// let runtime = tokio_pulse::Builder::new_multi_thread().worker_threads(1).build()?;
    /// runtime.block_on(runtime.spawn(async {})).unwrap();
    /// let worker = runtime.metrics().workers()[0].thread_id();
    /// assert!(runtime.handle().reset_worker_metrics(worker));
    /// # Ok::<(), tokio_pulse::BuildError>(())
    /// ```
    pub fn reset_worker_metrics(&self, thread: ThreadId) -> bool {
        let slots = self.core.heart.registry.slots();
        let Some(slot) = slots.iter().find(|slot| slot.thread.id == thread) else { return false };
        let taken_off = &slot.thread.counters.taken_off;
        *taken_off.lock().unwrap_or_else(PoisonError::into_inner) = figures(slot);
        true
    }
}

/// What is known of one worker thread.
#[derive(Clone, Debug)]
pub struct WorkerMetrics {
    thread: ThreadId,
    name: Option<Box<str>>,
    figures: Figures,
    number: Option<i32>,
    stalled: bool,
    in_reserve: bool,
    awake: bool,
}

impl WorkerMetrics {
    pub(crate) fn of(slot: &Slot) -> Self {
        let taken_off = &slot.thread.counters.taken_off;
        let off = *taken_off.lock().unwrap_or_else(PoisonError::into_inner);
        let now = figures(slot);
        Self {
            thread: slot.thread.id,
            name: slot.thread.name.clone(),
            figures: Figures {
                polls: now.polls.wrapping_sub(off.polls),
                stalls: now.stalls.saturating_sub(off.stalls),
                violations: now.violations.saturating_sub(off.violations),
                slow_polls: now.slow_polls.saturating_sub(off.slow_polls),
                handoffs: now.handoffs.saturating_sub(off.handoffs),
                yields: now.yields.saturating_sub(off.yields),
                cpu: now.cpu.saturating_sub(off.cpu),
            },
            number: slot.thread.number,
            stalled: slot.thread.stalled.load(Relaxed),
            in_reserve: slot.beat().snapshot().in_reserve(),
            awake: slot.is_at_work(),
        }
    }

    /// The thread.
    pub fn thread_id(&self) -> ThreadId {
        self.thread
    }

    /// The system's number of the thread, where there is one to ask by.
    pub fn thread_number(&self) -> Option<i32> {
        self.number
    }

    /// The thread's name.
    pub fn thread_name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Polls on this thread so far, the one that runs now included or not.
    ///
    /// Without `--cfg tokio_unstable` only the polls of tasks spawned through Pulse are counted.
    pub fn polls(&self) -> u64 {
        self.figures.polls
    }

    /// Stalls that were seen on this thread.
    pub fn stalls(&self) -> u64 {
        self.figures.stalls
    }

    /// Polls on this thread that were proven to have taken more than they may.
    pub fn violations(&self) -> u64 {
        self.figures.violations
    }

    /// Polls of suspects on this thread that were no violations, but no good ones either.
    pub fn slow_polls(&self) -> u64 {
        self.figures.slow_polls
    }

    /// Polls before which this thread has given its worker away, or in which it did at a
    /// [`checkpoint`](crate::checkpoint()).
    pub fn handoffs(&self) -> u64 {
        self.figures.handoffs
    }

    /// Polls on this thread that a yield point of Pulse's has ended: a
    /// [`check_and_yield`](crate::check_and_yield()) that was asked to, a budget that was used up. What Tokio's own
    /// cooperative budget ends is not counted.
    pub fn yields(&self) -> u64 {
        self.figures.yields
    }

    /// CPU time that the thread has used, with all that it did; zero where the system does not tell.
    pub fn cpu_time(&self) -> Duration {
        self.figures.cpu
    }

    /// Whether the poll that runs on this thread is stalled now.
    pub fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// Whether the thread runs tasks or looks for some. Also true of one that has given its worker away
    /// and is not back.
    pub fn is_awake(&self) -> bool {
        self.awake
    }

    /// Whether the thread is a reserve worker that is asleep now.
    pub fn is_in_reserve(&self) -> bool {
        self.in_reserve
    }
}
