//! What the threads of a runtime tell the watchdog, at the price of a plain store a poll.

pub(crate) mod attention;
pub(crate) mod beat;
pub(crate) mod charge;
pub(crate) mod due;
pub(crate) mod hooks;
pub(crate) mod named;
pub(crate) mod pool;
pub(crate) mod registry;
pub(crate) mod seat;
pub(crate) mod slot;
pub(crate) mod timing;
pub(crate) mod woken;

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use tokio_pulse_sys::ThreadScheduling;

use crate::watchdog::doze::Doze;
use pool::{Line, PooledLine};
use registry::Registry;
use slot::Slot;
use timing::PollClock;

/// How the threads of a runtime beat; see [`beat`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "stable Tokio has no poll hooks")]
pub(crate) enum Rhythm {
    /// Before each poll.
    Tick,
    /// Before and after each poll.
    Bracket,
}

/// Who may want to be asked at the beginning of each poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Party {
    /// The tiers: there are suspects.
    Tiers = 1,
    /// The user's hooks.
    Hooks = 2,
    /// The reports of stalls: whose polls they are.
    Reports = 4,
}

/// The worker side of one runtime: what its hooks need, shared by all of them.
#[derive(Debug)]
pub(crate) struct Heart {
    /// Never used twice in a process, unlike an address.
    pub(crate) id: u64,
    #[allow(dead_code, reason = "stable Tokio has no poll hooks")]
    pub(crate) rhythm: Rhythm,
    /// Polls are timed, by this.
    pub(crate) poll_clock: Option<PollClock>,
    pub(crate) registry: Registry,
    pub(crate) doze: Doze,
    armed: AtomicUsize,
    /// Every poll is to make room. Changes while threads are told.
    ending: AtomicBool,
    /// Those of the threads of the lanes, which nobody watches.
    lane_lines: Mutex<Vec<&'static Line>>,
    /// The threads that are demoted, each as often as it is. Held while threads are told of a
    /// change, so that the last change is what they know.
    telling: Mutex<Vec<ThreadScheduling>>,
    /// The kernel's time slice for the threads, in nanoseconds; 0 for the kernel's own.
    worker_slice: AtomicU64,
    /// All times of this runtime count from here.
    pub(crate) began: Instant,
    /// The niceness of the thread that built the runtime, which all others are to have.
    nice: Option<i32>,
    /// Whether it had a scheduling policy with slices: not the idle one.
    sliced: bool,
    /// The watchdog, once it runs.
    watcher: OnceLock<Thread>,
}

impl Heart {
    pub(crate) fn new(rhythm: Rhythm, workers: usize, poll_clock: Option<PollClock>) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        let thread = ThreadScheduling::of_current_thread().ok();
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            rhythm,
            poll_clock,
            registry: Registry::new(workers),
            doze: Doze::new(),
            armed: AtomicUsize::new(0),
            ending: AtomicBool::new(false),
            lane_lines: Mutex::new(Vec::new()),
            telling: Mutex::new(Vec::new()),
            worker_slice: AtomicU64::new(0),
            began: Instant::now(),
            nice: thread.and_then(|thread| thread.nice().ok()),
            sliced: thread.is_some_and(|thread| thread.slice().is_ok()),
            watcher: OnceLock::new(),
        }
    }

    /// Makes known who is to be woken when work begins.
    pub(crate) fn set_watcher(&self, watcher: Thread) {
        // Set once, by the start of the only watchdog of this runtime.
        let _ = self.watcher.set(watcher);
    }

    pub(crate) fn wake_watcher(&self) {
        if let Some(watcher) = self.watcher.get() {
            watcher.unpark();
        }
    }

    /// Hook: a thread of the runtime starts. The kernel lets it inherit what was done to the thread
    /// that started it, which may be that of an offender.
    pub(crate) fn thread_started(&self) {
        let Ok(thread) = ThreadScheduling::of_current_thread() else { return };
        let Some(nice) = self.nice else { return };
        // The errors are of systems where nothing was done either.
        if self.sliced && thread.slice().is_err() {
            let _ = thread.set_idle(false);
        }
        if thread.nice().is_ok_and(|inherited| inherited != nice) {
            let _ = thread.set_nice(nice);
        }
        let _ = thread.set_slice(self.worker_slice());
    }

    /// Hook: the thread goes to Tokio's park.
    pub(crate) fn park(&self) {
        hooks::on_park_or_unpark(self, |line| line.beat.park());
    }

    /// Hook: the thread has left Tokio's park.
    pub(crate) fn unpark(&self) {
        // Out of a system call, beside which a look at the clock is nothing.
        let now = hooks::POLL_HOOKS.then(|| self.began.elapsed());
        hooks::on_park_or_unpark(self, |line| {
            if let Some(now) = now {
                line.woken.note(now, line.beat.snapshot());
            }
            line.beat.unpark();
        });
        if self.doze.must_wake() {
            self.wake_watcher();
        }
    }

    /// Somebody wants to be asked at the beginning of each poll, or does not any more.
    pub(crate) fn set_armed(&self, who: Party, armed: bool) {
        let bit = who as usize;
        if self.is_armed_for(who) == armed {
            return;
        }
        let _telling = self.telling();
        if armed {
            self.armed.fetch_or(bit, Ordering::Relaxed);
        } else {
            self.armed.fetch_and(!bit, Ordering::Relaxed);
        }
        for slot in self.registry.slots() {
            slot.line.attention.set_armed(self.is_armed());
        }
    }

    pub(crate) fn is_armed_for(&self, who: Party) -> bool {
        self.armed.load(Ordering::Relaxed) & who as usize != 0
    }

    fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Relaxed) != 0
    }

    /// Watchdog, as its last act: every poll is to make room, on threads that come later too.
    pub(crate) fn ask_for_good(&self) {
        let _telling = self.telling();
        self.ending.store(true, Ordering::Relaxed);
        for slot in self.registry.slots() {
            slot.line.due.ask_for_good();
        }
        for line in self.lane_lines().iter() {
            line.due.ask_for_good();
        }
    }

    fn lane_lines(&self) -> MutexGuard<'_, Vec<&'static Line>> {
        self.lane_lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The line of a thread of a lane: its yield points are asked at the end of the runtime, and not before.
    pub(crate) fn lane_line(&self) -> LaneLine<'_> {
        let line = PooledLine::take();
        let _telling = self.telling();
        if self.ending.load(Ordering::Relaxed) {
            line.due.ask_for_good();
        }
        self.lane_lines().push(line.forever());
        LaneLine { heart: self, line }
    }

    /// What the kernel's time slice of the threads is when they are not demoted; `None` for the
    /// kernel's own.
    pub(crate) fn worker_slice(&self) -> Option<Duration> {
        match self.worker_slice.load(Ordering::Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    fn telling(&self) -> MutexGuard<'_, Vec<ThreadScheduling>> {
        self.telling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a thread another slice, until [`restore_slice`](Self::restore_slice). False: the kernel
    /// does not, and there is nothing to restore.
    pub(crate) fn demote_slice(&self, thread: ThreadScheduling, slice: Duration) -> bool {
        let mut telling = self.telling();
        let done = thread.set_slice(Some(slice)).is_ok();
        if done {
            telling.push(thread);
        }
        done
    }

    /// Takes one demotion back, and gives the thread the slice of the others if it was the last.
    pub(crate) fn restore_slice(&self, thread: ThreadScheduling) {
        let mut telling = self.telling();
        if let Some(index) = telling.iter().position(|demoted| *demoted == thread) {
            telling.swap_remove(index);
        }
        if !telling.contains(&thread) {
            let _ = thread.set_slice(self.worker_slice());
        }
    }

    /// Sets that slice for all threads, and for those that come later. A demoted thread gets it
    /// when it is taken back.
    pub(crate) fn set_worker_slice(&self, slice: Option<Duration>) {
        let nanos = slice.map_or(0, |slice| slice.as_nanos() as u64);
        let telling = self.telling();
        if self.worker_slice.swap(nanos, Ordering::Relaxed) == nanos {
            return;
        }
        for slot in self.registry.slots() {
            // A demoted thread is given the new slice when it is taken back. The errors are of
            // threads that have ended.
            if let Some(thread) = slot.thread.scheduling.filter(|t| !telling.contains(t)) {
                let _ = thread.set_slice(self.worker_slice());
            }
        }
    }

    /// A thread shows itself for the first time.
    fn register(&self, slot: Arc<Slot>) {
        {
            let _telling = self.telling();
            slot.line.attention.set_armed(self.is_armed());
            if self.ending.load(Ordering::Relaxed) {
                slot.line.due.ask_for_good();
            }
            if let (Some(slice), Some(thread)) = (self.worker_slice(), slot.thread.scheduling) {
                let _ = thread.set_slice(Some(slice));
            }
            self.registry.register(slot);
        }
        if self.doze.must_wake() {
            self.wake_watcher();
        }
    }
}

/// A line that nobody watches.
pub(crate) struct LaneLine<'a> {
    heart: &'a Heart,
    line: PooledLine,
}

impl LaneLine<'_> {
    /// Thread: a poll begins.
    pub(crate) fn begin_poll(&self) {
        self.line.beat.tick();
        seat::sit_on(self.line.forever());
    }
}

impl Drop for LaneLine<'_> {
    fn drop(&mut self) {
        let line = self.line.forever();
        seat::leave(line);
        self.heart.lane_lines().retain(|other| !ptr::eq(*other, line));
    }
}
