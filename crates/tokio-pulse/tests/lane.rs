//! The lane on real runtimes: tasks come and go, and nobody notices but by the clock.

mod common;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use common::{PATIENCE, builder, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::yield_now;
use tokio_pulse::task::{self, Group};
use tokio_pulse::{
    Builder, DedicatedThreadScheduler, InterventionAction, LaneMetrics, Runtime,
    SchedulingAlgorithm, TaskIsolation, TaskPriority, Tier, TierConfig,
};

const SLICE: Duration = Duration::from_millis(5);
const BURST: Duration = Duration::from_millis(30);

fn judging(workers: usize) -> Builder {
    let mut builder = builder(workers);
    builder.slice(SLICE);
    builder
}

fn with_lane(workers: usize, threads: usize) -> Builder {
    let mut builder = judging(workers);
    builder.tier_config(TierConfig::builder().lane_threads(threads).build().unwrap());
    builder.slice(SLICE);
    builder
}

fn lane(runtime: &Runtime) -> DedicatedThreadScheduler {
    runtime.handle().lane()
}

fn metrics(runtime: &Runtime) -> LaneMetrics {
    lane(runtime).metrics()
}

fn burn(time: Duration) {
    let clock = tokio_pulse_sys::ThreadCpuClock::of_current_thread().unwrap();
    let begun = clock.read().unwrap();
    while clock.read().unwrap() - begun < time {
        std::hint::spin_loop();
    }
}

fn on_lane() -> bool {
    thread::current().name() == Some("pulse-lane")
}

/// A thread of the lane that is stuck until this is dropped.
struct Stuck(Arc<AtomicBool>);

impl Stuck {
    fn on(lane: &DedicatedThreadScheduler) -> Self {
        let (over, running) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (ends, runs) = (over.clone(), running.clone());
        lane.spawn(async move {
            runs.store(true, Ordering::Relaxed);
            while !ends.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
            }
        });
        eventually("the lane's thread is stuck", || running.load(Ordering::Relaxed));
        Self(over)
    }
}

impl Drop for Stuck {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn an_offender_goes_to_the_lane_and_comes_back_when_it_behaves() {
    let runtime = judging(1).build().unwrap();
    let (behave, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let (behaves, visits) = (behave.clone(), seen.clone());
    let (came_back, back) = mpsc::channel();
    let task = runtime.spawn(async move {
        while !behaves.load(Ordering::Relaxed) {
            burn(BURST);
            if on_lane() {
                visits.fetch_add(1, Ordering::Relaxed);
            }
            yield_now().await;
        }
        while on_lane() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        came_back.send(()).unwrap();
        42
    });
    eventually("it is polled on the lane", || seen.load(Ordering::Relaxed) > 3);
    // The only worker there is serves others all the while, and nothing is handed over for it.
    runtime
        .block_on(runtime.spawn(async { tokio::time::sleep(Duration::from_millis(5)).await }))
        .unwrap();
    behave.store(true, Ordering::Relaxed);
    back.recv_timeout(PATIENCE).unwrap();
    assert_eq!(runtime.block_on(task).unwrap(), 42);
    let counted = metrics(&runtime);
    assert!(counted.admitted() >= 1 && counted.returned() >= 1, "{counted:?}");
    eventually("its CPU time is counted", || metrics(&runtime).cpu_time() >= BURST);
}

tokio::task_local! {
    static REQUEST: u32;
}

#[test]
fn on_the_lane_everything_of_the_runtime_is_there() {
    let runtime = judging(1).build().unwrap();
    let work = async {
        assert!(on_lane());
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert!(on_lane());
        assert_eq!(REQUEST.get(), 7);
        let child = tokio::spawn(async { on_lane() });
        assert!(!child.await.unwrap());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = tokio::spawn(async move {
            let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
            client.write_all(b"ping").await.unwrap();
        });
        let mut text = [0; 4];
        listener.accept().await.unwrap().0.read_exact(&mut text).await.unwrap();
        client.await.unwrap();
        assert_eq!(tokio::task::spawn_blocking(|| 5).await.unwrap(), 5);
        assert_eq!(tokio::task::block_in_place(|| 6), 6);
        assert!(on_lane());
        text
    };
    let task = lane(&runtime).spawn(REQUEST.scope(7, work));
    assert_eq!(&runtime.block_on(task).unwrap(), b"ping");
    assert_eq!(metrics(&runtime).completed(), 1);
}

/// A resource that is always ready would keep a thread for good without it.
#[test]
fn polls_on_the_lane_have_a_cooperative_budget() {
    let runtime = with_lane(1, 1).build().unwrap();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    for number in 0..10_000 {
        sender.send(number).unwrap();
    }
    drop(sender);
    let task = lane(&runtime).spawn(async move { while receiver.recv().await.is_some() {} });
    runtime.block_on(task).unwrap();
    assert!(metrics(&runtime).polls() > 10, "{:?}", metrics(&runtime));
}

struct OnDrop(mpsc::Sender<bool>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        let _ = self.0.send(on_lane());
    }
}

#[test]
fn a_task_is_aborted_wherever_it_is() {
    let runtime = with_lane(1, 1).build().unwrap();
    let lane = lane(&runtime);
    let (dropped_in, dropped) = mpsc::channel();

    // It waits for a wake.
    let guard = OnDrop(dropped_in.clone());
    let (began_in, began) = mpsc::channel();
    let waiting = lane.spawn(async move {
        let _guard = guard;
        began_in.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    began.recv_timeout(PATIENCE).unwrap();
    eventually("it waits", || lane.metrics().running() == 0);
    waiting.abort();
    assert!(runtime.block_on(waiting).unwrap_err().is_cancelled());
    assert!(!dropped.recv_timeout(PATIENCE).unwrap());

    // It is in the queue.
    let stuck = Stuck::on(&lane);
    let guard = OnDrop(dropped_in.clone());
    let queued = lane.spawn(async move {
        let _guard = guard;
        unreachable!("it was aborted before its first poll");
    });
    eventually("it is queued", || lane.metrics().queued() == 1);
    queued.abort();
    assert!(runtime.block_on(queued).unwrap_err().is_cancelled());
    assert!(!dropped.recv_timeout(PATIENCE).unwrap());
    drop(stuck);

    // It is polled: the poll ends first, and the lane's thread drops what is left.
    let guard = OnDrop(dropped_in);
    let (over, ends) = mpsc::channel::<()>();
    let (began_in, began) = mpsc::channel();
    let running = lane.spawn(async move {
        let _guard = guard;
        began_in.send(()).unwrap();
        let _ = ends.recv();
        std::future::pending::<()>().await;
    });
    began.recv_timeout(PATIENCE).unwrap();
    running.abort();
    assert!(runtime.block_on(running).unwrap_err().is_cancelled());
    assert!(dropped.try_recv().is_err());
    drop(over);
    assert!(dropped.recv_timeout(PATIENCE).unwrap());
}

struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        if !thread::panicking() {
            panic!("of the drop");
        }
    }
}

#[test]
fn a_panic_reaches_the_handle_and_the_thread_goes_on() {
    let runtime = with_lane(1, 1).build().unwrap();
    let lane = lane(&runtime);
    let panicked = runtime.block_on(lane.spawn(async { panic!("of the test") })).unwrap_err();
    assert_eq!(*panicked.into_panic().downcast::<&str>().unwrap(), "of the test");
    let guard = PanicsWhenDropped;
    let dropped = lane.spawn(async move {
        let _guard = guard;
    });
    assert!(runtime.block_on(dropped).unwrap_err().is_panic());
    assert_eq!(runtime.block_on(lane.spawn(async { 1 })).unwrap(), 1);
    assert!(lane.metrics().panicked() >= 1);
}

/// Wakes itself from another thread while it is polled, again and again: no wake may be lost.
struct Restless(usize);

impl Future for Restless {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        let waker = cx.waker().clone();
        if self.0 % 2 == 0 {
            thread::spawn(move || waker.wake());
        } else {
            waker.wake_by_ref();
            waker.wake();
        }
        Poll::Pending
    }
}

#[test]
fn no_wake_is_lost() {
    let runtime = with_lane(2, 2).build().unwrap();
    let lane = lane(&runtime);
    let tasks: Vec<_> = (0..8).map(|_| lane.spawn(Restless(200))).collect();
    for task in tasks {
        runtime.block_on(async { tokio::time::timeout(PATIENCE, task).await }).unwrap().unwrap();
    }
}

#[test]
fn what_the_queue_does_not_take_runs_in_place() {
    let mut builder = judging(2);
    let config = TierConfig::builder().lane_threads(1).lane_queue(2);
    builder.tier_config(config.build().unwrap());
    let runtime = builder.build().unwrap();
    let lane = lane(&runtime);
    let stuck = Stuck::on(&lane);
    let tasks: Vec<_> = (0..6).map(|_| lane.spawn(async { on_lane() })).collect();
    eventually("four were refused", || lane.metrics().refused() == 4);
    assert!(lane.metrics().queued() <= 2);
    drop(stuck);
    let there = tasks.into_iter().map(|task| runtime.block_on(task).unwrap());
    assert_eq!(there.filter(|&on_lane| on_lane).count(), 2);
}

#[test]
fn the_lane_is_resized_while_it_works() {
    let runtime = with_lane(1, 1).build().unwrap();
    let lane = lane(&runtime);
    let resize = |threads: usize| {
        let config = runtime.handle().tiers().config().to_builder().lane_threads(threads);
        runtime.handle().tiers().update_config(config.build().unwrap());
    };
    let first = Stuck::on(&lane);
    let second = lane.spawn(async { 2 });
    eventually("the second waits", || lane.metrics().queued() == 1);
    resize(3);
    assert_eq!(runtime.block_on(second).unwrap(), 2);
    assert!(lane.metrics().threads() >= 2);
    drop(first);
    resize(1);
    eventually("there is one thread", || {
        drop(runtime.block_on(lane.spawn(async {})));
        lane.metrics().threads() == 1
    });
    // No lane at all: the workers do it.
    resize(0);
    assert!(!runtime.block_on(lane.spawn(async { on_lane() })).unwrap());
    resize(1);
    assert!(runtime.block_on(lane.spawn(async { on_lane() })).unwrap());
}

#[test]
fn tasks_on_the_lane_outlive_the_watch() {
    let mut tokio = tokio::runtime::Builder::new_multi_thread();
    tokio.enable_all();
    let attachment = with_lane(2, 1).attach(&mut tokio).unwrap();
    let tokio = tokio.build().unwrap();
    let pulse = attachment.start(tokio.handle()).unwrap();
    let lane = pulse.handle().lane();
    let (wake, woken) = tokio::sync::oneshot::channel::<()>();
    let (began_in, began) = mpsc::channel();
    let waits = lane.spawn(async move {
        began_in.send(()).unwrap();
        woken.await.unwrap();
        on_lane()
    });
    began.recv_timeout(PATIENCE).unwrap();
    let stuck = Stuck::on(&lane);
    let queued = lane.spawn(async { on_lane() });
    eventually("it is queued", || lane.metrics().queued() == 1);
    drop(pulse);
    assert!(!tokio.block_on(queued).unwrap());
    wake.send(()).unwrap();
    assert!(!tokio.block_on(waits).unwrap());
    drop(stuck);
    assert!(!tokio.block_on(lane.spawn(async { on_lane() })).unwrap());
}

#[test]
fn dropping_the_runtime_waits_for_the_poll_and_drops_the_rest() {
    let runtime = with_lane(1, 1).build().unwrap();
    let lane = lane(&runtime);
    let (dropped_in, dropped) = mpsc::channel();
    for _ in 0..3 {
        let guard = OnDrop(dropped_in.clone());
        lane.spawn(async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        });
    }
    let ended = Arc::new(AtomicBool::new(false));
    let (ends, (began_in, began)) = (ended.clone(), mpsc::channel());
    lane.spawn(async move {
        began_in.send(()).unwrap();
        thread::sleep(Duration::from_millis(50));
        ends.store(true, Ordering::Relaxed);
    });
    began.recv_timeout(PATIENCE).unwrap();
    drop(runtime);
    assert!(ended.load(Ordering::Relaxed));
    for _ in 0..3 {
        dropped.recv_timeout(PATIENCE).unwrap();
    }
}

#[test]
fn a_shutdown_with_a_limit_does_not_wait_for_a_poll_that_never_ends() {
    for limit in [None, Some(Duration::from_millis(10))] {
        let runtime = with_lane(1, 1).build().unwrap();
        let stuck = Stuck::on(&lane(&runtime));
        match limit {
            Some(limit) => runtime.shutdown_timeout(limit),
            None => runtime.shutdown_background(),
        }
        drop(stuck);
    }
}

#[test]
fn when_all_threads_are_stuck_the_others_run_in_place() {
    let runtime = with_lane(2, 1).build().unwrap();
    let lane = lane(&runtime);
    let stuck = Stuck::on(&lane);
    let queued = lane.spawn(async { on_lane() });
    assert!(!runtime.block_on(queued).unwrap());
    assert!(!runtime.block_on(lane.spawn(async { on_lane() })).unwrap());
    drop(stuck);
    eventually("the lane serves again", || {
        runtime.block_on(lane.spawn(async { on_lane() })).unwrap()
    });
}

#[test]
fn a_current_thread_runtime_has_a_lane_too() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let lane = runtime.handle().lane();
    let over = Arc::new(AtomicBool::new(false));
    let ends = over.clone();
    let there = runtime.block_on(async {
        let task = lane.spawn(async move {
            while !ends.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            on_lane()
        });
        // While the poll there goes on, the runtime's only thread is free.
        while lane.metrics().running() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        over.store(true, Ordering::Relaxed);
        task.await.unwrap()
    });
    assert!(there);
}

#[test]
fn a_group_that_has_used_up_its_budget_goes_to_the_lane() {
    let runtime = judging(2).build().unwrap();
    let group = Group::with_budget(Duration::from_millis(20));
    let work = async {
        // No single poll is a violation, and no task uses much.
        for _ in 0..20 {
            let child = tokio_pulse::spawn(async {
                burn(Duration::from_millis(2));
                yield_now().await;
                on_lane()
            });
            if child.await.unwrap() {
                return Group::current();
            }
        }
        None
    };
    let task = task::Builder::new().group(&group).spawn_on(work, runtime.handle());
    assert_eq!(runtime.block_on(task).unwrap(), Some(group.clone()));
    assert!(group.is_over_budget() && group.cpu_time() >= Duration::from_millis(20));
    group.refill();
    let at_home = runtime.block_on(async {
        task::Builder::new().group(&group).spawn(async { !on_lane() }).await.unwrap()
    });
    assert!(at_home);
}

/// Who has the greater weight gets more of the only thread, and the other still gets some.
#[test]
fn priorities_are_shares_of_the_lane() {
    let runtime = with_lane(2, 1).build().unwrap();
    let (stop, turns) = (Arc::new(AtomicBool::new(false)), [const { AtomicUsize::new(0) }; 2]);
    let turns = Arc::new(turns);
    let tasks: Vec<_> = [TaskPriority::Critical, TaskPriority::Low]
        .into_iter()
        .enumerate()
        .map(|(index, priority)| {
            let (stop, turns) = (stop.clone(), turns.clone());
            let work = async move {
                while !stop.load(Ordering::Relaxed) {
                    burn(Duration::from_millis(1));
                    turns[index].fetch_add(1, Ordering::Relaxed);
                    yield_now().await;
                }
            };
            let lane = lane(&runtime);
            task::Builder::new().priority(priority).spawn_on_lane(work, &lane)
        })
        .collect();
    eventually("both have had turns", || turns[1].load(Ordering::Relaxed) >= 10);
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    let [critical, low] = [0, 1].map(|index| turns[index].load(Ordering::Relaxed));
    assert!(critical > 2 * low, "{critical} and {low}");
}

/// Its tasks share the turns that one task has.
#[test]
fn a_group_has_the_share_of_one_task() {
    let runtime = with_lane(2, 1).build().unwrap();
    let lane = lane(&runtime);
    let (stop, group) = (Arc::new(AtomicBool::new(false)), Group::new());
    let turns = Arc::new([const { AtomicUsize::new(0) }; 2]);
    let hog = |index: usize| {
        let (stop, turns) = (stop.clone(), turns.clone());
        async move {
            while !stop.load(Ordering::Relaxed) {
                burn(Duration::from_millis(1));
                turns[index].fetch_add(1, Ordering::Relaxed);
                yield_now().await;
            }
        }
    };
    let mut tasks: Vec<_> =
        (0..6).map(|_| task::Builder::new().group(&group).spawn_on_lane(hog(0), &lane)).collect();
    tasks.push(lane.spawn(hog(1)));
    let count = |index: usize| turns[index].load(Ordering::Relaxed);
    eventually("both have had turns", || count(0) + count(1) >= 200);
    let (together, alone) = (count(0), count(1));
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        runtime.block_on(task).unwrap();
    }
    // Task by task, the group would have six times as much.
    assert!(together < 3 * alone, "{together} and {alone}");
    assert!(group.cpu_time() > Duration::ZERO);
}

/// All four serve everybody; the order among them is tested without threads.
#[test]
fn every_algorithm_serves_and_can_be_changed_for_another() {
    let runtime = with_lane(2, 2).build().unwrap();
    let tiers = runtime.handle().tiers();
    let lane = lane(&runtime);
    for algorithm in SchedulingAlgorithm::ALL {
        let config = tiers.config().to_builder().lane_algorithm(algorithm);
        tiers.update_config(config.build().unwrap());
        let tasks: Vec<_> = (0..20).map(|_| lane.spawn(Restless(20))).collect();
        for task in tasks {
            runtime
                .block_on(async { tokio::time::timeout(PATIENCE, task).await })
                .unwrap()
                .unwrap();
        }
    }
}

/// With a quota, or with the reason why there is none; the task itself notices only the clock.
#[test]
fn an_isolated_offender_runs_under_a_quota_where_the_system_has_one() {
    let mut builder = judging(1);
    let config = TierConfig::builder().isolation_quota(Duration::from_millis(50)).build().unwrap();
    let policy = config.policy(Tier::Three).to_builder().action(InterventionAction::Isolate);
    builder.tier_config(config).slice(SLICE).tier_policy(Tier::Three, policy.build().unwrap());
    let runtime = builder.build().unwrap();
    let isolated = runtime.handle().isolated_lane();
    let stop = Arc::new(AtomicBool::new(false));
    let stops = stop.clone();
    let task = runtime.spawn(async move {
        while !stops.load(Ordering::Relaxed) {
            burn(BURST);
            yield_now().await;
        }
        on_lane()
    });
    eventually("it runs on the isolated lane", || isolated.metrics().polls() > 3);
    match (isolated.metrics().isolation(), TaskIsolation::default().create()) {
        (Some(Ok(kind)), Ok(group)) => assert_eq!(kind, group.kind()),
        (Some(Err(found)), Err(_)) => println!("no quota here: {found}"),
        (found, expected) => panic!("{found:?}, but {expected:?}"),
    }
    stop.store(true, Ordering::Relaxed);
    assert!(runtime.block_on(task).unwrap());
}
