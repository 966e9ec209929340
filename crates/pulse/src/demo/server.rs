//! The child's half of the service workload: an axum server on one of the runtimes.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt as _,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use super::{
    child,
    heavy::{Heavy, Report},
};
use crate::{
    Error,
    cli::ServeOptions,
    side::{PulseFigures, PulseWatch, SideRuntime},
};

pub(super) const HEALTH: &str = "/health";
pub(super) const LOGIN: &str = "/login";
pub(super) const REPORT: &str = "/report";
pub(super) const METRICS: &str = "/pulse/metrics";

/// What the child says once it listens.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Listening {
    pub(super) addr: SocketAddr,
}

/// Serves until standard input is closed.
pub(crate) fn run(options: &ServeOptions) -> Result<(), Error> {
    child::finish(child::end_with_parent().and_then(|()| serve(options)))
}

fn serve(options: &ServeOptions) -> Result<(), Error> {
    let runtime = SideRuntime::build(options.side, &options.runtime.options())?;
    let shared = Arc::new(Shared { heavy: Heavy::new()?, watch: runtime.watch() });
    let router = Router::new()
        .route(HEALTH, get(|| async { "ok" }))
        .route(LOGIN, post(login))
        .route(REPORT, get(report))
        .route(METRICS, get(metrics))
        .with_state(shared);
    runtime.block_on(async {
        let (port, refused) = (options.port, |source| listen_error(options.port, source));
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(refused)?;
        child::tell(Listening { addr: listener.local_addr().map_err(refused)? })?;
        // Nagle's algorithm would add the client's delayed acknowledgements to the latencies.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        axum::serve(listener, router).await.map_err(refused)
    })
}

fn listen_error(port: u16, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::AddrInUse => Error::PortInUse(port),
        _ => Error::Listen { port, source },
    }
}

struct Shared {
    heavy: Heavy,
    watch: Option<PulseWatch>,
}

async fn login(State(shared): State<Arc<Shared>>, password: Bytes) -> Result<Json<u8>, Failed> {
    Ok(Json(shared.heavy.login(&password)?[0]))
}

async fn report(State(shared): State<Arc<Shared>>) -> Result<Json<Report>, Failed> {
    Ok(Json(shared.heavy.report()?))
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Json<Option<PulseFigures>> {
    Json(shared.watch.as_ref().map(PulseWatch::figures))
}

struct Failed(Error);

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.0.to_string()).into_response()
    }
}
