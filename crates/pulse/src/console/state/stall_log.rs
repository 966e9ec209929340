//! The stalls that were told, and those that were there before.

use std::collections::VecDeque;

use tokio_pulse_proto::v1;

use super::Cursor;

/// Older ones are in the reports of the service.
const KEPT: usize = 200;

/// The newest first, of those that go on and of those that are over.
#[derive(Debug, Default)]
pub(crate) struct StallLog {
    stalls: VecDeque<StallRow>,
    /// Threads that were stuck when we came. Nobody tells of those again.
    stuck_before: Vec<v1::ThreadStack>,
    pub(crate) cursor: Cursor<Id>,
}

/// Of a row, for as long as it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Id {
    Stall(u64),
    Thread(i32),
}

/// One stall.
#[derive(Clone, Debug, Default)]
pub(crate) struct StallRow {
    pub(crate) stall: u64,
    /// As it was told last. Not there: only its end was.
    pub(crate) report: Option<v1::StallReport>,
    /// When that was, in the service's time.
    pub(crate) told_at_ns: u64,
    pub(crate) end: Option<v1::StallEnd>,
    /// Its end was lost, as it may be when there are too many. Its thread does something else now.
    seems_over: bool,
}

impl StallRow {
    /// For how long it has lasted: up to now if it goes on.
    pub(crate) fn lasted_ns(&self, now_ns: u64) -> u64 {
        match (&self.end, &self.report) {
            (Some(end), _) => end.lasted_ns,
            (None, Some(report)) if self.seems_over => report.elapsed_ns,
            (None, Some(report)) => {
                report.elapsed_ns.saturating_add(now_ns.saturating_sub(self.told_at_ns))
            }
            (None, None) => 0,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.seems_over || self.end.is_some()
    }

    pub(crate) fn cpu_ns(&self) -> Option<u64> {
        let of_end = self.end.as_ref().and_then(|end| end.cpu_ns);
        of_end.or_else(|| self.report.as_ref().and_then(|report| report.cpu_ns))
    }

    pub(crate) fn task_id(&self) -> Option<u64> {
        let of_end = self.end.as_ref().and_then(|end| end.task_id);
        of_end.or_else(|| self.report.as_ref().and_then(|report| report.task_id))
    }

    pub(crate) fn task_name(&self) -> Option<&str> {
        let of_end = self.end.as_ref().and_then(|end| end.task_name.as_deref());
        of_end.or_else(|| self.report.as_ref().and_then(|report| report.task_name.as_deref()))
    }

    pub(crate) fn site(&self) -> Option<&v1::Site> {
        let of_end = self.end.as_ref().and_then(|end| end.spawned_at.as_ref());
        of_end.or_else(|| self.report.as_ref().and_then(|report| report.spawned_at.as_ref()))
    }
}

impl StallLog {
    pub(super) fn note(&mut self, event: v1::StallEvent, now_ns: u64) {
        match event.event {
            Some(v1::stall_event::Event::Report(report)) => {
                self.stuck_before.retain(|stuck| stuck.tid != report.tid);
                let row = self.row(report.stall);
                row.told_at_ns = now_ns;
                row.seems_over = false;
                row.report = Some(report);
            }
            Some(v1::stall_event::Event::End(end)) => {
                let row = self.row(end.stall);
                row.end = Some(end);
            }
            // Of a version to come.
            None => {}
        }
    }

    fn row(&mut self, stall: u64) -> &mut StallRow {
        let found = self.stalls.iter().position(|row| row.stall == stall);
        let at = found.unwrap_or_else(|| {
            self.stalls.truncate(KEPT - 1);
            self.stalls.push_front(StallRow { stall, ..Default::default() });
            0
        });
        &mut self.stalls[at]
    }

    /// The threads that are stuck now.
    pub(super) fn stuck(&mut self, threads: Vec<v1::ThreadStack>) {
        self.stuck_before = threads;
        let told = |tid| {
            let goes_on = |row: &StallRow| !row.is_over();
            self.stalls
                .iter()
                .filter(|row| goes_on(row))
                .any(|row| row.report.as_ref().is_some_and(|report| report.tid == tid))
        };
        self.stuck_before.retain(|thread| !told(thread.tid));
        self.settle();
    }

    /// A thread that does something else now is not stuck where it was.
    pub(super) fn compare_with(&mut self, workers: &[v1::Worker], in_progress: u32, now_ns: u64) {
        let is_stuck = |tid| {
            let worker = workers.iter().find(|worker| worker.tid == Some(tid));
            in_progress > 0 && worker.is_none_or(|it| it.state() == v1::WorkerState::Stalled)
        };
        self.stuck_before.retain(|stuck| is_stuck(stuck.tid));
        // What was told just now may have begun after the threads were looked at.
        for row in self.stalls.iter_mut().filter(|row| row.told_at_ns != now_ns) {
            let thread = row.report.as_ref().map(|report| report.tid);
            row.seems_over |= thread.is_some_and(|tid| !is_stuck(tid));
        }
    }

    pub(super) fn settle(&mut self) {
        let threads = self.stuck_before.iter().map(|stuck| Id::Thread(stuck.tid));
        let stalls = self.rows().map(|row| Id::Stall(row.stall));
        let ids: Vec<Id> = threads.chain(stalls).collect();
        self.cursor.settle(ids.into_iter());
    }

    pub(crate) fn stuck_before(&self) -> &[v1::ThreadStack] {
        &self.stuck_before
    }

    /// Those that go on before those that are over.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &StallRow> {
        let over = self.stalls.iter().filter(|row| row.is_over());
        self.stalls.iter().filter(|row| !row.is_over()).chain(over)
    }

    pub(crate) fn find(&self, stall: u64) -> Option<&StallRow> {
        self.stalls.iter().find(|row| row.stall == stall)
    }
}
