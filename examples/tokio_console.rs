//! Tasks of Pulse in tokio-console, with name, tier, budget and priority.
//!
//! ```sh
//! cargo run -p pulse-examples --example tokio_console
//! tokio-console # in another terminal; cargo install tokio-console
//! ```
//!
//! The task `report` hogs: its tier rises while one looks. What tokio-console reads of a task it reads
//! once, so that each tier is a row of its own, with the same name and `task.id`.

use std::time::{Duration, Instant};

use tokio_pulse::TaskPriority;
use tokio_pulse::task::Builder;

#[tokio_pulse::main]
async fn main() {
    // Before anything is spawned: who comes first is not shown.
    console_subscriber::init();

    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(600);
    let end = Instant::now() + Duration::from_secs(seconds);
    Builder::new().name("heartbeat").priority(TaskPriority::Critical).spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    let report = Builder::new()
        .name("report")
        .priority(TaskPriority::Low)
        .budget(Duration::from_millis(5))
        .spawn(async move {
            while Instant::now() < end {
                std::thread::sleep(Duration::from_millis(30)); // holds its worker
                tokio::task::yield_now().await;
            }
        });
    println!("for {seconds} seconds: tokio-console shows `heartbeat` and `report`");
    report.await.expect("the report is done");
}
