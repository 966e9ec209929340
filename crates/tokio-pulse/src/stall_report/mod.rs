//! Reports of stalls that still go on: which poll, why, and with the feature `stacks` where in the
//! source.
//!
//! A [`Reporter`] is asked from outside the stuck thread. It asks the kernel what that thread is
//! doing, and the thread itself for a copy of its stack, by a signal whose handler only copies. The
//! stack is unwound, and its functions are named, on the reporter's own thread; there the
//! [`ReportSink`]s are told, too. [`ReportLimits`] keep that to what people can read.
//!
//! On a runtime under watch the watchdog does the asking: give the builder a sink with
//! [`Builder::report_sink`](crate::Builder::report_sink), or enable the feature `tracing`. The end of
//! a stall that was reported is told, too, with the task that it was: [`StallEnd`].
//! Once there has been a stall, reports have the task while it goes on, and from the start where that is
//! asked for: [`ReportLimits::name_for`].
//!
//! The signal is `SIGURG` unless another is chosen. Handlers of others on the same signal get all
//! signals that are not the reporter's. To the stuck thread it is like any signal with a handler
//! that asks for restarts: the kernel ends some system calls early with `EINTR` all the same, among
//! them `epoll_wait`, `poll` and `nanosleep`, which the standard library and Tokio repeat.

mod delivery;
mod end;
mod examination;
mod facts;
mod json;
mod limits;
mod origin;
mod report;
mod reporter;
mod reports;
mod sink;
mod sinks;
mod stack;
mod stacks;
mod threads;
mod verdict;
mod worker_stack;

pub use end::StallEnd;
pub use facts::StallFacts;
pub use limits::ReportLimits;
pub use origin::FrameOrigin;
pub use report::StallReport;
pub use reporter::{ReportCounts, Reporter, ReporterBuilder, Told};
pub use sink::{JsonLines, ReportSink, TracingSink};
pub use sinks::SinkGuard;
pub use stack::{Frame, Stack};
pub use threads::ThreadAtWork;
pub use verdict::StallVerdict;
pub use worker_stack::WorkerStack;

pub(crate) use examination::Examiner;
pub(crate) use limits::Doubling;
pub(crate) use reports::Reports;

use std::io;

/// The system's number of the calling thread, for [`StallFacts::tid`].
///
/// # Errors
///
/// On systems where threads are not examined.
pub fn current_thread_number() -> io::Result<i32> {
    tokio_pulse_sys::current_thread_number()
        .map_err(|missing| io::Error::new(io::ErrorKind::Unsupported, missing))
}
