//! maniac-runtime, which has no time slice: a thread asks for a switch every 10 ms, or as often as the
//! second argument says: maniac [SECONDS [MILLISECONDS]]

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use maniac_runtime::runtime::Executor;
use maniac_runtime::runtime::task::{TaskArenaConfig, TaskArenaOptions};
use others::{LOOPS, endless, report, time};

fn main() {
    let interval = std::env::args().nth(2).map_or(10, |time| time.parse().expect("milliseconds"));
    let arena = TaskArenaConfig::new(4, 256).expect("an arena");
    let runtime: Executor<10, 6> =
        Executor::new(arena, TaskArenaOptions::default(), 1, 1).expect("a runtime");
    for me in 0..LOOPS {
        // The handle is not waited for.
        let _ = runtime.spawn(async move { endless(me) }).expect("a task");
    }
    let service = Arc::clone(runtime.service());
    thread::spawn(move || {
        loop {
            thread::sleep(Duration::from_millis(interval));
            service.interrupt_worker(0).expect("a signal");
        }
    });
    report("maniac-runtime", time());
}
