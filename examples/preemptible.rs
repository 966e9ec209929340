//! A loop that never yields, beside a ticker, on one thread.
//!
//! ```sh
//! cargo run --release -p pulse-examples --example preemptible
//! ```

use std::hint::black_box;
use std::time::{Duration, Instant};

use tokio_pulse_stackful::{Preemptible, Settings, thread_metrics};

const QUANTUM: Duration = Duration::from_millis(2);
const TICK: Duration = Duration::from_millis(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hog = async {
        let mut turns = 0_u64;
        loop {
            turns = black_box(turns + 1);
        }
    };
    let settings = Settings::default().name("hog").quantum(QUANTUM);
    // It never ends, and would hold up its drop for this long.
    let settings = settings.drop_patience(Duration::ZERO);
    // SAFETY: the loop computes. It holds no lock and nothing of its thread's, and the runtime is
    // driven by this thread only.
    let hog = unsafe { Preemptible::with_settings(hog, settings) }?;

    tokio::select! {
        () = hog => {}
        () = tick() => {}
    }

    let metrics = thread_metrics();
    println!("preempted {} times", metrics.preemptions());
    for (name, share) in [("half", 0.5), ("99 %", 0.99)] {
        if let Some(latency) = metrics.latency().quantile(share) {
            println!("{name} of the switches came within {latency:?} of the timer");
        }
    }
    Ok(())
}

async fn tick() {
    let mut worst = Duration::ZERO;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(2) {
        let asleep = Instant::now();
        tokio::time::sleep(TICK).await;
        worst = worst.max(asleep.elapsed().saturating_sub(TICK));
    }
    println!("the ticker was {worst:?} late at worst; the quantum is {QUANTUM:?}");
}
