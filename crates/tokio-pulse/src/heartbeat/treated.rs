//! Whose poll a thread runs, of polls that are treated: the others are not worth the time.

use std::fmt;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use tokio::task::Id;

type Task = (Id, &'static Location<'static>);

/// The task of the last treated poll, with the poll's number on the thread. Written by the thread at
/// its beginning; a treated poll reads clocks and asks for permits, so a lock is nothing beside it.
#[derive(Default)]
pub(crate) struct Treated(Mutex<Option<(usize, Task)>>);

impl Treated {
    pub(crate) fn note(&self, poll: usize, task: Id, spawned_at: &'static Location<'static>) {
        let noted = Some((poll, (task, spawned_at)));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = noted;
    }

    /// Whose poll it is, if it is that one.
    pub(crate) fn of(&self, poll: usize) -> Option<Task> {
        let noted = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.filter(|(number, _)| *number == poll).map(|(_, task)| task)
    }
}

impl fmt::Debug for Treated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Treated")
    }
}
