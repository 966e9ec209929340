//! The errors of building and starting.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::alert::AlertError;
use crate::config::ConfigError;

/// Why a runtime could not be built or Pulse could not be started on it.
///
/// Converts into [`std::io::Error`], so that code which builds a Tokio runtime with `?` goes on
/// to compile.
#[derive(Debug)]
pub struct BuildError(pub(crate) Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Config(ConfigError),
    Alert(AlertError),
    NoWorkers,
    TooManyWorkers { workers: usize, reserve: usize },
    SliceOutOfRange(Duration),
    InvalidEnvironment { name: &'static str, value: String },
    NotAttached { expected: usize, found: usize },
    OtherFlavor,
    AlreadyAttached,
    Runtime(io::Error),
    Watchdog(io::Error),
    Monitor(io::Error),
}

impl BuildError {
    /// A setting of the builder, or of the environment, is invalid; nothing was started.
    pub fn is_config(&self) -> bool {
        use Kind::*;
        matches!(
            self.0,
            Config(_)
                | Alert(_)
                | NoWorkers
                | TooManyWorkers { .. }
                | SliceOutOfRange(_)
                | InvalidEnvironment { .. }
        )
    }

    /// Pulse could not be started on that runtime: it runs there already, or the runtime is not
    /// the one that was prepared.
    pub fn is_attach(&self) -> bool {
        matches!(self.0, Kind::NotAttached { .. } | Kind::OtherFlavor | Kind::AlreadyAttached)
    }

    /// The operating system refused something that a runtime needs, such as a thread.
    pub fn is_os(&self) -> bool {
        matches!(self.0, Kind::Runtime(_) | Kind::Watchdog(_) | Kind::Monitor(_))
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use crate::config::{MAX_SLICE, MAX_THREADS, MIN_SLICE};
        match &self.0 {
            Kind::Config(error) => fmt::Display::fmt(error, f),
            Kind::Alert(error) => fmt::Display::fmt(error, f),
            Kind::NoWorkers => f.write_str("worker_threads is 0; a runtime needs at least 1"),
            Kind::TooManyWorkers { workers, reserve } => write!(
                f,
                "{workers} worker threads and {reserve} reserve workers are more than the \
                 {MAX_THREADS} that Tokio can schedule; lower one of the two"
            ),
            Kind::SliceOutOfRange(slice) => write!(
                f,
                "a slice of {slice:?} is out of range; give one between {MIN_SLICE:?} and \
                 {MAX_SLICE:?}"
            ),
            Kind::InvalidEnvironment { name, value } => write!(
                f,
                "the environment variable {name} is {value:?}; set it to a whole number above 0, \
                 or unset it"
            ),
            Kind::NotAttached { expected, found } => write!(
                f,
                "the runtime has {found} workers where Pulse prepared {expected}; start Pulse on \
                 the runtime that was built from the builder given to `attach`, and set \
                 `worker_threads` on Pulse's builder only"
            ),
            Kind::OtherFlavor => f.write_str(
                "the runtime is of the other scheduler than Pulse's builder; prepare it with \
                 `new_multi_thread` or `new_current_thread`, whichever the runtime is",
            ),
            Kind::AlreadyAttached => {
                f.write_str("Pulse runs on this runtime already; attach to each runtime once")
            }
            Kind::Runtime(_) => f.write_str("Tokio could not build the runtime"),
            Kind::Watchdog(_) => f.write_str("the watchdog thread could not be started"),
            Kind::Monitor(_) => f.write_str("the thread for alerts could not be started"),
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Kind::Runtime(error) | Kind::Watchdog(error) | Kind::Monitor(error) => Some(error),
            // Its text is this error's text, so what comes next is its cause.
            Kind::Config(error) => error.source(),
            _ => None,
        }
    }
}

impl From<ConfigError> for BuildError {
    fn from(error: ConfigError) -> Self {
        Self(Kind::Config(error))
    }
}

impl From<BuildError> for io::Error {
    fn from(error: BuildError) -> Self {
        let kind = match &error.0 {
            Kind::Runtime(source) | Kind::Watchdog(source) | Kind::Monitor(source) => source.kind(),
            _ => io::ErrorKind::InvalidInput,
        };
        Self::new(kind, error)
    }
}

/// Why [`Handle::try_current`](crate::Handle::try_current) found no Pulse runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TryCurrentError {
    pub(crate) in_runtime: bool,
}

impl TryCurrentError {
    /// The caller runs on a Tokio runtime, but Pulse was not started on it.
    pub fn is_plain_tokio(&self) -> bool {
        self.in_runtime
    }
}

impl fmt::Display for TryCurrentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.in_runtime {
            "this Tokio runtime is not watched by Pulse; build it with `tokio_pulse::Builder` or \
             `#[tokio_pulse::main]`"
        } else {
            "there is no runtime here; call this from a task, or inside `Runtime::enter`"
        })
    }
}

impl std::error::Error for TryCurrentError {}
