//! B9: what Pulse costs a runtime that has nothing to do, and one that has.

use std::thread;
use std::time::{Duration, Instant};

use super::Scale;
use super::proc::{Usage, usage_of_threads};
use super::scenarios::{Background, busy_yielding};
use crate::Result;
use crate::figure::{Better, Figure};
use crate::stats::differences;

const ROUNDS: usize = 7;
const IDLE_WINDOW: Duration = Duration::from_secs(10);
const BUSY_WINDOW: Duration = Duration::from_secs(3);
/// Until the watchdog has noticed how busy the runtime is; a tenth of it would do.
const SETTLING: Duration = Duration::from_secs(1);
const LIMIT_IDLE: f64 = 0.1;
const LIMIT_BUSY: f64 = 0.5;

const STOCK_THREADS: &str = "bench-stock";
const PULSE_THREADS: &str = "bench-pulse";
const WATCHDOG: &str = "pulse-watchdog";
const CONSOLE: &str = "pulse-console";

type Load = fn(&tokio_pulse::Runtime, usize) -> Option<Background>;

/// Loads under which the watchdog is observed.
const LOADS: [(&str, Load); 3] = [
    ("busy", |runtime, workers| Some(busy_yielding(runtime.handle().tokio(), workers))),
    ("timer-1ms", |runtime, _| tick(runtime, Duration::from_millis(1))),
    ("timer-200ms", |runtime, _| tick(runtime, Duration::from_millis(200))),
];

pub(crate) fn run(scale: Scale) -> Result<Vec<Figure>> {
    let mut figures = idle(scale)?;
    figures.push(watchable(scale)?);
    for (name, load) in LOADS {
        figures.extend(loaded(scale, name, load)?);
    }
    Ok(figures)
}

/// A runtime that does nothing, and what each of its threads takes.
fn idle(scale: Scale) -> Result<Vec<Figure>> {
    let pulse = build(scale)?;
    let [stock, workers, watchdog] = beside_stock(scale, [STOCK_THREADS, PULSE_THREADS, WATCHDOG])?;
    drop(pulse);
    Ok(vec![
        added_cpu("nothing-to-do", &stock, &[&workers, &watchdog]),
        lower("idle/nothing-to-do/watchdog-cpu", "% of a core", &watchdog).bar("B9", LIMIT_IDLE),
    ])
}

/// The same of a program that can be watched, and is not.
fn watchable(scale: Scale) -> Result<Figure> {
    let pulse = build(scale)?;
    let console = tokio_pulse_console::ConsoleServer::bind("127.0.0.1:0", pulse.handle())?;
    let [stock, workers, watchdog, server] =
        beside_stock(scale, [STOCK_THREADS, PULSE_THREADS, WATCHDOG, CONSOLE])?;
    drop((console, pulse));
    Ok(added_cpu("console-with-nobody", &stock, &[&workers, &watchdog, &server]))
}

/// Percents of a core by thread name, with a stock runtime beside: threads are told apart by name, and
/// idle ones do not disturb.
fn beside_stock<const N: usize>(scale: Scale, names: [&str; N]) -> Result<[Vec<f64>; N]> {
    let stock = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(scale.workers)
        .thread_name(STOCK_THREADS)
        .enable_all()
        .build()?;
    thread::sleep(SETTLING);
    let mut windows: [Vec<Window>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..scale.rounds(ROUNDS) {
        let seen = observe(names, scale.time(IDLE_WINDOW))?;
        for (windows, window) in windows.iter_mut().zip(seen) {
            windows.push(window);
        }
    }
    drop(stock);
    Ok(windows.map(|windows| percents(&windows)))
}

fn added_cpu(case: &str, stock: &[f64], threads: &[&[f64]]) -> Figure {
    let of_all = |round| threads.iter().map(|percents| percents[round]).sum::<f64>();
    let all: Vec<f64> = (0..stock.len()).map(of_all).collect();
    lower(&format!("idle/{case}/added-cpu"), "% of a core", &differences(&all, stock))
        .sides(stock, &all, "%")
        .bar("B9", LIMIT_IDLE)
}

fn loaded(scale: Scale, name: &str, load: Load) -> Result<Vec<Figure>> {
    let runtime = build(scale)?;
    let background = load(&runtime, scale.workers);
    thread::sleep(SETTLING);
    let mut windows = Vec::new();
    for _ in 0..scale.rounds(ROUNDS) {
        windows.extend(observe([WATCHDOG], scale.time(BUSY_WINDOW))?);
    }
    drop(background);
    runtime.shutdown_background();
    let wakes: Vec<f64> = windows.iter().map(Window::sleeps_per_second).collect();
    let cpu = lower(&format!("idle/{name}/watchdog-cpu"), "% of a core", &percents(&windows));
    Ok(vec![
        cpu.bar("B9", LIMIT_BUSY),
        lower(&format!("idle/{name}/watchdog-wakes"), "per s", &wakes),
    ])
}

fn build(scale: Scale) -> Result<tokio_pulse::Runtime> {
    let mut builder = tokio_pulse::Builder::new_multi_thread();
    Ok(builder.worker_threads(scale.workers).thread_name(PULSE_THREADS).enable_all().build()?)
}

fn tick(runtime: &tokio_pulse::Runtime, every: Duration) -> Option<Background> {
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(every).await;
        }
    });
    None
}

struct Window {
    length: Duration,
    usage: Usage,
}

impl Window {
    fn percent_of_a_core(&self) -> f64 {
        self.usage.cpu.as_secs_f64() / self.length.as_secs_f64() * 100.0
    }

    fn sleeps_per_second(&self) -> f64 {
        self.usage.sleeps as f64 / self.length.as_secs_f64()
    }
}

fn percents(windows: &[Window]) -> Vec<f64> {
    windows.iter().map(Window::percent_of_a_core).collect()
}

fn observe<const N: usize>(names: [&str; N], length: Duration) -> Result<[Window; N]> {
    let all =
        || -> Result<Vec<Usage>> { names.iter().map(|name| usage_of_threads(name)).collect() };
    let (begun, before) = (Instant::now(), all()?);
    thread::sleep(length);
    let (length, after) = (begun.elapsed(), all()?);
    Ok(std::array::from_fn(|n| Window { length, usage: after[n].since(before[n]) }))
}

fn lower(name: &str, unit: &str, samples: &[f64]) -> Figure {
    Figure::new(name, unit, Better::Lower, samples)
}
