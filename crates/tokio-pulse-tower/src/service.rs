//! The middleware.

use std::task::{Context, Poll};

use tokio_pulse::task::{self, Group};
use tower_service::Service;

use crate::budget::{BudgetSource, RequestBudget};
use crate::describe::{Describe, Undescribed};
use crate::error::Reason;
use crate::exhausted::Exhausted;
use crate::future::BudgetFuture;
use crate::lane::Movable;
use crate::layer::BudgetLayer;
use crate::meter::Meter;
use crate::on_reject::{AsError, OnReject};

/// A service whose requests have budgets. Made by [`BudgetLayer`].
///
/// It is ready when the inner service is. Whether a request is turned away is decided when it is
/// there: `poll_ready` could only fail for good, or keep clients waiting for something that nobody
/// wakes them for, and neither could answer with a response. The inner service is called in place, so
/// the one that was made ready is the one that is called. When a request is turned away, what the inner
/// service had reserved for it is there for the next one.
#[derive(Clone, Debug)]
pub struct BudgetMiddleware<S, B, D = Undescribed, R = AsError> {
    inner: S,
    settings: BudgetLayer<B, D, R>,
}

impl<S, B, D, R> BudgetMiddleware<S, B, D, R> {
    pub(crate) fn new(inner: S, settings: BudgetLayer<B, D, R>) -> Self {
        Self { inner, settings }
    }

    /// The inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Takes the layer off.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, Request, B, D, R> Service<Request> for BudgetMiddleware<S, B, D, R>
where
    S: Service<Request>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
    S::Error: Send + 'static,
    B: BudgetSource<Request>,
    D: Describe<Request>,
    R: OnReject<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = R::Error;
    type Future = BudgetFuture<S::Future, R>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(R::pass)
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        let Self { inner, settings } = self;
        let on_reject = settings.on_reject.clone();
        let (exhausted, retry_after) = (settings.exhausted, settings.retry_after);
        if settings.gauge.as_ref().is_some_and(|gauge| gauge.is_overloaded()) {
            return BudgetFuture::refused(Reason::Overload, on_reject, retry_after);
        }
        let budget = settings.budget.budget(&request);
        let described = settings.describe.describe(&request);
        let moves = exhausted == Exhausted::SlowLane && !budget.is_unlimited();
        if moves && tokio::runtime::Handle::try_current().is_ok() {
            let (task, group) = (described.unwrap_or_default(), group(budget));
            let scope = task.clone().group(&group).scope();
            let future = scope.run(|| inner.call(request));
            let task = Movable::spawn(future, budget.polls(), group, task);
            return BudgetFuture::movable(task, on_reject, retry_after);
        }
        let scope = match (budget.cpu(), described) {
            (None, None) => None,
            (None, Some(task)) => Some(task.scope()),
            (Some(_), task) => Some(scope(task, budget)),
        };
        let meter = Meter::new(budget, scope);
        if exhausted == Exhausted::Reject {
            if let Some(reason) = meter.spent() {
                return BudgetFuture::refused(reason, on_reject, retry_after);
            }
        }
        let future = meter.run(|| inner.call(request));
        BudgetFuture::in_place(future, meter, exhausted, on_reject, retry_after)
    }
}

fn scope(task: Option<task::Builder>, budget: RequestBudget) -> task::Scope {
    task.unwrap_or_default().group(&group(budget)).scope()
}

fn group(budget: RequestBudget) -> Group {
    budget.cpu().map_or_else(Group::new, Group::with_budget)
}
