//! By which rule the slow lane chooses who is next.

use std::fmt;
use std::str::FromStr;

use crate::tier::PolicyError;

/// By which rule the slow lane chooses who is next.
///
/// All of them share measured CPU time by the weight of the priorities (critical 8, high 4, normal
/// 2, low 1), serve a critical newcomer first, and let nobody wait without a bound. They differ in
/// how evenly they do it, and in whom they prefer.
///
/// ```
/// use tokio_pulse::SchedulingAlgorithm;
///
/// let parsed = "multi-level".parse::<SchedulingAlgorithm>().unwrap();
/// assert_eq!(parsed, SchedulingAlgorithm::MultiLevel);
/// assert_eq!(SchedulingAlgorithm::default().to_string(), "deficit-round-robin");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SchedulingAlgorithm {
    /// Who has had the least, by weight, is next. The most even of them, at the price of a heap.
    CreditBased,
    /// A draw, with tickets by weight and against cost. Cannot be played by timing.
    Lottery,
    /// Rounds, in each of which everybody may use a quantum by weight.
    #[default]
    DeficitRoundRobin,
    /// Those who have used little CPU so far get 80 % of it; those who have used much share the rest.
    MultiLevel,
}

impl SchedulingAlgorithm {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::CreditBased, Self::Lottery, Self::DeficitRoundRobin, Self::MultiLevel];
    const WORDS: &[&str] = &["credit-based", "lottery", "deficit-round-robin", "multi-level"];

    /// The name in configuration files.
    pub fn as_str(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

impl fmt::Display for SchedulingAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SchedulingAlgorithm {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let expected = "credit-based, lottery, deficit-round-robin or multi-level";
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.as_str() == text)
            .ok_or_else(|| PolicyError::unknown("lane.algorithm", text, expected))
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_algorithm() {
        for algorithm in SchedulingAlgorithm::ALL {
            assert_eq!(algorithm.to_string().parse::<SchedulingAlgorithm>().unwrap(), algorithm);
        }
        let error = "fifo".parse::<SchedulingAlgorithm>().unwrap_err().to_string();
        assert!(error.contains("multi-level"), "{error}");
    }
}
