//! Whose turn is counted together.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use tokio::task::Id;

use super::queue::Flow;
use crate::task::TaskPriority;

/// Tells a group from a task whose number is the same.
const GROUP: u64 = 1 << 63;

impl Flow {
    /// One task by itself. Tokio does not give its id as a number, but lets it be hashed.
    pub(crate) fn of_task(task: Id, priority: TaskPriority) -> Self {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(task);
        Self { id: hash & !GROUP, priority }
    }

    /// All tasks of a group.
    pub(crate) fn of_group(group: u64, priority: TaskPriority) -> Self {
        Self { id: group | GROUP, priority }
    }
}
