//! The threads of a lane that have nothing to do, and how they are woken without a lock.
//!
//! A thread of an isolated lane may be held back by the kernel for most of a period at any point of
//! its way, so nobody outside the lane may wait for a lock that it takes for longer than an
//! instant. Whoever has work for the lane takes a sleeper from the list and wakes it.
//!
//! A sleeper that wakes by itself stays on the list. So each entry can be claimed once, by whoever
//! wakes or by the sleeper as it leaves: a wake is never spent on a thread that is awake.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst, fence};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crossbeam_queue::SegQueue;

#[derive(Debug, Default)]
pub(super) struct Sleepers {
    list: SegQueue<Arc<Sleeper>>,
    count: AtomicUsize,
}

#[derive(Debug)]
struct Sleeper {
    thread: Thread,
    claimed: AtomicBool,
}

impl Sleeper {
    fn claim(&self) -> bool {
        !self.claimed.swap(true, SeqCst)
    }
}

impl Sleepers {
    /// Sleeps for so long at most, unless `must_stay` says, once others can see the sleeper, that
    /// there is work. True: nobody has woken it.
    pub(super) fn sleep(&self, limit: Duration, must_stay: impl Fn() -> bool) -> bool {
        let sleeper =
            Arc::new(Sleeper { thread: thread::current(), claimed: AtomicBool::new(false) });
        self.count.fetch_add(1, SeqCst);
        self.list.push(sleeper.clone());
        // The other half is in `wake_one`'s caller: push first, then look for sleepers.
        fence(SeqCst);
        let deadline = Instant::now() + limit;
        let mut timed_out = false;
        while !must_stay() && !sleeper.claimed.load(SeqCst) && !timed_out {
            thread::park_timeout(deadline.saturating_duration_since(Instant::now()));
            timed_out = Instant::now() >= deadline;
        }
        self.count.fetch_sub(1, SeqCst);
        // Claimed by another meanwhile: then there is work after all.
        sleeper.claim() && timed_out
    }

    /// Wakes one of them. False: all are awake.
    pub(super) fn wake_one(&self) -> bool {
        while let Some(sleeper) = self.list.pop() {
            if sleeper.claim() {
                sleeper.thread.unpark();
                return true;
            }
        }
        false
    }

    pub(super) fn wake_all(&self) {
        while self.wake_one() {}
    }

    pub(super) fn count(&self) -> usize {
        self.count.load(Relaxed)
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn whoever_has_timed_out_takes_no_wake_from_another() {
        let sleepers = Arc::new(Sleepers::default());
        assert!(sleepers.sleep(Duration::from_millis(1), || false));
        assert!(!sleepers.wake_one());
        let other = sleepers.clone();
        let thread = thread::spawn(move || other.sleep(LONG, || false));
        while sleepers.count() == 0 {
            thread::yield_now();
        }
        while !sleepers.wake_one() {
            thread::yield_now();
        }
        assert!(!thread.join().unwrap());
        assert_eq!(sleepers.count(), 0);
    }

    #[test]
    fn no_wake_is_lost() {
        let sleepers = Arc::new(Sleepers::default());
        let (work, done) = (Arc::new(SegQueue::new()), Arc::new(AtomicU64::new(0)));
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (sleepers, work, done) = (sleepers.clone(), work.clone(), done.clone());
                thread::spawn(move || {
                    loop {
                        match work.pop() {
                            Some(true) => drop(done.fetch_add(1, SeqCst)),
                            Some(false) => return,
                            None => assert!(!sleepers.sleep(LONG, || !work.is_empty())),
                        }
                    }
                })
            })
            .collect();
        for item in 0..10_000 {
            work.push(true);
            fence(SeqCst);
            sleepers.wake_one();
            if item % 64 == 0 {
                thread::yield_now();
            }
        }
        while done.load(SeqCst) < 10_000 {
            thread::yield_now();
        }
        for _ in &threads {
            work.push(false);
            fence(SeqCst);
            sleepers.wake_one();
        }
        for thread in threads {
            thread.join().unwrap();
        }
    }
}
