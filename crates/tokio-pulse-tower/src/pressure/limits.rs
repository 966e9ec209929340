//! When a runtime is overloaded, and when it is no longer.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// What a runtime goes through, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pressure {
    /// How long a task that is ready waits for its poll, by the latest that was sent to find out. Zero
    /// while that is not known.
    pub delay: Duration,
    /// Stalls in progress.
    pub stalls: usize,
    /// Tasks that wait for a thread of the slow lane.
    pub lane_depth: usize,
    /// More workers are held than could be replaced.
    pub reserve_exhausted: bool,
}

/// Two limits: at the first the runtime is overloaded, at the second no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limit<T> {
    pub(super) raise: T,
    pub(super) clear: T,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) delay: Option<Limit<Duration>>,
    pub(super) stalls: Option<Limit<usize>>,
    pub(super) lane_depth: Option<Limit<usize>>,
    pub(super) reserve: bool,
}

impl Default for Limits {
    /// Stalls by themselves are no overload: they are rescued. The lane has room for 256 at least.
    fn default() -> Self {
        let millis = Duration::from_millis;
        Self {
            delay: Some(Limit { raise: millis(50), clear: millis(10) }),
            stalls: None,
            lane_depth: Some(Limit { raise: 256, clear: 64 }),
            reserve: true,
        }
    }
}

impl<T: PartialOrd> Limit<T> {
    fn is_exceeded(&self, value: &T, overloaded: bool) -> bool {
        *value >= self.raise || (overloaded && *value > self.clear)
    }
}

impl Limits {
    /// Overloaded as soon as one limit is reached, and until all are cleared.
    pub(super) fn judge(&self, seen: &Pressure, overloaded: bool) -> bool {
        self.delay.is_some_and(|limit| limit.is_exceeded(&seen.delay, overloaded))
            || self.stalls.is_some_and(|limit| limit.is_exceeded(&seen.stalls, overloaded))
            || self.lane_depth.is_some_and(|limit| limit.is_exceeded(&seen.lane_depth, overloaded))
            || (self.reserve && seen.reserve_exhausted)
    }

    pub(super) fn check(&self) -> Result<(), LimitError> {
        let ordered = |name, fine| if fine { Ok(()) } else { Err(LimitError { name }) };
        ordered("delay", self.delay.is_none_or(|limit| limit.clear < limit.raise))?;
        ordered("stalls", self.stalls.is_none_or(|limit| limit.clear < limit.raise))?;
        ordered("lane_depth", self.lane_depth.is_none_or(|limit| limit.clear < limit.raise))
    }
}

/// A limit at which the overload ends is not below that at which it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitError {
    name: &'static str,
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name;
        write!(f, "`{name}`: the second limit, where shedding ends, must be below the first")
    }
}

impl Error for LimitError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn delayed(millis: u64) -> Pressure {
        Pressure { delay: Duration::from_millis(millis), ..Pressure::default() }
    }

    #[test]
    fn between_the_limits_it_stays_as_it_was() {
        let limits = Limits::default();
        let mut overloaded = false;
        let seen: Vec<bool> = [0, 49, 50, 11, 49, 10, 11, 49, 50]
            .into_iter()
            .map(|millis| {
                overloaded = limits.judge(&delayed(millis), overloaded);
                overloaded
            })
            .collect();
        assert_eq!(seen, [false, false, true, true, true, false, false, false, true]);
    }

    #[test]
    fn it_ends_when_all_limits_are_cleared() {
        let limits = Limits { stalls: Some(Limit { raise: 4, clear: 1 }), ..Limits::default() };
        let both = Pressure { stalls: 4, lane_depth: 300, ..Pressure::default() };
        assert!(limits.judge(&both, false));
        assert!(limits.judge(&Pressure { stalls: 0, ..both }, true));
        assert!(limits.judge(&Pressure { lane_depth: 65, stalls: 1, ..both }, true));
        assert!(!limits.judge(&Pressure { lane_depth: 64, stalls: 1, ..both }, true));
    }

    #[test]
    fn an_exhausted_reserve_is_an_overload_unless_told_otherwise() {
        let seen = Pressure { reserve_exhausted: true, ..Pressure::default() };
        assert!(Limits::default().judge(&seen, false));
        assert!(!Limits { reserve: false, ..Limits::default() }.judge(&seen, false));
    }

    #[test]
    fn limits_in_the_wrong_order_are_refused() {
        assert_eq!(Limits::default().check(), Ok(()));
        let limits = Limits { stalls: Some(Limit { raise: 1, clear: 1 }), ..Limits::default() };
        assert!(limits.check().unwrap_err().to_string().contains("`stalls`"));
    }
}
