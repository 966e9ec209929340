//! A budget that is spent at yield points.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::check::step_aside;
use super::checkpoint::{Checkpoint, hand_over};
use super::current_poll;
use super::request::{Way, is_asked};

/// Makes yield points act before the watchdog asks, or look more seldom.
///
/// Each call of [`check_and_yield`](Self::check_and_yield) or [`checkpoint`](Self::checkpoint) is a
/// *turn*. Every [`interval`](Self::interval)-th turn looks whether
///
/// * the watchdog asks, as it does at a yield point without a budget,
/// * [`cpu`](Self::cpu) has passed in this slice, or
/// * [`polls`](Self::polls) looks have been taken in this slice, this one included,
///
/// and acts if so. A *slice* begins with the first look in each poll of the task, and after each yield.
/// Where Pulse does not see polls one by one (`block_on`, foreign runtimes, and tasks that were not
/// spawned through Pulse without `--cfg tokio_unstable`) only a yield begins one.
///
/// Unlike plain yield points, those with a time or a number also yield where nobody watches.
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse::yield_point::YieldBudget;
///
/// # #[tokio_pulse::main]
/// # async fn main() {
/// let mut budget = YieldBudget::new().cpu(Duration::from_millis(2)).interval(64);
/// let mut sum = 0_u64;
/// for n in 0..100_000 {
///     budget.check_and_yield().await;
///     sum += n;
/// }
/// assert_eq!(sum, 4_999_950_000);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct YieldBudget {
    cpu: Option<Duration>,
    polls: Option<u32>,
    interval: u32,
    /// Turns up to the next look, that one included.
    turns: u32,
    /// Looks up to a yield, the last one included.
    looks: u32,
    /// Since when the slice runs.
    began: Option<Instant>,
    /// The poll at the last look.
    poll: usize,
}

impl YieldBudget {
    /// Without limits: every turn looks whether the watchdog asks.
    pub const fn new() -> Self {
        Self { cpu: None, polls: None, interval: 1, turns: 1, looks: 0, began: None, poll: 0 }
    }

    /// Acts at the first look that is so long after the slice began.
    ///
    /// By the monotonic clock, so that no more CPU time than this is used: what the kernel gives to
    /// others in the meantime counts as well. The clock is read at each look.
    pub const fn cpu(mut self, limit: Duration) -> Self {
        self.cpu = Some(limit);
        self
    }

    /// Acts at the last of so many looks in one slice. 0 counts as 1: each look acts.
    pub const fn polls(mut self, looks: u32) -> Self {
        self.polls = Some(looks);
        self.looks = looks;
        self
    }

    /// Looks at each so manieth turn only, in loops whose turns are short. 0 counts as 1: each turn
    /// looks.
    pub const fn interval(mut self, turns: u32) -> Self {
        self.interval = turns;
        self.turns = turns;
        self
    }

    /// One turn in asynchronous code: yields to the scheduler if the budget is spent or the watchdog
    /// asks. See [`check_and_yield`](super::check_and_yield).
    #[inline]
    pub fn check_and_yield(&mut self) -> BudgetCheck<'_> {
        BudgetCheck { budget: Some(self) }
    }

    /// One turn in synchronous code: hands the worker over if the budget is spent or the watchdog asks.
    /// See [`checkpoint`](super::checkpoint()).
    #[inline]
    pub fn checkpoint(&mut self) -> Checkpoint {
        if self.must_make_room(Way::HandOver) { hand_over() } else { Checkpoint::Passed }
    }

    /// Takes one turn, and says whether to make room. The slice begins anew then.
    #[inline]
    pub(super) fn must_make_room(&mut self, way: Way) -> bool {
        if self.turns > 1 {
            self.turns -= 1;
            return false;
        }
        self.turns = self.interval;
        let spent = is_asked(way) || ((self.cpu.is_some() || self.polls.is_some()) && self.look());
        if spent {
            self.begin_slice();
        }
        spent
    }

    fn look(&mut self) -> bool {
        let poll = current_poll();
        if poll != self.poll {
            self.poll = poll;
            self.begin_slice();
        }
        if self.polls.is_some() {
            if self.looks <= 1 {
                return true;
            }
            self.looks -= 1;
        }
        let Some(limit) = self.cpu else { return false };
        match self.began {
            Some(began) => began.elapsed() >= limit,
            None => {
                self.began = Some(Instant::now());
                limit.is_zero()
            }
        }
    }

    fn begin_slice(&mut self) {
        self.looks = self.polls.unwrap_or_default();
        self.began = None;
    }
}

impl Default for YieldBudget {
    fn default() -> Self {
        Self::new()
    }
}

/// The future of [`YieldBudget::check_and_yield`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct BudgetCheck<'a> {
    /// `None` after the first poll.
    budget: Option<&'a mut YieldBudget>,
}

impl Future for BudgetCheck<'_> {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(budget) = self.budget.take() else { return Poll::Ready(()) };
        if !budget.must_make_room(Way::Yield) {
            return Poll::Ready(());
        }
        step_aside(cx);
        Poll::Pending
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    /// Which of the first turns make room, outside of any runtime.
    fn turns(mut budget: YieldBudget, turns: usize) -> Vec<usize> {
        (1..=turns).filter(|_| budget.must_make_room(Way::Yield)).collect()
    }

    #[test]
    fn nobody_asks_and_nothing_is_limited() {
        assert!(turns(YieldBudget::new(), 1_000).is_empty());
        assert!(turns(YieldBudget::new().interval(0), 1_000).is_empty());
    }

    #[test]
    fn so_many_looks_and_the_last_one_yields() {
        assert_eq!(turns(YieldBudget::new().polls(3), 10), [3, 6, 9]);
        assert_eq!(turns(YieldBudget::new().polls(1), 3), [1, 2, 3]);
        assert_eq!(turns(YieldBudget::new().polls(0), 3), [1, 2, 3]);
    }

    #[test]
    fn turns_between_looks_are_not_counted_as_looks() {
        assert_eq!(turns(YieldBudget::new().interval(4).polls(2), 20), [8, 16]);
        assert_eq!(turns(YieldBudget::new().polls(2).interval(4), 20), [8, 16]);
    }

    #[test]
    fn time_counts_from_the_first_look() {
        let mut budget = YieldBudget::new().cpu(Duration::from_millis(1));
        assert!(!budget.must_make_room(Way::Yield));
        std::thread::sleep(Duration::from_millis(2));
        assert!(budget.must_make_room(Way::Yield));
        assert!(!budget.clone().must_make_room(Way::Yield), "a new slice");
        assert_eq!(turns(YieldBudget::new().cpu(Duration::ZERO), 2), [1, 2]);
        assert!(turns(YieldBudget::new().cpu(Duration::MAX), 100).is_empty());
    }
}
