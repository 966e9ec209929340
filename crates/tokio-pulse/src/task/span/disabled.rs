//! Without the feature `tokio-console`.

use std::panic::Location;

use tokio::task::Id;

use crate::task::TaskContext;
use crate::tier::TierManager;

#[derive(Clone, Debug, Default)]
pub(crate) struct TaskSpan(());

#[must_use]
pub(crate) struct Entered;

impl TaskSpan {
    pub(crate) fn may_be_wanted(&self) -> bool {
        false
    }

    pub(crate) fn keep(
        &mut self,
        _task: Id,
        _spawned_at: &'static Location<'static>,
        _context: Option<&TaskContext>,
        _tiers: Option<&TierManager>,
    ) {
    }

    pub(crate) fn enter(&self) -> Entered {
        Entered
    }
}
