//! The only door to Tokio's unstable API: `--cfg tokio_unstable` is known here and nowhere else.
//!
//! Both variants have the same items. With the flag, Tokio calls us around every poll, and what is
//! watched are threads. Without it, Tokio publishes how often a worker parks and how long it was
//! busy; what is watched are workers, and futures that go through [`wrap`] beat as well.

#[cfg(tokio_unstable)]
#[path = "unstable.rs"]
mod variant;
#[cfg(not(tokio_unstable))]
#[path = "stable.rs"]
mod variant;

pub(crate) use variant::{
    Claims, Observer, POLL_HOOKS, TaskHooks, can_be_blamed, claim_worker, hand_off_worker,
    install_task_hooks, on_park_or_unpark, waiting_behind, worker_of, wrap,
};
