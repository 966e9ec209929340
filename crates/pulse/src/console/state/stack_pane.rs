//! One stack, over the view.

use tokio_pulse_proto::v1;

/// What is looked at.
#[derive(Debug)]
pub(crate) enum StackPane {
    /// Of a stall that was told: it is looked up, since it may be told again.
    Stall { stall: u64, scroll: usize },
    /// Asked for, and not there yet.
    Asked(v1::GetStacksRequest),
    /// Of threads, as they were when they were asked for.
    Threads { stacks: Vec<v1::ThreadStack>, scroll: usize },
}

impl StackPane {
    /// Down if it is positive. How far there is something, only the view knows.
    pub(super) fn scroll_by(&mut self, by: isize) {
        if let Self::Stall { scroll, .. } | Self::Threads { scroll, .. } = self {
            // Above this a terminal cannot count.
            *scroll = scroll.saturating_add_signed(by).min(usize::from(u16::MAX));
        }
    }
}
