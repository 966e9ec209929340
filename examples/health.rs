//! An axum service with two health checks: axum's own, which is a task like all others, and Pulse's,
//! which is told off the runtime. Under a wedge only the second one answers, and says why.
//!
//! ```sh
//! cargo run --release -p pulse-examples --example health
//! curl localhost:3000/health; curl localhost:9464/readyz    # both answer
//! curl localhost:3000/wedge &
//! curl -m 3 localhost:3000/health; curl localhost:9464/livez    # a time-out, and 503 with the reasons
//! ```

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::{Router, routing::get};
use tokio::net::TcpListener;
use tokio_pulse::health::{HealthPolicy, HealthServer};
use tokio_pulse::{Builder, Runtime};

const WORKERS: usize = 2;
const RESERVE: usize = 2;
/// How long the example's polls hold their workers.
const WEDGE: Duration = Duration::from_secs(20);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = runtime()?;
    let health = health(&runtime, "127.0.0.1:9464".parse()?)?;
    println!("Pulse's health on {}", health.local_addr());
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:3000").await?;
        println!("the service on {}", listener.local_addr()?);
        serve(listener, WEDGE).await
    })?;
    Ok(())
}

pub(crate) fn runtime() -> Result<Runtime, tokio_pulse::BuildError> {
    Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .reserve_workers(RESERVE)
        .enable_all()
        .build()
}

/// Answers on `/livez` and `/readyz`, from threads of its own.
pub(crate) fn health(runtime: &Runtime, address: SocketAddr) -> std::io::Result<HealthServer> {
    let policy = HealthPolicy::default()
        .stuck_for(Duration::from_millis(500))
        .unready_after(Duration::ZERO)
        .ready_after(Duration::ZERO);
    HealthServer::builder().policy(policy).bind(address, runtime.handle())
}

/// The service, with axum's own `/health`.
pub(crate) async fn serve(listener: TcpListener, wedge: Duration) -> std::io::Result<()> {
    let app = Router::new()
        .route("/health", get(|| async { "ok\n" }))
        .route("/wedge", get(move || async move { hold_all_workers(wedge) }));
    axum::serve(listener, app).await
}

/// More polls that do not end than there are workers, the reserve included: beyond what can be rescued.
fn hold_all_workers(time: Duration) -> &'static str {
    for _ in 0..WORKERS + RESERVE {
        tokio::spawn(async move {
            let began = Instant::now();
            while began.elapsed() < time {
                std::hint::spin_loop();
            }
        });
    }
    "wedged\n"
}
