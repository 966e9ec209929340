//! Makes a frozen Tokio runtime impossible.
//!
//! Tokio polls tasks one after the other on a few workers. A poll that computes or blocks for
//! 100 ms starves everything behind it: timers, sockets, health checks. Pulse sees such a poll
//! while it is still running, and lets other workers take over at once. It works on the ordinary
//! Tokio from the registry.
//!
//! ```
//! #[tokio_pulse::main] // was: #[tokio::main]
//! async fn main() {
//!     let hog = tokio::spawn(async {
//!         std::thread::sleep(std::time::Duration::from_millis(100)); // holds its worker
//!     });
//!     tokio::time::sleep(std::time::Duration::from_millis(5)).await; // is on time all the same
//!     hog.await.unwrap();
//!     println!("{} stalls seen", tokio_pulse::Handle::current().metrics().stalls());
//! }
//! ```
//!
//! # How
//!
//! * **Heartbeat.** Tokio's poll hooks bump a counter on each thread; no clock is read.
//! * **Watchdog.** A thread compares the counters with those it remembers. One that stands still
//!   inside a poll for a *slice* (10 ms by default) is a suspect; the thread's CPU time and state
//!   tell a stall from a poll that the kernel did not let run.
//! * **Rescue.** Tokio is built with reserve workers, which are kept asleep. For each stalled
//!   worker one of them is let go; it takes over the queue, the timers and the sockets.
//!
//! # Repeat offenders
//!
//! A task whose polls go on to hold their worker is put on record. Its [`Tier`] rises with each
//! proven offence and falls with good behaviour, and decides what is done to its next polls: they are
//! reported; they have less of Tokio's cooperative budget and hand their worker over before they
//! begin; a bounded number of them runs at a time, on threads that the kernel is asked to prefer
//! others to. What the kernel's scheduler does is held against nobody, and nothing is kept of tasks
//! that behave.
//!
//! [`Handle::tiers`] tells who is on record and what to do about it. [`TierConfig`] says how soon
//! and how hard; see [`config`] for where it comes from. A [`Rule`](config::Rule) gives certain tasks
//! a priority, a budget or a tier, or exempts them; one that exempts the site `*` switches all of
//! this off:
//!
//! ```
//! use tokio_pulse::{ConfigProfile, config::Rule};
//!
//! let mild = tokio_pulse::Builder::new_multi_thread()
//!     .profile(ConfigProfile::Permissive)
//!     .rule(Rule::builder().site("src/health.rs:*").exempt().build()?)
//!     .build()?;
//! let rescue_only = tokio_pulse::Builder::new_multi_thread()
//!     .rule(Rule::builder().site("*").exempt().build()?)
//!     .build()?;
//! # Ok::<(), tokio_pulse::BuildError>(())
//! ```
//!
//! # In your own code
//!
//! Whoever writes the long loop can be kinder to the others than anybody from outside:
//! [`check_and_yield`] in asynchronous code and [`checkpoint`] in synchronous code cost a load, and make
//! room when the watchdog has seen the poll use its slice up.
//! [`preemption_budget`](macro@preemption_budget) writes them into the loops of a function. More is in
//! [`yield_point`].
//!
//! # Where it is stuck
//!
//! [`Builder::report_sink`] and the feature `tracing` get a [report](stall_report) of each stall that
//! lasts: which function, why, on which worker, while it goes on; and which task it is, at its end for
//! the first stall of a runtime, at once for those that follow ([`stall_report::ReportLimits::name_for`]).
//! [`Handle::stacks`] has the stacks of all workers at any time, and `pulse analyze` puts many reports
//! together. A [`test`](macro@test) with `max_poll` fails when a poll is too long; so does
//! [`testing::within`], for other harnesses.
//!
//! # What it does not do
//!
//! * The stalled poll goes on to its end; nothing is cancelled or moved. It competes with the
//!   others for processors, and the kernel shares these out.
//! * The task that the stalling poll woke last (Tokio's LIFO slot) and tasks that had just yielded
//!   on the same worker wait until the stall ends, unless the poll has handed its worker over.
//! * A stall of the future given to `block_on`, `main`'s own body included, holds no worker, and is
//!   not seen. Tasks of a `LocalSet` run inside such a future.
//! * Two unstable options of Tokio do not go with it: `enable_alt_timer`, whose timers would sleep
//!   with the reserve, and `Handle::dump`, which waits for every worker, the sleeping ones too.
//! * A current-thread runtime is watched, but there is nobody to take over.
//! * More stalls at a time than there are reserve workers freeze the runtime until one ends. They
//!   are counted ([`Metrics::exhausted`]).
//!
//! # Without `--cfg tokio_unstable`
//!
//! Tokio's poll hooks exist with that flag only. Without it Pulse watches Tokio's stable worker
//! metrics, and rescues in the same way; [`spawn`] makes it see single polls. Only tasks spawned
//! through Pulse can become known offenders. [`Capabilities`] tells what is active.
//!
//! # Features
//!
//! * `macros` (default): [`main`](macro@main), [`test`](macro@test) and
//!   [`preemption_budget`](macro@preemption_budget).
//! * `stream`: yield points between the items of a stream ([`yield_point`]).
//! * `config-file`: a TOML file as a layer of the [configuration](config), and its hot reload.
//! * `health`: liveness and readiness, told by threads that no stalled poll can hold up; see
//!   [`health`].
//! * `metrics`: an exporter to the facade of the crate `metrics`, and with it to Prometheus; see
//!   [`MetricsExporter`](export::MetricsExporter).
//! * `stacks`: the stack of the stuck thread in [stall reports](stall_report).
//! * `tokio-console`: tasks spawned through Pulse are shown by tokio-console with their tier, priority and
//!   budget; see `docs/console.md` of the repository.
//! * `tracing`: events of stalls, their reports, offences and alerts, and a span for each poll to which
//!   something is done. Targets and fields are a contract, `docs/tracing.md` of the repository.
//! * `test-util`: `Builder::start_paused`.
#![forbid(unsafe_code)]

#[doc(hidden)]
#[path = "max_poll.rs"]
pub mod __private;
pub mod alert;
mod budget;
mod builder;
mod capabilities;
pub mod config;
mod cpu_timer;
mod error;
mod handle;
#[cfg(feature = "health")]
pub mod health;
mod heartbeat;
mod hooks;
mod intervene;
mod isolation;
mod lane;
mod metrics;
#[cfg(all(test, pulse_loom))]
mod models;
mod pulse;
mod rescue;
mod runtime;
mod spawn;
pub mod stall_report;
mod sync;
pub mod task;
pub mod testing;
mod tier;
mod trace;
mod watchdog;
pub mod yield_point;

pub use budget::{BudgetPool, PooledBudget, TaskBudget};
pub use builder::Builder;
pub use capabilities::{Capabilities, Capability};
pub use config::{ConfigError, ConfigHandle, ConfigProfile, Demotion, TierConfig};
pub use cpu_timer::{CpuTimeSource, CpuTimer};
pub use error::{BuildError, TryCurrentError};
pub use handle::Handle;
pub use hooks::{HookRegistry, PollContext, PreemptionHooks};
pub use isolation::{
    Isolated, IsolatedProcesses, IsolationError, IsolationGroup, TaskIsolation,
    TaskIsolationBuilder,
};
#[doc(hidden)]
pub use lane::QueueProbe;
pub use lane::{DedicatedThreadScheduler, LaneMetrics, SchedulingAlgorithm};
#[doc(hidden)]
pub use metrics::HistogramProbe;
#[cfg(feature = "metrics")]
pub use metrics::export;
pub use metrics::{Histogram, Metrics, PreemptionMetrics, TierMetrics, WorkerMetrics};
pub use pulse::{Attachment, Pulse};
pub use runtime::Runtime;
pub use spawn::spawn;
pub use task::TaskPriority;
pub use tier::{
    Advice, InterventionAction, NotOnRecord, PolicyError, SiteReport, SuspectOrder, SuspectPage,
    SuspectQuery, SuspectReport, TaskTerms, Tier, TierManager, TierPolicy, TierPolicyBuilder,
};
#[cfg(feature = "macros")]
pub use tokio_pulse_macros::{main, preemption_budget, test};
pub use tokio_pulse_sys::{IsolationKind, IsolationStats};
pub use yield_point::{Budgeted, Checkpoint, check_and_yield, checkpoint};
