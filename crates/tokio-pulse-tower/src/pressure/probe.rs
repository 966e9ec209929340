//! How long a task waits for its poll: one is sent, and asked when it was polled.
//!
//! The task gives way once before it stops the clock. A task that a worker spawns is polled next by
//! that worker, before all others; the one that has given way stands at the end of the queue. At most
//! one is under way, and while it is, its age is what is known of the delay.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio_pulse::Handle;

/// Nothing is under way.
const NONE: u64 = u64::MAX;

/// Times are nanoseconds since `began`.
#[derive(Debug)]
pub(super) struct Probe {
    began: Instant,
    sent: AtomicU64,
    arrived: AtomicU64,
    delay: AtomicU64,
}

impl Probe {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            sent: AtomicU64::new(NONE),
            arrived: AtomicU64::new(0),
            delay: AtomicU64::new(0),
        })
    }

    #[inline]
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(NONE - 1)
    }

    /// Sends one, unless one is under way.
    pub(super) fn send(self: &Arc<Self>, runtime: &Handle) {
        let now = self.now();
        if self.sent.compare_exchange(NONE, now, Relaxed, Relaxed).is_err() {
            return;
        }
        let probe = UnderWay(self.clone());
        let mut gave_way = false;
        runtime.tokio().spawn(poll_fn(move |cx| {
            if !gave_way {
                gave_way = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            probe.0.arrive();
            Poll::Ready(())
        }));
    }

    fn arrive(&self) {
        let now = self.now();
        self.delay.store(now.saturating_sub(self.sent.load(Relaxed)), Relaxed);
        self.arrived.store(now, Relaxed);
    }

    /// What is known of it: the age of the one under way, or the delay of the last, whichever is more.
    /// What is older than `fresh` says nothing about now.
    pub(super) fn delay(&self, fresh: Duration) -> Duration {
        let now = self.now();
        let age = match self.sent.load(Relaxed) {
            NONE => 0,
            sent => now.saturating_sub(sent),
        };
        let arrived = Duration::from_nanos(now.saturating_sub(self.arrived.load(Relaxed)));
        let last = if arrived <= fresh { self.delay.load(Relaxed) } else { 0 };
        Duration::from_nanos(age.max(last))
    }
}

/// Also when the runtime drops the task unpolled.
struct UnderWay(Arc<Probe>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.sent.store(NONE, Relaxed);
    }
}
