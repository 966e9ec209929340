//! One runtime under watch: the state that its hooks, its watchdog and its handles share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime::{Handle, Id, RuntimeFlavor};

use crate::alert::monitor::MonitorThread;
use crate::alert::{self, Board};
use crate::config::{Config, Flavor};
use crate::error::{BuildError, Kind};
use crate::heartbeat::{Heart, Party, Rhythm};
use crate::hooks::HookRegistry;
use crate::hooks::dispatch::Dispatch;
use crate::intervene::places::Places;
use crate::lane::scheduler::{Lane, LaneKind};
use crate::metrics::counters::Counters;
use crate::rescue::{internal, reserve::Reserve};
use crate::stall_report::Reports;
use crate::tier::TierManager;
use crate::watchdog::{Watchdog, WatchdogThread};

/// What everybody shares.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) heart: Arc<Heart>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) reserve: Reserve,
    pub(crate) tiers: TierManager,
    pub(crate) lane: Arc<Lane>,
    pub(crate) isolated: Arc<Lane>,
    /// For polls that hand their worker over at a checkpoint.
    pub(crate) places: Arc<Places>,
    pub(crate) alerts: Board,
    pub(crate) reports: Arc<Reports>,
    #[allow(dead_code, reason = "for the wrapper of stable Tokio")]
    pub(crate) dispatch: Dispatch,
    stopped: AtomicBool,
    /// The end of the watch is the end of the runtime, or comes with it.
    ends_with_runtime: AtomicBool,
}

impl Core {
    /// Polls on all threads so far, those of both lanes included.
    pub(crate) fn polls(&self) -> u64 {
        let lanes = [&self.lane, &self.isolated].map(|lane| lane.counters.poll_count());
        self.heart.registry.polls() + lanes.iter().sum::<u64>()
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// The runtime ends when the watch does. Before `stop`.
    pub(crate) fn end_with_runtime(&self) {
        self.ends_with_runtime.store(true, Ordering::Relaxed);
    }

    /// Whether the runtime ends. After `stop`, whose flag publishes it.
    pub(crate) fn is_runtime_ending(&self) -> bool {
        self.ends_with_runtime.load(Ordering::Relaxed)
    }

    /// Whether others can take over at all.
    pub(crate) fn can_rescue(&self) -> bool {
        self.config.flavor == Flavor::MultiThread
    }

    /// Ends the watch and lets the reserve go. From any thread, any number of times.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.reserve.close();
        self.tiers.let_all_go();
        self.lane.close();
        self.isolated.close();
        self.heart.wake_watcher();
    }
}

/// Pulse on a Tokio runtime that the caller owns: watches and rescues until it is dropped.
///
/// Made by [`Attachment::start`]. Dropping it leaves a working Tokio runtime behind, in which the
/// former reserve workers serve tasks like all others. When the runtime goes first, Pulse notices
/// and ends by itself.
#[derive(Debug)]
#[must_use = "dropping this ends the watch at once"]
pub struct Pulse {
    handle: crate::Handle,
    watchdog: Option<WatchdogThread>,
    alerts: Option<MonitorThread>,
}

impl Pulse {
    /// A handle to the runtime and to what Pulse knows of it.
    pub fn handle(&self) -> &crate::Handle {
        &self.handle
    }

    /// Ends the watch without waiting for its threads.
    pub(crate) fn stop_without_waiting(mut self) {
        self.handle.core.stop();
        self.watchdog = None;
        self.alerts = None;
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.handle.core.stop();
        forget_attached(&self.handle.core);
        if let Some(watchdog) = self.watchdog.take() {
            watchdog.join();
        }
        if let Some(alerts) = self.alerts.take() {
            alerts.join();
        }
    }
}

/// A Tokio builder that has been prepared; the runtime built from it can be put under watch.
///
/// Made by [`Builder::attach`](crate::Builder::attach).
#[derive(Debug)]
#[must_use = "Pulse runs only after `start`"]
pub struct Attachment {
    pub(crate) config: Config,
    pub(crate) heart: Arc<Heart>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) tiers: TierManager,
    pub(crate) places: Arc<Places>,
    pub(crate) registry: Option<HookRegistry>,
    pub(crate) alerts: alert::Settings,
    pub(crate) reports: Arc<Reports>,
}

impl Attachment {
    /// Puts the runtime under watch.
    ///
    /// # Errors
    ///
    /// When the runtime has another scheduler or another number of workers than was prepared, when
    /// Pulse runs on it already, or when the system refuses a thread for the watchdog. The runtime
    /// is then a plain Tokio runtime.
    ///
    /// Another runtime that has the same number of workers by chance is not told apart: it lacks
    /// the hooks, and its stalls go unseen.
    pub fn start(self, runtime: &Handle) -> Result<Pulse, BuildError> {
        let mut config = self.config;
        match runtime.runtime_flavor() {
            RuntimeFlavor::MultiThread => {
                let found = runtime.metrics().num_workers();
                if config.flavor == Flavor::CurrentThread {
                    return Err(BuildError(Kind::OtherFlavor));
                }
                if found != config.tokio_workers() {
                    let expected = config.tokio_workers();
                    return Err(BuildError(Kind::NotAttached { expected, found }));
                }
            }
            _ if self.heart.rhythm == Rhythm::Tick => {
                return Err(BuildError(Kind::OtherFlavor));
            }
            _ => {
                config = Config { flavor: Flavor::CurrentThread, workers: 1, reserve: 0, ..config }
            }
        }
        let dispatch = Dispatch {
            heart: self.heart.clone(),
            tiers: self.tiers.clone(),
            registry: self.registry,
            reports: self.reports.clone(),
        };
        let lane = |kind| {
            let settings = self.tiers.config_handle().clone();
            Arc::new(Lane::new(kind, runtime.clone(), self.heart.clone(), settings))
        };
        let (lane, isolated) = (lane(LaneKind::Slow), lane(LaneKind::Isolated));
        let limits = self.tiers.config().report_limits();
        if let Some(limits) = limits.filter(|_| self.reports.has_sinks()) {
            self.reports.examiner();
            // Else the watchdog sees to it, when there is a reason.
            self.heart.set_armed(Party::Reports, limits.name_for.is_none());
        }
        let core = Arc::new(Core {
            config,
            dispatch,
            reports: self.reports,
            heart: self.heart,
            counters: self.counters,
            reserve: Reserve::new(),
            lane,
            isolated,
            alerts: Board::new(&self.alerts.rules),
            tiers: self.tiers,
            places: self.places,
            stopped: AtomicBool::new(false),
            ends_with_runtime: AtomicBool::new(false),
        });
        remember_attached(runtime.id(), &core)?;
        // From here on the guard undoes everything, also when the thread cannot be started.
        let mut pulse = Pulse {
            handle: crate::Handle { tokio: runtime.clone(), core: core.clone() },
            watchdog: None,
            alerts: None,
        };
        pulse.watchdog = Some(
            Watchdog::new(core.clone(), runtime.clone())
                .start()
                .map_err(|error| BuildError(Kind::Watchdog(error)))?,
        );
        pulse.alerts = MonitorThread::start(self.alerts, core.clone(), runtime)
            .map_err(|error| BuildError(Kind::Monitor(error)))?;
        internal::spawn(runtime, sentinel(core));
        Ok(pulse)
    }
}

/// Notices that the runtime shuts down, by being dropped: the only sign that Tokio gives to all
/// who ask. Without it, a runtime that goes before its `Pulse` would wait for the ballast forever.
async fn sentinel(core: Arc<Core>) {
    struct StopOnDrop(Arc<Core>);
    impl Drop for StopOnDrop {
        fn drop(&mut self) {
            self.0.end_with_runtime();
            self.0.stop();
        }
    }
    let _stop = StopOnDrop(core);
    std::future::pending::<()>().await;
}

/// The runtimes under watch in this process, so that a task can find its own.
static ATTACHED: Mutex<Vec<(Id, Weak<Core>)>> = Mutex::new(Vec::new());

fn attached() -> MutexGuard<'static, Vec<(Id, Weak<Core>)>> {
    ATTACHED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember_attached(id: Id, core: &Arc<Core>) -> Result<(), BuildError> {
    let mut list = attached();
    list.retain(|(_, core)| core.upgrade().is_some_and(|core| !core.is_stopped()));
    if list.iter().any(|(known, _)| *known == id) {
        return Err(BuildError(Kind::AlreadyAttached));
    }
    list.push((id, Arc::downgrade(core)));
    Ok(())
}

fn forget_attached(core: &Arc<Core>) {
    attached().retain(|(_, known)| !std::ptr::eq(known.as_ptr(), Arc::as_ptr(core)));
}

/// The watch over the runtime with that id.
pub(crate) fn find_attached(id: Id) -> Option<Arc<Core>> {
    let list = attached();
    list.iter().find(|(known, _)| *known == id).and_then(|(_, core)| core.upgrade())
}
