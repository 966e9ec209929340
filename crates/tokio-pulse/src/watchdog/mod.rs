//! The thread that watches. The essay is in `README.md` beside this file.

pub(crate) mod accuse;
pub(crate) mod doze;
pub(crate) mod pace;
pub(crate) mod roster;
pub(crate) mod scan;
pub(crate) mod tell;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_pulse_sys::{RunState, ThreadScheduling};

use crate::config::TierConfig;
use crate::cpu_timer;
use crate::heartbeat::hooks::Observer;
use crate::heartbeat::slot::Slot;
use crate::heartbeat::{Heart, Party};
use crate::intervene::demote::Means;
use crate::metrics::counters::Counters;
use crate::pulse::Core;
use crate::rescue::Rescuer;
use crate::trace;
use pace::{Activity, Pace, Rest};
use roster::Unit;
use scan::{Evidence, Verdict};
use tell::Teller;

/// Short enough for Linux, which cuts a thread's name after 15 bytes.
const THREAD_NAME: &str = "pulse-watchdog";

/// The numbers of the stalls of this process. 0 is none.
static NEXT_STALL: AtomicU64 = AtomicU64::new(1);

/// How often the memory of offences is left to fade.
const TIDY: Duration = Duration::from_secs(1);

/// The watching half: looks, judges, and tells the rescuer.
pub(crate) struct Watchdog {
    core: Arc<Core>,
    observer: Observer,
    units: Vec<Unit>,
    rescuer: Rescuer,
    teller: Teller,
    pace: Pace,
    /// Dozes in a row that found somebody awake who did nothing.
    vigils: u32,
    /// When the record of offenders was tidied up last.
    tidied: Duration,
}

/// What one scan saw, all units together.
#[derive(Debug, Default)]
struct Tally {
    /// Workers stuck in a poll that has outlived its slice.
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
            observer: Observer::new(core.heart.clone(), &runtime),
            teller: Teller::new(core.reports.clone(), core.heart.clone(), runtime.metrics()),
            rescuer: Rescuer::new(core.clone(), runtime),
            units: Vec::new(),
            pace: Pace::new(core.config.slice),
            vigils: 0,
            tidied: Duration::ZERO,
            core,
        }
    }

    pub(crate) fn start(self) -> io::Result<WatchdogThread> {
        thread::Builder::new().name(THREAD_NAME.into()).spawn(|| self.run()).map(WatchdogThread)
    }

    fn run(mut self) {
        // It runs for some microseconds at a time, and is not to wait for those it watches. No more than
        // a wish: where the kernel takes none it waits its turn. On Linux its threads for reports
        // inherit it.
        let _ = ThreadScheduling::of_current_thread().and_then(|thread| thread.hasten());
        // Before the first doze, or a worker might find nobody to wake.
        self.core.heart.set_watcher(thread::current());
        let limits = self.core.tiers.config().report_limits();
        contained(|| self.teller.settle(limits, Duration::ZERO));
        // Takes a while for the first runtime of a process; no poll is to wait for it.
        Means::here();
        while !self.core.is_stopped() {
            self.observer.sync(&mut self.units);
            let now = self.core.heart.began.elapsed();
            let tally = self.scan(now);
            if tally.activity.lively || tally.activity.turn {
                self.vigils = 0;
            }
            if now.saturating_sub(self.tidied) >= TIDY {
                self.tidied = now;
                self.core.tiers.tidy(now);
                let limits = self.core.tiers.config().report_limits();
                contained(|| self.teller.settle(limits, now));
                cpu_timer::recalibrate_if_stale();
            }
            let mut activity = tally.activity;
            for lane in [&self.core.lane, &self.core.isolated] {
                if lane.queued() > 0 {
                    lane.adapt();
                    activity.lively = true;
                }
            }
            match self.pace.next(activity, now) {
                Rest::Nap(time) => thread::park_timeout(time),
                Rest::Doze(limit) => self.doze(limit),
            }
        }
        // Nobody watches from here on, so nothing is known to be stalled.
        self.core.counters.set_in_progress(0);
        self.core.heart.set_armed(Party::Reports, false);
        for slot in self.units.iter().filter_map(|unit| unit.slot.as_ref()) {
            accuse::let_go(slot);
        }
        if self.core.is_runtime_ending() {
            // Nobody asks any more, and a loop that waits to be asked would keep the runtime alive.
            self.core.heart.ask_for_good();
        }
    }

    /// The slice may be changed while the runtime runs.
    fn adopt_slice(&mut self, config: &TierConfig) -> Duration {
        let slice = config.slice();
        self.pace.set_slice(slice);
        self.rescuer.set_slice(slice);
        slice
    }

    fn scan(&mut self, now: Duration) -> Tally {
        self.core.counters.looked();
        let config = self.core.tiers.config();
        let slice = self.adopt_slice(&config);
        let mut tally = Tally::default();
        for index in 0..self.units.len() {
            let sample = self.observer.sample(index, &self.units[index]);
            let Unit { slot, memory, stall } = &mut self.units[index];
            let heart = &*self.core.heart;
            let suspect = Suspect { observer: &self.observer, index, slot: slot.as_deref(), heart };
            let verdict = memory.look(sample, now, slice, &suspect);
            tally.add(verdict);
            tally.activity.add_deadline(memory.deadline(slice));
            count(&self.core.counters, verdict);
            if matches!(verdict, Verdict::StallBegan { .. }) {
                *stall = NEXT_STALL.fetch_add(1, Relaxed);
            }
            if let Some(slot) = slot {
                // First: what follows may take some system calls.
                match memory.beat().filter(|_| memory.is_due(now, slice)) {
                    Some(beat) => slot.line.due.ask(beat),
                    None => slot.line.due.withdraw(),
                }
                let charge = accuse::note(slot, memory, verdict, *stall, &config, &self.core.heart);
                if let Verdict::StallEnded { lasted } = verdict {
                    self.teller.ended(slot, *stall, charge, lasted);
                }
            }
        }
        let outcome = self.rescuer.adapt(tally.held, tally.lingering, tally.fresh > 0, now);
        tally.activity.settling = !self.rescuer.is_at_rest();

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
        if let (1.., Some(limits)) = (tally.stalls, config.report_limits()) {
            let Self { teller, units, observer, .. } = self;
            // A sink or a subscriber may be asked what it wants.
            contained(|| teller.tell(units, observer, limits, slice, now));
        }
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
            // It may begin a poll without another hook. But one that has done nothing for long, as
            // the thread of a current-thread runtime outside of `block_on`, is left more and more
            // alone.
            let slice = self.pace.slice();
            let pause = slice.saturating_mul(1 << self.vigils.min(16));
            thread::park_timeout(pause.min(pace::GLANCE.max(slice)));
            self.vigils = self.vigils.saturating_add(1);
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
                self.fresh += 1;
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
            Verdict::Unheard { first } => {
                self.held += 1;
                self.fresh += usize::from(first);
                activity.lively = true;
            }
            Verdict::Descheduled { first } => {
                // No stand-in: the processors are what is short, and one more thread that wants
                // one would only set the others aside for longer.
                self.fresh += usize::from(first);
                activity.lively = true;
            }
            Verdict::StallEnded { .. } => activity.turn = true,
        }
    }
}

fn count(counters: &Counters, verdict: Verdict) {
    match verdict {
        Verdict::StallBegan { elapsed: lasted, .. } | Verdict::Stalled { elapsed: lasted } => {
            counters.stall_lasted(lasted)
        }
        Verdict::StallEnded { lasted } => counters.stall_ended(lasted),
        Verdict::Descheduled { first: true } => counters.was_descheduled(),
        _ => {}
    }
}

/// Code that is not ours, such as a `tracing` subscriber or a spawn hook, may panic. The watch goes
/// on.
pub(crate) fn contained(f: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(f));
}

/// One unit under suspicion, and where to ask about it.
struct Suspect<'a> {
    observer: &'a Observer,
    index: usize,
    slot: Option<&'a Slot>,
    heart: &'a Heart,
}

impl Evidence for Suspect<'_> {
    fn holds_worker(&self) -> bool {
        self.observer.holds_worker(self.index, self.slot)
    }

    fn run_state(&self) -> Option<RunState> {
        // A failing probe, with no file descriptor left, say, gives the benefit of the doubt.
        Some(self.slot?.thread.probe.as_ref()?.state().unwrap_or(RunState::Runnable))
    }

    fn run_delay(&self) -> Option<Duration> {
        self.slot?.run_delay()
    }

    fn others_waited(&self) -> Option<Duration> {
        let slot = self.slot.filter(|slot| slot.waits_for_thread())?;
        Some(self.heart.registry.others_waited(slot))
    }

    fn now(&self) -> Duration {
        self.heart.began.elapsed()
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

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;
    use scan::Cause;

    /// Whatever it is that holds a worker for the first time, somebody is told to look after the
    /// driver, also when the looks before came too late to see it linger.
    #[test]
    fn every_way_to_be_held_is_fresh_once() {
        let elapsed = Duration::from_millis(10);
        for first in [
            Verdict::Lingering { first: true },
            Verdict::Unheard { first: true },
            Verdict::StallBegan { cause: Cause::Computing, elapsed },
        ] {
            let mut tally = Tally::default();
            tally.add(first);
            assert_eq!((tally.fresh, tally.held + tally.lingering), (1, 1), "{first:?}");
        }
        for later in [
            Verdict::Lingering { first: false },
            Verdict::Unheard { first: false },
            Verdict::Stalled { elapsed },
        ] {
            let mut tally = Tally::default();
            tally.add(later);
            assert_eq!((tally.fresh, tally.held + tally.lingering), (0, 1), "{later:?}");
        }
        let mut tally = Tally::default();
        tally.add(Verdict::Descheduled { first: true });
        assert_eq!((tally.fresh, tally.held), (1, 0));
    }
}
