//! The example `axum_budget` over real sockets.

mod common;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../axum_budget.rs"]
mod example;

use common::{assert_turned_away, get, get_served, get_with, listen, stays_healthy_beside};

#[tokio_pulse::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hog_is_turned_away_while_others_are_served() {
    let (listener, server) = listen().await;
    tokio_pulse::spawn(example::serve(listener));

    let hogs = stays_healthy_beside(server, async move {
        let hogs: Vec<_> =
            (0..4).map(|_| tokio::spawn(async move { get(server, "/report").await })).collect();
        let mut answers = Vec::new();
        for hog in hogs {
            answers.push(hog.await.unwrap());
        }
        answers
    });
    hogs.await.iter().for_each(assert_turned_away);
    // For less than the bound there is the header; for more there is nothing.
    for millis in ["1", "1000000"] {
        let asked = get_with(server, "/report", &[("x-cpu-budget-ms", millis)]).await;
        assert_turned_away(&asked);
    }
}

#[tokio_pulse::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_slow_lane_a_hog_comes_to_its_end() {
    let (listener, server) = listen().await;
    tokio_pulse::spawn(example::serve(listener));
    let import = async move { get_served(server, "/import", &[("x-cpu-budget-ms", "1")]).await };
    let answer = stays_healthy_beside(server, import).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.body().contains("the last on pulse-lane"), "{}", answer.body());
}
