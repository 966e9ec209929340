//! An axum service whose requests have a budget of CPU time.
//!
//! ```sh
//! cargo run --release -p pulse-examples --example axum_budget
//! curl -i localhost:3000/report                           # 503 after 50 ms of CPU time
//! curl -i -H 'x-cpu-budget-ms: 5' localhost:3000/report   # the client asks for less
//! curl localhost:3000/import & curl localhost:3000/health # on the slow lane, nobody waits for it
//! ```

use std::io;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::HeaderName;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_pulse::{Handle, task};
use tokio_pulse_tower::{
    BudgetLayer, Exhausted, HeaderBudget, PressureGauge, RequestBudget, ServiceUnavailable,
};

const CPU_HEADER: HeaderName = HeaderName::from_static("x-cpu-budget-ms");

#[tokio_pulse::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener).await
}

pub(crate) async fn serve(listener: TcpListener) -> io::Result<()> {
    let cpu = RequestBudget::of_cpu(Duration::from_millis(50));
    let budget = BudgetLayer::new(HeaderBudget::up_to(cpu).cpu_millis(CPU_HEADER))
        .describe(describe)
        .on_reject(ServiceUnavailable)
        .shed(PressureGauge::new(&Handle::current()));
    let app = Router::new()
        .route("/report", get(|| work(Duration::from_secs(60))))
        .layer(budget.clone().on_exhausted(Exhausted::Reject))
        .route(
            "/import",
            get(|| work(Duration::from_millis(200)))
                .layer(budget.on_exhausted(Exhausted::SlowLane)),
        )
        // Without a layer: it is answered whatever happens.
        .route("/health", get(|| async { "ok\n" }));
    axum::serve(listener, app).await
}

/// What warnings and `Handle::tiers` show.
fn describe(request: &Request) -> task::Builder {
    task::Builder::new().name(format!("{} {}", request.method(), request.uri().path()))
}

/// Computes in pieces, with an await after each.
async fn work(length: Duration) -> String {
    let began = Instant::now();
    let mut pieces = 0_u64;
    while began.elapsed() < length {
        let piece = Instant::now();
        while piece.elapsed() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        pieces += 1;
        tokio::task::yield_now().await;
    }
    format!("{pieces} pieces, the last on {}\n", std::thread::current().name().unwrap_or("?"))
}
