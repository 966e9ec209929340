//! With the feature `tracing`. Targets and field names are a contract: `docs/tracing.md`, which a test
//! compares with what is sent.

use std::time::Duration;

use tracing::field::Empty;
use tracing::{Level, Span};

use super::{Offender, Outcome, TreatedPoll};
use crate::alert::AlertEvent;
use crate::stall_report::{StallEnd, StallReport};
use crate::watchdog::contained;
use crate::watchdog::scan::Cause;

/// The span of a treated poll, from before anything is done until the poll was judged. It is open and
/// not entered: what the poll itself traces belongs to its user's spans and not to this.
#[derive(Debug)]
pub(crate) struct Intervention(Span);

impl Intervention {
    pub(crate) fn begin(poll: impl FnOnce() -> TreatedPoll) -> Self {
        let mut span = Span::none();
        contained(|| {
            if !tracing::enabled!(target: "tokio_pulse::intervention", Level::DEBUG) {
                return;
            }
            let poll = poll();
            span = tracing::debug_span!(
                target: "tokio_pulse::intervention",
                parent: None,
                "intervention",
                task_id = %poll.task,
                spawned_at = %poll.site,
                tier = poll.tier as u8,
                action = poll.action.as_str(),
                on_lane = poll.on_lane,
                handed_off = Empty,
                budget_remaining = Empty,
                lasted_us = Empty,
                cpu_us = Empty,
            );
        });
        Self(span)
    }

    pub(crate) fn end(self, outcome: Outcome) {
        if self.0.is_disabled() {
            return;
        }
        contained(|| {
            let Self(span) = self;
            span.record("handed_off", outcome.handed_off);
            if let Some(budget) = outcome.budget_remaining {
                span.record("budget_remaining", micros(budget));
            }
            span.record("lasted_us", micros(outcome.lasted));
            if let Some(cpu) = outcome.cpu {
                span.record("cpu_us", micros(cpu));
            }
        });
    }
}

pub(crate) fn stall_began(thread: &str, cause: Cause, elapsed: Duration, rescued: bool) {
    tracing::warn!(
        target: "tokio_pulse::stall",
        thread,
        cause = cause.as_str(),
        elapsed_us = micros(elapsed),
        rescued,
        "a poll has outlived its slice",
    );
}

pub(crate) fn stall_ended(thread: &str, lasted: Duration) {
    tracing::info!(
        target: "tokio_pulse::stall",
        thread,
        lasted_us = micros(lasted),
        "the stalled poll has ended",
    );
}

pub(crate) fn reserve_ran_out(reserve: usize, missing: usize) {
    tracing::warn!(
        target: "tokio_pulse::reserve",
        reserve,
        missing,
        "more workers are stalled than there are reserves; raise `reserve_workers`",
    );
}

pub(crate) fn lane_full(bound: usize, suppressed: u64) {
    tracing::warn!(
        target: "tokio_pulse::lane",
        bound,
        suppressed,
        "the lane is full, and a task runs in place; raise `lane.threads` or `lane.queue`",
    );
}

pub(crate) fn offender(offender: &Offender<'_>) {
    tracing::warn!(
        target: "tokio_pulse::tier",
        task_id = %offender.task,
        task_name = offender.name,
        spawned_at = %offender.site,
        tier = offender.tier as u8,
        action = offender.action.as_str(),
        budget_remaining = micros(offender.budget_remaining),
        cause = offender.violation.cause.as_str(),
        cpu_us = micros(offender.violation.cpu),
        lasted_us = micros(offender.violation.lasted),
        suppressed = offender.suppressed,
        "a task has held its worker for too long",
    );
}

pub(crate) fn stall_report(report: &StallReport) {
    let culprit = report.stack.culprit();
    tracing::warn!(
        target: "tokio_pulse::report",
        thread = report.thread,
        worker = report.worker,
        task_id = report.task_id.map(tracing::field::display),
        task_name = report.task_name,
        spawned_at = report.spawned_at.map(tracing::field::display),
        verdict = report.verdict.as_str(),
        elapsed_us = micros(report.elapsed),
        cpu_us = report.cpu_used.map(micros),
        waiting_behind = report.waiting_behind,
        culprit = culprit.and_then(|frame| frame.function()),
        culprit_at = culprit.and_then(|frame| frame.location()).map(tracing::field::display),
        stall = report.stall,
        fingerprint = %format_args!("{:016x}", report.fingerprint),
        repeated = report.repeated,
        suppressed = report.suppressed,
        "{report}",
    );
}

pub(crate) fn alert(event: &AlertEvent) {
    let (name, signal) = (event.name(), event.signal().as_str());
    let (value, threshold) = (event.value(), event.threshold());
    if event.is_raised() {
        let escalates = event.escalates();
        tracing::warn!(
            target: "tokio_pulse::alert",
            name,
            signal,
            value,
            threshold,
            escalates,
            "an alert was raised",
        );
    } else {
        tracing::info!(
            target: "tokio_pulse::alert",
            name,
            signal,
            value,
            threshold,
            lasted_us = micros(event.lasted()),
            "an alert was cleared",
        );
    }
}

pub(crate) fn stall_end(end: &StallEnd) {
    tracing::info!(
        target: "tokio_pulse::report",
        stall = end.stall,
        task_id = end.task_id.map(tracing::field::display),
        task_name = end.task_name,
        spawned_at = end.spawned_at.map(tracing::field::display),
        lasted_us = micros(end.lasted),
        cpu_us = end.cpu_used.map(micros),
        "a stall that was reported has ended",
    );
}

/// Whether anybody listens.
pub(crate) fn wants_stall_reports() -> bool {
    tracing::enabled!(target: "tokio_pulse::report", tracing::Level::WARN)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
