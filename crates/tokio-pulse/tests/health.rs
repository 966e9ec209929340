//! Health over real sockets, also while nothing else answers.
#![cfg(feature = "health")]

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use common::{PATIENCE, Stall, builder, eventually, rescue_only};
use tokio_pulse::health::{HealthPolicy, HealthServer};

const ANYWHERE: &str = "127.0.0.1:0";

/// Turns at once.
fn quick() -> HealthPolicy {
    HealthPolicy::default()
        .stuck_for(Duration::from_millis(100))
        .unready_after(Duration::ZERO)
        .ready_after(Duration::ZERO)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = connect(address);
    // Neither is all of it taken.
    let _ = stream.write_all(request);
    answer(stream)
}

fn answer(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // What comes after the answer may be an error: the server does not read all that is sent.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let answer = ask(address, format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (status(head), body.to_owned())
}

fn status(answer: &str) -> u16 {
    let code = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    code.unwrap_or_else(|| panic!("no answer: {answer:?}")).parse().unwrap()
}

fn json(body: &str) -> serde_json::Value {
    serde_json::from_str(body).unwrap()
}

#[test]
fn it_says_why_while_every_worker_is_in_an_endless_loop() {
    let runtime = rescue_only(1).reserve_workers(1).build().unwrap();
    let health = HealthServer::builder().policy(quick()).bind(ANYWHERE, runtime.handle()).unwrap();
    let address = health.local_addr();
    assert_eq!(get(address, "/livez").0, 200);
    assert_eq!(get(address, "/readyz").0, 200);

    let first = Stall::spawn_on(&runtime);
    eventually("it is seen", || health.report().stalls() == 1);
    // Somebody stood in.
    assert_eq!(get(address, "/livez").0, 200);
    assert_eq!(get(address, "/readyz").0, 200);

    let second = Stall::spawn_on(&runtime);
    eventually("it is not live", || get(address, "/livez").0 == 503);
    let (status, body) = get(address, "/readyz");
    assert_eq!(status, 503);
    let body = json(&body);
    assert_eq!((&body["live"], &body["ready"]), (&false.into(), &false.into()));
    assert!(body["reasons"][0].as_str().unwrap().starts_with("all workers are stuck"), "{body}");
    assert_eq!(body["stalls"], 2);

    first.end();
    eventually("it is live again", || get(address, "/livez").0 == 200);
    second.end();
    eventually("and ready", || get(address, "/readyz").0 == 200);
}

#[test]
fn more_stalls_than_reserves_make_it_unready_and_not_dead() {
    let runtime = rescue_only(2).reserve_workers(1).build().unwrap();
    let health = HealthServer::builder()
        .policy(quick().ready_after(Duration::from_millis(300)))
        .bind(ANYWHERE, runtime.handle())
        .unwrap();
    let address = health.local_addr();
    let stalls = [Stall::spawn_on(&runtime), Stall::spawn_on(&runtime)];
    eventually("it is not ready", || get(address, "/readyz").0 == 503);
    assert_eq!(get(address, "/livez").0, 200);
    stalls.iter().for_each(Stall::end);
    eventually("the stalls are over", || health.report().stalls() == 0);
    eventually("it is ready again", || get(address, "/readyz").0 == 200);
}

#[test]
fn a_full_lane_makes_it_unready() {
    let mut builder = builder(2);
    let config = tokio_pulse::TierConfig::builder().lane_threads(1).lane_queue(1).build().unwrap();
    builder.tier_config(config);
    let runtime = builder.build().unwrap();
    let health = HealthServer::builder().policy(quick()).bind(ANYWHERE, runtime.handle()).unwrap();
    let lane = runtime.handle().lane();
    let (over, ends) = std::sync::mpsc::channel::<()>();
    let stuck = lane.spawn(async move {
        let _ = ends.recv();
    });
    eventually("the lane's thread is busy", || lane.metrics().running() == 1);
    let waits = lane.spawn(async {});
    eventually("one waits", || lane.metrics().queued() >= 1);
    let (status, body) = get(health.local_addr(), "/readyz");
    assert_eq!(status, 503);
    assert!(body.contains("the lane is full"), "{body}");
    over.send(()).unwrap();
    runtime.block_on(async { (stuck.await.unwrap(), waits.await.unwrap()) });
    eventually("it is ready again", || get(health.local_addr(), "/readyz").0 == 200);
}

#[test]
fn a_runtime_that_is_gone_is_not_ready_and_no_reason_to_restart() {
    let runtime = builder(1).build().unwrap();
    let health = HealthServer::bind(ANYWHERE, runtime.handle()).unwrap();
    drop(runtime);
    assert_eq!(get(health.local_addr(), "/livez").0, 200);
    let (status, body) = get(health.local_addr(), "/readyz");
    assert_eq!(status, 503);
    assert!(body.contains("has ended"), "{body}");
}

#[test]
fn what_is_malformed_too_large_or_unknown_is_refused() {
    let runtime = builder(1).build().unwrap();
    let health = HealthServer::bind(ANYWHERE, runtime.handle()).unwrap();
    let address = health.local_addr();
    let long = format!("GET /livez HTTP/1.1\r\nA: {}\r\n\r\n", "a".repeat(60_000));
    for (request, expected) in [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01".as_slice(), 400),
        (b"GET\r\n\r\n", 400),
        (b"POST /livez HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 405),
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"GET /metrics HTTP/1.1\r\n\r\n", 404),
        (long.as_bytes(), 431),
    ] {
        let answer = ask(address, request);
        assert_eq!(status(&answer), expected, "{answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"));
    }
    let head = ask(address, b"HEAD /livez HTTP/1.0\r\n\r\n");
    assert_eq!(status(&head), 200);
    assert!(head.ends_with("\r\n\r\n"), "{head}");
    // One request for each connection.
    let two = ask(address, b"GET /livez HTTP/1.1\r\n\r\nGET /livez HTTP/1.1\r\n\r\n");
    assert_eq!(two.matches("HTTP/1.1 200").count(), 1);
}

#[test]
fn who_is_slow_is_told_so_and_keeps_nobody_out() {
    let runtime = builder(1).build().unwrap();
    let health = HealthServer::bind(ANYWHERE, runtime.handle()).unwrap();
    let address = health.local_addr();

    let mut slow = connect(address);
    slow.write_all(b"GET /livez HT").unwrap();
    assert_eq!(status(&answer(slow)), 408);

    // Many more than there is room for, and all of them go on to send a little.
    let mut crowd: Vec<_> = (0..100).map(|_| connect(address)).collect();
    for stream in &mut crowd {
        let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nA: ");
    }
    for _ in 0..3 {
        eventually("it answers", || get_if_answered(address) == Some(200));
        for stream in &mut crowd {
            // The server has cut off most of them.
            let _ = stream.write_all(b"a");
        }
    }
}

/// `None`: the crowd has pushed this one out as well.
fn get_if_answered(address: SocketAddr) -> Option<u16> {
    let mut stream = connect(address);
    stream.write_all(b"GET /livez HTTP/1.1\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    (!answer.is_empty()).then(|| status(&answer))
}

#[test]
fn who_comes_and_goes_without_a_word_harms_nobody() {
    let runtime = builder(1).build().unwrap();
    let health = HealthServer::bind(ANYWHERE, runtime.handle()).unwrap();
    for _ in 0..50 {
        let stream = connect(health.local_addr());
        let _ = stream.shutdown(Shutdown::Both);
    }
    eventually("it answers", || get_if_answered(health.local_addr()) == Some(200));
}

#[test]
fn metrics_are_served_one_at_a_time_and_may_panic() {
    let runtime = builder(1).build().unwrap();
    let (entered, may_leave) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (enters, leaves) = (entered.clone(), may_leave.clone());
    let health = HealthServer::builder()
        .with_metrics(move || {
            enters.wait();
            leaves.wait();
            "up 1\n".to_owned()
        })
        .bind(ANYWHERE, runtime.handle())
        .unwrap();
    let address = health.local_addr();
    let first = thread::spawn(move || get(address, "/metrics"));
    entered.wait();
    assert_eq!(get(address, "/metrics").0, 503);
    assert_eq!(get(address, "/livez").0, 200);
    may_leave.wait();
    assert_eq!(first.join().unwrap(), (200, "up 1\n".to_owned()));

    let panics = HealthServer::builder()
        .with_metrics(|| panic!("on purpose"))
        .bind(ANYWHERE, runtime.handle())
        .unwrap();
    for _ in 0..2 {
        assert_eq!(get(panics.local_addr(), "/metrics").0, 500);
    }
}

#[test]
fn its_threads_end_with_it_and_the_port_is_free() {
    let runtime = builder(1).build().unwrap();
    let health = HealthServer::bind(ANYWHERE, runtime.handle()).unwrap();
    let address = health.local_addr();
    // Somebody holds a connection open.
    let mut open = connect(address);
    open.write_all(b"GET /").unwrap();
    let began = Instant::now();
    drop(health);
    assert!(began.elapsed() < PATIENCE);
    // No thread of the server is left that could hold it: the connection is over.
    let mut rest = Vec::new();
    let _ = open.read_to_end(&mut rest);
    assert!(rest.is_empty());
    // Another test may have got the port meanwhile.
    eventually("the port is free", || HealthServer::bind(address, runtime.handle()).is_ok());
}

#[test]
fn an_address_that_is_taken_is_an_error() {
    let runtime = builder(1).build().unwrap();
    let health = HealthServer::bind(ANYWHERE, runtime.handle()).unwrap();
    let error = HealthServer::bind(health.local_addr(), runtime.handle()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
