//! The public hooks around every poll, on real runtimes.

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use common::{builder, eventually};
use tokio::task::{Id, yield_now};
use tokio_pulse::{HookRegistry, PollContext, PreemptionHooks};

/// What was called for each task, in its order.
#[derive(Default)]
struct Recorder(Mutex<HashMap<Id, Vec<&'static str>>>);

impl Recorder {
    fn note(&self, task: &PollContext<'_>, what: &'static str) {
        self.0.lock().unwrap().entry(task.id()).or_default().push(what);
    }

    fn of(&self, task: Id) -> Vec<&'static str> {
        self.0.lock().unwrap().get(&task).cloned().unwrap_or_default()
    }
}

impl PreemptionHooks for Recorder {
    fn before_poll(&self, task: &PollContext<'_>) {
        self.note(task, "before");
    }

    fn after_poll(&self, task: &PollContext<'_>) {
        self.note(task, "after");
    }

    fn on_yield(&self, task: &PollContext<'_>) {
        self.note(task, "yield");
    }

    fn on_complete(&self, task: &PollContext<'_>) {
        self.note(task, "complete");
    }
}

#[test]
fn each_poll_has_a_beginning_and_an_end_and_says_whether_it_was_the_last() {
    let registry = HookRegistry::new();
    let recorder = Arc::new(Recorder::default());
    registry.add(recorder.clone());
    let mut builder = builder(2);
    let runtime = builder.hook_registry(&registry).build().unwrap();
    let task = runtime.spawn(async {
        yield_now().await;
    });
    let id = task.id();
    runtime.block_on(task).unwrap();
    eventually("the last poll has ended", || {
        recorder.of(id).iter().filter(|c| **c == "after").count() == 2
    });
    let calls = recorder.of(id);
    assert_eq!(calls[..3], ["before", "yield", "after"]);
    // Where a task is done within its last poll differs between Tokio's hooks and the wrapper.
    assert_eq!(calls[3], "before");
    assert!(calls[4..].contains(&"complete") && !calls[4..].contains(&"yield"), "{calls:?}");
}

#[test]
fn a_panicking_task_and_a_cancelled_one_are_complete() {
    let registry = HookRegistry::new();
    let recorder = Arc::new(Recorder::default());
    registry.add(recorder.clone());
    let mut builder = builder(1);
    let runtime = builder.hook_registry(&registry).build().unwrap();
    let panicking = runtime.spawn(async { panic!("of the test") });
    let waiting = runtime.spawn(std::future::pending::<()>());
    let ids = [panicking.id(), waiting.id()];
    assert!(runtime.block_on(panicking).is_err());
    eventually("it waits", || recorder.of(ids[1]).contains(&"after"));
    waiting.abort();
    assert!(runtime.block_on(waiting).is_err());
    for id in ids {
        eventually("it is complete", || recorder.of(id).contains(&"complete"));
    }
    let count = |what| recorder.of(ids[0]).iter().filter(|call| **call == what).count();
    eventually("the panicking poll has ended", || count("before") == count("after"));
}

#[test]
fn hooks_are_swapped_while_polls_run_and_each_poll_ends_with_those_it_began_with() {
    #[derive(Default)]
    struct Balance {
        begun: AtomicUsize,
        ended: AtomicUsize,
    }
    impl PreemptionHooks for Balance {
        fn before_poll(&self, _task: &PollContext<'_>) {
            self.begun.fetch_add(1, Relaxed);
        }
        fn after_poll(&self, _task: &PollContext<'_>) {
            self.ended.fetch_add(1, Relaxed);
        }
    }
    let registry = HookRegistry::new();
    let mut builder = builder(2);
    let runtime = builder.hook_registry(&registry).build().unwrap();
    let over = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let over = over.clone();
            runtime.spawn(async move {
                while over.load(Relaxed) == 0 {
                    yield_now().await;
                }
            })
        })
        .collect();
    let generations: Vec<_> = (0..50)
        .map(|_| {
            let balance = Arc::new(Balance::default());
            registry.replace(vec![balance.clone()]);
            eventually("it is called", || balance.begun.load(Relaxed) > 0);
            balance
        })
        .collect();
    registry.clear();
    assert!(registry.is_empty());
    for balance in &generations {
        eventually("all that began has ended", || {
            balance.begun.load(Relaxed) == balance.ended.load(Relaxed)
        });
    }
    // Nobody is called any more, once the polls of the change are over.
    eventually("the last one is left alone", || {
        let before = generations[49].begun.load(Relaxed);
        std::thread::sleep(std::time::Duration::from_millis(5));
        generations[49].begun.load(Relaxed) == before
    });
    over.store(1, Relaxed);
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
}

#[test]
fn a_panicking_hook_harms_neither_the_poll_nor_the_other_hooks() {
    struct Panics;
    impl PreemptionHooks for Panics {
        fn before_poll(&self, _task: &PollContext<'_>) {
            panic!("of the test");
        }
        fn on_complete(&self, _task: &PollContext<'_>) {
            panic!("of the test");
        }
    }
    let registry = HookRegistry::new();
    let recorder = Arc::new(Recorder::default());
    registry.add(Arc::new(Panics));
    registry.add(recorder.clone());
    let mut builder = builder(1);
    let runtime = builder.hook_registry(&registry).build().unwrap();
    let task = runtime.spawn(async { 42 });
    let id = task.id();
    assert_eq!(runtime.block_on(task).unwrap(), 42);
    eventually("the other hooks were called", || recorder.of(id).contains(&"complete"));
    assert!(registry.panics() >= 2);
}

#[cfg(tokio_unstable)]
#[test]
fn the_users_own_tokio_hooks_are_called_beside() {
    static POLLS: AtomicUsize = AtomicUsize::new(0);
    let registry = HookRegistry::new();
    let recorder = Arc::new(Recorder::default());
    registry.add(recorder.clone());
    let mut builder = builder(1);
    builder.on_before_task_poll(|_| {
        POLLS.fetch_add(1, Relaxed);
    });
    let runtime = builder.hook_registry(&registry).build().unwrap();
    let task = tokio_pulse::Handle::spawn(runtime.handle(), async {});
    let id = task.id();
    runtime.block_on(task).unwrap();
    eventually("both were called", || {
        POLLS.load(Relaxed) > 0 && recorder.of(id).contains(&"after")
    });
}

#[cfg(tokio_unstable)]
#[test]
fn a_registry_serves_a_runtime_that_pulse_does_not_watch() {
    let registry = HookRegistry::new();
    let recorder = Arc::new(Recorder::default());
    let mut tokio = tokio::runtime::Builder::new_multi_thread();
    registry.install_into(tokio.worker_threads(1));
    let runtime = tokio.build().unwrap();
    runtime.block_on(runtime.spawn(async {})).unwrap();
    registry.add(recorder.clone());
    let task = runtime.spawn(async {});
    let id = task.id();
    runtime.block_on(task).unwrap();
    eventually("its poll was heard", || recorder.of(id) == ["before", "complete", "after"]);
}
