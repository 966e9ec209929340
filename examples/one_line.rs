//! One line in `main`: a task that blocks its worker, and a timer that is on time all the same.
//!
//! ```sh
//! cargo run -p pulse-examples --example one_line
//! ```

use std::time::{Duration, Instant};

#[tokio_pulse::main(worker_threads = 1)]
async fn main() {
    let ticker = tokio::spawn(async {
        for _ in 0..5 {
            let asleep = Instant::now();
            tokio::time::sleep(Duration::from_millis(20)).await;
            println!("a sleep of 20 ms took {:?}", asleep.elapsed());
        }
    });
    // The only worker is gone for as long as this takes.
    let hog = tokio::spawn(async { std::thread::sleep(Duration::from_millis(500)) });

    ticker.await.expect("the ticker does not panic");
    println!("the hog is still at it: {}", !hog.is_finished());
    hog.await.expect("the hog does not panic");

    let metrics = tokio_pulse::Handle::current().metrics();
    println!("stalls: {}, rescued: {}", metrics.stalls(), metrics.stalls_rescued());
}
