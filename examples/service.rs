//! An axum service with a handler that computes on its worker, and stalls told through `tracing`.
//!
//! ```sh
//! cargo run --release -p pulse-examples --example service
//! curl localhost:3000/heavy & curl localhost:3000/health
//! ```

use std::hint::black_box;
use std::time::{Duration, Instant};

use axum::{Router, routing::get};
use tokio::net::TcpListener;

#[tokio_pulse::main]
async fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt().init();
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on {}", listener.local_addr()?);
    serve(listener).await
}

pub(crate) async fn serve(listener: TcpListener) -> std::io::Result<()> {
    let app = Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/heavy", get(heavy))
        .route("/stalls", get(stalls));
    axum::serve(listener, app).await
}

/// Two seconds of work without an await: what no handler should do, and some handler does.
async fn heavy() -> String {
    let began = Instant::now();
    let mut rounds = 0_u64;
    while began.elapsed() < Duration::from_secs(2) {
        rounds = black_box(rounds + 1);
    }
    format!("{rounds} rounds\n")
}

async fn stalls() -> String {
    let metrics = tokio_pulse::Handle::current().metrics();
    format!(
        "{} stalls, {} rescued, the longest {:?}\n",
        metrics.stalls(),
        metrics.stalls_rescued(),
        metrics.longest_stall()
    )
}
