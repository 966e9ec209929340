//! From a poll to those who want to hear of it: the user's hooks, and the tiers.
//!
//! Nothing here runs for a poll unless somebody is armed, or the watchdog has accused the thread.

use std::panic::Location;
use std::sync::Arc;

use tokio::task::Id;

use super::{HookRegistry, PollContext};
use crate::heartbeat::attention::Answer;
use crate::heartbeat::pool::Line;
use crate::heartbeat::{Heart, Party, hooks, seat};
use crate::rescue::internal;
use crate::stall_report::{Reports, StallEnd};
use crate::task::{Group, context};
use crate::tier::TierManager;
use crate::tier::accusation::Accusation;
use crate::tier::verdict::Ended;

/// Who hears of the polls of one runtime.
#[derive(Clone, Debug)]
pub(crate) struct Dispatch {
    pub(crate) heart: Arc<Heart>,
    pub(crate) tiers: TierManager,
    pub(crate) registry: Option<HookRegistry>,
    pub(crate) reports: Arc<Reports>,
}

impl Dispatch {
    /// A poll begins, and its thread's attention is wanted.
    pub(crate) fn before(&self, line: &Line, task: Id, spawned_at: &'static Location<'static>) {
        if !line.attention.is_armed() || internal::is_internal(spawned_at) {
            return;
        }
        // At once, and also for those who want something else: it is less than to ask who wants what.
        line.named.note(line.beat.snapshot(), task, spawned_at);
        if let Some(registry) = self.registry.as_ref().filter(|registry| registry.is_armed()) {
            line.attention.attend();
            registry.before_poll(&PollContext::new(task, spawned_at));
        }
        // Last: what the user's hooks do belongs to the poll, but is no reason to wait with a permit
        // in hand.
        if self.heart.is_armed_for(Party::Tiers) && self.tiers.before(task, spawned_at) {
            line.attention.attend();
        }
    }

    /// A poll ends, and its thread's attention is wanted.
    pub(crate) fn after(&self, line: &Line, task: Id, spawned_at: &'static Location<'static>) {
        line.named.forget();
        let accusation = self.answer(line);
        // Nobody judges Pulse's own tasks, which run when the machine is busy, and nobody treats them.
        let is_own = internal::is_internal(spawned_at);
        let attended = line.attention.is_attended() && !is_own;
        let charged = accusation.filter(|_| !is_own);
        if attended || charged.is_some() {
            let ended = self.tiers.after(task, spawned_at, charged);
            if ended.treated {
                line.attention.leave();
            }
            self.note(ended);
        }
        if let Some(accusation) = accusation {
            self.tell_end(accusation, task, spawned_at);
        }
        let Some(registry) = &self.registry else { return };
        if attended && registry.after_poll(&PollContext::new(task, spawned_at)) {
            line.attention.leave();
        }
    }

    /// A task is done, for those who see no terminate hook.
    #[allow(dead_code, reason = "for the wrapper of stable Tokio")]
    pub(crate) fn complete(&self, task: Id, spawned_at: &'static Location<'static>) {
        if let Some(registry) = &self.registry {
            registry.on_complete(&PollContext::new(task, spawned_at));
        }
    }

    /// Now it is known whose poll it was that was reported.
    fn tell_end(&self, accusation: Accusation, task: Id, spawned_at: &'static Location<'static>) {
        let Some(stall) = accusation.told else { return };
        let cpu = accusation.cpu_then.zip(accusation.cpu_now);
        let context = context::last_polled(task);
        let context = context.as_deref();
        self.reports.ended(StallEnd {
            stall,
            task_id: Some(task),
            task_name: context.and_then(|context| context.name().map(str::to_owned)),
            task_group: context.and_then(|context| context.group().map(Group::id)),
            spawned_at: Some(spawned_at),
            lasted: accusation.ended.saturating_sub(accusation.since),
            cpu_used: cpu.map(|(then, now)| now.saturating_sub(then)),
        });
    }

    fn note(&self, ended: Ended) {
        if ended.violation || ended.slow || ended.handed_off {
            seat::with_slot(&self.heart, |slot| {
                let counters = &slot.thread.counters;
                if ended.violation {
                    counters.violated();
                }
                if ended.slow {
                    counters.was_slow();
                }
                if ended.handed_off {
                    counters.handed_off();
                }
            });
        }
    }

    /// Takes the watchdog's charge from the thread; `None` if there is none against this poll.
    fn answer(&self, line: &Line) -> Option<Accusation> {
        let answer = line.attention.answer(line.beat.snapshot().polls());
        if answer == Answer::NotAccused {
            return None;
        }
        let mut accusation = None;
        seat::with_slot(&self.heart, |slot| {
            // Dropped here in any case, and with it what the watchdog did to the thread.
            let Some(charge) = slot.thread.charge.take() else { return };
            let holds = answer == Answer::Accused && hooks::can_be_blamed();
            // Else the watchdog tells.
            let told = holds && slot.take_told(charge.stall);
            accusation = holds.then(|| Accusation {
                since: charge.since,
                ended: self.heart.began.elapsed(),
                cpu_then: charge.cpu_then,
                cpu_now: slot.cpu_time(),
                milestone: charge.milestone,
                run_delay_now: slot.run_delay(),
                others_waited: charge
                    .milestone
                    .and_then(|then| then.others_waited)
                    .map(|then| self.heart.registry.others_waited(slot).saturating_sub(then)),
                cause: charge.cause,
                told: told.then_some(charge.stall),
            });
        });
        accusation
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use crate::rescue::internal;
    use crate::{Builder, CpuTimer};

    const BURST: Duration = Duration::from_millis(60);
    const PATIENCE: Duration = Duration::from_secs(60);

    fn burn() {
        let timer = CpuTimer::start();
        while timer.elapsed() < BURST {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn own_tasks_that_are_slow_are_nobodys_offenders() {
        let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let handle = runtime.handle().clone();
        let (done_in, done) = mpsc::channel();
        for _ in 0..3 {
            let done = done_in.clone();
            internal::spawn(handle.tokio(), async move {
                burn();
                let _ = done.send(());
            });
        }
        (0..3).for_each(|_| done.recv_timeout(PATIENCE).unwrap());
        let began = Instant::now();
        while handle.tiers().spawn_sites().iter().all(|site| site.file() != file!()) {
            assert!(began.elapsed() < PATIENCE, "nobody is judged");
            drop(runtime.block_on(runtime.spawn(async { burn() })));
        }
        // All polls have ended then.
        drop(runtime);
        let sites = handle.tiers().spawn_sites();
        assert!(sites.iter().all(|site| site.file() == file!()), "{sites:?}");
        let suspects = handle.tiers().suspects();
        assert!(suspects.iter().all(|one| one.spawned_at().0 == file!()), "{suspects:?}");
    }
}
