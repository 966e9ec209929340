//! Why there is no runtime.

use std::fmt;
use std::io;

use crate::Unavailable;

/// Why a runtime could not be built.
#[derive(Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The process cannot be preempted.
    Unavailable(Unavailable),
    /// A thread or Tokio's runtime could not be started.
    Io(io::Error),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(error) => error.fmt(f),
            Self::Io(error) => write!(f, "a thread could not be started: {error}"),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unavailable(error) => Some(error),
            Self::Io(error) => Some(error),
        }
    }
}

impl From<Unavailable> for BuildError {
    fn from(error: Unavailable) -> Self {
        Self::Unavailable(error)
    }
}

impl From<io::Error> for BuildError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
