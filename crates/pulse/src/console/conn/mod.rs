//! The connection: [`Client`] for single calls, [`session`] for what goes on.

mod backoff;
mod client;
mod session;

pub(crate) use client::Client;
pub(crate) use session::session;
