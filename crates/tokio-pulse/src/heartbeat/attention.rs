//! Who wants to hear of the polls of one thread: a single word, which a poll looks at when it begins
//! and when it ends. 0 means nobody, and is all that a well-behaved task ever meets.
//!
//! ```text
//!   bit 0..8    attended   polls on this thread, one inside the other, whose end is awaited
//!   bit 8       ARMED      somebody wants to be asked at the beginning of each poll
//!   bit 9..     accused    1 + the number of the poll that the watchdog saw stall, or 0
//! ```
//!
//! The thread itself writes `attended`, whoever arms or disarms the runtime writes `ARMED`, and the
//! watchdog accuses; so all changes are read-modify-write. They are rare: what is frequent is the
//! load.
//!
//! An accusation is set (`Release`) after the evidence has been put on the thread's charge sheet,
//! and taken (`Acquire`) by the thread when a poll ends, whichever poll that is. It counts if the
//! number is that of the poll which ends, and is void otherwise: it came too late, for a poll that
//! nobody can name any more. A second accusation replaces the first.
//!
//! Accepted: an accusation may be set just after the poll ended, so that the next poll on that
//! thread finds it void, clears it, and undoes what the watchdog did to the thread. And `ARMED` may
//! be seen a few polls late; nothing depends on the moment.

use crate::sync::{AtomicUsize, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed};

const ATTENDED_ONE: usize = 1;
const ATTENDED: usize = 0xff;
const ARMED: usize = 1 << 8;
const ACCUSED_ONE: usize = 1 << 9;

#[derive(Debug)]
pub(crate) struct Attention(AtomicUsize);

impl Attention {
    pub(crate) fn none() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Thread: whether the poll that begins or ends here is anybody's business.
    #[inline]
    pub(crate) fn is_wanted(&self) -> bool {
        self.0.load(Relaxed) != 0
    }

    /// Watchdog: the poll with this number has outlived its slice.
    pub(crate) fn accuse(&self, poll: usize) {
        let accused = number(poll);
        let _ = self.0.fetch_update(AcqRel, Relaxed, |word| Some(word % ACCUSED_ONE + accused));
    }

    /// Watchdog: takes an accusation back that came too late. True: the thread has not seen it.
    pub(crate) fn withdraw(&self, poll: usize) -> bool {
        let accused = number(poll);
        let rest =
            |word| (word / ACCUSED_ONE * ACCUSED_ONE == accused).then_some(word % ACCUSED_ONE);
        self.0.fetch_update(Relaxed, Relaxed, rest).is_ok()
    }

    /// Thread: takes the accusation away, and says whether there was one and whether it is against
    /// this poll.
    #[must_use]
    pub(crate) fn answer(&self, poll: usize) -> Answer {
        if self.0.load(Relaxed) < ACCUSED_ONE {
            return Answer::NotAccused;
        }
        let word = self.0.fetch_and(ACCUSED_ONE - 1, Acquire);
        match word / ACCUSED_ONE * ACCUSED_ONE {
            0 => Answer::NotAccused,
            accused if accused == number(poll) => Answer::Accused,
            _ => Answer::Void,
        }
    }

    /// Thread: somebody waits for the end of the poll that begins.
    pub(crate) fn attend(&self) {
        self.0.fetch_add(ATTENDED_ONE, Relaxed);
    }

    /// Thread: such a poll has ended.
    pub(crate) fn leave(&self) {
        let one_less = |word| (word & ATTENDED != 0).then(|| word - ATTENDED_ONE);
        let _ = self.0.fetch_update(Relaxed, Relaxed, one_less);
    }

    /// Thread: whether the end of any poll is awaited.
    pub(crate) fn is_attended(&self) -> bool {
        self.0.load(Relaxed) & ATTENDED != 0
    }

    /// Thread: whether the watchdog waits for the end of a poll.
    pub(crate) fn is_accused(&self) -> bool {
        self.0.load(Relaxed) >= ACCUSED_ONE
    }

    pub(crate) fn is_armed(&self) -> bool {
        self.0.load(Relaxed) & ARMED != 0
    }

    /// Anybody: each poll is to ask from now on, or not any more.
    pub(crate) fn set_armed(&self, armed: bool) {
        if armed {
            self.0.fetch_or(ARMED, Relaxed);
        } else {
            self.0.fetch_and(!ARMED, Relaxed);
        }
    }

    /// Another thread has taken this over.
    pub(crate) fn start_over(&self) {
        self.0.store(0, Relaxed);
    }
}

/// What the thread finds at the end of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    NotAccused,
    Accused,
    /// The accusation was against a poll that had ended before.
    Void,
}

/// A poll's number in its place. The beat counts with one bit less, so none becomes 0.
fn number(poll: usize) -> usize {
    poll.wrapping_add(1).wrapping_mul(ACCUSED_ONE)
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_accusation_is_answered_once_by_whoever_it_is_against() {
        let attention = Attention::none();
        assert!(!attention.is_wanted());
        attention.accuse(7);
        assert!(attention.is_wanted());
        assert_eq!(attention.answer(7), Answer::Accused);
        assert_eq!(attention.answer(7), Answer::NotAccused);
        attention.accuse(7);
        attention.accuse(9);
        assert_eq!(attention.answer(8), Answer::Void);
        assert!(!attention.is_wanted());
    }

    #[test]
    fn only_an_unanswered_accusation_can_be_withdrawn() {
        let attention = Attention::none();
        attention.accuse(0);
        assert!(!attention.withdraw(1));
        assert!(attention.withdraw(0));
        assert!(!attention.withdraw(0));
        assert_eq!(attention.answer(0), Answer::NotAccused);
    }

    #[test]
    fn the_three_parts_leave_each_other_alone() {
        let attention = Attention::none();
        attention.attend();
        attention.attend();
        attention.set_armed(true);
        attention.accuse(usize::MAX >> 10);
        assert!(attention.is_attended() && attention.is_armed());
        assert_eq!(attention.answer(usize::MAX >> 10), Answer::Accused);
        attention.leave();
        assert!(attention.is_attended() && attention.is_armed());
        attention.set_armed(false);
        attention.leave();
        assert!(!attention.is_wanted());
    }
}
