//! Who is let in: by token, and by the version that is spoken.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use tokio_pulse_proto::{PROTOCOL_METADATA, PROTOCOL_VERSION, Reason};
use tonic::metadata::MetadataMap;
use tonic::service::Interceptor;
use tonic::{Request, Status};

use crate::listen::Arrival;

/// Shorter ones can be guessed.
const SHORTEST: usize = 16;

/// What a caller has to know.
#[derive(Clone)]
pub(crate) struct Token(Arc<str>);

impl Token {
    /// `None`: it is too short, or cannot be sent.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let sendable = text.bytes().all(|byte| byte.is_ascii_graphic());
        (text.len() >= SHORTEST && sendable).then(|| Self(text.into()))
    }

    /// Takes the same time whatever is wrong with it. Its length is no secret.
    fn is(&self, offered: &str) -> bool {
        self.0.as_bytes().ct_eq(offered.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

/// Looks at each call before anything of it is read.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    token: Option<Token>,
}

impl Access {
    pub(crate) fn new(token: Option<Token>) -> Self {
        Self { token }
    }

    fn check(&self, metadata: &MetadataMap) -> Result<(), Status> {
        if let Some(token) = &self.token {
            let offered = metadata.get("authorization").and_then(|value| value.to_str().ok());
            let offered = offered.and_then(|value| {
                let (scheme, offered) = value.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then_some(offered)
            });
            if !offered.is_some_and(|offered| token.is(offered)) {
                return Err(Reason::Unauthenticated.status(
                    "give the token of this server in the metadata `authorization: Bearer TOKEN`",
                ));
            }
        }
        let Some(version) = metadata.get(PROTOCOL_METADATA) else { return Ok(()) };
        let known = PROTOCOL_VERSION.to_string();
        if version.as_bytes() == known.as_bytes() {
            return Ok(());
        }
        Err(unknown_version())
    }
}

/// What a client hears that speaks no version of ours.
pub(crate) fn unknown_version() -> Status {
    Reason::UnknownVersion.status(format!(
        "this server speaks version {PROTOCOL_VERSION} of the protocol; use a client that does"
    ))
}

impl Interceptor for Access {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        self.check(request.metadata())?;
        if let Some(arrival) = Arrival::of(request.extensions()) {
            arrival.let_in();
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(name: &'static str, value: &str) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        metadata.insert(name, value.parse().unwrap());
        metadata
    }

    fn reason(access: &Access, metadata: &MetadataMap) -> Option<Reason> {
        access.check(metadata).err().map(|status| Reason::of(&status).unwrap())
    }

    #[test]
    fn the_token_counts_and_nothing_like_it() {
        let access = Access::new(Token::new("0123456789abcdef"));
        for (offered, reason_of_refusal) in [
            ("Bearer 0123456789abcdef", None),
            ("bearer 0123456789abcdef", None),
            ("Bearer 0123456789abcdeF", Some(Reason::Unauthenticated)),
            ("Bearer 0123456789abcde", Some(Reason::Unauthenticated)),
            ("Bearer 0123456789abcdef0", Some(Reason::Unauthenticated)),
            ("Basic 0123456789abcdef", Some(Reason::Unauthenticated)),
            ("0123456789abcdef", Some(Reason::Unauthenticated)),
            ("", Some(Reason::Unauthenticated)),
        ] {
            let metadata = metadata("authorization", offered);
            assert_eq!(reason(&access, &metadata), reason_of_refusal, "{offered:?}");
        }
        assert_eq!(reason(&access, &MetadataMap::new()), Some(Reason::Unauthenticated));
        assert_eq!(reason(&Access::new(None), &MetadataMap::new()), None);
    }

    #[test]
    fn another_version_is_refused() {
        let access = Access::new(None);
        assert_eq!(reason(&access, &metadata(PROTOCOL_METADATA, "1")), None);
        for other in ["2", "0", "one", "", "1.0"] {
            let metadata = metadata(PROTOCOL_METADATA, other);
            assert_eq!(reason(&access, &metadata), Some(Reason::UnknownVersion), "{other:?}");
        }
    }

    #[test]
    fn short_and_strange_tokens_are_none() {
        assert!(Token::new("short").is_none());
        assert!(Token::new("long enough but with spaces").is_none());
        assert!(Token::new("lang_genug_aber_übel").is_none());
        assert!(!format!("{:?}", Token::new("0123456789abcdef")).contains("0123"));
    }
}
