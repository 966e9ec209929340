//! Who runs on the threads of a lane now, for people who ask.
//!
//! A thread writes its name down before a poll and strikes it out after; there are as many entries as
//! threads of the lane. The lock is nothing beside the clocks that are read for each poll there.

use std::cell::OnceCell;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::Id;
use tokio_pulse_sys::current_thread_number;

use super::worker::THREAD_NAME;
use crate::tier::sites::Site;

thread_local! {
    /// It is a system call to find out.
    static NUMBER: OnceCell<Option<i32>> = const { OnceCell::new() };
}

#[derive(Debug, Default)]
pub(crate) struct Roll(Mutex<Vec<Named>>);

/// A poll on a thread of a lane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named {
    pub(crate) thread: &'static str,
    pub(crate) tid: i32,
    pub(crate) task: Id,
    pub(crate) site: Site,
}

/// An entry, until the poll has ended.
#[must_use]
pub(crate) struct Entry<'a> {
    roll: &'a Roll,
    tid: i32,
}

impl Roll {
    /// `None` where threads have no numbers.
    pub(crate) fn enter(&self, task: Id, site: Site) -> Option<Entry<'_>> {
        let tid = NUMBER.with(|number| *number.get_or_init(|| current_thread_number().ok()))?;
        self.lock().push(Named { thread: THREAD_NAME, tid, task, site });
        Some(Entry { roll: self, tid })
    }

    pub(crate) fn now(&self) -> Vec<Named> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Named>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut named = self.roll.lock();
        // From behind: a poll on the lane may run another inside of it.
        if let Some(index) = named.iter().rposition(|named| named.tid == self.tid) {
            named.remove(index);
        }
    }
}
