//! What is counted on real runtimes, and what comes out of an exporter.

mod common;

use std::time::Duration;

use common::{Stall, builder, eventually, rescue_only};
use tokio_pulse::{InterventionAction, PreemptionMetrics, Runtime, Tier, config::Rule};

fn metrics(runtime: &Runtime) -> PreemptionMetrics {
    runtime.handle().preemption_metrics()
}

#[test]
fn a_stall_that_is_over_is_in_the_histogram() {
    let runtime = rescue_only(1).build().unwrap();
    let stall = Stall::spawn_on(&runtime);
    eventually("the stall is seen", || runtime.metrics().stalls_in_progress() == 1);
    // On a slow machine there may have been others before.
    let ended = || metrics(&runtime).stall_time().count();
    eventually("all but it have ended", || ended() + 1 == runtime.metrics().stalls());
    let before = ended();
    stall.end();
    eventually("its end is seen", || ended() > before);
    let metrics = metrics(&runtime);
    assert!(metrics.stall_time().sum() >= Duration::from_millis(5));
    let longest = metrics.runtime().longest_stall();
    assert!(metrics.stall_time().sum() <= longest * metrics.stall_time().count() as u32);
    assert!(metrics.slow_polls() >= 1);
}

#[test]
fn polls_of_a_task_on_record_are_measured() {
    let rule = Rule::builder().site("*/preemption_metrics.rs:*").tier(Tier::Three).build().unwrap();
    let mut builder = builder(2);
    builder.rule(rule);
    let runtime = builder.build().unwrap();
    let action = runtime.handle().tiers().config().policy(Tier::Three).action();
    assert_eq!(action, InterventionAction::SlowQueue);
    // Through Tokio, so that it cannot be moved to the lane and has to go through the gate.
    runtime
        .block_on(runtime.tokio().spawn(async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        }))
        .unwrap();
    #[cfg(tokio_unstable)]
    {
        eventually("its polls are told", || metrics(&runtime).treated_poll_time().count() >= 3);
        assert_eq!(metrics(&runtime).suspects_at(Tier::Three), 1);
    }
}

#[test]
fn waits_and_polls_of_the_lane_are_measured() {
    let runtime = builder(1).build().unwrap();
    let lane = runtime.handle().lane();
    runtime.block_on(lane.spawn(async {})).unwrap();
    eventually("the poll is told", || metrics(&runtime).lane_poll_time().count() >= 1);
    assert!(metrics(&runtime).lane_wait_time().count() >= 1);
    assert!(metrics(&runtime).lane().admitted() >= 1);
}

fn burn(time: Duration) {
    let timer = tokio_pulse::CpuTimer::start();
    while timer.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// On the lane an offender is judged as anywhere; its polls there are polls like any other.
#[test]
fn there_are_never_more_slow_polls_than_polls() {
    let rule = Rule::builder().site("*/preemption_metrics.rs:*").tier(Tier::Three).build().unwrap();
    let mut builder = builder(1);
    builder.rule(rule);
    let runtime = builder.build().unwrap();
    let offends = async {
        for _ in 0..40 {
            burn(Duration::from_millis(15));
            tokio::task::yield_now().await;
        }
    };
    runtime.block_on(runtime.spawn(offends)).unwrap();
    eventually("its polls are told", || {
        let metrics = metrics(&runtime);
        let lane = metrics.lane().polls();
        assert!(metrics.polls() >= lane && metrics.polls() >= metrics.slow_polls(), "{metrics:?}");
        !cfg!(tokio_unstable) || (lane >= 30 && metrics.slow_polls() >= 20)
    });
}

/// Threads of a current-thread runtime come and go with `block_on`, and counters must not fall.
#[test]
fn polls_of_threads_that_have_ended_still_count() {
    let runtime = tokio_pulse::Builder::new_current_thread().enable_all().build().unwrap();
    let mut seen = 0;
    for _ in 0..4 {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                runtime.block_on(async {
                    for _ in 0..10 {
                        tokio_pulse::spawn(tokio::task::yield_now()).await.unwrap();
                    }
                });
            });
        });
        let polls = metrics(&runtime).polls();
        assert!(polls >= seen + 10, "{polls} polls after {seen}");
        seen = polls;
    }
}

#[cfg(feature = "metrics")]
mod exported {
    use super::*;

    use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};
    use tokio_pulse::alert::{AlertRule, AlertSignal};
    use tokio_pulse::export::MetricsExporter;

    fn recorder() -> PrometheusRecorder {
        let ours = Matcher::Prefix("tokio_pulse_".to_owned());
        let buckets = PreemptionMetrics::buckets_in_seconds();
        PrometheusBuilder::new().set_buckets_for_metric(ours, &buckets).unwrap().build_recorder()
    }

    /// The value of a sample, given what its line begins with.
    fn sample(text: &str, start: &str) -> f64 {
        let line = text.lines().find(|line| line.starts_with(start));
        let line = line.unwrap_or_else(|| panic!("no {start} in:\n{text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    #[test]
    fn prometheus_sees_what_was_counted() {
        let recorder = recorder();
        let runtime = rescue_only(1).build().unwrap();
        let mut exporter = MetricsExporter::new(runtime.handle()).runtime_name("test");
        metrics::with_local_recorder(&recorder, || exporter.record());
        for round in 1..=2_u64 {
            let stall = Stall::spawn_on(&runtime);
            eventually("the stall is seen", || runtime.metrics().stalls() >= round);
            stall.end();
            eventually("and its end", || metrics(&runtime).stall_time().count() >= round);
            metrics::with_local_recorder(&recorder, || exporter.record());
        }
        let text = recorder.handle().render();
        let of = |name: &str| sample(&text, &format!("{name}{{runtime=\"test\""));
        // A machine that is slow itself may have added one, before the last record or after it.
        let counted = runtime.metrics().stalls() as f64;
        let stalls = of("tokio_pulse_stalls_total");
        assert!((2.0..=counted).contains(&stalls), "{stalls} told of {counted}");
        assert_eq!(of("tokio_pulse_workers"), 1.0);
        let ended = of("tokio_pulse_stall_duration_seconds_count");
        assert!((2.0..=stalls).contains(&ended), "{ended} of {stalls}");
        let told = of("tokio_pulse_stall_duration_seconds_sum");
        let counted = metrics(&runtime).stall_time().sum().as_secs_f64();
        assert!(told > 0.0 && told <= counted + 1e-6, "{told} told of {counted}");
        assert_eq!(sample(&text, "tokio_pulse_suspects{runtime=\"test\",tier=\"3\"}"), 0.0);
        assert!(text.contains("# TYPE tokio_pulse_stall_duration_seconds histogram"), "{text}");
        assert!(text.contains("# HELP tokio_pulse_stalls_total Polls that"), "{text}");
    }

    #[test]
    fn an_alert_is_a_metric_while_it_is_active() {
        let recorder = recorder();
        let rule = AlertRule::new(AlertSignal::ReserveInUse, 0.01)
            .name("reserve")
            .raise_after(Duration::ZERO)
            .clear_after(Duration::ZERO);
        let mut builder = rescue_only(1);
        builder.alert(rule).alert_interval(Duration::from_millis(20));
        let runtime = builder.build().unwrap();
        let mut exporter = MetricsExporter::new(runtime.handle());
        let mut is_active = || {
            metrics::with_local_recorder(&recorder, || exporter.record());
            let text = recorder.handle().render();
            let is_of = |line: &&str| {
                line.starts_with("tokio_pulse_alert_active{") && line.contains("alert=\"reserve\"")
            };
            let line = text.lines().find(is_of).unwrap_or_else(|| panic!("not in:\n{text}"));
            line.ends_with(" 1")
        };
        assert!(!is_active());
        let active = || runtime.handle().alerts()[0].is_active();
        let stall = Stall::spawn_on(&runtime);
        eventually("it is raised", active);
        assert!(is_active());
        stall.end();
        eventually("it is cleared", || !active());
        assert!(!is_active());
    }

    #[test]
    fn a_publisher_tells_the_recorder_of_the_process_until_it_is_dropped() {
        let recorder = recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).unwrap();
        let runtime = builder(2).build().unwrap();
        let exporter = MetricsExporter::new(runtime.handle()).runtime_name("published");
        let publisher = exporter.every(Duration::from_millis(10)).unwrap();
        let workers = "tokio_pulse_workers{runtime=\"published\"}";
        eventually("something is published", || handle.render().contains(workers));
        drop(publisher);
        assert_eq!(sample(&handle.render(), workers), 2.0);
    }

    #[test]
    fn an_exporter_outlives_its_runtime() {
        let recorder = recorder();
        let runtime = builder(1).build().unwrap();
        let mut exporter = MetricsExporter::new(runtime.handle());
        drop(runtime);
        metrics::with_local_recorder(&recorder, || exporter.record());
        assert!(recorder.handle().render().contains("runtime=\"main\""));
    }
}
