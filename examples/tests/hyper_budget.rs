//! The example `hyper_budget` over real sockets.

mod common;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../hyper_budget.rs"]
mod example;

use common::{assert_turned_away, get, listen, stays_healthy_beside};

#[tokio_pulse::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_too_many_polls_is_turned_away() {
    let (listener, server) = listen().await;
    tokio_pulse::spawn(example::serve(listener));
    let hog = stays_healthy_beside(server, async move { get(server, "/report").await });
    assert_turned_away(&hog.await);
    assert_eq!(get(server, "/").await.body(), "ok\n");
}
