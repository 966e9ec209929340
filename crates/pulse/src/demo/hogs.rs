//! The hogs workload, both halves: each run in a process of its own, then the comparison.

use std::time::Duration;

use super::{
    WARM_UP, chart,
    child::{self, Child},
    cores,
    figures::{times_more, times_shorter},
    progress::Progress,
    table, write_chart,
};
use crate::{
    Error,
    cli::{DemoOptions, HogArgs, HogsOptions, RuntimeArgs, count},
    output,
    side::Side,
    workload::{self, Outcome, OutcomeLine, Params},
};

/// How long after its end a run may still burn: the last polls have to come to their end.
const GRACE: Duration = Duration::from_secs(120);

/// The child: one run, told to the parent.
pub(crate) fn run_child(options: &HogsOptions) -> Result<(), Error> {
    child::finish(child::end_with_parent().and_then(|()| {
        let params = params(&options.runtime, &options.hogs, options.seconds);
        let outcome = workload::run(options.side, &params)?;
        child::tell(OutcomeLine::from(&outcome))
    }))
}

fn params(runtime: &RuntimeArgs, hogs: &HogArgs, seconds: u64) -> Params {
    Params {
        runtime: runtime.options(),
        hogs: count(hogs.hogs),
        burn: Duration::from_millis(hogs.hog_ms),
        movable: false,
        probes: count(hogs.probes),
        warm_up: WARM_UP,
        measured: Duration::from_secs(seconds),
    }
}

/// The three runs that are compared.
#[derive(Clone, Copy, PartialEq)]
enum Run {
    Calm,
    Stock,
    Pulse,
}

impl Run {
    fn side(self) -> Side {
        if self == Self::Pulse { Side::Pulse } else { Side::Stock }
    }

    fn label(self) -> String {
        if self == Self::Calm { "no hogs".into() } else { self.side().to_string() }
    }
}

/// The parent: runs all three, and prints the comparison.
pub(super) fn run(options: &DemoOptions) -> Result<(), Error> {
    let [mut calm, mut stock, mut pulse] = [(); 3].map(|()| Outcome::default());
    for round in 0..options.rounds {
        let mut order = [Run::Calm, Run::Stock, Run::Pulse];
        // Who goes first changes, so that a machine that warms up or slows down hits all.
        if round % 2 == 1 {
            order.reverse();
        }
        for run in order {
            let outcome = measure(options, run, round)?;
            let sum = match run {
                Run::Calm => &mut calm,
                Run::Stock => &mut stock,
                Run::Pulse => &mut pulse,
            };
            sum.merge(&outcome);
        }
    }
    publish(options, &calm, &stock, &pulse)
}

fn measure(options: &DemoOptions, run: Run, round: u32) -> Result<Outcome, Error> {
    let hogs = if run == Run::Calm { 0 } else { options.hogs.hogs };
    let side = run.side();
    let mut words = vec!["hogs".into(), format!("--runtime={}", side.word())];
    words.push(format!("--hogs={hogs}"));
    words.push(format!("--hog-ms={}", options.hogs.hog_ms));
    words.push(format!("--probes={}", options.hogs.probes));
    words.push(format!("--seconds={}", options.seconds));
    words.extend(options.runtime.words());

    let length = WARM_UP + options.measured();
    let label = format!("{}, round {} of {}", run.label(), round + 1, options.rounds);
    let _progress = Progress::start(label, length);
    let mut child = Child::start(side, &words)?;
    let line: OutcomeLine = child.line(length + GRACE)?;
    Ok(line.into())
}

fn publish(
    options: &DemoOptions,
    calm: &Outcome,
    stock: &Outcome,
    pulse: &Outcome,
) -> Result<(), Error> {
    let seconds = options.measured().as_secs_f64() * f64::from(options.rounds);
    if let Some(path) = options.chart() {
        let subtitle = format!(
            "{} workers, {} tasks that burn {} ms of CPU per poll, {} tasks that sleep 1 ms",
            options.runtime.workers, options.hogs.hogs, options.hogs.hog_ms, options.hogs.probes
        );
        let lines = [
            chart::Line::stock(&stock.lateness),
            chart::Line::pulse(&pulse.lateness),
            chart::Line::calm(&calm.lateness),
        ];
        let title = "How late a sleeping task wakes while others compute";
        write_chart(path, &chart::draw(title, &subtitle, "lateness", &lines))?;
    }
    if options.json {
        return output::say(&json(options, seconds, calm, stock, pulse));
    }
    output::say(&table::hogs(calm, stock, pulse, seconds))?;
    options.chart().map_or(Ok(()), |path| output::say(&format!("Chart: {}", path.display())))
}

fn json(
    options: &DemoOptions,
    seconds: f64,
    calm: &Outcome,
    stock: &Outcome,
    pulse: &Outcome,
) -> String {
    let side = |outcome: &Outcome| {
        serde_json::json!({
            "lateness": outcome.lateness.summary(),
            "burns_per_s": outcome.burns / seconds,
            "metrics": outcome.pulse,
        })
    };
    let late = |percentile: f64| {
        let [a, b] = [stock, pulse].map(|it| it.lateness.percentile(percentile).as_secs_f64());
        times_shorter(a, b)
    };
    serde_json::json!({
        "workload": "w8",
        "workers": options.runtime.workers,
        "cores": cores(),
        "seconds": options.seconds,
        "rounds": options.rounds,
        "hogs": options.hogs.hogs,
        "hog_ms": options.hogs.hog_ms,
        "probes": options.hogs.probes,
        "no_hogs": side(calm),
        "stock": side(stock),
        "pulse": side(pulse),
        "times_better": {
            "late_p50": late(50.0),
            "late_p99": late(99.0),
            "late_p999": late(99.9),
            "burns": times_more(stock.burns, pulse.burns),
        },
        "svg": options.chart(),
    })
    .to_string()
}
