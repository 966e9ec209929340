//! A task that offends again and again, how it rises, and what to do about it.
//!
//! ```sh
//! cargo run -p pulse-examples --example tiers
//! TOKIO_PULSE_PROFILE=aggressive cargo run -p pulse-examples --example tiers
//! ```

use std::time::{Duration, Instant};

use tokio_pulse::{Handle, TaskPriority, task};

const SECOND: Duration = Duration::from_secs(1);
const BURST: Duration = Duration::from_millis(50);

#[tokio_pulse::main(worker_threads = 1)]
async fn main() {
    let tiers = Handle::current().tiers().clone();
    let heartbeat =
        task::Builder::new().name("heartbeat").priority(TaskPriority::Critical).spawn(heartbeat());
    let hog = task::Builder::new().name("hog").spawn(hog());

    let began = Instant::now();
    while began.elapsed() < 3 * SECOND {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let tier = tiers.tier_of(hog.id());
        let policy = tiers.config().policy(tier).clone();
        println!(
            "after {:>4} ms the hog is at tier {tier}: {} ({})",
            began.elapsed().as_millis(),
            policy.name(),
            policy.action()
        );
    }
    hog.abort();
    heartbeat.abort();

    let metrics = tiers.metrics();
    println!("violations: {}, handoffs: {}", metrics.violations(), metrics.handoffs());
    for site in tiers.spawn_sites() {
        println!("{site}");
    }
}

/// Computes for several slices in one poll, then leaves the worker alone for a while.
async fn hog() {
    loop {
        let burst = Instant::now();
        while burst.elapsed() < BURST {
            std::hint::spin_loop();
        }
        tokio::time::sleep(3 * BURST).await;
    }
}

/// Says once a second by how much the latest of its timers was late.
async fn heartbeat() {
    const INTERVAL: Duration = Duration::from_millis(10);
    let (mut said, mut latest) = (Instant::now(), Duration::ZERO);
    loop {
        let asleep = Instant::now();
        tokio::time::sleep(INTERVAL).await;
        latest = latest.max(asleep.elapsed().saturating_sub(INTERVAL));
        if said.elapsed() >= SECOND {
            println!("the heartbeat was at most {latest:.1?} late");
            (said, latest) = (Instant::now(), Duration::ZERO);
        }
    }
}
