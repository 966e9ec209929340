//! When an alert is raised, and when it is cleared.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::AlertSignal;
use super::state::Terms;

/// Shorter than what people look at, longer than a burst.
const RAISE_AFTER: Duration = Duration::from_secs(5);
/// Somebody who was called is not called again for the same at once.
const CLEAR_AFTER: Duration = Duration::from_secs(30);
const WINDOW: Duration = Duration::from_secs(60);
const WINDOWS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(3_600));
const MAX_NAME: usize = 64;

/// When an alert is raised, and when it is cleared.
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse::alert::{AlertRule, AlertSignal};
///
/// let rule = AlertRule::new(AlertSignal::ViolationsPerMinute, 60.0)
///     .name("too many offences")
///     .clear_at(10.0)
///     .raise_after(Duration::from_secs(30))
///     .clear_after(Duration::from_secs(120));
/// # let _ = rule;
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AlertRule {
    pub(super) name: Cow<'static, str>,
    pub(super) signal: AlertSignal,
    pub(super) terms: Terms,
    pub(super) window: Duration,
    pub(super) escalates: bool,
}

impl AlertRule {
    /// An alert that is raised when the signal has been at `raise` or above for 5 s, and cleared when
    /// it has been at half of that or below for 30 s. Rates are those of the last minute.
    ///
    /// Its name is that of the signal. A threshold that makes no sense is refused by
    /// [`Builder::build`](crate::Builder::build).
    pub fn new(signal: AlertSignal, raise: f64) -> Self {
        let terms =
            Terms { raise, clear: raise / 2.0, raise_after: RAISE_AFTER, clear_after: CLEAR_AFTER };
        let name = Cow::Borrowed(signal.as_str());
        Self { name, signal, terms, window: WINDOW, escalates: false }
    }

    /// Sets what the alert is called, in events and as the label of its metrics. Each rule of a
    /// runtime needs another name.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets where the signal has to be, or below, for the alert to be cleared. Less than where it is
    /// raised.
    pub fn clear_at(mut self, clear: f64) -> Self {
        self.terms.clear = clear;
        self
    }

    /// Sets for how long the signal has to be there, at each look, before the alert is raised.
    pub fn raise_after(mut self, time: Duration) -> Self {
        self.terms.raise_after = time;
        self
    }

    /// Sets for how long the signal has to be low, at each look, before the alert is cleared.
    pub fn clear_after(mut self, time: Duration) -> Self {
        self.terms.clear_after = time;
        self
    }

    /// Sets the time that rates and ratios are taken over; from 100 ms to one hour. What is told of a
    /// runtime younger than that is what happened since it began, as if nothing had happened before.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// While the alert is active, each task on record counts for one tier more than its record says.
    ///
    /// Records are not changed, so all is as before once the alert is cleared. Several alerts at a
    /// time count as one.
    pub fn escalate(mut self) -> Self {
        self.escalates = true;
        self
    }

    pub(super) fn check(&self) -> Result<(), AlertError> {
        let Terms { raise, clear, .. } = self.terms;
        let problem = if self.name.is_empty() || self.name.len() > MAX_NAME {
            Problem::Name
        } else if !(raise.is_finite() && raise > 0.0) {
            Problem::Raise(raise)
        } else if !(clear >= 0.0 && clear < raise) {
            Problem::Clear { clear, raise }
        } else if self.window < WINDOWS.0 || self.window > WINDOWS.1 {
            Problem::Window(self.window)
        } else {
            return Ok(());
        };
        Err(self.refused(problem))
    }

    pub(super) fn refused(&self, problem: Problem) -> AlertError {
        AlertError { rule: self.name.to_string(), problem }
    }
}

/// Why a runtime cannot be built with an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertError {
    rule: String,
    problem: Problem,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Problem {
    Name,
    Twice,
    Raise(f64),
    Clear { clear: f64, raise: f64 },
    Window(Duration),
    Interval(Duration),
}

impl AlertError {
    /// The name of the rule.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    pub(super) fn interval(interval: Duration) -> Self {
        Self { rule: String::new(), problem: Problem::Interval(interval) }
    }
}

impl fmt::Display for AlertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = &self.rule;
        match &self.problem {
            Problem::Name => write!(
                f,
                "an alert's name has {} bytes; give it one of 1 to {MAX_NAME}",
                rule.len()
            ),
            Problem::Twice => write!(f, "two alerts are called {rule:?}; name one of them"),
            Problem::Raise(raise) => {
                write!(f, "the alert {rule:?} is raised at {raise}; give a finite number above 0")
            }
            Problem::Clear { clear, raise } => write!(
                f,
                "the alert {rule:?} is cleared at {clear} and raised at {raise}; clear it at 0 or \
                 above, and below where it is raised"
            ),
            Problem::Window(window) => write!(
                f,
                "the alert {rule:?} has a window of {window:?}; give one between {:?} and {:?}",
                WINDOWS.0, WINDOWS.1
            ),
            Problem::Interval(interval) => write!(
                f,
                "alerts are looked at every {interval:?}; give a time between {:?} and {:?}",
                super::configure::INTERVALS.0,
                super::configure::INTERVALS.1
            ),
        }
    }
}

impl std::error::Error for AlertError {}
