//! What counts as an offence, on real runtimes. One test at a time: of a poll that slept while threads of its own
//! process were set aside, nothing is held against it but what it burned. Loaded machines: `tier_loaded.rs`.

mod common;

use std::sync::atomic::Ordering;

use common::eventually;
use common::hog::{BURST, burn, judging, sleeper};
use tokio_pulse::Advice;

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
