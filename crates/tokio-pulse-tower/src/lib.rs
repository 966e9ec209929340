//! Budgets for requests, and load shedding by what the runtime goes through.
//!
//! [`BudgetLayer`] gives each request a budget of CPU time, of polls, or of both. When a request has
//! used it up, the rest of it [gives way to others, moves to the slow lane, or is answered at
//! once](Exhausted). What it spawns through Pulse counts as its own. With a [`PressureGauge`] the layer
//! turns requests away before they begin, while the runtime itself is late.
//!
//! ```
//! use std::time::Duration;
//!
//! use tokio_pulse_tower::{BudgetLayer, Exhausted, Rejection, RequestBudget};
//! use tower::{Service, ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio_pulse::main]
//! # async fn main() {
//! let mut service = ServiceBuilder::new()
//!     .layer(BudgetLayer::new(RequestBudget::of_polls(3)).on_exhausted(Exhausted::Reject))
//!     .service(service_fn(|turns: u32| async move {
//!         for _ in 0..turns {
//!             tokio::task::yield_now().await;
//!         }
//!         Ok::<_, std::io::Error>("done")
//!     }));
//!
//! assert_eq!(service.ready().await.unwrap().call(1).await.unwrap(), "done");
//! let error = service.ready().await.unwrap().call(1000).await.unwrap_err();
//! assert_eq!(error.downcast_ref::<Rejection>().unwrap().retry_after(), Duration::from_secs(1));
//! # }
//! ```
//!
//! # What is counted
//!
//! * **CPU**: of the thread, during each poll of the request's future and the call that makes it, and
//!   of all polls of tasks that were spawned through Pulse meanwhile. A thread's CPU clock is a system
//!   call: requests without a CPU budget do not read it.
//! * **Polls** of the request's own future.
//! * A request ends with its response. A body that is streamed afterwards is not part of it.
//! * A budget is looked at between polls. A poll that never ends is the business of the rescue.
//!
//! # Features
//!
//! * `http`: [`HeaderBudget`] and [`ServiceUnavailable`], for services that speak `http` types.
#![forbid(unsafe_code)]

mod budget;
mod describe;
mod error;
mod exhausted;
mod future;
#[cfg(feature = "http")]
mod header;
mod lane;
mod layer;
mod meter;
mod on_reject;
mod pressure;
mod service;
#[cfg(feature = "http")]
mod unavailable;

pub use budget::{BudgetSource, RequestBudget};
pub use describe::{Describe, Undescribed};
pub use error::{BoxError, Reason, Rejection};
pub use exhausted::Exhausted;
pub use future::BudgetFuture;
#[cfg(feature = "http")]
pub use header::HeaderBudget;
pub use layer::BudgetLayer;
pub use on_reject::{AsError, OnReject};
pub use pressure::{LimitError, Pressure, PressureGauge, PressureGaugeBuilder};
pub use service::BudgetMiddleware;
#[cfg(feature = "http")]
pub use unavailable::ServiceUnavailable;
