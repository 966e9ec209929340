//! Tests under the macros, which run.

use std::num::ParseIntError;
use std::process::Termination;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio_pulse::test;

#[tokio_pulse::test]
async fn current_thread() {
    assert_eq!(Handle::current().runtime_flavor(), RuntimeFlavor::CurrentThread);
}

#[tokio_pulse::test(
    flavor = "multi_thread",
    worker_threads = 2,
    reserve_workers = 1,
    slice = "1ms"
)]
async fn multi_thread() {
    assert_eq!(Handle::current().runtime_flavor(), RuntimeFlavor::MultiThread);
}

#[tokio_pulse::test]
async fn result() -> Result<(), ParseIntError> {
    "7".parse::<u8>()?;
    Ok(())
}

#[tokio_pulse::test]
async fn unnamed_result() -> impl Termination {
    Ok::<(), ParseIntError>(())
}

#[tokio_pulse::test]
#[should_panic = "as it should"]
async fn panics() {
    panic!("as it should");
}

#[ignore = "ignored tests are compiled"]
#[tokio_pulse::test]
async fn ignored() {}

#[test]
async fn imported() {}

#[cfg(feature = "test-util")]
#[tokio_pulse::test(start_paused = true)]
async fn paused() {
    let start = tokio::time::Instant::now();
    tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    assert!(start.elapsed() >= std::time::Duration::from_secs(3600));
}

#[tokio_pulse::test(max_poll = "60s")]
async fn polls_that_are_short_enough() -> Result<(), ParseIntError> {
    tokio::spawn(async { std::thread::sleep(std::time::Duration::from_millis(5)) }).await.unwrap();
    "7".parse::<u8>()?;
    Ok(())
}

#[inline(never)]
fn holds_its_worker() {
    let long = std::time::Duration::from_millis(100);
    if tokio_pulse_sys::ThreadProbe::of_current_thread().is_ok() {
        return std::thread::sleep(long);
    }
    // Where the system does not tell who sleeps, only what burns is proven.
    let clock = tokio_pulse_sys::ThreadCpuClock::of_current_thread().unwrap();
    let begun = clock.read().unwrap();
    while clock.read().unwrap() - begun < long {
        std::hint::spin_loop();
    }
}

#[tokio_pulse::test(max_poll = "5ms")]
#[should_panic = "polls took longer than 5ms"]
async fn a_body_that_blocks() {
    holds_its_worker();
}

#[tokio_pulse::test(flavor = "multi_thread", worker_threads = 2, max_poll = "5ms")]
#[should_panic = "polls took longer than 5ms"]
async fn a_task_that_blocks() {
    tokio::spawn(async { holds_its_worker() }).await.unwrap();
}

#[cfg(all(feature = "stacks", target_os = "linux", target_arch = "x86_64"))]
#[tokio_pulse::test(max_poll = "5ms")]
#[should_panic = "holds_its_worker"]
async fn is_named_in_the_message() {
    holds_its_worker();
}

#[tokio_pulse::test(max_poll = "60s")]
#[should_panic = "as it should"]
async fn its_own_panic_comes_first() {
    panic!("as it should");
}
