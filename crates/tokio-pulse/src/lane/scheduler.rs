//! The lane: a fair queue, and the threads that serve it.
//!
//! # From a wake to a thread
//!
//! Whoever wakes an errand pushes it into `entry`, without a lock: that may be a worker, or a thread
//! of the user's. The lane's own threads take what is there into the fair queue, under its lock,
//! and take out whom the queue names next.
//!
//! **No wake is lost.** A thread that goes to sleep puts itself on the list of sleepers, and looks at
//! `entry` then; the pusher pushes first and looks at the list then. With a sequentially consistent
//! fence between the two steps on both sides, one of them sees the other. The same goes for a
//! thread that ends: it takes itself out of `live` first.
//!
//! **Nobody is forgotten at the end.** `closed` is set first and the queue emptied afterwards; who
//! pushes looks at `closed` after the push, and empties the queue as well.
//!
//! # Rejected
//!
//! * **A queue for each thread, with stealing.** Fairness is about all tasks of the lane, and polls are
//!   long: one lock, taken twice a poll, is not what the time goes to.
//! * **Tokio's blocking pool for the threads.** A thread of the lane is demoted for good, which an
//!   unprivileged process cannot always take back; the pool has others to serve.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::{Duration, Instant};

use crossbeam_queue::SegQueue;
use tokio::runtime::Handle;
use tokio_pulse_sys::IsolationKind;

use super::SchedulingAlgorithm;
use super::counters::LaneCounters;
use super::pressure::{Gauge, Seen};
use super::queue::{FairQueue, Flow};
use super::roll::Roll;
use super::seclusion::Seclusion;
use super::sleepers::Sleepers;
use super::worker;
use crate::config::ConfigHandle;
use crate::heartbeat::Heart;
use crate::intervene::warn::WarnLimit;
use crate::tier::treatment::Measured;
use crate::trace;

/// For the lottery: the same draws in every run.
const SEED: u64 = 0x5EED;

/// It is the same each time.
const WARNINGS_PER_MINUTE: u32 = 1;

/// What a lane thread runs.
pub(crate) trait Job: Send + Sync {
    fn flow(&self) -> Flow;
    /// One poll.
    fn run(self: Arc<Self>) -> Measured;
    /// The lane has no thread for it any more.
    fn send_home(self: Arc<Self>);
}

/// Which of a runtime's two lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LaneKind {
    /// For tasks of tiers with the action `slow-queue`, and for those that the user sends.
    Slow,
    /// For tasks of tiers with the action `isolate`, when there is a quota for them.
    Isolated,
}

/// A job that waits for a thread.
pub(super) struct Entry {
    pub(super) job: Arc<dyn Job>,
    pub(super) since: Instant,
}

/// What the threads and all who send something share.
pub(crate) struct Lane {
    pub(crate) kind: LaneKind,
    pub(super) seclusion: Seclusion,
    runtime: Handle,
    pub(super) heart: Arc<Heart>,
    pub(super) config: ConfigHandle,
    entry: SegQueue<Entry>,
    /// Jobs in `entry` and in the fair queue, and places that are taken for some.
    queued: AtomicUsize,
    fair: Mutex<Fair>,
    sleepers: Sleepers,
    ended: Condvar,
    /// Threads that serve, the sleeping ones included.
    live: AtomicUsize,
    /// So many are to serve.
    target: AtomicUsize,
    bound: AtomicUsize,
    batch: AtomicUsize,
    closed: AtomicBool,
    gauge: Mutex<Gauge>,
    /// All threads are stuck: nobody is to wait for them.
    stuck: AtomicBool,
    warnings: WarnLimit,
    pub(crate) counters: LaneCounters,
    pub(crate) roll: Roll,
}

struct Fair {
    algorithm: SchedulingAlgorithm,
    queue: Box<dyn FairQueue<Entry>>,
}

/// Room in the queue for one job.
pub(crate) struct Place<'a>(&'a Arc<Lane>);

impl Lane {
    pub(crate) fn new(
        kind: LaneKind,
        runtime: Handle,
        heart: Arc<Heart>,
        config: ConfigHandle,
    ) -> Self {
        let current = config.current();
        let algorithm = current.lane_algorithm();
        let gauge = Gauge::new(kind, &current, heart.began.elapsed());
        let plan = gauge.plan();
        Self {
            kind,
            seclusion: Seclusion::default(),
            runtime,
            heart,
            config,
            entry: SegQueue::new(),
            queued: AtomicUsize::new(0),
            fair: Mutex::new(Fair { algorithm, queue: algorithm.queue(SEED) }),
            sleepers: Sleepers::default(),
            ended: Condvar::new(),
            live: AtomicUsize::new(0),
            target: AtomicUsize::new(plan.threads),
            bound: AtomicUsize::new(plan.queue_bound),
            batch: AtomicUsize::new(plan.batch),
            closed: AtomicBool::new(false),
            gauge: Mutex::new(gauge),
            stuck: AtomicBool::new(false),
            warnings: WarnLimit::default(),
            counters: LaneCounters::default(),
            roll: Roll::default(),
        }
    }

    /// Whether tasks may stay here.
    pub(super) fn is_open(&self) -> bool {
        !self.is_closed() && self.config.load().lane_enabled()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// A place for one that comes from home. `None`: the lane is full, or closed.
    pub(crate) fn admit<'a>(self: &'a Arc<Self>) -> Option<Place<'a>> {
        // The plan is made now and then; a smaller setting is in force at once.
        let bound = self.bound.load(Relaxed).min(self.config.load().lane_queue());
        let one_more = |queued| (queued < bound).then_some(queued + 1);
        if self.stuck.load(Relaxed) {
            // There may be more threads by now.
            self.adapt();
        }
        if !self.is_open() || self.stuck.load(Relaxed) {
            return None;
        }
        if self.queued.fetch_update(Relaxed, Relaxed, one_more).is_err() {
            self.counters.refused();
            self.warn(bound);
            return None;
        }
        self.counters.admitted();
        Some(Place(self))
    }

    #[cold]
    fn warn(&self, bound: usize) {
        if let Some(suppressed) =
            self.warnings.admit(WARNINGS_PER_MINUTE, self.heart.began.elapsed())
        {
            crate::watchdog::contained(|| trace::lane_full(bound, suppressed));
        }
    }

    /// Queues one that is on the lane already: there is no bound for it. `Err`: the lane has closed.
    pub(crate) fn enqueue(self: &Arc<Self>, job: Arc<dyn Job>) -> Result<(), Arc<dyn Job>> {
        if self.is_closed() {
            return Err(job);
        }
        self.queued.fetch_add(1, Relaxed);
        self.push(job);
        Ok(())
    }

    fn push(self: &Arc<Self>, job: Arc<dyn Job>) {
        self.entry.push(Entry { job, since: Instant::now() });
        fence(SeqCst);
        if self.is_closed() {
            self.send_all_home();
        } else if !self.sleepers.wake_one() {
            self.start_threads();
        }
    }

    /// Starts a thread if there are fewer than there are to be.
    fn start_threads(self: &Arc<Self>) {
        let target = self.target.load(Relaxed);
        let one_more = |live| (live < target).then_some(live + 1);
        if self.live.fetch_update(SeqCst, SeqCst, one_more).is_err() {
            return;
        }
        if worker::start(self.clone()).is_ok() {
            return;
        }
        self.counters.start_failed();
        if self.live.fetch_sub(1, SeqCst) == 1 {
            // Nobody would ever come for them.
            self.send_all_home();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Fair> {
        self.fair.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a lane thread does next, up to a batch; waits for it. `done` is what it has run since it
    /// asked last. False: the thread is to end, and was taken off the list.
    pub(super) fn next(&self, done: &mut Vec<(Flow, u64)>, jobs: &mut Vec<Arc<dyn Job>>) -> bool {
        let mut fair = self.lock();
        for (flow, cost) in done.drain(..) {
            fair.queue.charge(flow, cost);
        }
        loop {
            fair.adopt(self.config.load().lane_algorithm());
            self.take_in(&mut fair);
            if self.is_closed() || self.is_too_large() {
                // Another one serves what is there: the notice of it may have come here. When the lane
                // is closed, `close` has emptied it.
                self.live.fetch_sub(1, SeqCst);
                self.ended.notify_all();
                if !fair.queue.is_empty() {
                    self.sleepers.wake_one();
                }
                return false;
            }
            // No more than its share of what is there, or another thread would have nothing to do.
            let share = fair.queue.len().div_ceil(self.live.load(Relaxed).max(1));
            let batch = self.batch.load(Relaxed).clamp(1, share.max(1));
            while jobs.len() < batch {
                let Some((_, entry)) = fair.queue.pop() else { break };
                self.queued.fetch_sub(1, Relaxed);
                self.counters.waited(entry.since.elapsed());
                jobs.push(entry.job);
            }
            if !jobs.is_empty() {
                return true;
            }
            drop(fair);
            let must_stay = || !self.entry.is_empty() || self.is_closed() || self.is_too_large();
            let timed_out = self.sleepers.sleep(worker::KEEP_ALIVE, must_stay);
            fair = self.lock();
            if timed_out {
                self.live.fetch_sub(1, SeqCst);
                fence(SeqCst);
                if self.entry.is_empty() {
                    self.ended.notify_all();
                    return false;
                }
                self.live.fetch_add(1, SeqCst);
            }
        }
    }

    fn is_too_large(&self) -> bool {
        self.live.load(SeqCst) > self.target.load(SeqCst)
    }

    fn take_in(&self, fair: &mut Fair) {
        while let Some(entry) = self.entry.pop() {
            fair.queue.push(entry.job.flow(), entry);
        }
    }

    /// A poll, as Tokio would make it: in the runtime's context, and with a cooperative budget.
    pub(crate) fn poll_in_runtime<T>(&self, mut poll: impl FnMut() -> Poll<T>) -> Poll<T> {
        self.runtime.block_on(std::future::poll_fn(|_| Poll::Ready(poll())))
    }

    /// Nobody comes any more, and those who wait go home. Threads end after the poll that they run.
    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
        fence(SeqCst);
        self.send_all_home();
        self.sleepers.wake_all();
        self.seclusion.end();
    }

    fn send_all_home(&self) {
        let mut jobs = Vec::new();
        {
            let mut fair = self.lock();
            self.take_in(&mut fair);
            while let Some((_, entry)) = fair.queue.pop() {
                self.queued.fetch_sub(1, Relaxed);
                jobs.push(entry.job);
            }
        }
        for job in jobs {
            job.send_home();
        }
    }

    /// A poll has ended.
    pub(super) fn moves_on(&self) {
        if self.stuck.load(Relaxed) {
            self.stuck.store(false, Relaxed);
        }
    }

    /// Waits until no thread of a closed lane runs anything, as Tokio waits for its workers. At most so
    /// long, if there is a limit. From a thread of the lane it returns at once.
    pub(crate) fn wait_until_ended(&self, limit: Option<Duration>) {
        if worker::is_one() {
            return;
        }
        let fair = self.lock();
        let serves = |_: &mut Fair| self.live.load(SeqCst) > 0;
        // A poisoned lock is one of the lane that has ended by a panic: nothing to wait for either.
        match limit {
            Some(limit) => drop(self.ended.wait_timeout_while(fair, limit, serves)),
            None => drop(self.ended.wait_while(fair, serves)),
        }
    }

    /// Fits threads, bound and batch to the pressure, once in a while. By anybody; one at a time.
    pub(crate) fn adapt(self: &Arc<Self>) {
        let Ok(mut gauge) = self.gauge.try_lock() else { return };
        let now = self.heart.began.elapsed();
        let config = self.config.load();
        if !gauge.is_due(&config, now) {
            return;
        }
        let seen = Seen {
            queued: self.queued.load(Relaxed),
            live: self.live.load(Relaxed),
            idle: self.sleepers.count(),
        };
        let plan = gauge.look(&config, &self.counters, seen, now);
        let stuck = gauge.is_stuck();
        drop(gauge);
        self.stuck.store(stuck, Relaxed);
        if stuck {
            self.send_all_home();
        }
        self.target.store(plan.threads, SeqCst);
        fence(SeqCst);
        self.bound.store(plan.queue_bound, Relaxed);
        self.batch.store(plan.batch, Relaxed);
        if seen.queued > 0 {
            self.start_threads();
        }
        if seen.live > plan.threads {
            self.sleepers.wake_all();
        }
    }

    /// What holds the threads to a quota, or why nothing does.
    pub(super) fn isolation(&self) -> Option<Result<IsolationKind, String>> {
        let outcome = self.seclusion.outcome()?;
        Some(match &*outcome {
            Ok(group) => Ok(group.kind()),
            Err(error) => Err(error.to_string()),
        })
    }

    pub(crate) fn queued(&self) -> usize {
        self.queued.load(Relaxed)
    }

    pub(crate) fn threads(&self) -> (usize, usize) {
        (self.live.load(Relaxed), self.target.load(Relaxed))
    }

    pub(crate) fn bound(&self) -> usize {
        self.bound.load(Relaxed)
    }
}

impl Place<'_> {
    pub(crate) fn fill(self, job: Arc<dyn Job>) {
        self.0.push(job);
    }
}

impl Fair {
    /// The algorithm may be changed while the lane works.
    fn adopt(&mut self, algorithm: SchedulingAlgorithm) {
        if algorithm == self.algorithm {
            return;
        }
        let mut queue = algorithm.queue(SEED);
        while let Some((flow, entry)) = self.queue.pop() {
            queue.push(flow, entry);
        }
        *self = Self { algorithm, queue };
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (live, target) = self.threads();
        f.debug_struct("Lane")
            .field("queued", &self.queued())
            .field("threads", &live)
            .field("target", &target)
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
