//! A runtime of which nothing is left; for the tests of the client as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// For a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Holds every worker that there is, the reserve included, in a loop that ends with this.
pub(crate) struct Wedge(Arc<AtomicBool>);

impl Wedge {
    pub(crate) fn drive(runtime: &tokio_pulse::Runtime) -> Self {
        // From the start: it must end also if this gives up, since a runtime waits for its polls.
        let wedge = Self(Arc::default());
        let workers = runtime.metrics().num_workers() + runtime.metrics().reserve_workers();
        for _ in 0..workers {
            let over = wedge.0.clone();
            runtime.spawn(async move { stuck_for_ever(&over) });
        }
        let began = Instant::now();
        while runtime.metrics().stalls_in_progress() < workers {
            assert!(began.elapsed() < PATIENCE, "{:?}", runtime.metrics());
            std::thread::sleep(Duration::from_millis(5));
        }
        wedge
    }
}

impl Drop for Wedge {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Its name is looked for in the stacks.
#[inline(never)]
pub(crate) fn stuck_for_ever(over: &AtomicBool) {
    while !over.load(Relaxed) {
        std::hint::spin_loop();
    }
}
