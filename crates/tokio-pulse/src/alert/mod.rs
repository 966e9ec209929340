//! Alerts: somebody is told while a runtime is not as it should be, and not only afterwards.
//!
//! An [`AlertRule`] compares one [`AlertSignal`] with a threshold. The alert is raised when the signal
//! has been there for a while, and cleared when it has been below a second, lower threshold for a
//! while; in between, nothing changes. What follows is an event for each function given to
//! [`Builder::on_alert`](crate::Builder::on_alert), one through `tracing` (feature `tracing`, target
//! `tokio_pulse::alert`), and metrics (feature `metrics`). A rule that
//! [escalates](AlertRule::escalate) has all tasks on record count for one tier more meanwhile.
//!
//! Rules are looked at by a thread of their own, `pulse-alerts`, which is started only when there are
//! some. It is no task: a runtime that is stuck altogether raises its alerts all the same. And it is
//! not the watchdog, which must not wait for the functions of others.
//!
//! ```
//! use std::time::Duration;
//! use tokio_pulse::alert::{AlertRule, AlertSignal};
//!
//! let runtime = tokio_pulse::Builder::new_multi_thread()
//!     .alert(AlertRule::new(AlertSignal::StallsPerMinute, 30.0).escalate())
//!     .alert(
//!         AlertRule::new(AlertSignal::SchedulingDelay, 0.5)
//!             .clear_at(0.1)
//!             .raise_after(Duration::from_secs(10)),
//!     )
//!     .on_alert(|event| eprintln!("{event}"))
//!     .build()?;
//! assert_eq!(runtime.handle().alerts().len(), 2);
//! # Ok::<(), tokio_pulse::BuildError>(())
//! ```

mod board;
mod configure;
mod event;
pub(crate) mod monitor;
mod probe;
mod rule;
mod signal;
pub(crate) mod state;
mod window;

pub use board::AlertStatus;
pub(crate) use board::Board;
pub(crate) use configure::Settings;
pub use event::{AlertEvent, AlertTurn};
pub use probe::DelayProbe;
pub use rule::{AlertError, AlertRule};
pub use signal::AlertSignal;
