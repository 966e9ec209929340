//! What `#[tokio_pulse::test(max_poll = "...")]` expands to. Not for anybody else.

use std::time::Duration;

use crate::{Builder, testing};

/// Runs a test's body as a task, and panics if a poll of any task took longer than that.
#[track_caller]
pub fn within<F>(builder: &mut Builder, max_poll: Duration, body: F) -> F::Output
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match testing::within(builder, max_poll, body) {
        Ok(output) => output,
        Err(error) => panic!("{error}"),
    }
}
