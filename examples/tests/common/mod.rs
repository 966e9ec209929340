//! What the tests of the examples share: a client over real sockets.
#![allow(dead_code, reason = "each test program uses some of it")]

use std::future::Future;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::net::TcpListener;

/// For what must happen some time. The hogs of the examples would take longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// What nobody who asks for `/health` waits for on a healthy machine.
const FAST: Duration = Duration::from_secs(3);

pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

/// A port that is free.
pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(crate) async fn get(server: SocketAddr, path: &str) -> Response<String> {
    get_with(server, path, &[]).await
}

pub(crate) async fn get_with(
    server: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> Response<String> {
    let mut request = Request::get(format!("http://{server}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    in_time(async {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let (head, body) = client.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Response::from_parts(head, String::from_utf8(body.to_vec()).unwrap())
    })
    .await
}

/// Asks again when the server says that its machine is overloaded, as it may be beside other tests.
pub(crate) async fn get_served(
    server: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
) -> Response<String> {
    in_time(async {
        loop {
            let response = get_with(server, path, headers).await;
            if response.status() != 503 {
                return response;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
}

pub(crate) fn assert_turned_away(response: &Response<String>) {
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
}

/// Asks for `/health` until `others` is done, and at least once.
pub(crate) async fn stays_healthy_beside<F>(server: SocketAddr, others: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let others = tokio::spawn(others);
    loop {
        let done = others.is_finished();
        let began = Instant::now();
        assert_eq!(get(server, "/health").await.status(), 200);
        assert!(began.elapsed() < FAST, "{:?}", began.elapsed());
        if done {
            return in_time(others).await.unwrap();
        }
    }
}
