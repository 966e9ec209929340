//! Why threads could not be isolated.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use tokio_pulse_sys::CpuGroupError;

/// Why threads could not be isolated, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsolationError(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Period(Duration),
    Quota(Duration),
    Unavailable(CpuGroupError),
}

impl IsolationError {
    /// A setting is out of range; nothing was tried.
    pub fn is_config(&self) -> bool {
        matches!(self.0, Kind::Period(_) | Kind::Quota(_))
    }

    /// The system cannot do it, or does not let this process do it.
    pub fn is_unavailable(&self) -> bool {
        matches!(self.0, Kind::Unavailable(_))
    }

    /// What somebody with the rights to it can do, if that is known. It is part of the message.
    pub fn remedy(&self) -> Option<&str> {
        match &self.0 {
            Kind::Period(_) => Some("give a period between 1 ms and 1 s"),
            Kind::Quota(_) => Some("give a quota of at least 1 ms, and no more than there can be"),
            Kind::Unavailable(error) => error.reason().remedy(),
        }
    }

    /// The file or directory that the system was asked about.
    pub fn place(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Unavailable(error) => error.place(),
            _ => None,
        }
    }
}

impl fmt::Display for IsolationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Period(period) => write!(f, "a period of {period:?} is out of range")?,
            Kind::Quota(quota) => write!(f, "a quota of {quota:?} is out of range")?,
            // Has the remedy in it.
            Kind::Unavailable(error) => return error.fmt(f),
        }
        self.remedy().map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

impl std::error::Error for IsolationError {}

impl From<Kind> for IsolationError {
    fn from(kind: Kind) -> Self {
        Self(kind)
    }
}
