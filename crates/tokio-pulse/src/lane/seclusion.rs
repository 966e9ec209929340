//! The CPU quota of an isolated lane.
//!
//! The group is made when the first thread needs it, and made anew when the setting changes. Where
//! the system does not let us, the lane goes on with the harder demotion alone, and says why.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::isolation::{Isolated, IsolationError, IsolationGroup, TaskIsolation};

/// What became of the group.
pub(super) type Outcome = Result<IsolationGroup, IsolationError>;

#[derive(Debug, Default)]
pub(super) struct Seclusion(Mutex<Option<(TaskIsolation, Arc<Outcome>)>>);

impl Seclusion {
    fn lock(&self) -> MutexGuard<'_, Option<(TaskIsolation, Arc<Outcome>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The group with these settings, or why there is none.
    fn group(&self, wanted: TaskIsolation) -> Arc<Outcome> {
        let mut current = self.lock();
        match &*current {
            Some((settings, outcome)) if *settings == wanted => outcome.clone(),
            _ => {
                let outcome = Arc::new(wanted.create());
                *current = Some((wanted, outcome.clone()));
                outcome
            }
        }
    }

    /// What became of it; `None` while no thread has needed it.
    pub(super) fn outcome(&self) -> Option<Arc<Outcome>> {
        self.lock().as_ref().map(|(_, outcome)| outcome.clone())
    }

    /// Lets all threads out.
    pub(super) fn end(&self) {
        drop(self.lock().take());
    }
}

/// One thread's stay.
#[derive(Debug, Default)]
pub(super) struct Cell {
    settings: Option<TaskIsolation>,
    /// Left before the group is let go.
    isolated: Option<Isolated>,
    outcome: Option<Arc<Outcome>>,
}

impl Cell {
    /// Puts the calling thread where the settings say.
    pub(super) fn keep(&mut self, wanted: Option<TaskIsolation>, seclusion: &Seclusion) {
        if self.settings == wanted {
            return;
        }
        self.isolated = None;
        self.settings = wanted;
        self.outcome = wanted.map(|wanted| seclusion.group(wanted));
        let group = self.outcome.as_deref().and_then(|outcome| outcome.as_ref().ok());
        self.isolated = group.and_then(|group| group.enter().ok());
    }
}
