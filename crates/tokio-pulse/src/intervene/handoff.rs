//! Handoff: the poll that is about to begin gives its worker to another thread first.

use std::thread;
use std::time::{Duration, Instant};

/// Tokio starts the thread, or wakes one; with every processor busy that may take some
/// milliseconds. Longer, and there is none to be had: the poll then begins with its worker.
pub(crate) const PATIENCE: Duration = Duration::from_millis(50);

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
    /// Nobody came to take it, or it came straight back too often.
    Failed,
    /// There is only one thread here.
    Impossible,
}

/// So often it is tried again when the worker comes straight back.
const TRIES: u32 = 8;

/// Gives the worker of the calling thread away. `is_taken` tells, while this waits, that another
/// thread has it; `is_mine`, afterwards, whether the caller holds one. `meanwhile` is done once, while the
/// worker lies there, and is told how to find out whether it still does: whoever waits for something
/// else in there need not watch the worker go, which costs a switch to another thread and back each
/// time that it looks.
///
/// Everything in the worker's queue, its LIFO slot included, goes with it.
///
/// The thread that takes the worker may at once do the same as the caller, when an offender is the
/// first that it finds. Then the worker lies there to be taken at the very moment at which
/// `block_in_place` looks whether it can have it back, and the caller ends up with it again.
///
/// # Panics
///
/// As `block_in_place`, outside of a multi-thread runtime.
pub(crate) fn hand_off(
    is_taken: impl Fn() -> bool,
    is_mine: impl Fn() -> bool,
    meanwhile: impl FnOnce(&dyn Fn() -> bool),
) -> Handoff {
    let mut meanwhile = Some(meanwhile);
    for _ in 0..TRIES {
        let taken = tokio::task::block_in_place(|| {
            if let Some(meanwhile) = meanwhile.take() {
                meanwhile(&is_taken);
            }
            wait_until(&is_taken)
        });
        if !is_mine() {
            return Handoff::Done;
        }
        if !taken {
            break;
        }
    }
    Handoff::Failed
}

/// Nobody waits behind the caller.
pub(crate) fn without_worker(meanwhile: impl FnOnce(&dyn Fn() -> bool)) -> Handoff {
    meanwhile(&|| true);
    Handoff::NoWorker
}

fn wait_until(is_taken: impl Fn() -> bool) -> bool {
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
}
