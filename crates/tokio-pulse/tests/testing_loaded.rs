//! A test with a bound on its polls, on a machine that has much else to do: alone in its process, so that
//! it disturbs no other test.
#![cfg(target_os = "linux")]

mod common;

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use common::builder;
use tokio_pulse::testing;

/// A tenth of what it may, of CPU time.
fn computes_a_little() {
    let timer = tokio_pulse::CpuTimer::start();
    while timer.elapsed() < Duration::from_millis(2) {
        black_box((0..1_000_u64).sum::<u64>());
    }
}

/// Many more threads that burn than there are processors: each poll takes longer by the clock than it
/// may, since the kernel runs others in between, and none of them is to blame.
#[test]
fn a_loaded_machine_fails_nobody() {
    let over = Arc::new(AtomicBool::new(false));
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let burners: Vec<_> = (0..8 * processors)
        .map(|_| {
            let over = over.clone();
            std::thread::spawn(move || while !over.load(Relaxed) {})
        })
        .collect();
    // A hypervisor that takes the processor away counts as the thread's own time: three tries.
    let mut slow = 0;
    let fails = (0..3).all(|_| {
        let result = testing::within(&mut builder(2), Duration::from_millis(20), async {
            let began = Instant::now();
            let mut slow = 0;
            while began.elapsed() < Duration::from_millis(1_500) {
                let poll = Instant::now();
                computes_a_little();
                slow += u32::from(poll.elapsed() > Duration::from_millis(20));
                tokio::task::yield_now().await;
            }
            slow
        });
        match result {
            Ok(count) => slow = count,
            Err(ref error) => println!("{error}"),
        }
        result.is_err()
    });
    over.store(true, Relaxed);
    burners.into_iter().for_each(|burner| burner.join().unwrap());
    assert!(!fails);
    println!("{slow} polls were too long by the clock");
}
