//! The load generator against a server that behaves, and against none.

use std::{
    net::{SocketAddr, TcpListener},
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use axum::{Router, http::StatusCode, routing::get};
use pulse::{
    load::{Class, ClosedPlan, OpenPlan, Target, closed_loop, fetch, open_loop},
    side::{RuntimeOptions, Side, SideRuntime},
};

const MEASURED: Duration = Duration::from_millis(500);
const WARM_UP: Duration = Duration::from_millis(100);

/// The server lives as long as the runtime.
fn server() -> (SideRuntime, SocketAddr) {
    let runtime = SideRuntime::build(Side::Stock, &RuntimeOptions::workers(1)).unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let addr = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/good", get(|| async { "ok" }))
        .route("/bad", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/never", get(std::future::pending::<()>));
    runtime.spawn(async move { axum::serve(listener, router).await });
    (runtime, addr)
}

fn nobody() -> SocketAddr {
    // Bound and let go: nobody listens there.
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn open(addr: SocketAddr, path: &str) -> OpenPlan {
    let class = Class { target: Target::get(path), per_second: 200.0 };
    OpenPlan { warm_up: WARM_UP, ..OpenPlan::new(addr, vec![class], MEASURED) }
}

#[test]
fn the_open_loop_counts_answers() {
    let (_runtime, addr) = server();
    let outcome = open_loop(&open(addr, "/good"), &AtomicBool::new(false)).unwrap();
    let class = &outcome.classes[0];
    assert!(class.completed > 0 && class.errors == 0, "{class:?}");
    assert!(!class.latencies.is_empty() && !outcome.lag.is_empty());
}

#[test]
fn a_failing_server_gives_errors_and_no_throughput() {
    let (_runtime, addr) = server();
    for (addr, path) in [(addr, "/bad"), (nobody(), "/good")] {
        let outcome = open_loop(&open(addr, path), &AtomicBool::new(false)).unwrap();
        let class = &outcome.classes[0];
        assert!(class.completed == 0 && class.errors > 0, "{path}: {class:?}");
        assert!(class.latencies.is_empty());
    }
}

#[test]
fn a_silent_server_is_bounded_by_the_timeout_and_by_the_connections() {
    let (_runtime, addr) = server();
    let timeout = Duration::from_millis(300);
    let plan = OpenPlan { timeout, max_outstanding: 8, ..open(addr, "/never") };
    let begun = Instant::now();
    let outcome = open_loop(&plan, &AtomicBool::new(false)).unwrap();
    let class = &outcome.classes[0];
    assert!(class.completed == 0 && class.errors > 8, "{class:?}");
    // Those that were not sent have no latency; those that timed out have.
    assert!(class.latencies.summary().count < class.errors);
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_raised_stop_ends_the_open_loop_early() {
    let (_runtime, addr) = server();
    let plan = OpenPlan { measured: Duration::from_secs(3600), ..open(addr, "/good") };
    let begun = Instant::now();
    open_loop(&plan, &AtomicBool::new(true)).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn the_closed_loop_measures_throughput_with_one_thread_and_with_two() {
    let (_runtime, addr) = server();
    for threads in [1, 2] {
        let plan = ClosedPlan::new(addr, Target::get("/good"), 4, MEASURED);
        let outcome = closed_loop(&ClosedPlan { threads, warm_up: WARM_UP, ..plan }).unwrap();
        let (rate, error) = (outcome.per_second(), outcome.first_error);
        assert!(outcome.errors == 0 && rate > 0.0, "{rate} per second, {error:?}");
        assert_eq!(outcome.latencies.summary().count, outcome.completed);
    }
}

#[test]
fn the_closed_loop_ends_in_time_when_nobody_answers() {
    let plan = ClosedPlan::new(nobody(), Target::get("/good"), 2, MEASURED);
    let outcome = closed_loop(&ClosedPlan { warm_up: WARM_UP, ..plan }).unwrap();
    assert!(outcome.completed == 0 && outcome.errors > 0, "{:?}", outcome.first_error);
}

#[test]
fn one_document_can_be_fetched_and_a_refusal_is_an_error() {
    let (_runtime, addr) = server();
    let limit = Duration::from_secs(10);
    assert_eq!(fetch(addr, &Target::get("/good"), limit).unwrap(), b"ok");
    assert!(fetch(addr, &Target::get("/bad"), limit).is_err());
    assert!(fetch(nobody(), &Target::get("/good"), limit).is_err());
}
