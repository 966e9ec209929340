//! Liveness and readiness, answered off the runtime.
//!
//! A health check that is a handler of the service says nothing while the service is wedged: it is not
//! polled. This one has a port and threads of its own, asks no worker, and says why.
//!
//! | path | answers | 503 when |
//! | --- | --- | --- |
//! | `/livez` | whether a restart would help | every worker, the reserve included, has been stuck for a while |
//! | `/readyz` | whether to send requests here | it is not live, too few workers are free, the lane is full, or the watch has ended |
//! | `/metrics` | what [`with_metrics`](HealthServerBuilder::with_metrics) returns | it is being asked for already |
//!
//! Bodies are JSON, those of `/metrics` text. When that is so, and for how long it has to be, is the
//! [`HealthPolicy`].
//!
//! What comes over the network is bounded in size, time and number: a request has at most 4 KiB and
//! is answered within two seconds or not at all, each connection is good for one request, and there are
//! 16 at most. When one more comes, the oldest goes. There is no encryption and no password: bind it to
//! an address that only those who may ask can reach.
//!
//! ```
//! use tokio_pulse::health::HealthServer;
//!
//! let runtime = tokio_pulse::Builder::new_multi_thread().worker_threads(2).build()?;
//! let health = HealthServer::bind("127.0.0.1:0", runtime.handle()).unwrap();
//! println!("http://{}/livez", health.local_addr());
//! assert!(health.report().is_live());
//! # Ok::<(), tokio_pulse::BuildError>(())
//! ```

mod connection;
mod connections;
mod judge;
mod policy;
mod report;
mod request;
mod response;
mod server;

pub use policy::HealthPolicy;
pub use report::HealthReport;
pub use server::{HealthServer, HealthServerBuilder};
