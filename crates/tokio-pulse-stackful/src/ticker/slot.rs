//! What the ticker knows of a thread, and how it asks.
//!
//! `beat` is written by the thread: odd while a poll runs that may be preempted, another number for
//! each stretch of it. The ticker reads no clock of the thread's, and the thread none at all: the
//! ticker remembers the beat, and when it first saw it. `asked` is written by the ticker before the
//! signal; a handler that finds another beat there than the thread's own was sent for a stretch that
//! is over. All that the signal needs to see is before it in program order, and the kernel's
//! delivery orders it.
//!
//! ```text
//!   ticker: ask                  in_flight false -> true, asked := beat, signal
//!   handler: request, decide     asked = beat? then taken (asked := 0) or refused (asked stays)
//!   handler: signal_handled      in_flight -> false
//! ```
//!
//! A request that was refused stands until the stretch ends: the next signal finds it again.

use std::sync::Arc;
use std::sync::atomic::Ordering::*;

use super::demand::Demand;
use super::watch::Sight;
use crate::deadlock::{SnapshotCell, Wait};
use crate::metrics::Counters;
use crate::sync::{AtomicBool, AtomicU64};

pub(crate) struct Slot {
    pub(crate) thread: i32,
    beat: AtomicU64,
    quantum_ns: AtomicU64,
    asked: AtomicU64,
    asked_at: AtomicU64,
    /// A signal is on its way or being handled. Real-time signals queue up, and a handler that lets
    /// its own signal in would have them all on its stack at once.
    in_flight: AtomicBool,
    /// A signal was sent to see what the poll does, not to interrupt it.
    look: AtomicBool,
    /// Nothing begins here before it says so.
    resting: AtomicBool,
    demand: std::sync::OnceLock<(Arc<Demand>, usize)>,
    wait: Wait,
    snapshot: SnapshotCell,
    counters: Counters,
}

/// What ran before, to be put back.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub(crate) struct Outer {
    running: bool,
    quantum_ns: u64,
}

impl Slot {
    pub(crate) fn new(thread: i32) -> Self {
        Self {
            thread,
            beat: AtomicU64::new(0),
            quantum_ns: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            asked_at: AtomicU64::new(0),
            in_flight: AtomicBool::new(false),
            look: AtomicBool::new(false),
            resting: AtomicBool::new(true),
            demand: std::sync::OnceLock::new(),
            wait: Wait::new(),
            snapshot: SnapshotCell::new(),
            counters: Counters::default(),
        }
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(crate) fn wait(&self) -> &Wait {
        &self.wait
    }

    pub(crate) fn snapshot(&self) -> &SnapshotCell {
        &self.snapshot
    }

    /// For a worker: nobody is preempted when nobody waits.
    pub(crate) fn set_demand(&self, demand: Arc<Demand>, worker: usize) {
        let _ = self.demand.set((demand, worker));
    }

    /// The thread is about to run polls, and has not before. The ticker is to be woken after this.
    pub(crate) fn stop_resting(&self) {
        self.resting.store(false, Relaxed);
    }

    /// Nothing runs until it stops.
    pub(crate) fn rest(&self) {
        self.resting.store(true, Relaxed);
    }

    pub(crate) fn is_resting(&self) -> bool {
        self.resting.load(Relaxed)
    }

    /// Whether there is nothing to interrupt it for: it rests, or nobody waits for it.
    pub(crate) fn is_quiet(&self) -> bool {
        self.is_resting() || !self.has_demand()
    }

    fn has_demand(&self) -> bool {
        self.demand.get().is_none_or(|(demand, worker)| demand.is_there(*worker))
    }

    /// A stretch of a poll begins. Release, so that the ticker that sees the beat sees the quantum.
    pub(crate) fn begin(&self, quantum_ns: u64) -> Outer {
        let beat = self.beat.load(Relaxed);
        let outer = Outer { running: beat % 2 == 1, quantum_ns: self.quantum_ns.load(Relaxed) };
        self.quantum_ns.store(quantum_ns, Relaxed);
        self.beat.store(beat + if outer.running { 2 } else { 1 }, Release);
        outer
    }

    /// It is over; what ran around it goes on.
    pub(crate) fn end(&self, outer: Outer) {
        let beat = self.beat.load(Relaxed);
        self.quantum_ns.store(outer.quantum_ns, Relaxed);
        self.beat.store(beat + if outer.running { 2 } else { 1 }, Release);
    }

    /// In the handler: when the running stretch was asked to stop, if it was.
    pub(crate) fn request(&self) -> Option<u64> {
        let asked = self.asked.load(Acquire);
        (asked == self.beat.load(Relaxed) && asked % 2 == 1).then(|| self.asked_at.load(Relaxed))
    }

    /// A request is answered once.
    pub(crate) fn take_request(&self) {
        self.asked.store(0, Relaxed);
    }

    /// In the handler: whether the signal was only sent for a look.
    pub(crate) fn take_look(&self) -> bool {
        self.look.load(Relaxed) && self.look.swap(false, Relaxed)
    }

    /// In the handler: what the running stretch waits for.
    pub(crate) fn note_wait(&self, address: Option<u64>, now: u64) {
        self.wait.note(self.beat.load(Relaxed), address, now);
    }

    /// In the handler, as the last thing before it returns or leaves: another signal may come.
    pub(crate) fn signal_handled(&self) {
        self.in_flight.store(false, Release);
    }

    /// Whether the ticker must send a signal. One that is still on its way does for this request.
    #[must_use]
    pub(crate) fn ask(&self, beat: u64, now: u64) -> bool {
        let in_flight = self.in_flight.swap(true, Acquire);
        if !in_flight || self.asked.load(Relaxed) != beat {
            self.asked_at.store(now, Relaxed);
        }
        self.asked.store(beat, Release);
        !in_flight
    }

    /// The same for a signal that only looks.
    #[must_use]
    pub(crate) fn ask_for_look(&self) -> bool {
        self.look.store(true, Relaxed);
        !self.in_flight.swap(true, Acquire)
    }

    pub(crate) fn sight(&self) -> Sight {
        let beat = self.beat.load(Acquire);
        Sight { beat, quantum_ns: self.quantum_ns.load(Relaxed), demand: self.has_demand() }
    }
}
