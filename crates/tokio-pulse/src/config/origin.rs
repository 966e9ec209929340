//! Where a value came from.

use std::fmt;
use std::path::PathBuf;

use super::ConfigProfile;

/// The layer that a value came from, and the place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A profile that differs from the default.
    Profile(ConfigProfile),
    /// A configuration file.
    #[non_exhaustive]
    File {
        /// As it was given.
        path: PathBuf,
        /// Counted from 1; 0 is the file as a whole.
        line: usize,
        /// In characters, counted from 1.
        column: usize,
    },
    /// A call of the program.
    Builder,
    /// An update while the runtime runs.
    Update,
    /// The environment of the process.
    #[non_exhaustive]
    Environment {
        /// The name of the variable.
        variable: String,
    },
}

impl Origin {
    pub(super) fn file(path: &std::path::Path, line: usize, column: usize) -> Self {
        Self::File { path: path.to_owned(), line, column }
    }

    pub(super) fn variable(name: &str) -> Self {
        Self::Environment { variable: name.to_owned() }
    }

    /// Somebody said so for this very key.
    pub fn is_explicit(&self) -> bool {
        !matches!(self, Self::Default | Self::Profile(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Profile(profile) => write!(f, "profile {profile}"),
            Self::File { path, line: 0, .. } => write!(f, "{}", path.display()),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Builder => f.write_str("builder"),
            Self::Update => f.write_str("update"),
            Self::Environment { variable } => f.write_str(variable),
        }
    }
}
