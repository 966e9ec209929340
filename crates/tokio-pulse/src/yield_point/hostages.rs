//! The tasks that nobody but the worker of the running poll can reach: those that have yielded on it and
//! wait for its next visit to the driver, and the one in its LIFO slot.
//!
//! Of the first kind there is none if the poll before was of the same task and ended at a yield point:
//! the visit came in between, and nobody else was polled here. The second kind is set free by a *seal*,
//! an empty task spawned into the slot, which pushes an occupant out to the queue and has an idle worker
//! told. While the seal has not been polled, nobody else was woken into the slot: that would have pushed
//! the seal out, to the same idle worker.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::runtime::Handle;
use tokio::task::{self, Id};

use crate::heartbeat::beat::Snapshot;
use crate::heartbeat::{hooks, seat};
use crate::rescue::internal;

thread_local! {
    /// The task that stepped aside last on this thread, and the number of the poll that it ended.
    static ASIDE: Cell<Option<(Id, usize)>> = const { Cell::new(None) };
    static SEAL: Cell<Option<Seal>> = const { Cell::new(None) };
}

/// An empty task in the LIFO slot.
struct Seal {
    /// In which poll it was put there.
    poll: usize,
    broken: Arc<AtomicBool>,
}

impl Seal {
    fn put(poll: usize, runtime: &Handle) -> Self {
        let broken = Arc::new(AtomicBool::new(false));
        let breaks = broken.clone();
        internal::spawn(runtime, async move {
            breaks.store(true, Relaxed);
            was_polled();
        });
        Self { poll, broken }
    }
}

/// A task makes room, by ending its poll.
pub(super) fn note_step_aside() {
    let poll = seat::current_line().map(|line| line.beat.snapshot().polls());
    let _ = ASIDE.try_with(|aside| aside.set(task::try_id().zip(poll)));
}

/// Sets them free, for idle workers to take. False: there may be some that this cannot reach.
pub(super) fn set_free(beat: Snapshot, runtime: &Handle) -> bool {
    let poll = beat.polls();
    let is_next =
        |(task, aside): (Id, usize)| task::try_id() == Some(task) && aside.wrapping_add(1) == poll;
    if !hooks::POLL_HOOKS || !ASIDE.get().is_some_and(is_next) {
        return false;
    }
    let _ = SEAL.try_with(|cell| {
        let intact = |seal: &Seal| seal.poll == poll && !seal.broken.load(Relaxed);
        let seal = cell.take().filter(intact);
        cell.set(Some(seal.unwrap_or_else(|| Seal::put(poll, runtime))));
    });
    true
}

/// A seal is polled where it was put: between the step aside and the next poll of the same task, and
/// no hostage either.
fn was_polled() {
    let poll = seat::current_line().map(|line| line.beat.snapshot().polls());
    if let (Some((task, aside)), Some(poll)) = (ASIDE.get(), poll) {
        if aside.wrapping_add(1) == poll {
            ASIDE.set(Some((task, poll)));
        }
    }
}
