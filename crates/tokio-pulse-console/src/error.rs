//! Why a server was not started.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;

/// Why a [`ConsoleServer`](crate::ConsoleServer) was not started.
#[derive(Debug)]
pub struct ConsoleError(Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Unprotected {
        address: SocketAddr,
        token: bool,
        tls: bool,
    },
    WeakToken,
    NothingToDo,
    NoUnixSockets,
    Bind(io::Error),
    Start(io::Error),
    #[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "no TLS to fail"))]
    Tls(Box<dyn Error + Send + Sync>),
}

impl From<Kind> for ConsoleError {
    fn from(kind: Kind) -> Self {
        Self(kind)
    }
}

impl ConsoleError {
    /// Others than those on this machine could reach the address, and it has no token or no TLS.
    pub fn is_unprotected(&self) -> bool {
        matches!(self.0, Kind::Unprotected { .. })
    }

    /// The token is too short, or cannot be sent.
    pub fn is_weak_token(&self) -> bool {
        matches!(self.0, Kind::WeakToken)
    }

    /// The address or the path could not be bound.
    pub fn is_bind(&self) -> bool {
        matches!(self.0, Kind::Bind(_) | Kind::NothingToDo)
    }

    /// The certificate or its key is refused.
    pub fn is_tls(&self) -> bool {
        matches!(self.0, Kind::Tls(_))
    }

    /// There are no Unix sockets on this system.
    pub fn is_unsupported(&self) -> bool {
        matches!(self.0, Kind::NoUnixSockets)
    }
}

impl fmt::Display for ConsoleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Unprotected { address, token, tls } => {
                let missing = match (token, tls) {
                    (false, false) => "a token and TLS",
                    (true, _) => "TLS",
                    (_, true) => "a token",
                };
                write!(
                    f,
                    "{address} can be reached from other machines; give {missing}, listen on a \
                     loopback address or a Unix socket, or say `insecure(true)`"
                )
            }
            Kind::WeakToken => f.write_str(
                "the token is shorter than 16 characters or has others than printable ASCII; give a \
                 random one",
            ),
            Kind::NothingToDo => f.write_str("the address resolves to nothing; give another"),
            Kind::NoUnixSockets => {
                f.write_str("there are no Unix sockets on this system; listen on a loopback address")
            }
            Kind::Bind(_) => f.write_str("the console cannot listen there"),
            Kind::Start(_) => f.write_str("the thread of the console could not be started"),
            Kind::Tls(_) => f.write_str("the certificate or its key is refused; give PEM text of both"),
        }
    }
}

impl Error for ConsoleError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Kind::Bind(error) | Kind::Start(error) => Some(error),
            Kind::Tls(error) => Some(&**error),
            _ => None,
        }
    }
}
