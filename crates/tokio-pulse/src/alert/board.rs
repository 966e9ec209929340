//! How the alerts stand, for readers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{AlertRule, AlertSignal};
use crate::Handle;

/// How one alert stands: what [`Handle::alerts`] returns.
#[derive(Clone, Debug)]
pub struct AlertStatus {
    name: String,
    signal: AlertSignal,
    value: f64,
    active: bool,
    raised: u64,
}

impl AlertStatus {
    /// The name of the rule.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the rule looks at.
    pub fn signal(&self) -> AlertSignal {
        self.signal
    }

    /// The signal at the last look, in its own unit.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Whether the alert is active.
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// How often it was raised so far.
    pub fn raised(&self) -> u64 {
        self.raised
    }
}

impl Handle {
    /// How the alerts stand, in the order of their rules. None is active once the watch has ended.
    pub fn alerts(&self) -> Vec<AlertStatus> {
        self.core.alerts.list()
    }
}

/// Written by the monitor, at each look.
#[derive(Debug)]
pub(crate) struct Board(Mutex<Vec<AlertStatus>>);

impl Board {
    pub(crate) fn new(rules: &[AlertRule]) -> Self {
        let status = |rule: &AlertRule| AlertStatus {
            name: rule.name.to_string(),
            signal: rule.signal,
            value: 0.0,
            active: false,
            raised: 0,
        };
        Self(Mutex::new(rules.iter().map(status).collect()))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<AlertStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn list(&self) -> Vec<AlertStatus> {
        self.lock().clone()
    }

    pub(super) fn set(&self, index: usize, value: f64, active: bool) {
        if let Some(status) = self.lock().get_mut(index) {
            status.raised += u64::from(active && !status.active);
            status.value = value;
            status.active = active;
        }
    }

    pub(super) fn let_go(&self) {
        self.lock().iter_mut().for_each(|status| status.active = false);
    }
}
