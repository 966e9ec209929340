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
