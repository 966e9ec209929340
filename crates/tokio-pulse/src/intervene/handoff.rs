//! Handoff: the poll that is about to begin gives its worker to another thread first.

use std::thread;
use std::time::{Duration, Instant};

/// Tokio starts the thread, or wakes one; with every processor busy that may take some
/// milliseconds. Longer, and there is none to be had: the poll then begins with its worker.
const PATIENCE: Duration = Duration::from_millis(50);

/// So many yields of the processor before the first sleep: the other thread is most often there
/// within the first few.
const YIELDS: u32 = 20;

const PAUSE: Duration = Duration::from_micros(50);

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handoff {
    /// Another thread has the worker now.
    Done,
    /// The calling thread holds none.
    NoWorker,
    /// Nobody came to take it.
    Failed,
    /// There is only one thread here.
    Impossible,
}

/// Gives the worker of the calling thread away, and returns when another thread has taken it, which
/// `is_taken` tells. False: nobody did, and the caller still holds it.
///
/// Everything in the worker's queue, its LIFO slot included, goes with it.
///
/// # Panics
///
/// As `block_in_place`, outside of a multi-thread runtime.
pub(crate) fn hand_off(is_taken: impl Fn() -> bool) -> bool {
    tokio::task::block_in_place(|| {
        let begun = Instant::now();
        let mut looks = 0;
        while !is_taken() {
            if looks < YIELDS {
                thread::yield_now();
            } else if begun.elapsed() < PATIENCE {
                thread::sleep(PAUSE);
            } else {
                return false;
            }
            looks += 1;
        }
        true
    })
}
