//! A thread of the lane.

use std::cell::Cell as Flag;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio_pulse_sys::ThreadScheduling;

use super::scheduler::{Lane, LaneKind};
use super::seclusion::Cell;
use crate::intervene::demote::{Demoted, Means, Sentence};
use crate::tier::treatment::Measured;

/// A thread that had nothing to do for so long ends, as in Tokio's blocking pool.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Short enough for Linux, which cuts a thread's name after 15 bytes.
pub(super) const THREAD_NAME: &str = "pulse-lane";

thread_local! {
    static IS_ONE: Flag<bool> = const { Flag::new(false) };
}

/// Whether the calling thread is one of a lane's.
pub(super) fn is_one() -> bool {
    IS_ONE.get()
}

pub(super) fn start(lane: Arc<Lane>) -> io::Result<()> {
    thread::Builder::new().name(THREAD_NAME.into()).spawn(move || serve(&lane)).map(drop)
}

fn serve(lane: &Arc<Lane>) {
    IS_ONE.set(true);
    lane.heart.thread_started();
    let line = lane.heart.lane_line();
    let mut standing = Standing::default();
    let (mut done, mut jobs) = (Vec::new(), Vec::new());
    while lane.next(&mut done, &mut jobs) {
        standing.keep(lane);
        for job in jobs.drain(..) {
            let flow = job.flow();
            lane.counters.begins();
            line.begin_poll();
            // A job contains what its future does. This is for what is left, such as a logger of the
            // user's that panics.
            let ran = catch_unwind(AssertUnwindSafe(|| job.run()));
            let measured = ran.unwrap_or(Measured::NOTHING);
            let cost = measured.cpu.unwrap_or(measured.lasted).as_nanos() as u64;
            lane.counters.ended(cost, measured.lasted);
            lane.moves_on();
            done.push((flow, cost));
        }
        lane.adapt();
    }
}

/// How the thread stands with the kernel: behind the workers, for as long as it serves.
#[derive(Default)]
struct Standing {
    sentence: Option<Sentence>,
    demoted: Option<Demoted>,
    cell: Cell,
}

impl Standing {
    /// The configuration may change.
    fn keep(&mut self, lane: &Lane) {
        let config = lane.config.load();
        let harder = lane.kind == LaneKind::Isolated;
        self.cell.keep(config.isolation().filter(|_| harder), &lane.seclusion);
        let sentence =
            Sentence::of(config.demotion(), config.demotion_slice(), harder, Means::here());
        if self.sentence == Some(sentence) {
            return;
        }
        self.demoted = None;
        self.sentence = Some(sentence);
        let thread = ThreadScheduling::of_current_thread().ok();
        self.demoted = thread.map(|thread| sentence.carry_out(thread, &lane.heart));
    }
}
