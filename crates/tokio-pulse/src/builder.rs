//! Where a user starts.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::alert;
use crate::config::{
    Config, ConfigHandle, ConfigProfile, Flavor, Layers, Rule, RuntimeSettings, TierConfig,
};
use crate::error::{BuildError, Kind};
use crate::heartbeat::hooks::{self, TaskHooks};
use crate::heartbeat::timing::PollClock;
use crate::heartbeat::{Heart, Rhythm};
use crate::hooks::HookRegistry;
use crate::hooks::dispatch::Dispatch;
use crate::intervene::places::Places;
use crate::metrics::counters::Counters;
use crate::pulse::Attachment;
use crate::runtime::{EndOfLanes, Runtime};
use crate::stall_report::{ReportLimits, ReportSink, Reports};
use crate::tier::{Tier, TierManager, TierPolicy};

/// Tokio's own default.
const TOKIO_BLOCKING_THREADS: usize = 512;

type ThreadHook = Arc<dyn Fn() + Send + Sync>;

/// Builds a Tokio runtime that is under watch from its first poll on.
///
/// Mirrors [`tokio::runtime::Builder`]; what is not mirrored is reached through
/// [`configure_tokio`](Self::configure_tokio).
///
/// ```
/// use std::time::Duration;
///
/// let runtime = tokio_pulse::Builder::new_multi_thread()
///     .worker_threads(4)
///     .slice(Duration::from_millis(20))
///     .enable_all()
///     .build()?;
///
/// let answer = runtime.block_on(async { 42 });
/// assert_eq!(answer, 42);
/// # Ok::<(), tokio_pulse::BuildError>(())
/// ```
pub struct Builder {
    pub(crate) tokio: tokio::runtime::Builder,
    /// Unknown after `from_tokio`: a Tokio builder does not tell.
    flavor: Option<Flavor>,
    layers: Layers,
    blocking_threads: usize,
    on_start: Vec<ThreadHook>,
    on_park: Vec<ThreadHook>,
    on_unpark: Vec<ThreadHook>,
    pub(crate) task_hooks: TaskHooks,
    pub(crate) poll_clock: Option<PollClock>,
    registry: Option<HookRegistry>,
    pub(crate) alerts: alert::Settings,
    sinks: Vec<Arc<dyn ReportSink>>,
}

impl Builder {
    /// A builder for the multi-thread scheduler: detection and rescue.
    pub fn new_multi_thread() -> Self {
        Self::new(Some(Flavor::MultiThread), tokio::runtime::Builder::new_multi_thread())
    }

    /// A builder for the current-thread scheduler: detection only.
    ///
    /// There is one thread, and nobody else could take over. Stalls are counted and traced, and
    /// [`Metrics::stalls_rescued`](crate::Metrics::stalls_rescued) stays zero.
    pub fn new_current_thread() -> Self {
        Self::new(Some(Flavor::CurrentThread), tokio::runtime::Builder::new_current_thread())
    }

    /// Goes on from a Tokio builder.
    ///
    /// What it says about the number of worker threads is overwritten, because Tokio does not tell
    /// it: give [`worker_threads`](Self::worker_threads) here. The same holds for `on_thread_start`,
    /// `on_thread_park`, `on_thread_unpark`, `on_before_task_poll` and `on_after_task_poll`: Tokio
    /// keeps one closure for each, and Pulse needs it. Hooks given to *this* builder are called beside Pulse's own.
    ///
    /// Whether the builder is of the multi-thread or of the current-thread scheduler shows when the
    /// runtime is built, and until then Pulse prepares for both. That costs a little more a poll than
    /// [`new_multi_thread`](Self::new_multi_thread) with
    /// [`configure_tokio`](Self::configure_tokio).
    ///
    /// ```
    /// let tokio = tokio::runtime::Builder::new_multi_thread();
    /// let runtime = tokio_pulse::Builder::from_tokio(tokio).worker_threads(2).build()?;
    /// assert_eq!(runtime.metrics().num_workers(), 2);
    /// # Ok::<(), tokio_pulse::BuildError>(())
    /// ```
    pub fn from_tokio(tokio: tokio::runtime::Builder) -> Self {
        Self::new(None, tokio)
    }

    fn new(flavor: Option<Flavor>, tokio: tokio::runtime::Builder) -> Self {
        Self {
            tokio,
            flavor,
            layers: Layers::new(),
            blocking_threads: TOKIO_BLOCKING_THREADS,
            on_start: Vec::new(),
            on_park: Vec::new(),
            on_unpark: Vec::new(),
            task_hooks: TaskHooks::default(),
            poll_clock: None,
            registry: None,
            alerts: alert::Settings::default(),
            sinks: Vec::new(),
        }
    }

    /// Sets how long a poll may run before it is a stall. Default: 10 ms; from 1 ms to 60 s.
    ///
    /// A stall is seen between one and one and a half slices after the poll began. While there are
    /// stalls, another worker is woken a quarter of the slice into a poll already, so that nobody
    /// has to wait for the verdict.
    pub fn slice(&mut self, slice: Duration) -> &mut Self {
        self.layers.slice(slice);
        self
    }

    /// Sets how many workers stand by for stalled ones. Default: four for each worker, but at
    /// least 8 and at most 64; at least 32 where the system does not tell who waits for a processor
    /// (`blocking evidence` in [`Capabilities`](crate::Capabilities)).
    ///
    /// So many stalls at a time leave the runtime with all its workers. Each reserve is a thread
    /// that sleeps; it costs its stack's address space and no CPU. Tokio's blocking pool may start
    /// some more when reserves go to sleep, and ends them after
    /// [`thread_keep_alive`](Self::thread_keep_alive). 0 leaves detection alone.
    /// Ignored by the current-thread scheduler.
    pub fn reserve_workers(&mut self, reserve: usize) -> &mut Self {
        self.layers.reserve_workers(reserve);
        self
    }

    /// Sets the number of workers that serve tasks. Default: the environment variable
    /// `TOKIO_WORKER_THREADS`, else one for each processor that this process may use.
    ///
    /// Tokio is built with the reserve on top, and its own metrics count both. While there are
    /// stalls, and for up to two seconds after, more workers than this may be awake; so many are
    /// free. Ignored by the current-thread scheduler.
    pub fn worker_threads(&mut self, workers: usize) -> &mut Self {
        self.layers.worker_threads(workers);
        self
    }

    /// Enables I/O and time, as far as Tokio's features allow.
    pub fn enable_all(&mut self) -> &mut Self {
        self.tokio.enable_all();
        self
    }

    /// Sets the most threads that `spawn_blocking` may use. Default: 512.
    ///
    /// # Panics
    ///
    /// As in Tokio, when it is 0.
    pub fn max_blocking_threads(&mut self, threads: usize) -> &mut Self {
        self.tokio.max_blocking_threads(threads);
        self.blocking_threads = threads;
        self
    }

    /// Sets the name of the runtime's threads. Default: `tokio-rt-worker`.
    pub fn thread_name(&mut self, name: impl Into<String>) -> &mut Self {
        self.tokio.thread_name(name);
        self
    }

    /// Sets a function that names the runtime's threads.
    pub fn thread_name_fn<F>(&mut self, name: F) -> &mut Self
    where
        F: Fn() -> String + Send + Sync + 'static,
    {
        self.tokio.thread_name_fn(name);
        self
    }

    /// Sets the stack size of the runtime's threads, in bytes. Default: 2 MiB.
    pub fn thread_stack_size(&mut self, bytes: usize) -> &mut Self {
        self.tokio.thread_stack_size(bytes);
        self
    }

    /// Sets how long an idle thread of `spawn_blocking` is kept. Default: 10 s.
    pub fn thread_keep_alive(&mut self, duration: Duration) -> &mut Self {
        self.tokio.thread_keep_alive(duration);
        self
    }

    /// Calls `hook` on each thread of the runtime when it starts, reserve workers included. Each call
    /// adds a hook; a panic in it is counted and goes no further.
    pub fn on_thread_start<F>(&mut self, hook: F) -> &mut Self
    where
        F: Fn() + Send + Sync + 'static,
    {
        self.on_start.push(Arc::new(hook));
        self
    }

    /// Calls `hook` on each thread of the runtime before it ends.
    pub fn on_thread_stop<F>(&mut self, hook: F) -> &mut Self
    where
        F: Fn() + Send + Sync + 'static,
    {
        self.tokio.on_thread_stop(hook);
        self
    }

    /// Calls `hook` before a worker goes to sleep. Each call adds a hook; a panic in it is counted
    /// and goes no further.
    pub fn on_thread_park<F>(&mut self, hook: F) -> &mut Self
    where
        F: Fn() + Send + Sync + 'static,
    {
        self.on_park.push(Arc::new(hook));
        self
    }

    /// Calls `hook` after a worker has woken up. Each call adds a hook; a panic in it is counted
    /// and goes no further.
    pub fn on_thread_unpark<F>(&mut self, hook: F) -> &mut Self
    where
        F: Fn() + Send + Sync + 'static,
    {
        self.on_unpark.push(Arc::new(hook));
        self
    }

    /// Sets the profile that the configuration starts from. Default:
    /// [`Balanced`](ConfigProfile::Balanced).
    ///
    /// Configuration comes in layers: the profile, then a file, then what is said here, then the
    /// environment; the last one wins. `docs/configuration.md` has all keys.
    pub fn profile(&mut self, profile: ConfigProfile) -> &mut Self {
        self.layers.profile(profile);
        self
    }

    /// Reads the configuration from a TOML file when the runtime is built. The environment variable
    /// `TOKIO_PULSE_CONFIG` names another. Needs the feature `config-file`.
    pub fn config_file(&mut self, path: impl Into<PathBuf>) -> &mut Self {
        self.layers.file(path);
        self
    }

    /// Sets everything that a configuration has, whatever a file says.
    ///
    /// ```
    /// use tokio_pulse::{ConfigProfile, TierConfig};
    ///
    /// let runtime = tokio_pulse::Builder::new_multi_thread()
    ///     .tier_config(TierConfig::profile(ConfigProfile::Permissive))
    ///     .build()?;
    /// # drop(runtime);
    /// # Ok::<(), tokio_pulse::BuildError>(())
    /// ```
    pub fn tier_config(&mut self, config: TierConfig) -> &mut Self {
        self.layers.config(config);
        self
    }

    /// Sets what one tier does, and what leads out of it.
    pub fn tier_policy(&mut self, tier: Tier, policy: TierPolicy) -> &mut Self {
        self.layers.tier_policy(tier, policy);
        self
    }

    /// Adds a rule for tasks that match it. Of several, the first that matches counts.
    ///
    /// ```
    /// use tokio_pulse::{TaskPriority, config::Rule};
    ///
    /// let runtime = tokio_pulse::Builder::new_multi_thread()
    ///     .rule(Rule::builder().site("src/heartbeat.rs:*").exempt().build()?)
    ///     .rule(Rule::builder().name("import-*").priority(TaskPriority::Low).build()?)
    ///     .build()?;
    /// # drop(runtime);
    /// # Ok::<(), tokio_pulse::BuildError>(())
    /// ```
    pub fn rule(&mut self, rule: Rule) -> &mut Self {
        self.layers.rule(rule);
        self
    }

    /// Calls the hooks of that registry around each poll. They can be changed while the runtime
    /// runs; what a poll pays while there are none is in `docs/benchmarks.md`.
    ///
    /// Without `--cfg tokio_unstable`, only the polls of tasks that were spawned through Pulse.
    pub fn hook_registry(&mut self, registry: &HookRegistry) -> &mut Self {
        self.registry = Some(registry.clone());
        self
    }

    /// Sends [reports of stalls](crate::stall_report) to this sink, too, while they go on.
    ///
    /// A signal handler is installed then, for the stacks: see
    /// [`stall_report`](crate::stall_report). Without a sink of one's own, and unless `tracing` wants
    /// reports (feature `tracing`), nobody is asked for a stack.
    ///
    /// ```
    /// use tokio_pulse::stall_report::StallReport;
    ///
    /// let runtime = tokio_pulse::Builder::new_multi_thread()
    ///     .report_sink(|report: &StallReport| eprintln!("{report}"))
    ///     .build()?;
    /// # drop(runtime);
    /// # Ok::<(), tokio_pulse::BuildError>(())
    /// ```
    pub fn report_sink(&mut self, sink: impl ReportSink) -> &mut Self {
        self.sinks.push(Arc::new(sink));
        self
    }

    /// Sets how much is reported of stalls; `None` is nothing. Default: those that have lasted for
    /// 50 ms, 5 a minute.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tokio_pulse::stall_report::ReportLimits;
    ///
    /// let eager = tokio_pulse::Builder::new_multi_thread()
    ///     .stall_reports(ReportLimits::new().threshold(Duration::from_millis(10)))
    ///     .build()?;
    /// let silent = tokio_pulse::Builder::new_multi_thread().stall_reports(None).build()?;
    /// # drop((eager, silent));
    /// # Ok::<(), tokio_pulse::BuildError>(())
    /// ```
    pub fn stall_reports(&mut self, limits: impl Into<Option<ReportLimits>>) -> &mut Self {
        self.layers.stall_reports(limits.into());
        self
    }

    /// Starts with Tokio's clock paused; current-thread scheduler only. The watchdog goes by real
    /// time.
    #[cfg(feature = "test-util")]
    pub fn start_paused(&mut self, paused: bool) -> &mut Self {
        self.tokio.start_paused(paused);
        self
    }

    /// Reaches every other setting of Tokio's builder.
    ///
    /// The settings that [`from_tokio`](Self::from_tokio) names are overwritten by
    /// [`build`](Self::build). Leave Tokio's unstable `enable_alt_timer` off: it keeps timers on the
    /// worker that made them, and those of a reserve that goes to sleep would sleep with it.
    ///
    /// ```
    /// let runtime = tokio_pulse::Builder::new_multi_thread()
    ///     .configure_tokio(|tokio| {
    ///         tokio.event_interval(31).global_queue_interval(31);
    ///     })
    ///     .build()?;
    /// # drop(runtime);
    /// # Ok::<(), tokio_pulse::BuildError>(())
    /// ```
    pub fn configure_tokio(
        &mut self,
        configure: impl FnOnce(&mut tokio::runtime::Builder),
    ) -> &mut Self {
        configure(&mut self.tokio);
        self
    }

    /// Builds the runtime and puts it under watch.
    ///
    /// # Errors
    ///
    /// When a setting is invalid, or when the system refuses a thread or a file descriptor.
    pub fn build(&mut self) -> Result<Runtime, BuildError> {
        let attachment = self.prepare()?;
        install(self.hooks(), &attachment, &mut self.tokio);
        let tokio = self.tokio.build().map_err(|error| BuildError(Kind::Runtime(error)))?;
        let pulse = attachment.start(tokio.handle())?;
        let lanes = EndOfLanes::of(&pulse);
        pulse.handle().core.end_with_runtime();
        Ok(Runtime { pulse, tokio, lanes })
    }

    /// Prepares a Tokio builder that somebody else will build from: a framework, say, that wants a
    /// [`tokio::runtime::Runtime`].
    ///
    /// Sets the number of worker threads and the hooks that [`from_tokio`](Self::from_tokio)
    /// names, and nothing else. Set none of these afterwards; the last call wins, as always with
    /// Tokio's builder. Then build one runtime and give its handle to [`Attachment::start`].
    ///
    /// # Errors
    ///
    /// When a setting is invalid; the Tokio builder is unchanged then.
    ///
    /// ```
    /// let mut tokio = tokio::runtime::Builder::new_multi_thread();
    /// let attachment = tokio_pulse::Builder::new_multi_thread()
    ///     .worker_threads(2)
    ///     .attach(&mut tokio)?;
    ///
    /// let runtime = tokio.build()?;
    /// let pulse = attachment.start(runtime.handle())?;
    /// assert_eq!(pulse.handle().metrics().num_workers(), 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn attach(&self, tokio: &mut tokio::runtime::Builder) -> Result<Attachment, BuildError> {
        let attachment = self.prepare()?;
        install(self.hooks(), &attachment, tokio);
        Ok(attachment)
    }

    fn prepare(&self) -> Result<Attachment, BuildError> {
        self.alerts.check().map_err(|error| BuildError(Kind::Alert(error)))?;
        // A current-thread runtime that shows up later is recognised by `Attachment::start`.
        let flavor = self.flavor.unwrap_or(Flavor::MultiThread);
        let mut layers = self.layers.clone();
        layers.with_environment();
        let resolved = layers.resolve()?;
        let RuntimeSettings { worker_threads, reserve_workers, stack_signal } = resolved.runtime;
        let slice = resolved.config.slice();
        let config = Config::new(flavor, worker_threads, reserve_workers, slice)?;
        let rhythm = match self.flavor {
            Some(Flavor::MultiThread) => Rhythm::Tick,
            Some(Flavor::CurrentThread) | None => Rhythm::Bracket,
        };
        let heart = Arc::new(Heart::new(rhythm, config.tokio_workers(), self.poll_clock.clone()));
        let config_handle = ConfigHandle::of_resolved(resolved, layers);
        // The other half of Tokio's blocking pool is left to those whom it is meant for.
        let places = Arc::new(Places::new(self.blocking_threads / 2));
        let tiers = TierManager::new(config_handle, heart.clone(), places.clone());
        let counters = Arc::new(Counters::new());
        let (registry, alerts) = (self.registry.clone(), self.alerts.clone());
        let reports = Arc::new(Reports::new(self.sinks.clone(), stack_signal));
        Ok(Attachment { config, heart, counters, tiers, places, registry, alerts, reports })
    }

    fn hooks(&self) -> UserHooks {
        UserHooks {
            start: self.on_start.clone(),
            park: self.on_park.clone(),
            unpark: self.on_unpark.clone(),
            task: self.task_hooks.clone(),
        }
    }
}

struct UserHooks {
    start: Vec<ThreadHook>,
    park: Vec<ThreadHook>,
    unpark: Vec<ThreadHook>,
    task: TaskHooks,
}

fn install(user: UserHooks, attachment: &Attachment, tokio: &mut tokio::runtime::Builder) {
    let Attachment { config, heart, counters, tiers, registry, reports, .. } = attachment;
    if config.flavor == Flavor::MultiThread {
        tokio.worker_threads(config.tokio_workers());
    }
    let (start, park, unpark) = (heart.clone(), heart.clone(), heart.clone());
    let after_start = chain(user.start, counters);
    let before_park = chain(user.park, counters);
    let after_unpark = chain(user.unpark, counters);
    tokio.on_thread_start(move || {
        start.thread_started();
        after_start();
    });
    tokio.on_thread_park(move || {
        before_park();
        park.park();
    });
    tokio.on_thread_unpark(move || {
        unpark.unpark();
        after_unpark();
    });
    let dispatch = Dispatch {
        heart: heart.clone(),
        tiers: tiers.clone(),
        registry: registry.clone(),
        reports: reports.clone(),
    };
    hooks::install_task_hooks(tokio, dispatch, counters, user.task);
}

/// One closure of many. Tokio would lose the worker to a panic in one of them.
fn chain(hooks: Vec<ThreadHook>, counters: &Arc<Counters>) -> impl Fn() + Send + Sync + 'static {
    let counters = counters.clone();
    move || {
        for hook in &hooks {
            counters.contain_hook(|| hook());
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("tokio", &self.tokio)
            .field("flavor", &self.flavor)
            .field("layers", &self.layers)
            .finish_non_exhaustive()
    }
}
