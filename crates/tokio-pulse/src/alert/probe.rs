//! How late a task is polled that is ready: an empty one that is sent to find out.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;

use crate::rescue::internal;

#[derive(Debug)]
pub(super) struct Probe {
    runtime: Handle,
    under_way: Option<Sent>,
}

#[derive(Debug)]
struct Sent {
    at: Instant,
    delay: Arc<OnceLock<Duration>>,
}

impl Probe {
    pub(super) fn new(runtime: Handle) -> Self {
        Self { runtime, under_way: None }
    }

    /// How late the last task was; if it has not run yet, how late it is already. Sends another when
    /// none is under way: never more than one, however long nobody is served.
    pub(super) fn look(&mut self) -> Duration {
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
