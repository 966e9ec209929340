//! How late a task is polled that is ready: an empty one is sent to find out.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::rescue::internal;

/// Finds out how late a runtime is: how long a task waits that is ready.
///
/// ```
/// use tokio_pulse::alert::DelayProbe;
///
/// let runtime = tokio_pulse::Builder::new_multi_thread().worker_threads(1).build()?;
/// let mut probe = DelayProbe::new(runtime.handle());
/// probe.look();
/// // Later, and again and again:
/// println!("{:?}", probe.look());
/// # Ok::<(), tokio_pulse::BuildError>(())
/// ```
#[derive(Debug)]
pub struct DelayProbe {
    runtime: Handle,
    under_way: Option<Sent>,
}

#[derive(Debug)]
struct Sent {
    at: Instant,
    delay: Arc<OnceLock<Duration>>,
}

impl DelayProbe {
    /// Nothing is sent before the first look.
    pub fn new(runtime: &crate::Handle) -> Self {
        Self::of_tokio(runtime.tokio.clone())
    }

    pub(super) fn of_tokio(runtime: Handle) -> Self {
        Self { runtime, under_way: None }
    }

    /// How late the last task was; if it has not run yet, how late it is already. Sends another when
    /// none is under way: never more than one, however long nobody is served.
    pub fn look(&mut self) -> Duration {
        let delay = match &self.under_way {
            None => Duration::ZERO,
            Some(sent) => match sent.delay.get() {
                Some(delay) => *delay,
                None => return sent.at.elapsed(),
            },
        };
        self.send();
        delay
    }

    fn send(&mut self) {
        let sent = Sent { at: Instant::now(), delay: Arc::default() };
        let (at, delay) = (sent.at, sent.delay.clone());
        internal::spawn(&self.runtime, async move {
            // Set by this task alone.
            let _ = delay.set(at.elapsed());
        });
        self.under_way = Some(sent);
    }
}
