//! The command line.

use std::path::PathBuf;
use std::thread;

use clap::{Args, Parser, Subcommand};
use pulse::side::Side;

use crate::Result;
use crate::anchor;
use crate::anchors;
use crate::bench::overload::Shedding;
use crate::bench::{
    Scale, budget, console, cpu_timer, heartbeat, http, idle, lane, metrics, overload, queue,
    report, scheduler, server, soak, stackful, tiers, tower, w8, yield_point,
};
use crate::compare::{self, Outcome};
use crate::figure::Figure;
use crate::report::Report;

const BASELINE: &str = "benches/baseline.json";

/// Measures Tokio with and without Pulse, side by side in one run.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What the heartbeat adds to a poll (B1).
    Heartbeat(Options),
    /// What a task's budget and the pool of budgets cost (T1).
    Budget(Options),
    /// What an update of a histogram costs (O3).
    Metrics(Options),
    /// What a reading of a `CpuTimer` costs, and how far off it is (S8).
    CpuTimer(Options),
    /// 10,000 tasks that compute, on the lane, beside 10,000 light ones.
    Lane(Options),
    /// What the slow lane pays to find out who is next, with 100,000 queued (B11).
    Queue(Options),
    /// What yield points cost when there is nothing to do (B10).
    YieldPoint(Options),
    /// What the Tower layer adds to a request (B12).
    Tower(Options),
    /// An axum server with more requests than it can serve, by who turns the rest away (E5).
    Overload(Options),
    /// The scenarios of Tokio's own multi-thread benchmarks (B3).
    Scheduler {
        #[command(flatten)]
        options: Options,
        #[command(flatten)]
        extra: Extra,
    },
    /// An axum server under load (B4).
    Http(Options),
    /// Timers beside CPU hogs (B5 with rescue alone, B7).
    W8(Options),
    /// Timers beside CPU hogs that are known (B5, B6, B7).
    Tiers {
        #[command(flatten)]
        options: Options,
        /// Only shapes with this in their name.
        #[arg(long, value_name = "PART")]
        only: Option<String>,
    },
    /// Whether innocents are ever blamed, beside hogs and on a busy machine.
    Soak {
        #[command(flatten)]
        options: Options,
        /// How long.
        #[arg(long, value_name = "N", default_value_t = 10)]
        minutes: u64,
    },
    /// How soon a stall is reported with its stack (B8).
    Report(Options),
    /// What it takes to set a running poll aside and to go back to it (B13).
    Stackful(Options),
    /// The CPU that Pulse itself uses, on an idle and on a busy runtime (B9).
    Idle(Options),
    /// What it costs to be watched, with 10,000 tasks on record (O6).
    Console(Options),
    /// All of the above.
    All(Options),
    /// Compares a run with the stored baseline; exit code 1 if a figure got more than 5 % worse.
    Compare {
        #[command(flatten)]
        options: Options,
        /// The stored run.
        #[arg(long, value_name = "FILE", default_value = BASELINE)]
        baseline: PathBuf,
        /// Takes this run instead of measuring now.
        #[arg(long, value_name = "FILE")]
        run: Option<PathBuf>,
        /// Stores the run as the baseline instead of comparing.
        #[arg(long)]
        save: bool,
    },
    /// Pulse and other systems in turns, and one table of all (B14).
    Anchors(anchors::Options),
    /// The program that `anchors` runs for Pulse: one run, one line of JSON.
    // The last one counts, as in the other programs.
    #[command(args_override_self = true)]
    Anchor(anchor::Options),
    #[command(hide = true)]
    Serve {
        #[arg(long)]
        runtime: Side,
        #[arg(long)]
        workers: usize,
        /// Heavy requests, and who turns away what is too much.
        #[arg(long)]
        overload: Option<Shedding>,
    },
}

#[derive(Args, Clone, Debug)]
struct Options {
    /// Writes the figures to a file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Few and short rounds, to see that everything runs; nothing is judged.
    #[arg(long)]
    quick: bool,
    /// Rounds of each benchmark, instead of its own number.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: Option<u32>,
    /// Workers of each runtime [default: one for each processor].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    workers: Option<u32>,
}

#[derive(Args, Clone, Debug)]
struct Extra {
    /// Measures stock Tokio a second time, to see the noise, and with hooks that do nothing.
    #[arg(long)]
    control: bool,
    /// Measures Pulse with these sizes of its reserve as well.
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    reserves: Vec<usize>,
    /// Measures stock Tokio with so many more workers, all of them blocked.
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    blocked: Vec<usize>,
    /// Only scenarios with this in their name.
    #[arg(long, value_name = "PART")]
    only: Option<String>,
}

impl Options {
    fn scale(&self) -> Scale {
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let number = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        Scale {
            quick: self.quick,
            rounds: self.rounds.map(number),
            workers: self.workers.map_or_else(cores, number),
        }
    }

    fn report(&self, run: impl FnOnce(Scale) -> Result<Vec<Figure>>) -> Result<Report> {
        let report = Report::of(self.quick, || run(self.scale()))?;
        report.print();
        if let Some(path) = &self.json {
            report.write(path)?;
        }
        Ok(report)
    }
}

pub(crate) fn run(cli: &Cli) -> Result<Outcome> {
    match &cli.command {
        Command::Heartbeat(options) => options.report(heartbeat::run)?,
        Command::Budget(options) => options.report(budget::run)?,
        Command::Metrics(options) => options.report(metrics::run)?,
        Command::Report(options) => options.report(report::run)?,
        Command::CpuTimer(options) => options.report(cpu_timer::run)?,
        Command::Lane(options) => options.report(lane::run)?,
        Command::Queue(options) => options.report(queue::run)?,
        Command::YieldPoint(options) => options.report(yield_point::run)?,
        Command::Tower(options) => options.report(tower::run)?,
        Command::Overload(options) => options.report(overload::run)?,
        Command::Scheduler { options, extra } => {
            let extra = scheduler::Extra {
                control: extra.control,
                reserves: extra.reserves.clone(),
                blocked: extra.blocked.clone(),
                only: extra.only.clone(),
            };
            options.report(|scale| scheduler::run(scale, &extra))?
        }
        Command::Http(options) => options.report(http::run)?,
        Command::W8(options) => options.report(w8::run)?,
        Command::Tiers { options, only } => {
            options.report(|scale| tiers::run(scale, only.as_deref()))?
        }
        Command::Soak { options, minutes } => options.report(|scale| soak::run(scale, *minutes))?,
        Command::Stackful(options) => options.report(stackful::run)?,
        Command::Idle(options) => options.report(idle::run)?,
        Command::Console(options) => options.report(console::run)?,
        Command::All(options) => options.report(all)?,
        Command::Compare { options, baseline, run, save } => {
            let run = match run {
                Some(path) => Report::read(path)?,
                None => options.report(all)?,
            };
            if *save {
                run.write(baseline)?;
                return Ok(Outcome::Fine);
            }
            return Ok(compare::print(&Report::read(baseline)?, &run));
        }
        Command::Anchors(options) => {
            anchors::run(options)?;
            return Ok(Outcome::Fine);
        }
        Command::Anchor(options) => {
            anchor::run(options)?;
            return Ok(Outcome::Fine);
        }
        Command::Serve { runtime, workers, overload } => {
            match overload {
                Some(shedding) => server::serve_heavy(*shedding, *workers)?,
                None => server::serve(*runtime, *workers)?,
            }
            return Ok(Outcome::Fine);
        }
    };
    Ok(Outcome::Fine)
}

fn all(scale: Scale) -> Result<Vec<Figure>> {
    let mut figures = heartbeat::run(scale)?;
    figures.extend(budget::run(scale)?);
    figures.extend(metrics::run(scale)?);
    figures.extend(cpu_timer::run(scale)?);
    figures.extend(report::run(scale)?);
    figures.extend(queue::run(scale)?);
    figures.extend(lane::run(scale)?);
    figures.extend(yield_point::run(scale)?);
    figures.extend(tower::run(scale)?);
    figures.extend(overload::run(scale)?);
    figures.extend(scheduler::run(scale, &scheduler::Extra::default())?);
    figures.extend(http::run(scale)?);
    figures.extend(w8::run(scale)?);
    figures.extend(tiers::run(scale, None)?);
    figures.extend(stackful::run(scale)?);
    figures.extend(idle::run(scale)?);
    figures.extend(console::run(scale)?);
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
