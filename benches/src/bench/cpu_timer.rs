//! S8: what a reading of a `CpuTimer` costs, and how far off the times are that it reports.

use std::hint::black_box;
use std::time::{Duration, Instant};

use pulse::workload::Burn;
use tokio_pulse::CpuTimer;

use super::{Scale, proc};
use crate::Result;
use crate::figure::{Better, Figure};
use crate::rounds::{interleave, pick};
use crate::stats::median;

const ROUNDS: usize = 31;
/// The fastest of so many runs of a burn counts: the one with the least of interrupts and of hosts
/// that ran others, which the clock on the wall includes.
const TRIES: usize = 10;
/// Readings between two looks at the clock on the wall.
const READINGS: u32 = 10_000;
/// In per cent.
const LIMIT_ERROR: f64 = 1.0;

const BURNS: [(&str, Duration); 3] = [
    ("100us", Duration::from_micros(100)),
    ("1ms", Duration::from_millis(1)),
    ("10ms", Duration::from_millis(10)),
];

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let rounds = scale.rounds(ROUNDS);
    let read: Vec<f64> = (0..rounds).map(|_| nanos_of_a_reading()).collect();
    let overhead: Vec<f64> = (0..rounds).map(|_| nanos(CpuTimer::recalibrate())).collect();
    let empty = (0..rounds).map(|_| nanos(CpuTimer::start().stop())).collect::<Vec<_>>();
    let mut figures = vec![
        Figure::new("cpu-timer/read", "ns", Better::Lower, &read),
        Figure::new("cpu-timer/overhead-taken-off", "ns", Better::Lower, &overhead),
        Figure::new("cpu-timer/left-of-nothing", "ns", Better::Lower, &empty),
    ];
    figures.extend(errors("wall", &BURNS, rounds, beside_wall_clock)?);
    // A thread goes to sleep before it asks for its account, and what that costs varies by more than
    // one per cent of the shortest burn.
    figures.extend(errors("account", &BURNS[1..], rounds, beside_account)?);
    Ok(figures)
}

/// One burn by the timer, and by something else.
#[derive(Clone, Copy)]
struct Sample {
    timer: Duration,
    reference: Duration,
}

impl Sample {
    fn percent_off(&self) -> f64 {
        let (timer, reference) = (self.timer.as_secs_f64(), self.reference.as_secs_f64());
        100.0 * (timer - reference).abs() / reference
    }
}

fn errors(
    reference: &str,
    burns: &[(&str, Duration)],
    rounds: usize,
    measure: fn(Burn) -> Result<Sample>,
) -> Result<Vec<Figure>> {
    let samples = interleave(rounds, burns, |(_, length)| measure(Burn::lasting(length)))?;
    let figure = |(&(name, _), samples): (&(&str, Duration), &Vec<Sample>)| {
        let name = format!("cpu-timer/{name}/off-{reference}");
        let micros = |of: fn(&Sample) -> Duration| pick(samples, |s| nanos(of(s)) / 1e3);
        Figure::new(name, "%", Better::Lower, &pick(samples, Sample::percent_off))
            .sides(&micros(|s| s.reference), &micros(|s| s.timer), "us")
            .bar("S8", LIMIT_ERROR)
    };
    Ok(burns.iter().zip(&samples).map(figure).collect())
}

/// A burn takes as much CPU time as time, less what its thread waited for a processor. The clock on
/// the wall is read inside: it is the cheaper one.
fn beside_wall_clock(burn: Burn) -> Result<Sample> {
    let once = |seed| {
        let before = proc::run_delay_of_current_thread()?;
        let timer = CpuTimer::start();
        let begun = Instant::now();
        black_box(burn.run(seed));
        let passed = begun.elapsed();
        let timer = timer.stop();
        let waited = proc::run_delay_of_current_thread()?.saturating_sub(before);
        Ok(Sample { timer, reference: passed.saturating_sub(waited) })
    };
    let burns = (0..TRIES as u64).map(once).collect::<Result<Vec<_>>>()?;
    fastest(burns.into_iter())
}

/// The kernel's own account of the thread, less what it costs to ask for it.
fn beside_account(burn: Burn) -> Result<Sample> {
    let asking = (0..TRIES).map(|_| account_of(|| Duration::ZERO)).collect::<Result<Vec<_>>>()?;
    let asking: Vec<f64> = pick(&asking, |sample| sample.reference.as_secs_f64());
    let asking = Duration::from_secs_f64(median(&asking));
    let once = |seed| {
        account_of(|| {
            let timer = CpuTimer::start();
            black_box(burn.run(seed));
            timer.stop()
        })
    };
    let burns = (0..TRIES as u64).map(once).collect::<Result<Vec<_>>>()?;
    let Sample { timer, reference } = fastest(burns.into_iter())?;
    Ok(Sample { timer, reference: reference.saturating_sub(asking) })
}

fn account_of(work: impl FnOnce() -> Duration) -> Result<Sample> {
    let before = proc::cpu_of_current_thread()?;
    let timer = work();
    let reference = proc::cpu_of_current_thread()?.saturating_sub(before);
    Ok(Sample { timer, reference })
}

fn fastest(samples: impl Iterator<Item = Sample>) -> Result<Sample> {
    samples.min_by_key(|sample| sample.reference).ok_or_else(|| "no burn".into())
}

fn nanos_of_a_reading() -> f64 {
    let timer = CpuTimer::start();
    let begun = Instant::now();
    (0..READINGS).for_each(|_| _ = black_box(timer.elapsed()));
    nanos(begun.elapsed()) / f64::from(READINGS)
}

fn nanos(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}
