//! A poll that waits for an event of the system's, beside one on the same thread that sets it.
#![cfg(all(windows, target_arch = "x86_64"))]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_pulse_stackful::windows::AlertableEvent;
use tokio_pulse_stackful::{PreemptiveRuntime, TaskSettings};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_wait_gives_way_to_who_ends_it() {
    let runtime = PreemptiveRuntime::builder()
        .worker_threads(1)
        .quantum(Duration::from_millis(1))
        .build()
        .unwrap();
    let event = Arc::new(AlertableEvent::new().unwrap());
    let (waits, sets) = (event.clone(), event);
    let began = Instant::now();
    // SAFETY: it waits, and holds nothing.
    let waiter = unsafe {
        runtime
            .spawn_with(TaskSettings::default(), async move { waits.wait(Some(PATIENCE)).unwrap() })
    };
    // SAFETY: it sets an event.
    let setter =
        unsafe { runtime.spawn_with(TaskSettings::default(), async move { sets.set().unwrap() }) };
    assert!(waiter.join().unwrap(), "it was set in time");
    setter.join().unwrap();
    assert!(began.elapsed() < PATIENCE);
}

#[test]
fn outside_of_a_poll_it_is_an_ordinary_wait() {
    let event = AlertableEvent::new().unwrap();
    assert!(!event.wait(Some(Duration::from_millis(20))).unwrap());
    event.set().unwrap();
    assert!(event.wait(None).unwrap());
    assert!(!event.wait(Some(Duration::ZERO)).unwrap());
}
