//! What the sizing of a lane is told: the lane as it was since the last look.

use std::sync::OnceLock;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use super::counters::LaneCounters;
use super::scheduler::LaneKind;
use super::sizing::{Limits, Plan, Pressure, Sizer};
use crate::config::TierConfig;

/// What the constants of the sizing are made for.
const INTERVAL: Duration = Duration::from_millis(100);

/// When no poll has ended for so long and others wait, all threads are stuck: those who wait may be
/// what they wait for.
const STUCK: Duration = Duration::from_secs(1);

/// Never shorter than this, however long the polls are: who waits here bothers nobody, and who is
/// turned away holds a worker.
const MIN_BOUND: usize = 16_384;
const MAX_BATCH: usize = 64;
/// What `auto` keeps to; and never more than processors, the minimum excepted.
const THREADS: (usize, usize) = (2, 8);

/// They share one quota: more threads would only have it in smaller pieces.
const ISOLATED_THREADS: (usize, usize) = (2, 2);

/// What can be counted at any time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) queued: usize,
    pub(super) live: usize,
    pub(super) idle: usize,
}

/// Looks at a lane now and then.
#[derive(Debug)]
pub(super) struct Gauge {
    kind: LaneKind,
    sizer: Sizer,
    limits: Limits,
    plan: Plan,
    looked: Duration,
    /// When a poll had ended since the look before, or nobody waited.
    progressed: Duration,
    polls: u64,
    refusals: u64,
    poll_nanos: u64,
    stuck: bool,
}

impl Gauge {
    pub(super) fn new(kind: LaneKind, config: &TierConfig, now: Duration) -> Self {
        let limits = limits(kind, config);
        let mut sizer = Sizer::new(limits);
        Self {
            kind,
            plan: sizer.step(&Pressure::default()),
            sizer,
            limits,
            looked: now,
            progressed: now,
            polls: 0,
            refusals: 0,
            poll_nanos: 0,
            stuck: false,
        }
    }

    pub(super) fn plan(&self) -> Plan {
        self.plan
    }

    pub(super) fn is_due(&self, config: &TierConfig, now: Duration) -> bool {
        now.saturating_sub(self.looked) >= INTERVAL || self.limits != limits(self.kind, config)
    }

    /// Whether all threads there may be are in polls that do not end, while others wait.
    pub(super) fn is_stuck(&self) -> bool {
        self.stuck
    }

    pub(super) fn look(
        &mut self,
        config: &TierConfig,
        counters: &LaneCounters,
        seen: Seen,
        now: Duration,
    ) -> Plan {
        if self.limits != limits(self.kind, config) {
            *self = Self::new(self.kind, config, now);
        }
        let since = |then: &mut u64, now: u64| now.saturating_sub(std::mem::replace(then, now));
        let completed = since(&mut self.polls, counters.polls.load(Relaxed));
        let rejected = since(&mut self.refusals, counters.refusals.load(Relaxed));
        let nanos = since(&mut self.poll_nanos, counters.poll_nanos.load(Relaxed));
        let full = seen.idle == 0 && seen.live >= self.plan.threads;
        if completed > 0 || (seen.queued == 0 && !self.stuck) || !full {
            self.progressed = now;
        }
        let waiting = now.saturating_sub(self.progressed);
        self.plan = self.sizer.step(&Pressure {
            queued: seen.queued,
            // Of those that still wait only this is known: nothing has moved for so long.
            oldest_wait: counters.take_longest_wait().max(waiting),
            busy_threads: seen.live.saturating_sub(seen.idle),
            threads: seen.live,
            completed,
            mean_cost: Duration::from_nanos(nanos.checked_div(completed).unwrap_or(0)),
            rejected,
            since_last: now.saturating_sub(self.looked),
            processors: processors(),
        });
        self.looked = now;
        self.stuck = waiting >= STUCK && seen.live >= self.plan.threads;
        self.plan
    }
}

fn limits(kind: LaneKind, config: &TierConfig) -> Limits {
    let threads = match kind {
        LaneKind::Slow => config.lane_threads().map_or(THREADS, |threads| (threads, threads)),
        LaneKind::Isolated => ISOLATED_THREADS,
    };
    let queue = config.lane_queue();
    Limits::new(threads, (MIN_BOUND.min(queue), queue), MAX_BATCH)
}

/// Asked once: it is a system call.
fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}
