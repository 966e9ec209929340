//! When a thread left Tokio's park: that is about when the first polls after it began, which the beat does
//! not say.
//!
//! Two words, written by the thread and read by the watchdog. The watchdog may read them, or the beat, while
//! they change; then it takes a time that is up to one look too early or too late for that of a poll which
//! has most likely ended. It bounds what it makes of it: see [`scan`](crate::watchdog::scan).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::beat::Snapshot;
use crate::sync::AtomicUsize;

/// So many polls of one wake are taken to begin with it. A timer and a socket often wake a thread at the same
/// time, and what is polled before the poll that lasts takes microseconds most often.
#[allow(dead_code, reason = "stable Tokio has no poll hooks")]
const FEW: usize = 4;

#[derive(Debug)]
pub(crate) struct Woken {
    /// Nanoseconds since the runtime began.
    at: AtomicU64,
    /// The polls that had begun by then.
    begun: AtomicUsize,
}

impl Woken {
    pub(crate) fn never() -> Self {
        // No beat is further than that.
        Self { at: AtomicU64::new(0), begun: AtomicUsize::new(usize::MAX) }
    }

    /// Another thread has taken this over.
    pub(crate) fn start_over(&self) {
        self.begun.store(usize::MAX, Relaxed);
    }

    /// Thread: it leaves the park now.
    pub(crate) fn note(&self, now: Duration, beat: Snapshot) {
        // Wraps after 584 years.
        self.at.store(now.as_nanos() as u64, Relaxed);
        self.begun.store(beat.polls_begun(), Relaxed);
    }

    /// When the thread woke, if the poll of that beat is one of the first since then.
    #[allow(dead_code, reason = "stable Tokio has no poll hooks")]
    pub(crate) fn shortly_before(&self, beat: Snapshot) -> Option<Duration> {
        let since = beat.polls_begun().checked_sub(self.begun.load(Relaxed))?;
        (1..=FEW).contains(&since).then(|| Duration::from_nanos(self.at.load(Relaxed)))
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    const AT: Duration = Duration::from_millis(3);

    #[test]
    fn only_the_first_polls_began_when_the_thread_woke() {
        let woken = Woken::never();
        let ticks = |polls| Snapshot::from_parts(polls, false, true, false);
        assert_eq!(woken.shortly_before(ticks(0)), None);
        woken.note(AT, ticks(7));
        let told = |polls| woken.shortly_before(ticks(polls));
        assert_eq!([6, 7, 8, 11, 12].map(told), [None, None, Some(AT), Some(AT), None]);
        woken.start_over();
        assert_eq!(woken.shortly_before(ticks(8)), None);
    }

    /// Bracketed polls are counted when they end.
    #[test]
    fn a_bracketed_poll_has_begun_before_it_is_counted() {
        let woken = Woken::never();
        woken.note(AT, Snapshot::from_parts(7, false, true, false));
        assert_eq!(woken.shortly_before(Snapshot::from_parts(7, false, true, false)), None);
        assert_eq!(woken.shortly_before(Snapshot::from_parts(7, true, true, false)), Some(AT));
        assert_eq!(woken.shortly_before(Snapshot::from_parts(11, true, true, false)), None);
    }
}
