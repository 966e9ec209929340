//! Graduated intervention on real runtimes: who is put on record, what is done to him, and who is
//! left alone.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use common::hog::{BURST, Hog, burn, judging, tier_of};
use common::{PATIENCE, eventually};
use tokio::task::yield_now;
use tokio_pulse::config::Rule;
use tokio_pulse::{
    Advice, Builder, InterventionAction, Runtime, Tier, TierConfig, TierPolicy, task,
};

#[test]
fn an_offender_rises_to_the_slow_lane_and_hurts_nobody_there() {
    let runtime = judging(1).build().unwrap();
    let hog = Hog::spawn_on(&runtime);
    eventually("the hog is at the top", || tier_of(&runtime, &hog) == Tier::Three);
    let metrics = runtime.handle().tiers().metrics();
    assert!(metrics.violations() >= 3 && metrics.promotions() >= 3, "{metrics:?}");
    let handed_off = runtime.handle().tiers().metrics().handoffs();
    let polls = hog.polls();
    eventually("its polls give their worker away", || {
        hog.polls() > polls + 3 && runtime.handle().tiers().metrics().handoffs() > handed_off
    });
    // The only worker there is serves others all the while.
    runtime
        .block_on(runtime.spawn(async { tokio::time::sleep(Duration::from_millis(5)).await }))
        .unwrap();
    assert!(!hog.task.is_finished());
    let suspects = runtime.handle().tiers().suspects();
    assert_eq!(suspects[0].task_id(), hog.task.id());
    assert!(suspects[0].spawned_at().0.ends_with("hog.rs"), "{suspects:?}");
}

#[test]
fn a_reformed_offender_is_taken_off_the_record() {
    let runtime = {
        let mut builder = judging(2);
        for tier in Tier::ALL {
            let policy = TierConfig::default().policy(tier).to_builder();
            let lenient = policy.demote_after_good_polls(3).minimum_time(Duration::from_millis(10));
            builder.tier_policy(tier, lenient.build().unwrap());
        }
        builder.build().unwrap()
    };
    let hog = Hog::spawn_on(&runtime);
    eventually("the hog is at the top", || tier_of(&runtime, &hog) == Tier::Three);
    hog.behave.store(true, Ordering::Relaxed);
    eventually("nothing is held against it", || runtime.handle().tiers().suspects().is_empty());
    assert!(runtime.handle().tiers().metrics().demotions() >= 4);
}

#[test]
fn a_site_of_many_offenders_is_suspect_and_innocents_from_there_are_acquitted() {
    let runtime = judging(2).build().unwrap();
    let spawn = |heavy: bool| {
        runtime.spawn(async move {
            for _ in 0..10 {
                if heavy {
                    burn(BURST);
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
    };
    let suspect = || runtime.handle().tiers().spawn_sites().iter().any(|site| site.is_suspect());
    let heavy: Vec<_> = (0..3).map(|_| spawn(true)).collect();
    eventually("their site is suspect", suspect);
    drop(heavy);
    // Innocents on probation are treated, and let go after a few polls.
    for _ in 0..8 {
        runtime.block_on(spawn(false)).unwrap();
    }
    eventually("their site is not suspect any more", || !suspect());
    let site = &runtime.handle().tiers().spawn_sites()[0];
    assert!(site.offenders() >= 3 && site.advice() == Advice::MoveComputation, "{site}");
}

#[test]
fn one_task_alone_makes_no_site_suspect() {
    let runtime = judging(2).build().unwrap();
    let hog = Hog::spawn_on(&runtime);
    eventually("it offends again and again", || {
        runtime.handle().tiers().suspects().first().is_some_and(|s| s.violations() >= 8)
    });
    let sites = runtime.handle().tiers().spawn_sites();
    assert!(sites.iter().all(|site| !site.is_suspect()), "{sites:?}");
    drop(hog);
}

/// One holds the only permit and waits for the other, who stands at the gate.
#[test]
fn the_gate_makes_no_deadlock() {
    let mut builder = judging(2);
    builder.tier_config(
        TierConfig::builder()
            .lane_threads(0)
            .gate_permits(1)
            .slice(Duration::from_millis(5))
            .build()
            .unwrap(),
    );
    builder.rule(Rule::builder().name("gated").tier(Tier::Three).build().unwrap());
    let runtime = builder.build().unwrap();
    let (ping_in, ping) = mpsc::channel();
    let (pong_in, pong) = mpsc::channel();
    let gated = || task::Builder::new().name("gated");
    let one = gated().spawn_on(
        async move {
            yield_now().await;
            for _ in 0..3 {
                ping_in.send(()).unwrap();
                pong.recv().unwrap();
            }
        },
        runtime.handle(),
    );
    let other = gated().spawn_on(
        async move {
            yield_now().await;
            for _ in 0..3 {
                ping.recv().unwrap();
                pong_in.send(()).unwrap();
            }
        },
        runtime.handle(),
    );
    eventually("both come to their end", || one.is_finished() && other.is_finished());
}

#[test]
fn shutdown_while_offenders_stand_at_the_gate() {
    let mut builder = judging(1);
    builder.tier_config(
        TierConfig::builder()
            .lane_threads(0)
            .gate_permits(1)
            .slice(Duration::from_millis(5))
            .build()
            .unwrap(),
    );
    let runtime = builder.build().unwrap();
    let hogs: Vec<_> = (0..4).map(|_| Hog::spawn_on(&runtime)).collect();
    eventually("some had to wait", || runtime.handle().tiers().metrics().gate_waits() >= 3);
    let begun = Instant::now();
    drop(runtime);
    assert!(begun.elapsed() < PATIENCE);
    drop(hogs);
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_done_to_a_thread_is_undone_when_the_poll_ends_also_on_panic() {
    use tokio_pulse_sys::ThreadScheduling;
    let usual = ThreadScheduling::of_current_thread().unwrap();
    let usual = (usual.slice(), usual.nice());
    let mut builder = judging(1);
    builder.rule(Rule::builder().name("gated").tier(Tier::Three).build().unwrap());
    let runtime = builder.build().unwrap();
    for panics in [false, true] {
        let (scheduling_in, scheduling) = mpsc::channel();
        let gated = task::Builder::new().name("gated").spawn_on(
            async move {
                yield_now().await;
                let thread = ThreadScheduling::of_current_thread().unwrap();
                scheduling_in.send((thread, thread.slice())).unwrap();
                assert!(!panics, "of the test");
            },
            runtime.handle(),
        );
        let (thread, during) = scheduling.recv_timeout(PATIENCE).unwrap();
        assert_eq!(runtime.block_on(gated).is_err(), panics);
        if tokio_pulse_sys::slices_available().is_ok() {
            assert_ne!(
                during,
                usual.0,
                "nothing was done: {:?}",
                runtime.handle().tiers().metrics()
            );
        }
        // While there are suspects, workers have a short slice.
        let undone = || thread.slice().ok() <= usual.0.ok() && thread.nice() == usual.1;
        eventually("what was done to the thread is undone", undone);
    }
}

#[test]
fn the_table_of_suspects_is_bounded() {
    let mut builder = judging(2);
    let config = TierConfig::builder().suspects_limit(16).slice(Duration::from_millis(5));
    builder.tier_config(config.build().unwrap());
    builder.rule(Rule::builder().name("x").tier(Tier::One).build().unwrap());
    let runtime = builder.build().unwrap();
    let tasks: Vec<_> = (0..500)
        .map(|_| {
            let forever = async {
                loop {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            task::Builder::new().name("x").spawn_on(forever, runtime.handle())
        })
        .collect();
    eventually("suspects are there", || runtime.handle().tiers().metrics().suspects() >= 8);
    assert!(runtime.handle().tiers().metrics().suspects() <= 16);
    drop(tasks);
}

#[test]
fn policies_change_while_the_runtime_runs() {
    let runtime = judging(2).build().unwrap();
    let hog = Hog::spawn_on(&runtime);
    eventually("the hog is at the top", || tier_of(&runtime, &hog) == Tier::Three);
    let mut news = runtime.handle().tiers().config_handle().subscribe();
    let tiers = runtime.handle().tiers();
    // Milder than tier two: refused, and nothing has changed.
    let mild = TierPolicy::builder("mild").action(InterventionAction::Monitor).build().unwrap();
    assert!(tiers.update_tier_policy(Tier::Three, mild.clone()).is_err());
    assert!(!news.has_changed().unwrap());
    tiers.update_config(
        TierConfig::builder()
            .rule(Rule::builder().site("hog.rs").exempt().build().unwrap())
            .build()
            .unwrap(),
    );
    assert!(news.has_changed().unwrap());
    assert_eq!(news.borrow_and_update().rules().len(), 1);
    eventually("the exempt hog is off the record", || tiers.suspects().is_empty());
}

#[test]
fn worker_metrics_have_violations_and_can_be_set_back() {
    let runtime = judging(1).build().unwrap();
    let hog = Hog::spawn_on(&runtime);
    let violations =
        || runtime.metrics().workers().iter().map(|worker| worker.violations()).sum::<u64>();
    eventually("violations are counted by thread", || violations() >= 3);
    eventually("handoffs are counted by thread", || {
        runtime.metrics().workers().iter().any(|worker| worker.handoffs() > 0)
    });
    drop(hog);
    for worker in runtime.metrics().workers() {
        assert!(runtime.handle().reset_worker_metrics(worker.thread_id()));
    }
    let worst = runtime.metrics().workers()[0].thread_id();
    assert!(runtime.handle().worker_metrics(worst).unwrap().violations() <= 1);
    assert!(!runtime.handle().reset_worker_metrics(std::thread::current().id()));
}

#[test]
fn a_current_thread_runtime_judges_and_does_not_hand_off() {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().slice(Duration::from_millis(5));
    let runtime = builder.build().unwrap();
    let hog = Hog::spawn_on(&runtime);
    let tiers = runtime.handle().tiers().clone();
    let id = hog.task.id();
    runtime.block_on(async {
        let deadline = Instant::now() + PATIENCE;
        while tiers.tier_of(id) < Tier::Three {
            assert!(Instant::now() < deadline, "{:?}", tiers.metrics());
            yield_now().await;
        }
    });
    assert_eq!(tiers.metrics().handoffs(), 0);
}

/// A manager among the user's hooks hears of polls that its own runtime treats as well, and of those
/// of other runtimes.
#[test]
fn a_manager_in_a_registry_that_two_runtimes_share_treats_each_poll_once() {
    let registry = tokio_pulse::HookRegistry::new();
    let build = || {
        let mut builder = judging(1);
        builder.rule(Rule::builder().site("tiers.rs").tier(Tier::Three).build().unwrap());
        builder.hook_registry(&registry).build().unwrap()
    };
    let (one, other) = (build(), build());
    registry.add(Arc::new(one.handle().tiers().clone()));
    for runtime in [&one, &other] {
        for _ in 0..10 {
            let task = runtime.spawn(async {
                for _ in 0..5 {
                    yield_now().await;
                }
            });
            runtime.block_on(task).unwrap();
        }
    }
    registry.clear();
    assert_eq!(registry.panics(), 0);
    // Whoever hears of a poll first treats it.
    let handoffs = |runtime: &Runtime| runtime.handle().tiers().metrics().handoffs();
    let polls = 2 * 10 * 6;
    assert!((1..=polls).contains(&(handoffs(&one) + handoffs(&other))));
    assert_eq!(one.handle().tiers().metrics().gate_forced(), 0, "a poll waited for itself");
}

#[test]
fn nobody_is_treated_after_the_watch_has_ended() {
    let mut tokio = tokio::runtime::Builder::new_multi_thread();
    let mut builder = judging(2);
    builder.rule(Rule::builder().site("tiers.rs").tier(Tier::Three).build().unwrap());
    let attachment = builder.attach(&mut tokio).unwrap();
    let runtime = tokio.build().unwrap();
    let pulse = attachment.start(runtime.handle()).unwrap();
    let tiers = pulse.handle().tiers().clone();
    let yields = |n: usize| async move {
        for _ in 0..n {
            yield_now().await;
        }
    };
    runtime.block_on(async move { tokio_pulse::spawn(yields(10)).await.unwrap() });
    assert!(tiers.metrics().handoffs() > 0);
    drop(pulse);
    let before = tiers.metrics().handoffs();
    runtime.block_on(async move { tokio_pulse::spawn(yields(10)).await.unwrap() });
    assert_eq!(tiers.metrics().handoffs(), before);
}

#[test]
fn offenders_leave_half_of_the_blocking_pool_to_others() {
    let mut builder = judging(1);
    builder.reserve_workers(1).max_blocking_threads(8);
    let config = TierConfig::builder().lane_threads(0).gate_permits(2);
    builder.tier_config(config.build().unwrap());
    builder.rule(Rule::builder().name("gated").tier(Tier::Three).build().unwrap());
    let runtime = builder.build().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let hogs: Vec<_> = (0..12)
        .map(|_| {
            let over = over.clone();
            task::Builder::new().name("gated").spawn_on(
                async move {
                    while !over.load(Ordering::Relaxed) {
                        burn(Duration::from_millis(2));
                        yield_now().await;
                    }
                },
                runtime.handle(),
            )
        })
        .collect();
    eventually("offenders wait", || runtime.handle().tiers().metrics().gate_waits() > 3);
    for _ in 0..5 {
        assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 42)).unwrap(), 42);
    }
    over.store(true, Ordering::Relaxed);
    for hog in hogs {
        runtime.block_on(hog).unwrap();
    }
}

/// Such as a connection that serves all kinds of requests: its light polls must not wait at the gate
/// for what its heavy ones have done.
#[test]
fn a_task_that_is_heavy_now_and_then_is_on_record_and_left_to_the_rescue() {
    let runtime = judging(2).build().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let ends = over.clone();
    let mixed = runtime.spawn(async move {
        while !ends.load(Ordering::Relaxed) {
            burn(BURST);
            for _ in 0..5 {
                yield_now().await;
            }
        }
    });
    let violations = |id| {
        let suspects = runtime.handle().tiers().suspects();
        suspects.iter().find(|s| s.task_id() == id).map_or(0, |s| s.violations())
    };
    eventually("it has offended often", || violations(mixed.id()) >= 6);
    over.store(true, Ordering::Relaxed);
    assert_eq!(runtime.handle().tiers().metrics().handoffs(), 0);
    runtime.block_on(mixed).unwrap();
}
