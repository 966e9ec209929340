//! The example `client_budget` against the example `axum_budget`.

mod common;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../client_budget.rs"]
mod example;
#[allow(dead_code, reason = "its `main` is not called")]
#[path = "../axum_budget.rs"]
mod server;

use common::{in_time, listen};
use tokio_pulse_tower::{BoxError, Reason, Rejection, RequestBudget};

#[tokio_pulse::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_has_a_budget_on_both_sides() {
    let (listener, address) = listen().await;
    tokio_pulse::spawn(server::serve(listener));
    let uri = |path: &str| format!("http://{address}{path}").parse().unwrap();

    let call = async |budget, path: &str| loop {
        let client = example::client(budget);
        match in_time(example::get(client, uri(path))).await {
            Err(error) if reason(&error) == Some(Reason::Overload) => continue,
            answer => return answer,
        }
    };

    let (status, body) = call(RequestBudget::of_polls(1_000), "/health").await.unwrap();
    assert_eq!((status.as_u16(), body.as_str()), (200, "ok\n"));
    // The server's budget: an answer. The client's own: an error.
    let (status, _) = call(RequestBudget::UNLIMITED, "/report").await.unwrap();
    assert_eq!(status, 503);
    let error = call(RequestBudget::of_polls(1), "/report").await.unwrap_err();
    assert_eq!(reason(&error), Some(Reason::PollBudget));
}

fn reason(error: &BoxError) -> Option<Reason> {
    error.downcast_ref().map(Rejection::reason)
}
