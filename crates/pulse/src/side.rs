//! The two runtimes that are compared, behind one face.

use std::{fmt, future::Future, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{runtime, task::JoinHandle};

use crate::Error;

/// Which of the two runtimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Tokio's own multi-thread runtime, as it is.
    Stock,
    /// The same, wrapped by Tokio-Pulse.
    Pulse,
}

impl Side {
    /// The word for it in arguments and in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Pulse => "pulse",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stock => "stock Tokio",
            Self::Pulse => "Tokio-Pulse",
        })
    }
}

/// How to build a runtime of either side; what is `None` is left to its default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RuntimeOptions {
    /// Worker threads, the same on both sides.
    pub workers: usize,
    /// Reserve workers of Tokio-Pulse.
    pub reserve_workers: Option<usize>,
    /// The slice of Tokio-Pulse: a longer poll counts as a stall.
    pub slice: Option<Duration>,
}

impl RuntimeOptions {
    /// So many workers, the rest by default.
    pub fn workers(workers: usize) -> Self {
        Self { workers, reserve_workers: None, slice: None }
    }
}

/// What Tokio-Pulse counted while its runtime lived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PulseFigures {
    /// Polls that exceeded the slice.
    pub stalls: u64,
    /// Stalls during which a reserve worker took over.
    pub rescued: u64,
    /// The longest stall, in milliseconds.
    pub longest_stall_ms: f64,
    /// How often a stall found the reserve empty.
    pub exhausted: u64,
    /// Long polls for which the kernel was to blame, since it gave the thread no core.
    pub descheduled: u64,
    /// How many reserve workers there are.
    pub reserve_workers: usize,
}

impl PulseFigures {
    /// The figures of two rounds together; a side without figures has none in any round.
    pub(crate) fn sum(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let (Some(one), Some(other)) = (one, other) else { return one.or(other) };
        Some(Self {
            stalls: one.stalls + other.stalls,
            rescued: one.rescued + other.rescued,
            longest_stall_ms: one.longest_stall_ms.max(other.longest_stall_ms),
            exhausted: one.exhausted + other.exhausted,
            descheduled: one.descheduled + other.descheduled,
            reserve_workers: one.reserve_workers.max(other.reserve_workers),
        })
    }
}

impl From<tokio_pulse::Metrics> for PulseFigures {
    fn from(metrics: tokio_pulse::Metrics) -> Self {
        Self {
            stalls: metrics.stalls(),
            rescued: metrics.stalls_rescued(),
            longest_stall_ms: metrics.longest_stall().as_secs_f64() * 1e3,
            exhausted: metrics.exhausted(),
            descheduled: metrics.descheduled(),
            reserve_workers: metrics.reserve_workers(),
        }
    }
}

/// A runtime of either side.
#[allow(missing_debug_implementations)]
pub struct SideRuntime(Inner);

enum Inner {
    Stock(runtime::Runtime),
    Pulse(tokio_pulse::Runtime),
}

impl SideRuntime {
    /// Builds a runtime with timers and I/O.
    ///
    /// # Errors
    /// [`Error::Runtime`] when threads or drivers cannot be had.
    pub fn build(side: Side, options: &RuntimeOptions) -> Result<Self, Error> {
        match side {
            Side::Stock => runtime::Builder::new_multi_thread()
                .worker_threads(options.workers)
                .enable_all()
                .build()
                .map(|runtime| Self(Inner::Stock(runtime)))
                .map_err(|source| Error::Runtime { side, source: source.into() }),
            Side::Pulse => {
                let mut builder = tokio_pulse::Builder::new_multi_thread();
                builder.worker_threads(options.workers).enable_all();
                if let Some(reserve) = options.reserve_workers {
                    builder.reserve_workers(reserve);
                }
                if let Some(slice) = options.slice {
                    builder.slice(slice);
                }
                builder
                    .build()
                    .map(|runtime| Self(Inner::Pulse(runtime)))
                    .map_err(|source| Error::Runtime { side, source: source.into() })
            }
        }
    }

    /// Runs a future to its end on the calling thread.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        match &self.0 {
            Inner::Stock(runtime) => runtime.block_on(future),
            Inner::Pulse(runtime) => runtime.block_on(future),
        }
    }

    /// Spawns a task onto the workers as code does that knows nothing of Pulse.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match &self.0 {
            Inner::Stock(runtime) => runtime.spawn(future),
            Inner::Pulse(runtime) => runtime.tokio().spawn(future),
        }
    }

    /// Spawns a task through Pulse, where there is one: it can be moved to the lane.
    pub fn spawn_movable<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match &self.0 {
            Inner::Stock(runtime) => runtime.spawn(future),
            Inner::Pulse(runtime) => runtime.spawn(future),
        }
    }

    /// What Tokio-Pulse counted so far; `None` on stock Tokio.
    pub fn figures(&self) -> Option<PulseFigures> {
        self.watch().map(|watch| watch.figures())
    }

    /// Something that reads the figures later, from inside the runtime.
    pub(crate) fn watch(&self) -> Option<PulseWatch> {
        match &self.0 {
            Inner::Stock(_) => None,
            Inner::Pulse(runtime) => Some(PulseWatch(runtime.handle().clone())),
        }
    }
}

/// Reads the figures of a Tokio-Pulse runtime.
#[derive(Clone)]
pub(crate) struct PulseWatch(tokio_pulse::Handle);

impl PulseWatch {
    pub(crate) fn figures(&self) -> PulseFigures {
        self.0.metrics().into()
    }
}
