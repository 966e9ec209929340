//! Checkpoints in synchronous code.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::current_poll;
use super::request::{Way, is_asked};
use crate::Handle;
use crate::heartbeat::{hooks, seat};
use crate::intervene::handoff::Handoff;
use crate::intervene::places::Place;

/// After a try at which nobody came to take the worker, the same poll tries no more for so long.
const PAUSE: Duration = Duration::from_secs(1);

thread_local! {
    /// What allows the poll on this thread to do without a worker; see `yield_point/README.md` for
    /// when it is given back.
    static PLACE: Cell<Option<Place>> = const { Cell::new(None) };
    /// The poll that could not get rid of its worker, and when it tried.
    static IN_VAIN: Cell<Option<(usize, Instant)>> = const { Cell::new(None) };
}

/// What a checkpoint did.
///
/// A loop has no need to look at it. One that can stop and go on later may want to, where the worker
/// was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Checkpoint {
    /// Nothing. The slice is not over, or nobody waits, or the thread holds no worker that others could
    /// wait for.
    Passed,
    /// The slice was over. Another thread has the worker now, with all that waited for it, and the
    /// poll goes on without.
    HandedOver,
    /// The slice is over, and the poll goes on with its worker: on a current-thread runtime, or when
    /// no thread came to take it, or too many polls hold threads of Tokio's blocking pool. The rescue
    /// takes care of the others, as it does of any stall.
    Kept,
}

/// Gives the worker of the running poll to another thread if the poll has used its slice up and somebody
/// may wait; otherwise costs a load.
///
/// The poll goes on without a worker, up to its end and at most once: tasks, timers and sockets are
/// served by the thread that has it now, the task that this poll woke last included. To be called in
/// loops that compute, as often as you like; [`check_and_yield`](super::check_and_yield) says when the
/// slice is over and who waits.
///
/// It is what [`tokio::task::block_in_place`] does, done when it is known to be needed, and where it
/// cannot be done nothing happens. So the same applies to what surrounds it: other futures in
/// the same task, in a `join!` say, wait for the poll to end.
///
/// A poll without a worker holds a thread of Tokio's blocking pool. No more than half of them are
/// held like this.
///
/// # Panics
///
/// Never: it may be called from anywhere.
///
/// ```
/// use tokio_pulse::{Checkpoint, checkpoint};
///
/// fn checksum(bytes: &[u8]) -> u32 {
///     let mut sum = 0_u32;
///     for chunk in bytes.chunks(4096) {
///         checkpoint();
///         sum = chunk.iter().fold(sum, |sum, byte| sum.rotate_left(5) ^ u32::from(*byte));
///     }
///     sum
/// }
///
/// checksum(&[7; 100_000]);
/// assert_eq!(checkpoint(), Checkpoint::Passed, "not in a task");
/// ```
#[inline]
pub fn checkpoint() -> Checkpoint {
    if is_asked(Way::HandOver) { hand_over() } else { Checkpoint::Passed }
}

/// The slice is over.
#[cold]
#[inline(never)]
pub(super) fn hand_over() -> Checkpoint {
    let Ok(Handle { core, .. }) = Handle::try_current() else { return Checkpoint::Passed };
    let poll = current_poll();
    if IN_VAIN.get().is_some_and(|(tried, at)| tried == poll && at.elapsed() < PAUSE) {
        return Checkpoint::Kept;
    }
    // Of an earlier poll, or of this one.
    let held = PLACE.try_with(Cell::take).ok().flatten().filter(|held| held.is_of(&core.places));
    let is_held = held.is_some();
    let Some(place) = held.or_else(|| core.places.take()) else { return Checkpoint::Kept };
    match hooks::hand_off_worker(|_| ()) {
        Handoff::Done => {
            hold(place);
            seat::with_slot(&core.heart, |slot| slot.thread.counters.handed_off());
            Checkpoint::HandedOver
        }
        Handoff::NoWorker => {
            // It may have been handed over at an earlier checkpoint of the same poll.
            if is_held {
                hold(place);
            }
            Checkpoint::Passed
        }
        Handoff::Failed => {
            IN_VAIN.set(Some((poll, Instant::now())));
            Checkpoint::Kept
        }
        Handoff::Impossible => Checkpoint::Kept,
    }
}

fn hold(place: Place) {
    let _ = PLACE.try_with(|cell| cell.set(Some(place)));
}
