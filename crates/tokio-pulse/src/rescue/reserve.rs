//! The reserve: a berth for each worker that is kept asleep.
//!
//! The watchdog summons, dismisses and releases; ballast tasks answer, stand by and leave. The
//! essay is in `README.md` beside this file. The lock is held for a few instructions at a time by
//! either side and never while anything is polled, so neither can hold the other up for longer
//! than the kernel takes to schedule the holder.

use crate::sync::{Condvar, Mutex, lock, wait};

#[derive(Debug)]
pub(crate) struct Reserve {
    berths: Mutex<Berths>,
    released: Condvar,
}

#[derive(Debug, Default)]
struct Berths {
    /// Ballasts called for that have not answered.
    summoned: usize,
    /// Ballasts that have answered and not been released: each keeps one worker asleep, or is
    /// about to.
    parked: usize,
    /// Releases that no ballast has taken yet. Those ballasts are no longer in `parked`.
    releases: usize,
    /// No more ballast, ever: the runtime shuts down, or Pulse leaves it.
    closed: bool,
}

/// The berths at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) parked: usize,
    pub(crate) summoned: usize,
}

impl Reserve {
    pub(crate) fn new() -> Self {
        Self { berths: Mutex::new(Berths::default()), released: Condvar::new() }
    }

    pub(crate) fn counts(&self) -> Counts {
        let berths = lock(&self.berths);
        Counts { parked: berths.parked, summoned: berths.summoned }
    }

    /// Watchdog: `n` ballasts are about to be spawned. False once closed: spawn none.
    #[must_use]
    pub(crate) fn summon(&self, n: usize) -> bool {
        let mut berths = lock(&self.berths);
        if !berths.closed {
            berths.summoned += n;
        }
        !berths.closed
    }

    /// Watchdog: takes back up to `n` summonses that nobody has answered. As many ballasts will
    /// find nothing to answer and end.
    pub(crate) fn dismiss(&self, n: usize) {
        let mut berths = lock(&self.berths);
        berths.summoned -= n.min(berths.summoned);
    }

    /// Watchdog: lets up to `n` parked ballasts go, and says how many.
    pub(crate) fn release(&self, n: usize) -> usize {
        let mut berths = lock(&self.berths);
        let n = n.min(berths.parked);
        berths.parked -= n;
        berths.releases += n;
        drop(berths);
        for _ in 0..n {
            self.released.notify_one();
        }
        n
    }

    /// Anybody: lets all ballasts go for good.
    pub(crate) fn close(&self) {
        lock(&self.berths).closed = true;
        self.released.notify_all();
    }

    /// Ballast: answers a summons. False: there is none, end.
    #[must_use]
    pub(crate) fn answer(&self) -> bool {
        let mut berths = lock(&self.berths);
        if berths.closed || berths.summoned == 0 {
            return false;
        }
        berths.summoned -= 1;
        berths.parked += 1;
        true
    }

    /// Ballast: gives an answered summons back; somebody else may answer it. False: it is not
    /// wanted any more, end.
    #[must_use]
    pub(crate) fn decline(&self) -> bool {
        let mut berths = lock(&self.berths);
        if berths.parked > 0 {
            berths.parked -= 1;
            berths.summoned += 1;
        } else {
            // Released between the answer and now.
            berths.releases -= 1;
            return false;
        }
        !berths.closed
    }

    /// Ballast: sleeps until released. Call after a successful `answer`, at most once.
    pub(crate) fn stand_by(&self) {
        let mut berths = lock(&self.berths);
        while berths.releases == 0 && !berths.closed {
            berths = wait(&self.released, berths);
        }
        if berths.releases > 0 {
            berths.releases -= 1;
        } else {
            berths.parked -= 1;
        }
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    fn counts(parked: usize, summoned: usize) -> Counts {
        Counts { parked, summoned }
    }

    #[test]
    fn a_summons_is_answered_once() {
        let reserve = Reserve::new();
        assert!(!reserve.answer());
        assert!(reserve.summon(1));
        assert!(reserve.answer());
        assert!(!reserve.answer());
        assert_eq!(reserve.counts(), counts(1, 0));
        assert_eq!(reserve.release(5), 1);
        reserve.stand_by();
        assert_eq!(reserve.counts(), counts(0, 0));
    }

    #[test]
    fn a_dismissed_summons_finds_nobody() {
        let reserve = Reserve::new();
        assert!(reserve.summon(2));
        reserve.dismiss(1);
        assert!(reserve.answer());
        assert!(!reserve.answer());
        reserve.dismiss(9);
        assert_eq!(reserve.counts(), counts(1, 0));
    }

    #[test]
    fn declining_passes_the_summons_on_unless_it_was_released() {
        let reserve = Reserve::new();
        assert!(reserve.summon(1));
        assert!(reserve.answer());
        assert!(reserve.decline());
        assert_eq!(reserve.counts(), counts(0, 1));
        assert!(reserve.answer());
        assert_eq!(reserve.release(1), 1);
        assert!(!reserve.decline());
        assert_eq!(reserve.counts(), counts(0, 0));
    }

    #[test]
    fn closing_frees_the_sleepers_and_refuses_new_ones() {
        let reserve = std::sync::Arc::new(Reserve::new());
        assert!(reserve.summon(2));
        assert!(reserve.answer());
        let sleeper = reserve.clone();
        let sleeper = std::thread::spawn(move || sleeper.stand_by());
        reserve.close();
        sleeper.join().unwrap();
        assert!(!reserve.answer());
        assert!(!reserve.summon(1));
        assert_eq!(reserve.counts().parked, 0);
    }
}
