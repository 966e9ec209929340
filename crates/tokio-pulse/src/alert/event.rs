//! What is told of an alert that has turned.

use std::fmt;
use std::time::Duration;

use super::AlertSignal;

/// Which way an alert has turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertTurn {
    /// It is active from now on.
    Raised,
    /// It is over.
    Cleared,
}

/// An alert was raised, or cleared.
#[derive(Clone, Debug)]
pub struct AlertEvent {
    pub(super) name: String,
    pub(super) signal: AlertSignal,
    pub(super) turn: AlertTurn,
    pub(super) value: f64,
    pub(super) threshold: f64,
    pub(super) escalates: bool,
    pub(super) lasted: Duration,
}

impl AlertEvent {
    /// The name of the rule.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the rule looks at.
    pub fn signal(&self) -> AlertSignal {
        self.signal
    }

    /// Raised or cleared.
    pub fn turn(&self) -> AlertTurn {
        self.turn
    }

    /// Whether it was raised.
    pub fn is_raised(&self) -> bool {
        self.turn == AlertTurn::Raised
    }

    /// The signal, in its own unit.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The threshold that was reached: that for raising, or that for clearing.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Whether tasks on record count for one tier more while it is active.
    pub fn escalates(&self) -> bool {
        self.escalates
    }

    /// For how long it had been active; zero if it was raised just now.
    pub fn lasted(&self) -> Duration {
        self.lasted
    }
}

impl fmt::Display for AlertEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, signal, value, threshold, .. } = self;
        let (turn, side) = match self.turn {
            AlertTurn::Raised => ("raised", "at or above"),
            AlertTurn::Cleared => ("cleared", "at or below"),
        };
        write!(f, "alert {name:?} {turn}: {signal} is {value:.3}, {side} {threshold}")
    }
}
