//! The wire types of Tokio-Pulse's console: what a program under watch tells of itself, and what can be
//! changed in it, over gRPC.
//!
//! The messages and calls are described in `proto/tokio_pulse/v1/console.proto` of this package, which is
//! the reference for clients in other languages. The server is in `tokio-pulse-console`, a client is the
//! command `pulse`.
//!
//! ```
//! use tokio_pulse_proto::v1;
//!
//! let request = v1::WatchRequest {
//!     sections: vec![v1::Section::Overview.into(), v1::Section::Suspects.into()],
//!     interval_ns: 100_000_000,
//!     suspects: Some(v1::SuspectQuery { limit: 20, ..Default::default() }),
//! };
//! assert_eq!(request.sections().next(), Some(v1::Section::Overview));
//! ```
//!
//! # Features
//!
//! * `client`: `v1::console_client::ConsoleClient`, over any `tonic` channel.
//! * `server`: `v1::console_server`, what a server implements.
//!
//! The generated code is part of the package: who uses it needs no `protoc` and compiles no generator.
#![forbid(unsafe_code)]

mod metadata;
mod reason;

pub use metadata::{KEY_METADATA, PROTOCOL_METADATA, PROTOCOL_VERSION, REASON_METADATA};
pub use reason::{Reason, UnknownReason};

/// Version 1 of the protocol.
///
/// Documented in `proto/tokio_pulse/v1/console.proto`.
#[allow(missing_docs, unreachable_pub, rust_2018_idioms, reason = "generated")]
#[allow(clippy::all, reason = "generated")]
#[rustfmt::skip]
#[path = "generated/tokio_pulse.v1.rs"]
pub mod v1;
