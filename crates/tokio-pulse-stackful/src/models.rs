//! Loom models of the protocols between threads: every interleaving that the memory model allows.
//!
//! A signal handler runs on the thread that it interrupts. Where one takes part, it is a call on that
//! thread, after the ticker has "sent" the signal by a store that the thread sees.
//!
//! ```text
//! RUSTFLAGS="--cfg pulse_loom --cfg tokio_unstable" \
//!     cargo test -p tokio-pulse-stackful --release --lib loom
//! ```

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use loom::thread;

use crate::deadlock::SnapshotCell;
use crate::runtime::hand_over::HandOver;
use crate::runtime::levels::{Picker, Priority};
use crate::runtime::state::State;
use crate::ticker::{Demand, Doze, Slot};

/// A thread stops resting while the ticker falls asleep: one of the two sees the other.
#[test]
fn loom_nobody_stops_resting_unseen() {
    loom::model(|| {
        let shared = Arc::new((Slot::new(0), Doze::new()));
        let worker = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.0.stop_resting();
                shared.1.must_wake()
            })
        };
        shared.1.announce();
        let seen = !shared.0.is_resting();
        assert!(worker.join().unwrap() || seen);
    });
}

/// Somebody comes to wait for a thread while the ticker falls asleep: one of the two sees the other.
#[test]
fn loom_nobody_waits_unseen() {
    loom::model(|| {
        let (demand, doze) = (std::sync::Arc::new(Demand::new(1)), Arc::new(Doze::new()));
        let slot = Slot::new(0);
        slot.set_demand(demand.clone(), 0);
        slot.stop_resting();
        let waker = {
            let doze = doze.clone();
            thread::spawn(move || {
                demand.add(None);
                doze.must_wake()
            })
        };
        doze.announce();
        let seen = !slot.is_quiet();
        assert!(waker.join().unwrap() || seen);
    });
}

/// The ticker asks one stretch to stop while it ends and another begins: the handler never takes the
/// request for the other one, and one signal at most is on its way.
#[test]
fn loom_a_request_is_for_its_stretch() {
    loom::model(|| {
        let shared = Arc::new((Slot::new(0), AtomicUsize::new(0)));
        let first = shared.0.begin(7);
        let ticker = {
            let shared = shared.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    let sight = shared.0.sight();
                    if sight.beat % 2 == 1 && shared.0.ask(sight.beat, sight.beat) {
                        assert_eq!(shared.1.fetch_add(1, Release), 0, "two signals");
                    }
                }
            })
        };
        let handler = |beat| {
            if shared.1.load(Acquire) == 1 {
                if let Some(asked_at) = shared.0.request() {
                    assert_eq!(asked_at, beat, "asked of another stretch");
                    shared.0.take_request();
                    assert!(shared.0.request().is_none() || shared.0.request() == Some(beat));
                }
                shared.1.store(0, Relaxed);
                shared.0.signal_handled();
            }
        };
        handler(1);
        shared.0.end(first);
        let second = shared.0.begin(7);
        handler(3);
        shared.0.end(second);
        ticker.join().unwrap();
    });
}

/// A poll that is woken while it ends is polled again, by one owner at a time.
#[test]
fn loom_a_wake_is_not_lost() {
    loom::model(|| {
        let shared = Arc::new((State::queued(), AtomicUsize::new(0)));
        assert!(shared.0.transition_to_running());
        let waker = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.1.fetch_add(1, Relaxed);
                shared.0.transition_to_woken()
            })
        };
        let seen = shared.1.load(Relaxed);
        let queued_by_owner = shared.0.transition_to_pending();
        let queued_by_waker = waker.join().unwrap();
        assert!(!(queued_by_owner && queued_by_waker), "in two queues");
        if seen == 0 {
            assert!(queued_by_owner || queued_by_waker, "a wake was lost");
        }
        if queued_by_owner || queued_by_waker {
            assert!(shared.0.transition_to_running());
            assert_eq!(shared.1.load(Relaxed), 1);
        }
    });
}

/// Wakes from two threads queue a task once.
#[test]
fn loom_two_wakes_queue_once() {
    loom::model(|| {
        let state = Arc::new(State::queued());
        assert!(state.transition_to_running() && !state.transition_to_pending());
        let wakers: Vec<_> = (0..2)
            .map(|_| {
                let state = state.clone();
                thread::spawn(move || state.transition_to_woken())
            })
            .collect();
        let queued = wakers.into_iter().map(|waker| waker.join().unwrap());
        assert_eq!(queued.filter(|queued| *queued).count(), 1);
    });
}

/// At shutdown a task is seized by its runtime or still polled, never both; what the last poll wrote
/// is seen by whoever gets it.
#[test]
fn loom_a_task_has_one_last_owner() {
    loom::model(|| {
        let shared = Arc::new((State::queued(), AtomicUsize::new(0)));
        let worker = {
            let shared = shared.clone();
            thread::spawn(move || {
                let owned = shared.0.transition_to_running();
                if owned {
                    shared.1.store(1, Relaxed);
                    assert!(!shared.0.transition_to_pending());
                }
                owned
            })
        };
        let seized = shared.0.transition_to_seized();
        let seen = shared.1.load(Relaxed);
        let polled = worker.join().unwrap();
        assert!(seized || polled);
        if seized {
            assert!(seen == usize::from(polled) || (!polled && seen == 0));
            shared.0.transition_to_done();
            assert!(!shared.0.transition_to_woken());
        }
    });
}

/// What is pushed gets to a worker that waits, or waits for one.
#[test]
fn loom_what_is_pushed_arrives() {
    for home in [None, Some(0)] {
        loom::model(move || {
            let queues = Arc::new(HandOver::new(1));
            let worker = {
                let queues = queues.clone();
                thread::spawn(move || {
                    let mut picker = Picker::default();
                    (0..2).map(|_| queues.next(0, &mut picker, || (), || ())).collect::<Vec<_>>()
                })
            };
            assert!(queues.push(Priority::Normal, home, 1));
            assert!(queues.push(Priority::Normal, home, 2));
            assert_eq!(worker.join().unwrap(), [Some(1), Some(2)]);
        });
    }
}

/// A worker's own task wakes the right one of two that wait, and closing wakes both.
#[test]
fn loom_a_workers_own_task_finds_it() {
    loom::model(|| {
        let queues = Arc::new(HandOver::new(2));
        let workers: Vec<_> = (0..2)
            .map(|worker| {
                let queues = queues.clone();
                thread::spawn(move || queues.next(worker, &mut Picker::default(), || (), || ()))
            })
            .collect();
        assert!(queues.push(Priority::Normal, Some(1), 7));
        let mut workers = workers.into_iter();
        let (first, second) = (workers.next().unwrap(), workers.next().unwrap());
        assert_eq!(second.join().unwrap(), Some(7));
        queues.close();
        assert_eq!(first.join().unwrap(), None);
        assert!(!queues.push(Priority::Normal, None, 8));
    });
}

/// The handler draws while the ticker wants and takes: a picture is whole when it is taken.
#[test]
fn loom_a_picture_is_whole() {
    loom::model(|| {
        let shared = Arc::new((SnapshotCell::new(), AtomicBool::new(false)));
        shared.0.want();
        let thread = {
            let shared = shared.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    if let Some(mut snapshot) = shared.0.begin() {
                        assert!(!shared.1.swap(true, Relaxed), "drawn while it is read");
                        snapshot.add(|poll| poll.set_waits_for(1));
                        snapshot.add(|poll| poll.set_waits_for(2));
                        shared.1.store(false, Relaxed);
                    }
                }
            })
        };
        for _ in 0..2 {
            if let Some(picture) = shared.0.take() {
                assert_eq!(picture.count(), 2);
                shared.0.want();
            }
        }
        thread.join().unwrap();
    });
}
