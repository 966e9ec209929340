//! What a task costs in memory, counted by the allocator itself.

use std::time::{Duration, Instant};

use tokio::task::{JoinHandle, yield_now};
use tokio_pulse::{Builder, TierConfig};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

const TASKS: usize = 100_000;
/// One in a hundred.
const OFFENDERS: usize = TASKS / 100;
/// Fewer than offend.
const LIMIT: usize = OFFENDERS / 2;
const SLICE: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(300);

fn bytes() -> usize {
    dhat::HeapStats::get().curr_bytes
}

fn well_behaved(runtime: &tokio::runtime::Runtime) -> (Vec<JoinHandle<()>>, usize) {
    let mut tasks = Vec::with_capacity(TASKS);
    let before = bytes();
    tasks.extend((0..TASKS).map(|_| {
        runtime.spawn(async {
            yield_now().await;
            std::future::pending::<()>().await;
        })
    }));
    // All of them have been polled, and the queues are empty again.
    while runtime.metrics().global_queue_depth() > 0 {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(500));
    (tasks, bytes() - before)
}

#[test]
fn a_well_behaved_task_costs_nothing_and_the_record_of_offenders_is_bounded() {
    let _profiler = dhat::Profiler::builder().testing().build();
    let stock = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let (tasks, stock_bytes) = well_behaved(&stock);
    drop((tasks, stock));

    let config = TierConfig::builder().slice(SLICE).suspects_limit(LIMIT).build().unwrap();
    let pulse = Builder::new_multi_thread().worker_threads(2).tier_config(config).build().unwrap();
    // What there is of it does not grow with the tasks: the threads of the reserve, for one.
    let costs_nothing = |pulse_bytes: usize, when: &str| {
        let a_task = (pulse_bytes as f64 - stock_bytes as f64) / TASKS as f64;
        println!("{} bytes a task on stock, {a_task:+.3} on Pulse {when}", stock_bytes / TASKS);
        assert!(a_task.abs() < 1.0, "{a_task} bytes more a task {when}");
    };
    let (tasks, pulse_bytes) = well_behaved(pulse.tokio());
    costs_nothing(pulse_bytes, "before anybody offends");

    let before = bytes();
    let offenders: Vec<_> = (0..OFFENDERS)
        .map(|_| {
            pulse.spawn(async {
                let begun = Instant::now();
                while begun.elapsed() < SLICE * 4 {
                    std::hint::spin_loop();
                }
                std::future::pending::<()>().await;
            })
        })
        .collect();
    let deadline = Instant::now() + PATIENCE;
    let tiers = pulse.handle().tiers();
    // Not every one is caught: a poll of four slices that the kernel sets aside is none.
    while pulse.tokio().metrics().global_queue_depth() > 0 {
        assert!(Instant::now() < deadline, "{:?}", tiers.metrics());
        std::thread::sleep(Duration::from_millis(10));
    }
    let suspects = tiers.metrics().suspects();
    let record = (bytes() - before) / suspects.max(1);
    println!(
        "{suspects} suspects of at most {LIMIT}; {record} bytes each, all offenders' tasks included"
    );
    assert!(suspects > 0 && suspects <= LIMIT);

    let (more_tasks, pulse_bytes) = well_behaved(pulse.tokio());
    costs_nothing(pulse_bytes, "while offenders are on record");
    assert!(tiers.metrics().suspects() <= LIMIT);
    drop((tasks, offenders, more_tasks));
}
