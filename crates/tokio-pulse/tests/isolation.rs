//! Isolated threads, in real control groups. Where this process may not make any, each test says so
//! and ends.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use tokio_pulse::{IsolationGroup, TaskIsolation};
use tokio_pulse_sys::ThreadCpuClock;

const PATIENCE: Duration = Duration::from_secs(60);

/// Set for a child that is to sleep.
const SLEEPS: &str = "PULSE_TEST_SLEEPS";

fn group() -> Option<IsolationGroup> {
    match TaskIsolation::default().create() {
        Ok(group) => Some(group),
        Err(error) => {
            assert!(error.is_unavailable() && !error.is_config());
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// Where the calling thread is, as the system tells it.
fn here() -> String {
    std::fs::read_to_string("/proc/thread-self/cgroup").unwrap_or_default()
}

fn is_inside(group: &IsolationGroup) -> bool {
    here().contains(group.place().file_name().unwrap().to_str().unwrap())
}

/// Burns CPU for as long on the wall, or until told, and returns the share of a processor that it got.
fn burn(wall: Duration, until: impl Fn() -> bool) -> f64 {
    let clock = ThreadCpuClock::of_current_thread().unwrap();
    let (began, before) = (Instant::now(), clock.read().unwrap());
    while began.elapsed() < wall || (!until() && began.elapsed() < PATIENCE) {
        (0..10_000).for_each(|_| std::hint::spin_loop());
    }
    (clock.read().unwrap() - before).as_secs_f64() / began.elapsed().as_secs_f64()
}

#[test]
fn a_thread_gets_half_a_processor_by_default() {
    let Some(group) = group() else { return };
    let inside = group.enter().unwrap();
    let share = burn(Duration::from_secs(2), || true);
    drop(inside);
    // The control says what the machine had to give at about the same time.
    let free = burn(Duration::from_secs(1), || true);
    println!("{share:.2} of a processor inside, {free:.2} outside");
    assert!(share < 0.75, "{share:.2} of a processor inside, {free:.2} outside");
}

#[test]
fn a_thread_is_held_back_inside_and_free_afterwards() {
    // So little that a loaded machine has more to give.
    let isolation = TaskIsolation::builder().quota(Duration::from_millis(5)).build().unwrap();
    let Ok(group) = isolation.create() else { return drop(group()) };
    let before = here();
    let inside = group.enter().unwrap();
    assert!(is_inside(&group));
    let stats = || group.stats().unwrap();
    let share = burn(Duration::from_secs(1), || {
        stats().throttled_periods >= 3 && stats().throttled > Duration::ZERO
    });
    let held_back = stats();
    assert!(held_back.throttled_periods >= 3, "{share:.2} of a processor, {held_back:?}");
    assert!(held_back.periods >= held_back.throttled_periods, "{held_back:?}");
    assert!(held_back.throttled > Duration::ZERO, "{held_back:?}");
    assert!(share < 0.5, "{share:.2} of a processor, {held_back:?}");

    inside.leave().unwrap();
    assert_eq!(here(), before);
    // Nothing that the thread does now counts, but for a period that was not over.
    let settled = stats().throttled_periods;
    burn(Duration::from_millis(500), || true);
    assert!(stats().throttled_periods <= settled + 1, "{settled} periods, now {:?}", stats());
}

#[test]
fn threads_share_the_quota() {
    let Some(group) = group() else { return };
    let shares: Vec<f64> = std::thread::scope(|scope| {
        let run = || {
            let _inside = group.enter().unwrap();
            burn(Duration::from_secs(1), || true)
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let sum: f64 = shares.iter().sum();
    assert!(sum < 0.9, "{shares:?} of a processor together");
}

#[test]
fn entering_twice_is_entering_once_and_groups_nest() {
    let Some(outer) = group() else { return };
    let inner = group().unwrap();
    let before = here();
    let first = outer.enter().unwrap();
    let second = outer.enter().unwrap();
    drop(second);
    assert!(is_inside(&outer));
    let third = inner.enter().unwrap();
    assert!(is_inside(&inner));
    drop(third);
    assert!(is_inside(&outer));
    // The outermost guard counts, in whatever order they go.
    let late = outer.enter().unwrap();
    drop(first);
    assert_eq!(here(), before);
    drop(late);
    assert_eq!(here(), before);

    // Where it was is gone by the time it leaves.
    let first = outer.enter().unwrap();
    let second = inner.enter().unwrap();
    drop(outer);
    second.leave().unwrap();
    assert_eq!(here(), before);
    drop(first);
}

#[test]
fn the_drop_removes_the_group_with_threads_inside() {
    let Some(group) = group() else { return };
    let place = group.place().to_owned();
    assert!(place.is_dir());
    let (entered, both) = (Barrier::new(3), Barrier::new(3));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let before = here();
                let inside = group.enter().unwrap();
                entered.wait();
                both.wait();
                assert_eq!(here(), before, "the group has let the thread go");
                drop(inside);
                assert_eq!(here(), before);
            });
        }
        entered.wait();
        group.close().unwrap();
        both.wait();
    });
    assert!(!place.exists());
    group.close().unwrap();
    let refused = group.enter().unwrap_err();
    assert!(refused.is_unavailable() && refused.to_string().contains("closed"), "{refused}");
    assert!(group.stats().is_err());
}

#[test]
fn threads_come_and_go_while_the_group_closes() {
    let Some(group) = group() else { return };
    let place = group.place().to_owned();
    let before = here();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let deadline = Instant::now() + PATIENCE;
                while let Ok(inside) = group.enter() {
                    drop(inside);
                    assert!(Instant::now() < deadline);
                }
                assert_eq!(here(), before);
            });
        }
        std::thread::sleep(Duration::from_millis(50));
        group.close().unwrap();
    });
    assert!(!place.exists());
}

/// Says to a process started from this binary what its last moment is to be.
const LAST_MOMENT: &str = "PULSE_TEST_LAST_MOMENT";

/// Not a test of its own: makes a group, enters it, tells its place, and waits for its end.
#[test]
fn child() {
    let Ok(last) = std::env::var(LAST_MOMENT) else { return };
    let group = group().unwrap();
    let _inside = group.enter().unwrap();
    println!("\nplace={}", group.place().display());
    if last == "exit" {
        std::process::exit(0);
    }
    std::thread::sleep(PATIENCE);
}

/// Under a user-mode emulator a program cannot start itself: the system does not know its format.
fn starts_itself() -> bool {
    let list = Command::new(std::env::current_exe().unwrap()).arg("--list").output();
    let starts = list.is_ok_and(|list| list.status.success());
    if !starts {
        eprintln!("skipped: this program cannot start itself here");
    }
    starts
}

fn start(last: &str) -> (Child, PathBuf) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture"])
        .env(LAST_MOMENT, last)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (line_out, line_in) = channel();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            if let Some(place) = line.strip_prefix("place=") {
                let _ = line_out.send(PathBuf::from(place));
            }
        }
    });
    (child, line_in.recv_timeout(PATIENCE).expect("the child has told its place"))
}

/// Starts as the next process would, until what must go is gone.
fn start_until_gone(place: &Path) {
    let deadline = Instant::now() + PATIENCE;
    while place.exists() {
        assert!(Instant::now() < deadline, "{} stays", place.display());
        drop(group().unwrap());
    }
}

#[test]
fn a_start_removes_what_the_dead_have_left_and_not_what_the_living_have() {
    if group().is_none() || !starts_itself() {
        return;
    }
    let (mut living, kept) = start("wait");
    let (mut killed, left) = start("wait");
    killed.kill().unwrap();
    killed.wait().unwrap();
    start_until_gone(&left);
    assert!(kept.is_dir(), "the group of a living process is gone");
    living.kill().unwrap();
    living.wait().unwrap();
    start_until_gone(&kept);
}

#[test]
fn a_process_that_exits_leaves_nothing() {
    if group().is_none() || !starts_itself() {
        return;
    }
    let (mut child, place) = start("exit");
    assert!(child.wait().unwrap().success());
    assert!(!place.exists());
}

/// What is started by an isolated thread does not make its groups inside of the group, where they
/// would be in the way, and is set free with it.
#[test]
fn a_process_started_inside_is_in_nobodys_way() {
    let Some(group) = group().filter(|_| starts_itself()) else { return };
    let inside = group.enter().unwrap();
    let (mut child, place) = start("wait");
    drop(inside);
    assert_eq!(place.parent(), group.place().parent());
    group.close().unwrap();
    assert!(place.is_dir());
    child.kill().unwrap();
    child.wait().unwrap();
    start_until_gone(&place);
}

/// Not a test of its own: the child of the one below.
#[test]
fn sleeper() {
    if std::env::var_os(SLEEPS).is_some() {
        std::thread::sleep(PATIENCE);
    }
}

#[test]
fn a_child_process_is_held_back_until_the_group_goes() {
    let group = match TaskIsolation::default().create_for_processes() {
        Ok(group) if starts_itself() => group,
        Ok(_) => return,
        Err(error) => return eprintln!("skipped: {error}"),
    };
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sleeper"])
        .env(SLEEPS, "1")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let own = format!("/tokio-pulse-{}-", std::process::id());
    let is_inside = || {
        let groups = std::fs::read_to_string(format!("/proc/{}/cgroup", child.id()));
        groups.unwrap_or_default().contains(&own)
    };
    group.admit(&child).unwrap();
    assert_eq!(is_inside(), cfg!(target_os = "linux"));
    group.close().unwrap();
    group.close().unwrap();
    assert!(!is_inside());
    assert!(group.admit(&child).unwrap_err().is_unavailable());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn what_is_shared_between_threads_may_be() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<IsolationGroup>();
    shared::<TaskIsolation>();
    shared::<tokio_pulse::IsolatedProcesses>();
    shared::<tokio_pulse::IsolationError>();
}
