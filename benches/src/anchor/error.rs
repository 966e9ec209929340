//! Why there is no line.

use std::io;

/// Each says what to do about it, as far as something can be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("ANCHOR_NS_PER_ITER is {0:?}; set it to a number of nanoseconds above 0, or unset it")]
    Calibration(String),
    #[error(transparent)]
    Runtime(pulse::Error),
    #[error("cannot write to standard output: {0}")]
    Stdout(io::Error),
}
