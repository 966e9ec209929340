//! `pulse demo`: the same load on both sides, each in a process of its own.

mod chart;
mod child;
mod figures;
mod heavy;
pub(crate) mod hogs;
mod progress;
pub(crate) mod server;
mod service;
mod table;

use std::{fs, path::Path, thread, time::Duration};

use crate::{
    Error,
    cli::{DemoOptions, Workload},
    output,
};

/// Connections, caches and the allocator settle before anything is measured.
const WARM_UP: Duration = Duration::from_secs(1);

/// Runs the demo and prints its result.
pub(crate) fn run(options: &DemoOptions) -> Result<(), Error> {
    warn_about_cores(options.runtime.workers);
    if let Some(path) = options.chart() {
        // Better now than after the run.
        try_write(path)?;
    }
    match options.workload {
        Workload::Service => service::run(options),
        Workload::W8 => hogs::run(options),
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn warn_about_cores(workers: u64) {
    let cores = cores();
    if cores < 2 {
        output::warn(
            "this machine has 1 core, which workers, watchdog and load generator share: the \
             figures of both sides suffer, and ratios say little. Use a machine with 2 cores or \
             more",
        );
    } else if workers > cores as u64 {
        output::warn(&format!(
            "{workers} workers on {cores} cores: the kernel shares out the cores, and stock Tokio \
             looks better than with a worker per core. Use --workers {cores} or fewer"
        ));
    }
}

/// Whether the file can be written, without leaving an empty one behind.
fn try_write(path: &Path) -> Result<(), Error> {
    let existed = path.exists();
    fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .and_then(|_| if existed { Ok(()) } else { fs::remove_file(path) })
        .map_err(|source| Error::Chart { path: path.to_owned(), source })
}

fn write_chart(path: &Path, svg: &str) -> Result<(), Error> {
    fs::write(path, svg).map_err(|source| Error::Chart { path: path.to_owned(), source })
}
