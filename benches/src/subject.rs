//! The runtimes that are compared.

use std::fmt;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;
use tokio_pulse::stall_report::{ReportLimits, StallReport};
use tokio_pulse_console::ConsoleServer;

use crate::Result;

/// How long reserve workers may take to fall asleep before a measurement begins.
const SETTLING: Duration = Duration::from_secs(5);

/// What the workers of a runtime are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Tokio as it is.
    Stock,
    /// The same once more: what its ratio differs from 1 is noise.
    Control,
    /// Tokio with poll hooks that do nothing.
    EmptyHooks,
    /// Tokio with one of the two only, that before a poll.
    EmptyHook,
    /// Tokio with this many workers more, all of them blocked.
    Blocked(usize),
    /// Pulse; `None` is its default reserve.
    Pulse { reserve: Option<usize> },
    /// Pulse with tasks that are spawned through it, so that they can be moved to the lane.
    PulseSpawned,
    /// Pulse whose polls note their task for reports of stalls, as they do for a while after a stall.
    PulseNaming,
    /// Pulse with the service for the console, to which nobody is connected.
    PulseConsole,
    /// Pulse with a registry for hooks, empty.
    EmptyRegistry,
    /// Pulse with polls that are timed.
    Timed,
    /// Tokio with its own histogram of poll times.
    TokioTimed,
    /// Tokio with tasks that tokio-metrics instruments.
    TokioMetrics,
}

impl Kind {
    pub(crate) const PULSE: Self = Self::Pulse { reserve: None };
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stock => f.write_str("stock"),
            Self::Control => f.write_str("control"),
            Self::EmptyHooks => f.write_str("empty-hooks"),
            Self::EmptyHook => f.write_str("empty-hook-before"),
            Self::Blocked(n) => write!(f, "stock-{n}-blocked"),
            Self::PulseSpawned => f.write_str("pulse-spawned"),
            Self::PulseNaming => f.write_str("pulse-naming"),
            Self::PulseConsole => f.write_str("pulse-console"),
            Self::EmptyRegistry => f.write_str("pulse-empty-registry"),
            Self::Timed => f.write_str("pulse-timed"),
            Self::TokioTimed => f.write_str("stock-poll-histogram"),
            Self::TokioMetrics => f.write_str("tokio-metrics"),
            Self::Pulse { reserve: None } => f.write_str("pulse"),
            Self::Pulse { reserve: Some(n) } => write!(f, "pulse-reserve-{n}"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    Current,
    Multi(usize),
}

/// A runtime that is ready to be measured.
pub(crate) struct Subject {
    // Dropped first: blocked workers have to be let go before the runtime can end.
    blockers: Vec<mpsc::Sender<()>>,
    inner: Inner,
    /// Serves until it is dropped.
    _console: Option<ConsoleServer>,
    kind: Kind,
}

enum Inner {
    Tokio(Runtime),
    Pulse(tokio_pulse::Runtime),
}

impl Subject {
    pub(crate) fn build(kind: Kind, threads: Threads) -> Result<Self> {
        let inner = inner(kind, threads)?;
        let console = match &inner {
            Inner::Pulse(runtime) if kind == Kind::PulseConsole => {
                Some(ConsoleServer::bind("127.0.0.1:0", runtime.handle())?)
            }
            _ => None,
        };
        let mut subject = Self { blockers: Vec::new(), inner, _console: console, kind };
        if let Kind::Blocked(n) = kind {
            subject.block(n)?;
        }
        if let Inner::Pulse(runtime) = &subject.inner {
            settle(runtime)?;
        }
        Ok(subject)
    }

    pub(crate) fn tokio(&self) -> &Runtime {
        match &self.inner {
            Inner::Tokio(runtime) => runtime,
            Inner::Pulse(runtime) => runtime.tokio(),
        }
    }

    pub(crate) fn handle(&self) -> &Handle {
        self.tokio().handle()
    }

    pub(crate) fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match &self.inner {
            Inner::Pulse(runtime) if self.kind == Kind::PulseSpawned => runtime.spawn(future),
            _ if self.kind == Kind::TokioMetrics => {
                self.tokio().spawn(tokio_metrics::TaskMonitor::new().instrument(future))
            }
            _ => self.tokio().spawn(future),
        }
    }

    /// Each task holds the worker that polls it, so as many tasks hold as many workers.
    fn block(&mut self, workers: usize) -> Result<()> {
        let (held, holding) = mpsc::channel();
        for _ in 0..workers {
            let (blocker, blocked) = mpsc::channel::<()>();
            let held = held.clone();
            self.blockers.push(blocker);
            self.tokio().spawn(async move {
                let _ = held.send(());
                let _ = blocked.recv();
            });
        }
        for _ in 0..workers {
            holding.recv_timeout(SETTLING)?;
        }
        Ok(())
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.blockers.clear();
    }
}

fn inner(kind: Kind, threads: Threads) -> Result<Inner> {
    let reserve = match kind {
        Kind::Pulse { reserve } => Some(reserve),
        Kind::EmptyRegistry
        | Kind::PulseSpawned
        | Kind::PulseNaming
        | Kind::PulseConsole
        | Kind::Timed => Some(None),
        _ => None,
    };
    if let Some(reserve) = reserve {
        let mut builder = match threads {
            Threads::Current => tokio_pulse::Builder::new_current_thread(),
            Threads::Multi(_) => tokio_pulse::Builder::new_multi_thread(),
        };
        if let Threads::Multi(workers) = threads {
            builder.worker_threads(workers);
        }
        if let Some(reserve) = reserve {
            builder.reserve_workers(reserve);
        }
        if kind == Kind::EmptyRegistry {
            builder.hook_registry(&tokio_pulse::HookRegistry::new());
        }
        builder.poll_times(kind == Kind::Timed);
        if kind == Kind::PulseNaming {
            builder
                .report_sink(|_: &StallReport| {})
                .stall_reports(ReportLimits::new().name_for(None));
        }
        return Ok(Inner::Pulse(builder.enable_all().build()?));
    }
    let mut builder = match threads {
        Threads::Current => Builder::new_current_thread(),
        Threads::Multi(_) => Builder::new_multi_thread(),
    };
    let blocked = if let Kind::Blocked(n) = kind { n } else { 0 };
    if let Threads::Multi(workers) = threads {
        builder.worker_threads(workers + blocked);
    }
    if matches!(kind, Kind::EmptyHooks | Kind::EmptyHook) {
        install_empty_hooks(&mut builder, kind == Kind::EmptyHooks);
    }
    if kind == Kind::TokioTimed {
        enable_poll_histogram(&mut builder);
    }
    Ok(Inner::Tokio(builder.enable_all().build()?))
}

#[cfg(tokio_unstable)]
fn install_empty_hooks(builder: &mut Builder, both: bool) {
    builder.on_before_task_poll(|_| {});
    if both {
        builder.on_after_task_poll(|_| {});
    }
}

/// Without the flag there are no hooks: the variant is then bare Tokio once more.
#[cfg(not(tokio_unstable))]
fn install_empty_hooks(_builder: &mut Builder, _both: bool) {}

#[cfg(tokio_unstable)]
fn enable_poll_histogram(builder: &mut Builder) {
    builder.enable_metrics_poll_time_histogram();
}

/// As above.
#[cfg(not(tokio_unstable))]
fn enable_poll_histogram(_builder: &mut Builder) {}

fn settle(runtime: &tokio_pulse::Runtime) -> Result<()> {
    let until = Instant::now() + SETTLING;
    loop {
        let metrics = runtime.metrics();
        if metrics.reserves_free() == metrics.reserve_workers() {
            return Ok(());
        }
        if Instant::now() > until {
            return Err("the reserve workers did not fall asleep".into());
        }
        thread::sleep(Duration::from_millis(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_runs_a_task() {
        let kinds = [
            Kind::Stock,
            Kind::EmptyHooks,
            Kind::Blocked(2),
            Kind::PULSE,
            Kind::EmptyRegistry,
            Kind::PulseSpawned,
            Kind::Timed,
            Kind::TokioTimed,
            Kind::TokioMetrics,
            Kind::PulseNaming,
            Kind::PulseConsole,
            Kind::Pulse { reserve: Some(0) },
        ];
        for kind in kinds {
            let subject = Subject::build(kind, Threads::Multi(1)).unwrap();
            let task = subject.spawn(async { 42 });
            assert_eq!(subject.tokio().block_on(task).unwrap(), 42, "{kind}");
        }
    }
}
