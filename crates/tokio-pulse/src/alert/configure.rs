//! What a builder is told of alerts.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::rule::Problem;
use super::{AlertError, AlertEvent, AlertRule};
use crate::Builder;

const INTERVAL: Duration = Duration::from_secs(1);
pub(super) const INTERVALS: (Duration, Duration) =
    (Duration::from_millis(10), Duration::from_secs(60));

pub(super) type Callback = Arc<dyn Fn(&AlertEvent) + Send + Sync>;

/// All that is said of alerts.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) rules: Vec<AlertRule>,
    pub(super) callbacks: Vec<Callback>,
    pub(super) interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rules: Vec::new(), callbacks: Vec::new(), interval: INTERVAL }
    }
}

impl Settings {
    pub(crate) fn check(&self) -> Result<(), AlertError> {
        if self.interval < INTERVALS.0 || self.interval > INTERVALS.1 {
            return Err(AlertError::interval(self.interval));
        }
        let mut names = HashSet::new();
        for rule in &self.rules {
            rule.check()?;
            if !names.insert(&rule.name) {
                return Err(rule.refused(Problem::Twice));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("rules", &self.rules)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// Adds an [alert](crate::alert). With the first one, a thread is started that looks after them.
    pub fn alert(&mut self, rule: AlertRule) -> &mut Self {
        self.alerts.rules.push(rule);
        self
    }

    /// Calls a function when an alert is raised or cleared. Each call adds one.
    ///
    /// It is called on the thread that looks after the alerts, which waits for it: the next look is
    /// taken when it returns, and so is the end of the runtime. A panic in it goes no further.
    pub fn on_alert<F>(&mut self, callback: F) -> &mut Self
    where
        F: Fn(&AlertEvent) + Send + Sync + 'static,
    {
        self.alerts.callbacks.push(Arc::new(callback));
        self
    }

    /// Sets how often the alerts are looked at. Default: once a second; from 10 ms to 60 s.
    pub fn alert_interval(&mut self, interval: Duration) -> &mut Self {
        self.alerts.interval = interval;
        self
    }
}
