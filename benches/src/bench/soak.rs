//! A well-behaved service beside hogs, on a machine that other processes keep busy: is anybody ever
//! blamed who has done nothing?

use std::collections::HashSet;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pulse::workload::Burn;
use tokio::task::{Id, yield_now};
use tokio_pulse::Runtime;

use super::Scale;
use crate::Result;
use crate::figure::{Better, Figure};

const LOOK: Duration = Duration::from_millis(100);
const HOGS: usize = 8;
const PROBES: usize = 16;
const HANDLERS: usize = 8;
/// What a handler computes in a poll: a tenth of the default slice.
const HONEST_WORK: Duration = Duration::from_millis(1);
const BURST: Duration = Duration::from_millis(100);

pub(crate) fn run(scale: Scale, minutes: u64) -> Result<Vec<Figure>> {
    let _burners = Burners::start(scale.workers)?;
    let (burst, work) = (Burn::lasting(BURST), Burn::lasting(HONEST_WORK));
    let runtime = tokio_pulse::Builder::new_multi_thread()
        .worker_threads(scale.workers)
        .enable_all()
        .build()?;
    let hogs: HashSet<Id> = (0..HOGS as u64).map(|id| spawn_hog(&runtime, burst, id)).collect();
    for id in 0..PROBES.max(HANDLERS) as u64 {
        if id < PROBES as u64 {
            runtime.spawn(async {
                loop {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
        }
        if id < HANDLERS as u64 {
            runtime.spawn(async move {
                let mut state = id;
                loop {
                    state = work.run(state);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            });
        }
    }
    let time = scale.time(Duration::from_secs(60 * minutes));
    let (innocents, known) = watch(&runtime, &hogs, time);
    let metrics = runtime.handle().tiers().metrics();
    let (stalls, descheduled) = (runtime.metrics().stalls(), runtime.metrics().descheduled());
    runtime.shutdown_background();
    let count = |name: &str, value: u64| {
        Figure::new(format!("soak/{name}"), "", Better::Lower, &[value as f64])
    };
    Ok(vec![
        count("innocents-blamed", innocents as u64).bar("T12", 0.0),
        count("hogs-known", known as u64),
        count("violations", metrics.violations()),
        count("handoffs", metrics.handoffs()),
        count("handoffs-failed", metrics.failed_handoffs()),
        count("stalls", stalls),
        count("descheduled", descheduled),
    ])
}

fn spawn_hog(runtime: &Runtime, burst: Burn, id: u64) -> Id {
    let hog = runtime.spawn(async move {
        let mut state = id;
        loop {
            state = burst.run(state);
            yield_now().await;
        }
    });
    hog.id()
}

/// Tasks that were on record though they are no hogs, and hogs that were.
fn watch(runtime: &Runtime, hogs: &HashSet<Id>, time: Duration) -> (usize, usize) {
    let mut seen = HashSet::new();
    let begun = Instant::now();
    while begun.elapsed() < time {
        for suspect in runtime.handle().tiers().suspects() {
            if seen.insert(suspect.task_id()) && !hogs.contains(&suspect.task_id()) {
                eprintln!("blamed after {:?}: {suspect:?}", begun.elapsed());
                for site in runtime.handle().tiers().spawn_sites() {
                    eprintln!("  {site}");
                }
            }
        }
        std::thread::sleep(LOOK);
    }
    let known = seen.intersection(hogs).count();
    (seen.len() - known, known)
}

/// Processes that burn all processors.
struct Burners(Vec<Child>);

impl Burners {
    fn start(n: usize) -> Result<Self> {
        let mut burners = Self(Vec::new());
        for _ in 0..n {
            let mut shell = Command::new("sh");
            shell.args(["-c", "while :; do :; done"]).stdin(Stdio::null());
            burners.0.push(shell.spawn()?);
        }
        Ok(burners)
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
