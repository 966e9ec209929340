//! The example `tonic_budget` over real sockets.

mod common;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../tonic_budget.rs"]
mod example;

use common::{in_time, listen};
use tokio_pulse_tower::RequestBudget;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;

fn ask_for(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.into() }
}

/// As may be on a machine that runs other tests as well.
fn is_overload(status: &Status) -> bool {
    status.message().contains("overloaded")
}

#[tokio_pulse::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_computes_is_turned_away_while_others_are_served() {
    let (listener, server) = listen().await;
    tokio_pulse::spawn(example::serve(listener));
    let mut client = in_time(example::connect(server, RequestBudget::UNLIMITED)).await.unwrap();
    let mut other = client.clone();
    let hog = tokio::spawn(async move {
        loop {
            let status = other.check(ask_for("report")).await.unwrap_err();
            if !is_overload(&status) {
                return status;
            }
        }
    });
    loop {
        let done = hog.is_finished();
        match in_time(client.check(ask_for(""))).await {
            Ok(answer) => assert_eq!(answer.get_ref().status(), ServingStatus::Serving),
            Err(status) => assert!(is_overload(&status), "{status}"),
        }
        if done {
            break;
        }
    }
    let status = in_time(hog).await.unwrap();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().contains("CPU"), "{status}");
    assert_eq!(status.metadata().get("grpc-retry-pushback-ms").unwrap(), "1000");
}

#[tokio_pulse::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_keeps_to_its_own_budget() {
    let (listener, server) = listen().await;
    tokio_pulse::spawn(example::serve(listener));
    let mut client = in_time(example::connect(server, RequestBudget::of_polls(1))).await.unwrap();
    // One poll sends it, and the answer cannot be there yet.
    let status = in_time(client.check(ask_for("report"))).await.unwrap_err();
    assert!(status.to_string().contains("used up its polls"), "{status}");
}
