//! `Preemptible` on a current-thread runtime.

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;
use tokio_pulse_stackful::{Preemptible, Settings, thread_metrics};

const QUANTUM: Duration = Duration::from_millis(1);

fn settings() -> Settings {
    Settings::default().quantum(QUANTUM)
}

fn local<F: Future<Output = ()>>(body: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, body);
}

/// Computes until a flag is set, without a call.
fn spin_until(done: &Cell<bool>) -> u64 {
    let mut turns = 0_u64;
    while !black_box(done).get() {
        turns = black_box(turns.wrapping_add(1));
    }
    turns
}

#[test]
fn an_endless_loop_is_preempted_and_a_ticker_goes_on() {
    local(async {
        let done = Rc::new(Cell::new(false));
        let spinning = done.clone();
        // SAFETY: it computes.
        let hog =
            unsafe { Preemptible::with_settings(async move { spin_until(&spinning) }, settings()) };
        let hog = tokio::task::spawn_local(hog.unwrap());
        let began = Instant::now();
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let took = began.elapsed();
        done.set(true);
        assert!(hog.await.unwrap() > 0);
        assert!(took < Duration::from_secs(30), "{took:?}");
        assert!(thread_metrics().preemptions() >= 10, "{:?}", thread_metrics());
    });
}

#[test]
fn a_panic_goes_to_the_task_around_it() {
    local(async {
        // SAFETY: it panics.
        let bad = unsafe { Preemptible::new(async { panic!("as it should") }) }.unwrap();
        assert!(tokio::task::spawn_local(bad).await.unwrap_err().is_panic());
    });
}

#[test]
fn a_dropped_one_runs_on_to_its_next_end() {
    local(async {
        let done = Rc::new(Cell::new(false));
        let ended = Rc::new(Cell::new(false));
        let (spinning, ending) = (done.clone(), ended.clone());
        let hog = async move {
            spin_until(&spinning);
            ending.set(true);
            std::future::pending::<()>().await;
        };
        // SAFETY: it computes.
        let mut hog = unsafe { Preemptible::with_settings(hog, settings()) }.unwrap();
        std::future::poll_fn(|context| {
            assert!(std::pin::Pin::new(&mut hog).poll(context).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        assert!(hog.is_suspended() && !ended.get());
        done.set(true);
        drop(hog);
        assert!(ended.get());
        assert_eq!(Rc::strong_count(&ended), 1);
    });
}

#[test]
fn an_endless_one_that_is_dropped_is_given_up() {
    local(async {
        let before = tokio_pulse_stackful::abandoned();
        let settings = settings().drop_patience(Duration::from_millis(20));
        let endless = async { spin_until(&Cell::new(false)) };
        // SAFETY: it computes.
        let endless = unsafe { Preemptible::with_settings(endless, settings) }.unwrap();
        let timeout = tokio::time::timeout(Duration::from_millis(20), endless).await;
        assert!(timeout.is_err());
        assert!(tokio_pulse_stackful::abandoned() > before);
    });
}

#[test]
fn only_marked_regions_are_preempted_where_that_was_asked_for() {
    use tokio_pulse_stackful::{Coverage, Refusal, preemptible};

    local(async {
        let compute = || {
            let began = Instant::now();
            let before = thread_metrics();
            while began.elapsed() < Duration::from_secs(30) {
                (0..10_000_u64).for_each(|n| _ = black_box(n));
                let now = thread_metrics();
                if now.preemptions() > before.preemptions()
                    || now.refusals(Refusal::Unmarked) > before.refusals(Refusal::Unmarked) + 3
                {
                    break;
                }
            }
        };
        let marked = settings().coverage(Coverage::Marked);
        // SAFETY: it computes.
        unsafe { Preemptible::with_settings(async move { compute() }, marked.clone()) }
            .unwrap()
            .await;
        assert_eq!(thread_metrics().preemptions(), 0);
        // SAFETY: it computes.
        unsafe { Preemptible::with_settings(async move { preemptible(compute) }, marked) }
            .unwrap()
            .await;
        assert!(thread_metrics().preemptions() > 0, "{:?}", thread_metrics());
    });
}

#[test]
fn it_goes_where_its_future_goes() {
    fn is_send<T: Send>(_: &T) {}
    // SAFETY: it does nothing.
    is_send(&unsafe { Preemptible::new(async {}) }.unwrap());
}
