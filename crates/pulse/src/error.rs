//! What can go wrong, each with what to do about it and its exit code.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

use crate::side::Side;

/// Exit code for wrong arguments; clap uses the same.
pub const EXIT_USAGE: u8 = 2;
/// Exit code when the machine or its set-up does not allow the run.
pub const EXIT_ENVIRONMENT: u8 = 3;
/// Exit code when the measured run itself failed.
pub const EXIT_RUN: u8 = 4;

/// Why the command stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The arguments contradict each other or are out of range.
    #[error("{0}")]
    Usage(String),
    /// Another program listens on the port.
    #[error(
        "port {0} on 127.0.0.1 is in use; choose another with --port, or leave --port out to let \
         the system choose"
    )]
    PortInUse(u16),
    /// The server could not listen, for another reason.
    #[error("cannot listen on port {port} of 127.0.0.1: {source}; choose another with --port")]
    Listen {
        /// The port asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// A runtime could not be built.
    #[error("cannot start the {side} runtime: {source}; try fewer --workers")]
    Runtime {
        /// Which of the two.
        side: Side,
        /// What the runtime's builder said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The chart could not be written.
    #[error("cannot write {}: {source}; choose another file with --svg, or pass --no-svg", path.display())]
    Chart {
        /// Where it should have gone.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The configuration file, or the environment, says something that would not do.
    #[error("{}", with_source(.0))]
    Configuration(tokio_pulse::ConfigError),
    /// A file of reports could not be read.
    #[error("cannot read {}: {source}", path.display())]
    ReportFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line in a file of reports is none, and that is not to be overlooked.
    #[error("{0}; leave --strict out to skip such lines")]
    ReportLine(crate::analyze::LineError),
    /// The flame graph could not be written.
    #[error("cannot write {}: {source}; choose another file with --svg", path.display())]
    FlameGraph {
        /// Where it should have gone.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Standard output could not be written to.
    #[error("cannot write to standard output: {0}")]
    Stdout(io::Error),
    /// A service could not be asked, or refused.
    #[error(transparent)]
    Console(#[from] crate::console::ConsoleError),
    /// A side's process could not be started.
    #[error("cannot start a process of its own for the {side} side: {source}")]
    Spawn {
        /// Which of the two.
        side: Side,
        /// What the system said.
        source: io::Error,
    },
    /// The load generator could not start.
    #[error("cannot start the load generator: {0}")]
    Generator(io::Error),
    /// A side's process gave up and said why.
    #[error("{message}")]
    Reported {
        /// Its own words.
        message: String,
        /// The exit code it chose.
        code: u8,
    },
    /// A side's process ended before it should.
    #[error(
        "the {side} process ended during the run ({status}); what it wrote is above. If it was \
         killed for lack of memory, lower the rates or --workers"
    )]
    ChildDied {
        /// Which of the two.
        side: Side,
        /// How it ended.
        status: ExitStatus,
    },
    /// A side's process did not say anything for too long.
    #[error(
        "the {side} process said nothing for {} s; is the machine overloaded? Try again, or with \
         fewer --workers",
        waited.as_secs()
    )]
    ChildSilent {
        /// Which of the two.
        side: Side,
        /// How long it was waited for.
        waited: Duration,
    },
    /// A side's process wrote something that is not the protocol.
    #[error("the {side} process answered nonsense ({detail}); this is a bug in pulse")]
    ChildNonsense {
        /// Which of the two.
        side: Side,
        /// What was wrong with it.
        detail: String,
    },
    /// Not one request of the class the demo is about was answered.
    #[error(
        "the {0} side did not answer a single /health request; raise --seconds or lower the rates"
    )]
    NoAnswers(Side),
    /// The code under load did not do its work.
    #[error("the workload failed: {0}")]
    Workload(String),
}

impl Error {
    /// The exit code of a process that stops because of this.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => EXIT_USAGE,
            Self::Console(error) => error.exit_code(),
            Self::PortInUse(_)
            | Self::Listen { .. }
            | Self::Runtime { .. }
            | Self::Chart { .. }
            | Self::Configuration(_)
            | Self::ReportFile { .. }
            | Self::ReportLine(_)
            | Self::FlameGraph { .. }
            | Self::Stdout(_)
            | Self::Generator(_)
            | Self::Spawn { .. } => EXIT_ENVIRONMENT,
            Self::Reported { code, .. } => *code,
            Self::ChildDied { .. }
            | Self::ChildSilent { .. }
            | Self::ChildNonsense { .. }
            | Self::NoAnswers(_)
            | Self::Workload(_) => EXIT_RUN,
        }
    }
}

/// The library leaves what the system said to whoever prints the error.
fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
