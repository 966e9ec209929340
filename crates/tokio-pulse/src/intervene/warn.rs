//! Warn: tells people, but not more often than they can read.

use std::sync::Mutex;
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(60);

/// Lets so many warnings through a minute, and counts the rest.
#[derive(Debug, Default)]
pub(crate) struct WarnLimit(Mutex<Window>);

#[derive(Debug, Default)]
struct Window {
    began: Duration,
    let_through: u32,
    suppressed: u64,
}

impl WarnLimit {
    /// `Some` if this one may be told, with the number of those suppressed since the last.
    pub(crate) fn admit(&self, per_minute: u32, now: Duration) -> Option<u64> {
        let mut window = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if now.saturating_sub(window.began) >= WINDOW {
            window.began = now;
            window.let_through = 0;
        }
        if window.let_through >= per_minute {
            window.suppressed += 1;
            return None;
        }
        window.let_through += 1;
        Some(std::mem::take(&mut window.suppressed))
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_suppressed_are_counted_and_told_with_the_next() {
        let limit = WarnLimit::default();
        let at = Duration::from_secs;
        assert_eq!(limit.admit(2, at(1)), Some(0));
        assert_eq!(limit.admit(2, at(2)), Some(0));
        assert_eq!(limit.admit(2, at(3)), None);
        assert_eq!(limit.admit(2, at(59)), None);
        assert_eq!(limit.admit(2, at(61)), Some(2));
        assert_eq!(limit.admit(0, at(200)), None);
    }
}
