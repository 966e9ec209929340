//! One poll of a suspect, from before it begins until after it has ended.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::task::Id;
use tokio_pulse_sys::{
    ThreadCpuClock, ThreadRunDelay, ThreadScheduling, current_thread_sleeps, threads_set_aside,
};

use super::accusation::Accusation;
use super::sites::Site;
use super::{InterventionAction, Tier};
use crate::config::TierConfig;
use crate::heartbeat::{Heart, hooks};
use crate::intervene::demote::{Demoted, Means, Sentence};
use crate::intervene::gate::{Gate, House, Permit};
use crate::intervene::handoff::{self, Handoff};
use crate::intervene::places::{Place, Places};
use crate::intervene::squeeze;
use crate::lane::queue::Flow;
use crate::metrics::tier_counters::TierCounters;
use crate::trace::{Intervention, Outcome, TreatedPoll};
use crate::watchdog::scan::Cause;

thread_local! {
    /// The treated polls that run on this thread, innermost last.
    static RUNNING: RefCell<Vec<Treatment>> = const { RefCell::new(Vec::new()) };
    /// What this thread is measured and demoted by. Opened by its first treatment.
    static INSTRUMENTS: RefCell<Option<Instruments>> = const { RefCell::new(None) };
}

/// What is done to the poll, and what it is measured by. Dropping it undoes the former.
#[derive(Debug)]
pub(crate) struct Treatment {
    task: Id,
    /// The runtime that treats it: with the user's registry, another may hear of the same poll.
    heart: Arc<Heart>,
    stopwatch: Stopwatch,
    span: Intervention,
    handed_off: bool,
    // In this order: the next poll is let in at once.
    permit: Option<Permit>,
    _demoted: Option<Demoted>,
    _place: Option<Place>,
}

/// What a treatment is given and works with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ward<'a> {
    pub(crate) site: Site,
    pub(crate) tier: Tier,
    /// Whose turn at the gate it is.
    pub(crate) flow: Flow,
    pub(crate) config: &'a TierConfig,
    pub(crate) heart: &'a Arc<Heart>,
    pub(crate) gate: &'a Arc<Gate>,
    pub(crate) places: &'a Arc<Places>,
    pub(crate) counters: &'a TierCounters,
}

/// What a treated poll came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) lasted: Duration,
    pub(crate) cpu: Option<Duration>,
    /// For so long it waited for a processor: that is not its fault.
    pub(crate) waited: Option<Duration>,
    /// It slept while the system set threads of this process aside: perhaps until one of them gave back a
    /// lock. Then only what it burned proves anything.
    pub(crate) in_doubt: bool,
    /// Its worker was given away.
    pub(crate) handed_off: bool,
}

impl Treatment {
    /// Whether this poll is treated already.
    pub(crate) fn is_running(task: Id) -> bool {
        let is_last = |running: &RefCell<Vec<Self>>| {
            running.borrow().last().is_some_and(|treatment| treatment.task == task)
        };
        // Torn down: it cannot be treated at all.
        RUNNING.try_with(is_last).unwrap_or(true)
    }

    /// Does to the poll that is about to begin what `action` says. Returns after the handoff
    /// and the wait for a permit, if there are any.
    pub(crate) fn begin(task: Id, action: InterventionAction, ward: Ward<'_>) {
        let mut treatment = Self {
            task,
            heart: ward.heart.clone(),
            stopwatch: Stopwatch::unread(),
            span: Intervention::begin(|| TreatedPoll {
                task,
                site: ward.site,
                tier: ward.tier,
                action,
                on_lane: false,
            }),
            handed_off: false,
            _demoted: None,
            permit: None,
            _place: None,
        };
        if action >= InterventionAction::Yield {
            squeeze::squeeze(ward.config.squeeze_budget());
            treatment.hand_off(action, ward);
        }
        treatment.stopwatch = Stopwatch::start();
        let _ = RUNNING.try_with(|running| running.borrow_mut().push(treatment));
    }

    /// Gives the worker away, and waits for a permit while it goes. Whoever is left with the worker in
    /// hand neither waits nor is demoted: that would hold up all that is behind it.
    fn hand_off(&mut self, action: InterventionAction, ward: Ward<'_>) {
        self._place = ward.places.take();
        if self._place.is_none() {
            ward.counters.handoff_failed();
            return;
        }
        let handoff = hooks::hand_off_worker(|is_taken| {
            // Before the gate: whoever is let in must not take the processor of one inside, while
            // the one that was left by the poll before it stays idle.
            self._demoted = demote(ward, action >= InterventionAction::Isolate);
            if action >= InterventionAction::SlowQueue {
                let permits = ward.config.gate_permits().unwrap_or_else(permits);
                let house = House { permits, algorithm: ward.config.lane_algorithm() };
                self.permit = ward.gate.enter(ward.flow, house, handoff::PATIENCE, is_taken);
            }
        });
        match handoff {
            Handoff::Done => {
                ward.counters.handed_off();
                self.handed_off = true;
            }
            Handoff::NoWorker | Handoff::Impossible => {}
            Handoff::Failed => {
                ward.counters.handoff_failed();
                (self.permit, self._demoted) = (None, None);
            }
        }
    }

    /// Undoes it, and tells what the poll came to; the span is still to be ended. `None`: this poll was not treated by that
    /// runtime.
    pub(crate) fn end(task: Id, heart: &Arc<Heart>) -> Option<(Measured, Intervention)> {
        let ended = |running: &RefCell<Vec<Self>>| {
            let mut running = running.borrow_mut();
            let last = running.last()?;
            (last.task == task && last.heart.id == heart.id).then(|| running.pop())?
        };
        let mut treatment = RUNNING.try_with(ended).ok()??;
        let measured = treatment.stopwatch.stop(treatment.handed_off);
        if let Some(permit) = &mut treatment.permit {
            permit.charge(measured.cpu.unwrap_or(measured.lasted));
        }
        let Self { span, .. } = treatment;
        Some((measured, span))
    }
}

impl Measured {
    /// Nothing was polled.
    pub(crate) const NOTHING: Self = Self {
        lasted: Duration::ZERO,
        cpu: Some(Duration::ZERO),
        waited: None,
        in_doubt: false,
        handed_off: false,
    };

    /// For its span.
    pub(crate) fn outcome(&self, budget_remaining: Option<Duration>) -> Outcome {
        let Self { lasted, cpu, handed_off, .. } = *self;
        Outcome { lasted, cpu, handed_off, budget_remaining }
    }

    /// For how long it burned or blocked. The kernel counts a wait for a processor as of when it sees
    /// it, which may be longer than there was time for: what was burned was no wait.
    pub(crate) fn active(&self) -> Duration {
        let not_waited = self.lasted.saturating_sub(self.waited.unwrap_or_default());
        not_waited.max(self.cpu.unwrap_or_default().min(self.lasted))
    }

    /// As the watchdog has seen it, which was there.
    pub(crate) fn excused_by(self, accusation: &Accusation) -> Self {
        let others_waited = accusation.others_waited.unwrap_or_default();
        let waited = self.waited.map(|waited| waited + others_waited);
        Self { waited, in_doubt: self.in_doubt && accusation.cause != Cause::Blocked, ..self }
    }

    /// What took the time.
    pub(crate) fn cause(&self) -> Cause {
        let active = self.active();
        match self.cpu {
            None => Cause::Unknown,
            Some(cpu) if cpu >= active / 2 => Cause::Computing,
            Some(_) => Cause::Blocked,
        }
    }
}

/// Enough that no processor is idle while the next poll is on its way through the gate. With more, each
/// waits for longer, and an offender that has waited for long comes before a worker that just woke. Where
/// no slice keeps offenders behind the workers, each one more is in their way.
/// Asked once: it is a system call.
fn permits() -> usize {
    static PERMITS: OnceLock<usize> = OnceLock::new();
    *PERMITS.get_or_init(|| {
        let each = if Means::here().has_slices() { 2 } else { 1 };
        each * std::thread::available_parallelism().map_or(1, usize::from)
    })
}

fn demote(ward: Ward<'_>, harder: bool) -> Option<Demoted> {
    let (mode, slice) = (ward.config.demotion(), ward.config.demotion_slice());
    let sentence = Sentence::of(mode, slice, harder, Means::here());
    let thread = with_instruments(|instruments| instruments.scheduling)??;
    Some(sentence.carry_out(thread, ward.heart))
}

/// Measures one poll on the calling thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch {
    begun: Instant,
    clocks: Clocks,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self::start_after(Clocks::read)
    }

    /// The thread may be set aside between two readings. What was read first then counts from earlier: so the
    /// waits are read before the time, and at the end after it, and none is missed.
    fn start_after(read: impl FnOnce() -> Clocks) -> Self {
        let clocks = read();
        Self { begun: Instant::now(), clocks }
    }

    fn unread() -> Self {
        Self { begun: Instant::now(), clocks: Clocks::default() }
    }

    pub(crate) fn stop(self, handed_off: bool) -> Measured {
        let lasted = self.begun.elapsed();
        let spent = Clocks::read().since(self.clocks);
        Measured::of(lasted, spent, handed_off)
    }
}

impl Measured {
    fn of(lasted: Duration, spent: Clocks, handed_off: bool) -> Self {
        // What a thread that never slept has not burned, was taken from it. Where the system does not tell
        // how long it waited, that goes for everybody: then a poll that blocks gets away, and an innocent one
        // is safe.
        let told = if spent.sleeps == Some(0) { None } else { spent.waited };
        let waited = told.or(spent.cpu.map(|cpu| lasted.saturating_sub(cpu)));
        let in_doubt = spent.sleeps != Some(0) && spent.set_aside.is_some_and(|times| times > 0);
        Self { lasted, cpu: spent.cpu, waited, in_doubt, handed_off }
    }
}

#[derive(Debug)]
struct Instruments {
    cpu: Option<ThreadCpuClock>,
    delay: Option<ThreadRunDelay>,
    scheduling: Option<ThreadScheduling>,
}

/// `None`: the thread is being torn down.
fn with_instruments<T>(use_them: impl FnOnce(&Instruments) -> T) -> Option<T> {
    let open = || Instruments {
        cpu: ThreadCpuClock::of_current_thread().ok(),
        delay: ThreadRunDelay::of_current_thread().ok(),
        scheduling: ThreadScheduling::of_current_thread().ok(),
    };
    INSTRUMENTS.try_with(|cell| use_them(cell.borrow_mut().get_or_insert_with(open))).ok()
}

/// This thread's clocks at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Clocks {
    cpu: Option<Duration>,
    waited: Option<Duration>,
    sleeps: Option<u64>,
    /// Of all threads of the process.
    set_aside: Option<u64>,
}

impl Clocks {
    fn read() -> Self {
        let read = |instruments: &Instruments| Self {
            cpu: instruments.cpu.as_ref().and_then(|clock| clock.read().ok()),
            waited: instruments.delay.as_ref().and_then(|delay| delay.read().ok()),
            sleeps: current_thread_sleeps().ok(),
            set_aside: threads_set_aside().ok(),
        };
        with_instruments(read).unwrap_or_default()
    }

    fn since(self, then: Self) -> Self {
        let difference =
            |now: Option<Duration>, then: Option<Duration>| Some(now?.saturating_sub(then?));
        let count = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then?));
        Self {
            cpu: difference(self.cpu, then.cpu),
            waited: difference(self.waited, then.waited),
            sleeps: count(self.sleeps, then.sleeps),
            set_aside: count(self.set_aside, then.set_aside),
        }
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    /// As seen on a virtual machine whose processors had gone to another one.
    #[test]
    fn time_that_nobody_counts_is_not_held_against_a_poll_that_never_slept() {
        let ms = Duration::from_millis;
        let poll = |sleeps| {
            let waited = Some(Duration::ZERO);
            let spent = Clocks { cpu: Some(ms(1)), waited, sleeps, set_aside: Some(0) };
            Measured::of(ms(11), spent, false).active()
        };
        assert_eq!(poll(Some(0)), ms(1));
        assert_eq!(poll(Some(1)), ms(11));
        assert_eq!(poll(None), ms(11));
    }

    #[test]
    fn who_slept_while_others_were_set_aside_may_have_waited_for_them() {
        let in_doubt = |sleeps, set_aside| {
            let spent = Clocks { sleeps, set_aside, ..Clocks::default() };
            Measured::of(Duration::ZERO, spent, false).in_doubt
        };
        assert!(in_doubt(Some(1), Some(1)) && in_doubt(None, Some(1)));
        assert!(!in_doubt(Some(0), Some(1)) && !in_doubt(Some(1), Some(0)));
        assert!(!in_doubt(Some(1), None));
    }

    #[test]
    fn a_wait_during_the_readings_is_no_part_of_the_poll() {
        let mut read = None;
        let stopwatch = Stopwatch::start_after(|| {
            let clocks = Clocks::read();
            read = Some(Instant::now());
            clocks
        });
        assert!(Some(stopwatch.begun) >= read);
    }

    /// Seen on Linux 6.18: a poll of 20 ms of CPU in 56 ms of which the kernel counted 49 as waiting.
    #[test]
    fn what_was_burned_counts_whatever_the_wait() {
        let ms = Duration::from_millis;
        let burned = |cpu, waited| Measured {
            lasted: ms(56),
            cpu: Some(ms(cpu)),
            waited: Some(ms(waited)),
            in_doubt: false,
            handed_off: true,
        };
        assert_eq!(burned(20, 49).active(), ms(20));
        assert_eq!(burned(20, 36).active(), ms(20));
        assert_eq!(burned(2, 36).active(), ms(20));
        assert_eq!(burned(90, 0).active(), ms(56));
        assert_eq!(burned(20, 49).cause(), Cause::Computing);
        assert_eq!(Measured { cpu: None, waited: None, ..burned(0, 0) }.active(), ms(56));
    }
}
