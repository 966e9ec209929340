//! B8: how soon a stall is reported, with its stack.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use tokio_pulse::stall_report::{ReportLimits, StallReport};
use tokio_pulse::{Builder, Runtime, config::Rule};

use super::Scale;
use crate::Result;
use crate::figure::{Better, Figure};

const SLICE: Duration = Duration::from_millis(10);
/// Long enough to be reported while it goes on.
const STALL: Duration = Duration::from_millis(60);
/// The first ones find nobody ready: the program's symbols are read.
const WARM_UP: usize = 3;
const STALLS: usize = 60;
/// Between stalls of which each finds the watchdog as if there had been none.
const QUIET: Duration = Duration::from_millis(1_500);
/// Of a task that keeps the runtime awake: then the watchdog is up, and does not look at once when a thread wakes.
const TICK: Duration = Duration::from_millis(1);
/// A little, so that a stall begins at no particular time of the watchdog's.
const SOON: Duration = Duration::from_millis(37);
const PATIENCE: Duration = Duration::from_secs(20);
/// On a busy machine a stall may end before its thread has answered: another one is made then.
const TRIES: usize = 50;
/// Beyond the slice.
const LIMIT_MS: f64 = 3.0;

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let bench = Bench::new()?;
    for _ in 0..WARM_UP {
        bench.stall(SOON)?;
    }
    let stalls = scale.rounds(STALLS);
    let series = |pause: Duration, count: usize| -> Result<Vec<Lateness>> {
        (0..count).map(|_| bench.stall(pause)).collect()
    };
    let after_another = series(SOON, stalls)?;
    let alone = series(QUIET, stalls.div_ceil(2))?;
    let ticker = bench.runtime.spawn(async {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
        }
    });
    let beside_others = series(QUIET, stalls.div_ceil(2))?;
    ticker.abort();
    let figure = |name: &str, series: &[Lateness], part: fn(&Lateness) -> f64| {
        let part: Vec<f64> = series.iter().map(part).collect();
        Figure::new(format!("report/{name}"), "ms", Better::Lower, &part)
    };
    let unreported = bench.unreported.load(Relaxed) as f64;
    Ok(vec![
        Figure::new("report/unreported", "stalls", Better::Lower, &[unreported]),
        figure("after-another", &after_another, |late| late.all).bar("B8", LIMIT_MS),
        figure("after-another/of-which-look", &after_another, |late| late.look),
        figure("after-another/of-which-rest", &after_another, |late| late.all - late.look),
        figure("out-of-the-blue", &alone, |late| late.all).bar("B8", LIMIT_MS),
        figure("out-of-the-blue/of-which-look", &alone, |late| late.look),
        figure("out-of-the-blue/of-which-rest", &alone, |late| late.all - late.look),
        figure("beside-others", &beside_others, |late| late.all).bar("B8", LIMIT_MS),
        figure("beside-others/of-which-look", &beside_others, |late| late.look),
        figure("beside-others/of-which-rest", &beside_others, |late| late.all - late.look),
    ])
}

/// Of one report, in milliseconds.
struct Lateness {
    /// From the end of the slice to the delivery.
    all: f64,
    /// From the end of the slice, counted from when the watchdog took the poll to have begun, to the look that
    /// had it reported. The rest is what that was too late, and what the report took.
    look: f64,
}

struct Bench {
    runtime: Runtime,
    reports: Receiver<(Instant, StallReport)>,
    stalls: AtomicUsize,
    /// Those that ended before there was a report with a stack.
    unreported: AtomicUsize,
}

impl Bench {
    fn new() -> Result<Self> {
        let (told, reports): (Sender<(Instant, StallReport)>, _) = channel();
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .slice(SLICE)
            // The same task would be known by the second stall.
            .rule(Rule::builder().site("*").exempt().build()?)
            .report_sink(move |report: &StallReport| {
                let _ = told.send((Instant::now(), report.clone()));
            })
            .stall_reports(ReportLimits::new().threshold(SLICE).per_minute(10_000))
            .build()?;
        Ok(Self { runtime, reports, stalls: AtomicUsize::new(1), unreported: AtomicUsize::new(0) })
    }

    /// Of a stall after that pause, until the delivery of the first report that has a stack.
    fn stall(&self, pause: Duration) -> Result<Lateness> {
        for _ in 0..TRIES {
            std::thread::sleep(pause);
            if let Some(late) = self.try_stall()? {
                return Ok(late);
            }
            self.unreported.fetch_add(1, Relaxed);
        }
        Err("no stall is reported while it goes on: this machine is too busy".into())
    }

    /// `None`: it ended without such a report.
    fn try_stall(&self) -> Result<Option<Lateness>> {
        let (begun_out, begun_in) = channel();
        // Each is of another kind: those of one kind are told once a minute.
        let depth = self.stalls.fetch_add(1, Relaxed);
        let task = self.runtime.spawn(async move {
            let begun = Instant::now();
            let _ = begun_out.send(begun);
            burn(depth, begun);
        });
        let begun = begun_in.recv_timeout(PATIENCE)?;
        self.runtime.block_on(task)?;
        if !self.runtime.handle().flush_reports(PATIENCE) {
            return Err("the reports are not delivered".into());
        }
        let of_this = |(told, report): &(Instant, StallReport)| {
            *told > begun && report.stack.culprit().is_some()
        };
        let mut all = self.reports.try_iter();
        let Some((told, report)) = all.find(of_this) else { return Ok(None) };
        all.for_each(drop);
        let beyond = |time: Duration| time.saturating_sub(SLICE).as_secs_f64() * 1e3;
        Ok(Some(Lateness { all: beyond(told - begun), look: beyond(report.elapsed) }))
    }
}

/// Computes until the stall is over, so many calls deep.
#[inline(never)]
fn burn(depth: usize, begun: Instant) {
    if depth > 0 {
        burn(depth - 1, begun);
    } else {
        while begun.elapsed() < STALL {
            (0..1_000).for_each(|round| _ = black_box(round));
        }
    }
    black_box(depth);
}
