//! The `pulse` command, and the load and workloads it measures with.
//!
//! * [`load`]: an HTTP load generator, open loop (Poisson arrivals) or closed loop.
//! * [`workload`]: CPU hogs beside timer probes, on stock Tokio or on Tokio-Pulse.
//! * [`side`]: the two runtimes that are compared.
//! * [`latencies`]: the histogram all figures come from.
//! * [`console`]: what a running service tells, and what can be changed in it.
//!
//! Exit codes of the command: 0 done; 2 the arguments are wrong; 3 the environment does not allow
//! the run (port in use, file not writable, service not reachable, ...); 4 the run itself failed.

#![forbid(unsafe_code)]

pub mod analyze;
mod cli;
pub mod console;
mod demo;
mod doctor;
pub mod error;
pub mod latencies;
pub mod load;
mod output;
pub mod side;
pub mod workload;

pub use error::Error;

use std::process::ExitCode;

use clap::Parser as _;

/// Parses the arguments of this process and does what they ask for.
pub fn run_command() -> ExitCode {
    let args = match cli::Cli::try_parse() {
        Ok(args) => args,
        // Help and version are "errors" for clap: it knows which stream and which code.
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = match args.command {
        cli::Command::Demo(options) => demo::run(&options),
        cli::Command::Doctor(options) => doctor::run(&options),
        cli::Command::Analyze(options) => analyze::run(&options),
        cli::Command::Top(options) => console::run_top(&options),
        cli::Command::Config(options) => console::run_config(&options),
        cli::Command::Stacks(options) => console::run_stacks(&options),
        cli::Command::Picture(options) => console::run_picture(&options),
        cli::Command::Serve(options) => demo::server::run(&options),
        cli::Command::Hogs(options) => demo::hogs::run_child(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::complain(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
