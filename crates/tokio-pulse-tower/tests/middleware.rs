//! The middleware poll by poll, with a mocked service.

use std::time::Duration;

use tokio_pulse::task;
use tokio_pulse_tower::{
    BoxError, BudgetLayer, BudgetSource, Describe, Exhausted, OnReject, Reason, Rejection,
    RequestBudget,
};
use tokio_test::{assert_pending, assert_ready, assert_ready_err, assert_ready_ok};
use tower::limit::ConcurrencyLimitLayer;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_test::mock::Spawn;

fn polls(polls: u32, exhausted: Exhausted) -> BudgetLayer<RequestBudget> {
    BudgetLayer::new(RequestBudget::of_polls(polls)).on_exhausted(exhausted)
}

fn rejection(error: &BoxError) -> Rejection {
    *error.downcast_ref().expect("a rejection")
}

#[test]
fn it_is_ready_when_the_inner_service_is() {
    let layer = polls(1, Exhausted::Yield);
    let (mut service, mut handle) = tower_test::mock::spawn_with(|inner| layer.layer(inner));
    handle.allow(0);
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut response = tokio_test::task::spawn(service.call("ping"));
    assert_pending!(response.poll());
    let (request, send) = assert_ready!(tokio_test::task::spawn(handle.next_request()).poll())
        .expect("the request has arrived");
    assert_eq!(request, "ping");
    send.send_response("pong");
    assert!(response.is_woken());
    // Its one poll is used up, so it gives way once.
    assert_pending!(response.poll());
    assert_eq!(assert_ready_ok!(response.poll()), "pong");
}

#[test]
fn an_error_of_the_inner_service_comes_through() {
    let layer = polls(1, Exhausted::Reject);
    let (mut service, mut handle) =
        tower_test::mock::spawn_with::<(), (), _, _>(|inner| layer.layer(inner));
    handle.send_error("broken");
    assert_eq!(assert_ready_err!(service.poll_ready()).to_string(), "broken");
}

/// A request that needs so many polls, and wakes itself after each.
fn turns<B, D, R>(
    layer: BudgetLayer<B, D, R>,
) -> Spawn<
    impl Service<
        u32,
        Response = &'static str,
        Error = R::Error,
        Future = impl Future<Output = Result<&'static str, R::Error>>,
    >,
>
where
    B: BudgetSource<u32> + Clone,
    D: Describe<u32> + Clone,
    R: OnReject<&'static str, BoxError> + Clone,
{
    Spawn::new(layer.layer(service_fn(|turns: u32| async move {
        for _ in 1..turns {
            give_way().await;
        }
        Ok::<_, BoxError>("done")
    })))
}

async fn give_way() {
    let mut given = false;
    std::future::poll_fn(move |cx| {
        if given {
            return std::task::Poll::Ready(());
        }
        given = true;
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[test]
fn within_its_budget_a_request_is_left_alone() {
    for exhausted in [Exhausted::Yield, Exhausted::Reject] {
        let mut service = turns(polls(3, exhausted));
        assert_ready_ok!(service.poll_ready());
        let mut response = tokio_test::task::spawn(service.call(3));
        assert_pending!(response.poll());
        assert_pending!(response.poll());
        assert_eq!(assert_ready_ok!(response.poll()), "done");
    }
}

#[test]
fn beyond_its_budget_each_poll_is_preceded_by_a_yield() {
    let mut service = turns(polls(2, Exhausted::Yield));
    assert_ready_ok!(service.poll_ready());
    let mut response = tokio_test::task::spawn(service.call(4));
    let mut pending = 0;
    while response.poll().is_pending() {
        pending += 1;
        assert!(response.is_woken(), "it is its own waker");
        assert!(pending < 100);
    }
    // Three of its own, and one before each of the last two polls.
    assert_eq!(pending, 5);
}

#[test]
fn beyond_its_budget_a_request_is_rejected() {
    let layer = polls(2, Exhausted::Reject).retry_after(Duration::from_secs(7));
    let mut service = turns(layer);
    assert_ready_ok!(service.poll_ready());
    let mut response = tokio_test::task::spawn(service.call(4));
    assert_pending!(response.poll());
    let rejection = rejection(&assert_ready_err!(response.poll()));
    assert_eq!(rejection.reason(), Reason::PollBudget);
    assert_eq!(rejection.retry_after(), Duration::from_secs(7));
    assert!(rejection.to_string().contains("polls"), "{rejection}");
}

#[test]
fn a_budget_of_nothing_is_rejected_before_the_service_is_called() {
    for budget in [RequestBudget::of_polls(0), RequestBudget::of_cpu(Duration::ZERO)] {
        let layer = BudgetLayer::new(budget).on_exhausted(Exhausted::Reject);
        let (mut service, mut handle) =
            tower_test::mock::spawn_with::<(), (), _, _>(|inner| layer.layer(inner));
        assert_ready_ok!(service.poll_ready());
        assert_ready_err!(tokio_test::task::spawn(service.call(())).poll());
        assert_pending!(tokio_test::task::spawn(handle.next_request()).poll());
    }
}

#[test]
fn what_was_reserved_for_a_request_that_is_turned_away_is_there_for_the_next() {
    let layer = BudgetLayer::new(|turns: &u32| RequestBudget::of_polls(*turns))
        .on_exhausted(Exhausted::Reject);
    let inner = ConcurrencyLimitLayer::new(1)
        .layer(service_fn(|_: u32| std::future::ready(Ok::<_, BoxError>("done"))));
    let mut service = Spawn::new(layer.layer(inner));
    assert_ready_ok!(service.poll_ready());
    assert_ready_err!(tokio_test::task::spawn(service.call(0)).poll());
    assert_ready_ok!(service.poll_ready());
    assert_ready_ok!(tokio_test::task::spawn(service.call(1)).poll());
}

#[test]
fn a_function_makes_a_response_of_a_rejection_and_errors_stay_what_they_are() {
    let layer = polls(0, Exhausted::Reject).on_reject(|_: Rejection| "later");
    let service = layer.layer(service_fn(|_: ()| async { Ok::<_, std::convert::Infallible>("") }));
    let Ok(answer) = assert_ready!(tokio_test::task::spawn(service.oneshot(())).poll());
    assert_eq!(answer, "later");
}

#[test]
fn the_slow_lane_outside_of_a_runtime_is_as_good_as_yielding() {
    let mut service = turns(polls(1, Exhausted::SlowLane));
    assert_ready_ok!(service.poll_ready());
    let mut response = tokio_test::task::spawn(service.call(2));
    assert_pending!(response.poll());
    assert_pending!(response.poll());
    assert_eq!(assert_ready_ok!(response.poll()), "done");
}

#[test]
fn a_description_does_not_need_a_budget_or_a_runtime() {
    let layer = BudgetLayer::new(RequestBudget::UNLIMITED)
        .describe(|turns: &u32| task::Builder::new().name(format!("{turns} turns")));
    let mut service = turns(layer);
    assert_ready_ok!(service.poll_ready());
    assert_ready_ok!(tokio_test::task::spawn(service.call(1)).poll());
}

#[cfg(feature = "http")]
mod http_types {
    use super::*;
    use http::{HeaderName, Request, StatusCode, header::RETRY_AFTER};
    use tokio_pulse_tower::{HeaderBudget, ServiceUnavailable};

    #[test]
    fn the_answer_is_503_and_says_when_to_try_again() {
        for (wait, seconds) in [(0, "0"), (1, "1"), (1000, "1"), (1001, "2")] {
            let layer = polls(0, Exhausted::Reject)
                .retry_after(Duration::from_millis(wait))
                .on_reject(ServiceUnavailable);
            let service = layer.layer(service_fn(|_: Request<()>| async {
                Ok::<_, std::convert::Infallible>(http::Response::new("served"))
            }));
            let response = tokio_test::task::spawn(service.oneshot(Request::new(()))).poll();
            let Ok(response) = assert_ready!(response);
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()[RETRY_AFTER], seconds);
            assert_eq!(*response.body(), "");
        }
    }

    #[test]
    fn a_header_asks_for_less_than_the_bound_and_never_for_more() {
        let bound = RequestBudget::of_cpu(Duration::from_millis(100)).with_polls(50);
        let source = HeaderBudget::up_to(bound)
            .cpu_millis(HeaderName::from_static("x-cpu"))
            .polls(HeaderName::from_static("x-polls"));
        let ask = |cpu: &str, polls: &str| {
            let request = Request::builder().header("x-cpu", cpu).header("x-polls", polls);
            let budget = source.budget(&request.body(()).unwrap());
            (budget.cpu().unwrap().as_millis(), budget.polls().unwrap())
        };
        assert_eq!(ask("20", " 5 "), (20, 5));
        assert_eq!(ask("101", "51"), (100, 50));
        assert_eq!(ask("-1", "many"), (100, 50));
        assert_eq!(ask("99999999999999999999", ""), (100, 50));
        assert_eq!(ask("0", "0"), (0, 0));
        assert_eq!(source.budget(&Request::new(())), bound);
    }

    #[test]
    fn without_a_bound_the_header_decides_alone() {
        let source = HeaderBudget::up_to(RequestBudget::UNLIMITED)
            .cpu_millis(HeaderName::from_static("x-cpu"));
        let request = Request::builder().header("x-cpu", "30").body(()).unwrap();
        assert_eq!(source.budget(&request).cpu(), Some(Duration::from_millis(30)));
        assert!(source.budget(&Request::new(())).is_unlimited());
    }
}
