//! Who is not served, and how the server bears those who misbehave.

#![cfg(unix)]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::{PATIENCE, block_on, fast, over_tcp, over_unix, unix_channel, until, watch, watched};
use tokio::task::JoinSet;
use tokio_pulse_console::ConsoleServer;
use tokio_pulse_proto::v1::{self, Section, console_client::ConsoleClient};
use tokio_pulse_proto::{PROTOCOL_METADATA, Reason};
use tonic::Code;
use tonic::transport::Endpoint;

const TOKEN: &str = "correct-horse-battery-staple";

fn with_metadata<T>(message: T, name: &'static str, value: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert(name, value.parse().unwrap());
    request
}

#[test]
fn only_those_with_the_token_are_served() {
    let runtime = watched(1);
    let builder = ConsoleServer::builder().token(TOKEN);
    let server = builder.bind("127.0.0.1:0", runtime.handle()).unwrap();
    block_on(async {
        let mut client = over_tcp(&server).await;
        let ask = |value: &str| with_metadata(v1::GetConfigRequest {}, "authorization", value);
        for wrong in ["Bearer correct-horse-battery-staplf", "Bearer ", "Basic x", "no"] {
            let status = client.get_config(ask(wrong)).await.unwrap_err();
            assert_eq!(Reason::of(&status), Some(Reason::Unauthenticated), "{wrong}");
            assert!(!status.message().contains(TOKEN));
        }
        assert!(client.get_config(v1::GetConfigRequest {}).await.is_err());
        let status = watch(&mut client, fast(&[])).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated);
        client.get_config(ask(&format!("Bearer {TOKEN}"))).await.unwrap();
    });
}

#[test]
fn addresses_of_others_need_more() {
    let runtime = watched(1);
    let handle = runtime.handle();
    let builder = ConsoleServer::builder;
    assert!(builder().bind("0.0.0.0:0", handle).unwrap_err().is_unprotected());
    assert!(builder().bind("[::]:0", handle).unwrap_err().is_unprotected());
    let token_alone = builder().token(TOKEN).bind("0.0.0.0:0", handle).unwrap_err();
    assert!(token_alone.is_unprotected() && token_alone.to_string().contains("give TLS"));
    let open = builder().insecure(true).bind("0.0.0.0:0", handle).unwrap();
    assert!(!open.local_addr().unwrap().ip().is_loopback());
    assert!(builder().token("short").bind("127.0.0.1:0", handle).unwrap_err().is_weak_token());
    let taken = builder().bind("127.0.0.1:0", handle).unwrap();
    let again = builder().bind(taken.local_addr().unwrap(), handle).unwrap_err();
    assert!(again.is_bind() && std::error::Error::source(&again).is_some());
}

#[test]
fn what_is_too_large_or_of_another_version_is_refused() {
    let runtime = watched(1);
    let server = ConsoleServer::bind("127.0.0.1:0", runtime.handle()).unwrap();
    block_on(async {
        let mut client = over_tcp(&server).await;
        let change = v1::Assignment { key: "slice".into(), value: "1".repeat(100_000) };
        let request = v1::SetConfigRequest { assignments: vec![change], ..Default::default() };
        let status = client.set_config(request).await.unwrap_err();
        assert_eq!(status.code(), Code::OutOfRange, "{status}");

        let request = with_metadata(v1::GetConfigRequest {}, PROTOCOL_METADATA, "2");
        let status = client.get_config(request).await.unwrap_err();
        assert_eq!(Reason::of(&status), Some(Reason::UnknownVersion));
        assert_eq!(status.code(), Code::FailedPrecondition);
        let request = with_metadata(v1::GetConfigRequest {}, PROTOCOL_METADATA, "1");
        client.get_config(request).await.unwrap();
    });
}

#[test]
fn a_read_only_console_tells_and_takes_nothing() {
    let runtime = watched(1);
    let builder = ConsoleServer::builder().read_only(true);
    let server = builder.bind("127.0.0.1:0", runtime.handle()).unwrap();
    block_on(async {
        let mut client = over_tcp(&server).await;
        let answer = client.handshake(v1::HandshakeRequest::default()).await.unwrap();
        assert!(answer.into_inner().read_only);
        let change = v1::Assignment { key: "slice".into(), value: "5ms".into() };
        let request = v1::SetConfigRequest { assignments: vec![change], ..Default::default() };
        let status = client.set_config(request.clone()).await.unwrap_err();
        assert_eq!(Reason::of(&status), Some(Reason::ReadOnly));
        let dry = v1::SetConfigRequest { dry_run: true, ..request };
        client.set_config(dry).await.unwrap();
        client.get_config(v1::GetConfigRequest {}).await.unwrap();
        let set = v1::SetSpawnSiteRequest { site: "*".into(), tier: Some(1), ..Default::default() };
        assert_eq!(client.set_spawn_site(set).await.unwrap_err().code(), Code::PermissionDenied);
    });
}

/// Questions that the server takes in a second.
const A_SECOND: usize = 100;

#[test]
fn calls_a_second_are_bounded() {
    let runtime = watched(1);
    let server = ConsoleServer::bind("127.0.0.1:0", runtime.handle()).unwrap();
    block_on(async {
        let mut client = over_tcp(&server).await;
        let began = Instant::now();
        let refused = loop {
            // At once: one after the other a loaded machine may not do as many as are allowed.
            let mut calls = JoinSet::new();
            for _ in 0..3 * A_SECOND {
                let mut client = client.clone();
                calls.spawn(async move { client.get_config(v1::GetConfigRequest {}).await });
            }
            let answers = calls.join_all().await;
            if let Some(status) = answers.into_iter().find_map(Result::err) {
                break status;
            }
            assert!(began.elapsed() < PATIENCE, "so many were served");
        };
        assert_eq!(Reason::of(&refused), Some(Reason::TooFast), "{refused}");
        tokio::time::sleep(Duration::from_millis(200)).await;
        client.get_config(v1::GetConfigRequest {}).await.unwrap();
    });
}

#[test]
fn a_thousand_subscribers_are_answered_politely() {
    let runtime = watched(1);
    let builder = ConsoleServer::builder().max_subscribers(8);
    let server = builder.bind("127.0.0.1:0", runtime.handle()).unwrap();
    block_on(async {
        let mut served = Vec::new();
        let (mut too_many, mut too_fast) = (0, 0);
        let mut clients = Vec::new();
        for _ in 0..10 {
            clients.push(over_tcp(&server).await);
        }
        for number in 0..1000 {
            match watch(&mut clients[number % 10], fast(&[Section::Overview])).await {
                Ok(updates) => served.push(updates),
                Err(status) => match Reason::of(&status) {
                    Some(Reason::TooMany) => too_many += 1,
                    Some(Reason::TooFast) => too_fast += 1,
                    _ => panic!("{status}"),
                },
            }
        }
        assert_eq!((served.len(), too_many + too_fast), (8, 992));
        assert!(too_many > 0);
        for updates in &mut served {
            until(updates, |update| (update.overview?.subscribers == 8).then_some(())).await;
        }
        // A seat that is left is free.
        served.truncate(7);
        let began = Instant::now();
        while watch(&mut clients[0], fast(&[])).await.is_err() {
            assert!(began.elapsed() < PATIENCE, "the seat is still taken");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

#[test]
fn connections_beyond_the_bound_are_closed_and_the_others_served() {
    let runtime = watched(1);
    let server = ConsoleServer::bind("127.0.0.1:0", runtime.handle()).unwrap();
    let address = server.local_addr().unwrap();
    block_on(async {
        let mut client = over_tcp(&server).await;
        client.get_config(v1::GetConfigRequest {}).await.unwrap();
        let idle: Vec<_> = (0..400).map(|_| TcpStream::connect(address).unwrap()).collect();
        // Those beyond the bound see their end; which ones depends on the order of arrival.
        let last = tokio::task::spawn_blocking(move || {
            let mut closed = 0;
            for stream in idle.iter().rev().take(200) {
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                closed += usize::from(matches!((&*stream).read(&mut [0; 1024]), Ok(0) | Err(_)));
            }
            closed
        });
        assert_eq!(last.await.unwrap(), 200);
        client.get_config(v1::GetConfigRequest {}).await.unwrap();
    });
}

#[test]
fn a_half_open_connection_is_closed() {
    let runtime = watched(1);
    let builder = ConsoleServer::builder()
        .let_in_within(Duration::from_millis(300))
        .keep_alive(Duration::from_millis(300));
    let server = builder.bind("127.0.0.1:0", runtime.handle()).unwrap();
    let address = server.local_addr().unwrap();
    let drain_to_end = |mut stream: TcpStream| {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "not closed");
                    return;
                }
            }
        }
    };
    // One that never says a word, one that says half of one, and one that greets and asks nothing.
    drain_to_end(TcpStream::connect(address).unwrap());
    let mut half = TcpStream::connect(address).unwrap();
    half.write_all(b"PRI * HTTP/2").unwrap();
    drain_to_end(half);
    let mut greets = TcpStream::connect(address).unwrap();
    greets.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    drain_to_end(greets);
    block_on(async {
        over_tcp(&server).await.get_config(v1::GetConfigRequest {}).await.unwrap();
    });
}

#[test]
fn a_subscriber_that_has_fallen_silent_loses_its_seat() {
    let runtime = watched(1);
    let builder = ConsoleServer::builder().keep_alive(Duration::from_millis(300));
    let server = builder.bind("127.0.0.1:0", runtime.handle()).unwrap();
    // As of a machine that is gone: its runtime is there, and is not driven any more.
    let gone = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let unread = gone.block_on(async {
        watch(&mut over_tcp(&server).await, fast(&[Section::Overview])).await.unwrap()
    });
    block_on(async {
        let mut client = over_tcp(&server).await;
        let mut updates = watch(&mut client, fast(&[Section::Overview])).await.unwrap();
        until(&mut updates, |update| (update.overview?.subscribers == 1).then_some(())).await;
    });
    drop((unread, gone));
}

#[test]
fn a_subscriber_that_never_reads_costs_nobody_anything() {
    let runtime = watched(2);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("console.sock");
    let server = ConsoleServer::bind_unix(&path, runtime.handle()).unwrap();
    block_on(async {
        // With a window that a few updates fill.
        let endpoint = Endpoint::from_static("http://console").initial_stream_window_size(2048);
        let channel = unix_channel(endpoint, path.clone()).await.unwrap();
        let mut lazy = ConsoleClient::new(channel);
        let mut unread = watch(&mut lazy, fast(&[])).await.unwrap();

        let mut other = over_unix(path.clone()).await;
        let mut updates = watch(&mut other, fast(&[Section::Overview])).await.unwrap();
        let mut seen = 0;
        until(&mut updates, |_| {
            seen += 1;
            (seen == 30).then_some(())
        })
        .await;
        // The one that has not read is told what it has missed.
        let lost = until(&mut unread, |update| update.lost).await;
        assert!(lost.updates > 5, "{lost:?}");
    });
    drop(server);
}
