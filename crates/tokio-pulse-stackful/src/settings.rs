//! How a preemptible future runs.

use std::time::Duration;

use crate::generator::stack;
use crate::unavailable::Reason;
use crate::{Unavailable, platform, ticker};

/// Where a task is preempted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Coverage {
    /// Everywhere in its own code, as told by the program's symbols, and by its debug information where
    /// there is some.
    #[default]
    Everywhere,
    /// The same, and only where the program's debug information tells what the compiler has inlined;
    /// line tables are enough. Crates that were compiled without are not preempted, and a program
    /// without any is refused.
    Described,
    /// In the regions that [`preemptible`](crate::preemptible) marks, and there in its own code.
    /// Works without symbols too: then all of the program counts as such inside a region.
    Marked,
}

/// How one preemptible future runs.
///
/// ```
/// use std::time::Duration;
/// use tokio_pulse_stackful::Settings;
///
/// let settings = Settings::default().name("report").quantum(Duration::from_millis(2));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Settings {
    pub(crate) name: String,
    pub(crate) quantum: Duration,
    pub(crate) coverage: Coverage,
    pub(crate) stack_size: usize,
    pub(crate) drop_patience: Duration,
}

impl Settings {
    /// 5 ms: long beside a switch, short beside what people notice.
    pub const DEFAULT_QUANTUM: Duration = Duration::from_millis(5);

    /// 100 us: below that the timer itself becomes a load.
    pub const MIN_QUANTUM: Duration = Duration::from_micros(100);

    /// 1 s: a poll that is longer is probably endless.
    pub const DEFAULT_DROP_PATIENCE: Duration = Duration::from_secs(1);

    /// What it is called when its stack overflows.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How long a poll runs before others get their turn; at least
    /// [`MIN_QUANTUM`](Self::MIN_QUANTUM). The timer sees a poll that begins between two of its
    /// looks later by up to as much.
    pub fn quantum(mut self, quantum: Duration) -> Self {
        self.quantum = quantum.max(Self::MIN_QUANTUM);
        self
    }

    /// Where it is preempted.
    pub fn coverage(mut self, coverage: Coverage) -> Self {
        self.coverage = coverage;
        self
    }

    /// The size of its stack in bytes; at least 64 KiB. Memory is what is touched of it.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = bytes.max(stack::MIN_SIZE);
        self
    }

    /// How long a drop waits for an interrupted poll to end before it leaks it.
    pub fn drop_patience(mut self, patience: Duration) -> Self {
        self.drop_patience = patience;
        self
    }

    pub(crate) fn quantum_ns(&self) -> u64 {
        as_ns(self.quantum)
    }

    /// Sets the process up for it.
    pub(crate) fn prepare(&self) -> Result<(), Unavailable> {
        prepare(self.coverage)
    }
}

/// Longer than 584 years is for ever.
pub(crate) fn as_ns(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Sets the process up for what is asked for, once.
pub(crate) fn prepare(coverage: Coverage) -> Result<(), Unavailable> {
    platform::install()?;
    if coverage != Coverage::Marked && !platform::has_symbols() {
        return Err(Unavailable::because(Reason::Symbols));
    }
    if coverage == Coverage::Described && !platform::has_descriptions() {
        return Err(Unavailable::because(Reason::Descriptions));
    }
    ticker::start().map_err(|_| Unavailable::system("clone"))
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: String::from("unnamed"),
            quantum: Self::DEFAULT_QUANTUM,
            coverage: Coverage::default(),
            stack_size: stack::DEFAULT_SIZE,
            drop_patience: Self::DEFAULT_DROP_PATIENCE,
        }
    }
}
