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
    Processor,
    InUse,
    System(i32),
    BeforeLinux(&'static str),
    Policy,
    Lacking { problem: &'static str, remedy: &'static str, os_error: Option<i32> },
}

impl Unavailable {
    #[allow(dead_code, reason = "each platform uses some of these")]
    pub(crate) const fn on_this_platform(capability: &'static str) -> Self {
        Self { capability, reason: Reason::Platform }
    }

    #[allow(dead_code, reason = "each platform uses some of these")]
    pub(crate) const fn on_this_processor(capability: &'static str) -> Self {
        Self { capability, reason: Reason::Processor }
    }

    /// For what a process has once, and has given away with other terms.
    #[allow(dead_code, reason = "each platform uses some of these")]
    pub(crate) const fn in_use(capability: &'static str) -> Self {
        Self { capability, reason: Reason::InUse }
    }

    #[allow(dead_code, reason = "each platform uses some of these")]
    pub(crate) const fn refused(capability: &'static str, os_error: i32) -> Self {
        Self { capability, reason: Reason::System(os_error) }
    }

    /// For a kernel that is older than the first Linux release with the capability.
    #[allow(dead_code, reason = "each platform uses some of these")]
    pub(crate) const fn before_linux(capability: &'static str, release: &'static str) -> Self {
        Self { capability, reason: Reason::BeforeLinux(release) }
    }

    /// For a thread whose scheduling policy does not know the capability.
    #[allow(dead_code, reason = "each platform uses some of these")]
    pub(crate) const fn for_policy(capability: &'static str) -> Self {
        Self { capability, reason: Reason::Policy }
    }

    /// For what somebody can set right: what is in the way, and what to do about it.
    #[allow(dead_code, reason = "each platform uses some of these")]
    pub(crate) const fn lacking(
        capability: &'static str,
        problem: &'static str,
        remedy: &'static str,
        os_error: Option<i32>,
    ) -> Self {
        Self { capability, reason: Reason::Lacking { problem, remedy, os_error } }
    }

    /// What somebody with the rights to it can do to have the capability, if that is known.
    pub const fn remedy(&self) -> Option<&'static str> {
        match self.reason {
            Reason::Lacking { remedy, .. } => Some(remedy),
            _ => None,
        }
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
            Reason::Processor => {
                write!(f, "{} is not implemented for {}", self.capability, std::env::consts::ARCH)
            }
            Reason::InUse => {
                write!(f, "{} is in use in this process with other settings", self.capability)
            }
            Reason::System(code) => write!(
                f,
                "{} was refused by the system: {}",
                self.capability,
                std::io::Error::from_raw_os_error(code)
            ),
            Reason::BeforeLinux(release) => {
                write!(f, "{} needs Linux {release} or later", self.capability)
            }
            Reason::Policy => {
                write!(f, "{} is not for a thread of this scheduling policy", self.capability)
            }
            Reason::Lacking { problem, remedy, os_error } => {
                write!(f, "{} is not available: {problem}", self.capability)?;
                if let Some(code) = os_error {
                    write!(f, " ({})", std::io::Error::from_raw_os_error(code))?;
                }
                write!(f, "; {remedy}")
            }
        }
    }
}

impl std::error::Error for Unavailable {}
