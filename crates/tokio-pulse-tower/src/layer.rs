//! How services come by their budgets.

use std::time::Duration;

use tower_layer::Layer;

use crate::describe::Undescribed;
use crate::exhausted::Exhausted;
use crate::on_reject::AsError;
use crate::pressure::PressureGauge;
use crate::service::BudgetMiddleware;

/// Unless another time is set.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Puts a [`BudgetMiddleware`] around a service.
///
/// `B` says what a request may use ([`BudgetSource`](crate::BudgetSource)), `D` how it is described
/// ([`Describe`](crate::Describe)), and `R` what becomes of a rejection
/// ([`OnReject`](crate::OnReject)).
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse::{Handle, task};
/// use tokio_pulse_tower::{BudgetLayer, Exhausted, PressureGauge, RequestBudget};
///
/// # #[tokio_pulse::main]
/// # async fn main() {
/// let layer = BudgetLayer::new(RequestBudget::of_cpu(Duration::from_millis(50)))
///     .on_exhausted(Exhausted::SlowLane)
///     .describe(|request: &String| task::Builder::new().name(request))
///     .shed(PressureGauge::new(&Handle::current()));
/// # let _ = layer;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct BudgetLayer<B, D = Undescribed, R = AsError> {
    pub(crate) budget: B,
    pub(crate) describe: D,
    pub(crate) on_reject: R,
    pub(crate) exhausted: Exhausted,
    pub(crate) retry_after: Duration,
    pub(crate) gauge: Option<PressureGauge>,
}

impl<B> BudgetLayer<B> {
    /// With budgets from that source, requests that [yield](Exhausted::Yield) when they have used them
    /// up, and without shedding.
    #[must_use]
    pub fn new(budget: B) -> Self {
        Self {
            budget,
            describe: Undescribed,
            on_reject: AsError,
            exhausted: Exhausted::default(),
            retry_after: RETRY_AFTER,
            gauge: None,
        }
    }
}

impl<B, D, R> BudgetLayer<B, D, R> {
    /// What happens to a request that has used up its budget. Default: [`Exhausted::Yield`].
    #[must_use]
    pub fn on_exhausted(self, exhausted: Exhausted) -> Self {
        Self { exhausted, ..self }
    }

    /// How long rejected clients are asked to wait. Default: one second.
    #[must_use]
    pub fn retry_after(self, retry_after: Duration) -> Self {
        Self { retry_after, ..self }
    }

    /// Turns requests away while that gauge says that the runtime is overloaded. Default: none is.
    #[must_use]
    pub fn shed(self, gauge: PressureGauge) -> Self {
        Self { gauge: Some(gauge), ..self }
    }

    /// What is said of a request in tiers and reports. Default: nothing.
    ///
    /// A description is an allocation or more for each request.
    #[must_use]
    pub fn describe<D2>(self, describe: D2) -> BudgetLayer<B, D2, R> {
        let Self { budget, on_reject, exhausted, retry_after, gauge, .. } = self;
        BudgetLayer { budget, describe, on_reject, exhausted, retry_after, gauge }
    }

    /// What becomes of a rejection. Default: [`AsError`].
    #[must_use]
    pub fn on_reject<R2>(self, on_reject: R2) -> BudgetLayer<B, D, R2> {
        let Self { budget, describe, exhausted, retry_after, gauge, .. } = self;
        BudgetLayer { budget, describe, on_reject, exhausted, retry_after, gauge }
    }
}

impl<S, B: Clone, D: Clone, R: Clone> Layer<S> for BudgetLayer<B, D, R> {
    type Service = BudgetMiddleware<S, B, D, R>;

    fn layer(&self, inner: S) -> Self::Service {
        BudgetMiddleware::new(inner, self.clone())
    }
}
