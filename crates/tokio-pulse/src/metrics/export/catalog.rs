//! All metrics that are exported: one entry each.

use ::metrics::Unit;

use crate::alert::AlertStatus;
use crate::lane::LaneMetrics;
use crate::metrics::{Histogram, PreemptionMetrics};
use crate::tier::Tier;

pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    pub(super) help: &'static str,
    pub(super) kind: Kind,
}

/// What it is, and where it is read. Those with a label tell its values, too.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Counter(fn(&PreemptionMetrics) -> u64),
    Counters(&'static str, fn(&PreemptionMetrics) -> Vec<(String, u64)>),
    Gauge(fn(&PreemptionMetrics) -> f64),
    Gauges(&'static str, fn(&PreemptionMetrics) -> Vec<(String, f64)>),
    Histogram(fn(&PreemptionMetrics) -> &Histogram),
}

const LANE: &str = "lane";
const ALERT: &str = "alert";
const TIER: &str = "tier";

fn lanes<T>(metrics: &PreemptionMetrics, read: fn(&LaneMetrics) -> T) -> Vec<(String, T)> {
    vec![
        ("slow".to_owned(), read(metrics.lane())),
        ("isolated".to_owned(), read(metrics.isolated_lane())),
    ]
}

fn alerts<T>(metrics: &PreemptionMetrics, read: fn(&AlertStatus) -> T) -> Vec<(String, T)> {
    metrics.alerts().iter().map(|alert| (alert.name().to_owned(), read(alert))).collect()
}

fn tiers(metrics: &PreemptionMetrics) -> Vec<(String, f64)> {
    let suspects = |tier: Tier| (tier.to_string(), metrics.suspects_at(tier) as f64);
    Tier::ALL.map(suspects).into()
}

const fn metric(name: &'static str, unit: Unit, kind: Kind, help: &'static str) -> Metric {
    Metric { name, unit, help, kind }
}

const fn counter(
    name: &'static str,
    read: fn(&PreemptionMetrics) -> u64,
    help: &'static str,
) -> Metric {
    metric(name, Unit::Count, Kind::Counter(read), help)
}

const fn gauge(
    name: &'static str,
    read: fn(&PreemptionMetrics) -> f64,
    help: &'static str,
) -> Metric {
    metric(name, Unit::Count, Kind::Gauge(read), help)
}

const fn seconds(
    name: &'static str,
    read: fn(&PreemptionMetrics) -> &Histogram,
    help: &'static str,
) -> Metric {
    metric(name, Unit::Seconds, Kind::Histogram(read), help)
}

const fn lane_counter(
    name: &'static str,
    read: fn(&PreemptionMetrics) -> Vec<(String, u64)>,
    help: &'static str,
) -> Metric {
    metric(name, Unit::Count, Kind::Counters(LANE, read), help)
}

const fn lane_gauge(
    name: &'static str,
    read: fn(&PreemptionMetrics) -> Vec<(String, f64)>,
    help: &'static str,
) -> Metric {
    metric(name, Unit::Count, Kind::Gauges(LANE, read), help)
}

pub(super) const CATALOG: &[Metric] = &[
    counter("tokio_pulse_polls_total", |m| m.polls(), "Polls on the workers and on the lanes."),
    seconds(
        "tokio_pulse_poll_duration_seconds",
        |m| m.poll_time(),
        "How long polls on the workers have taken; only where polls are timed.",
    ),
    counter(
        "tokio_pulse_slow_polls_total",
        |m| m.slow_polls(),
        "Polls that took too long, or nearly; a lower bound.",
    ),
    counter(
        "tokio_pulse_stalls_total",
        |m| m.runtime().stalls(),
        "Polls that burned CPU or blocked for longer than the slice.",
    ),
    counter(
        "tokio_pulse_stalls_rescued_total",
        |m| m.runtime().stalls_rescued(),
        "Stalls during which another worker stood in.",
    ),
    gauge(
        "tokio_pulse_stalls_in_progress",
        |m| m.runtime().stalls_in_progress() as f64,
        "Stalls in progress.",
    ),
    metric(
        "tokio_pulse_longest_stall_seconds",
        Unit::Seconds,
        Kind::Gauge(|m| m.runtime().longest_stall().as_secs_f64()),
        "The longest stall since the start.",
    ),
    seconds(
        "tokio_pulse_stall_duration_seconds",
        |m| m.stall_time(),
        "How long stalls have lasted that are over.",
    ),
    counter(
        "tokio_pulse_descheduled_polls_total",
        |m| m.runtime().descheduled(),
        "Polls that outlived the slice because the kernel ran other threads.",
    ),
    gauge(
        "tokio_pulse_workers",
        |m| m.runtime().num_workers() as f64,
        "Workers that serve tasks when nothing is stalled.",
    ),
    gauge(
        "tokio_pulse_reserve_workers",
        |m| m.runtime().reserve_workers() as f64,
        "Workers kept on top of those.",
    ),
    gauge(
        "tokio_pulse_reserves_free",
        |m| m.runtime().reserves_free() as f64,
        "Reserve workers that are asleep and could take over.",
    ),
    counter(
        "tokio_pulse_reserve_exhausted_total",
        |m| m.runtime().exhausted(),
        "Times that more workers were held than there are reserves.",
    ),
    counter(
        "tokio_pulse_hook_panics_total",
        |m| m.runtime().hook_panics(),
        "Panics in the user's hooks.",
    ),
    counter(
        "tokio_pulse_watchdog_looks_total",
        |m| m.runtime().watchdog_looks(),
        "Looks of the watchdog; they stand still while the runtime is idle.",
    ),
    metric(
        "tokio_pulse_suspects",
        Unit::Count,
        Kind::Gauges(TIER, tiers),
        "Tasks on record, by tier.",
    ),
    counter(
        "tokio_pulse_violations_total",
        |m| m.tiers().violations(),
        "Polls that were proven to have taken more than their budget.",
    ),
    counter(
        "tokio_pulse_tier_promotions_total",
        |m| m.tiers().promotions(),
        "Times that a task went up a tier.",
    ),
    counter(
        "tokio_pulse_tier_demotions_total",
        |m| m.tiers().demotions(),
        "Times that a task went down a tier, or off the record.",
    ),
    counter(
        "tokio_pulse_handoffs_total",
        |m| m.tiers().handoffs(),
        "Polls whose worker was handed over before they began.",
    ),
    counter(
        "tokio_pulse_handoffs_failed_total",
        |m| m.tiers().failed_handoffs(),
        "Polls that began with their worker all the same.",
    ),
    counter(
        "tokio_pulse_warnings_suppressed_total",
        |m| m.tiers().suppressed_warnings(),
        "Warnings that were not sent because there had been so many.",
    ),
    seconds(
        "tokio_pulse_treated_poll_duration_seconds",
        |m| m.treated_poll_time(),
        "How long polls of tasks on record have taken on the workers.",
    ),
    counter(
        "tokio_pulse_gate_waits_total",
        |m| m.tiers().gate_waits(),
        "Polls that had to wait at the gate.",
    ),
    counter(
        "tokio_pulse_gate_forced_total",
        |m| m.tiers().gate_forced(),
        "Polls that went through the gate because nobody had come out for long.",
    ),
    seconds(
        "tokio_pulse_gate_wait_seconds",
        |m| m.gate_wait_time(),
        "How long polls have waited at the gate, of those that had to.",
    ),
    lane_gauge(
        "tokio_pulse_lane_threads",
        |m| lanes(m, |lane| lane.threads() as f64),
        "Threads that serve a lane.",
    ),
    lane_gauge(
        "tokio_pulse_lane_queued",
        |m| lanes(m, |lane| lane.queued() as f64),
        "Tasks that wait for a thread of a lane.",
    ),
    lane_gauge(
        "tokio_pulse_lane_queue_bound",
        |m| lanes(m, |lane| lane.queue_bound() as f64),
        "As many as may wait before one more is run in place.",
    ),
    lane_counter(
        "tokio_pulse_lane_admitted_total",
        |m| lanes(m, LaneMetrics::admitted),
        "Times that a task came to a lane.",
    ),
    lane_counter(
        "tokio_pulse_lane_refused_total",
        |m| lanes(m, LaneMetrics::refused),
        "Times that a task was run in place because a lane was full.",
    ),
    lane_counter(
        "tokio_pulse_lane_completed_total",
        |m| lanes(m, LaneMetrics::completed),
        "Tasks that came to their end on a lane.",
    ),
    lane_counter(
        "tokio_pulse_lane_panics_total",
        |m| lanes(m, LaneMetrics::panicked),
        "Tasks that panicked on a lane.",
    ),
    seconds(
        "tokio_pulse_lane_wait_seconds",
        |m| m.lane_wait_time(),
        "How long tasks have waited for a thread of a lane.",
    ),
    seconds(
        "tokio_pulse_lane_poll_duration_seconds",
        |m| m.lane_poll_time(),
        "How long polls have taken on a lane.",
    ),
    metric(
        "tokio_pulse_alert_active",
        Unit::Count,
        Kind::Gauges(ALERT, |m| alerts(m, |alert| f64::from(u8::from(alert.is_active())))),
        "1 while an alert of the program is active.",
    ),
    metric(
        "tokio_pulse_alert_value",
        Unit::Count,
        Kind::Gauges(ALERT, |m| alerts(m, AlertStatus::value)),
        "What an alert compares with its thresholds, in the unit of its signal.",
    ),
    metric(
        "tokio_pulse_alerts_raised_total",
        Unit::Count,
        Kind::Counters(ALERT, |m| alerts(m, AlertStatus::raised)),
        "Times that an alert was raised.",
    ),
];

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// <https://prometheus.io/docs/practices/naming/>
    #[test]
    fn names_and_units_follow_the_conventions_of_prometheus() {
        let mut names = HashSet::new();
        for metric in CATALOG {
            let name = metric.name;
            assert!(names.insert(name), "{name} is there twice");
            assert!(name.starts_with("tokio_pulse_"), "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            let is_counter = matches!(metric.kind, Kind::Counter(_) | Kind::Counters(..));
            assert_eq!(name.ends_with("_total"), is_counter, "{name}");
            assert_eq!(name.ends_with("_seconds"), metric.unit == Unit::Seconds, "{name}");
            assert!(metric.help.ends_with('.'), "{name}: {}", metric.help);
        }
    }
}
