//! Spawning on the current runtime.

use std::future::Future;

use tokio::task::JoinHandle;

use crate::heartbeat::hooks;
use crate::task::wrapper::Spawned;

/// Spawns a task on the runtime that the caller runs on. Mirrors [`tokio::spawn`].
///
/// With `--cfg tokio_unstable` there is no difference between the two: every task is watched.
/// Without it, Pulse watches workers, and the polls of tasks spawned here one by one; that makes a
/// long row of short polls distinguishable from one long poll. Rescue is the same for both.
///
/// # Panics
///
/// As in Tokio, when called outside of a runtime.
///
/// ```
/// # #[tokio_pulse::main]
/// # async fn main() {
/// let task = tokio_pulse::spawn(async { 6 * 7 });
/// assert_eq!(task.await.unwrap(), 42);
/// # }
/// ```
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(hooks::wrap(Spawned::new(future, None)))
}
