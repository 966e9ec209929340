//! All that Pulse keeps of one thread.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use tokio::task::Id;
use tokio_pulse_sys::{
    ThreadCpuClock, ThreadProbe, ThreadScheduling, current_thread_number, thread_activity,
};

use super::beat::Beat;
use super::charge::ChargeSheet;
use super::pool::PooledLine;
use crate::metrics::worker::WorkerCounters;
use crate::task::TaskContext;

/// No stall has a number that large.
const END_TOLD: u64 = 1 << 63;

/// One thread of one runtime.
///
/// The line is elsewhere, on cache lines of its own: it is written at every poll, the rest almost
/// never.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) line: PooledLine,
    /// Never used twice in a process.
    #[allow(dead_code, reason = "names the slot in a claim, on stable Tokio")]
    pub(crate) serial: u64,
    pub(crate) thread: Identity,
}

#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) id: ThreadId,
    pub(crate) name: Option<Box<str>>,
    pub(crate) cpu: Option<ThreadCpuClock>,
    /// The system's number of it, by which it is asked for its stack: also where nothing tells its state.
    pub(crate) number: Option<i32>,
    pub(crate) probe: Option<ThreadProbe>,
    pub(crate) scheduling: Option<ThreadScheduling>,
    pub(crate) charge: ChargeSheet,
    pub(crate) counters: WorkerCounters,
    /// The worker that the thread has claimed last. Written by the thread.
    #[allow(dead_code, reason = "stable Tokio does not tell which thread runs a worker")]
    pub(crate) worker: AtomicUsize,
    /// Stalls that began on this thread. Written by the watchdog.
    pub(crate) stalls: AtomicU64,
    /// The number of the stall that was reported last, or 0; with [`END_TOLD`] once its end was told. Set by
    /// the watchdog, and marked by whichever of the two sees the end first.
    pub(crate) told: AtomicU64,
    /// What was said of the task that is polled, if it was. Written by the thread while it is armed.
    pub(crate) described: Mutex<Option<(Id, Arc<TaskContext>)>>,
    /// Whether a stall is in progress. Written by the watchdog.
    pub(crate) stalled: AtomicBool,
    /// The thread has ended. Written by the thread, last.
    retired: AtomicBool,
}

impl Slot {
    /// The slot of the calling thread.
    pub(crate) fn of_current_thread() -> Self {
        static NEXT_SERIAL: AtomicU64 = AtomicU64::new(0);
        let thread = thread::current();
        Self {
            serial: NEXT_SERIAL.fetch_add(1, Relaxed),
            line: PooledLine::take(),
            thread: Identity {
                id: thread.id(),
                name: thread.name().map(Box::from),
                // Without them the watchdog goes by wall-clock time alone; `Capabilities` says so.
                cpu: ThreadCpuClock::of_current_thread().ok(),
                number: current_thread_number().ok(),
                probe: ThreadProbe::of_current_thread().ok(),
                scheduling: ThreadScheduling::of_current_thread().ok(),
                charge: ChargeSheet::default(),
                counters: WorkerCounters::default(),
                worker: AtomicUsize::new(usize::MAX),
                stalls: AtomicU64::new(0),
                told: AtomicU64::new(0),
                described: Mutex::default(),
                stalled: AtomicBool::new(false),
                retired: AtomicBool::new(false),
            },
        }
    }

    pub(crate) fn beat(&self) -> &Beat {
        &self.line.beat
    }

    /// Watchdog: that stall is about to be reported, for the first time or again, so its end is to be told.
    /// What was there before, for [`unreport`](Self::unreport); `None` if its end has been told already: a
    /// thread's beat stands still from the end of a poll to its next one, so it looks stuck for a little longer.
    pub(crate) fn report(&self, stall: u64) -> Option<u64> {
        let set = |told| (told != stall | END_TOLD).then_some(stall);
        self.thread.told.fetch_update(Relaxed, Relaxed, set).ok()
    }

    /// Watchdog: it was not reported after all. An end that was told meanwhile stays told.
    pub(crate) fn unreport(&self, stall: u64, before: u64) {
        let _ = self.thread.told.compare_exchange(stall, before, Relaxed, Relaxed);
    }

    /// Whether the end of that stall is to be told, and by the caller.
    pub(crate) fn take_told(&self, stall: u64) -> bool {
        self.thread.told.compare_exchange(stall, stall | END_TOLD, Relaxed, Relaxed).is_ok()
    }

    /// The CPU time of the thread; `None` where the system does not tell.
    pub(crate) fn cpu_time(&self) -> Option<Duration> {
        self.thread.cpu.as_ref()?.read().ok()
    }

    /// For how long the thread has waited for a processor; `None` where the system does not tell.
    pub(crate) fn run_delay(&self) -> Option<Duration> {
        self.thread.probe.as_ref()?.run_delay().ok()
    }

    /// Whether the thread sleeps until another thread does something, such as to give back a lock. Reads some
    /// small files.
    pub(crate) fn waits_for_thread(&self) -> bool {
        let activity = self.thread.number.and_then(|number| thread_activity(number).ok());
        activity.is_some_and(|activity| activity.waits_for_thread())
    }

    /// Thread: it polls a task that was described when it was spawned.
    pub(crate) fn describe(&self, task: Id, context: &Arc<TaskContext>) {
        *self.described() = Some((task, context.clone()));
    }

    /// What that task is called, if it is the one that was described last.
    pub(crate) fn name_of(&self, task: Id) -> Option<String> {
        let described = self.described();
        let (_, context) = described.as_ref().filter(|(described, _)| *described == task)?;
        context.name().map(str::to_owned)
    }

    fn described(&self) -> MutexGuard<'_, Option<(Id, Arc<TaskContext>)>> {
        self.thread.described.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the thread is awake for something other than ballast.
    pub(crate) fn is_at_work(&self) -> bool {
        let beat = self.beat().snapshot();
        (beat.is_awake() || beat.in_poll()) && !beat.in_reserve()
    }

    /// Whether the thread sleeps in Tokio's park, from which work, timers and sockets wake it.
    pub(crate) fn is_idle(&self) -> bool {
        let beat = self.beat().snapshot();
        !(beat.is_awake() || beat.in_poll() || beat.in_reserve() || self.is_retired())
    }

    pub(crate) fn retire(&self) {
        self.thread.retired.store(true, Relaxed);
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.thread.retired.load(Relaxed)
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_stall_is_told_once_however_often_it_is_reported() {
        let slot = Slot::of_current_thread();
        assert!(!slot.take_told(7), "nobody was told that it began");
        assert_eq!(slot.report(7), Some(0));
        assert_eq!(slot.report(7), Some(7), "it goes on");
        assert!(slot.take_told(7));
        // The watchdog has looked before the poll ended, and comes to report only now.
        assert_eq!(slot.report(7), None);
        assert!(!slot.take_told(7));

        let before = slot.report(8).unwrap();
        slot.unreport(8, before);
        assert!(!slot.take_told(8), "its report was dropped");
        assert_eq!(slot.report(7), None);
    }
}
