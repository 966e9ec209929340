//! What is watched: one unit a thread, or a worker where Tokio tells no more.

use std::sync::Arc;

use crate::heartbeat::slot::Slot;
use crate::watchdog::scan::Memory;

/// One thing to look at, and what was seen of it.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) slot: Option<Arc<Slot>>,
    pub(crate) memory: Memory,
    /// The number of the last stall, which no other in the process has; 0 before the first.
    pub(crate) stall: u64,
}

impl Unit {
    pub(crate) fn new(slot: Option<Arc<Slot>>) -> Self {
        Self { slot, memory: Memory::new(), stall: 0 }
    }

    /// The name of the thread, for people.
    pub(crate) fn thread_name(&self) -> &str {
        self.slot.as_ref().and_then(|slot| slot.thread.name.as_deref()).unwrap_or("unnamed")
    }

    /// Whether the thread has left Tokio's park for something other than ballast.
    pub(crate) fn is_awake(&self) -> bool {
        self.slot.as_ref().is_some_and(|slot| {
            let beat = slot.beat().snapshot();
            beat.is_awake() && !beat.in_reserve()
        })
    }
}
