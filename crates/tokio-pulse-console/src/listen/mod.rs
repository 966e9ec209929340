//! Where connections come from, and how long one is kept that nobody was let in on.

mod arrival;
mod incoming;
#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(not(unix), path = "no_unix.rs")]
mod local;

pub(crate) use arrival::Arrival;
pub(crate) use incoming::Incoming;
pub(crate) use local::{BoundSocket, SocketFile};

use std::io;
use std::net::{SocketAddr, TcpListener};

/// What is bound, before the thread is there that listens.
pub(crate) enum Bound {
    Tcp(TcpListener),
    Unix(BoundSocket),
}

impl Bound {
    pub(crate) fn tcp(addresses: &[SocketAddr]) -> io::Result<Self> {
        let listener = TcpListener::bind(addresses)?;
        listener.set_nonblocking(true)?;
        Ok(Self::Tcp(listener))
    }

    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok(),
            Self::Unix(_) => None,
        }
    }
}

/// Whether only programs on this machine reach an address.
pub(crate) fn is_local(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}
