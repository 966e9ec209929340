//! The workload of the comparison with other systems, on Pulse.
//!
//! The programs for the other systems are not part of this repository. This one takes their
//! arguments, does what they do step by step, and prints their line: only the runtime differs.
//! `anchors` runs all of them. See `docs/benchmarks.md`.

mod burn;
mod error;
mod line;
mod options;
mod record;
mod tasks;

use std::io::{self, Write as _};
use std::mem;
use std::sync::Arc;

use pulse::side::{RuntimeOptions, SideRuntime};

pub(crate) use error::Error;
pub(crate) use options::{Mode, Options, seconds};

use burn::Burn;
use line::{Figures, Line};
use record::Record;

/// Measures once, and prints the line.
pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let line = measure(options)?;
    let mut stdout = io::stdout();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(Error::Stdout)
}

fn measure(options: &Options) -> Result<Line, Error> {
    let burn = Burn::calibrated(options.hog_ms)?;
    // As in the other programs, the clock runs while the runtime starts.
    let record = Arc::new(Record::begin(options));
    let runtime =
        SideRuntime::build(options.system.side(), &RuntimeOptions::workers(options.workers))
            .map_err(Error::Runtime)?;
    for id in 0..options.probes {
        match options.mode {
            Mode::Probe => {
                runtime.spawn(tasks::probe(record.clone(), id));
            }
            Mode::Pingpong => tasks::spawn_pair(&runtime, &record, id, options.pace()),
        }
    }
    for id in 0..options.hogs {
        runtime.spawn(tasks::hog(record.clone(), id, burn));
    }
    let stuck = record.wait_for_the_end();
    let figures = Figures::of(&record, options.mode);
    // A task that is stuck would hold up the drop, and the program ends anyway.
    mem::forget(runtime);
    Ok(Line { options: options.clone(), figures, ns_per_iter: burn.ns_per_iter(), stuck })
}
