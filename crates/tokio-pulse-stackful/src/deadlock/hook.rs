//! Who is told.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use super::report::DeadlockReport;

type Hook = Arc<dyn Fn(&DeadlockReport) + Send + Sync>;

static HOOK: Mutex<Option<Hook>> = Mutex::new(None);
static SUSPECTED: AtomicU64 = AtomicU64::new(0);

/// Calls this, on a thread of its own, with each deadlock that is suspected. Without one, reports go
/// to the standard error output.
///
/// ```
/// tokio_pulse_stackful::set_deadlock_hook(|report| eprintln!("stuck for good?\n{report}"));
/// ```
pub fn set_deadlock_hook(hook: impl Fn(&DeadlockReport) + Send + Sync + 'static) {
    *HOOK.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(hook));
}

/// How many deadlocks were reported in this process so far.
pub fn suspected_deadlocks() -> u64 {
    SUSPECTED.load(Relaxed)
}

pub(super) fn call(report: &DeadlockReport) {
    SUSPECTED.fetch_add(1, Relaxed);
    let hook = HOOK.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match hook {
        Some(hook) => hook(report),
        None => eprintln!("{report}"),
    }
}
