//! Pulse on a runtime that somebody else builds.
//!
//! ```sh
//! cargo run -p pulse-examples --example attach
//! ```

use std::error::Error;
use std::time::Duration;

fn main() -> Result<(), Box<dyn Error>> {
    // A framework would hand over its builder, and later its runtime.
    let mut framework = tokio::runtime::Builder::new_multi_thread();
    framework.enable_all().thread_name("framework");

    let attachment =
        tokio_pulse::Builder::new_multi_thread().worker_threads(2).attach(&mut framework)?;
    let runtime = framework.build()?;
    let pulse = attachment.start(runtime.handle())?;

    runtime.block_on(async {
        let hogs: Vec<_> = (0..2)
            .map(|_| tokio::spawn(async { std::thread::sleep(Duration::from_millis(200)) }))
            .collect();
        for hog in hogs {
            hog.await.expect("a hog does not panic");
        }
    });
    let metrics = pulse.handle().metrics();
    println!("longest stall: {:?}", metrics.longest_stall());
    for worker in metrics.workers().iter().filter(|worker| worker.stalls() > 0) {
        let name = worker.thread_name().unwrap_or("unnamed");
        println!("{name}: {} stalls in {} polls", worker.stalls(), worker.polls());
    }
    Ok(())
}
