//! An HTTP client with budgets: a call that keeps its own process busy for too long is given up, and
//! none is begun while the runtime that would have to handle the answer is overloaded.
//!
//! ```sh
//! cargo run --release -p pulse-examples --example axum_budget &
//! cargo run --release -p pulse-examples --example client_budget -- http://127.0.0.1:3000/health
//! ```

use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio_pulse::Handle;
use tokio_pulse_tower::{BudgetLayer, Exhausted, PressureGauge, RequestBudget};
use tower::{BoxError, Layer, Service, ServiceExt, service_fn};

#[tokio_pulse::main]
async fn main() -> Result<(), BoxError> {
    let uri = std::env::args().nth(1).ok_or("which address?")?.parse()?;
    let (status, body) = get(client(RequestBudget::of_polls(100)), uri).await?;
    println!("{status}: {body}");
    Ok(())
}

/// The response is collected inside of the budget: reading it is part of the call.
pub(crate) fn client(
    budget: RequestBudget,
) -> impl Service<Uri, Response = Response<Full<Bytes>>, Error = BoxError> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let call = service_fn(move |uri: Uri| {
        let client = client.clone();
        async move {
            let request = Request::get(uri).body(Empty::new())?;
            collect(client.request(request).await?).await
        }
    });
    BudgetLayer::new(budget)
        .on_exhausted(Exhausted::Reject)
        .shed(PressureGauge::new(&Handle::current()))
        .layer(call)
}

async fn collect(response: Response<Incoming>) -> Result<Response<Full<Bytes>>, BoxError> {
    let (head, body) = response.into_parts();
    Ok(Response::from_parts(head, Full::new(body.collect().await?.to_bytes())))
}

pub(crate) async fn get(
    mut client: impl Service<Uri, Response = Response<Full<Bytes>>, Error = BoxError>,
    uri: Uri,
) -> Result<(StatusCode, String), BoxError> {
    let response = client.ready().await?.call(uri).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}
