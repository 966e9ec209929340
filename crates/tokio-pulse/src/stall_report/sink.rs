//! Where reports go.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{StallEnd, StallReport};

/// Takes reports. Any closure over `&StallReport` is one.
///
/// It is called on a thread of its own, one report after the other. While it takes its time, further
/// reports wait in a short queue and are dropped when that is full; a panic is caught and counted.
pub trait ReportSink: Send + Sync + 'static {
    /// Takes one report.
    fn report(&self, report: &StallReport);

    /// A stall that was reported to it has ended. Does nothing unless it is implemented.
    fn ended(&self, end: &StallEnd) {
        let _ = end;
    }
}

impl<F: Fn(&StallReport) + Send + Sync + 'static> ReportSink for F {
    fn report(&self, report: &StallReport) {
        self(report);
    }
}

/// Sends reports to `tracing`: level `WARN`, target `tokio_pulse::report`; their ends at level `INFO`.
/// Without the feature
/// `tracing` it does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracingSink;

impl ReportSink for TracingSink {
    fn report(&self, report: &StallReport) {
        crate::trace::stall_report(report);
    }

    fn ended(&self, end: &StallEnd) {
        crate::trace::stall_end(end);
    }
}

/// Writes each report and each end as a line of JSON, and flushes it.
///
/// It is a handle: clones write to the same place.
#[derive(Debug)]
pub struct JsonLines<W>(Arc<Lines<W>>);

#[derive(Debug)]
struct Lines<W> {
    writer: Mutex<W>,
    failed: AtomicU64,
}

impl JsonLines<File> {
    /// Appends to a file, which is made if it is not there.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened.
    pub fn append(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::new(OpenOptions::new().append(true).create(true).open(path)?))
    }
}

impl<W: Write> JsonLines<W> {
    /// Writes to anything.
    ///
    /// ```
    /// use tokio_pulse::stall_report::{JsonLines, Reporter};
    ///
    /// let reporter = Reporter::builder().sink(JsonLines::new(std::io::stderr())).build();
    /// ```
    pub fn new(writer: W) -> Self {
        Self(Arc::new(Lines { writer: Mutex::new(writer), failed: AtomicU64::new(0) }))
    }

    /// Lines that could not be written.
    pub fn failed(&self) -> u64 {
        self.0.failed.load(Ordering::Relaxed)
    }
}

impl<W> Clone for JsonLines<W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<W: Write> JsonLines<W> {
    fn write(&self, mut line: String) {
        line.push('\n');
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // In one piece: other processes may append to the same file.
        if writer.write_all(line.as_bytes()).and_then(|()| writer.flush()).is_err() {
            self.0.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<W: Write + Send + 'static> ReportSink for JsonLines<W> {
    fn report(&self, report: &StallReport) {
        self.write(report.to_json());
    }

    fn ended(&self, end: &StallEnd) {
        self.write(end.to_json());
    }
}
