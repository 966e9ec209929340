//! Which of the two macros is at work.

use std::fmt;

use crate::args::Flavor;

/// The macro that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    Main,
    Test,
}

impl Entry {
    /// The runtime of a function that asks for none: Tokio's choices.
    pub(crate) fn default_flavor(self) -> Flavor {
        match self {
            Entry::Main => Flavor::MultiThread,
            Entry::Test => Flavor::CurrentThread,
        }
    }
}

/// The macro's path, for messages.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Entry::Main => "tokio_pulse::main",
            Entry::Test => "tokio_pulse::test",
        })
    }
}
