#![doc = include_str!("../README.md")]
#![deny(unsafe_op_in_unsafe_fn)]
#![cfg_attr(
    not(any(
        all(
            any(target_os = "linux", target_os = "macos"),
            any(target_arch = "x86_64", target_arch = "aarch64"),
        ),
        all(windows, target_arch = "x86_64"),
    )),
    allow(
        dead_code,
        unused_imports,
        clippy::default_constructed_unit_structs,
        reason = "what preempts calls it, and this platform has nothing that does"
    )
)]

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[path = "linux/mod.rs"]
mod platform;
#[cfg(all(target_os = "macos", any(target_arch = "x86_64", target_arch = "aarch64")))]
#[path = "macos/mod.rs"]
mod platform;
#[cfg(all(windows, target_arch = "x86_64"))]
#[path = "windows/mod.rs"]
mod platform;
#[cfg(not(any(
    all(
        any(target_os = "linux", target_os = "macos"),
        any(target_arch = "x86_64", target_arch = "aarch64"),
    ),
    all(windows, target_arch = "x86_64"),
)))]
#[path = "fallback/mod.rs"]
mod platform;

// What of the macOS part asks no system is tested where the tests run.
#[cfg(all(
    test,
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64"),
    not(pulse_loom),
))]
#[allow(dead_code, reason = "tested only")]
mod macos {
    mod entry;
    mod unwind;
}

mod chain;
mod current;
mod deadlock;
mod generator;
mod guard;
mod metrics;
#[cfg(all(test, pulse_loom))]
mod models;
mod preemptible;
#[doc(hidden)]
pub mod probe;
mod runtime;
mod settings;
mod sync;
mod ticker;
mod unavailable;

pub use deadlock::{BlockedPoll, DeadlockReport, set_deadlock_hook, suspected_deadlocks};
pub use guard::{
    NoPreempt, PreemptSafeAlloc, PreemptSafeGuard, PreemptSafeMutex, TooLate, checkpoint,
    exclude_code, no_preempt, preemptible,
};
pub use metrics::{Histogram, Metrics, Refusal, abandoned};
pub use preemptible::Preemptible;
pub use runtime::{
    BuildError, JoinError, PreemptiveBuilder, PreemptiveJoinHandle, PreemptiveRuntime, Priority,
    TaskSettings,
};
pub use settings::{Coverage, Settings};
pub use unavailable::Unavailable;

/// What only Windows has.
#[cfg(all(windows, target_arch = "x86_64"))]
pub mod windows {
    pub use crate::platform::AlertableEvent;
}

/// What preemption did on the calling thread so far.
pub fn thread_metrics() -> Metrics {
    let mut metrics = Metrics::default();
    if let Some(slot) = current::slot() {
        slot.counters().add_to(&mut metrics);
    }
    metrics
}
