//! Rescue on a real runtime: whatever polls do, the other tasks run.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{Stall, eventually, rescue_only as builder, ticks_while};
use tokio::task::yield_now;
use tokio_pulse::Builder;

/// A short slice: what follows from one slice to the next follows soon.
fn quick(workers: usize) -> Builder {
    let mut builder = builder(workers);
    builder.slice(Duration::from_millis(3));
    builder
}

#[test]
fn one_stalled_worker_of_two() {
    let runtime = builder(2).build().unwrap();
    let stall = Stall::spawn_on(&runtime);
    ticks_while(&runtime, &stall, 50);
    stall.end();
    eventually("the stall is counted and rescued", || {
        let metrics = runtime.metrics();
        metrics.stalls() >= 1 && metrics.stalls_rescued() >= 1 && metrics.stalls_in_progress() == 0
    });
}

#[test]
fn the_only_worker_stalls() {
    let runtime = builder(1).build().unwrap();
    let stall = Stall::spawn_on(&runtime);
    ticks_while(&runtime, &stall, 50);
    stall.end();
}

#[test]
fn all_workers_stall_at_once_and_the_driver_with_them() {
    let runtime = builder(4).build().unwrap();
    let stalls: Vec<_> = (0..4).map(|_| Stall::spawn_on(&runtime)).collect();
    ticks_while(&runtime, &stalls[0], 50);
    eventually("all four are seen", || runtime.metrics().stalls_in_progress() == 4);
    stalls.iter().for_each(Stall::end);
    eventually("all four are over", || runtime.metrics().stalls_in_progress() == 0);
}

#[test]
fn a_blocking_stall_is_rescued_like_a_computing_one() {
    let runtime = builder(1).build().unwrap();
    let stall = Stall::blocking_on(&runtime);
    ticks_while(&runtime, &stall, 50);
    stall.end();
    eventually("the stall is counted", || runtime.metrics().stalls() >= 1);
}

#[test]
fn an_endless_loop_costs_one_reserve_and_nothing_else() {
    let runtime = builder(2).reserve_workers(2).build().unwrap();
    let stall = Stall::spawn_on(&runtime);
    // Long enough for the watchdog's pace to fall to that of an old stall.
    ticks_while(&runtime, &stall, 1_000);
    eventually("one is stalled and one reserve is up", || {
        let metrics = runtime.metrics();
        let stalled = metrics.workers().iter().filter(|worker| worker.is_stalled()).count();
        metrics.stalls_in_progress() == 1 && stalled == 1 && metrics.reserves_free() == 1
    });
    assert!(runtime.metrics().longest_stall() > Duration::from_millis(100));
    stall.end();
}

#[test]
fn the_reserve_comes_back() {
    let runtime = quick(2).reserve_workers(3).build().unwrap();
    eventually("the reserve is asleep", || runtime.metrics().reserves_free() == 3);
    for _ in 0..5 {
        let stalls: Vec<_> = (0..3).map(|_| Stall::spawn_on(&runtime)).collect();
        eventually("the reserve stands in", || runtime.metrics().reserves_free() == 0);
        stalls.iter().for_each(Stall::end);
        eventually("the reserve is asleep again", || runtime.metrics().reserves_free() == 3);
    }
}

#[test]
fn an_exhausted_reserve_is_counted_and_recovers() {
    let runtime = builder(1).reserve_workers(1).build().unwrap();
    eventually("the reserve is asleep", || runtime.metrics().reserves_free() == 1);
    let stalls: Vec<_> = (0..2).map(|_| Stall::spawn_on(&runtime)).collect();
    eventually("exhaustion is counted", || runtime.metrics().exhausted() >= 1);
    // Nobody is left; what waits is served as soon as one of the stalls ends.
    let waiting = runtime.spawn(async {});
    std::thread::sleep(Duration::from_millis(50));
    assert!(!waiting.is_finished());
    stalls[0].end();
    runtime.block_on(waiting).unwrap();
    stalls[1].end();
    eventually("the reserve is asleep again", || runtime.metrics().reserves_free() == 1);
    assert!(runtime.metrics().stalls() > runtime.metrics().stalls_rescued());
}

#[test]
fn without_a_reserve_there_is_detection() {
    let runtime = builder(2).reserve_workers(0).build().unwrap();
    let stall = Stall::spawn_on(&runtime);
    eventually("the stall is seen", || runtime.metrics().stalls() >= 1);
    stall.end();
    eventually("its end is seen", || runtime.metrics().stalls_in_progress() == 0);
    assert_eq!(runtime.metrics().stalls_rescued(), 0);
}

#[test]
fn stalls_by_the_thousand() {
    let runtime = builder(2).slice(Duration::from_millis(1)).reserve_workers(4).build().unwrap();
    let done = Arc::new(AtomicUsize::new(0));
    for _ in 0..1_000 {
        let done = done.clone();
        runtime.spawn(async move {
            std::thread::sleep(Duration::from_millis(4));
            done.fetch_add(1, Ordering::Relaxed);
        });
    }
    eventually("every task has run", || done.load(Ordering::Relaxed) == 1_000);
    eventually("all is quiet", || {
        let metrics = runtime.metrics();
        metrics.stalls_in_progress() == 0 && metrics.reserves_free() == 4
    });
    // An emulator lets the watchdog look too seldom to see most of them.
    let enough = runtime.metrics().stalls() >= 100 || common::is_emulated();
    assert!(enough, "{:?}", runtime.metrics());
}

/// A task that has yielded waits on its worker, where nobody can steal it, until the worker polls
/// the driver. Ballast that comes to such a worker must not take it hostage.
#[test]
fn ballast_takes_no_yielding_task_hostage() {
    if !common::tells_sleepers() {
        // Nobody then tells a poll that the kernel set aside from a stall, of which so many threads on
        // few processors always have one: the reserve stays out.
        return eprintln!("skipped: this system does not tell which threads run");
    }
    let runtime = quick(2).reserve_workers(6).build().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let turns: Vec<_> = (0..16).map(|_| Arc::new(AtomicUsize::new(0))).collect();
    for turn in &turns {
        let (turn, stop) = (turn.clone(), stop.clone());
        runtime.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                turn.fetch_add(1, Ordering::Relaxed);
                yield_now().await;
            }
        });
    }
    // Each round releases reserves and calls them back, among tasks that yield all the time.
    for _ in 0..5 {
        let stalls: Vec<_> = (0..4).map(|_| Stall::spawn_on(&runtime)).collect();
        eventually("the reserve stands in", || runtime.metrics().reserves_free() <= 2);
        stalls.iter().for_each(Stall::end);
        // Not all of it: on a loaded machine somebody is set aside by the kernel now and then.
        eventually("ballast has come back", || runtime.metrics().reserves_free() >= 4);
        let before: Vec<_> = turns.iter().map(|turn| turn.load(Ordering::Relaxed)).collect();
        eventually("every task has had its turn", || {
            turns.iter().zip(&before).all(|(turn, before)| turn.load(Ordering::Relaxed) > *before)
        });
    }
    stop.store(true, Ordering::Relaxed);
}

/// Tasks spawned by code that has never heard of Pulse.
#[test]
fn third_party_tasks_are_rescued_too() {
    let runtime = builder(1).build().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let hog = over.clone();
    let _context = runtime.enter();
    let hog = tokio::spawn(async move {
        while !hog.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    });
    let ticker = tokio::spawn(async {
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    runtime.block_on(ticker).unwrap();
    assert!(!hog.is_finished());
    over.store(true, Ordering::Relaxed);
    runtime.block_on(hog).unwrap();
}

/// Sockets go on: the worker that stalls had the I/O driver, and the other one slept elsewhere.
#[test]
fn sockets_go_on_while_workers_stall() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let runtime = builder(2).build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut byte = [0];
                while socket.read_exact(&mut byte).await.is_ok() {
                    socket.write_all(&byte).await.unwrap();
                }
            });
        }
    });
    let stalls: Vec<_> = (0..2).map(|_| Stall::spawn_on(&runtime)).collect();
    let client = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(common::PATIENCE)).unwrap();
        for n in 0..50u8 {
            socket.write_all(&[n]).unwrap();
            let mut byte = [0];
            socket.read_exact(&mut byte).unwrap();
            assert_eq!(byte, [n]);
        }
    });
    client.join().unwrap();
    assert!(stalls.iter().all(|stall| !stall.is_over()));
    stalls.iter().for_each(Stall::end);
}

#[test]
fn an_idle_runtime_is_left_alone() {
    let runtime = builder(2).build().unwrap();
    runtime.block_on(async { tokio::time::sleep(Duration::from_millis(5)).await });
    let deadline = Instant::now() + common::PATIENCE;
    loop {
        let before = runtime.metrics().watchdog_looks();
        std::thread::sleep(Duration::from_millis(300));
        if runtime.metrics().watchdog_looks() == before {
            break;
        }
        assert!(Instant::now() < deadline, "the watchdog never went to sleep");
    }
    // And it is there when it is needed again.
    let stall = Stall::spawn_on(&runtime);
    ticks_while(&runtime, &stall, 20);
    stall.end();
}

/// Ballast may come to the very worker that slept on timers and sockets, while the others sleep
/// where only another worker can wake them. Somebody must take the driver over.
#[test]
fn ballast_does_not_take_the_driver_to_sleep() {
    let runtime = quick(2).reserve_workers(2).build().unwrap();
    for _ in 0..20 {
        let stall = Stall::spawn_on(&runtime);
        eventually("the reserve stands in", || runtime.metrics().reserves_free() < 2);
        // Goes on for longer than it takes the ballast to come back. Whoever served the last timer
        // was the last to fall asleep, and is the first whom Tokio wakes for the ballast.
        let sleeper = runtime.spawn(async {
            for _ in 0..15 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        stall.end();
        eventually("the sleeper wakes up", || sleeper.is_finished());
    }
}

/// The worker that waits on the driver wakes up for a timer, and the task it finds there stalls. No
/// reserve could help here; the other worker can, once it is told to look.
#[test]
fn a_nudge_brings_the_driver_back() {
    let runtime = builder(2).reserve_workers(0).build().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let hog = over.clone();
    let hog = runtime.spawn(async move {
        tokio::time::sleep(Duration::from_millis(20)).await;
        while !hog.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    });
    let ticker = runtime.spawn(async {
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    eventually("the ticker has had its turns", || ticker.is_finished());
    assert!(!hog.is_finished());
    over.store(true, Ordering::Relaxed);
}
