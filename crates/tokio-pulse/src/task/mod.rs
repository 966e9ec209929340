//! What a user can say of a task that he spawns himself.
//!
//! Tasks that others spawn are reached by rules; see `docs/configuration.md`.

mod builder;
pub(crate) mod context;
mod group;
mod priority;
mod scope;
pub(crate) mod span;
pub(crate) mod wrapper;

pub use builder::Builder;
pub use context::TaskContext;
pub use group::Group;
pub use priority::TaskPriority;
pub use scope::Scope;
