//! Pulse's own tasks: all of them are spawned in this file, and that is how they are known.

use std::panic::Location;

use tokio::runtime::Handle;

/// A task that does nothing: whoever runs it has been woken, which was its purpose.
pub(crate) fn nudge(runtime: &Handle) {
    spawn(runtime, async {});
}

/// A task of Pulse's own.
pub(crate) fn spawn(runtime: &Handle, future: impl Future<Output = ()> + Send + 'static) {
    // A spawn hook that the user gave to Tokio itself may look for its runtime.
    let _context = runtime.enter();
    runtime.spawn(future);
}

/// Whether a task spawned there is one of Pulse's own, which the user's hooks are not to see.
#[allow(dead_code, reason = "stable Tokio has no task hooks")]
pub(crate) fn is_internal(spawned_at: &Location<'_>) -> bool {
    spawned_at.file() == file!()
}
