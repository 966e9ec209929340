//! What counts as an offence, on real runtimes and on machines that are loaded by others. One test at a time: of a
//! poll that slept while threads of its own process were set aside, nothing is held against it but what it burned.

mod common;

#[cfg(target_os = "linux")]
use std::process::{Child, Command};
use std::sync::Arc;
#[cfg(target_os = "linux")]
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use common::eventually;
use common::hog::{BURST, Hog, burn, judging, tier_of};
use tokio::task::{JoinHandle, yield_now};
use tokio_pulse::{Advice, Runtime, Tier};

/// Sleeps on its worker for six slices at a time, until it is over.
fn sleeper(runtime: &Runtime) -> (Arc<AtomicBool>, JoinHandle<()>) {
    let over = Arc::new(AtomicBool::new(false));
    let ends = over.clone();
    let task = runtime.spawn(async move {
        while !ends.load(Ordering::Relaxed) {
            std::thread::sleep(BURST);
            yield_now().await;
        }
    });
    (over, task)
}

#[test]
fn blocking_is_an_offence_and_is_told_from_computing() {
    let _alone = common::alone();
    let runtime = judging(2).build().unwrap();
    let (over, sleeper) = sleeper(&runtime);
    if common::tells_sleepers() {
        eventually("the sleeper is an offender", || {
            runtime.handle().tiers().suspects().iter().any(|s| s.violations() >= 3)
        });
        let sites = runtime.handle().tiers().spawn_sites();
        assert_eq!(sites[0].advice(), Advice::DoNotBlock, "{}", sites[0]);
        assert_eq!(sites[0].file(), file!());
    } else {
        // It may as well have waited for a processor: it is rescued from, and not blamed.
        eventually("the sleeper stalls", || runtime.metrics().stalls() >= 3);
        assert_eq!(runtime.handle().tiers().metrics().violations(), 0);
    }
    over.store(true, Ordering::Relaxed);
    runtime.block_on(sleeper).unwrap();
}

/// Other processes that burn both processors, so that the kernel keeps our threads waiting.
#[cfg(target_os = "linux")]
struct Burners(Vec<Child>);

#[cfg(target_os = "linux")]
impl Burners {
    fn start(n: usize) -> Self {
        let burner = || Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        Self((0..n).map(|_| burner()).collect())
    }
}

#[cfg(target_os = "linux")]
impl Drop for Burners {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Each poll takes a millisecond of a processor, a fifth of the slice, and much longer by the clock.
#[cfg(target_os = "linux")]
#[test]
fn nobody_is_blamed_for_what_the_kernel_does() {
    let _alone = common::alone();
    are_innocent(|| burn(Duration::from_millis(1)));
}

/// Each poll holds a lock for half a millisecond of a processor, as polls do that set timers, and waits for it
/// while another thread that holds it waits for a processor.
#[cfg(target_os = "linux")]
#[test]
fn nobody_is_blamed_for_a_lock_whose_holder_the_kernel_sets_aside() {
    let _alone = common::alone();
    static LOCK: Mutex<()> = Mutex::new(());
    are_innocent(|| {
        let _guard = LOCK.lock().unwrap();
        burn(Duration::from_micros(500));
    });
}

/// Up to three times: when a virtual machine is itself set aside, its kernel may count that as CPU
/// time of whatever thread it was running, and then nothing tells that thread from an offender.
#[cfg(target_os = "linux")]
#[track_caller]
fn are_innocent(poll: fn()) {
    if common::is_emulated() {
        return;
    }
    let _burners = Burners::start(4);
    let blamed: Vec<_> = (0..3).map(|_| blamed(poll)).take_while(|n| *n > 0).collect();
    assert!(blamed.len() < 3, "innocents were blamed each time: {blamed:?}");
}

/// How many of eight times a hundred such polls are.
#[cfg(target_os = "linux")]
fn blamed(poll: fn()) -> u64 {
    let runtime = judging(2).build().unwrap();
    let innocents: Vec<_> = (0..8)
        .map(|_| {
            runtime.spawn(async move {
                for _ in 0..100 {
                    poll();
                    yield_now().await;
                }
            })
        })
        .collect();
    for innocent in innocents {
        runtime.block_on(innocent).unwrap();
    }
    runtime.handle().tiers().metrics().violations()
}

/// It sleeps for six slices while others want the processors: that is its own doing.
#[cfg(target_os = "linux")]
#[test]
fn who_blocks_is_known_on_a_loaded_machine_too() {
    let _alone = common::alone();
    if common::is_emulated() || !common::tells_sleepers() {
        return;
    }
    let _burners = Burners::start(4);
    let runtime = judging(2).build().unwrap();
    let (over, sleeper) = sleeper(&runtime);
    eventually("its site is known for one that blocks", || {
        let sites = runtime.handle().tiers().spawn_sites();
        sites.iter().any(|site| site.file() == file!() && site.advice() == Advice::DoNotBlock)
    });
    over.store(true, Ordering::Relaxed);
    runtime.block_on(sleeper).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn an_offender_is_known_on_a_loaded_machine_too_and_its_neighbours_stay_innocent() {
    let _alone = common::alone();
    if common::is_emulated() {
        return;
    }
    let _burners = Burners::start(2);
    let runtime = judging(2).build().unwrap();
    let hog = Hog::spawn_on(&runtime);
    let neighbour = runtime.spawn(async {
        for _ in 0..500 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    eventually("the hog is at the top", || tier_of(&runtime, &hog) == Tier::Three);
    let id = neighbour.id();
    runtime.block_on(neighbour).unwrap();
    assert_eq!(runtime.handle().tiers().tier_of(id), Tier::Zero);
    let tiers = runtime.handle().tiers();
    assert!(
        tiers.suspects().iter().all(|s| s.task_id() == hog.task.id()),
        "{:?}",
        tiers.suspects()
    );
}

/// Only the wrapper of stable Tokio could mistake one for the other; with hooks there is nothing to
/// mistake.
#[test]
fn a_poll_that_follows_a_foreign_stall_is_not_taken_for_it() {
    let _alone = common::alone();
    if common::is_emulated() {
        return;
    }
    let runtime = judging(1).reserve_workers(0).build().unwrap();
    let innocents: Vec<_> = (0..30)
        .map(|_| {
            runtime.tokio().spawn(async { burn(BURST) });
            // Next in the queue, and over before anybody looks.
            runtime.spawn(async {})
        })
        .collect();
    let ids: Vec<_> = innocents.iter().map(|task| task.id()).collect();
    for innocent in innocents {
        runtime.block_on(innocent).unwrap();
    }
    let suspects = runtime.handle().tiers().suspects();
    assert!(suspects.iter().all(|s| !ids.contains(&s.task_id())), "{suspects:?}");
}
