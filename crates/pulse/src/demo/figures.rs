//! The result of the service workload, as it is printed and as JSON.

use serde::Serialize;

use crate::{
    latencies::{Latencies, Summary},
    load::ClassOutcome,
    side::PulseFigures,
};

/// One endpoint on one side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Endpoint {
    #[serde(flatten)]
    pub(super) latency: Summary,
    pub(super) completed_per_s: f64,
    pub(super) errors: u64,
}

impl Endpoint {
    pub(super) fn new(outcome: &ClassOutcome, seconds: f64) -> Self {
        Self {
            latency: outcome.latencies.summary(),
            completed_per_s: outcome.completed as f64 / seconds,
            errors: outcome.errors,
        }
    }
}

/// All endpoints on one side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct SideFigures {
    pub(super) health: Endpoint,
    pub(super) login: Endpoint,
    pub(super) report: Endpoint,
    /// How late the generator sent. It is part of every latency.
    pub(super) generator_lag: Summary,
    #[serde(rename = "metrics")]
    pub(super) pulse: Option<PulseFigures>,
}

/// What one side's rounds added up to.
#[derive(Clone, Debug, Default)]
pub(super) struct Rounds {
    pub(super) health: ClassOutcome,
    pub(super) login: ClassOutcome,
    pub(super) report: ClassOutcome,
    pub(super) lag: Latencies,
    pub(super) pulse: Option<PulseFigures>,
}

impl Rounds {
    pub(super) fn figures(&self, seconds: f64) -> SideFigures {
        SideFigures {
            health: Endpoint::new(&self.health, seconds),
            login: Endpoint::new(&self.login, seconds),
            report: Endpoint::new(&self.report, seconds),
            generator_lag: self.lag.summary(),
            pulse: self.pulse,
        }
    }
}

/// How many times shorter a latency is with Tokio-Pulse; `None` when there is nothing to divide.
pub(super) fn times_shorter(stock: f64, pulse: f64) -> Option<f64> {
    (stock > 0.0 && pulse > 0.0).then(|| stock / pulse)
}

/// How many times more is done with Tokio-Pulse; `None` when there is nothing to divide.
pub(super) fn times_more(stock: f64, pulse: f64) -> Option<f64> {
    times_shorter(pulse, stock)
}
