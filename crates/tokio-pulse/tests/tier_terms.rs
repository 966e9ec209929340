//! What the user says of a task, by its builder or by a rule, counts when it is judged and treated.

mod common;

use std::future::poll_fn;
use std::time::Duration;

use common::eventually;
use common::hog::{Hog, judging, tier_of};
use tokio::task::{JoinHandle, yield_now};
use tokio_pulse::config::Rule;
use tokio_pulse::{Runtime, TaskPriority, Tier, task};

#[test]
fn the_exempt_are_never_judged() {
    let mut builder = judging(2);
    builder.rule(Rule::builder().site("hog.rs").exempt().build().unwrap());
    let runtime = builder.build().unwrap();
    let hog = Hog::spawn_on(&runtime);
    eventually("it has stalled a few times", || runtime.metrics().stalls() >= 5);
    assert_eq!(runtime.handle().tiers().metrics().violations(), 0);
    drop(hog);
}

async fn polite() {
    loop {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

const PLACE: u32 = line!() + 2;
fn spawn_at_that_place(runtime: &Runtime) -> JoinHandle<()> {
    runtime.spawn(polite())
}

#[test]
fn a_rule_puts_tasks_on_record_by_place_by_name_and_by_label() {
    let mut builder = judging(2);
    builder
        .rule(Rule::builder().name("import-*").tier(Tier::Three).build().unwrap())
        .rule(Rule::builder().label("kind", "batch").tier(Tier::Two).build().unwrap())
        .rule(
            Rule::builder().site(format!("tier_terms.rs:{PLACE}")).tier(Tier::One).build().unwrap(),
        );
    let runtime = builder.build().unwrap();
    let placed = spawn_at_that_place(&runtime);
    let named = task::Builder::new().name("import-7").spawn_on(polite(), runtime.handle());
    let labelled = task::Builder::new().label("kind", "batch").spawn_on(polite(), runtime.handle());
    let other = task::Builder::new().name("export").spawn_on(polite(), runtime.handle());
    let tier = |task: &JoinHandle<()>| runtime.handle().tiers().tier_of(task.id());
    eventually("all are where the rules want them", || {
        (tier(&named), tier(&labelled), tier(&placed)) == (Tier::Three, Tier::Two, Tier::One)
    });
    assert_eq!(tier(&other), Tier::Zero);
    eventually("their workers are handed over", || {
        runtime.handle().tiers().metrics().handoffs() >= 10
    });
}

#[test]
fn a_critical_task_may_take_more() {
    let runtime = judging(2).build().unwrap();
    let spawn = |priority| {
        let described = task::Builder::new().priority(priority);
        Hog::spawn(|future| described.spawn_on(future, runtime.handle()))
    };
    // A burst is six slices: too long for a normal task, and for a critical one only four are allowed
    // as well, but it takes four times as many to escalate it.
    let (critical, normal) = (spawn(TaskPriority::Critical), spawn(TaskPriority::Normal));
    eventually("the normal one is at the top", || tier_of(&runtime, &normal) == Tier::Three);
    eventually("the critical one rises later", || tier_of(&runtime, &critical) > Tier::Zero);
    let suspects = runtime.handle().tiers().suspects();
    let violations = |hog: &Hog| {
        suspects.iter().find(|s| s.task_id() == hog.task.id()).map_or(0, |s| s.violations())
    };
    assert!(violations(&critical) >= 4, "{suspects:?}");
}

/// A burst is six slices, so that one more task without a budget offends all the while.
#[test]
fn a_budget_of_its_own_counts_instead_of_the_slice() {
    const AMPLE: Duration = Duration::from_secs(60);
    let mut builder = judging(2);
    builder.rule(Rule::builder().name("patient").budget(AMPLE).build().unwrap());
    let runtime = builder.build().unwrap();
    let spawn = |described: task::Builder| {
        Hog::spawn(|future| described.spawn_on(future, runtime.handle()))
    };
    let by_builder = spawn(task::Builder::new().budget(AMPLE));
    let by_rule = spawn(task::Builder::new().name("patient").budget(Duration::from_millis(1)));
    let without = spawn(task::Builder::new());
    eventually("the one without a budget is at the top", || {
        tier_of(&runtime, &without) == Tier::Three && by_builder.polls() > 5 && by_rule.polls() > 5
    });
    let suspects = runtime.handle().tiers().suspects();
    assert!(suspects.iter().all(|s| s.task_id() == without.task.id()), "{suspects:?}");
}

/// Each of many messages that are there already is one operation of Tokio's budget, and the task goes on
/// until that is used up.
#[test]
fn a_squeezed_task_makes_room_sooner() {
    const MESSAGES: usize = 4096;
    let mut builder = judging(2);
    builder.rule(Rule::builder().name("squeezed").tier(Tier::Two).build().unwrap());
    let runtime = builder.build().unwrap();
    let polls = |name: &str| {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        (0..MESSAGES).for_each(|message| sender.send(message).unwrap());
        let mut polls = 0_usize;
        let mut receiving = Box::pin(async move {
            // The rule knows the task by its name, which nobody sees before the first poll.
            yield_now().await;
            for _ in 0..MESSAGES {
                receiver.recv().await;
            }
        });
        let counted = async move {
            poll_fn(|context| {
                polls += 1;
                receiving.as_mut().poll(context)
            })
            .await;
            polls
        };
        let task = task::Builder::new().name(name).spawn_on(counted, runtime.handle());
        runtime.block_on(task).unwrap()
    };
    let (usual, squeezed) = (polls("usual"), polls("squeezed"));
    let left = usize::from(runtime.handle().tiers().config().squeeze_budget());
    assert!(squeezed >= MESSAGES / left, "{squeezed} polls, without a squeeze {usual}");
    assert!(usual < squeezed / 2, "{squeezed} polls, without a squeeze {usual}");
}
