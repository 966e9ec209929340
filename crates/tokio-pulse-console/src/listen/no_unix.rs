//! Without Unix sockets: the same items as beside, of which none can be made.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::task::{Context, Poll};

use tokio::net::TcpStream;

pub(crate) struct BoundSocket(Infallible);

#[derive(Debug)]
pub(crate) struct SocketFile(Infallible);

impl BoundSocket {
    pub(crate) fn bind(_path: &Path) -> io::Result<(Self, SocketFile)> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn listen(self) -> io::Result<Listener> {
        match self.0 {}
    }
}

impl SocketFile {
    pub(crate) fn path(&self) -> &Path {
        match self.0 {}
    }
}

pub(super) struct Listener(Infallible);

impl Listener {
    pub(super) fn poll_accept(&self, _cx: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        match self.0 {}
    }
}
