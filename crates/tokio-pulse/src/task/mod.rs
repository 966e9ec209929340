//! What a user can say of a task.

mod priority;

pub use priority::TaskPriority;
