//! The thread that watches. The essay is in `README.md` beside this file.

pub(crate) mod doze;
pub(crate) mod pace;
pub(crate) mod roster;
pub(crate) mod scan;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio_pulse_sys::RunState;

use crate::heartbeat::hooks::Observer;
use crate::heartbeat::slot::Slot;
use crate::metrics::counters::Counters;
use crate::pulse::Core;
use crate::rescue::Rescuer;
use crate::trace;
use pace::{Activity, Pace, Rest};
use roster::Unit;
use scan::{Evidence, Verdict};

/// Short enough for Linux, which cuts a thread's name after 15 bytes.
const THREAD_NAME: &str = "pulse-watchdog";

/// The watching half: looks, judges, and tells the rescuer.
pub(crate) struct Watchdog {
    core: Arc<Core>,
    observer: Observer,
    units: Vec<Unit>,
    rescuer: Rescuer,
    pace: Pace,
    began: Instant,
}

/// What one scan saw, all units together.
#[derive(Debug, Default)]
struct Tally {
    /// Workers in a poll that has outlived its slice, with or without blame.
    held: usize,
    /// Workers in a poll that has used up a part of it.
    lingering: usize,
    /// Of both, the ones that were not at the last scan.
    fresh: usize,
    stalls: usize,
    began: usize,
    activity: Activity,
}

impl Watchdog {
    pub(crate) fn new(core: Arc<Core>, runtime: Handle) -> Self {
        Self {
            observer: Observer::new(core.heart.clone(), runtime.metrics()),
            rescuer: Rescuer::new(core.clone(), runtime),
            units: Vec::new(),
            pace: Pace::new(core.config.slice),
            began: Instant::now(),
            core,
        }
    }

    pub(crate) fn start(self) -> io::Result<WatchdogThread> {
        let heart = self.core.heart.clone();
        let thread = thread::Builder::new().name(THREAD_NAME.into()).spawn(move || self.run())?;
        heart.set_watcher(thread.thread().clone());
        Ok(WatchdogThread(thread))
    }

    fn run(mut self) {
        while !self.core.is_stopped() {
            self.observer.sync(&mut self.units);
            let now = self.began.elapsed();
            let tally = self.scan(now);
            match self.pace.next(tally.activity, now) {
                Rest::Nap(time) => thread::park_timeout(time),
                Rest::Doze(limit) => self.doze(limit),
            }
        }
    }

    fn scan(&mut self, now: Duration) -> Tally {
        self.core.counters.looked();
        let slice = self.core.config.slice;
        let mut tally = Tally::default();
        for index in 0..self.units.len() {
            let sample = self.observer.sample(index, &self.units[index]);
            let Unit { slot, memory } = &mut self.units[index];
            let suspect = Suspect { observer: &self.observer, index, slot: slot.as_deref() };
            let verdict = memory.look(sample, now, slice, &suspect);
            tally.add(verdict);
            count(&self.core.counters, verdict);
            if let Some(slot) = slot {
                note_on_slot(slot, verdict);
            }
        }
        let outcome = self.rescuer.adapt(tally.held, tally.lingering, tally.fresh > 0, now);
        tally.activity.lively |= !self.rescuer.is_at_rest() && tally.stalls == 0;

        let counters = &self.core.counters;
        let unrescued = outcome.missing.min(tally.began);
        counters.stalls_began(tally.began, unrescued);
        counters.set_in_progress(tally.stalls);
        if outcome.ran_out {
            counters.ran_out();
            let reserve = self.core.config.reserve;
            contained(|| trace::reserve_ran_out(reserve, outcome.missing));
        }
        self.report(&tally, unrescued);
        tally
    }

    /// Tells people, after everything that is urgent has been done.
    fn report(&mut self, tally: &Tally, unrescued: usize) {
        if !tally.activity.turn {
            return;
        }
        let mut to_rescue = tally.began - unrescued;
        for unit in &self.units {
            match unit.memory.last_verdict() {
                Verdict::StallBegan { cause, elapsed } => {
                    let rescued = to_rescue > 0;
                    to_rescue = to_rescue.saturating_sub(1);
                    contained(|| trace::stall_began(unit.thread_name(), cause, elapsed, rescued));
                }
                Verdict::StallEnded { lasted } => {
                    contained(|| trace::stall_ended(unit.thread_name(), lasted));
                }
                _ => {}
            }
        }
    }

    /// Sleeps until a hook says that a worker woke up; see [`doze`] for why none is missed.
    fn doze(&mut self, limit: Option<Duration>) {
        self.core.heart.doze.announce();
        self.observer.sync(&mut self.units);
        let somebody_is_up = self.units.iter().enumerate().any(|(index, unit)| {
            unit.is_awake()
                && !unit.memory.is_stalled()
                && self.observer.holds_worker(index, unit.slot.as_deref())
        });
        if somebody_is_up {
            thread::park_timeout(self.core.config.slice);
        } else {
            match limit {
                Some(limit) => thread::park_timeout(limit),
                None => thread::park(),
            }
        }
        self.core.heart.doze.withdraw();
    }
}

impl Tally {
    fn add(&mut self, verdict: Verdict) {
        let activity = &mut self.activity;
        match verdict {
            Verdict::Idle => {}
            Verdict::Lively => activity.lively = true,
            Verdict::Lingering { first } => {
                self.lingering += 1;
                self.fresh += usize::from(first);
                activity.lively = true;
            }
            Verdict::StallBegan { elapsed, .. } => {
                self.held += 1;
                self.stalls += 1;
                self.began += 1;
                activity.turn = true;
                activity.add_stall(elapsed);
            }
            Verdict::Stalled { elapsed } => {
                self.held += 1;
                self.stalls += 1;
                activity.add_stall(elapsed);
            }
            Verdict::Descheduled { .. } => {
                self.held += 1;
                activity.lively = true;
            }
            Verdict::StallEnded { .. } => activity.turn = true,
        }
    }
}

fn count(counters: &Counters, verdict: Verdict) {
    match verdict {
        Verdict::StallBegan { elapsed: lasted, .. }
        | Verdict::Stalled { elapsed: lasted }
        | Verdict::StallEnded { lasted } => counters.stall_lasted(lasted),
        Verdict::Descheduled { first: true } => counters.was_descheduled(),
        _ => {}
    }
}

fn note_on_slot(slot: &Slot, verdict: Verdict) {
    match verdict {
        Verdict::StallBegan { .. } => {
            let stalls = &slot.thread.stalls;
            stalls.store(stalls.load(Relaxed) + 1, Relaxed);
            slot.thread.stalled.store(true, Relaxed);
        }
        Verdict::StallEnded { .. } => slot.thread.stalled.store(false, Relaxed),
        _ => {}
    }
}

/// Code that is not ours, such as a `tracing` subscriber, may panic. The watch goes on.
fn contained(f: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(f));
}

/// One unit under suspicion, and where to ask about it.
struct Suspect<'a> {
    observer: &'a Observer,
    index: usize,
    slot: Option<&'a Slot>,
}

impl Evidence for Suspect<'_> {
    fn holds_worker(&self) -> bool {
        self.observer.holds_worker(self.index, self.slot)
    }

    fn run_state(&self) -> Option<RunState> {
        self.slot?.thread.probe.as_ref()?.state().ok()
    }
}

/// The running thread.
#[derive(Debug)]
pub(crate) struct WatchdogThread(JoinHandle<()>);

impl WatchdogThread {
    /// Waits for its end, unless the caller is that thread itself: a `tracing` subscriber may own
    /// the runtime.
    pub(crate) fn join(self) {
        if self.0.thread().id() != thread::current().id() {
            // The thread contains all panics, so there is no result to look at.
            let _ = self.0.join();
        }
    }
}
