//! Why not.

use std::fmt;

/// Why this process cannot be preempted.
///
/// It is an answer, not a fault: the program can run its tasks without preemption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable {
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "each platform uses some of these")]
pub(crate) enum Reason {
    Platform,
    Symbols,
    Descriptions,
    UnwindTables,
    Image(String),
    Signal,
    Translated,
    System { call: &'static str, code: i32 },
}

#[allow(dead_code, reason = "each platform uses some of these")]
impl Unavailable {
    pub(crate) const fn on_this_platform() -> Self {
        Self { reason: Reason::Platform }
    }

    pub(crate) const fn because(reason: Reason) -> Self {
        Self { reason }
    }

    pub(crate) fn system(call: &'static str) -> Self {
        let code = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
        Self { reason: Reason::System { call, code } }
    }

    /// Whether the program's symbols are missing. [`Coverage::Marked`](crate::Coverage::Marked)
    /// does without them.
    pub fn is_symbols_missing(&self) -> bool {
        self.reason == Reason::Symbols
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("preemption is not available: ")?;
        match &self.reason {
            Reason::Platform => write!(
                f,
                "it is not implemented for {} on {}",
                std::env::consts::OS,
                std::env::consts::ARCH
            ),
            Reason::Symbols => f.write_str(
                "the program has no symbol table to tell its own code from the standard \
                 library's; do not strip it, or preempt marked regions only",
            ),
            Reason::Descriptions => f.write_str(
                "the program has no debug information to tell what was inlined; build it with \
                 `debug = \"limited\"`, or ask for less than `Coverage::Described`",
            ),
            Reason::UnwindTables => f.write_str("the program has no unwind tables"),
            Reason::Image(error) => write!(f, "the program's file cannot be read: {error}"),
            Reason::Signal => f.write_str("all signals that it could take are in use"),
            Reason::Translated => f.write_str(
                "the program runs translated for another processor; build it for this one",
            ),
            Reason::System { call, code } => {
                write!(f, "{call}: {}", std::io::Error::from_raw_os_error(*code))
            }
        }
    }
}

impl std::error::Error for Unavailable {}
