//! Has stalls reported, after everything that is urgent has been done.
//!
//! To take a stack the watchdog has to wait for the stuck thread's answer. A thread that runs answers
//! at once, one that the kernel keeps from running may not answer for long, and meanwhile the
//! watchdog sees nothing. So it examines one thread a look, and waits for a quarter of a slice: other
//! polls are then seen as late as if they had begun to linger that much later, no more, however many
//! stall. The next look goes on with the next thread. One that has not answered is asked again at the
//! next looks, a few times; then it is reported without a stack. All that is slow is done on the
//! thread of the reports.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::runtime::RuntimeMetrics;
use tokio_pulse_sys::current_thread_number;

use super::roster::Unit;
use crate::heartbeat::hooks::{self, Observer};
use crate::heartbeat::slot::Slot;
use crate::stall_report::{Doubling, Examiner, ReportLimits, Reports, StallFacts};

/// A thread is asked so often before it is reported without a stack.
const TRIES: u32 = 4;

/// Bounds of the wait for an answer, whatever the slice.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(20);

/// As long as anybody likes: the watchdog asks itself.
const OWN_ANSWER: Duration = Duration::from_secs(1);

/// The part of the watchdog that tells.
pub(crate) struct Teller {
    reports: Arc<Reports>,
    metrics: RuntimeMetrics,
    doubling: Doubling,
    /// Which unit is asked first at the next look.
    turn: usize,
    /// The stall that was asked last, and how often in vain.
    unanswered: (u64, u32),
    prepared: bool,
}

impl Teller {
    pub(crate) fn new(reports: Arc<Reports>, metrics: RuntimeMetrics) -> Self {
        Self {
            reports,
            metrics,
            doubling: Doubling::default(),
            turn: 0,
            unanswered: (0, 0),
            prepared: false,
        }
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
        let elapsed = |unit: &Unit| now.saturating_sub(unit.memory.first_seen().0);
        let stalled = units.iter().filter(|unit| unit.memory.is_stalled());
        if stalled.map(elapsed).max() < Some(limits.threshold / 2) {
            return;
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
            let facts = self.facts(unit, slot, tid, elapsed);
            let examination = examiner.examine(&facts, within);
            self.turn = index + 1;
            let is_same = unit.memory.has_seen(observer.sample(index, unit).progress);
            if !is_same || (examination.is_unanswered() && self.may_ask_again(unit.stall)) {
                // Else it would be the stack of another poll.
                return;
            }
            self.doubling.take((tid, unit.stall), elapsed, limits.threshold);
            if self.reports.push(examination, limits.per_minute) {
                // After the push: the end is told behind it.
                slot.thread.told.store(unit.stall, Relaxed);
            }
            return;
        }
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
        let polls = unit.memory.beat().map(|beat| beat.polls());
        if let Some((task, spawned_at)) = polls.and_then(|polls| slot.thread.treated.of(polls)) {
            facts.task_id = Some(task);
            facts.spawned_at = Some(spawned_at);
        }
        facts
    }
}

fn stalled_thread(unit: &Unit) -> Option<(&Slot, i32)> {
    let slot = unit.slot.as_deref().filter(|_| unit.memory.is_stalled())?;
    Some((slot, slot.thread.probe.as_ref()?.number()))
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
