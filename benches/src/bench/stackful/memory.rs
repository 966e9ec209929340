//! What a poll that is set aside costs in memory.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use tokio_pulse_stackful::{PreemptiveRuntime, Settings};

use crate::Result;

const PAGE_KIB: f64 = 4.0;

/// With so many at once; in KiB for each.
pub(super) fn suspended_kib(tasks: usize) -> Result<f64> {
    let runtime =
        PreemptiveRuntime::builder().worker_threads(1).quantum(Settings::MIN_QUANTUM).build()?;
    let begun = Arc::new(AtomicUsize::new(0));
    let over = Arc::new(AtomicBool::new(false));
    let before = resident_kib()?;
    let spinning: Vec<_> = (0..tasks)
        .map(|_| {
            let (begun, over) = (begun.clone(), over.clone());
            // SAFETY: it computes; it holds no lock, and nothing of its thread's.
            unsafe {
                runtime.spawn(async move {
                    begun.fetch_add(1, Relaxed);
                    while !over.load(Relaxed) {
                        black_box(());
                    }
                })
            }
        })
        .collect();
    while begun.load(Relaxed) < tasks {
        thread::sleep(Duration::from_millis(1));
    }
    let held = resident_kib()? - before;
    over.store(true, Relaxed);
    for task in spinning {
        task.join()?;
    }
    Ok(held / tasks as f64)
}

fn resident_kib() -> Result<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: f64 = statm.split(' ').nth(1).ok_or("statm has no second number")?.parse()?;
    Ok(pages * PAGE_KIB)
}
