//! Has stalls reported, after everything that is urgent has been done.
//!
//! To take a stack the watchdog has to wait for the stuck thread's answer. A thread that runs answers
//! at once, one that the kernel keeps from running may not answer for long, and meanwhile the
//! watchdog sees nothing. So it examines one thread a look, and waits for a quarter of a slice: other
//! polls are then seen as late as if they had begun to linger that much later, no more, however many
//! stall. The next look goes on with the next thread. One that has not answered is asked again at the
//! next looks, a few times; then it is reported without a stack. All that is slow is done on the
//! thread of the reports.
//!
//! Nothing is noted at a poll that would say whose it is. From the first stall on that is half as long
//! as a reported one the runtime is armed for a while, as it is while anybody is on record, and polls
//! note their tasks; the reports of further stalls have them at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::RuntimeMetrics;
use tokio_pulse_sys::current_thread_number;

use super::roster::Unit;
use crate::heartbeat::charge::Charge;
use crate::heartbeat::hooks::{self, Observer};
use crate::heartbeat::slot::Slot;
use crate::heartbeat::{Heart, Party};
use crate::stall_report::{Doubling, Examiner, ReportLimits, Reports, StallEnd, StallFacts};

/// A thread is asked so often before it is reported without a stack. With the pauses between looks that
/// is some slices: on a loaded machine a thread that slept gets a processor later than the
/// watchdog does, and a late stack is worth more than an early report without.
const TRIES: u32 = 16;

/// Bounds of the wait for an answer, whatever the slice.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(20);

/// As long as anybody likes: the watchdog asks itself.
const OWN_ANSWER: Duration = Duration::from_secs(1);

/// The part of the watchdog that tells.
pub(crate) struct Teller {
    reports: Arc<Reports>,
    heart: Arc<Heart>,
    metrics: RuntimeMetrics,
    /// When polls were last given a reason to note their tasks.
    named: Option<Duration>,
    doubling: Doubling,
    /// Which unit is asked first at the next look.
    turn: usize,
    /// The stall that was asked last, and how often in vain.
    unanswered: (u64, u32),
    prepared: bool,
}

impl Teller {
    pub(crate) fn new(reports: Arc<Reports>, heart: Arc<Heart>, metrics: RuntimeMetrics) -> Self {
        Self {
            reports,
            heart,
            metrics,
            named: None,
            doubling: Doubling::default(),
            turn: 0,
            unanswered: (0, 0),
            prepared: false,
        }
    }

    /// Once in a while, and at the start: has polls note their tasks, or not any more.
    pub(crate) fn settle(&mut self, limits: Option<ReportLimits>, now: Duration) {
        let wanted = limits.is_some_and(|limits| match limits.name_for {
            _ if !self.reports.is_wanted() => false,
            Some(time) => self.named.is_some_and(|then| now.saturating_sub(then) < time),
            None => true,
        });
        self.heart.set_armed(Party::Reports, wanted);
    }

    /// Reports one of the stalls that are due, if there is any. `now`: of the last look.
    pub(crate) fn tell(
        &mut self,
        units: &[Unit],
        observer: &Observer,
        limits: ReportLimits,
        slice: Duration,
        now: Duration,
    ) {
        if !self.reports.is_wanted() {
            return;
        }
        let elapsed = |unit: &Unit| now.saturating_sub(unit.memory.began());
        let stalled = units.iter().filter(|unit| unit.memory.is_stalled());
        if stalled.map(elapsed).max() < Some(limits.threshold / 2) {
            return;
        }
        self.named = Some(now);
        if limits.name_for != Some(Duration::ZERO) {
            self.heart.set_armed(Party::Reports, true);
        }
        let Some(examiner) = self.examiner() else { return };
        let within = (slice / 4).clamp(SHORTEST_WAIT, LONGEST_WAIT);
        for index in (0..units.len()).map(|offset| (self.turn + offset) % units.len()) {
            let unit = &units[index];
            let Some((slot, tid)) = stalled_thread(unit) else { continue };
            let elapsed = elapsed(unit);
            if !self.doubling.is_due((tid, unit.stall), elapsed, limits.threshold) {
                continue;
            }
            if !self.reports.has_room() {
                // A sink is slow. No thread is interrupted for what would be dropped.
                self.doubling.take((tid, unit.stall), elapsed, limits.threshold);
                continue;
            }
            let facts = self.facts(unit, slot, tid, elapsed);
            let examination = examiner.examine(&facts, within);
            self.turn = index + 1;
            let is_same = unit.memory.has_seen(observer.sample(index, unit).progress);
            if !is_same || (examination.is_unanswered() && self.may_ask_again(unit.stall)) {
                // Else it would be the stack of another poll.
                return;
            }
            self.doubling.take((tid, unit.stall), elapsed, limits.threshold);
            // Before the push, or a poll that ends now would not know. If its end comes first, it is kept
            // for the report.
            let Some(before) = slot.report(unit.stall) else { return };
            if !self.reports.push(examination, limits.per_minute) {
                slot.unreport(unit.stall, before);
            }
            return;
        }
    }

    /// A stall is over. Its thread has told that at the end of the poll; unless the poll goes on without
    /// its worker, or has passed a yield point, or was nobody's whom we know.
    pub(crate) fn ended(&self, slot: &Slot, stall: u64, charge: Option<Charge>, lasted: Duration) {
        if !slot.take_told(stall) {
            return;
        }
        let poll = charge.map(|charge| charge.beat);
        let named = poll.and_then(|poll| slot.line.named.of(poll));
        // Else the names may be those of the next poll.
        let goes_on = poll.is_some_and(|poll| poll.poll() == slot.beat().snapshot().poll());
        let (task, spawned_at) = named.filter(|_| goes_on).unzip();
        self.reports.ended(StallEnd {
            stall,
            task_id: task,
            task_name: task.and_then(|task| slot.name_of(task)),
            task_group: None,
            spawned_at,
            lasted,
            // Of the thread, and that may do something else by now.
            cpu_used: None,
        });
    }

    /// `None` while the handler is being installed.
    fn examiner(&mut self) -> Option<Examiner> {
        if !self.prepared {
            self.prepared = true;
            prepare(self.reports.clone());
        }
        self.reports.ready_examiner().cloned()
    }

    fn may_ask_again(&mut self, stall: u64) -> bool {
        let (last, tries) = self.unanswered;
        let tries = if last == stall { tries + 1 } else { 1 };
        self.unanswered = (stall, tries);
        tries < TRIES
    }

    fn facts(&self, unit: &Unit, slot: &Slot, tid: i32, elapsed: Duration) -> StallFacts {
        let mut facts = StallFacts::new(tid, unit.stall, elapsed);
        let (_, cpu_then) = unit.memory.first_seen();
        let since = |then: Option<Duration>, now: Option<Duration>| {
            then.zip(now).map(|(then, now)| now.saturating_sub(then))
        };
        facts.cpu_used = since(cpu_then, slot.cpu_time());
        let lingered = unit.memory.milestone();
        facts.run_delay = since(lingered.map(|then| then.run_delay), slot.run_delay());
        facts.thread = unit.thread_name().to_owned();
        facts.worker = hooks::worker_of(&self.metrics, slot);
        facts.waiting_behind =
            facts.worker.and_then(|worker| hooks::waiting_behind(&self.metrics, worker));
        let named = unit.memory.beat().and_then(|beat| slot.line.named.of(beat));
        if let Some((task, spawned_at)) = named {
            facts.task_id = Some(task);
            facts.task_name = slot.name_of(task);
            facts.spawned_at = Some(spawned_at);
        }
        facts
    }
}

fn stalled_thread(unit: &Unit) -> Option<(&Slot, i32)> {
    let slot = unit.slot.as_deref().filter(|_| unit.memory.is_stalled())?;
    Some((slot, slot.thread.number?))
}

/// Once, when the first stall is half as long as one that is told: whoever runs without stalls does not pay for it.
fn prepare(reports: Arc<Reports>) {
    let install = move || {
        let examiner = reports.examiner();
        let Ok(tid) = current_thread_number() else { return };
        let facts = StallFacts::new(tid, 0, Duration::ZERO);
        reports.warm_up(examiner.examine(&facts, OWN_ANSWER));
    };
    // Without that thread there are no reports; there was none to be had for them either.
    let _ = std::thread::Builder::new().name("pulse-trial".to_owned()).spawn(install);
}
