use std::fmt;

/// A capability that this machine does not offer, and why.
///
/// It is an answer, not a fault: callers go on without the capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unavailable {
    capability: &'static str,
    reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reason {
    Platform,
    System(i32),
}

impl Unavailable {
    #[allow(dead_code, reason = "each platform uses one of the two")]
    pub(crate) const fn on_this_platform(capability: &'static str) -> Self {
        Self { capability, reason: Reason::Platform }
    }

    #[allow(dead_code, reason = "each platform uses one of the two")]
    pub(crate) const fn refused(capability: &'static str, os_error: i32) -> Self {
        Self { capability, reason: Reason::System(os_error) }
    }

    /// The name of the missing capability, as `pulse doctor` prints it.
    pub const fn capability(&self) -> &'static str {
        self.capability
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Reason::Platform => {
                write!(f, "{} is not implemented for {}", self.capability, std::env::consts::OS)
            }
            Reason::System(code) => write!(
                f,
                "{} was refused by the system: {}",
                self.capability,
                std::io::Error::from_raw_os_error(code)
            ),
        }
    }
}

impl std::error::Error for Unavailable {}
