//! What goes on in the runtime.

use tokio_pulse::alert::AlertStatus;
use tokio_pulse::stall_report::{ReportCounts, ThreadAtWork};
use tokio_pulse::{
    Histogram, LaneMetrics, Metrics, PreemptionMetrics, Tier, TierMetrics, WorkerMetrics,
};
use tokio_pulse_proto::v1;

use super::{count, nanos, number};

/// Without what is not of these figures: the delay, the subscribers, whether the watch has ended.
pub(crate) fn overview(metrics: &PreemptionMetrics, reports: ReportCounts) -> v1::Overview {
    let (runtime, tiers) = (metrics.runtime(), metrics.tiers());
    v1::Overview {
        workers: count(runtime.num_workers()),
        reserve_workers: count(runtime.reserve_workers()),
        reserves_free: count(runtime.reserves_free()),
        polls: metrics.polls(),
        slow_polls: metrics.slow_polls(),
        stalls: runtime.stalls(),
        stalls_in_progress: count(runtime.stalls_in_progress()),
        stalls_rescued: runtime.stalls_rescued(),
        longest_stall_ns: nanos(runtime.longest_stall()),
        stall_time: Some(distribution(metrics.stall_time())),
        descheduled: runtime.descheduled(),
        reserve_exhausted: runtime.exhausted(),
        suspects_by_tier: Tier::ALL.map(|tier| count(metrics.suspects_at(tier))).to_vec(),
        violations: tiers.violations(),
        promotions: tiers.promotions(),
        demotions: tiers.demotions(),
        handoffs: tiers.handoffs(),
        failed_handoffs: tiers.failed_handoffs(),
        reports: Some(v1::ReportCounts {
            told: reports.told,
            merged: reports.merged,
            suppressed: reports.suppressed,
            dropped: reports.dropped,
        }),
        watchdog_looks: runtime.watchdog_looks(),
        ..v1::Overview::default()
    }
}

pub(crate) fn distribution(histogram: &Histogram) -> v1::Distribution {
    let quantile = |q| histogram.quantile(q).map(nanos);
    v1::Distribution {
        count: histogram.count(),
        sum_ns: nanos(histogram.sum()),
        p50_ns: quantile(0.5),
        p90_ns: quantile(0.9),
        p99_ns: quantile(0.99),
        max_ns: quantile(1.0),
    }
}

pub(crate) fn workers(metrics: &Metrics, at_work: &[ThreadAtWork]) -> v1::Workers {
    let worker = |metrics: &WorkerMetrics| {
        let tid = metrics.thread_number();
        worker(metrics, at_work.iter().find(|thread| Some(thread.tid) == tid))
    };
    v1::Workers { workers: metrics.workers().iter().map(worker).collect() }
}

fn worker(metrics: &WorkerMetrics, at_work: Option<&ThreadAtWork>) -> v1::Worker {
    let holds = at_work.and_then(|thread| thread.worker);
    let state = if metrics.is_in_reserve() {
        v1::WorkerState::Reserve
    } else if metrics.is_stalled() {
        v1::WorkerState::Stalled
    } else if holds.is_some() {
        v1::WorkerState::Running
    } else if at_work.is_some_and(|thread| thread.task_id.is_some()) {
        v1::WorkerState::HandedOff
    } else {
        v1::WorkerState::Idle
    };
    v1::Worker {
        thread: metrics.thread_name().unwrap_or("unnamed").to_owned(),
        tid: metrics.thread_number(),
        worker: holds.map(count),
        state: state.into(),
        polls: metrics.polls(),
        stalls: metrics.stalls(),
        violations: metrics.violations(),
        slow_polls: metrics.slow_polls(),
        handoffs: metrics.handoffs(),
        cpu_ns: nanos(metrics.cpu_time()),
        waiting: at_work.and_then(|thread| thread.waiting_behind).map(count),
        task_id: at_work.and_then(|thread| thread.task_id).map(number),
    }
}

pub(crate) fn lanes(metrics: &PreemptionMetrics) -> v1::Lanes {
    v1::Lanes {
        lane: Some(lane(metrics.lane())),
        isolated: Some(lane(metrics.isolated_lane())),
        gate: Some(gate(metrics.tiers(), metrics.gate_wait_time())),
        wait_time: Some(distribution(metrics.lane_wait_time())),
        poll_time: Some(distribution(metrics.lane_poll_time())),
    }
}

fn gate(tiers: &TierMetrics, wait_time: &Histogram) -> v1::Gate {
    v1::Gate {
        permits: count(tiers.gate_permits()),
        inside: count(tiers.gate_inside()),
        waiting: count(tiers.gate_waiting()),
        waits: tiers.gate_waits(),
        forced: tiers.gate_forced(),
        wait_time: Some(distribution(wait_time)),
    }
}

fn lane(lane: &LaneMetrics) -> v1::Lane {
    let isolation = lane.isolation();
    v1::Lane {
        threads: count(lane.threads()),
        target_threads: count(lane.target_threads()),
        queued: count(lane.queued()),
        queue_bound: count(lane.queue_bound()),
        running: lane.running().try_into().unwrap_or(u32::MAX),
        admitted: lane.admitted(),
        refused: lane.refused(),
        returned: lane.returned(),
        completed: lane.completed(),
        panicked: lane.panicked(),
        thread_start_failures: lane.thread_start_failures(),
        polls: lane.polls(),
        cpu_ns: nanos(lane.cpu_time()),
        isolation_failed: isolation.as_ref().is_some_and(Result::is_err),
        isolation: isolation.map(|kind| match kind {
            Ok(kind) => kind.to_string(),
            Err(reason) => reason.to_owned(),
        }),
    }
}

pub(crate) fn alerts(alerts: &[AlertStatus]) -> v1::Alerts {
    let alert = |alert: &AlertStatus| v1::Alert {
        name: alert.name().to_owned(),
        signal: alert.signal().as_str().to_owned(),
        value: alert.value(),
        active: alert.is_active(),
        raised: alert.raised(),
    };
    v1::Alerts { alerts: alerts.iter().map(alert).collect() }
}
