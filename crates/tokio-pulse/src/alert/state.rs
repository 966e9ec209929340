//! One alert's state. Pure: a value and a time go in, a turn comes out.
//!
//! ```text
//!          value >= raise               for raise_after
//!   Calm -----------------> Rising ---------------------> Active  (raised)
//!    ^  <-----------------                                  |  ^
//!    |     value < raise                     value <= clear |  | value > clear
//!    |                                                      v  |
//!    +------------------------------------------------- Settling
//!          for clear_after  (cleared)
//! ```
//!
//! Between the two thresholds nothing changes: what is not raised stays so, and what is raised does.
//! A value that is no number is neither high nor low.

use std::time::Duration;

/// When it turns. `clear` is below `raise`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Terms {
    pub(crate) raise: f64,
    pub(crate) clear: f64,
    pub(crate) raise_after: Duration,
    pub(crate) clear_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Calm,
    Rising { since: Duration },
    Active,
    Settling { since: Duration },
}

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Raised,
    Cleared,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Latch {
    terms: Terms,
    phase: Phase,
}

impl Latch {
    pub(crate) fn new(terms: Terms) -> Self {
        Self { terms, phase: Phase::Calm }
    }

    pub(crate) fn is_active(&self) -> bool {
        matches!(self.phase, Phase::Active | Phase::Settling { .. })
    }

    /// Takes a value. Time does not run backwards.
    pub(crate) fn step(&mut self, value: f64, now: Duration) -> Option<Turn> {
        let Terms { raise, clear, raise_after, clear_after } = self.terms;
        let lasted = |since: Duration| now.saturating_sub(since);
        if self.is_active() {
            if value <= clear {
                let since = match self.phase {
                    Phase::Settling { since } => since,
                    _ => now,
                };
                if lasted(since) >= clear_after {
                    self.phase = Phase::Calm;
                    return Some(Turn::Cleared);
                }
                self.phase = Phase::Settling { since };
            } else {
                self.phase = Phase::Active;
            }
        } else if value >= raise {
            let since = match self.phase {
                Phase::Rising { since } => since,
                _ => now,
            };
            if lasted(since) >= raise_after {
                self.phase = Phase::Active;
                return Some(Turn::Raised);
            }
            self.phase = Phase::Rising { since };
        } else {
            self.phase = Phase::Calm;
        }
        None
    }
}

#[cfg(all(test, not(pulse_loom)))]
#[path = "state_tests.rs"]
mod tests;
