//! Why a request was not served to its end.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// As in Tower: an error of any kind.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// Why a request was not served to its end, and when to try again.
///
/// It is the error itself with [`AsError`](crate::AsError), inside of a [`BoxError`]; otherwise the
/// answer is made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejection {
    reason: Reason,
    retry_after: Duration,
}

/// What a request was turned away for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// It has used up its CPU time.
    CpuBudget,
    /// It has used up its polls.
    PollBudget,
    /// The runtime is overloaded; the request was not begun.
    Overload,
    /// The runtime that served it is shutting down.
    Shutdown,
}

impl Rejection {
    pub(crate) fn new(reason: Reason, retry_after: Duration) -> Self {
        Self { reason, retry_after }
    }

    /// Why.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// How long the client is asked to wait, as it was set with
    /// [`BudgetLayer::retry_after`](crate::BudgetLayer::retry_after).
    pub fn retry_after(&self) -> Duration {
        self.retry_after
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CpuBudget => "the request has used up its CPU time",
            Self::PollBudget => "the request has used up its polls",
            Self::Overload => "the service is overloaded",
            Self::Shutdown => "the service is shutting down",
        })
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; try again in {:?}", self.reason, self.retry_after)
    }
}

impl Error for Rejection {}
