//! The scan: what one look at a thread means, given what was remembered of the last looks.
//!
//! Pure. Time is a value (since the watchdog's start), evidence is asked for through a closure,
//! and nothing here knows Tokio. See `README.md` beside this file for the protocol.

use std::time::Duration;

use tokio_pulse_sys::RunState;

use super::pace::LOOKS_PER_SLICE;
use crate::heartbeat::beat::Snapshot;

/// Everything that moves when a worker makes progress. Two equal values: none was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    pub(crate) beat: Option<Snapshot>,
    /// Requests to make room after which a poll went on, because nobody waited.
    pub(crate) answers: usize,
    /// Nanoseconds that the worker was busy, as Tokio publishes it (stable Tokio only).
    pub(crate) busy: u64,
    /// Parks and unparks, as Tokio publishes them (stable Tokio only).
    pub(crate) parks: u64,
}

/// One look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) progress: Progress,
    /// Something is running that could stall.
    pub(crate) busy: bool,
    /// The thread's CPU clock, where there is one.
    pub(crate) cpu: Option<Duration>,
    /// About when the running poll began, if its thread had just woken. What else it did in between, it did
    /// not look at the clock for.
    pub(crate) began: Option<Duration>,
    /// Nothing was ever heard of this worker: its thread may not run yet.
    pub(crate) unheard: bool,
}

impl Sample {
    #[allow(dead_code, reason = "stable Tokio watches workers, and these are always there")]
    pub(crate) fn idle() -> Self {
        let progress = Progress { beat: None, answers: 0, busy: 0, parks: 0 };
        Self { progress, busy: false, cpu: None, began: None, unheard: false }
    }
}

/// Why a poll outlives its slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It burns CPU.
    Computing,
    /// It sleeps in the kernel.
    Blocked,
    /// The system keeps no account of threads, and the clock on the wall is all there is.
    Unknown,
}

impl Cause {
    #[allow(dead_code, reason = "for the feature `tracing`")]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Computing => "computing",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
        }
    }
}

/// What to ask the machine about a suspect, once and late.
pub(crate) trait Evidence {
    /// Whether the suspect's thread holds a worker at all.
    fn holds_worker(&self) -> bool;
    /// What the kernel says of the thread, where it says anything.
    fn run_state(&self) -> Option<RunState>;
    /// For how long the thread has waited for a processor so far, where that is told.
    fn run_delay(&self) -> Option<Duration>;
    /// For how long the other threads of the runtime have waited for a processor so far, if the suspect sleeps
    /// until another thread does something, such as to give back a lock.
    fn others_waited(&self) -> Option<Duration>;
    /// The time, since the start of the runtime.
    fn now(&self) -> Duration;
}

/// What was noted of a poll when it began to linger, to be compared with its end. Earlier, each poll
/// would have to be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Milestone {
    pub(crate) at: Duration,
    pub(crate) cpu: Duration,
    pub(crate) run_delay: Duration,
    /// For how long the other threads of the runtime had waited for a processor, when the poll was first seen
    /// to sleep until one of them does something.
    pub(crate) others_waited: Option<Duration>,
}

/// What is remembered of one thread between looks.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    progress: Option<Progress>,
    /// When the poll began, as far as it is known.
    since: Duration,
    /// When this progress was seen first. Evidence counts from here.
    seen: Duration,
    cpu_then: Option<Duration>,
    /// When the last look was.
    looked: Duration,
    milestone: Option<Milestone>,
    /// The poll has gone on after a request since its thread was first seen to linger.
    has_answered: bool,
    /// What the last look came to.
    verdict: Verdict,
}

/// What follows from a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing runs here, and nothing has since the last look.
    Idle,
    /// Something has run since the last look, or what runs is young.
    Lively,
    /// The poll has used up a part of its slice in one go, and its worker could be missed: time for
    /// a stand-in, but no blame. `first` at the first such look at this poll.
    Lingering { first: bool },
    /// The poll has outlived its slice, and the evidence is against it: a stall has begun.
    StallBegan { cause: Cause, elapsed: Duration },
    /// The same stall, still.
    Stalled { elapsed: Duration },
    /// The poll has outlived its slice, but the kernel did not let it run: no stall. `first` at
    /// the first such look at this poll.
    Descheduled { first: bool },
    /// Nothing has moved for a slice on a worker of which nothing was ever heard. It may be stuck, or
    /// its thread may not have started: time for a stand-in, but no blame.
    Unheard { first: bool },
    /// The stall seen at the last look is over. `lasted` is the time from the first look at that
    /// poll to this one.
    StallEnded { lasted: Duration },
}

/// After this part of its slice a poll is long enough for somebody to wait behind it: the worker on
/// the driver may be the one that polls, and then nobody looks after timers and sockets. A quarter
/// of the default slice, 2.5 ms, is far above what well-behaved polls take.
const LINGERING_FRACTION: u32 = 4;

/// After this part of its slice a poll is asked to make room, if it passes a yield point: one look
/// before it would count as a stall, so that a poll that does so in time never does. With two looks a
/// slice it has then run for between a half and a whole one.
const DUE_FRACTION: u32 = 2;

/// How much of its limit a poll must have burned before the wall clock may blame it. Half: a poll
/// that got less than half a processor since it was first seen was mostly waiting for one.
const BLAME_FRACTION: u32 = 2;

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            progress: None,
            since: Duration::ZERO,
            seen: Duration::ZERO,
            cpu_then: None,
            looked: Duration::ZERO,
            milestone: None,
            has_answered: false,
            verdict: Verdict::Idle,
        }
    }

    /// Takes a look, and remembers it.
    pub(crate) fn look(
        &mut self,
        sample: Sample,
        now: Duration,
        slice: Duration,
        evidence: &impl Evidence,
    ) -> Verdict {
        self.verdict = self.judge(sample, now, slice, evidence);
        self.looked = now;
        self.verdict
    }

    pub(crate) fn last_verdict(&self) -> Verdict {
        self.verdict
    }

    /// Whether nothing has moved since the last look.
    pub(crate) fn has_seen(&self, progress: Progress) -> bool {
        self.progress == Some(progress)
    }

    /// The beat at the last look.
    pub(crate) fn beat(&self) -> Option<Snapshot> {
        self.progress?.beat
    }

    /// When the poll that runs began: at the latest when it was seen first.
    pub(crate) fn began(&self) -> Duration {
        self.since
    }

    /// When the poll that runs will have outlived its slice, if it was there at two looks and has not yet.
    pub(crate) fn deadline(&self, slice: Duration) -> Option<Duration> {
        let young = matches!(self.verdict, Verdict::Lively | Verdict::Lingering { .. });
        (young && self.seen < self.looked).then(|| self.since.saturating_add(slice))
    }

    /// When the poll that runs was seen first, and what its thread's CPU clock said then.
    pub(crate) fn first_seen(&self) -> (Duration, Option<Duration>) {
        (self.seen, self.cpu_then)
    }

    /// What was noted of that poll when it began to linger.
    pub(crate) fn milestone(&self) -> Option<Milestone> {
        self.milestone
    }

    pub(crate) fn is_stalled(&self) -> bool {
        matches!(self.verdict, Verdict::StallBegan { .. } | Verdict::Stalled { .. })
    }

    /// Whether the poll that was seen at the last look, which was `now`, is to make room for others.
    /// Whether anybody waits is for the yield point to find out: see `yield_point/README.md`.
    pub(crate) fn is_due(&self, now: Duration, slice: Duration) -> bool {
        let runs_on = match self.verdict {
            Verdict::Lingering { .. }
            | Verdict::StallBegan { .. }
            | Verdict::Stalled { .. }
            | Verdict::Descheduled { .. } => true,
            Verdict::Idle
            | Verdict::Lively
            | Verdict::Unheard { .. }
            | Verdict::StallEnded { .. } => false,
        };
        runs_on && now.saturating_sub(self.since) >= slice / DUE_FRACTION
    }

    fn judge(
        &mut self,
        sample: Sample,
        now: Duration,
        slice: Duration,
        evidence: &impl Evidence,
    ) -> Verdict {
        let elapsed = now.saturating_sub(self.since);
        let moved = self.progress != Some(sample.progress);
        if moved || !sample.busy {
            self.has_answered = self.progress.is_some_and(|old| {
                old.beat == sample.progress.beat && old.answers != sample.progress.answers
            });
            self.progress = Some(sample.progress);
            self.watch_from(now, sample.cpu);
            // What has answered is no older than its answer.
            let began = sample.began.filter(|_| sample.busy && !self.has_answered);
            if let Some(began) = began {
                // Not before the last look, which would have met it. And no earlier than looks are apart
                // when none is late: whoever is blamed was seen for half of its slice.
                let earliest = self.looked.max(now.saturating_sub(slice / LOOKS_PER_SLICE));
                self.since = began.clamp(earliest, now);
            }
            return self.over(elapsed, if moved { Verdict::Lively } else { Verdict::Idle });
        }
        if elapsed < slice / LINGERING_FRACTION {
            return Verdict::Lively;
        }
        if !evidence.holds_worker() {
            // Nobody waits behind it: it has handed its worker over (`block_in_place`). Should it
            // get one back, the clock starts again.
            self.watch_from(now, sample.cpu);
            return self.over(elapsed, Verdict::Idle);
        }
        if self.milestone.is_none() {
            self.milestone = sample
                .cpu
                .zip(evidence.run_delay())
                // Read again: what the thread has waited meanwhile is in its run delay.
                .map(|(cpu, run_delay)| {
                    let at = evidence.now();
                    Milestone { at, cpu, run_delay, others_waited: None }
                });
        }
        if elapsed < slice {
            // Whoever was woken the first time is at the driver, or on another thread's account.
            let first = !matches!(self.verdict, Verdict::Lingering { .. }) && !self.has_answered;
            let part = slice / LINGERING_FRACTION;
            return match self.blame(sample, part, now, evidence) {
                Some(cause) => {
                    self.note_others(cause, evidence);
                    Verdict::Lingering { first }
                }
                None => Verdict::Lively,
            };
        }
        if self.is_stalled() {
            return Verdict::Stalled { elapsed };
        }
        if sample.unheard {
            let first = !matches!(self.verdict, Verdict::Unheard { .. });
            return Verdict::Unheard { first };
        }
        match self.blame(sample, slice, now, evidence) {
            Some(cause) => {
                self.note_others(cause, evidence);
                Verdict::StallBegan { cause, elapsed }
            }
            None => {
                let first = !matches!(self.verdict, Verdict::Descheduled { .. });
                Verdict::Descheduled { first }
            }
        }
    }

    /// As early as it is seen to sleep: their waits are held against nobody.
    fn note_others(&mut self, cause: Cause, evidence: &impl Evidence) {
        if let (Cause::Blocked, Some(milestone)) = (cause, &mut self.milestone) {
            if milestone.others_waited.is_none() {
                milestone.others_waited = evidence.others_waited();
            }
        }
    }

    /// What it means that the poll seen at the last look holds no worker any more.
    fn over(&self, elapsed: Duration, unless_stalled: Verdict) -> Verdict {
        if self.is_stalled() { Verdict::StallEnded { lasted: elapsed } } else { unless_stalled }
    }

    fn watch_from(&mut self, now: Duration, cpu: Option<Duration>) {
        (self.since, self.seen) = (now, now);
        self.cpu_then = cpu;
        self.milestone = None;
    }

    /// The charge against a poll that has run for longer than `limit`; `None` if the kernel is to
    /// blame.
    fn blame(
        &self,
        sample: Sample,
        limit: Duration,
        now: Duration,
        evidence: &impl Evidence,
    ) -> Option<Cause> {
        if sample.unheard {
            return None;
        }
        let (Some(burned_then), Some(burned)) = (self.cpu_then, sample.cpu) else {
            return Some(Cause::Unknown);
        };
        let limit = limit.min(now.saturating_sub(self.seen));
        if burned.saturating_sub(burned_then) >= limit / BLAME_FRACTION {
            return Some(Cause::Computing);
        }
        match evidence.run_state() {
            None => Some(Cause::Unknown),
            Some(RunState::Runnable) => None,
            Some(_) => Some(Cause::Blocked),
        }
    }
}

#[cfg(all(test, not(pulse_loom)))]
#[path = "scan_tests.rs"]
mod tests;
