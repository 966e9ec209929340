//! Passes on what has been counted.

use std::borrow::Cow;
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ::metrics::{Key, Label, Level, Metadata, Recorder, SharedString};

use super::catalog::{CATALOG, Kind};
use super::spread::spread;
use crate::Handle;
use crate::metrics::{Histogram, PreemptionMetrics};
use crate::watchdog::contained;

const RUNTIME: &str = "runtime";
const DEFAULT_NAME: &str = "main";

/// More often would be a load and not a watch.
const MIN_INTERVAL: Duration = Duration::from_millis(10);

const THREAD_NAME: &str = "pulse-metrics";

/// Passes what is counted for a runtime on to the recorder of the crate `metrics`.
///
/// Use one for each runtime: it remembers what it has told of the histograms.
///
/// ```
/// use tokio_pulse::export::MetricsExporter;
///
/// let runtime = tokio_pulse::Builder::new_multi_thread().worker_threads(1).build()?;
/// let mut exporter = MetricsExporter::new(runtime.handle()).runtime_name("api");
/// exporter.record(); // at each scrape, or:
/// let publisher = exporter.every(std::time::Duration::from_secs(5)).unwrap();
/// # Ok::<(), tokio_pulse::BuildError>(())
/// ```
#[derive(Debug)]
pub struct MetricsExporter {
    handle: Handle,
    runtime_name: SharedString,
    told: Option<PreemptionMetrics>,
}

impl MetricsExporter {
    /// For that runtime. It does not keep it alive, and goes on to tell its last figures.
    pub fn new(handle: &Handle) -> Self {
        let runtime_name = SharedString::const_str(DEFAULT_NAME);
        Self { handle: handle.clone(), runtime_name, told: None }
    }

    /// Sets the value of the label `runtime`. Default: `main`.
    pub fn runtime_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.runtime_name = name.into().into();
        self
    }

    /// Tells the recorder in force what has come since the last call. Counters and gauges are told as
    /// they are, observations of histograms in the middle of their buckets so that their sum is right.
    ///
    /// Takes no lock that a poll waits for. Takes those of the recorder.
    pub fn record(&mut self) {
        if self.told.is_none() {
            PreemptionMetrics::describe();
        }
        let now = self.handle.preemption_metrics();
        ::metrics::with_recorder(|recorder| self.tell(recorder, &now));
        self.told = Some(now);
    }

    fn tell(&self, recorder: &dyn Recorder, now: &PreemptionMetrics) {
        let metadata = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));
        for metric in CATALOG {
            let key = |label: Option<(&'static str, String)>| {
                let mut labels = vec![Label::new(RUNTIME, self.runtime_name.clone())];
                labels.extend(label.map(|(key, value)| Label::new(key, value)));
                Key::from_parts(metric.name, labels)
            };
            match metric.kind {
                Kind::Counter(read) => {
                    recorder.register_counter(&key(None), &metadata).absolute(read(now));
                }
                Kind::Counters(label, read) => {
                    for (value, count) in read(now) {
                        let key = key(Some((label, value)));
                        recorder.register_counter(&key, &metadata).absolute(count);
                    }
                }
                Kind::Gauge(read) => {
                    recorder.register_gauge(&key(None), &metadata).set(read(now));
                }
                Kind::Gauges(label, read) => {
                    for (value, level) in read(now) {
                        let key = key(Some((label, value)));
                        recorder.register_gauge(&key, &metadata).set(level);
                    }
                }
                Kind::Histogram(read) => {
                    let told = self.told.as_ref().map(read);
                    let new = told.map_or_else(|| read(now).clone(), |told| read(now).since(told));
                    tell_histogram(recorder, &key(None), &metadata, &new);
                }
            }
        }
    }

    /// Does so on a thread of its own, every `interval` but every 10 ms at most, until the publisher
    /// is dropped. A recorder that panics is asked again the next time.
    ///
    /// # Errors
    ///
    /// When no thread can be started.
    pub fn every(mut self, interval: Duration) -> io::Result<MetricsPublisher> {
        let (stop, stopped) = mpsc::channel::<()>();
        let interval = interval.max(MIN_INTERVAL);
        let publish = move || {
            loop {
                contained(|| self.record());
                if stopped.recv_timeout(interval) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            // What has come since, for who reads it at the end.
            contained(|| self.record());
        };
        let thread = thread::Builder::new().name(THREAD_NAME.into()).spawn(publish)?;
        Ok(MetricsPublisher { stop: Some(stop), thread: Some(thread) })
    }
}

fn tell_histogram(recorder: &dyn Recorder, key: &Key, metadata: &Metadata<'_>, new: &Histogram) {
    let histogram = recorder.register_histogram(key, metadata);
    for (value, count) in spread(new) {
        histogram.record_many(value, usize::try_from(count).unwrap_or(usize::MAX));
    }
}

/// Passes the metrics on until it is dropped, and once more then.
#[derive(Debug)]
#[must_use = "metrics are told until this is dropped"]
pub struct MetricsPublisher {
    /// Dropped to stop the thread.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for MetricsPublisher {
    fn drop(&mut self) {
        self.stop = None;
        // A recorder may own this.
        let other = |thread: &JoinHandle<()>| thread.thread().id() != thread::current().id();
        if let Some(thread) = self.thread.take().filter(other) {
            let _ = thread.join();
        }
    }
}
