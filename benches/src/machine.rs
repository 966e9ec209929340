//! Where the figures come from.

use std::fmt;
use std::fs;
use std::thread;

use serde::{Deserialize, Serialize};

/// The machine, the compiler, and who else was busy at the start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) system: String,
    pub(crate) kernel: String,
    pub(crate) clock_source: String,
    pub(crate) rustc: String,
    /// Average number of runnable threads over the last minute, before the first measurement.
    pub(crate) load_average: String,
}

impl Machine {
    /// What is not told on this system is `unknown`.
    pub(crate) fn this() -> Self {
        Self {
            cpu: cpu_model().unwrap_or_else(unknown),
            cores: thread::available_parallelism().map_or(0, usize::from),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            kernel: line_of("/proc/sys/kernel/osrelease"),
            clock_source: line_of(
                "/sys/devices/system/clocksource/clocksource0/current_clocksource",
            ),
            rustc: env!("BENCH_RUSTC").into(),
            load_average: load_average(),
        }
    }

    /// Whether ratios may be compared without a second thought.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        (&self.cpu, self.cores, &self.system) == (&other.cpu, other.cores, &other.system)
    }
}

/// Of the last minute.
pub(crate) fn load_average() -> String {
    let line = line_of("/proc/loadavg");
    line.split(' ').next().unwrap_or_default().to_owned()
}

fn cpu_model() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn line_of(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| unknown(), |text| text.trim().to_owned())
}

fn unknown() -> String {
    "unknown".into()
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "cpu           {}", self.cpu)?;
        writeln!(f, "cores         {}", self.cores)?;
        writeln!(f, "system        {}, kernel {}", self.system, self.kernel)?;
        writeln!(f, "clock source  {}", self.clock_source)?;
        writeln!(f, "compiler      {}", self.rustc)?;
        write!(f, "load average  {} at the start", self.load_average)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_says_something() {
        let text = Machine::this().to_string();
        assert_eq!(text.lines().count(), 6);
        assert!(text.lines().all(|line| line.len() > 14), "{text}");
    }
}
