//! Why a configuration was refused.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::Origin;

/// Longer values are cut in messages: whoever wrote them has them.
const MAX_SHOWN: usize = 80;

/// Why a configuration was refused. Nothing of it was taken up.
///
/// The message names the key, where it was set, what was found, and what would do.
#[derive(Clone, Debug)]
pub struct ConfigError(Arc<Refusal>);

#[derive(Clone, Debug)]
struct Refusal {
    origin: Option<Origin>,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Value { key: String, found: String, expected: String },
    UnknownKey { name: String, nearest: Option<String> },
    UnknownVariable { nearest: Option<String> },
    Syntax(String),
    // Shared, so that the error can be kept and handed out as well.
    Read(Arc<io::Error>),
    NoFeature,
    Watch(Arc<io::Error>),
    StartOnly { key: String },
    Outdated { expected: u64, revision: u64 },
}

impl ConfigError {
    fn new(kind: Kind) -> Self {
        Self(Arc::new(Refusal { origin: None, kind }))
    }

    pub(super) fn value(
        key: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        let found = shorten(found.into());
        Self::new(Kind::Value { key: key.into(), found, expected: expected.into() })
    }

    pub(super) fn unknown_key(name: impl Into<String>, nearest: Option<&str>) -> Self {
        let name = shorten(name.into());
        Self::new(Kind::UnknownKey { name, nearest: nearest.map(str::to_owned) })
    }

    pub(super) fn unknown_variable(name: &str, nearest: Option<&str>) -> Self {
        let kind = Kind::UnknownVariable { nearest: nearest.map(str::to_owned) };
        Self::new(kind).at(Origin::variable(&shorten(name.into())))
    }

    #[cfg_attr(not(feature = "config-file"), allow(dead_code, reason = "no file, no syntax"))]
    pub(super) fn syntax(message: &str) -> Self {
        // The parser's messages may have several lines; a log wants one.
        Self::new(Kind::Syntax(message.lines().collect::<Vec<_>>().join(", ")))
    }

    pub(super) fn read(error: io::Error) -> Self {
        Self::new(Kind::Read(Arc::new(error)))
    }

    #[cfg_attr(feature = "config-file", allow(dead_code, reason = "the feature is there"))]
    pub(super) fn no_feature() -> Self {
        Self::new(Kind::NoFeature)
    }

    pub(super) fn start_only(key: &str) -> Self {
        Self::new(Kind::StartOnly { key: key.to_owned() })
    }

    pub(super) fn outdated(expected: u64, revision: u64) -> Self {
        Self::new(Kind::Outdated { expected, revision })
    }

    pub(super) fn watch(error: io::Error) -> Self {
        Self::new(Kind::Watch(Arc::new(error)))
    }

    /// Adds where it happened, unless that is known already.
    pub(super) fn at(self, origin: Origin) -> Self {
        if self.0.origin.is_some() {
            return self;
        }
        Self(Arc::new(Refusal { origin: Some(origin), kind: self.0.kind.clone() }))
    }

    /// The key whose value was refused.
    pub fn key(&self) -> Option<&str> {
        match &self.0.kind {
            Kind::Value { key, .. } => Some(key),
            Kind::UnknownKey { name, .. } => Some(name),
            Kind::StartOnly { key } => Some(key),
            _ => None,
        }
    }

    /// Where the refused thing stands, as far as it came from a layer.
    pub fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    /// It came from a configuration file: the file itself, or something in it.
    pub fn is_file(&self) -> bool {
        matches!(self.0.origin, Some(Origin::File { .. }))
    }

    /// It came from an environment variable.
    pub fn is_environment(&self) -> bool {
        matches!(self.0.origin, Some(Origin::Environment { .. }))
    }

    /// A key is known and its value would not do, wherever it came from.
    pub fn is_value(&self) -> bool {
        matches!(self.0.kind, Kind::Value { .. })
    }

    /// The key is read when a runtime starts, and cannot be changed later.
    pub fn is_start_only(&self) -> bool {
        matches!(self.0.kind, Kind::StartOnly { .. })
    }

    /// Somebody has changed the configuration since it was looked at.
    pub fn is_outdated(&self) -> bool {
        matches!(self.0.kind, Kind::Outdated { .. })
    }

    /// A file was asked for, and this program was built without the feature `config-file`.
    pub fn is_missing_feature(&self) -> bool {
        matches!(self.0.kind, Kind::NoFeature)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.origin {
            Some(Origin::Environment { variable }) => {
                write!(f, "environment variable {variable}: ")?;
            }
            Some(origin) => write!(f, "{origin}: ")?,
            None => {}
        }
        match &self.0.kind {
            Kind::Value { key, found, expected } => write!(f, "{key} is {found}; give {expected}"),
            Kind::UnknownKey { name, nearest: Some(nearest) } => {
                write!(f, "unknown key {name:?}; did you mean {nearest:?}?")
            }
            Kind::UnknownKey { name, nearest: None } => {
                write!(f, "unknown key {name:?}; remove it, or see docs/configuration.md")
            }
            Kind::UnknownVariable { nearest: Some(nearest) } => {
                write!(f, "unknown; did you mean {nearest}?")
            }
            Kind::UnknownVariable { nearest: None } => {
                f.write_str("unknown; unset it, or see docs/configuration.md")
            }
            Kind::Syntax(message) => write!(f, "not TOML: {message}"),
            Kind::Read(_) => f.write_str("cannot be read"),
            Kind::NoFeature => f.write_str(
                "this program was built without configuration files; enable the feature \
                 `config-file` of tokio-pulse, or do not name a file",
            ),
            Kind::StartOnly { key } => {
                write!(f, "{key} is read when a runtime starts; set it there, and start it again")
            }
            Kind::Outdated { expected, revision } => write!(
                f,
                "the configuration is at revision {revision} and no longer at {expected}; look at it again"
            ),
            Kind::Watch(_) => f.write_str("the thread that watches the file could not be started"),
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            Kind::Read(error) | Kind::Watch(error) => Some(&**error),
            _ => None,
        }
    }
}

fn shorten(text: String) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use std::error::Error as _;
    use std::path::Path;

    use super::*;

    #[test]
    fn each_says_where_what_and_what_to_do() {
        let value = ConfigError::value("slice", "2min", "a duration from 1ms to 60s");
        assert_eq!(value.to_string(), "slice is 2min; give a duration from 1ms to 60s");
        let placed = value.at(Origin::file(Path::new("p.toml"), 3, 9));
        assert!(placed.to_string().starts_with("p.toml:3:9: slice is 2min"));
        assert!(placed.is_value() && placed.is_file() && !placed.is_environment());
        // The first place is the closest one.
        assert!(placed.at(Origin::Builder).is_file());

        let variable =
            ConfigError::unknown_variable("TOKIO_PULSE_SLISE", Some("TOKIO_PULSE_SLICE"));
        assert!(variable.is_environment() && !variable.is_value());
        assert_eq!(
            variable.to_string(),
            "environment variable TOKIO_PULSE_SLISE: unknown; did you mean TOKIO_PULSE_SLICE?"
        );
        let read = ConfigError::read(io::ErrorKind::NotFound.into());
        assert!(read.source().is_some());
        assert!(ConfigError::no_feature().to_string().contains("`config-file`"));
    }

    #[test]
    fn what_is_long_is_cut() {
        let long = ConfigError::value("slice", "ä".repeat(10_000), "less").to_string();
        assert!(long.len() < 300, "{}", long.len());
    }
}
