//! Loom models of the protocols between threads: every interleaving that the memory model allows.
//!
//! ```text
//! RUSTFLAGS="--cfg pulse_loom --cfg tokio_unstable" cargo test -p tokio-pulse --release --lib loom
//! ```

use std::sync::Arc as StdArc;
use std::task::{Wake, Waker};

use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use loom::thread;

use crate::heartbeat::attention::{Answer, Attention};
use crate::heartbeat::beat::Beat;
use crate::heartbeat::due::{Due, Request};
use crate::lane::passage::{Cargo, Found, Next, Passage};
use crate::rescue::reserve::Reserve;
use crate::watchdog::doze::Doze;

fn spawn_ballast(reserve: &Arc<Reserve>) -> thread::JoinHandle<()> {
    let reserve = reserve.clone();
    thread::spawn(move || {
        if reserve.answer() {
            reserve.stand_by();
        }
    })
}

/// A worker wakes up while the watchdog falls asleep: at least one of the two sees the other.
#[test]
fn loom_nobody_wakes_up_unseen() {
    loom::model(|| {
        let shared = Arc::new((Beat::new_awake(), Doze::new()));
        shared.0.park();
        let worker = {
            let shared = shared.clone();
            thread::spawn(move || {
                shared.0.unpark();
                shared.1.must_wake()
            })
        };
        shared.1.announce();
        let seen = shared.0.snapshot().is_awake();
        let woken = worker.join().unwrap();
        assert!(seen || woken);
    });
}

/// Two workers wake up at once: the watchdog is woken, by one of them at least.
#[test]
fn loom_two_workers_wake_the_watchdog() {
    loom::model(|| {
        let doze = Arc::new(Doze::new());
        doze.announce();
        let workers: Vec<_> = (0..2)
            .map(|_| {
                let doze = doze.clone();
                thread::spawn(move || doze.must_wake())
            })
            .collect();
        let woken = workers.into_iter().map(|worker| worker.join().unwrap());
        assert!(woken.fold(false, |any, woken| any | woken));
    });
}

/// The watchdog reads a beat while polls begin and end: what it sees never runs backwards, and two
/// equal looks inside a poll are the same poll.
#[test]
fn loom_a_beat_never_runs_backwards() {
    loom::model(|| {
        let beat = Arc::new(Beat::new_awake());
        let worker = {
            let beat = beat.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    beat.enter_poll();
                    beat.exit_poll();
                }
            })
        };
        let first = beat.snapshot();
        let second = beat.snapshot();
        assert!(second.polls() >= first.polls());
        if first == second && first.in_poll() {
            assert_eq!(first.polls(), second.polls());
        }
        if second.polls() == first.polls() {
            // Within one round a poll can begin, and not begin twice.
            assert!(second.in_poll() >= first.in_poll());
        }
        worker.join().unwrap();
        assert_eq!(beat.snapshot().polls(), 2);
        assert!(!beat.snapshot().in_poll());
    });
}

/// A ballast answers and sleeps while the watchdog releases: released means woken.
#[test]
fn loom_a_released_ballast_wakes_up() {
    loom::model(|| {
        let reserve = Arc::new(Reserve::new());
        assert!(reserve.summon(1));
        let ballast = spawn_ballast(&reserve);
        // The watchdog's step: whoever has answered is released, who has not is dismissed.
        if reserve.release(1) == 0 {
            reserve.dismiss(1);
            // It may have answered in between; the next step finds it.
            reserve.release(1);
        }
        ballast.join().unwrap();
        let counts = reserve.counts();
        assert_eq!((counts.parked, counts.summoned), (0, 0));
    });
}

/// Two ballasts fall asleep while two releases come: no release is lost, none counts twice.
#[test]
fn loom_each_release_frees_one() {
    loom::model(|| {
        let reserve = Arc::new(Reserve::new());
        assert!(reserve.summon(2));
        assert!(reserve.answer() && reserve.answer());
        let ballasts: Vec<_> = (0..2)
            .map(|_| {
                let reserve = reserve.clone();
                thread::spawn(move || reserve.stand_by())
            })
            .collect();
        assert_eq!(reserve.release(1), 1);
        assert_eq!(reserve.counts().parked, 1);
        assert_eq!(reserve.release(2), 1);
        ballasts.into_iter().for_each(|ballast| ballast.join().unwrap());
        assert_eq!(reserve.counts().parked, 0);
    });
}

/// A ballast that has lost its worker gives its summons back while the watchdog releases it.
#[test]
fn loom_declining_races_with_release() {
    loom::model(|| {
        let reserve = Arc::new(Reserve::new());
        assert!(reserve.summon(1));
        assert!(reserve.answer());
        let ballast = {
            let reserve = reserve.clone();
            thread::spawn(move || reserve.decline())
        };
        let released = reserve.release(1) == 1;
        let passed_on = ballast.join().unwrap();
        assert_eq!(released, !passed_on);
        let counts = reserve.counts();
        assert_eq!((counts.parked, counts.summoned), (0, usize::from(passed_on)));
    });
}

/// The runtime shuts down while a ballast comes and the watchdog summons: nobody sleeps on.
#[test]
fn loom_closing_leaves_nobody_asleep() {
    loom::model(|| {
        let reserve = Arc::new(Reserve::new());
        assert!(reserve.summon(1));
        let ballast = spawn_ballast(&reserve);
        let closer = {
            let reserve = reserve.clone();
            thread::spawn(move || reserve.close())
        };
        ballast.join().unwrap_or_else(|_| panic!("the ballast sleeps on"));
        closer.join().unwrap();
        assert_eq!(reserve.counts().parked, 0);
    });
}

/// The watchdog accuses a poll that ends at that moment: either the thread answers for that very
/// poll, or finds it void at the next, or the watchdog takes it back; never two of these, and no
/// other poll answers for it.
#[test]
fn loom_an_accusation_is_settled_once_and_by_the_right_poll() {
    loom::model(|| {
        let shared = Arc::new((Beat::new_awake(), Attention::none()));
        shared.0.tick();
        let worker = {
            let shared = shared.clone();
            thread::spawn(move || {
                let first = shared.1.answer(shared.0.snapshot().polls());
                shared.0.tick();
                [first, shared.1.answer(shared.0.snapshot().polls())]
            })
        };
        let accused = shared.0.snapshot();
        shared.1.accuse(accused.polls());
        let withdrawn = shared.0.snapshot() != accused && shared.1.withdraw(accused.polls());
        let answers = worker.join().unwrap();
        let settled = answers.iter().filter(|answer| **answer != Answer::NotAccused).count();
        assert!(settled + usize::from(withdrawn) <= 1);
        let answered = answers.iter().position(|answer| *answer == Answer::Accused);
        assert!(answered.is_none_or(|index| index + 1 == accused.polls()));
    });
}

/// The watchdog's last request comes while the thread takes an earlier one, met or void: it stays.
#[test]
fn loom_what_is_asked_for_good_is_not_taken() {
    for void in [false, true] {
        loom::model(move || {
            let shared = Arc::new((Beat::new_awake(), Due::none()));
            shared.0.tick();
            shared.1.ask(shared.0.snapshot());
            if void {
                shared.0.tick();
            }
            let worker = {
                let shared = shared.clone();
                thread::spawn(move || shared.1.take(shared.0.snapshot()))
            };
            shared.1.ask_for_good();
            worker.join().unwrap();
            assert!(shared.1.is_asked());
            assert_eq!(shared.1.take(shared.0.snapshot()), Request::ForGood);
        });
    }
}

/// Hooks are armed while the thread attends to a poll and the watchdog accuses: all three parts of
/// the word come out right.
#[test]
fn loom_the_parts_of_attention_do_not_disturb_each_other() {
    loom::model(|| {
        let attention = Arc::new(Attention::none());
        let others: Vec<_> = [0, 1]
            .map(|other| {
                let attention = attention.clone();
                thread::spawn(move || match other {
                    0 => attention.set_armed(true),
                    _ => attention.accuse(3),
                })
            })
            .into();
        attention.attend();
        attention.leave();
        for other in others {
            other.join().unwrap();
        }
        assert!(attention.is_armed() && !attention.is_attended());
        assert_eq!(attention.answer(3), Answer::Accused);
    });
}

/// The waker of the Tokio task.
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: StdArc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A future that is lent, and what becomes of it.
struct Lent {
    passage: Passage<Token, u32>,
    bell: StdArc<Bell>,
    /// What the future waits for.
    ready: AtomicBool,
    queued: AtomicUsize,
    dropped: StdArc<AtomicUsize>,
}

/// The future: never in two hands at a time, because it is not `Clone`, and dropped once.
struct Token(StdArc<AtomicUsize>);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

impl Lent {
    fn new() -> Arc<Self> {
        let bell = StdArc::new(Bell(AtomicUsize::new(0)));
        let dropped = StdArc::new(AtomicUsize::new(0));
        let home = Waker::from(bell.clone());
        Arc::new(Self {
            passage: Passage::new(Token(dropped.clone()), home),
            bell,
            ready: AtomicBool::new(false),
            queued: AtomicUsize::new(0),
            dropped,
        })
    }

    fn act<C>(&self, next: Next<C>) {
        match next {
            Next::Queue => drop(self.queued.fetch_add(1, SeqCst)),
            Next::WakeHome(waker) => waker.wake(),
            Next::Nothing | Next::Drop(_) => {}
        }
    }

    /// A lane thread. True: the future was ready, or there was none.
    fn poll_on_lane(&self, stays: bool) -> bool {
        let Some(token) = self.passage.take_up() else { return true };
        let ready = self.ready.load(SeqCst);
        if ready {
            drop(token);
            self.act(self.passage.deliver(7));
        } else {
            self.act(self.passage.put_down(token, stays));
        }
        ready
    }

    fn wake(&self) {
        self.ready.store(true, SeqCst);
        self.act(self.passage.wake());
    }

    fn look(&self) -> Found<Token, u32> {
        let found = self.passage.look(&Waker::from(self.bell.clone()));
        if let Found::Away(true) = found {
            self.queued.fetch_add(1, SeqCst);
        }
        found
    }

    fn rings(&self) -> usize {
        self.bell.0.load(SeqCst)
    }
}

fn beside(lent: &Arc<Lent>, f: impl FnOnce(&Lent) + 'static) -> thread::JoinHandle<()> {
    let lent = lent.clone();
    thread::spawn(move || f(&lent))
}

/// It stays on the lane and is woken while it is polled: it is queued again, and once.
#[test]
fn loom_a_future_on_the_lane_misses_no_wake() {
    loom::model(|| {
        let lent = Lent::new();
        let waker = beside(&lent, Lent::wake);
        let done = lent.poll_on_lane(true);
        waker.join().unwrap();
        let queued = lent.queued.load(SeqCst);
        assert!(queued == usize::from(!done), "{queued}");
        if !done {
            assert!(lent.poll_on_lane(true));
        }
        assert_eq!((lent.rings(), lent.dropped.load(SeqCst)), (1, 1));
    });
}

/// It goes home and is woken while it is polled: the task is woken, and finds it.
#[test]
fn loom_a_future_that_goes_home_misses_no_wake() {
    loom::model(|| {
        let lent = Lent::new();
        let waker = beside(&lent, Lent::wake);
        let done = lent.poll_on_lane(false);
        waker.join().unwrap();
        assert!(lent.rings() >= 1);
        match lent.look() {
            Found::Output(7) => assert!(done),
            Found::Future(_token) => assert!(!done),
            _ => panic!("it is nowhere"),
        }
    });
}

/// The task is polled while the lane ends the future: it finds the output, or is woken for it.
#[test]
fn loom_an_output_is_found_or_announced() {
    loom::model(|| {
        let lent = Lent::new();
        lent.ready.store(true, SeqCst);
        let lane = beside(&lent, |lent| {
            let _ = lent.poll_on_lane(true);
        });
        let found = lent.look();
        lane.join().unwrap();
        match found {
            Found::Output(7) => {}
            Found::Away(_) => {
                assert!(lent.rings() >= 1);
                assert!(matches!(lent.look(), Found::Output(7)));
            }
            _ => panic!("it is somewhere else"),
        }
    });
}

/// The task is aborted while a lane thread takes the future up and a wake comes: it is dropped once,
/// and nothing is left.
#[test]
fn loom_an_aborted_future_is_dropped_once() {
    for stays in [false, true] {
        loom::model(move || {
            let lent = Lent::new();
            let lane = beside(&lent, move |lent| {
                let _ = lent.poll_on_lane(stays);
            });
            let waker = beside(&lent, Lent::wake);
            let cargo = lent.passage.cancel();
            drop(cargo);
            lane.join().unwrap();
            waker.join().unwrap();
            assert!(lent.passage.take_up().is_none());
            assert!(matches!(lent.passage.cancel(), Cargo::Nothing));
            assert_eq!(lent.dropped.load(SeqCst), 1);
        });
    }
}

/// The lane closes while one of its threads takes the future up: one of them has it.
#[test]
fn loom_a_closing_lane_sends_home_what_nobody_has_taken() {
    loom::model(|| {
        let lent = Lent::new();
        let lane = beside(&lent, |lent| {
            let _ = lent.poll_on_lane(false);
        });
        let next = lent.passage.send_home();
        let sent = matches!(next, Next::WakeHome(_));
        lent.act(next);
        lane.join().unwrap();
        assert_eq!(lent.rings(), usize::from(sent));
        assert!(matches!(lent.look(), Found::Future(_)));
    });
}
