//! What is active on this machine, and why not the rest.

use std::fmt;

use tokio_pulse_sys::{
    ThreadCpuClock, ThreadProbe, ThreadRunDelay, nice_restorable, slices_available,
};

use crate::TaskIsolation;
use crate::heartbeat::hooks;
use crate::stall_report::Reporter;

/// What Pulse can do on this machine with this build. `pulse doctor` prints it.
///
/// ```
/// for capability in tokio_pulse::Capabilities::detect().items() {
///     println!("{capability}");
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Capabilities {
    items: Vec<Capability>,
}

/// One thing that Pulse can do, or cannot.
#[derive(Clone, Debug)]
pub struct Capability {
    name: &'static str,
    active: bool,
    detail: String,
}

impl Capabilities {
    /// Tries each of them, on the calling thread.
    pub fn detect() -> Self {
        let items = vec![
            Capability::active("rescue", "reserve workers take over from stalled ones"),
            poll_hooks(),
            Capability::of(
                "cpu evidence",
                ThreadCpuClock::of_current_thread().and_then(|clock| clock.read()),
                "a poll is judged by the CPU time that it burned",
                "stalls are judged by the clock on the wall alone",
            ),
            Capability::of(
                "blocking evidence",
                ThreadProbe::of_current_thread(),
                "a poll that sleeps in the kernel is told from one that the kernel set aside",
                "a poll that got little CPU is rescued, and not held against its task",
            ),
            Capability::of(
                "run delay",
                ThreadRunDelay::of_current_thread().and_then(|delay| delay.read()),
                "what a poll of a suspect waited for a processor is not held against it",
                "a poll of a suspect that blocks is not told from one that waited",
            ),
            Capability::of(
                "demotion by slices",
                slices_available(),
                "the kernel prefers other threads to those of offenders",
                "offenders compete with the workers for the processors",
            ),
            Capability::of(
                "demotion by niceness",
                nice_restorable(),
                "threads can be lowered and raised again",
                "niceness is left alone, since this process could not raise it again",
            ),
            isolation(),
            process_isolation(),
            stacks(),
            tracing(),
        ];
        Self { items }
    }

    /// All of them, in a fixed order.
    pub fn items(&self) -> &[Capability] {
        &self.items
    }
}

fn poll_hooks() -> Capability {
    const NAME: &str = "poll hooks";
    if hooks::POLL_HOOKS {
        Capability::active(NAME, "every poll of every task is seen")
    } else {
        Capability::missing(
            NAME,
            "built without `--cfg tokio_unstable`: workers are watched instead of polls, and only \
             polls of tasks spawned through Pulse are counted"
                .into(),
        )
    }
}

/// Makes a group and removes it again.
fn isolation() -> Capability {
    const NAME: &str = "isolation";
    match TaskIsolation::default().probe() {
        Ok(group) => {
            let place = group.place().parent().unwrap_or(group.place());
            Capability {
                name: NAME,
                active: true,
                detail: format!(
                    "threads can be held to a CPU quota, by {} at {}",
                    group.kind(),
                    place.display()
                ),
            }
        }
        Err(error) => Capability::missing(
            NAME,
            format!("{error}; threads are held to no CPU quota, which leaves demotion"),
        ),
    }
}

/// Makes a group and removes it again.
fn process_isolation() -> Capability {
    const NAME: &str = "process isolation";
    match TaskIsolation::default().create_for_processes() {
        Ok(group) => Capability {
            name: NAME,
            active: true,
            detail: format!("child processes can be held to a CPU quota, by {}", group.kind()),
        },
        Err(error) => {
            Capability::missing(NAME, format!("{error}; child processes are held to no CPU quota"))
        }
    }
}

/// Installs the handler, asks a thread of its own, and restores what was there.
fn stacks() -> Capability {
    const NAME: &str = "stacks";
    match Reporter::builder().build().stacks_missing() {
        None => Capability::active(NAME, "reports of stalls name the function that is stuck"),
        Some(reason) => {
            Capability::missing(NAME, format!("{reason}; reports of stalls do without"))
        }
    }
}

fn tracing() -> Capability {
    const NAME: &str = "tracing events";
    if cfg!(feature = "tracing") {
        Capability::active(NAME, "an event for each stall's start and end, and for offences")
    } else {
        Capability::missing(NAME, "built without the feature `tracing`".into())
    }
}

impl Capability {
    fn active(name: &'static str, detail: &str) -> Self {
        Self { name, active: true, detail: detail.into() }
    }

    fn missing(name: &'static str, detail: String) -> Self {
        Self { name, active: false, detail }
    }

    fn of<T>(
        name: &'static str,
        found: Result<T, tokio_pulse_sys::Unavailable>,
        with: &str,
        without: &str,
    ) -> Self {
        match found {
            Ok(_) => Self::active(name, with),
            Err(reason) => Self::missing(name, format!("{reason}; {without}")),
        }
    }

    /// A short name.
    pub fn name(&self) -> &str {
        self.name
    }

    /// Whether it works here.
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// What it gives, or why it is missing and what follows from that.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.active { "active" } else { "not available" };
        write!(f, "{}: {state}: {}", self.name, self.detail)
    }
}
