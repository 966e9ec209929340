//! The middleware on real runtimes.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use tokio::task::yield_now;
use tokio_pulse::config::Rule;
use tokio_pulse::stall_report::{ReportLimits, ReportSink, StallEnd, StallReport};
use tokio_pulse::task::{self, Group, TaskContext};
use tokio_pulse::{CpuTimer, Runtime, SuspectReport, TaskPriority};
use tokio_pulse_tower::{BudgetLayer, Exhausted, PressureGauge, Reason, Rejection, RequestBudget};
use tower::{BoxError, Layer, ServiceExt, service_fn};

/// For what must happen some time.
const PATIENCE: Duration = Duration::from_secs(30);
const BUDGET: Duration = Duration::from_millis(20);

fn runtime(workers: usize) -> Runtime {
    tokio_pulse::Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap()
}

fn limited(exhausted: Exhausted) -> BudgetLayer<RequestBudget> {
    BudgetLayer::new(RequestBudget::of_cpu(BUDGET)).on_exhausted(exhausted)
}

fn burn(time: Duration) {
    let timer = CpuTimer::start();
    while timer.elapsed() < time {
        std::hint::spin_loop();
    }
}

fn on_lane() -> bool {
    std::thread::current().name() == Some("pulse-lane")
}

async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

async fn eventually(condition: impl Fn() -> bool) {
    in_time(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

fn reason(error: &BoxError) -> Reason {
    error.downcast_ref::<Rejection>().expect("a rejection").reason()
}

/// What a hog does: it computes, and has an await now and then.
async fn compute(pieces: u32) {
    for _ in 0..pieces {
        burn(Duration::from_millis(5));
        yield_now().await;
    }
}

#[test]
fn a_request_that_computes_is_rejected_and_one_that_waits_is_not() {
    let runtime = runtime(1);
    let service = limited(Exhausted::Reject).layer(service_fn(|computes: bool| async move {
        if computes {
            compute(1000).await;
        } else {
            tokio::time::sleep(4 * BUDGET).await;
        }
        Ok::<_, BoxError>(())
    }));
    let (hog, sleeper) = (service.clone().oneshot(true), service.oneshot(false));
    let hog = runtime.block_on(in_time(runtime.spawn(hog))).unwrap();
    assert_eq!(reason(&hog.unwrap_err()), Reason::CpuBudget);
    runtime.block_on(in_time(runtime.spawn(sleeper))).unwrap().unwrap();
}

#[test]
fn what_the_call_itself_computes_counts() {
    let service = limited(Exhausted::Reject).layer(service_fn(|()| {
        burn(2 * BUDGET);
        std::future::pending::<Result<(), BoxError>>()
    }));
    let answer = runtime(1).block_on(in_time(service.oneshot(())));
    assert_eq!(reason(&answer.unwrap_err()), Reason::CpuBudget);
}

#[test]
fn children_count_and_go_to_the_lane() {
    let (sender, seen) = mpsc::channel();
    let service = limited(Exhausted::Reject).layer(service_fn(move |()| {
        let sender = sender.clone();
        async move {
            tokio_pulse::spawn(async move {
                while !on_lane() {
                    burn(Duration::from_millis(5));
                    yield_now().await;
                }
                sender.send(Group::current().unwrap().is_over_budget()).unwrap();
            });
            // Uses nothing itself.
            loop {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            #[expect(unreachable_code, reason = "for the type")]
            Ok::<(), BoxError>(())
        }
    }));
    let runtime = runtime(2);
    let answer = runtime.block_on(in_time(runtime.spawn(service.oneshot(())))).unwrap();
    assert_eq!(reason(&answer.unwrap_err()), Reason::CpuBudget);
    assert!(seen.recv_timeout(PATIENCE).unwrap());
}

#[test]
fn in_the_slow_lane_a_request_comes_to_its_end() {
    let runtime = runtime(1);
    for budget in [RequestBudget::of_cpu(BUDGET), RequestBudget::of_polls(3)] {
        let service = BudgetLayer::new(budget)
            .on_exhausted(Exhausted::SlowLane)
            .describe(|(): &()| task::Builder::new().name("GET /report"))
            .layer(service_fn(|()| async {
                let began_on_lane = on_lane();
                while !on_lane() {
                    burn(Duration::from_millis(1));
                    yield_now().await;
                }
                let name = TaskContext::current().unwrap().name().map(String::from);
                Ok::<_, BoxError>((began_on_lane, name))
            }));
        let answer = runtime.block_on(in_time(runtime.spawn(service.oneshot(())))).unwrap();
        assert_eq!(answer.unwrap(), (false, Some("GET /report".into())));
    }
}

#[test]
fn in_the_slow_lane_a_request_that_is_given_up_ends() {
    struct Gone(Arc<AtomicBool>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.store(true, SeqCst);
        }
    }
    let gone = Arc::new(AtomicBool::new(false));
    let service = limited(Exhausted::SlowLane).layer(service_fn(|gone: Gone| async move {
        let _gone = gone;
        std::future::pending::<Result<(), BoxError>>().await
    }));
    let request = service.oneshot(Gone(gone.clone()));
    runtime(1).block_on(async {
        let given_up = tokio::time::timeout(Duration::from_millis(10), request).await;
        assert!(given_up.is_err());
        eventually(|| gone.load(SeqCst)).await;
    });
}

#[test]
fn in_the_slow_lane_a_panic_is_the_callers() {
    let service = limited(Exhausted::SlowLane).layer(service_fn(|()| async {
        if Group::current().is_some() {
            panic!("as expected");
        }
        Ok::<_, BoxError>(())
    }));
    let runtime = runtime(1);
    let error = runtime.block_on(in_time(runtime.spawn(service.oneshot(())))).unwrap_err();
    assert_eq!(*error.into_panic().downcast::<&str>().unwrap(), "as expected");
}

#[test]
fn one_that_yields_lets_others_in_and_comes_to_its_end() {
    let runtime = runtime(1);
    let others = Arc::new(AtomicUsize::new(0));
    let counted = others.clone();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let other = runtime.spawn(async move {
        while !stopped.load(SeqCst) {
            counted.fetch_add(1, SeqCst);
            yield_now().await;
        }
    });
    let service = BudgetLayer::new(RequestBudget::of_polls(1)).layer(service_fn(|()| async {
        for _ in 0..100 {
            yield_now().await;
        }
        Ok::<_, BoxError>(())
    }));
    runtime.block_on(in_time(runtime.spawn(service.oneshot(())))).unwrap().unwrap();
    assert!(others.load(SeqCst) > 0);
    stop.store(true, SeqCst);
    runtime.block_on(in_time(other)).unwrap();
}

#[test]
fn a_request_in_the_task_of_its_connection_is_known_by_its_own_name() {
    let service = BudgetLayer::new(RequestBudget::of_cpu(PATIENCE))
        .describe(|path: &String| task::Builder::new().name(path).label("tenant", "42"))
        .layer(service_fn(|_: String| async {
            let context = TaskContext::current().unwrap();
            let child = tokio_pulse::spawn(async { Group::current() }).await.unwrap();
            assert_eq!(child.as_ref(), context.group());
            let tenant = context.label("tenant").map(String::from);
            Ok::<_, std::io::Error>((
                context.name().map(String::from),
                tenant,
                context.group().cloned(),
            ))
        }));
    let runtime = runtime(1);
    // Plain Tokio: what a server does with its connections.
    let connection = runtime.handle().tokio().spawn(async move {
        let first = service.clone().oneshot("/a".into()).await.unwrap();
        let second = service.oneshot("/b".into()).await.unwrap();
        assert!(TaskContext::current().is_none());
        (first, second)
    });
    let (first, second) = runtime.block_on(in_time(connection)).unwrap();
    assert_eq!((first.0.as_deref(), first.1.as_deref()), (Some("/a"), Some("42")));
    assert_eq!(second.0.as_deref(), Some("/b"));
    assert_ne!(first.2, second.2, "each request has a group of its own");
}

#[test]
fn rules_and_records_know_a_request_by_its_description() {
    struct Ends(Mutex<mpsc::Sender<StallEnd>>);
    impl ReportSink for Ends {
        fn report(&self, _: &StallReport) {}

        fn ended(&self, end: &StallEnd) {
            let _ = self.0.lock().unwrap().send(end.clone());
        }
    }
    let rule = Rule::builder().label("path", "/report").priority(TaskPriority::Low);
    let (ends, ended) = mpsc::channel();
    let runtime = tokio_pulse::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .slice(Duration::from_millis(5))
        .rule(rule.build().unwrap())
        .report_sink(Ends(Mutex::new(ends)))
        .stall_reports(ReportLimits::new().threshold(Duration::from_millis(5)).per_minute(1000))
        .build()
        .unwrap();
    let service = BudgetLayer::new(RequestBudget::of_cpu(PATIENCE))
        .describe(|path: &String| task::Builder::new().name("GET").label("path", path))
        .layer(service_fn(|_: String| async {
            loop {
                burn(Duration::from_millis(50));
                yield_now().await;
            }
            #[expect(unreachable_code, reason = "for the type")]
            Ok::<(), BoxError>(())
        }));
    let connection = runtime.handle().tokio().spawn(service.oneshot("/report".into()));
    let tiers = runtime.handle().tiers();
    let known = || {
        let low = |suspect: &SuspectReport| {
            let described = suspect.name() == Some("GET") && suspect.group_id().is_some();
            described && suspect.priority() == TaskPriority::Low
        };
        tiers.suspects().iter().any(|suspect| suspect.task_id() == connection.id() && low(suspect))
    };
    runtime.block_on(eventually(known));
    let end = ended.recv_timeout(PATIENCE).unwrap();
    connection.abort();
    assert_eq!((end.task_id, end.task_name.as_deref()), (Some(connection.id()), Some("GET")));
    assert!(end.task_group.is_some(), "{end}");
}

#[test]
fn stalls_begin_the_shedding_and_their_end_ends_it() {
    let runtime = runtime(2);
    let gauge = PressureGauge::builder(runtime.handle())
        .ignore_delay()
        .stalls(1, 0)
        .interval(Duration::from_millis(1))
        .build()
        .unwrap();
    let service = BudgetLayer::new(RequestBudget::UNLIMITED)
        .shed(gauge.clone())
        .layer(service_fn(|()| async { Ok::<_, BoxError>(()) }));
    let release = Arc::new(AtomicBool::new(false));
    let released = release.clone();
    let hog = runtime.spawn(async move {
        let began = Instant::now();
        while !released.load(SeqCst) && began.elapsed() < 2 * PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    runtime.block_on(async {
        eventually(|| gauge.is_overloaded()).await;
        let error = service.clone().oneshot(()).await.unwrap_err();
        assert_eq!(reason(&error), Reason::Overload);
        release.store(true, SeqCst);
        in_time(hog).await.unwrap();
        eventually(|| !gauge.is_overloaded()).await;
        in_time(service.oneshot(())).await.unwrap();
    });
}

#[test]
fn a_long_queue_is_seen_as_delay_and_forgotten_in_time() {
    let runtime = runtime(1);
    let gauge = PressureGauge::builder(runtime.handle())
        .delay(Duration::from_millis(20), Duration::from_millis(10))
        .ignore_lane_depth()
        .exhausted_reserve(false)
        .interval(Duration::from_millis(1))
        .build()
        .unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    // Each poll is short, and the row of them is long: no stall, and everybody waits.
    let crowd: Vec<_> = (0..40)
        .map(|_| {
            let stop = stop.clone();
            runtime.spawn(async move {
                while !stop.load(SeqCst) {
                    burn(Duration::from_millis(1));
                    yield_now().await;
                }
            })
        })
        .collect();
    let wait_until = |overloaded| {
        let began = Instant::now();
        while gauge.is_overloaded() != overloaded {
            assert!(began.elapsed() < PATIENCE, "{:?}", gauge.pressure());
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    wait_until(true);
    stop.store(true, SeqCst);
    for one in crowd {
        runtime.block_on(in_time(one)).unwrap();
    }
    wait_until(false);
}

#[test]
fn a_gauge_outlives_its_runtime() {
    let runtime = runtime(1);
    let gauge = PressureGauge::builder(runtime.handle()).interval(Duration::ZERO).build().unwrap();
    drop(runtime);
    for _ in 0..10 {
        gauge.is_overloaded();
    }
    assert_eq!(gauge.pressure().stalls, 0);
}
