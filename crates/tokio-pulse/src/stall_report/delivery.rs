//! The thread that finishes reports and hands them to the sinks.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::examination::Examination;
use super::limits::{Admission, Filter};
use super::sinks::Sinks;
use super::stacks::Resolver;
use super::{ReportSink, StallEnd};

/// Messages that wait for a slow sink. Each may hold a copy of a stack.
const QUEUE: usize = 16;

/// Stalls that were told and whose end is awaited.
const AWAITED: usize = 256;

/// Ends that came before their reports. There are none but of polls that end while they are examined, and of
/// stalls that are not told.
const EARLY: usize = 16;

/// What became of the stalls that were due.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) told: AtomicU64,
    pub(super) merged: AtomicU64,
    pub(super) suppressed: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) panics: AtomicU64,
}

/// What the delivering thread shares with those who ask.
pub(super) struct Shared {
    pub(super) resolver: Mutex<Resolver>,
    pub(super) counters: Counters,
    /// Messages that are queued or being worked at.
    pending: Mutex<usize>,
    settled: Condvar,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            resolver: Mutex::default(),
            counters: Counters::default(),
            pending: Mutex::new(0),
            settled: Condvar::new(),
        }
    }

    fn pending(&self) -> usize {
        *self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_pending(&self, change: impl FnOnce(&mut usize)) {
        change(&mut self.pending.lock().unwrap_or_else(PoisonError::into_inner));
        self.settled.notify_all();
    }

    /// Whether all that was queued is told before the time is over.
    pub(super) fn flush(&self, timeout: Duration) -> bool {
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let result = self.settled.wait_timeout_while(pending, timeout, |pending| *pending > 0);
        *result.unwrap_or_else(PoisonError::into_inner).0 == 0
    }
}

/// What the thread is given to do.
pub(super) enum Message {
    /// To be told, if there were not so many in the last minute.
    Stall { examination: Examination, per_minute: u32 },
    /// To be told if the stall was.
    End(StallEnd),
    /// Something to be unwound and named, so that the program's symbols are read.
    WarmUp(Examination),
}

/// The queue, and the thread behind it. The thread is started for the first message, and ends with
/// the last one after this was dropped; nobody waits for it, since a sink may never return.
pub(super) struct Delivery {
    shared: Arc<Shared>,
    sinks: Arc<Sinks>,
    queue: OnceLock<SyncSender<Message>>,
}

impl Delivery {
    pub(super) fn new(shared: Arc<Shared>, sinks: Arc<Sinks>) -> Self {
        Self { shared, sinks, queue: OnceLock::new() }
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Whether there is room for a message. If not, that is counted: nobody is to be examined for a
    /// report that would be dropped.
    pub(super) fn has_room(&self) -> bool {
        // One of them is being worked at.
        let has_room = self.shared.pending() <= QUEUE;
        if !has_room {
            self.shared.counters.dropped.fetch_add(1, Relaxed);
        }
        has_room
    }

    /// Whether the message was taken; otherwise it is dropped and counted.
    pub(super) fn push(&self, message: Message) -> bool {
        let taken = self.queue().is_some_and(|queue| self.try_send(queue, message));
        if !taken {
            self.shared.counters.dropped.fetch_add(1, Relaxed);
        }
        taken
    }

    /// For what is of no use without what was pushed before, and may be lost: starts no thread, and
    /// does not wait for one that is being started.
    pub(super) fn push_if_running(&self, message: Message) {
        if let Some(queue) = self.queue.get() {
            self.try_send(queue, message);
        }
    }

    fn try_send(&self, queue: &SyncSender<Message>, message: Message) -> bool {
        self.shared.add_pending(|pending| *pending += 1);
        let taken = queue.try_send(message).is_ok();
        if !taken {
            self.shared.add_pending(|pending| *pending -= 1);
        }
        taken
    }

    /// `None` if there is no thread to be had; the next message tries again.
    fn queue(&self) -> Option<&SyncSender<Message>> {
        if let Some(queue) = self.queue.get() {
            return Some(queue);
        }
        let (sender, receiver) = sync_channel(QUEUE);
        let (shared, sinks) = (self.shared.clone(), self.sinks.clone());
        let run = move || deliver(&receiver, &shared, &sinks);
        std::thread::Builder::new().name("pulse-reports".to_owned()).spawn(run).ok()?;
        // Of two at a time one wins; the thread of the other ends with its queue.
        Some(self.queue.get_or_init(|| sender))
    }
}

fn deliver(queue: &Receiver<Message>, shared: &Shared, sinks: &Sinks) {
    let mut desk = Desk {
        shared,
        sinks,
        filter: Filter::default(),
        awaited: VecDeque::new(),
        early: VecDeque::new(),
    };
    let began = Instant::now();
    for message in queue {
        let one = AssertUnwindSafe(|| desk.work_at(message, began.elapsed()));
        if catch_unwind(one).is_err() {
            shared.counters.panics.fetch_add(1, Relaxed);
        }
        shared.add_pending(|pending| *pending -= 1);
    }
}

fn push_bounded<T>(queue: &mut VecDeque<T>, one: T, bound: usize) {
    queue.push_back(one);
    if queue.len() > bound {
        queue.pop_front();
    }
}

/// What the thread works with.
struct Desk<'a> {
    shared: &'a Shared,
    sinks: &'a Sinks,
    filter: Filter,
    awaited: VecDeque<u64>,
    early: VecDeque<StallEnd>,
}

impl Desk<'_> {
    fn work_at(&mut self, message: Message, now: Duration) {
        match message {
            Message::Stall { examination, per_minute } => self.tell(examination, per_minute, now),
            Message::End(end) => match self.awaited.iter().position(|stall| *stall == end.stall) {
                Some(index) => {
                    self.awaited.remove(index);
                    self.each_sink(|sink| sink.ended(&end));
                }
                None => push_bounded(&mut self.early, end, EARLY),
            },
            Message::WarmUp(examination) => drop(examination.finish(&self.shared.resolver)),
        }
    }

    fn tell(&mut self, examination: Examination, per_minute: u32, now: Duration) {
        let stall = examination.stall();
        let mut report = examination.finish(&self.shared.resolver);
        let counters = &self.shared.counters;
        match self.filter.admit(report.fingerprint, stall, per_minute, now) {
            Admission::Tell { repeated, suppressed } => {
                report.repeated = repeated;
                report.suppressed = suppressed;
            }
            Admission::Merged => {
                counters.merged.fetch_add(1, Relaxed);
                return;
            }
            Admission::Suppressed => {
                counters.suppressed.fetch_add(1, Relaxed);
                return;
            }
        }
        let early = self.early.iter().position(|end| end.stall == report.stall);
        let end = early.and_then(|index| self.early.remove(index));
        if end.is_none() && !self.awaited.contains(&report.stall) {
            push_bounded(&mut self.awaited, report.stall, AWAITED);
        }
        self.each_sink(|sink| sink.report(&report));
        if let Some(end) = end {
            self.each_sink(|sink| sink.ended(&end));
        }
        counters.told.fetch_add(1, Relaxed);
    }

    fn each_sink(&self, tell: impl Fn(&dyn ReportSink)) {
        for sink in self.sinks.now() {
            if catch_unwind(AssertUnwindSafe(|| tell(&*sink))).is_err() {
                self.shared.counters.panics.fetch_add(1, Relaxed);
            }
        }
    }
}
