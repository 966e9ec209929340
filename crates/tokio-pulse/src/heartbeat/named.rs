//! Which task a thread polls, written down while somebody wants to know: while the runtime is armed.
//!
//! Three words, written by the thread as a poll begins: the task, where it was spawned, and last the
//! poll that they are of, by its beat. The watchdog reads them in the opposite order and takes them
//! for a poll that it has seen. All stores release and all loads acquire, so:
//!
//! * whoever reads the beat of a poll in the last word also sees that poll's task and place, or those
//!   of a later one;
//! * whoever sees those of a later one also sees, after that, the beat of the later one, which was
//!   stored before them. So what was read is of the wanted poll if the thread's beat is still that
//!   poll's afterwards, and the watchdog looks at that anyway, since the stack would be of another
//!   poll, too.
//!
//! The end of a poll takes the last word back: of a poll that goes on after one inside of it has
//! ended, nothing is told, rather than the name of the inner one.

use std::fmt;
use std::panic::Location;

use crossbeam_utils::atomic::AtomicCell;
use tokio::task::Id;

use super::beat::Snapshot;
use crate::sync::{AtomicUsize, Ordering::Acquire, Ordering::Release};

type Site = &'static Location<'static>;

/// The task whose poll runs. Written by the thread.
pub(crate) struct Named {
    // Words, and as such plain stores: a poll writes them each time, while it does.
    task: AtomicCell<Option<Id>>,
    spawned_at: AtomicCell<Option<Site>>,
    /// The poll that the two are of, or 0.
    poll: AtomicUsize,
}

impl Named {
    pub(crate) fn nobody() -> Self {
        Self {
            task: AtomicCell::new(None),
            spawned_at: AtomicCell::new(None),
            poll: AtomicUsize::new(0),
        }
    }

    /// Thread: a poll begins. `beat`: after it has said so.
    pub(crate) fn note(&self, beat: Snapshot, task: Id, spawned_at: Site) {
        self.task.store(Some(task));
        self.spawned_at.store(Some(spawned_at));
        self.poll.store(word(beat), Release);
    }

    /// Thread: the poll ends.
    pub(crate) fn forget(&self) {
        self.poll.store(0, Release);
    }

    /// Anybody: whose poll has that beat, if it was written down and if the thread's beat is still the
    /// same after this.
    pub(crate) fn of(&self, beat: Snapshot) -> Option<(Id, Site)> {
        if self.poll.load(Acquire) != word(beat) {
            return None;
        }
        self.task.load().zip(self.spawned_at.load())
    }
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Named")
    }
}

/// Not 0: the number is one more, and nobody polls 2^54 times.
fn word(beat: Snapshot) -> usize {
    beat.poll().wrapping_add(1)
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::super::beat::Beat;
    use super::*;

    fn a_task() -> Id {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async { tokio::spawn(async {}).id() })
    }

    #[test]
    fn a_name_is_of_one_poll() {
        let (beat, named) = (Beat::new_awake(), Named::nobody());
        assert_eq!(named.of(beat.snapshot()), None);
        beat.tick();
        let (task, site) = (a_task(), Location::caller());
        named.note(beat.snapshot(), task, site);
        assert_eq!(named.of(beat.snapshot()), Some((task, site)));
        // Whether the thread is awake or in reserve is no other poll.
        beat.park();
        assert_eq!(named.of(beat.snapshot()), Some((task, site)));
        beat.tick();
        assert_eq!(named.of(beat.snapshot()), None);
    }

    #[test]
    fn the_name_of_an_inner_poll_is_not_left_to_the_outer_one() {
        let (beat, named) = (Beat::new_awake(), Named::nobody());
        beat.enter_poll();
        named.note(beat.snapshot(), a_task(), Location::caller());
        beat.enter_poll();
        assert_eq!(named.of(beat.snapshot()), None);
        named.note(beat.snapshot(), a_task(), Location::caller());
        named.forget();
        beat.exit_poll();
        assert_eq!(named.of(beat.snapshot()), None);
    }

    #[test]
    fn a_reader_never_takes_one_poll_for_another() {
        let tasks: Vec<_> = (0..64).map(|_| a_task()).collect();
        let (beat, named) = (Beat::new_awake(), Named::nobody());
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for _ in 0..200_000 {
                    beat.tick();
                    let now = beat.snapshot();
                    named.note(now, tasks[now.polls() % tasks.len()], Location::caller());
                    named.forget();
                }
            });
            while !writer.is_finished() {
                let seen = beat.snapshot();
                let found = named.of(seen);
                if let (Some((task, _)), true) = (found, beat.snapshot() == seen) {
                    assert_eq!(task, tasks[seen.polls() % tasks.len()]);
                }
            }
        });
    }
}
