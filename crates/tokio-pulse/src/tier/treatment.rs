//! One poll of a suspect, from before it begins until after it has ended.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::task::Id;
use tokio_pulse_sys::{ThreadCpuClock, ThreadRunDelay, ThreadScheduling};

use super::{InterventionAction, Tier};
use crate::config::TierConfig;
use crate::heartbeat::hooks;
use crate::intervene::demote::{Demoted, Means, Sentence};
use crate::intervene::gate::{Gate, Permit};
use crate::intervene::handoff::Handoff;
use crate::intervene::squeeze;
use crate::metrics::tier_counters::TierCounters;
use crate::watchdog::scan::Cause;

thread_local! {
    /// The treated polls that run on this thread, innermost last.
    static RUNNING: RefCell<Vec<Treatment>> = const { RefCell::new(Vec::new()) };
    /// What measures this thread; `None` where the system does not. Opened by its first treatment.
    static INSTRUMENTS: RefCell<Option<Instruments>> = const { RefCell::new(None) };
}

/// What is done to the poll, and what it is measured by. Dropping it undoes the former.
#[derive(Debug)]
pub(crate) struct Treatment {
    task: Id,
    begun: Instant,
    clocks: Clocks,
    handed_off: bool,
    // In this order: the next poll is let in by a thread that has its own standing again.
    _demoted: Option<Demoted>,
    _permit: Option<Permit>,
}

/// What a treated poll came to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) lasted: Duration,
    pub(crate) cpu: Option<Duration>,
    /// For so long it waited for a processor: that is not its fault.
    pub(crate) waited: Option<Duration>,
    /// Its worker was given away.
    pub(crate) handed_off: bool,
}

impl Treatment {
    /// Does to the poll that is about to begin what the tier has for it. Returns after the handoff
    /// and the wait for a permit, if there are any.
    pub(crate) fn begin(
        task: Id,
        tier: Tier,
        config: &TierConfig,
        gate: &Arc<Gate>,
        counters: &TierCounters,
    ) {
        let action = config.policy(tier).action();
        let (mut permit, mut demoted) = (None, None);
        let mut handed_off = false;
        if action >= InterventionAction::Yield {
            squeeze::squeeze(config.squeeze_budget());
            let free = match hooks::hand_off_worker() {
                Handoff::Done => {
                    counters.handed_off();
                    handed_off = true;
                    true
                }
                Handoff::NoWorker => true,
                Handoff::Impossible => false,
                Handoff::Failed => {
                    counters.handoff_failed();
                    false
                }
            };
            // Whoever waits with a worker in hand holds up all that is behind it.
            if free && action >= InterventionAction::SlowQueue {
                permit = Some(gate.enter(config.gate_permits().unwrap_or_else(processors)));
            }
            if free {
                demoted = demote(config, action >= InterventionAction::Isolate);
            }
        }
        let treatment = Self {
            task,
            begun: Instant::now(),
            clocks: Clocks::read(),
            handed_off,
            _demoted: demoted,
            _permit: permit,
        };
        RUNNING.with_borrow_mut(|running| running.push(treatment));
    }

    /// Undoes it, and tells what the poll came to. `None`: this poll was not treated.
    pub(crate) fn end(task: Id) -> Option<Measured> {
        let treatment = RUNNING.with_borrow_mut(|running| match running.last() {
            Some(treatment) if treatment.task == task => running.pop(),
            _ => None,
        })?;
        let lasted = treatment.begun.elapsed();
        let spent = Clocks::read().since(treatment.clocks);
        // Where the system does not tell how long the thread waited, what it has not burned counts as
        // that: then a poll that blocks gets away, and an innocent one is safe.
        let waited = spent.waited.or(spent.cpu.map(|cpu| lasted.saturating_sub(cpu)));
        Some(Measured { lasted, cpu: spent.cpu, waited, handed_off: treatment.handed_off })
    }
}

impl Measured {
    /// What took the time.
    pub(crate) fn cause(&self) -> Cause {
        let active = self.lasted.saturating_sub(self.waited.unwrap_or_default());
        match self.cpu {
            None => Cause::Unknown,
            Some(cpu) if cpu >= active / 2 => Cause::Computing,
            Some(_) => Cause::Blocked,
        }
    }
}

/// As many as this process may use. Asked once: it is a system call.
fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

fn demote(config: &TierConfig, harder: bool) -> Option<Demoted> {
    let sentence = Sentence::of(config.demotion(), config.demotion_slice(), harder, Means::here());
    ThreadScheduling::of_current_thread().ok().map(|thread| sentence.carry_out(thread))
}

#[derive(Debug)]
struct Instruments {
    cpu: Option<ThreadCpuClock>,
    delay: Option<ThreadRunDelay>,
}

/// This thread's clocks at one moment.
#[derive(Clone, Copy, Debug)]
struct Clocks {
    cpu: Option<Duration>,
    waited: Option<Duration>,
}

impl Clocks {
    fn read() -> Self {
        INSTRUMENTS.with_borrow_mut(|instruments| {
            let instruments = instruments.get_or_insert_with(|| Instruments {
                cpu: ThreadCpuClock::of_current_thread().ok(),
                delay: ThreadRunDelay::of_current_thread().ok(),
            });
            Self {
                cpu: instruments.cpu.as_ref().and_then(|clock| clock.read().ok()),
                waited: instruments.delay.as_ref().and_then(|delay| delay.read().ok()),
            }
        })
    }

    fn since(self, then: Self) -> Self {
        let difference =
            |now: Option<Duration>, then: Option<Duration>| Some(now?.saturating_sub(then?));
        Self { cpu: difference(self.cpu, then.cpu), waited: difference(self.waited, then.waited) }
    }
}
