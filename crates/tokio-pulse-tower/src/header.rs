//! Budgets that the client asks for.

use std::time::Duration;

use http::{HeaderName, Request};

use crate::budget::{BudgetSource, RequestBudget};

/// Reads a request's budget from its headers, and bounds it.
///
/// A client can ask for less than the bound only: what is missing, more, or not a number is as if
/// the bound had been asked for.
///
/// ```
/// use std::time::Duration;
/// use http::{HeaderName, Request};
/// use tokio_pulse_tower::{BudgetSource, HeaderBudget, RequestBudget};
///
/// let source = HeaderBudget::up_to(RequestBudget::of_cpu(Duration::from_millis(100)))
///     .cpu_millis(HeaderName::from_static("x-cpu-budget-ms"));
/// let request = Request::builder().header("x-cpu-budget-ms", "20").body(()).unwrap();
/// assert_eq!(source.budget(&request).cpu(), Some(Duration::from_millis(20)));
/// ```
#[derive(Clone, Debug)]
pub struct HeaderBudget {
    bound: RequestBudget,
    cpu_millis: Option<HeaderName>,
    polls: Option<HeaderName>,
}

impl HeaderBudget {
    /// With that bound, and no header to read yet.
    #[must_use]
    pub fn up_to(bound: RequestBudget) -> Self {
        Self { bound, cpu_millis: None, polls: None }
    }

    /// Reads the CPU time from that header, in whole milliseconds.
    #[must_use]
    pub fn cpu_millis(self, header: HeaderName) -> Self {
        Self { cpu_millis: Some(header), ..self }
    }

    /// Reads the number of polls from that header.
    #[must_use]
    pub fn polls(self, header: HeaderName) -> Self {
        Self { polls: Some(header), ..self }
    }
}

impl<B> BudgetSource<Request<B>> for HeaderBudget {
    fn budget(&self, request: &Request<B>) -> RequestBudget {
        let mut budget = self.bound;
        if let Some(millis) = number(request, self.cpu_millis.as_ref()) {
            let asked = Duration::from_millis(millis.into());
            budget = budget.with_cpu(budget.cpu().map_or(asked, |bound| bound.min(asked)));
        }
        if let Some(asked) = number(request, self.polls.as_ref()) {
            budget = budget.with_polls(budget.polls().map_or(asked, |bound| bound.min(asked)));
        }
        budget
    }
}

fn number<B>(request: &Request<B>, name: Option<&HeaderName>) -> Option<u32> {
    request.headers().get(name?)?.to_str().ok()?.trim().parse().ok()
}
