//! Who gets how much in the long run.

use proptest::prelude::*;

use super::super::*;
use super::{MS, algorithm, flow, normal, priority};

/// A flow that always has something to do.
#[derive(Clone, Debug)]
struct Hog {
    priority: TaskPriority,
    /// Costs of its runs, over and over.
    costs: Vec<u64>,
}

fn hog() -> impl Strategy<Value = Hog> {
    let costs = prop::collection::vec(MS / 2..8 * MS, 1..4);
    (priority(), costs).prop_map(|(priority, costs)| Hog { priority, costs })
}

/// Threads, each of which runs one item at a time. Who ends first is charged first.
struct Lane<'a> {
    queue: &'a mut dyn FairQueue<()>,
    hogs: &'a [Hog],
    threads: usize,
    /// When it ends, who it is, what it costs.
    running: Vec<(u64, usize, u64)>,
    runs: Vec<usize>,
    used: Vec<u64>,
    now: u64,
}

impl<'a> Lane<'a> {
    fn new(queue: &'a mut dyn FairQueue<()>, hogs: &'a [Hog], threads: usize) -> Self {
        let (runs, used) = (vec![0; hogs.len()], vec![0; hogs.len()]);
        Self { queue, hogs, threads, running: Vec::new(), runs, used, now: 0 }
    }

    fn flow(&self, hog: usize) -> Flow {
        flow(hog as u64, self.hogs[hog].priority)
    }

    /// Each has so many items, waiting or running, all the time.
    fn fill(&mut self, items: usize) {
        for hog in 0..self.hogs.len() {
            (0..items).for_each(|_| self.queue.push(self.flow(hog), ()));
        }
    }

    fn work(&mut self, until: u64) {
        while self.used.iter().sum::<u64>() < until {
            while self.running.len() < self.threads {
                let Some((flow, ())) = self.queue.pop() else { break };
                let hog = flow.id as usize;
                let costs = &self.hogs[hog].costs;
                let cost = costs[self.runs[hog] % costs.len()];
                self.runs[hog] += 1;
                self.running.push((self.now + cost, hog, cost));
            }
            let first = (0..self.running.len()).min_by_key(|index| self.running[*index].0).unwrap();
            let (end, hog, cost) = self.running.swap_remove(first);
            self.now = end;
            self.used[hog] += cost;
            self.queue.push(self.flow(hog), ());
            self.queue.charge(self.flow(hog), cost);
        }
    }
}

fn weight(hog: &Hog) -> u64 {
    flow(0, hog.priority).weight()
}

/// Works off a beginning, so that all are in the level where they stay, and then compares what each
/// has got with what is due to it.
fn check_shares(
    queue: &mut dyn FairQueue<()>,
    hogs: &[Hog],
    threads: usize,
    items: usize,
    off: f64,
) {
    let total: u64 = hogs.iter().map(weight).sum();
    let mut lane = Lane::new(queue, hogs, threads);
    lane.fill(items);
    lane.work(1_000 * MS * total);
    let (before, begun) = (lane.used.clone(), lane.used.iter().sum::<u64>());
    lane.work(begun + 2_000 * MS * total);
    let work = lane.used.iter().sum::<u64>() - begun;
    for (index, hog) in hogs.iter().enumerate() {
        let got = (lane.used[index] - before[index]) as f64;
        let due = work as f64 * weight(hog) as f64 / total as f64;
        assert!((got / due - 1.0).abs() < off, "{hog:?} got {got}, due {due}; all: {hogs:?}");
    }
}

/// As part of what is due, after two seconds for each unit of weight.
fn tolerance(algorithm: SchedulingAlgorithm) -> f64 {
    match algorithm {
        SchedulingAlgorithm::Lottery => 0.3,
        _ => 0.05,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Groups: several items wait, and one flow may run on all threads.
    #[test]
    fn backlogged_flows_share_by_weight(
        algorithm in algorithm(),
        seed in any::<u64>(),
        threads in 1..5_usize,
        hogs in prop::collection::vec(hog(), 2..6),
    ) {
        let mut queue = algorithm.queue(seed);
        check_shares(&mut *queue, &hogs, threads, 3 * threads, tolerance(algorithm));
    }

    /// Tasks: one item each, which comes back when it has run.
    #[test]
    fn tasks_that_come_back_at_once_share_by_weight(
        algorithm in algorithm(),
        seed in any::<u64>(),
        hogs in prop::collection::vec(hog(), 2..6),
    ) {
        let mut queue = algorithm.queue(seed);
        check_shares(&mut *queue, &hogs, 1, 1, tolerance(algorithm));
    }

    #[test]
    fn virtual_time_may_wrap(hogs in prop::collection::vec(hog(), 2..6)) {
        let mut queue = Fair::new(Credit::starting_at(u64::MAX - 1_500 * MS));
        check_shares(&mut queue, &hogs, 1, 3, 0.05);
    }

    /// While nobody is charged, runs count at their estimates.
    #[test]
    fn nobody_runs_on_all_threads_uncharged(algorithm in algorithm(), seed in any::<u64>()) {
        let mut queue = algorithm.queue(seed);
        for _ in 0..40 {
            (0..2).for_each(|id| queue.push(normal(id), ()));
        }
        for _ in 0..16 {
            let (flow, ()) = queue.pop().unwrap();
            queue.charge(flow, 4 * MS);
        }
        let first = (0..32).filter(|_| queue.pop().unwrap().0.id == 0).count();
        let fair = if algorithm == SchedulingAlgorithm::Lottery { 3..30 } else { 14..19 };
        prop_assert!(fair.contains(&first), "{} of 32", first);
    }

    /// Who comes back after ten seconds has no more than its share from then on.
    #[test]
    fn a_sleeper_saves_nothing_up(
        algorithm in algorithm(),
        seed in any::<u64>(),
        priority in priority(),
    ) {
        let mut queue = algorithm.queue(seed);
        let (sleeper, other) = (flow(0, priority), flow(1, priority));
        let run = |queue: &mut Box<dyn FairQueue<()>>| {
            let (flow, ()) = queue.pop().unwrap();
            queue.push(flow, ());
            queue.charge(flow, MS);
            flow
        };
        // Both are known, and at the same level.
        for flow in [sleeper, other] {
            for _ in 0..500 {
                queue.push(flow, ());
                queue.pop();
                queue.charge(flow, MS);
            }
        }
        queue.push(other, ());
        (0..10_000).for_each(|_| _ = run(&mut queue));
        queue.push(sleeper, ());
        let turns = (0..400).filter(|_| run(&mut queue) == sleeper).count();
        let fair = if algorithm == SchedulingAlgorithm::Lottery { 120..280 } else { 180..221 };
        prop_assert!(fair.contains(&turns), "{} of 400", turns);
    }
}

/// The first level has four fifths while there are young flows, and the old ones the rest.
#[test]
fn young_flows_have_four_fifths() {
    let mut queue = SchedulingAlgorithm::MultiLevel.queue(0);
    for _ in 0..1_000 {
        queue.push(normal(0), ());
        queue.pop();
        queue.charge(normal(0), MS);
    }
    queue.push(normal(0), ());
    queue.push(normal(1), ());
    let (mut young, mut next) = (0, 2);
    for _ in 0..2_000 {
        let (flow, ()) = queue.pop().unwrap();
        queue.charge(flow, MS);
        if flow.id == 0 {
            queue.push(flow, ());
        } else {
            young += 1;
            queue.push(normal(next), ());
            next += 1;
        }
    }
    // Beside the third level alone: 80 to 4.
    assert!((1_880..1_930).contains(&young), "{young}");
}

/// Unequal in weight and in cost, and each share within 2 % of what is due.
#[test]
fn in_the_long_run_shares_are_those_of_the_weights() {
    let hog = |priority, costs: &[u64]| Hog { priority, costs: costs.to_vec() };
    let hogs = [
        hog(TaskPriority::Critical, &[MS]),
        hog(TaskPriority::High, &[5 * MS, MS]),
        hog(TaskPriority::Normal, &[2 * MS]),
        hog(TaskPriority::Low, &[3 * MS]),
        hog(TaskPriority::Low, &[MS, 2 * MS]),
    ];
    for algorithm in SchedulingAlgorithm::ALL {
        let mut queue = algorithm.queue(7);
        let mut lane = Lane::new(&mut *queue, &hogs, 2);
        lane.fill(4);
        lane.work(20_000 * MS);
        let (before, begun) = (lane.used.clone(), lane.used.iter().sum::<u64>());
        lane.work(begun + 2_000_000 * MS);
        let work = (lane.used.iter().sum::<u64>() - begun) as f64;
        let total: u64 = hogs.iter().map(weight).sum();
        for (index, hog) in hogs.iter().enumerate() {
            let share = (lane.used[index] - before[index]) as f64 / work;
            let due = weight(hog) as f64 / total as f64;
            assert!((share / due - 1.0).abs() < 0.02, "{algorithm}: {hog:?} {share}, due {due}");
        }
    }
}
