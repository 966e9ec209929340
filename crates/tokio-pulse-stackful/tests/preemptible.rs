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
