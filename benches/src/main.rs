//! Measures Tokio with and without Pulse, side by side. What and why: `docs/benchmarks.md`.
//!
//! Exit codes: 0 done; 1 `compare` found a figure that got worse; 2 the arguments are wrong;
//! 3 the run failed.

#![deny(unsafe_code)]

mod anchor;
mod anchors;
mod bench;
mod cli;
mod compare;
mod figure;
mod machine;
mod report;
mod rounds;
mod stats;
mod subject;
mod table;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser as _;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const EXIT_WORSE: u8 = 1;
const EXIT_FAILED: u8 = 3;

fn main() -> ExitCode {
    match cli::run(&cli::Cli::parse()) {
        Ok(compare::Outcome::Fine) => ExitCode::SUCCESS,
        Ok(compare::Outcome::Worse) => ExitCode::from(EXIT_WORSE),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}
