//! Why a call was refused, for programs.

use std::fmt;
use std::str::FromStr;

use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

use crate::{KEY_METADATA, REASON_METADATA};

/// Why a call was refused: what a client can match on, besides the code of the status.
///
/// ```
/// use tokio_pulse_proto::Reason;
///
/// let status = Reason::NotOnRecord.status("task 7 is not on record");
/// assert_eq!(status.code(), tonic::Code::NotFound);
/// assert_eq!(Reason::of(&status), Some(Reason::NotOnRecord));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// There was no token, or another one.
    Unauthenticated,
    /// The server takes no changes.
    ReadOnly,
    /// The two have no version of the protocol in common.
    UnknownVersion,
    /// A value was refused, and nothing was changed.
    Invalid,
    /// The configuration has changed meanwhile.
    Conflict,
    /// The key is read when the runtime starts.
    StartOnly,
    /// There is no such task on record.
    NotOnRecord,
    /// No such thread is running a task.
    NoSuchThread,
    /// There are as many subscribers as there may be.
    TooMany,
    /// There were more calls than there may be in that time.
    TooFast,
    /// The watch over the runtime has ended.
    Stopped,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Unauthenticated,
        Self::ReadOnly,
        Self::UnknownVersion,
        Self::Invalid,
        Self::Conflict,
        Self::StartOnly,
        Self::NotOnRecord,
        Self::NoSuchThread,
        Self::TooMany,
        Self::TooFast,
        Self::Stopped,
    ];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::ReadOnly => "read-only",
            Self::UnknownVersion => "unknown-version",
            Self::Invalid => "invalid",
            Self::Conflict => "conflict",
            Self::StartOnly => "start-only",
            Self::NotOnRecord => "not-on-record",
            Self::NoSuchThread => "no-such-thread",
            Self::TooMany => "too-many",
            Self::TooFast => "too-fast",
            Self::Stopped => "stopped",
        }
    }

    /// The code of a status for this reason.
    pub fn code(self) -> Code {
        match self {
            Self::Unauthenticated => Code::Unauthenticated,
            Self::ReadOnly => Code::PermissionDenied,
            Self::UnknownVersion | Self::StartOnly => Code::FailedPrecondition,
            Self::Invalid => Code::InvalidArgument,
            Self::Conflict => Code::Aborted,
            Self::NotOnRecord | Self::NoSuchThread => Code::NotFound,
            Self::TooMany | Self::TooFast => Code::ResourceExhausted,
            Self::Stopped => Code::Unavailable,
        }
    }

    /// A status with this reason.
    pub fn status(self, message: impl Into<String>) -> Status {
        let mut status = Status::new(self.code(), message);
        let word = MetadataValue::from_static(self.as_str());
        status.metadata_mut().insert(REASON_METADATA, word);
        status
    }

    /// As [`status`](Self::status), about a key of the configuration.
    pub fn status_of_key(self, key: &str, message: impl Into<String>) -> Status {
        let mut status = self.status(message);
        // A name that cannot be sent is none of a key.
        if let Ok(key) = key.parse() {
            status.metadata_mut().insert(KEY_METADATA, key);
        }
        status
    }

    /// The reason of a status; `None` if it is not the server of Pulse that refused.
    pub fn of(status: &Status) -> Option<Self> {
        status.metadata().get(REASON_METADATA)?.to_str().ok()?.parse().ok()
    }

    /// The key that a status is about.
    pub fn key_of(status: &Status) -> Option<&str> {
        status.metadata().get(KEY_METADATA)?.to_str().ok()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// It is no word of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownReason;

impl fmt::Display for UnknownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a reason that this version does not know")
    }
}

impl std::error::Error for UnknownReason {}

impl FromStr for Reason {
    type Err = UnknownReason;

    fn from_str(word: &str) -> Result<Self, UnknownReason> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word).ok_or(UnknownReason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_survives_the_way() {
        for reason in Reason::ALL {
            let status = reason.status_of_key("slice", "because");
            assert_eq!(Reason::of(&status), Some(reason));
            assert_eq!(Reason::key_of(&status), Some("slice"));
            assert_eq!(status.code(), reason.code());
        }
        assert_eq!(Reason::of(&Status::not_found("by somebody else")), None);
        assert_eq!(Reason::key_of(&Reason::Invalid.status_of_key("no\nkey", "because")), None);
    }
}
