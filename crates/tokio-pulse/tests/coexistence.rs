//! Everything else that Tokio offers goes on to work, beside Pulse and inside of it.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Stall, builder, eventually, ticks_while};
use tokio_pulse::{Builder, Handle};

#[test]
fn several_runtimes_in_one_process_do_not_mix() {
    const LONG: Duration = Duration::from_secs(1);
    let (left, right) = (builder(1).build().unwrap(), builder(1).build().unwrap());
    let stall = Stall::spawn_on(&left);
    eventually("the stall is seen", || left.metrics().stalls() >= 1);
    ticks_while(&left, &stall, 10);
    right.block_on(right.spawn(async {})).unwrap();
    eventually("it is a long one", || left.metrics().longest_stall() > LONG);
    stall.end();
    // A machine that is slow itself may have stalls of its own, but none like that.
    assert!(right.metrics().longest_stall() < LONG, "{:?}", right.metrics());
    let found = right.block_on(async { Handle::current().metrics().longest_stall() });
    assert!(found < LONG, "{found:?}");
}

#[test]
fn a_plain_runtime_has_no_pulse_and_says_so() {
    let error = Handle::try_current().unwrap_err();
    assert!(!error.is_plain_tokio());
    let plain = tokio::runtime::Runtime::new().unwrap();
    let error = plain.block_on(async { Handle::try_current().unwrap_err() });
    assert!(error.is_plain_tokio(), "{error}");
    plain.block_on(async { tokio_pulse::spawn(async {}).await.unwrap() });
}

#[test]
fn a_plain_runtime_nested_in_a_blocking_section_and_the_other_way_round() {
    let pulse = builder(2).build().unwrap();
    let plain = tokio::runtime::Runtime::new().unwrap();
    let plain_handle = plain.handle().clone();
    let answer = pulse.block_on(pulse.spawn(async move {
        tokio::task::block_in_place(|| plain_handle.block_on(async { 6 * 7 }))
    }));
    assert_eq!(answer.unwrap(), 42);
    let pulse_handle = pulse.handle().clone();
    let answer = plain.block_on(plain.spawn(async move {
        tokio::task::block_in_place(|| {
            pulse_handle.block_on(async { tokio::spawn(async { 6 * 7 }).await.unwrap() })
        })
    }));
    assert_eq!(answer.unwrap(), 42);
}

/// A poll that has handed its worker over holds nobody up, and is no stall however long it takes.
#[test]
fn block_in_place_is_no_stall() {
    let runtime = builder(1).build().unwrap();
    let (done_out, done_in) = std::sync::mpsc::channel::<()>();
    let blocker = runtime.spawn(async move {
        tokio::task::block_in_place(move || done_in.recv().unwrap());
    });
    runtime
        .block_on(runtime.spawn(async {
            for _ in 0..100 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }))
        .unwrap();
    assert_eq!(runtime.metrics().stalls_in_progress(), 0);
    done_out.send(()).unwrap();
    runtime.block_on(blocker).unwrap();
}

#[test]
fn spawn_blocking_is_no_stall() {
    const SLOW: Duration = Duration::from_millis(500);
    let runtime = builder(1).build().unwrap();
    let slow = runtime.spawn_blocking(|| std::thread::sleep(SLOW));
    runtime.block_on(slow).unwrap();
    // Where the system does not tell who has the processors, a short one may be the machine's fault.
    assert!(runtime.metrics().longest_stall() < SLOW / 2, "{:?}", runtime.metrics());
}

#[test]
fn a_local_set_runs_on_the_thread_that_blocks_on_it() {
    let runtime = builder(2).build().unwrap();
    let local = tokio::task::LocalSet::new();
    let here = std::thread::current().id();
    let there = runtime.block_on(local.run_until(async {
        let rc = std::rc::Rc::new(());
        tokio::task::spawn_local(async move {
            tokio::task::yield_now().await;
            drop(rc);
            std::thread::current().id()
        })
        .await
        .unwrap()
    }));
    assert_eq!(here, there);
}

#[test]
fn a_current_thread_runtime_detects_and_does_not_rescue() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        tokio_pulse::spawn(async { std::thread::sleep(Duration::from_millis(200)) }).await.unwrap();
    });
    // Nothing runs between two calls of `block_on`, however long that takes.
    std::thread::sleep(Duration::from_millis(300));
    eventually("the stall is seen and over", || {
        let metrics = runtime.metrics();
        metrics.stalls() >= 1 && metrics.stalls_in_progress() == 0
    });
    let metrics = runtime.metrics();
    assert_eq!((metrics.num_workers(), metrics.reserve_workers()), (1, 0));
    assert_eq!((metrics.stalls_rescued(), metrics.exhausted()), (0, 0));
}

#[test]
fn a_current_thread_builder_of_tokio_is_recognised() {
    let tokio = tokio::runtime::Builder::new_current_thread();
    let runtime = Builder::from_tokio(tokio).enable_all().build().unwrap();
    assert_eq!(runtime.metrics().reserve_workers(), 0);
    assert_eq!(runtime.block_on(async { 1 }), 1);
}

#[test]
fn attaching_to_the_wrong_runtime_is_an_error() {
    let mut prepared = tokio::runtime::Builder::new_multi_thread();
    let attachment = builder(2).attach(&mut prepared).unwrap();
    let other = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let error = attachment.start(other.handle()).unwrap_err();
    assert!(error.is_attach() && error.to_string().contains("1 workers"), "{error}");

    let mut prepared = tokio::runtime::Builder::new_current_thread();
    let attachment = builder(2).attach(&mut prepared).unwrap();
    let error = attachment.start(prepared.build().unwrap().handle()).unwrap_err();
    assert!(error.is_attach() && error.to_string().contains("scheduler"), "{error}");
}

#[test]
fn attaching_twice_is_an_error() {
    let mut tokio = tokio::runtime::Builder::new_multi_thread();
    let first = builder(1).reserve_workers(1).attach(&mut tokio).unwrap();
    let second = builder(1).reserve_workers(1).attach(&mut tokio).unwrap();
    let runtime = tokio.build().unwrap();
    let pulse = second.start(runtime.handle()).unwrap();
    let error = first.start(runtime.handle()).unwrap_err();
    assert!(error.is_attach() && error.to_string().contains("already"), "{error}");
    drop(pulse);
}

#[test]
fn invalid_settings_are_errors_and_not_panics() {
    for invalid in [
        builder(0).build().map(drop),
        builder(1).reserve_workers(usize::MAX).build().map(drop),
        builder(1).slice(Duration::ZERO).build().map(drop),
        builder(1).slice(Duration::MAX).build().map(drop),
    ] {
        let error = invalid.unwrap_err();
        assert!(error.is_config());
        assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::InvalidInput);
    }
}

#[test]
fn the_users_thread_hooks_are_called_beside_ours() {
    let parks = Arc::new(AtomicUsize::new(0));
    let unparks = Arc::new(AtomicUsize::new(0));
    let (park, unpark) = (parks.clone(), unparks.clone());
    let runtime = builder(1)
        .on_thread_park(move || {
            park.fetch_add(1, Ordering::Relaxed);
        })
        .on_thread_unpark(move || {
            unpark.fetch_add(1, Ordering::Relaxed);
        })
        .on_thread_unpark(|| panic!("a hook of the user's"))
        .build()
        .unwrap();
    runtime
        .block_on(runtime.spawn(async { tokio::time::sleep(Duration::from_millis(1)).await }))
        .unwrap();
    eventually("the hooks were called", || {
        parks.load(Ordering::Relaxed) > 0 && unparks.load(Ordering::Relaxed) > 0
    });
    eventually("the panics were counted", || runtime.metrics().hook_panics() > 0);
    // And rescue still works.
    let stall = Stall::spawn_on(&runtime);
    ticks_while(&runtime, &stall, 10);
}

#[cfg(tokio_unstable)]
#[test]
fn the_users_task_hooks_are_called_beside_ours_and_see_only_their_tasks() {
    let counts: [Arc<AtomicUsize>; 4] = Default::default();
    let count = |n: usize| {
        let counter = counts[n].clone();
        move |task: &tokio::runtime::TaskMeta<'_>| {
            // Tokio runs its own workers as blocking tasks, and tells the hooks of their end.
            let file = task.spawned_at().file();
            if !file.contains("multi_thread") {
                assert!(file.contains("coexistence"), "{}", task.spawned_at());
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let runtime = builder(2)
        .on_task_spawn(count(0))
        .on_before_task_poll(count(1))
        .on_after_task_poll(|_| panic!("a hook of the user's"))
        .on_after_task_poll(count(2))
        .on_task_terminate(count(3))
        .build()
        .unwrap();
    runtime.block_on(runtime.spawn(async { tokio::task::yield_now().await })).unwrap();
    let seen = || counts.each_ref().map(|count| count.load(Ordering::Relaxed));
    eventually("the hooks were called", || seen() == [1, 2, 2, 1]);
    eventually("the panics were counted", || runtime.metrics().hook_panics() == 2);
}

#[test]
fn polls_are_counted_by_thread() {
    let runtime = builder(2).build().unwrap();
    // Before a thread has met a hook, stable Tokio cannot attribute its polls.
    for _ in 0..100 {
        runtime.block_on(runtime.spawn(async {})).unwrap();
    }
    let polls = || runtime.metrics().workers().iter().map(|worker| worker.polls()).sum::<u64>();
    eventually("they add up", || polls() >= 100);
}

#[test]
fn public_types_are_what_users_need_them_to_be() {
    fn sendable<T: Send + Sync>() {}
    sendable::<tokio_pulse::BuildError>();
    sendable::<tokio_pulse::Runtime>();
    sendable::<tokio_pulse::Pulse>();
    sendable::<tokio_pulse::Handle>();
    sendable::<tokio_pulse::Metrics>();
    sendable::<Builder>();
}

/// Hooks that were given to Tokio's own builder see Pulse's tasks as well. They find their runtime,
/// and a panic in them does not end the watch.
#[cfg(tokio_unstable)]
#[test]
fn a_spawn_hook_of_tokios_builder_harms_nobody() {
    let angry = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let hook = angry.clone();
    let runtime = builder(1)
        .reserve_workers(8)
        .configure_tokio(|tokio| {
            tokio.on_task_spawn(move |task| {
                if !task.spawned_at().file().contains("coexistence") {
                    assert_eq!(tokio::runtime::Handle::current().metrics().num_workers(), 9);
                    assert!(!hook.load(Ordering::Relaxed), "a hook of the user's");
                }
            });
        })
        .build()
        .unwrap();
    eventually("the reserve is asleep", || runtime.metrics().reserves_free() == 8);
    angry.store(true, Ordering::Relaxed);
    let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let hog = over.clone();
    // Spawned here, not in the helper: the hook knows our tasks by this file.
    runtime.spawn(async move {
        while !hog.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    });
    eventually("the watch goes on", || runtime.metrics().stalls_in_progress() == 1);
    over.store(true, Ordering::Relaxed);
    eventually("and on", || runtime.metrics().stalls_in_progress() == 0);
}

#[test]
fn gauges_say_nothing_about_a_runtime_that_is_gone() {
    let runtime = builder(1).build().unwrap();
    let stall = Stall::spawn_on(&runtime);
    eventually("the stall is seen", || runtime.metrics().stalls_in_progress() == 1);
    let handle = runtime.handle().clone();
    runtime.shutdown_background();
    eventually("nobody watches any more", || handle.metrics().stalls_in_progress() == 0);
    stall.end();
}
