//! What can be seen and changed while a runtime runs: by hand, or by the console.

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Stall, builder, eventually};
use tokio_pulse::config::SiteTerms;
use tokio_pulse::stall_report::StallReport;
use tokio_pulse::{
    Runtime, SuspectOrder, SuspectQuery, TaskPriority, TaskTerms, Tier, TierConfig, task,
};

const BURST: Duration = Duration::from_millis(30);

/// Offends in each poll until this is dropped.
struct Hog {
    over: Arc<AtomicBool>,
    id: tokio::task::Id,
}

impl Hog {
    fn spawn(runtime: &Runtime, name: &str) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let seen = over.clone();
        let task = task::Builder::new().name(name).label("kind", "hog").spawn_on(
            async move {
                while !seen.load(Ordering::Relaxed) {
                    burn(BURST);
                    tokio::task::yield_now().await;
                }
            },
            runtime.handle(),
        );
        Self { over, id: task.id() }
    }
}

impl Drop for Hog {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// CPU time: on a loaded machine the wall clock would end it before anything was burned.
fn burn(time: Duration) {
    let timer = tokio_pulse::CpuTimer::start();
    while timer.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[test]
fn what_is_set_for_a_task_holds_while_it_is_polled() {
    let runtime = builder(2).build().unwrap();
    let tiers = runtime.handle().tiers();
    let hog = Hog::spawn(&runtime, "hog");
    eventually("the hog is on record", || tiers.tier_of(hog.id) > Tier::Zero);
    let number: u64 = hog.id.to_string().parse().unwrap();
    let found = tiers.suspect_numbered(number).unwrap();
    assert_eq!((found.task_id(), found.name()), (hog.id, Some("hog")));
    assert_eq!(found.labels(), [("kind".to_owned(), "hog".to_owned())]);
    assert!(found.cpu() > Duration::ZERO && found.longest() >= found.budget());
    assert!(found.last_violation_age().is_some());

    let set = TaskTerms {
        tier: Some(Tier::Three),
        priority: Some(TaskPriority::Low),
        budget: Some(Duration::from_millis(20)),
    };
    let told = tiers.set_task(hog.id, set).unwrap();
    assert_eq!((told.tier(), told.set_by_hand()), (Tier::Three, Some(set)));
    let judged = told.violations();
    eventually("it is judged again", || {
        tiers.suspect_numbered(number).is_some_and(|now| now.violations() > judged)
    });
    let now = tiers.suspect_numbered(number).unwrap();
    assert_eq!((now.tier(), now.priority()), (Tier::Three, TaskPriority::Low));
    assert_eq!(now.budget(), Duration::from_millis(20));

    // A budget that its polls keep to: it offends no more, and stays where it was put.
    let generous = TaskTerms { budget: Some(Duration::from_secs(5)), ..set };
    tiers.set_task(hog.id, generous).unwrap();
    std::thread::sleep(BURST * 5);
    let offences = tiers.suspect_numbered(number).unwrap().violations();
    std::thread::sleep(BURST * 10);
    let now = tiers.suspect_numbered(number).unwrap();
    assert_eq!((now.violations(), now.tier()), (offences, Tier::Three));

    let reset = tiers.set_task(hog.id, TaskTerms::default()).unwrap();
    assert_eq!((reset.set_by_hand(), reset.priority()), (None, TaskPriority::Normal));
    let pardon = TaskTerms { tier: Some(Tier::Zero), ..TaskTerms::default() };
    assert_eq!(tiers.set_task(hog.id, pardon).unwrap().tier(), Tier::Zero);

    let innocent = runtime.spawn(std::future::pending::<()>());
    assert!(tiers.set_task(innocent.id(), set).is_err());
    assert!(tiers.suspect_numbered(0).is_none());
}

#[test]
fn a_site_that_is_set_is_in_force_at_once() {
    let runtime = builder(2).build().unwrap();
    let tiers = runtime.handle().tiers();
    let terms = SiteTerms { tier: Some(Tier::Two), ..SiteTerms::default() };
    tiers.set_site("tests/steering.rs", Some(terms)).unwrap();
    let task = runtime.spawn(async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    eventually("it is where its site was put", || tiers.tier_of(task.id()) == Tier::Two);
    tiers.set_site("tests/steering.rs", None).unwrap();
    tiers.set_config([("slice", "20ms")]).unwrap();
    assert_eq!(tiers.config().slice(), Duration::from_millis(20));
    assert!(tiers.config().rules().is_empty());
}

#[test]
fn the_first_of_many_suspects_are_found_in_any_order() {
    let mut builder = builder(2);
    // Nobody but this test puts a task in its tier.
    let config = TierConfig::builder().suspects_limit(4096).slice(Duration::from_secs(60)).build();
    builder.tier_config(config.unwrap());
    let runtime = builder.build().unwrap();
    let tiers = runtime.handle().tiers();
    let terms = SiteTerms { tier: Some(Tier::One), ..SiteTerms::default() };
    tiers.set_site("tests/steering.rs", Some(terms)).unwrap();
    let tasks: Vec<_> = (0..500)
        .map(|number| {
            task::Builder::new().name(format!("task-{number}")).spawn_on(
                async {
                    loop {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                runtime.handle(),
            )
        })
        .collect();
    let all = SuspectQuery { limit: 10_000, ..SuspectQuery::default() };
    eventually("all are on record", || tiers.query(&all).total >= tasks.len());
    let worst: Vec<_> = tasks.iter().step_by(100).map(tokio::task::JoinHandle::id).collect();
    for &task in &worst {
        let set = TaskTerms { tier: Some(Tier::Three), ..TaskTerms::default() };
        tiers.set_task(task, set).unwrap();
    }
    let first = SuspectQuery { limit: worst.len(), ..SuspectQuery::default() };
    let page = tiers.query(&first);
    assert_eq!(page.suspects.len(), worst.len());
    assert!(page.suspects.iter().all(|one| worst.contains(&one.task_id())), "{page:?}");
    assert!(page.total >= tasks.len() && page.matching == page.total);
    for order in
        [SuspectOrder::Violations, SuspectOrder::Cpu, SuspectOrder::Recent, SuspectOrder::Longest]
    {
        let page = tiers.query(&SuspectQuery { order, ..first.clone() });
        assert_eq!(page.suspects.len(), worst.len());
    }
    let named = SuspectQuery { filter: "TASK-42".to_owned(), ..all.clone() };
    eventually("their names are known", || tiers.query(&named).matching == 11);
    let high = SuspectQuery { min_tier: Tier::Two, ..all };
    let page = tiers.query(&high);
    assert_eq!(page.matching, worst.len(), "{worst:?}: {page:?}");
    assert!(tiers.query(&SuspectQuery::default()).suspects.is_empty(), "none was asked for");
    tasks.iter().for_each(tokio::task::JoinHandle::abort);
}

#[test]
fn a_sink_comes_and_goes_while_the_runtime_runs() {
    let runtime = builder(2).build().unwrap();
    let reports = Arc::new(AtomicUsize::new(0));
    let stall = Stall::spawn_on(&runtime);
    eventually("it is a stall", || runtime.metrics().stalls_in_progress() == 1);
    assert_eq!(runtime.handle().reports().told, 0, "nobody wants to hear of it");
    let (seen, last) = (reports.clone(), Arc::new(Mutex::new(None)));
    let kept = last.clone();
    let guard = runtime.handle().add_report_sink(move |report: &StallReport| {
        seen.fetch_add(1, Ordering::Relaxed);
        *kept.lock().unwrap() = Some(report.stall);
    });
    eventually("it is told", || reports.load(Ordering::Relaxed) > 0);
    stall.end();
    drop(guard);
    assert!(runtime.handle().flush_reports(common::PATIENCE));
    let told = reports.load(Ordering::Relaxed);
    let another = Stall::spawn_on(&runtime);
    std::thread::sleep(Duration::from_millis(300));
    another.end();
    assert!(runtime.handle().flush_reports(common::PATIENCE));
    assert_eq!(reports.load(Ordering::Relaxed), told);
    assert!(runtime.handle().is_watching());
    let handle = runtime.handle().clone();
    drop(runtime);
    assert!(!handle.is_watching());
}

#[test]
fn threads_that_run_tasks_are_known_by_their_tasks() {
    let runtime = builder(2).build().unwrap();
    let handle = runtime.handle();
    let stall = Stall::spawn_on(&runtime);
    eventually("the stall is seen", || {
        let threads = handle.threads_at_work();
        threads.iter().any(|thread| thread.is_stalled && thread.worker.is_some())
    });
    stall.end();

    let over = Arc::new(AtomicBool::new(false));
    let seen = over.clone();
    let on_lane = handle.lane().spawn(async move {
        while !seen.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    });
    let of_lane = || {
        let mut threads = handle.threads_at_work().into_iter();
        threads.find(|thread| thread.task_id == Some(on_lane.id()))
    };
    eventually("the poll on the lane is seen", || of_lane().is_some());
    let thread = of_lane().unwrap();
    assert!(thread.worker.is_none() && thread.spawned_at.unwrap().0.ends_with("steering.rs"));
    over.store(true, Ordering::Relaxed);
    eventually("it is over", || of_lane().is_none());
}
