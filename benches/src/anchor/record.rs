//! What the tasks write down while they run, at the same cost as in the other programs.

use std::sync::atomic::{
    AtomicU64, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Options;

/// What a probe sleeps.
pub(crate) const TICK: Duration = Duration::from_millis(1);
/// How long after the deadline a task may still end before it counts as stuck.
const GRACE: Duration = Duration::from_secs(5);
const LOOKS: Duration = Duration::from_millis(5);
const SAMPLES: usize = 1 << 14;

#[derive(Debug)]
pub(crate) struct Record {
    begun: Instant,
    deadline: Instant,
    waits: Vec<Waits>,
    ticks: AtomicU64,
    waiters_done: AtomicUsize,
    hogs: Vec<AtomicU64>,
    hogs_done: AtomicUsize,
    burns_ns: Mutex<Vec<u64>>,
}

#[derive(Debug)]
struct Waits {
    lateness_ns: Mutex<Vec<u64>>,
    /// Since the beginning, plus one; 0 when it is not waiting.
    waiting_since_ns: AtomicU64,
}

impl Waits {
    fn new() -> Self {
        let lateness_ns = Mutex::new(Vec::with_capacity(SAMPLES));
        Self { lateness_ns, waiting_since_ns: AtomicU64::new(0) }
    }
}

impl Record {
    /// The time runs from here on.
    pub(crate) fn begin(options: &Options) -> Self {
        let begun = Instant::now();
        Self {
            begun,
            deadline: begun + options.duration(),
            waits: (0..options.probes).map(|_| Waits::new()).collect(),
            ticks: AtomicU64::new(0),
            waiters_done: AtomicUsize::new(0),
            hogs: (0..options.hogs).map(|_| AtomicU64::new(0)).collect(),
            hogs_done: AtomicUsize::new(0),
            burns_ns: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// A wait begins now; `None` when the time is over.
    #[inline]
    pub(crate) fn begin_wait(&self, id: usize) -> Option<Instant> {
        let now = Instant::now();
        if now >= self.deadline {
            return None;
        }
        let since = (now - self.begun).as_nanos() as u64 + 1;
        self.waits[id].waiting_since_ns.store(since, Relaxed);
        Some(now)
    }

    /// It should have taken `ideal`.
    #[inline]
    pub(crate) fn end_wait(&self, id: usize, begun: Instant, ideal: Duration) {
        let now = Instant::now();
        self.waits[id].waiting_since_ns.store(0, Relaxed);
        let late = (now - begun).saturating_sub(ideal).as_nanos() as u64;
        lock(&self.waits[id].lateness_ns).push(late);
        if now <= self.deadline {
            self.ticks.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn waiter_is_done(&self) {
        self.waiters_done.fetch_add(1, Release);
    }

    /// A burn that ends after the deadline is not counted.
    #[inline]
    pub(crate) fn time_burn(&self, id: usize, burn: impl FnOnce()) {
        let begun = Instant::now();
        burn();
        let now = Instant::now();
        lock(&self.burns_ns).push((now - begun).as_nanos() as u64);
        if now <= self.deadline {
            self.hogs[id].fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn hog_is_done(&self) {
        self.hogs_done.fetch_add(1, Release);
    }

    /// Returns whether somebody got stuck.
    pub(crate) fn wait_for_the_end(&self) -> bool {
        thread::sleep(self.deadline.saturating_duration_since(Instant::now()));
        let patience = self.deadline + GRACE;
        while !self.all_are_done() {
            if Instant::now() > patience {
                return true;
            }
            thread::sleep(LOOKS);
        }
        false
    }

    fn all_are_done(&self) -> bool {
        self.waiters_done.load(Acquire) >= self.waits.len()
            && self.hogs_done.load(Acquire) >= self.hogs.len()
    }

    /// The lateness of every wait, unsorted, and how many of them have not ended: these count with
    /// what they have waited so far.
    pub(crate) fn lateness_ns(&self, ideal: Duration) -> (Vec<u64>, usize) {
        let now = self.begun.elapsed().as_nanos() as u64;
        let ideal = ideal.as_nanos() as u64;
        let mut all = Vec::new();
        let mut unfinished = 0;
        for waits in &self.waits {
            all.extend_from_slice(&lock(&waits.lateness_ns));
            let since = waits.waiting_since_ns.load(Relaxed);
            if since != 0 {
                all.push((now + 1).saturating_sub(since).saturating_sub(ideal));
                unfinished += 1;
            }
        }
        (all, unfinished)
    }

    pub(crate) fn burns_ns(&self) -> Vec<u64> {
        lock(&self.burns_ns).clone()
    }

    /// Waits that ended in time.
    pub(crate) fn ticks(&self) -> u64 {
        self.ticks.load(Relaxed)
    }

    /// Burns that ended in time, of each hog.
    pub(crate) fn burns(&self) -> Vec<u64> {
        self.hogs.iter().map(|hog| hog.load(Relaxed)).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
