//! How large the slow lane should be. Pure: an observation in, a plan out; whoever calls keeps time.
//!
//! The lane looks at itself once in an interval (100 ms is what the constants below are made for)
//! and asks [`Sizer::step`]. Three things are decided, each by what it can be known from.
//!
//! # Threads
//!
//! *Up, at once.* A look is **pressed** if no thread is free and somebody has waited for longer than
//! [`TARGET_WAIT`], or was turned away. Two such looks in a row add half as many threads as there
//! are, one at least. Two, because one is what every burst looks like that is over by the next look.
//! After that two new ones are needed, so that the new threads are seen at work before more come.
//!
//! *Down, slowly.* A look is **calm** if nobody waits for long and the work would fit on one thread
//! less, with a quarter of that to spare. How much work there is comes from the number of busy
//! threads, smoothed: seen at arbitrary moments, it is on average the work that arrives in a unit of
//! time, whatever the single items cost, and also while long ones show no result for many looks.
//! [`Patience`] calm looks in a row take one thread away. One look that is not calm starts the count
//! anew.
//!
//! *No oscillation.* Between "all busy" and "one less would be three quarters busy" lies a band in
//! which nothing happens, and steady work ends up there. Uneven work may be pressed now and then
//! with any number of threads. So the sizer remembers: when pressure returns within eight times the
//! patience after a thread was taken away, that was a mistake, and the patience doubles, up to
//! [`MAX_PATIENCE`]. Under a load that stays as it is, changes come further and further apart. The
//! patience is as at the start again when the lane has been calm for [`MAX_PATIENCE`] on end with its
//! fewest threads: this is not the load any more that the mistakes were made with.
//!
//! *Never more than processors*, the minimum excepted. Those in the lane compute for the most part,
//! and threads beyond the processors would only slice the same time finer. The minimum is two, also
//! on one processor: a lane of one thread stands still behind a single poll that blocks.
//!
//! # Bound of the queue
//!
//! Little's law: what waits is the rate times the time it waits. A queue of `rate * MAX_WAIT` items
//! is one whose last item waits for [`MAX_WAIT`]; what comes on top is turned away, and its sender
//! knows at once, not in a minute. The rate must be what the lane *can* do. What it does is that
//! only while all threads are busy; at other times it is what was asked for, and a quiet hour would
//! shrink the queue for nothing. So looks with a free thread can raise the rate, never lower it.
//!
//! That is also the way out of a bound that has become too small: when a
//! queue was full and is empty by the next look, the lane has done more than the bound stands for. The bound moves
//! only if it is off by more than half.
//!
//! # Batch
//!
//! How many items a thread takes at a time. Taking costs a lock and perhaps a wake-up; it should be
//! a small part of the work taken, so a batch is worth [`BATCH_WORK`]. An item behind others in a
//! batch waits for them even when another thread becomes free. So the batch falls at once when it is
//! worth twice that, to 1 if the items are that heavy, and doubles after ten looks in a row at which
//! twice the batch would have been within it. In between, a factor of two, nothing moves. It is
//! an upper bound: a thread that takes half of the queue while another has nothing to do does it
//! wrong whatever the plan says.
//!
//! # Rejected
//!
//! - **Hill climbing** on the throughput, as in .NET's pool: try a thread more, keep it if more gets
//!   done. Within 100 ms an offender ends a handful of polls. What one thread more brings is less
//!   than what that number varies by, and a search that never ends is the oscillation to be avoided.
//! - **A controller on the waiting time** (PID). With two to eight threads its output is rounded
//!   beyond recognition, its gains hold for one cost of items, and nobody can say why it did what.
//! - **The length of the queue** as a sign of pressure. A hundred items of 10 us are nothing, three
//!   of 100 ms are a lot. The time that the oldest has waited needs no interpretation.
//! - **Threads computed from rate and cost** of the items. Right on average; but the costs are known
//!   only when items end, and what blocks costs no CPU and holds a thread all the same.
//! - **A queue of fixed length.** With light items it turns bursts away for nothing, with heavy ones
//!   it makes the last one wait for minutes.

use std::time::Duration;

/// What an item of the lane may wait before it is missed: a few polls of the length that leads here.
const TARGET_WAIT: Duration = Duration::from_millis(50);

/// What the last item of a full queue waits. Beyond that, whoever asked has often given up.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// Work that makes the lock and the wake-up, some microseconds, a small part of a turn. A fraction
/// of a slice: nobody notices that he waited for a batch.
const BATCH_WORK: Duration = Duration::from_micros(200);

/// Pressed looks in a row before threads are added.
const PRESSED_LOOKS: u32 = 2;

/// Calm looks in a row before the first thread is taken away: 5 s at 10 looks a second, so that a
/// load with a rhythm of seconds, as from clients that poll, keeps its threads.
const MIN_PATIENCE: u32 = 50;

/// About five minutes. Also the most that a mistaken guess can cost: idle threads for that time.
const MAX_PATIENCE: u32 = MIN_PATIENCE << 6;

/// So many times the patience after it went, a thread that is missed was taken away by mistake.
const MISTAKE: u32 = 8;

/// Looks in a row with light items before the batch doubles.
const LIGHT_LOOKS: u32 = 10;

/// How much of the threads that would be left the work may keep busy for a look to be calm.
const CALM_SHARE: f64 = 0.75;

/// Weight of the newest look in the averages: with this, about the last 16 looks count, a second and
/// a half. Shorter than any patience, longer than the gaps between items.
const NEWEST: f64 = 1.0 / 16.0;

/// The bound stays while the one that it should be is within this factor.
const BOUND_BAND: f64 = 1.5;

/// What the plan keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    min_threads: usize,
    max_threads: usize,
    min_bound: usize,
    max_bound: usize,
    max_batch: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self::new((2, 8), (16, 4096), 64)
    }
}

impl Limits {
    /// Minimum and maximum of the threads and of the queue's bound, and the maximum of the batch.
    /// What is zero counts as one, a maximum below its minimum as that.
    pub(crate) fn new(threads: (usize, usize), bound: (usize, usize), max_batch: usize) -> Self {
        let ordered = |(min, max): (usize, usize)| (min.max(1), max.max(min).max(1));
        let ((min_threads, max_threads), (min_bound, max_bound)) =
            (ordered(threads), ordered(bound));
        Self { min_threads, max_threads, min_bound, max_bound, max_batch: max_batch.max(1) }
    }

    fn threads(&self, processors: usize) -> usize {
        processors.clamp(self.min_threads, self.max_threads)
    }
}

/// What was seen of the lane at one look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pressure {
    /// Items that wait.
    pub(crate) queued: usize,
    /// How long the oldest of them has waited.
    pub(crate) oldest_wait: Duration,
    /// Threads that have an item in hand.
    pub(crate) busy_threads: usize,
    /// Threads that there are now; new ones may take a while to come, and old ones to go.
    pub(crate) threads: usize,
    /// Items done since the last look.
    pub(crate) completed: u64,
    /// What each of them took on average, from the beginning of its poll to the end.
    pub(crate) mean_cost: Duration,
    /// Items turned away since the last look, because the queue was full.
    pub(crate) rejected: u64,
    /// Since the last look. A late look is no harm.
    pub(crate) since_last: Duration,
    /// Processors that this process may use.
    pub(crate) processors: usize,
}

/// What the lane should be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) threads: usize,
    /// Items that may wait.
    pub(crate) queue_bound: usize,
    /// Items that a thread takes at a time, at most.
    pub(crate) batch: usize,
}

/// What is remembered from look to look.
#[derive(Clone, Debug)]
pub(crate) struct Sizer {
    limits: Limits,
    plan: Plan,
    /// Smoothed number of busy threads.
    busy: f64,
    /// Items a second that the lane can do; `None` before the first sign of it.
    rate: Option<f64>,
    /// Looks in a row that were pressed, calm, with light items.
    pressed: u32,
    calm: u32,
    light: u32,
    patience: Patience,
}

impl Sizer {
    /// Begins with the fewest threads, and with the longest queue: nobody is turned away before it
    /// is known what the items cost.
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            plan: Plan { threads: limits.min_threads, queue_bound: limits.max_bound, batch: 1 },
            limits,
            busy: 0.0,
            rate: None,
            pressed: 0,
            calm: 0,
            light: 0,
            patience: Patience::new(),
        }
    }

    /// The plan for the time up to the next look.
    pub(crate) fn step(&mut self, seen: &Pressure) -> Plan {
        self.busy += (seen.busy_threads as f64 - self.busy) * NEWEST;
        self.plan.threads = self.threads(seen);
        self.plan.queue_bound = self.queue_bound(seen);
        self.plan.batch = self.batch(seen);
        self.plan
    }

    fn threads(&mut self, seen: &Pressure) -> usize {
        self.patience.look();
        let most = self.limits.threads(seen.processors);
        // Threads that are still to come are no reason to ask for more.
        let all_busy = seen.busy_threads >= seen.threads.max(self.plan.threads);
        let late = seen.queued > 0 && seen.oldest_wait > TARGET_WAIT;
        let pressed = all_busy && (late || seen.rejected > 0);
        let would_be_left = self.plan.threads.saturating_sub(1) as f64;
        let calm = !late && seen.rejected == 0 && self.busy <= would_be_left * CALM_SHARE;
        self.pressed = if pressed { self.pressed + 1 } else { 0 };
        self.calm = if calm { self.calm + 1 } else { 0 };

        let now = self.plan.threads;
        if now > most {
            return most;
        }
        if self.pressed >= PRESSED_LOOKS {
            self.pressed = 0;
            if now < most {
                self.patience.grew();
                return (now + (now / 2).max(1)).min(most);
            }
        }
        if self.calm >= self.patience.looks && now > self.limits.min_threads {
            self.calm = 0;
            self.patience.shrank();
            return now - 1;
        }
        if self.calm >= MAX_PATIENCE {
            self.calm = 0;
            self.patience = Patience::new();
        }
        now
    }

    fn queue_bound(&mut self, seen: &Pressure) -> usize {
        let now = self.plan.queue_bound;
        let (min, max) = (self.limits.min_bound as f64, self.limits.max_bound as f64);
        let seconds = seen.since_last.as_secs_f64();
        if seconds <= 0.0 {
            return now;
        }
        let measured = seen.completed as f64 / seconds;
        let saturated = seen.queued > 0 && seen.busy_threads >= seen.threads;
        match self.rate {
            None if saturated && seen.completed > 0 => self.rate = Some(measured),
            Some(rate) if saturated || measured > rate => {
                self.rate = Some(rate + (measured - rate) * NEWEST);
            }
            _ => {}
        }
        let Some(rate) = self.rate else { return now };
        let wanted = (rate * MAX_WAIT.as_secs_f64()).clamp(min, max);
        let off = wanted / now as f64;
        if off > BOUND_BAND || off < BOUND_BAND.recip() { wanted as usize } else { now }
    }

    fn batch(&mut self, seen: &Pressure) -> usize {
        let now = self.plan.batch;
        if seen.completed == 0 {
            return now;
        }
        let times =
            |cost: Duration, count| cost.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        if times(seen.mean_cost, now) > BATCH_WORK * 2 {
            self.light = 0;
            let fitting = BATCH_WORK.as_nanos() / seen.mean_cost.as_nanos();
            return floor_to_power_of_two(usize::try_from(fitting).unwrap_or(now)).min(now);
        }
        let doubled = now.saturating_mul(2);
        let light =
            doubled <= self.limits.max_batch && times(seen.mean_cost, doubled) <= BATCH_WORK;
        self.light = if light { self.light + 1 } else { 0 };
        if self.light >= LIGHT_LOOKS {
            self.light = 0;
            return doubled;
        }
        now
    }
}

fn floor_to_power_of_two(number: usize) -> usize {
    number.checked_ilog2().map_or(1, |log| 1 << log)
}

/// How many calm looks it takes for one thread to go: learns from its mistakes.
#[derive(Clone, Debug)]
struct Patience {
    looks: u32,
    /// Looks since a thread was taken away, if none has come since.
    since_shrunk: Option<u32>,
}

impl Patience {
    fn new() -> Self {
        Self { looks: MIN_PATIENCE, since_shrunk: None }
    }

    fn look(&mut self) {
        self.since_shrunk = self.since_shrunk.map(|looks| looks.saturating_add(1));
    }

    fn grew(&mut self) {
        if self.since_shrunk.take().is_some_and(|looks| looks <= self.looks * MISTAKE) {
            self.looks = (self.looks * 2).min(MAX_PATIENCE);
        }
    }

    fn shrank(&mut self) {
        self.since_shrunk = Some(0);
    }
}

#[cfg(all(test, not(pulse_loom)))]
#[path = "sizing_tests.rs"]
mod tests;
