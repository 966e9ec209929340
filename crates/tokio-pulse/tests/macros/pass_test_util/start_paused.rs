#![deny(warnings)]

use std::time::Duration;

use tokio::time::Instant;

#[tokio_pulse::main(flavor = "current_thread", start_paused = true)]
async fn main() {
    let start = Instant::now();
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(start.elapsed() >= Duration::from_secs(3600));
}
