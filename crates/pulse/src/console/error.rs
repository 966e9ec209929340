//! What can go wrong between the command and a service.

use std::{fmt, io, path::PathBuf, time::Duration};

use tokio_pulse_proto::Reason;
use tonic::Status;

use crate::error::{EXIT_ENVIRONMENT, EXIT_RUN, EXIT_USAGE};

/// Why a command that talks to a service stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsoleError {
    /// Nothing says where the service is.
    #[error("say where the service has its console: --connect ADDRESS, or PULSE_CONNECT")]
    NoAddress,
    /// The address is none.
    #[error(
        "{given:?} is no address: {detail}; give HOST:PORT, https://HOST:PORT or unix:PATH with \
         --connect"
    )]
    Address {
        /// What was given.
        given: String,
        /// What is wrong with it.
        detail: String,
    },
    /// A file that was named could not be read.
    #[error("cannot read {}: {source}; name another file with {option}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The option that names it.
        option: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The token cannot be sent.
    #[error("the token is empty or has characters that cannot be sent; it is one word of ASCII")]
    Token,
    /// The token would go over the network for everybody to read.
    #[error(
        "the token would go to {0} without encryption; give https://HOST:PORT and --ca, or \
         --insecure if nobody listens on the way"
    )]
    Exposed(String),
    /// TLS needs somebody to trust.
    #[error("{0} needs TLS; give the certificate that the server's is signed with by --ca")]
    NoAuthority(String),
    /// No connection, or it was lost.
    #[error("cannot reach {address}: {detail}; is the service running, and its console on?")]
    Unreachable {
        /// Where it should be.
        address: String,
        /// What came in the way.
        detail: String,
    },
    /// No answer came.
    #[error("{address} did not answer within {} s", waited.as_secs())]
    Silent {
        /// Where it should come from.
        address: String,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The service answered no.
    #[error("{0}")]
    Refused(Refusal),
    /// There is no such key.
    #[error("{0:?} is no key of the configuration; `pulse config get` lists them")]
    UnknownKey(String),
    /// A screen is drawn on a terminal.
    #[error("standard input and output are no terminal; use --once, or --once --json")]
    NoTerminal,
    /// The terminal failed.
    #[error("the terminal failed: {0}")]
    Terminal(io::Error),
    /// The runtime of the command could not be built.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
    /// A part of the command has panicked; its message is above.
    #[error("a part of pulse has failed; this is a bug in pulse")]
    Failed,
}

/// What a service said when it refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// For programs; `None` if it is not the console that refused.
    pub reason: Option<Reason>,
    /// The key of the configuration that it is about.
    pub key: Option<String>,
    /// For people.
    pub message: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.reason {
            Some(Reason::Unauthenticated) => f.write_str("; see --token-file and PULSE_TOKEN"),
            Some(Reason::Conflict) => f.write_str("; look at what it is now, and try again"),
            Some(Reason::TooMany | Reason::TooFast) => f.write_str("; try again later"),
            _ => Ok(()),
        }
    }
}

impl ConsoleError {
    /// From a call to the service at `address`.
    pub(crate) fn of(status: &Status, address: &str) -> Self {
        let reason = Reason::of(status);
        if reason.is_none() && is_of_the_transport(status) {
            let (address, detail) = (address.to_owned(), chain(status));
            return Self::Unreachable { address, detail };
        }
        let key = Reason::key_of(status).map(str::to_owned);
        let message = match status.message() {
            "" => format!("the service refused: {}", status.code()),
            message => message.to_owned(),
        };
        Self::Refused(Refusal { reason, key, message })
    }

    /// As an answer: what is refused without asking reads like what the service refuses.
    pub(crate) fn into_refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            other => Refusal { reason: None, key: None, message: other.to_string() },
        }
    }

    /// Whether the same may work later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Silent { .. } => true,
            Self::Refused(refusal) => {
                !matches!(refusal.reason, Some(Reason::Unauthenticated | Reason::UnknownVersion))
            }
            _ => false,
        }
    }

    /// The exit code of a process that stops because of this.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Address { .. } | Self::Token | Self::UnknownKey(_) | Self::NoTerminal => {
                EXIT_USAGE
            }
            Self::NoAddress | Self::Exposed(_) | Self::NoAuthority(_) => EXIT_USAGE,
            Self::File { .. } | Self::Unreachable { .. } | Self::Silent { .. } => EXIT_ENVIRONMENT,
            Self::Terminal(_) | Self::Runtime(_) => EXIT_ENVIRONMENT,
            Self::Failed => EXIT_RUN,
            Self::Refused(refusal) => match refusal.reason {
                Some(
                    Reason::Invalid
                    | Reason::StartOnly
                    | Reason::NotOnRecord
                    | Reason::NoSuchThread,
                ) => EXIT_USAGE,
                Some(
                    Reason::Unauthenticated
                    | Reason::ReadOnly
                    | Reason::UnknownVersion
                    | Reason::TooMany
                    | Reason::TooFast
                    | Reason::Stopped,
                ) => EXIT_ENVIRONMENT,
                _ => EXIT_RUN,
            },
        }
    }
}

/// Such statuses are made on this side, or by whatever else listens there.
fn is_of_the_transport(status: &Status) -> bool {
    use tonic::Code;
    let made_here = std::error::Error::source(status).is_some();
    made_here || matches!(status.code(), Code::Unavailable | Code::Cancelled | Code::Unimplemented)
}

/// An error with its sources: "transport error" alone helps nobody.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let first = match error.downcast_ref::<Status>() {
        Some(status) => status.message().to_owned(),
        None => error.to_string(),
    };
    let mut parts = vec![first];
    let mut next = error.source();
    while let Some(source) = next {
        let text = source.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = source.source();
    }
    parts.retain(|part| !part.is_empty());
    parts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_exit_code_and_may_pass_or_not() {
        for reason in Reason::ALL {
            let error = ConsoleError::of(&reason.status_of_key("slice", "because"), "here");
            let expected = match reason {
                Reason::Invalid | Reason::StartOnly => 2,
                Reason::NotOnRecord | Reason::NoSuchThread => 2,
                Reason::Conflict => 4,
                _ => 3,
            };
            assert_eq!(error.exit_code(), expected, "{reason}");
            assert!(error.to_string().starts_with("because"), "{error}");
            let permanent = [Reason::Unauthenticated, Reason::UnknownVersion].contains(&reason);
            assert_eq!(error.may_pass(), !permanent, "{reason}");
            assert_eq!(error.into_refusal().key.as_deref(), Some("slice"));
        }
    }

    #[test]
    fn what_is_not_from_the_console_is_a_matter_of_the_connection() {
        let error = ConsoleError::of(&Status::unavailable("gone"), "127.0.0.1:1");
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("cannot reach 127.0.0.1:1: gone"), "{error}");
        let odd = ConsoleError::of(&Status::data_loss(""), "here");
        assert_eq!(odd.exit_code(), 4);
        assert!(!odd.to_string().is_empty());
    }
}
