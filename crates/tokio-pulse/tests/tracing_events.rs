//! The events of a stall, through a real subscriber.
#![cfg(feature = "tracing")]

mod common;
#[path = "common/contract.rs"]
mod contract;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Stall, builder, eventually};
use tokio_pulse::alert::{AlertRule, AlertSignal};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Keeps the events of Pulse's targets, and panics at those of the reserve.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<Recorded>>>);

#[derive(Debug)]
struct Recorded {
    target: String,
    level: Level,
    fields: BTreeMap<String, String>,
    promise: contract::Promise,
}

impl Visit for Recorded {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name().into(), format!("{value:?}"));
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tokio_pulse")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut recorded = Recorded {
            target: metadata.target().into(),
            level: *metadata.level(),
            fields: BTreeMap::new(),
            promise: contract::sent(metadata),
        };
        event.record(&mut recorded);
        let reserve = recorded.target.ends_with("reserve");
        self.0.lock().unwrap_or_else(|poison| poison.into_inner()).push(recorded);
        assert!(!reserve, "a subscriber that panics");
    }
}

#[test]
fn a_stall_has_a_start_and_an_end_and_a_panicking_subscriber_harms_nobody() {
    let recorder = Recorder::default();
    tracing::subscriber::set_global_default(recorder.clone()).unwrap();
    let events = |target: &str, level: Level| {
        let all = recorder.0.lock().unwrap_or_else(|poison| poison.into_inner());
        let wanted = |event: &&Recorded| event.target == target && event.level == level;
        all.iter().filter(wanted).map(|event| event.fields.clone()).collect::<Vec<_>>()
    };

    let alert = AlertRule::new(AlertSignal::ReserveInUse, 0.5)
        .name("reserve")
        .raise_after(Duration::ZERO)
        .clear_after(Duration::ZERO);
    let runtime = builder(1)
        .reserve_workers(1)
        .thread_name("hog-thread")
        .alert_interval(Duration::from_millis(20))
        .alert(alert)
        .build()
        .unwrap();
    let stall = Stall::spawn_on(&runtime);
    eventually("the start is told", || !events("tokio_pulse::stall", Level::WARN).is_empty());
    let start = &events("tokio_pulse::stall", Level::WARN)[0];
    assert_eq!(start["thread"], "\"hog-thread\"");
    let unknown = !common::tells_sleepers() && start["cause"] == "\"unknown\"";
    assert!(unknown || start["cause"] == "\"computing\"", "{start:?}");
    assert_eq!(start["rescued"], "true");
    assert!(start["elapsed_us"].parse::<u64>().unwrap() >= 10_000, "{start:?}");

    eventually("the alert is told", || !events("tokio_pulse::alert", Level::WARN).is_empty());
    let raised = &events("tokio_pulse::alert", Level::WARN)[0];
    assert_eq!(raised["name"], "\"reserve\"");
    assert_eq!(raised["signal"], "\"reserve_in_use\"");
    assert_eq!(raised["escalates"], "false");

    let second = Stall::spawn_on(&runtime);
    eventually("the reserve has run out", || {
        !events("tokio_pulse::reserve", Level::WARN).is_empty()
    });
    // The subscriber has panicked on the watchdog's thread. The watch goes on.
    stall.end();
    second.end();
    eventually("both ends are told", || events("tokio_pulse::stall", Level::INFO).len() >= 2);
    let end = &events("tokio_pulse::stall", Level::INFO)[0];
    assert!(end["lasted_us"].parse::<u64>().unwrap() >= 10_000, "{end:?}");

    let config = runtime.handle().tiers().config().to_builder().lane_threads(1).lane_queue(1);
    runtime.handle().tiers().update_config(config.build().unwrap());
    let lane = runtime.handle().lane();
    let (over, ends) = std::sync::mpsc::channel::<()>();
    let stuck = lane.spawn(async move { ends.recv().is_err() });
    eventually("the lane's thread is stuck", || lane.metrics().running() == 1);
    let tasks: Vec<_> = (0..4).map(|_| lane.spawn(async {})).collect();
    eventually("some are refused", || lane.metrics().refused() > 1);
    drop(over);
    let full = events("tokio_pulse::lane", Level::WARN);
    assert_eq!(full.len(), 1, "{full:?}");
    assert_eq!(full[0]["bound"], "1");
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    assert!(runtime.block_on(stuck).unwrap());
    eventually("so is the alert's", || !events("tokio_pulse::alert", Level::INFO).is_empty());
    let all = recorder.0.lock().unwrap_or_else(|poison| poison.into_inner());
    contract::assert_promised(all.iter().map(|event| event.promise.clone()));
}
