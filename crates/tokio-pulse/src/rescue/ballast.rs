//! Ballast: a task that keeps the worker it runs on asleep, until the watchdog needs it.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake};

use tokio::runtime::Handle;

use crate::heartbeat::{hooks, seat};
use crate::pulse::Core;
use crate::rescue::internal;

/// Spawns one ballast for a summons that was made before.
pub(crate) fn spawn(core: &Arc<Core>, runtime: &Handle) {
    let core = core.clone();
    internal::spawn(runtime, async move { stand_by(&core).await });
}

async fn stand_by(core: &Core) {
    while core.reserve.answer() {
        set_hostages_free();
        if !holds_worker() {
            // Another thread took the worker meanwhile: there is nothing here to keep asleep.
            if core.reserve.decline() {
                tokio::task::yield_now().await;
                continue;
            }
            return;
        }
        wake_somebody_for_them();
        seat::with_slot_as_worker(&core.heart, |slot| {
            hooks::claim_worker(&core.heart.registry, slot);
            slot.beat().join_reserve();
        });
        core.reserve.stand_by();
        seat::with_slot_as_worker(&core.heart, |slot| slot.beat().leave_reserve());
        return;
    }
}

/// Two kinds of tasks cannot be stolen from a worker: the one in its LIFO slot, and those that
/// have yielded since it last polled the driver. Entering `block_in_place` moves both kinds to the
/// queue that can be stolen from. The worker itself comes back at once in almost all cases; see
/// `holds_worker` for the others.
fn set_hostages_free() {
    tokio::task::block_in_place(|| {});
}

/// Whether this thread still holds a worker after `block_in_place`.
///
/// A yield is noted for later on a thread with a worker, and passed to the waker at once on a
/// thread without. Should Tokio change that, a ballast may sleep on a thread that holds no worker:
/// one reserve too few sleeps, and nothing else is lost.
pub(crate) fn holds_worker() -> bool {
    struct Woken(AtomicBool);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let woken = Arc::new(Woken(AtomicBool::new(false)));
    let waker = woken.clone().into();
    let _ = pin!(tokio::task::yield_now()).poll(&mut Context::from_waker(&waker));
    !woken.0.load(Ordering::Relaxed)
}

/// The hostages are in the queue now, but nobody was told: a worker that was woken for this ballast
/// may have looked there too early, and be asleep again. The first of two empty tasks goes to the
/// LIFO slot and wakes nobody; the second pushes it into the queue, behind the hostages, and wakes a
/// sleeper, which finds them and the driver.
fn wake_somebody_for_them() {
    let runtime = Handle::current();
    internal::nudge(&runtime);
    internal::nudge(&runtime);
}
