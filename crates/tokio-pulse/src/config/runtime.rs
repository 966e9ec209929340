//! How many threads, and the slice: what a runtime is built with. Checked by the builder.

use std::time::Duration;

use tokio_pulse_sys::ThreadProbe;

use crate::error::{BuildError, Kind};

/// The longest that a poll may run before Pulse steps in. Long enough for honest work between two
/// awaits, short enough that a person does not notice; Go's slice is the same.
pub(crate) const DEFAULT_SLICE: Duration = Duration::from_millis(10);

/// Below this the watchdog itself would be the load: each of its wake-ups costs about 15 us, by `pulse-bench idle`.
pub(crate) const MIN_SLICE: Duration = Duration::from_millis(1);

/// Above this nobody would call it a watchdog.
pub(crate) const MAX_SLICE: Duration = Duration::from_secs(60);

/// Tokio packs its counts of workers into 16 bits.
pub(crate) const MAX_THREADS: usize = 32_768;

/// Fewer reserves than this are gone with the first handful of heavy requests.
const MIN_DEFAULT_RESERVE: usize = 8;

/// Where the system does not tell who waits for a processor, each poll that it sets aside for a slice takes a
/// stand-in as well, and the real stalls are to find one all the same.
const MIN_DEFAULT_RESERVE_UNTOLD: usize = 32;

/// More sleeping threads than this do not help: the processors are long saturated.
const MAX_DEFAULT_RESERVE: usize = 64;

/// Reserves per worker, between the two bounds above.
const DEFAULT_RESERVE_PER_WORKER: usize = 4;

const WORKERS_VARIABLE: &str = "TOKIO_WORKER_THREADS";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    MultiThread,
    CurrentThread,
}

/// What a running Pulse goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    pub(crate) flavor: Flavor,
    /// Workers that serve the user's tasks when nothing is stalled.
    pub(crate) workers: usize,
    /// Workers on top of those, asleep until something is.
    pub(crate) reserve: usize,
    pub(crate) slice: Duration,
}

impl Config {
    pub(crate) fn new(
        flavor: Flavor,
        workers: Option<usize>,
        reserve: Option<usize>,
        slice: Duration,
    ) -> Result<Self, BuildError> {
        if slice < MIN_SLICE || slice > MAX_SLICE {
            return Err(BuildError(Kind::SliceOutOfRange(slice)));
        }
        let (workers, reserve) = match flavor {
            Flavor::CurrentThread => (1, 0),
            Flavor::MultiThread => {
                let workers = match workers {
                    Some(0) => return Err(BuildError(Kind::NoWorkers)),
                    Some(workers) => workers,
                    None => default_workers(std::env::var(WORKERS_VARIABLE).ok())?,
                };
                (workers, reserve.unwrap_or_else(|| default_reserve(workers, least_reserve())))
            }
        };
        if workers.saturating_add(reserve) > MAX_THREADS {
            return Err(BuildError(Kind::TooManyWorkers { workers, reserve }));
        }
        Ok(Self { flavor, workers, reserve, slice })
    }

    /// Workers that Tokio must be built with.
    pub(crate) fn tokio_workers(&self) -> usize {
        self.workers + self.reserve
    }
}

fn default_reserve(workers: usize, least: usize) -> usize {
    workers.saturating_mul(DEFAULT_RESERVE_PER_WORKER).clamp(least, MAX_DEFAULT_RESERVE)
}

fn least_reserve() -> usize {
    match ThreadProbe::of_current_thread() {
        Ok(_) => MIN_DEFAULT_RESERVE,
        Err(_) => MIN_DEFAULT_RESERVE_UNTOLD,
    }
}

/// Tokio's own rule: the environment, then the processors that this process may use.
fn default_workers(variable: Option<String>) -> Result<usize, BuildError> {
    let Some(value) = variable else {
        return Ok(std::thread::available_parallelism().map_or(1, usize::from));
    };
    match value.parse() {
        Ok(workers) if workers > 0 => Ok(workers),
        _ => Err(BuildError(Kind::InvalidEnvironment { name: WORKERS_VARIABLE, value })),
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    fn multi(workers: Option<usize>, reserve: Option<usize>) -> Result<Config, BuildError> {
        Config::new(Flavor::MultiThread, workers, reserve, DEFAULT_SLICE)
    }

    #[test]
    fn invalid_values_are_refused_with_their_reason() {
        let text = |result: Result<Config, BuildError>| {
            let error = result.unwrap_err();
            assert!(error.is_config() && !error.is_os());
            error.to_string()
        };
        assert!(text(multi(Some(0), None)).contains("worker_threads is 0"));
        assert!(text(multi(Some(2), Some(MAX_THREADS))).contains("32768"));
        assert!(text(multi(Some(usize::MAX), Some(1))).contains("lower one of the two"));
        let slice = |slice| Config::new(Flavor::MultiThread, Some(1), None, slice);
        assert!(text(slice(Duration::ZERO)).contains("between 1ms and 60s"));
        assert!(text(slice(Duration::MAX)).contains("out of range"));
    }

    #[test]
    fn the_environment_counts_as_tokio_counts_it() {
        assert_eq!(default_workers(Some("3".into())).unwrap(), 3);
        for bad in ["0", "", "two", "-1"] {
            let error = default_workers(Some(bad.into())).unwrap_err();
            assert!(error.to_string().contains(WORKERS_VARIABLE), "{error}");
        }
        assert!(default_workers(None).unwrap() >= 1);
    }

    #[test]
    fn the_default_reserve_follows_the_workers_within_bounds() {
        assert_eq!(default_reserve(1, MIN_DEFAULT_RESERVE), 8);
        assert_eq!(default_reserve(4, MIN_DEFAULT_RESERVE), 16);
        assert_eq!(default_reserve(4, MIN_DEFAULT_RESERVE_UNTOLD), 32);
        assert_eq!(default_reserve(1000, MIN_DEFAULT_RESERVE_UNTOLD), 64);
    }

    #[test]
    fn a_current_thread_runtime_has_no_reserve() {
        let config = Config::new(Flavor::CurrentThread, Some(9), Some(9), DEFAULT_SLICE).unwrap();
        assert_eq!((config.workers, config.reserve), (1, 0));
    }
}
