//! A gRPC server whose calls have a budget of CPU time, and a client with a budget of its own.
//!
//! The service is gRPC's health check, since its types are to be had without `protoc`: the check of
//! `report` computes.
//!
//! ```sh
//! cargo run --release -p pulse-examples --example tonic_budget
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio_pulse::Handle;
use tokio_pulse_tower::{
    BudgetLayer, BudgetMiddleware, Exhausted, PressureGauge, Rejection, RequestBudget,
};
use tonic::body::Body;
use tonic::codegen::http;
use tonic::codegen::tokio_stream::Empty;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tower::Layer;

#[tokio_pulse::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio_pulse::spawn(serve(listener));
    let mut client = connect(address, RequestBudget::of_polls(10_000)).await?;
    for service in ["", "report"] {
        let answer = client.check(HealthCheckRequest { service: service.into() }).await;
        println!("{service:?}: {answer:?}");
    }
    Ok(())
}

pub(crate) async fn serve(listener: TcpListener) -> Result<(), tonic::transport::Error> {
    let budget = BudgetLayer::new(RequestBudget::of_cpu(Duration::from_millis(50)))
        .on_exhausted(Exhausted::Reject)
        .on_reject(status)
        .shed(PressureGauge::new(&Handle::current()));
    Server::builder()
        .layer(budget)
        .add_service(HealthServer::new(Checks))
        .serve_with_incoming(TcpIncoming::from(listener))
        .await
}

/// What a gRPC client understands: a status, and when to try again.
fn status(rejection: Rejection) -> http::Response<Body> {
    let mut status = Status::unavailable(rejection.reason().to_string());
    let millis = u64::try_from(rejection.retry_after().as_millis()).unwrap_or(u64::MAX);
    status.metadata_mut().insert("grpc-retry-pushback-ms", millis.into());
    status.into_http()
}

/// A call that is given up is dropped here; the server is told, and drops its own part.
pub(crate) async fn connect(
    server: SocketAddr,
    budget: RequestBudget,
) -> Result<HealthClient<BudgetMiddleware<Channel, RequestBudget>>, Box<dyn Error>> {
    let channel = Endpoint::from_shared(format!("http://{server}"))?.connect().await?;
    let layer = BudgetLayer::new(budget).on_exhausted(Exhausted::Reject);
    Ok(HealthClient::new(layer.layer(channel)))
}

struct Checks;

#[tonic::async_trait]
impl Health for Checks {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if request.get_ref().service == "report" {
            work(Duration::from_secs(60)).await;
        }
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    type WatchStream = Empty<Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("only single checks"))
    }
}

/// Computes in pieces, with an await after each.
async fn work(length: Duration) {
    let began = Instant::now();
    while began.elapsed() < length {
        let piece = Instant::now();
        while piece.elapsed() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        tokio::task::yield_now().await;
    }
}
