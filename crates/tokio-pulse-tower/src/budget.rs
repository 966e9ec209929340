//! What a request may use, and who says so.

use std::time::Duration;

/// What one request may use. Without a limit of either kind it costs nothing to have one.
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse_tower::RequestBudget;
///
/// let budget = RequestBudget::of_cpu(Duration::from_millis(50)).with_polls(1_000);
/// assert_eq!(budget.cpu(), Some(Duration::from_millis(50)));
/// assert_eq!(budget.polls(), Some(1_000));
/// assert!(RequestBudget::UNLIMITED.is_unlimited());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestBudget {
    cpu: Option<Duration>,
    polls: Option<u32>,
}

impl RequestBudget {
    /// No limit.
    pub const UNLIMITED: Self = Self { cpu: None, polls: None };

    /// So much CPU time, of the request and of all that it spawns through Pulse.
    #[must_use]
    pub const fn of_cpu(cpu: Duration) -> Self {
        Self { cpu: Some(cpu), polls: None }
    }

    /// So many polls of the request's own future.
    #[must_use]
    pub const fn of_polls(polls: u32) -> Self {
        Self { cpu: None, polls: Some(polls) }
    }

    /// The same with that limit of CPU time.
    #[must_use]
    pub const fn with_cpu(self, cpu: Duration) -> Self {
        Self { cpu: Some(cpu), ..self }
    }

    /// The same with that limit of polls.
    #[must_use]
    pub const fn with_polls(self, polls: u32) -> Self {
        Self { polls: Some(polls), ..self }
    }

    /// The limit of CPU time, if there is one.
    pub const fn cpu(&self) -> Option<Duration> {
        self.cpu
    }

    /// The limit of polls, if there is one.
    pub const fn polls(&self) -> Option<u32> {
        self.polls
    }

    /// Whether there is no limit at all.
    pub const fn is_unlimited(&self) -> bool {
        self.cpu.is_none() && self.polls.is_none()
    }
}

/// Says what a request may use.
///
/// A [`RequestBudget`] gives each request the same, a function decides by the request, and
/// `HeaderBudget` (feature `http`) reads it from headers.
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse_tower::{BudgetLayer, RequestBudget};
///
/// let by_size = BudgetLayer::new(|request: &String| {
///     RequestBudget::of_cpu(Duration::from_micros(100) * request.len() as u32)
/// });
/// # let _ = by_size;
/// ```
pub trait BudgetSource<Request> {
    /// What this one may use.
    fn budget(&self, request: &Request) -> RequestBudget;
}

impl<Request> BudgetSource<Request> for RequestBudget {
    #[inline]
    fn budget(&self, _: &Request) -> RequestBudget {
        *self
    }
}

impl<Request, F> BudgetSource<Request> for F
where
    F: Fn(&Request) -> RequestBudget,
{
    #[inline]
    fn budget(&self, request: &Request) -> RequestBudget {
        self(request)
    }
}
