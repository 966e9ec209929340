//! What happened on a lane. Many threads write, but only for tasks of the lane.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::metrics::histogram::{Histogram, Recorder};

macro_rules! counters {
    ($($name:ident: $event:ident),* $(,)?) => {
        #[derive(Debug, Default)]
        pub(crate) struct LaneCounters {
            $(pub(super) $name: AtomicU64,)*
            pub(super) running: AtomicU64,
            pub(super) cpu_nanos: AtomicU64,
            pub(super) poll_nanos: AtomicU64,
            /// The longest wait for a thread since somebody asked.
            longest_wait: AtomicU64,
            /// Written under the lock of the fair queue, so by one at a time.
            wait_time: Recorder,
            /// Written by all threads of the lane.
            poll_time: Recorder,
        }

        impl LaneCounters {
            $(pub(crate) fn $event(&self) {
                self.$name.fetch_add(1, Relaxed);
            })*
        }
    };
}

counters! {
    admissions: admitted,
    refusals: refused,
    returns: returned,
    completions: completed,
    panics: panicked,
    start_failures: start_failed,
    polls: polled,
}

impl LaneCounters {
    pub(super) fn begins(&self) {
        self.running.fetch_add(1, Relaxed);
    }

    pub(super) fn ended(&self, cpu_nanos: u64, lasted: Duration) {
        self.running.fetch_sub(1, Relaxed);
        self.cpu_nanos.fetch_add(cpu_nanos, Relaxed);
        self.poll_nanos.fetch_add(lasted.as_nanos() as u64, Relaxed);
        self.poll_time.record_shared(lasted);
        self.polled();
    }

    /// For the holder of the fair queue's lock.
    pub(super) fn waited(&self, time: Duration) {
        self.wait_time.record(time);
        self.longest_wait.fetch_max(time.as_nanos() as u64, Relaxed);
    }

    pub(crate) fn poll_count(&self) -> u64 {
        self.polls.load(Relaxed)
    }

    pub(crate) fn wait_time(&self) -> Histogram {
        self.wait_time.snapshot()
    }

    pub(crate) fn poll_time(&self) -> Histogram {
        self.poll_time.snapshot()
    }

    pub(super) fn take_longest_wait(&self) -> Duration {
        Duration::from_nanos(self.longest_wait.swap(0, Relaxed))
    }
}
