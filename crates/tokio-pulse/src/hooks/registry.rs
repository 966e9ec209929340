//! Which hooks there are, changeable while polls run.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;
use tokio::task::Id;

use super::{PollContext, PreemptionHooks};
use crate::heartbeat::{Heart, Party};

type HookList = Vec<Arc<dyn PreemptionHooks>>;

/// A list of [`PreemptionHooks`] that can be changed while the runtime runs.
///
/// Cheap to clone; clones share the list. One registry may serve several runtimes. Give it to a
/// [`Builder`](crate::Builder::hook_registry), or, with `--cfg tokio_unstable`, install it into a
/// Tokio builder with `install_into`. While it is empty, polls of a Pulse runtime cost nothing more.
#[derive(Clone, Default)]
pub struct HookRegistry {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Whether the list has entries: all that a poll looks at while it has none.
    armed: AtomicBool,
    hooks: ArcSwap<HookList>,
    panics: AtomicU64,
    /// The runtimes whose polls call.
    hearts: Mutex<Vec<Weak<Heart>>>,
}

thread_local! {
    /// The lists that the running polls began with, innermost last. Whoever heard the beginning of
    /// a poll hears its end.
    static RUNNING: RefCell<Vec<(Id, Arc<HookList>)>> = const { RefCell::new(Vec::new()) };
    /// The task that was done last on this thread.
    static DONE: Cell<Option<Id>> = const { Cell::new(None) };
}

impl HookRegistry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds hooks behind those that are there.
    pub fn add(&self, hooks: Arc<dyn PreemptionHooks>) {
        self.shared.hooks.rcu(|list| {
            let mut list = HookList::clone(list);
            list.push(hooks.clone());
            list
        });
        self.arm();
    }

    /// Puts other hooks in the place of all that are there. Polls that run now end with the hooks
    /// they began with.
    pub fn replace(&self, hooks: Vec<Arc<dyn PreemptionHooks>>) {
        self.shared.hooks.store(Arc::new(hooks));
        self.arm();
    }

    /// Removes all hooks.
    pub fn clear(&self) {
        self.replace(Vec::new());
    }

    /// How many hooks there are.
    pub fn len(&self) -> usize {
        self.shared.hooks.load().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Panics in hooks, which were caught.
    pub fn panics(&self) -> u64 {
        self.shared.panics.load(Relaxed)
    }

    /// Lets the polls of a runtime call.
    pub(crate) fn serve(&self, heart: &Arc<Heart>) {
        self.lock_hearts().push(Arc::downgrade(heart));
        self.arm();
    }

    /// Under the lock, so that the last of several changes has the last word.
    fn arm(&self) {
        let mut hearts = self.lock_hearts();
        let armed = !self.is_empty();
        self.shared.armed.store(armed, Relaxed);
        hearts.retain(|heart| heart.strong_count() > 0);
        for heart in hearts.iter().filter_map(Weak::upgrade) {
            heart.set_armed(Party::Hooks, armed);
        }
    }

    fn lock_hearts(&self) -> MutexGuard<'_, Vec<Weak<Heart>>> {
        self.shared.hearts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether polls have to call at all.
    #[inline]
    pub(crate) fn is_armed(&self) -> bool {
        self.shared.armed.load(Relaxed)
    }

    /// A poll begins.
    pub(crate) fn before_poll(&self, task: &PollContext<'_>) {
        let list = self.shared.hooks.load_full();
        for hooks in list.iter() {
            self.contain(|| hooks.before_poll(task));
        }
        DONE.set(None);
        // While the thread's local storage is torn down there is nowhere to keep it.
        let _ = RUNNING.try_with(|running| running.borrow_mut().push((task.id(), list)));
    }

    /// A poll has ended. False: nobody heard its beginning.
    pub(crate) fn after_poll(&self, task: &PollContext<'_>) -> bool {
        let ended = |running: &RefCell<Vec<(Id, Arc<HookList>)>>| {
            let mut running = running.borrow_mut();
            running.pop_if_last(task.id())
        };
        let Ok(Some(list)) = RUNNING.try_with(ended) else { return false };
        let done = DONE.take() == Some(task.id());
        for hooks in list.iter() {
            if !done {
                self.contain(|| hooks.on_yield(task));
            }
            self.contain(|| hooks.after_poll(task));
        }
        // The last one to hold a list that was replaced drops it.
        self.contain(|| drop(list));
        true
    }

    pub(crate) fn on_complete(&self, task: &PollContext<'_>) {
        // Within its last poll it is told to those who heard that poll begin.
        let running = RUNNING.try_with(|running| running.borrow().last_of(task.id()));
        let list = match running.ok().flatten() {
            Some(list) => list,
            None if self.is_armed() => self.shared.hooks.load_full(),
            None => return,
        };
        DONE.set(Some(task.id()));
        for hooks in list.iter() {
            self.contain(|| hooks.on_complete(task));
        }
    }

    fn contain(&self, call: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(call)).is_err() {
            self.shared.panics.fetch_add(1, Relaxed);
        }
    }
}

/// The polls that run on a thread, innermost last.
trait Running {
    fn last_of(&self, task: Id) -> Option<Arc<HookList>>;
    fn pop_if_last(&mut self, task: Id) -> Option<Arc<HookList>>;
}

impl Running for Vec<(Id, Arc<HookList>)> {
    fn last_of(&self, task: Id) -> Option<Arc<HookList>> {
        self.last().filter(|(id, _)| *id == task).map(|(_, list)| list.clone())
    }

    fn pop_if_last(&mut self, task: Id) -> Option<Arc<HookList>> {
        let list = self.last_of(task)?;
        self.pop();
        Some(list)
    }
}

impl fmt::Debug for HookRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookRegistry").field("len", &self.len()).finish_non_exhaustive()
    }
}
