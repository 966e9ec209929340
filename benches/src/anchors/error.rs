//! What ends the comparison, and what only spoils one run.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// The comparison cannot be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read {}: {source}; --programs takes the folder that benches/anchors.sh has \
             filled", path.display())]
    List { path: PathBuf, source: io::Error },
    #[error("{}, line {line}: expected `NAME = PROGRAM ARGUMENT ..`", path.display())]
    Entry { path: PathBuf, line: usize },
    #[error("cannot find this program's own file: {0}")]
    OwnProgram(io::Error),
    #[error("none of the systems is there; see --only and --programs")]
    NothingToRun,
    #[error("cannot write {}: {source}; choose another file with --log", path.display())]
    Log { path: PathBuf, source: io::Error },
}

/// One run has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("cannot be started: {0}")]
    Start(io::Error),
    #[error("cannot be waited for: {0}")]
    Wait(io::Error),
    #[error("{0}")]
    Exit(ExitStatus),
    #[error("still running after {0:?}, ended")]
    TooLong(Duration),
    #[error("printed nothing")]
    Silent,
    #[error("printed something else than its line: {0}")]
    Line(serde_json::Error),
}
