//! What was said of a task when it was spawned.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::Id;

use super::{Group, TaskPriority};

/// What was said of a task when it was spawned with a [`Builder`](super::Builder).
///
/// ```
/// # #[tokio_pulse::main]
/// # async fn main() {
/// use tokio_pulse::task::{Builder, TaskContext};
///
/// let task = Builder::new().name("import").label("tenant", "42").spawn(async {
///     let context = TaskContext::current().unwrap();
///     assert_eq!(context.name(), Some("import"));
///     assert_eq!(context.label("tenant"), Some("42"));
/// });
/// task.await.unwrap();
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskContext {
    pub(crate) name: Option<String>,
    pub(crate) priority: Option<TaskPriority>,
    pub(crate) budget: Option<Duration>,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) group: Option<Group>,
}

thread_local! {
    /// The contexts of the wrapped tasks whose polls run on this thread, innermost last.
    static CURRENT: RefCell<Vec<Arc<TaskContext>>> = const { RefCell::new(Vec::new()) };
    /// The wrapped task whose poll has ended last, for the hook that follows.
    static LAST: RefCell<Option<(Id, Arc<TaskContext>)>> = const { RefCell::new(None) };
}

impl TaskContext {
    /// The context of the task that calls; `None` outside of tasks, and in tasks that were not
    /// spawned with a [`Builder`](super::Builder).
    pub fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(|current| current.borrow().last().cloned()).ok().flatten()
    }

    /// The name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The priority, if one was given.
    pub fn priority(&self) -> Option<TaskPriority> {
        self.priority
    }

    /// How long a poll may take, if that was given.
    pub fn budget(&self) -> Option<Duration> {
        self.budget
    }

    /// All labels, in the order in which they were given.
    pub fn labels(&self) -> &[(String, String)] {
        &self.labels
    }

    /// The group, if the task belongs to one.
    pub fn group(&self) -> Option<&Group> {
        self.group.as_ref()
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| known == key).map(|(_, value)| &**value)
    }
}

/// What a new task is to have: what was said of it, and the group of the task that spawns it.
pub(crate) fn with_group_of_parent(context: Option<TaskContext>) -> Option<TaskContext> {
    if context.as_ref().is_some_and(|context| context.group.is_some()) {
        return context;
    }
    match Group::current() {
        Some(group) => Some(TaskContext { group: Some(group), ..context.unwrap_or_default() }),
        None => context,
    }
}

/// Makes a context the current one, until this is dropped.
#[must_use]
pub(crate) struct Entered(Option<Id>);

pub(crate) fn enter(context: &Arc<TaskContext>, task: impl Into<Option<Id>>) -> Entered {
    let _ = CURRENT.try_with(|current| current.borrow_mut().push(context.clone()));
    Entered(task.into())
}

impl Drop for Entered {
    fn drop(&mut self) {
        let context = CURRENT.try_with(|current| current.borrow_mut().pop()).ok().flatten();
        if let Some(task) = self.0 {
            let last = context.map(|context| (task, context));
            let _ = LAST.try_with(|cell| cell.replace(last));
        }
    }
}

/// The context of the task whose poll has just ended on this thread.
pub(crate) fn last_polled(task: Id) -> Option<Arc<TaskContext>> {
    let of_task = |last: &RefCell<Option<(Id, Arc<TaskContext>)>>| match &*last.borrow() {
        Some((id, context)) if *id == task => Some(context.clone()),
        _ => None,
    };
    LAST.try_with(of_task).ok().flatten()
}
