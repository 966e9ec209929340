//! Whether anybody may wait for the worker of the running poll. The essay is in `README.md` beside this
//! file.

use tokio::runtime::RuntimeMetrics;

use super::hostages;
use crate::Handle;
use crate::heartbeat::hooks;
use crate::heartbeat::pool::Line;
use crate::pulse::Core;

/// False only if it is known that nobody does: who is not served by an idle worker would have to be in a
/// queue, or be this worker's hostage.
pub(super) fn somebody_may_wait(line: &Line) -> bool {
    if line.attention.is_accused() {
        // The watchdog does: a stall is named at the end of its poll.
        return true;
    }
    let Ok(Handle { core, tokio }) = Handle::try_current() else { return true };
    let metrics = tokio.metrics();
    let others_can_be_served = core.can_rescue()
        && core.heart.registry.has_idle()
        && metrics.global_queue_depth() == 0
        && own_queue_depth(&metrics) == 0;
    !(others_can_be_served
        && (is_alone(&core, &metrics) || hostages::set_free(line.beat.snapshot(), &tokio)))
}

/// 0 where that is not known: an idle worker takes from there what it is told of.
fn own_queue_depth(metrics: &RuntimeMetrics) -> usize {
    let worker = tokio::runtime::worker_index();
    worker.and_then(|worker| hooks::waiting_behind(metrics, worker)).unwrap_or(0)
}

/// Whether there is no other task, Pulse's own apart: the sentinel, and those that keep the reserve
/// asleep.
fn is_alone(core: &Core, metrics: &RuntimeMetrics) -> bool {
    metrics.num_alive_tasks() <= 2 + core.reserve.counts().parked
}
