//! An axum service whose health and metrics are served off the runtime: they answer while it is wedged.
//!
//! ```sh
//! cargo run --release -p pulse-examples --example prometheus
//! curl localhost:3000/heavy & curl localhost:9464/metrics
//! curl localhost:3000/wedge & curl localhost:9464/readyz
//! ```
//!
//! `ops/` has a dashboard and rules for what it exports. The addresses of the service and of its health
//! may be given as arguments.

use std::error::Error;
use std::hint::black_box;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use axum::{Router, routing::get};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tokio_pulse::PreemptionMetrics;
use tokio_pulse::alert::{AlertRule, AlertSignal};
use tokio_pulse::export::MetricsExporter;
use tokio_pulse::health::{HealthPolicy, HealthServer};

fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt().init();
    let mut arguments = std::env::args().skip(1);
    let service = arguments.next().unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let health = arguments.next().unwrap_or_else(|| "127.0.0.1:9464".to_owned());

    // Without the exporter's own listener, which would be a task of a runtime.
    let ours = Matcher::Prefix("tokio_pulse_".to_owned());
    let prometheus = PrometheusBuilder::new()
        .set_buckets_for_metric(ours, &PreemptionMetrics::buckets_in_seconds())?
        .install_recorder()?;

    let runtime = tokio_pulse::Builder::new_multi_thread()
        .worker_threads(2)
        .reserve_workers(4)
        .enable_all()
        .alert(AlertRule::new(AlertSignal::StallsPerMinute, 30.0).name("many stalls").escalate())
        .alert(AlertRule::new(AlertSignal::SchedulingDelay, 0.5).name("tasks wait"))
        .on_alert(|event| println!("{event}"))
        .build()?;

    let exporter = Mutex::new(MetricsExporter::new(runtime.handle()).runtime_name("example"));
    let health = HealthServer::builder()
        .policy(HealthPolicy::default().stuck_for(Duration::from_secs(5)))
        .with_metrics(move || {
            // A recorder that has panicked once may do better now.
            exporter.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).record();
            prometheus.run_upkeep();
            prometheus.render()
        })
        .bind(health.as_str(), runtime.handle())?;
    println!("health and metrics on {}", health.local_addr());
    runtime.block_on(serve(&service))?;
    Ok(())
}

async fn serve(address: &str) -> std::io::Result<()> {
    let app = Router::new()
        .route("/", get(|| async { "ok\n" }))
        .route("/heavy", get(|| async { burn(Duration::from_millis(200)) }))
        .route("/wedge", get(wedge));
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("service on {}", listener.local_addr()?);
    axum::serve(listener, app).await
}

/// More polls that do not end for 20 s than there are workers and reserves together.
async fn wedge() -> &'static str {
    for _ in 0..6 {
        tokio::spawn(async { burn(Duration::from_secs(20)) });
    }
    "wedged\n"
}

fn burn(time: Duration) -> String {
    let began = Instant::now();
    let mut rounds = 0_u64;
    while began.elapsed() < time {
        rounds = black_box(rounds + 1);
    }
    format!("{rounds} rounds\n")
}
