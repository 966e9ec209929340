//! What counts as an offence on a machine that is loaded by other processes. One test at a time: they load it for
//! each other as well.
#![cfg(target_os = "linux")]

mod common;

use std::process::{Child, Command};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::eventually;
use common::hog::{Hog, burn, judging, sleeper, tier_of};
use tokio::task::yield_now;
use tokio_pulse::{Advice, Tier};

/// Other processes that burn both processors, so that the kernel keeps our threads waiting.
struct Burners(Vec<Child>);

impl Burners {
    fn start(n: usize) -> Self {
        let burner = || Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        Self((0..n).map(|_| burner()).collect())
    }
}

impl Drop for Burners {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Each poll takes a millisecond of a processor, a fifth of the slice, and much longer by the clock.
#[test]
fn nobody_is_blamed_for_what_the_kernel_does() {
    let _alone = common::alone();
    are_innocent(|| burn(Duration::from_millis(1)));
}

/// Each poll holds a lock for half a millisecond of a processor, as polls do that set timers, and waits for it
/// while another thread that holds it waits for a processor.
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
