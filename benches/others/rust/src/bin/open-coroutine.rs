//! open-coroutine, whose time slice is 10 ms.

use std::thread;

use open_coroutine_core::scheduler::{SchedulableSuspender, Scheduler};
use others::{LOOPS, endless, report, time};

fn main() {
    thread::spawn(|| {
        let mut scheduler = Scheduler::default();
        for me in 0..LOOPS {
            let body = move |_: &SchedulableSuspender<'_>, ()| {
                endless(me);
                None
            };
            scheduler.submit_co(body, None, None).expect("a coroutine");
        }
        scheduler.try_schedule().map(|_| ()).expect("a schedule");
    });
    report("open-coroutine", time());
}
