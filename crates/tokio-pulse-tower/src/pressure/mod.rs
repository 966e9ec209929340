//! Whether the runtime is overloaded.
//!
//! ```text
//!   limits.rs   when it is, and when no longer (pure)
//!   probe.rs    how long a task waits for its poll
//!   gauge.rs    looks now and then, and remembers the answer
//! ```

mod gauge;
mod limits;
mod probe;

pub use gauge::{PressureGauge, PressureGaugeBuilder};
pub use limits::{LimitError, Pressure};
