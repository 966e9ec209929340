//! Shutdown in all its forms ends as Tokio's does, and leaves no thread behind.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use common::{PATIENCE, Stall, builder, eventually};

/// Runs `f` on a thread of its own and fails if it does not come back.
#[track_caller]
fn must_return<R: Send + 'static>(what: &str, f: impl FnOnce() -> R + Send + 'static) -> R {
    let (result_out, result_in) = mpsc::channel();
    std::thread::spawn(move || {
        let _ = result_out.send(f());
    });
    result_in.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{what} did not return"))
}

/// Sets a flag when it is dropped.
struct Canary(Arc<AtomicBool>);

impl Drop for Canary {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn drop_of_an_idle_runtime_drops_its_tasks() {
    let dropped = Arc::new(AtomicBool::new(false));
    let canary = Canary(dropped.clone());
    must_return("drop", move || {
        let runtime = builder(2).build().unwrap();
        runtime.spawn(async move {
            let _canary = canary;
            std::future::pending::<()>().await;
        });
        drop(runtime);
    });
    assert!(dropped.load(Ordering::Relaxed));
}

#[test]
fn drop_right_after_build() {
    must_return("drop", || {
        for _ in 0..50 {
            drop(builder(2).build().unwrap());
        }
    });
}

#[test]
fn drop_waits_for_a_stalled_poll_as_tokio_does() {
    let runtime = builder(1).build().unwrap();
    let stall = Arc::new(Stall::spawn_on(&runtime));
    let other = stall.clone();
    let ender = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        other.end();
    });
    let stall = must_return("drop", move || {
        drop(runtime);
        stall
    });
    assert!(stall.is_over());
    ender.join().unwrap();
}

#[test]
fn drop_while_the_reserve_stands_in() {
    must_return("drop", || {
        let runtime = builder(2).reserve_workers(2).build().unwrap();
        let stalls: Vec<_> = (0..4).map(|_| Stall::spawn_on(&runtime)).collect();
        eventually("all are stalled", || runtime.metrics().stalls_in_progress() == 4);
        stalls.iter().for_each(Stall::end);
        drop(runtime);
    });
}

#[test]
fn shutdown_timeout_does_not_wait_longer_for_an_endless_poll() {
    let runtime = builder(2).build().unwrap();
    let handle = runtime.handle().clone();
    let stall = Stall::spawn_on(&runtime);
    must_return("shutdown_timeout", move || runtime.shutdown_timeout(Duration::from_millis(50)));
    assert!(!stall.is_over());
    // The handle outlives it all.
    assert_eq!(handle.metrics().num_workers(), 2);
}

#[test]
fn shutdown_background_from_within_a_task() {
    must_return("shutdown_background", || {
        let outer = builder(2).build().unwrap();
        outer
            .block_on(outer.spawn(async {
                let inner = builder(2).build().unwrap();
                inner.spawn(std::future::pending::<()>());
                inner.shutdown_background();
            }))
            .unwrap();
    });
}

#[test]
fn shutdown_background_while_every_worker_is_stalled() {
    let runtime = builder(2).reserve_workers(1).build().unwrap();
    let stalls: Vec<_> = (0..3).map(|_| Stall::spawn_on(&runtime)).collect();
    must_return("shutdown_background", move || runtime.shutdown_background());
    stalls.iter().for_each(Stall::end);
    eventually("the stalled polls end", || stalls.iter().all(Stall::is_over));
}

/// Tokio refuses to drop a runtime where blocking is not allowed, and so the drop panics.
#[test]
fn drop_within_a_task_panics_as_in_tokio() {
    let message = |error: tokio::task::JoinError| -> String {
        let panic = error.into_panic();
        match panic.downcast::<String>() {
            Ok(message) => *message,
            Err(panic) => (*panic.downcast::<&str>().unwrap()).into(),
        }
    };
    let outer = builder(2).build().unwrap();
    let ours = outer.block_on(outer.spawn(async { drop(builder(1).build().unwrap()) }));
    let theirs = outer.block_on(outer.spawn(async {
        drop(tokio::runtime::Runtime::new().unwrap());
    }));
    assert_eq!(message(ours.unwrap_err()), message(theirs.unwrap_err()));
}

#[test]
fn a_runtime_dropped_before_its_pulse() {
    must_return("the drops", || {
        let mut tokio = tokio::runtime::Builder::new_multi_thread();
        let attachment = builder(2).attach(&mut tokio).unwrap();
        let runtime = tokio.build().unwrap();
        let pulse = attachment.start(runtime.handle()).unwrap();
        eventually("the reserve is asleep", || {
            let metrics = pulse.handle().metrics();
            metrics.reserves_free() == metrics.reserve_workers()
        });
        drop(runtime);
        drop(pulse);
    });
}

#[test]
fn a_pulse_dropped_before_its_runtime_leaves_tokio_as_it_is() {
    let mut tokio = tokio::runtime::Builder::new_multi_thread();
    let attachment = builder(1).reserve_workers(3).attach(&mut tokio).unwrap();
    let runtime = tokio.enable_all().build().unwrap();
    let pulse = attachment.start(runtime.handle()).unwrap();
    eventually("the reserve is asleep", || pulse.handle().metrics().reserves_free() == 3);
    drop(pulse);
    // All four workers serve: four tasks meet at a barrier that blocks.
    let barrier = Arc::new(std::sync::Barrier::new(4));
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let barrier = barrier.clone();
            runtime.spawn(async move { barrier.wait() })
        })
        .collect();
    eventually("all four run at once", || tasks.iter().all(|task| task.is_finished()));
    drop(runtime);
}

#[test]
fn a_panic_in_a_task_is_that_task_s_own() {
    let runtime = builder(1).build().unwrap();
    let error = runtime.block_on(runtime.spawn(async { panic!("own") })).unwrap_err();
    assert!(error.is_panic());
    runtime.block_on(runtime.spawn(async {})).unwrap();
}

#[test]
fn a_panic_while_building_leaves_nothing_behind() {
    let panicked = std::panic::catch_unwind(|| {
        builder(2).thread_name_fn(|| panic!("no name")).build().map(drop)
    });
    assert!(panicked.is_err());
    drop(builder(2).build().unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn no_thread_survives() {
    fn watchdogs() -> usize {
        std::fs::read_dir("/proc/self/task")
            .unwrap()
            .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok())
            .filter(|name| name.trim() == "no-survivors")
            .count()
    }
    let runtime = builder(2).thread_name("no-survivors").build().unwrap();
    eventually("the threads are up", || watchdogs() >= 2);
    drop(runtime);
    eventually("the threads are gone", || watchdogs() == 0);
}
