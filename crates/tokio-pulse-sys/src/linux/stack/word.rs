//! Who may touch the buffer of a slot; see the README of this folder.

use std::sync::atomic::{AtomicU32, Ordering::*};

const FREE: u32 = 0;
const HELD: u32 = 1;
const ANSWERED: u32 = 2;
const ABANDONED: u32 = 3;
const OPEN: u32 = 4;
const CLAIMED: u32 = 5;

/// The thread's number stands above the state.
const STATE_BITS: u32 = 3;
const MAX_TID: i32 = i32::MAX >> STATE_BITS;

pub(super) struct Word(AtomicU32);

/// How a request stands when the requester looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Progress {
    /// Nobody answers yet; the value to wait on.
    Pending(u32),
    /// The buffer is whole, and the requester's.
    Answered,
}

/// What is left to the requester when its time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Withdrawal {
    /// The slot is the requester's again.
    Withdrawn,
    /// The handler is at it, and will free the slot.
    Abandoned,
    /// The answer came at this moment.
    Answered,
}

impl Word {
    pub(super) const fn free() -> Self {
        Self(AtomicU32::new(FREE))
    }

    /// Takes a free slot.
    #[must_use]
    pub(super) fn hold(&self) -> bool {
        self.0.compare_exchange(FREE, HELD, Acquire, Relaxed).is_ok()
    }

    /// Whether a thread's number fits.
    pub(super) fn fits(tid: i32) -> bool {
        (1..=MAX_TID).contains(&tid)
    }

    /// Asks a thread whose number fits; for the holder.
    pub(super) fn open(&self, tid: i32) {
        self.0.store(with_tid(OPEN, tid), Release);
    }

    /// On the thread that is asked: takes the buffer if the slot is open for it.
    #[must_use]
    pub(super) fn claim(&self, tid: i32) -> bool {
        let (open, claimed) = (with_tid(OPEN, tid), with_tid(CLAIMED, tid));
        self.0.compare_exchange(open, claimed, Acquire, Relaxed).is_ok()
    }

    /// For the thread that claimed: the buffer is whole. Whether somebody still waits for it.
    #[must_use]
    pub(super) fn publish(&self, tid: i32) -> bool {
        let answered =
            self.0.compare_exchange(with_tid(CLAIMED, tid), ANSWERED, Release, Relaxed).is_ok();
        if !answered {
            self.free_it();
        }
        answered
    }

    /// For the requester that opened it.
    pub(super) fn progress(&self) -> Progress {
        match self.0.load(Acquire) {
            ANSWERED => Progress::Answered,
            pending => Progress::Pending(pending),
        }
    }

    /// For the requester whose time is over.
    pub(super) fn withdraw(&self, tid: i32) -> Withdrawal {
        let (open, claimed) = (with_tid(OPEN, tid), with_tid(CLAIMED, tid));
        if self.0.compare_exchange(open, HELD, Relaxed, Relaxed).is_ok() {
            Withdrawal::Withdrawn
        } else if self.0.compare_exchange(claimed, ABANDONED, Relaxed, Acquire).is_ok() {
            Withdrawal::Abandoned
        } else {
            Withdrawal::Answered
        }
    }

    /// For whoever owns the buffer, and is done with it.
    pub(super) fn free_it(&self) {
        self.0.store(FREE, Release);
    }

    /// For the system call that waits on it.
    pub(super) fn address(&self) -> *const u32 {
        self.0.as_ptr()
    }
}

fn with_tid(state: u32, tid: i32) -> u32 {
    (tid as u32) << STATE_BITS | state
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One step of a handler on thread `tid`: `None` before its claim, then whether it writes.
    #[derive(Clone, Copy)]
    struct Handler {
        tid: i32,
        writing: bool,
        done: bool,
    }

    #[derive(Clone, Copy)]
    enum Requester {
        Idle { requests: usize },
        Waiting { requests: usize },
        Reading { requests: usize },
    }

    /// Plays every interleaving. At no moment may two own the buffer.
    fn play(state: u32, requester: Requester, handlers: [Handler; 3], tids: &[i32]) -> usize {
        let word = Word(AtomicU32::new(state));
        let reset = || word.0.store(state, Relaxed);
        let reading = matches!(requester, Requester::Reading { .. });
        let writers = handlers.iter().filter(|handler| handler.writing).count();
        assert!(writers + usize::from(reading) <= 1, "two owners in state {state:#b}");

        let mut ends = 0;
        let mut moved = false;
        for (index, handler) in handlers.iter().enumerate().filter(|(_, handler)| !handler.done) {
            reset();
            let mut next = handlers;
            next[index] = if handler.writing {
                let _ = word.publish(handler.tid);
                Handler { writing: false, done: true, ..*handler }
            } else {
                let writing = word.claim(handler.tid);
                Handler { writing, done: !writing, ..*handler }
            };
            moved = true;
            ends += play(word.0.load(Relaxed), requester, next, tids);
        }
        reset();
        let mut go = |next| {
            moved = true;
            ends += play(word.0.load(Relaxed), next, handlers, tids);
        };
        match requester {
            Requester::Idle { requests } if requests < tids.len() => {
                if word.hold() {
                    word.open(tids[requests]);
                    go(Requester::Waiting { requests });
                }
            }
            Requester::Idle { .. } => {}
            Requester::Waiting { requests } => {
                let tid = tids[requests];
                if word.progress() == Progress::Answered {
                    go(Requester::Reading { requests });
                } else {
                    match word.withdraw(tid) {
                        Withdrawal::Withdrawn => {
                            word.free_it();
                            go(Requester::Idle { requests: requests + 1 });
                        }
                        Withdrawal::Abandoned => go(Requester::Idle { requests: requests + 1 }),
                        Withdrawal::Answered => unreachable!("nothing happens in between"),
                    }
                }
            }
            Requester::Reading { requests } => {
                word.free_it();
                go(Requester::Idle { requests: requests + 1 });
            }
        }
        if !moved {
            assert_eq!(state, FREE, "a slot is lost");
            return 1;
        }
        ends
    }

    #[test]
    fn no_interleaving_has_two_owners_or_loses_the_slot() {
        let handler = |tid| Handler { tid, writing: false, done: false };
        // The second of thread 7 stands for a late signal.
        let handlers = [handler(7), handler(7), handler(9)];
        for tids in [&[7, 9][..], &[7, 7, 9], &[9, 7, 7]] {
            let ends = play(FREE, Requester::Idle { requests: 0 }, handlers, tids);
            assert!(ends > 10, "{ends}");
        }
    }

    #[test]
    fn only_numbers_that_fit_are_taken() {
        assert!(Word::fits(1) && Word::fits(4 << 20) && Word::fits(MAX_TID));
        assert!(!Word::fits(0) && !Word::fits(-1) && !Word::fits(MAX_TID + 1));
        assert_ne!(with_tid(OPEN, MAX_TID), with_tid(OPEN, MAX_TID - 1));
    }
}
