//! The example `health` over real sockets: what each of the two checks says of a service that is wedged.

#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../health.rs"]
mod example;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longer than any healthy machine needs.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than the test looks, and soon over after it.
const WEDGE: Duration = Duration::from_secs(15);

/// The status and the body, or nothing if there is no answer in that time.
fn get(server: SocketAddr, path: &str, within: Duration) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&server, within).ok()?;
    stream.set_read_timeout(Some(within)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let status = answer.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    Some((status, answer.split_once("\r\n\r\n")?.1.to_owned()))
}

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn under_a_wedge_the_service_is_silent_about_itself_and_pulse_is_not() {
    let runtime = example::runtime().unwrap();
    let health = example::health(&runtime, "127.0.0.1:0".parse().unwrap()).unwrap();
    let listener =
        runtime.block_on(async { tokio::net::TcpListener::bind("127.0.0.1:0").await }).unwrap();
    let (service, health) = (listener.local_addr().unwrap(), health.local_addr());
    runtime.spawn(example::serve(listener, WEDGE));
    let pulse = |path: &str| get(health, path, PATIENCE).map(|(status, _)| status);

    eventually("both are well", || {
        get(service, "/health", PATIENCE).is_some_and(|(status, _)| status == 200)
            && pulse("/readyz") == Some(200)
    });
    let _ = get(service, "/wedge", Duration::from_millis(200));
    eventually("Pulse says that it is not live", || pulse("/livez") == Some(503));
    let began = Instant::now();
    assert_eq!(get(service, "/health", Duration::from_secs(1)), None, "axum's own answers nothing");
    let (status, reasons) = get(health, "/readyz", PATIENCE).unwrap();
    // Still wedged: otherwise this proves nothing.
    assert!(began.elapsed() < WEDGE / 2, "this machine was too slow for the test");
    assert_eq!(status, 503);
    let reasons: serde_json::Value = serde_json::from_str(&reasons).unwrap();
    assert!(reasons["reasons"][0].as_str().unwrap().starts_with("all workers are stuck"));

    eventually("both are well again", || {
        pulse("/livez") == Some(200)
            && get(service, "/health", PATIENCE).is_some_and(|(status, _)| status == 200)
    });
}
