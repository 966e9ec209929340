//! The example `service` over real sockets.

mod common;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../service.rs"]
mod example;

use common::{get, listen, stays_healthy_beside};

#[tokio_pulse::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_is_answered_beside_a_handler_that_computes() {
    let (listener, server) = listen().await;
    tokio_pulse::spawn(example::serve(listener));
    let heavy = async move {
        // As many as there are workers.
        let other = tokio::spawn(async move { get(server, "/heavy").await });
        (get(server, "/heavy").await, other.await.unwrap())
    };
    let (one, other) = stays_healthy_beside(server, heavy).await;
    for answer in [one, other] {
        assert!(answer.body().ends_with("rounds\n"), "{}", answer.body());
    }
    let stalls = get(server, "/stalls").await;
    assert!(!stalls.body().starts_with("0 stalls"), "{}", stalls.body());
}
