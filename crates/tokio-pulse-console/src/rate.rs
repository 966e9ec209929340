//! So many calls a second, and not more.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio_pulse_proto::Reason;
use tonic::Status;

/// A bucket that fills by itself: `rate` calls a second, and as many at once. Pure but for its lock: time
/// is a value.
#[derive(Debug)]
pub(crate) struct Rate {
    per_second: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    left: f64,
    filled_at: Duration,
}

impl Rate {
    pub(crate) fn new(per_second: u32) -> Self {
        let state = State { left: per_second.into(), filled_at: Duration::ZERO };
        Self { per_second, state: Mutex::new(state) }
    }

    /// Takes one call, or says for how long to wait.
    pub(crate) fn take(&self, now: Duration) -> Result<(), Status> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = f64::from(self.per_second);
        let filled = now.saturating_sub(state.filled_at).as_secs_f64() * rate;
        state.left = (state.left + filled).min(rate);
        state.filled_at = state.filled_at.max(now);
        if state.left < 1.0 {
            let wait = Duration::from_secs_f64((1.0 - state.left) / rate);
            let rate = self.per_second;
            return Err(Reason::TooFast.status(format!(
                "more than {rate} such calls a second; try again in {} ms",
                wait.as_millis() + 1
            )));
        }
        state.left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_then_one_after_the_other() {
        let rate = Rate::new(10);
        let at = Duration::from_millis;
        assert!((0..10).all(|_| rate.take(at(0)).is_ok()));
        let status = rate.take(at(50)).unwrap_err();
        assert_eq!(Reason::of(&status), Some(Reason::TooFast));
        assert!(status.message().contains("in 51 ms"), "{}", status.message());
        assert!(rate.take(at(101)).is_ok());
        assert!(rate.take(at(101)).is_err());
        // Nothing is saved up beyond a second.
        assert_eq!((0..20).filter(|_| rate.take(at(60_000)).is_ok()).count(), 10);
        // A clock that stands still is no error.
        assert!(rate.take(at(1)).is_err());
    }
}
