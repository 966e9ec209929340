//! The console of Tokio-Pulse: see what is stuck, why, and what Pulse does about it, and change that
//! without a restart.
//!
//! A [`ConsoleServer`] answers over gRPC from a thread of its own, also while every worker of the
//! runtime is stuck. What it tells and takes is in `tokio-pulse-proto`; the command `pulse` is a client.
//!
//! ```
//! use tokio_pulse_console::ConsoleServer;
//!
//! # let directory = std::env::temp_dir().join(format!("pulse-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&directory).unwrap();
//! # let path = directory.join("console.sock");
//! let runtime = tokio_pulse::Builder::new_multi_thread().worker_threads(2).build()?;
//! # if cfg!(unix) {
//! let console = ConsoleServer::bind_unix(&path, runtime.handle()).unwrap();
//! # drop(console);
//! # }
//! # std::fs::remove_dir_all(&directory).unwrap();
//! # Ok::<(), tokio_pulse::BuildError>(())
//! ```
//!
//! # Who may come
//!
//! * **A Unix socket** is for the user who runs the program: the file has the mode 0600.
//! * **A loopback address** is for everybody on the machine. Ask for a
//!   [token](ConsoleServerBuilder::token) if others work there.
//! * **Any other address** is refused, unless there are a token and TLS, or one says
//!   [`insecure`](ConsoleServerBuilder::insecure).
//!
//! Whoever may come may change the configuration, unless the server is
//! [`read_only`](ConsoleServerBuilder::read_only).
//!
//! # What it costs
//!
//! Nothing while nobody is connected: the thread sleeps, and nothing is sampled. What it costs to be
//! watched is measured by `pulse-bench console`.
//!
//! # Features
//!
//! * `stacks` (default): stacks of stuck threads.
//! * `tls`: TLS by rustls.
#![forbid(unsafe_code)]

mod access;
mod answer;
mod builder;
mod change;
mod convert;
mod error;
mod limits;
mod listen;
mod rate;
mod sampler;
mod seats;
mod server;
mod service;
mod stalls;
mod watch;

pub use builder::ConsoleServerBuilder;
pub use error::ConsoleError;
pub use server::ConsoleServer;
