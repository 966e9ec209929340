//! Tasks whose CPU time is counted together, such as all that serve one request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio_pulse_sys::current_thread_cpu_time;

use super::TaskContext;

/// Tasks whose CPU time is counted together: one request, one tenant, one batch job.
///
/// A task belongs to the group that its [`Builder`](super::Builder::group) names, or else to that of
/// the task that spawned it, as long as both are spawned through Pulse. Cheap to clone; clones are
/// the same group.
///
/// On the lane a group has its turns as a single task has them, however many tasks it consists of.
/// When it has a budget and has used it up, its tasks run on the lane from their next poll on.
///
/// The time of polls on the lane and of treated polls is counted always. Other polls are measured in
/// groups with a budget only: two readings of the thread's CPU clock each.
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse::task::{Builder, Group};
///
/// # #[tokio_pulse::main]
/// # async fn main() {
/// let request = Group::with_budget(Duration::from_millis(50));
/// let task = Builder::new().group(&request).spawn(async {
///     let part = tokio_pulse::spawn(async { Group::current() });
///     part.await.unwrap()
/// });
/// assert_eq!(task.await.unwrap(), Some(request));
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Group {
    account: Arc<Account>,
}

#[derive(Debug)]
struct Account {
    id: u64,
    budget: Option<Duration>,
    used_nanos: AtomicU64,
    exhausted: AtomicBool,
}

impl Group {
    /// A group without a budget.
    #[must_use]
    pub fn new() -> Self {
        Self::open(None)
    }

    /// A group that may use so much CPU time before its tasks go to the lane.
    #[must_use]
    pub fn with_budget(budget: Duration) -> Self {
        Self::open(Some(budget))
    }

    fn open(budget: Option<Duration>) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        let id = NEXT_ID.fetch_add(1, Relaxed);
        let (used_nanos, exhausted) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { account: Arc::new(Account { id, budget, used_nanos, exhausted }) }
    }

    /// The group of the task that calls.
    pub fn current() -> Option<Self> {
        TaskContext::current()?.group().cloned()
    }

    /// Unique in this process.
    pub fn id(&self) -> u64 {
        self.account.id
    }

    /// The CPU time that was given to it.
    pub fn budget(&self) -> Option<Duration> {
        self.account.budget
    }

    /// The CPU time of its tasks, as far as it was measured.
    pub fn cpu_time(&self) -> Duration {
        Duration::from_nanos(self.account.used_nanos.load(Relaxed))
    }

    /// Whether it has used up its budget, or was declared [exhausted](Self::exhaust).
    pub fn is_over_budget(&self) -> bool {
        self.account.exhausted.load(Relaxed)
            || self.account.budget.is_some_and(|budget| self.cpu_time() >= budget)
    }

    /// Declares its budget used up, whatever was used, also if it has none: for budgets that are
    /// counted in something else than CPU time.
    ///
    /// ```
    /// let group = tokio_pulse::task::Group::new();
    /// group.exhaust();
    /// assert!(group.is_over_budget());
    /// group.refill();
    /// assert!(!group.is_over_budget());
    /// ```
    pub fn exhaust(&self) {
        self.account.exhausted.store(true, Relaxed);
    }

    /// Forgets what was used, so that the budget begins anew. Tasks on the lane come back after their
    /// next poll.
    pub fn refill(&self) {
        self.account.used_nanos.store(0, Relaxed);
        self.account.exhausted.store(false, Relaxed);
    }

    pub(crate) fn charge(&self, cpu: Duration) {
        let nanos = u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX);
        let add = |used: u64| Some(used.saturating_add(nanos));
        let _ = self.account.used_nanos.fetch_update(Relaxed, Relaxed, add);
    }

    /// Measures a poll on this thread until the guard is dropped.
    pub(crate) fn charge_poll(&self) -> Option<ChargedPoll<'_>> {
        self.account.budget?;
        Some(ChargedPoll { group: self, then: current_thread_cpu_time().ok()? })
    }
}

impl Default for Group {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for Group {
    fn eq(&self, other: &Self) -> bool {
        self.account.id == other.account.id
    }
}

impl Eq for Group {}

pub(crate) struct ChargedPoll<'a> {
    group: &'a Group,
    then: Duration,
}

impl Drop for ChargedPoll<'_> {
    fn drop(&mut self) {
        if let Ok(now) = current_thread_cpu_time() {
            self.group.charge(now.saturating_sub(self.then));
        }
    }
}
