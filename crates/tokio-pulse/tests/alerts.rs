//! Alerts on real runtimes.

mod common;

use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use common::{PATIENCE, Stall, builder, eventually, rescue_only};
use tokio_pulse::alert::{AlertEvent, AlertRule, AlertSignal, AlertTurn};
use tokio_pulse::{Builder, Handle, Runtime, Tier, config::Rule};

const INTERVAL: Duration = Duration::from_millis(20);

/// Raised and cleared without delay, by what happened just now.
fn at_once(signal: AlertSignal, raise: f64) -> AlertRule {
    AlertRule::new(signal, raise)
        .raise_after(Duration::ZERO)
        .clear_after(Duration::ZERO)
        .window(Duration::from_millis(500))
}

fn listening(builder: &mut Builder) -> mpsc::Receiver<AlertEvent> {
    let (told, events) = mpsc::channel();
    builder.alert_interval(INTERVAL).on_alert(move |event| {
        // Whoever listened may be gone.
        let _ = told.send(event.clone());
    });
    events
}

#[track_caller]
fn next(events: &mpsc::Receiver<AlertEvent>) -> AlertEvent {
    events.recv_timeout(PATIENCE).expect("waited in vain for an alert")
}

fn is_active(runtime: &Runtime, name: &str) -> bool {
    let alerts = runtime.handle().alerts();
    alerts.iter().find(|alert| alert.name() == name).unwrap().is_active()
}

#[test]
fn stalls_raise_an_alert_and_quiet_clears_it() {
    let mut builder = rescue_only(2);
    let events = listening(&mut builder);
    builder.alert(at_once(AlertSignal::StallsPerMinute, 1.0).name("stalls").clear_at(0.0));
    let runtime = builder.build().unwrap();
    assert!(!is_active(&runtime, "stalls"));
    let stall = Stall::spawn_on(&runtime);
    let raised = next(&events);
    assert_eq!((raised.name(), raised.turn()), ("stalls", AlertTurn::Raised));
    assert!(raised.value() >= raised.threshold());
    stall.end();
    let cleared = next(&events);
    assert_eq!((cleared.name(), cleared.turn()), ("stalls", AlertTurn::Cleared));
    assert!(cleared.lasted() > Duration::ZERO);
    assert_eq!(runtime.handle().alerts()[0].raised(), 1);
}

#[test]
fn a_reserve_that_is_used_up_raises_an_alert() {
    let mut builder = rescue_only(1);
    builder.reserve_workers(1);
    let events = listening(&mut builder);
    builder.alert(at_once(AlertSignal::ReserveInUse, 1.0).clear_at(0.5));
    let runtime = builder.build().unwrap();
    let _stall = Stall::spawn_on(&runtime);
    let raised = next(&events);
    assert_eq!(raised.signal(), AlertSignal::ReserveInUse);
    assert!(raised.value() >= 1.0);
}

/// All workers are stuck: no task could tell.
#[test]
fn a_task_that_waits_for_long_raises_an_alert_while_it_still_waits() {
    let mut builder = rescue_only(1);
    builder.reserve_workers(0);
    let events = listening(&mut builder);
    builder.alert(at_once(AlertSignal::SchedulingDelay, 0.3).clear_at(0.2));
    let runtime = builder.build().unwrap();
    let stall = Stall::spawn_on(&runtime);
    let raised = next(&events);
    assert!(raised.is_raised() && raised.value() >= 0.3);
    assert!(!stall.is_over());
    stall.end();
    while next(&events).is_raised() {}
}

#[test]
fn offences_and_slow_polls_raise_alerts() {
    let mut builder = builder(2);
    let events = listening(&mut builder);
    builder
        .slice(Duration::from_millis(5))
        .alert(at_once(AlertSignal::ViolationsPerMinute, 1.0))
        .alert(at_once(AlertSignal::SlowPollRatio, 0.001));
    let runtime = builder.build().unwrap();
    // Also on stable Tokio, where only tasks that were spawned through Pulse are judged.
    let hog = runtime.spawn(async {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(40) {
                std::hint::spin_loop();
            }
            tokio::task::yield_now().await;
        }
    });
    let light = runtime.spawn(async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let mut raised = std::collections::HashSet::new();
    while raised.len() < 2 {
        raised.insert(next(&events).signal());
    }
    hog.abort();
    light.abort();
}

#[test]
fn a_rule_waits_before_it_tells() {
    let mut builder = rescue_only(1);
    let events = listening(&mut builder);
    let patient = at_once(AlertSignal::ReserveInUse, 0.01).raise_after(Duration::from_millis(400));
    builder.alert(patient);
    let runtime = builder.build().unwrap();
    let began = Instant::now();
    let _stall = Stall::spawn_on(&runtime);
    assert!(next(&events).is_raised());
    assert!(began.elapsed() >= Duration::from_millis(400));
}

#[test]
fn an_alert_escalates_all_that_are_on_record_and_undoes_it() {
    // It may take what it likes, so that a busy machine does not add to its record.
    let floor = Rule::builder().name("known").tier(Tier::One).budget(PATIENCE).build().unwrap();
    let exempt = Rule::builder().site("*").exempt().build().unwrap();
    let mut builder = builder(2);
    builder.rule(floor).rule(exempt);
    let known_to_it = Arc::new(OnceLock::<Handle>::new());
    let (told, events) = mpsc::channel();
    let handle_of_it = known_to_it.clone();
    builder.alert_interval(INTERVAL).on_alert(move |event| {
        let is_escalated = handle_of_it.get().map(|handle| handle.tiers().is_escalated());
        let _ = told.send((event.clone(), is_escalated));
    });
    builder.alert(at_once(AlertSignal::ReserveInUse, 0.01).escalate());
    let runtime = builder.build().unwrap();
    let handle = runtime.handle().clone();
    let _ = known_to_it.set(handle.clone());
    let entered = runtime.enter();
    let known = tokio_pulse::task::Builder::new().name("known").spawn(async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    let id = known.id();
    eventually("it is on record", || handle.tiers().tier_of(id) == Tier::One);

    let stall = Stall::spawn_on(&runtime);
    // A slow machine may have had others before. They end, and this one does not.
    eventually("it escalates", || {
        handle.tiers().is_escalated() && handle.tiers().tier_of(id) == Tier::Two
    });
    // Nobody who is not on record is put there by that.
    assert_eq!(handle.tiers().suspects().len(), 1);

    stall.end();
    eventually("it is undone", || {
        !handle.tiers().is_escalated() && handle.tiers().tier_of(id) == Tier::One
    });
    known.abort();
    drop(entered);
    drop(runtime);
    // Whoever is told finds it done, and undone, already.
    let mut turns = Vec::new();
    for (event, is_escalated) in events.try_iter() {
        assert!(event.escalates());
        assert_eq!(is_escalated.unwrap_or(event.is_raised()), event.is_raised(), "{event:?}");
        turns.push(event.turn());
    }
    assert!(turns.starts_with(&[AlertTurn::Raised, AlertTurn::Cleared]), "{turns:?}");
}

#[test]
fn a_callback_that_panics_harms_nobody() {
    let mut builder = rescue_only(1);
    builder.on_alert(|_| panic!("on purpose"));
    let events = listening(&mut builder);
    builder.alert(at_once(AlertSignal::ReserveInUse, 0.01));
    let runtime = builder.build().unwrap();
    for _ in 0..2 {
        let stall = Stall::spawn_on(&runtime);
        assert!(next(&events).is_raised());
        stall.end();
        assert!(!next(&events).is_raised());
    }
}

/// The thread of the alerts must not wait for itself.
#[test]
fn a_callback_may_own_the_runtime() {
    let owner = Arc::new(Mutex::new(None::<Runtime>));
    let (dropped, is_dropped) = mpsc::channel();
    let mut builder = rescue_only(1);
    let owned = owner.clone();
    builder.alert_interval(INTERVAL).alert(at_once(AlertSignal::ReserveInUse, 0.01)).on_alert(
        move |_| {
            if let Some(runtime) = owned.lock().unwrap().take() {
                runtime.shutdown_background();
                dropped.send(()).unwrap();
            }
        },
    );
    let runtime = builder.build().unwrap();
    let mut place = owner.lock().unwrap();
    let _stall = Stall::spawn_on(&runtime);
    *place = Some(runtime);
    drop(place);
    is_dropped.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn rules_that_make_no_sense_are_refused() {
    let signal = AlertSignal::StallsPerMinute;
    let refused = [
        AlertRule::new(signal, 0.0),
        AlertRule::new(signal, f64::NAN),
        AlertRule::new(signal, f64::INFINITY),
        AlertRule::new(signal, 1.0).clear_at(1.0),
        AlertRule::new(signal, 1.0).clear_at(-1.0),
        AlertRule::new(signal, 1.0).clear_at(f64::NAN),
        AlertRule::new(signal, 1.0).name(""),
        AlertRule::new(signal, 1.0).name("x".repeat(65)),
        AlertRule::new(signal, 1.0).window(Duration::from_millis(99)),
        AlertRule::new(signal, 1.0).window(Duration::from_secs(3_601)),
    ];
    for rule in refused {
        let error = builder(1).alert(rule.clone()).build().unwrap_err();
        assert!(error.is_config(), "{rule:?}: {error}");
    }
    let twice = builder(1)
        .alert(AlertRule::new(signal, 1.0))
        .alert(AlertRule::new(signal, 2.0))
        .build()
        .unwrap_err();
    assert!(twice.to_string().contains("two alerts"), "{twice}");
    assert!(builder(1).alert_interval(Duration::from_millis(9)).build().is_err());
}
