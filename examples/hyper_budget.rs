//! A service on plain hyper whose requests have a budget that depends on what is asked for.
//!
//! ```sh
//! cargo run --release -p pulse-examples --example hyper_budget
//! curl -i localhost:3001/report # 503 after 100 polls
//! curl localhost:3001/health
//! ```

use std::convert::Infallible;
use std::io;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_pulse_tower::{BudgetLayer, Exhausted, RequestBudget, ServiceUnavailable};
use tower::{Layer, service_fn};

#[tokio_pulse::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:3001").await?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener).await
}

pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    let service = BudgetLayer::new(budget)
        .on_exhausted(Exhausted::Reject)
        .on_reject(ServiceUnavailable)
        .layer(service_fn(answer));
    let service = TowerToHyperService::new(service);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = service.clone();
        tokio_pulse::spawn(async move {
            let connections = auto::Builder::new(TokioExecutor::new());
            if let Err(error) = connections.serve_connection(TokioIo::new(stream), service).await {
                eprintln!("a connection has failed: {error}");
            }
        });
    }
}

fn budget(request: &Request<Incoming>) -> RequestBudget {
    match request.uri().path() {
        "/health" => RequestBudget::UNLIMITED,
        _ => RequestBudget::of_polls(100),
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/report" {
        for _ in 0..1_000_000 {
            tokio::task::yield_now().await;
        }
    }
    Ok(Response::new(Full::from("ok\n")))
}
