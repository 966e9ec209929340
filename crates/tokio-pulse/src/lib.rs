//! Tokio-Pulse makes a frozen Tokio runtime impossible.
#![forbid(unsafe_code)]

mod builder;
mod capabilities;
mod config;
mod error;
mod handle;
mod heartbeat;
mod metrics;
#[cfg(all(test, pulse_loom))]
mod models;
mod pulse;
mod rescue;
mod runtime;
mod spawn;
mod sync;
mod trace;
mod watchdog;

pub use builder::Builder;
pub use capabilities::{Capabilities, Capability};
pub use error::{BuildError, TryCurrentError};
pub use handle::Handle;
pub use metrics::{Metrics, WorkerMetrics};
pub use pulse::{Attachment, Pulse};
pub use runtime::Runtime;
pub use spawn::spawn;
#[cfg(feature = "macros")]
pub use tokio_pulse_macros::{main, test};
