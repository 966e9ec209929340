//! An HTTP/1.1 load generator for one server on this machine.
//!
//! * [`open_loop`]: requests leave at times drawn beforehand, whatever the server does. A latency
//!   counts from the time the request *should* have left, so that a server which stops answering
//!   cannot hide it by keeping the generator from asking (coordinated omission).
//! * [`closed_loop`]: so many connections, each with one request at a time: maximum throughput.
//!
//! Both block the calling thread and bring a runtime of their own.

mod arrivals;
mod closed;
mod connections;
mod open;
mod target;

pub use arrivals::{Arrival, Arrivals};
pub use closed::{ClosedOutcome, ClosedPlan, closed_loop};
pub use connections::RequestError;
pub use open::{Class, ClassOutcome, OpenOutcome, OpenPlan, open_loop};
pub use target::Target;

use std::{io, net::SocketAddr, time::Duration};

use connections::Connections;

/// Fetches one document, for what a server says about itself.
///
/// # Errors
/// Whatever kept the answer away.
pub fn fetch(addr: SocketAddr, target: &Target, timeout: Duration) -> io::Result<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connections = Connections::new(addr);
        tokio::time::timeout(timeout, connections.fetch(target))
            .await
            .map_err(io::Error::from)?
            .map_err(io::Error::other)
    })
}
