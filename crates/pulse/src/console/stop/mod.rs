//! The wish of the system, or of the user, that the program ends. Each system has its own words for it.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

#[cfg(not(unix))]
pub(crate) use other::Stop;
#[cfg(unix)]
pub(crate) use unix::Stop;
