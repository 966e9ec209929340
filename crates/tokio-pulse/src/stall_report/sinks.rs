//! Those who take the reports of one runtime; some come while it runs, and go again.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ReportSink;

/// The list. It is copied for each report, so that no sink is called under the lock: one may add or
/// remove another.
pub(super) struct Sinks {
    list: Mutex<Vec<Arc<dyn ReportSink>>>,
    /// How many are in the list that the user has given: the watchdog asks at each look at a stall.
    given: AtomicUsize,
}

impl Sinks {
    /// `sinks`: the user's.
    pub(super) fn new(sinks: Vec<Arc<dyn ReportSink>>) -> Self {
        Self { given: AtomicUsize::new(sinks.len()), list: Mutex::new(sinks) }
    }

    /// Adds one that is no reason to make reports.
    pub(super) fn with_permanent(self, sink: Arc<dyn ReportSink>) -> Self {
        self.lock().push(sink);
        self
    }

    pub(super) fn are_there(&self) -> bool {
        self.given.load(Relaxed) > 0
    }

    pub(super) fn now(&self) -> Vec<Arc<dyn ReportSink>> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<dyn ReportSink>>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sink that was added to a runtime under watch, until this is dropped: see
/// [`Handle::add_report_sink`](crate::Handle::add_report_sink). One report may come after that.
#[must_use = "the sink goes when this is dropped"]
pub struct SinkGuard {
    sinks: Arc<Sinks>,
    sink: Arc<dyn ReportSink>,
}

impl SinkGuard {
    pub(super) fn add(sinks: &Arc<Sinks>, sink: Arc<dyn ReportSink>) -> Self {
        sinks.lock().push(sink.clone());
        sinks.given.fetch_add(1, Relaxed);
        Self { sinks: sinks.clone(), sink }
    }
}

impl Drop for SinkGuard {
    fn drop(&mut self) {
        self.sinks.given.fetch_sub(1, Relaxed);
        self.sinks.lock().retain(|sink| !Arc::ptr_eq(sink, &self.sink));
    }
}

impl fmt::Debug for SinkGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SinkGuard")
    }
}
