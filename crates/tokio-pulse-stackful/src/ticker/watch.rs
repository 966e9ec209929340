//! When to interrupt a thread and when to look at it again; no clock, no threads.

use crate::deadlock::PATIENCE_NS;

/// The first retry after a refused preemption; later ones wait twice as long each.
const RETRY_NS: u64 = 50_000;

/// Between two looks at a thread that does nothing.
pub(super) const IDLE_LOOK_NS: u64 = 1_000_000;

/// Between two signals that only look whether a long poll is blocked.
pub(super) const BLOCKED_LOOK_NS: u64 = PATIENCE_NS / 4;

/// What a thread shows at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    pub(crate) beat: u64,
    pub(super) quantum_ns: u64,
    /// Whether somebody waits for the thread.
    pub(super) demand: bool,
}

/// What is remembered of a thread.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watch {
    beat: u64,
    due: u64,
    retry_ns: u64,
    /// When to see whether it is blocked.
    look_due: u64,
}

/// What to do now, and when to look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) interrupt: bool,
    /// Signal it, only to see whether it is blocked.
    pub(super) look: bool,
    pub(super) look_at: u64,
}

impl Watch {
    pub(super) fn look(&mut self, sight: Sight, now: u64) -> Verdict {
        if sight.beat != self.beat {
            self.beat = sight.beat;
            self.due = now.saturating_add(sight.quantum_ns);
            self.retry_ns = RETRY_NS.min(sight.quantum_ns);
            self.look_due = now + BLOCKED_LOOK_NS;
        }
        let nothing = |look_at| Verdict { interrupt: false, look: false, look_at };
        if sight.beat % 2 == 0 {
            return nothing(now + IDLE_LOOK_NS);
        }
        if now < self.due {
            return nothing(self.due);
        }
        if !sight.demand {
            let look = now >= self.look_due;
            if look {
                self.look_due = now + BLOCKED_LOOK_NS;
            }
            // Whoever comes waits for a part of a quantum.
            let look_at = now + (sight.quantum_ns / 4).max(RETRY_NS);
            return Verdict { look, ..nothing(look_at) };
        }
        self.due = now + self.retry_ns;
        self.retry_ns = (self.retry_ns * 2).min(sight.quantum_ns.max(RETRY_NS));
        Verdict { interrupt: true, ..nothing(self.due) }
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    const QUANTUM_NS: u64 = 1_000_000;

    fn sight(beat: u64) -> Sight {
        Sight { beat, quantum_ns: QUANTUM_NS, demand: true }
    }

    #[test]
    fn a_quantum_after_it_is_first_seen_and_then_again_and_again() {
        let mut watch = Watch::default();
        assert_eq!(
            watch.look(sight(1), 0),
            Verdict { interrupt: false, look: false, look_at: QUANTUM_NS }
        );
        let mut now = QUANTUM_NS;
        for wait in [50_000, 100_000, 200_000, 400_000, 800_000, QUANTUM_NS, QUANTUM_NS] {
            let verdict = watch.look(sight(1), now);
            assert_eq!(verdict, Verdict { interrupt: true, look: false, look_at: now + wait });
            now += wait;
        }
        assert!(!watch.look(sight(3), now).interrupt);
    }

    #[test]
    fn nobody_is_interrupted_for_nobody() {
        let mut watch = Watch::default();
        let alone = Sight { demand: false, ..sight(1) };
        let _ = watch.look(alone, 0);
        assert!(!watch.look(alone, QUANTUM_NS).interrupt);
        assert!(watch.look(sight(1), QUANTUM_NS + 1).interrupt);
        assert!(!watch.look(sight(2), 9 * QUANTUM_NS).interrupt);
    }

    #[test]
    fn a_long_poll_is_looked_at_now_and_then() {
        let mut watch = Watch::default();
        let alone = Sight { demand: false, ..sight(1) };
        let looks = (0..4 * PATIENCE_NS).step_by(QUANTUM_NS as usize / 4);
        let looks = looks.filter(|&now| watch.look(alone, now).look).count();
        assert_eq!(looks, 15);
    }
}
