//! The arguments.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};

use crate::console::options::{ConfigOptions, PictureOptions, StacksOptions, TopOptions};
use crate::side::{RuntimeOptions, Side};

/// More requests per second than this would measure the generator.
const MAX_RATE: f64 = 5_000.0;
/// Each side runs for an hour at most.
const MAX_SECONDS: u64 = 3_600;
/// Threads beyond this only run into the system's limits.
const MAX_WORKERS: u64 = 1_024;

/// See what Tokio-Pulse does, and what it can do on this machine; watch services that use it.
///
/// Exit codes: 0 done; 2 wrong arguments, or a value that a service refuses; 3 the environment does not
/// allow it (port in use, file not writable, configuration invalid, service not reachable); 4 the run
/// failed.
#[derive(Debug, Parser)]
#[command(name = "pulse", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the same load on stock Tokio and on Tokio-Pulse, and compare.
    Demo(DemoOptions),
    /// Show which capabilities of Tokio-Pulse are active on this machine, and why others are not;
    /// then its configuration here, and where each value comes from.
    Doctor(DoctorOptions),
    /// Put reports of stalls together, from files that `JsonLines` sinks have written: who is stuck
    /// where, for how long, and what may help.
    Analyze(AnalyzeOptions),
    /// Watch a running service: what is stuck, why, and what is done about it; and change that.
    Top(TopOptions),
    /// Read and change the configuration of a running service.
    Config(ConfigOptions),
    /// Show where the threads of a running service are, now.
    Stacks(StacksOptions),
    /// A picture of terminal screens that were captured, for documents.
    #[command(hide = true)]
    Picture(PictureOptions),
    /// One side's server, in a process of its own.
    #[command(hide = true)]
    Serve(ServeOptions),
    /// One side's hogs and probes, in a process of their own.
    #[command(hide = true)]
    Hogs(HogsOptions),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// An axum server whose /login and /report compute on the worker, beside a cheap /health.
    Service,
    /// Tasks that burn 100 ms of CPU per poll, beside tasks that sleep 1 ms.
    W8,
}

#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// What runs.
    #[arg(long, value_enum, default_value_t = Workload::Service)]
    pub(crate) workload: Workload,
    /// How long each side is measured, per round, after one second of warm-up.
    #[arg(long, default_value_t = 10, value_parser = value_parser!(u64).range(1..=MAX_SECONDS))]
    pub(crate) seconds: u64,
    /// How often the sides take turns; their figures are merged.
    #[arg(long, default_value_t = 1, value_parser = value_parser!(u32).range(1..=100))]
    pub(crate) rounds: u32,
    #[command(flatten)]
    pub(crate) runtime: RuntimeArgs,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
    #[command(flatten)]
    pub(crate) hogs: HogArgs,
    /// Where the chart goes.
    #[arg(long, value_name = "PATH", default_value = "pulse-demo.svg")]
    pub(crate) svg: PathBuf,
    /// Draw no chart.
    #[arg(long, conflicts_with = "svg")]
    pub(crate) no_svg: bool,
    /// Print the figures as one JSON object and nothing else.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorOptions {
    /// A configuration file. The environment counts for more, and may name another file.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the configuration alone, as a file to begin with.
    #[arg(long, conflicts_with = "json")]
    pub(crate) toml: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AnalyzeOptions {
    /// Files with a JSON object a line.
    #[arg(required = true, value_name = "FILES")]
    pub(crate) files: Vec<PathBuf>,
    /// So many groups are shown, the costliest first.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) top: usize,
    /// Draw all of them as a flame graph.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// Stop at the first line that is no report, instead of leaving it out.
    #[arg(long)]
    pub(crate) strict: bool,
}

impl DemoOptions {
    pub(crate) fn measured(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    pub(crate) fn chart(&self) -> Option<&PathBuf> {
        (!self.no_svg).then_some(&self.svg)
    }
}

#[derive(Clone, Debug, Args)]
pub(crate) struct RuntimeArgs {
    /// Worker threads on both sides.
    #[arg(long, default_value_t = 2, value_parser = value_parser!(u64).range(1..=MAX_WORKERS))]
    pub(crate) workers: u64,
    /// Reserve workers of Tokio-Pulse [default: its own].
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..=MAX_WORKERS))]
    reserve_workers: Option<u64>,
    /// Slice of Tokio-Pulse in milliseconds [default: its own].
    #[arg(long, value_name = "MS", value_parser = value_parser!(u64).range(1..=10_000))]
    slice_ms: Option<u64>,
}

impl RuntimeArgs {
    pub(crate) fn options(&self) -> RuntimeOptions {
        RuntimeOptions {
            workers: count(self.workers),
            reserve_workers: self.reserve_workers.map(count),
            slice: self.slice_ms.map(Duration::from_millis),
        }
    }

    /// The arguments that give a child the same options.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = vec![format!("--workers={}", self.workers)];
        words.extend(self.reserve_workers.map(|n| format!("--reserve-workers={n}")));
        words.extend(self.slice_ms.map(|ms| format!("--slice-ms={ms}")));
        words
    }
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Workload service")]
pub(crate) struct ServiceArgs {
    /// Requests to /health per second.
    #[arg(long, value_name = "PER_S", default_value_t = 200.0, value_parser = rate_above_zero)]
    pub(crate) rate_health: f64,
    /// Requests to /login per second [default: half of what --load allows].
    #[arg(long, value_name = "PER_S", value_parser = rate)]
    pub(crate) rate_login: Option<f64>,
    /// Requests to /report per second [default: half of what --load allows].
    #[arg(long, value_name = "PER_S", value_parser = rate)]
    pub(crate) rate_report: Option<f64>,
    /// The share of the cores that /login and /report keep busy, in per cent.
    #[arg(long, value_name = "PER_CENT", default_value_t = 55,
          value_parser = value_parser!(u8).range(1..=100))]
    pub(crate) load: u8,
    /// Requests leave at times drawn from it, the same on both sides.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Port of the server on 127.0.0.1; 0 lets the system choose.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Workload w8")]
pub(crate) struct HogArgs {
    /// Tasks that burn CPU.
    #[arg(long, default_value_t = 8, value_parser = value_parser!(u64).range(0..=10_000))]
    pub(crate) hogs: u64,
    /// How long a hog burns in one poll.
    #[arg(long, value_name = "MS", default_value_t = 100,
          value_parser = value_parser!(u64).range(1..=10_000))]
    pub(crate) hog_ms: u64,
    /// Tasks that sleep 1 ms and note how late they wake.
    #[arg(long, default_value_t = 16, value_parser = value_parser!(u64).range(1..=10_000))]
    pub(crate) probes: u64,
}

#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    #[arg(long = "runtime", value_enum)]
    pub(crate) side: Side,
    #[command(flatten)]
    pub(crate) runtime: RuntimeArgs,
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
}

#[derive(Debug, Args)]
pub(crate) struct HogsOptions {
    #[arg(long = "runtime", value_enum)]
    pub(crate) side: Side,
    #[command(flatten)]
    pub(crate) runtime: RuntimeArgs,
    #[command(flatten)]
    pub(crate) hogs: HogArgs,
    #[arg(long, value_parser = value_parser!(u64).range(1..=MAX_SECONDS))]
    pub(crate) seconds: u64,
}

/// For numbers that the parser has bounded well below 2^32.
pub(crate) fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.0..=MAX_RATE).contains(&rate) => Ok(rate),
        _ => Err(format!("must be a number from 0 to {MAX_RATE}")),
    }
}

fn rate_above_zero(text: &str) -> Result<f64, String> {
    rate(text)
        .ok()
        .filter(|rate| *rate >= 1.0)
        .ok_or_else(|| format!("must be a number from 1 to {MAX_RATE}"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn demo(words: &[&str]) -> Result<DemoOptions, clap::Error> {
        Cli::try_parse_from(["pulse", "demo"].iter().chain(words)).map(|cli| match cli.command {
            Command::Demo(options) => options,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults_are_those_of_the_documentation() {
        let options = demo(&[]).unwrap();
        assert_eq!(options.workload, Workload::Service);
        assert_eq!((options.seconds, options.rounds, options.runtime.workers), (10, 1, 2));
        assert_eq!((options.hogs.hogs, options.hogs.hog_ms, options.hogs.probes), (8, 100, 16));
        assert_eq!(options.chart().unwrap().to_str(), Some("pulse-demo.svg"));
        assert!(demo(&["--no-svg"]).unwrap().chart().is_none());
    }

    #[test]
    fn what_is_out_of_range_is_refused_as_usage() {
        for words in [
            ["--workers", "0"],
            ["--workers", "1000000"],
            ["--seconds", "0"],
            ["--seconds", "-1"],
            ["--rounds", "0"],
            ["--rate-health", "0"],
            ["--rate-login", "NaN"],
            ["--rate-login", "inf"],
            ["--rate-report", "1e9"],
            ["--load", "101"],
            ["--port", "65536"],
            ["--probes", "0"],
            ["--workload", "w9"],
            ["--slice-ms", "0"],
        ] {
            let error = demo(&words).expect_err(&words.join(" "));
            assert_eq!(error.exit_code(), i32::from(crate::error::EXIT_USAGE), "{words:?}");
        }
    }

    #[test]
    fn a_child_gets_the_runtime_options_of_its_parent() {
        let parent = demo(&["--workers=3", "--reserve-workers=5", "--slice-ms=7"]).unwrap().runtime;
        let words = ["pulse", "serve", "--runtime=pulse"].map(String::from);
        let child = Cli::try_parse_from(words.into_iter().chain(parent.words())).unwrap();
        let Command::Serve(child) = child.command else { panic!("not a server") };
        assert_eq!(child.runtime.options(), parent.options());
    }
}
