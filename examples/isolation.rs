//! A thread that computes without an end, held to half a processor by the kernel.
//!
//! ```sh
//! cargo run --release -p pulse-examples --example isolation
//! ```
//!
//! Needs the right to make control groups, which root has. Without it the program says what is
//! missing and what to do about it, as a service would before it goes on without.

use std::hint::spin_loop;
use std::time::{Duration, Instant};

use tokio_pulse::TaskIsolation;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let isolation = TaskIsolation::default(); // 50 ms in each 100 ms
    let group = match isolation.create() {
        Ok(group) => group,
        Err(error) => {
            println!("not isolated: {error}");
            return Ok(());
        }
    };
    println!("{} at {}", group.kind(), group.place().display());

    let outside = steps_in(Duration::from_secs(1));
    let inside = {
        let _inside = group.enter()?;
        steps_in(Duration::from_secs(1))
    };
    println!("work done inside: {} % of that done outside", inside * 100 / outside.max(1));
    println!("{:?}", group.stats()?);

    const TIMES: u32 = 1_000;
    let began = Instant::now();
    for _ in 0..TIMES {
        group.enter()?.leave()?;
    }
    println!("to enter and leave: {:?}", began.elapsed() / TIMES);
    Ok(())
    // Here the group is dropped, and nothing is left of it.
}

/// Computes for a time on the wall, and returns how far it got.
fn steps_in(time: Duration) -> u64 {
    let mut steps = 0;
    let began = Instant::now();
    while began.elapsed() < time {
        (0..1_000).for_each(|_| spin_loop());
        steps += 1;
    }
    steps
}
