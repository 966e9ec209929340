//! The events of stalls, from the thread of the reports to those who watch.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_pulse::Handle;
use tokio_pulse::stall_report::{ReportSink, SinkGuard, StallEnd, StallReport};
use tokio_pulse_proto::v1::StallEvent;

use crate::convert::{stall_end, stall_report};
use crate::limits::STALL_QUEUE;

/// Hands each event to everybody who watches stalls.
pub(crate) struct StallHub {
    handle: Handle,
    shared: Arc<Shared>,
    /// There while somebody watches, or always if the past is kept.
    sink: Mutex<Option<SinkGuard>>,
}

#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    next: u64,
    watchers: Vec<Watcher>,
    /// For those who come later; the last `keep` of them.
    past: VecDeque<Arc<StallEvent>>,
    keep: usize,
}

struct Watcher {
    number: u64,
    queue: VecDeque<Arc<StallEvent>>,
    lost: u64,
}

/// One who watches stalls, until this is dropped.
pub(crate) struct StallQueue {
    hub: Arc<StallHub>,
    number: u64,
}

impl StallHub {
    /// `keep`: so many events of before it came are told to a watcher.
    pub(crate) fn new(handle: &Handle, keep: usize) -> Self {
        let shared = Arc::new(Shared::default());
        shared.lock().keep = keep;
        let hub = Self { handle: handle.clone(), shared, sink: Mutex::new(None) };
        if keep > 0 {
            hub.listen();
        }
        hub
    }

    pub(crate) fn watch(self: &Arc<Self>) -> StallQueue {
        let mut state = self.shared.lock();
        state.next += 1;
        let number = state.next;
        let queue = state.past.clone();
        state.watchers.push(Watcher { number, queue, lost: 0 });
        drop(state);
        self.listen();
        StallQueue { hub: self.clone(), number }
    }

    fn listen(&self) {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        if sink.is_none() {
            *sink = Some(self.handle.add_report_sink(Listener(self.shared.clone())));
        }
    }

    fn leave(&self, number: u64) {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.shared.lock();
        state.watchers.retain(|watcher| watcher.number != number);
        if state.watchers.is_empty() && state.keep == 0 {
            drop(state);
            *sink = None;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, event: StallEvent) {
        let event = Arc::new(event);
        let mut state = self.lock();
        for watcher in &mut state.watchers {
            watcher.lost += push_bounded(&mut watcher.queue, event.clone(), STALL_QUEUE);
        }
        let keep = state.keep;
        push_bounded(&mut state.past, event, keep);
    }
}

/// How many were lost for it.
fn push_bounded<T>(queue: &mut VecDeque<T>, one: T, bound: usize) -> u64 {
    queue.push_back(one);
    let lost = queue.len().saturating_sub(bound);
    queue.drain(..lost);
    lost as u64
}

struct Listener(Arc<Shared>);

impl ReportSink for Listener {
    fn report(&self, report: &StallReport) {
        self.0.push(stall_report(report));
    }

    fn ended(&self, end: &StallEnd) {
        self.0.push(stall_end(end));
    }
}

impl StallQueue {
    /// What has come since the last call, and how many were lost.
    pub(crate) fn take(&self) -> (Vec<StallEvent>, u64) {
        let mut state = self.hub.shared.lock();
        let number = self.number;
        let Some(watcher) = state.watchers.iter_mut().find(|watcher| watcher.number == number)
        else {
            return (Vec::new(), 0);
        };
        let (queue, lost) = (std::mem::take(&mut watcher.queue), std::mem::take(&mut watcher.lost));
        drop(state);
        (queue.into_iter().map(|event| (*event).clone()).collect(), lost)
    }
}

impl Drop for StallQueue {
    fn drop(&mut self) {
        self.hub.leave(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_first() {
        let mut queue = VecDeque::new();
        let lost: u64 = (0..5).map(|number| push_bounded(&mut queue, number, 3)).sum();
        assert_eq!((lost, queue), (2, VecDeque::from([2, 3, 4])));
        assert_eq!(push_bounded(&mut VecDeque::new(), 1, 0), 1);
    }
}
