//! B14: the same workload on Pulse and on other systems, in turns. See `docs/benchmarks.md`.

mod columns;
mod error;
mod launch;
mod log;
mod outcome;
mod systems;
mod table;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

pub(crate) use error::Error;

use crate::Result;
use crate::anchor;
use crate::machine::Machine;
use crate::rounds::interleave;
use columns::Column;
use launch::Launch;
use log::Log;
use outcome::Outcome;
use systems::System;

/// What a program does besides measuring: it starts, calibrates, and lets the last burns end.
const BESIDES: Duration = Duration::from_millis(700);

#[derive(Args, Clone, Debug)]
pub(crate) struct Options {
    /// The folder of the other systems' programs, with the file `systems` that lists them.
    #[arg(long, value_name = "DIR")]
    programs: PathBuf,
    /// How often each program is run on each load; odd numbers have a median of their own.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// How long each run measures.
    #[arg(long, value_name = "S", default_value_t = 5.0, value_parser = anchor::seconds)]
    secs: f64,
    /// Workers of each system.
    #[arg(long, value_name = "W", default_value_t = 2)]
    workers: usize,
    /// Well-behaved tasks, or pairs of them.
    #[arg(long, value_name = "P", default_value_t = 16)]
    probes: usize,
    /// Only systems with this in their name.
    #[arg(long, value_name = "PART")]
    only: Option<String>,
    /// Runs stock Tokio in this program as well, to see that it measures what the others do.
    #[arg(long)]
    control: bool,
    /// Writes each run's line to a file as soon as it is there.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

/// One system under one load.
#[derive(Clone, Copy)]
struct Cell<'a> {
    system: &'a System,
    column: &'a Column,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let list = systems::list(&options.programs, options.control)?;
    let list = list.into_iter().filter(|system| options.wants(system));
    let (present, missing): (Vec<System>, Vec<System>) = list.partition(System::is_present);
    if present.is_empty() {
        return Err(Error::NothingToRun.into());
    }
    let machine = Machine::this();
    let cells: Vec<Cell<'_>> = columns::ALL
        .iter()
        .flat_map(|column| present.iter().map(move |system| Cell { system, column }))
        .collect();
    let rounds = usize::from(options.rounds);
    eprintln!("{} runs, {}", rounds * cells.len(), options.duration(rounds * cells.len()));

    let launch = Launch::new(options.workers, options.probes, options.secs);
    let mut log = Log::open(options.log.as_deref())?;
    let mut begun = 0;
    let outcomes = interleave(rounds, &cells, |cell| {
        begun += 1;
        eprintln!("{begun:>4}  {}, {}", cell.system.name, cell.column.title);
        let outcome = launch.run(cell.system, cell.column);
        if let Outcome::Failed(failure) = &outcome {
            eprintln!("      failed: {failure}");
        }
        log.write(cell.system, cell.column, &outcome)?;
        Ok(outcome)
    })?;

    let results: Vec<_> = cells.into_iter().zip(outcomes).collect();
    println!("{}", table::markdown(&present, &results));
    print!("{}", table::notes(&missing, &results));
    println!("Medians of {rounds} runs of {} s, {} workers.", options.secs, options.workers);
    println!(
        "{} cores, {}, load {} at the start.",
        machine.cores, machine.cpu, machine.load_average
    );
    Ok(())
}

impl Options {
    fn wants(&self, system: &System) -> bool {
        self.only.as_ref().is_none_or(|part| system.name.contains(part.as_str()))
    }

    fn duration(&self, runs: usize) -> String {
        let seconds = runs as f64 * (self.secs + BESIDES.as_secs_f64());
        format!("about {:.0} minutes", (seconds / 60.0).ceil())
    }
}
