//! To the facade of the crate [`metrics`](https://docs.rs/metrics), and by way of it to Prometheus and
//! others.
//!
//! Names and units follow Prometheus' conventions. Each metric has the label `runtime`, some have
//! `tier`, `lane` or `alert` besides: labels whose values are few. Threads are none of them, since
//! those of Tokio come and go; [`Metrics::workers`](crate::Metrics::workers) tells them.
//!
//! Nothing is told to the facade where it happens: polls pay for the counters alone, and a recorder
//! may take locks. What has been counted is passed on by whoever calls
//! [`MetricsExporter::record`], at a scrape for instance, or by a thread of its own once in a while.

mod catalog;
mod exporter;
mod spread;

pub use exporter::{MetricsExporter, MetricsPublisher};

use ::metrics::{KeyName, SharedString};

use super::{Histogram, PreemptionMetrics};
use catalog::{CATALOG, Kind};

impl PreemptionMetrics {
    /// Describes all metrics to the recorder in force: kinds, units and help texts.
    /// [`MetricsExporter::record`] does so by itself, once.
    pub fn describe() {
        ::metrics::with_recorder(|recorder| {
            for metric in CATALOG {
                let name = KeyName::from_const_str(metric.name);
                let (unit, help) = (Some(metric.unit), SharedString::const_str(metric.help));
                match metric.kind {
                    Kind::Counter(_) | Kind::Counters(..) => {
                        recorder.describe_counter(name, unit, help);
                    }
                    Kind::Gauge(_) | Kind::Gauges(..) => recorder.describe_gauge(name, unit, help),
                    Kind::Histogram(_) => recorder.describe_histogram(name, unit, help),
                }
            }
        });
    }

    /// The names of all metrics that are exported.
    ///
    /// ```
    /// let names: Vec<_> = tokio_pulse::PreemptionMetrics::names().collect();
    /// assert!(names.contains(&"tokio_pulse_stalls_total"));
    /// ```
    pub fn names() -> impl Iterator<Item = &'static str> {
        CATALOG.iter().map(|metric| metric.name)
    }

    /// The names of those that are histograms.
    pub fn histogram_names() -> impl Iterator<Item = &'static str> {
        let is_histogram = |kind: &Kind| matches!(kind, Kind::Histogram(_));
        CATALOG.iter().filter(move |metric| is_histogram(&metric.kind)).map(|metric| metric.name)
    }

    /// The bounds of the histograms' buckets, in seconds, for exporters that ask for some. With these
    /// nothing is lost on the way.
    pub fn buckets_in_seconds() -> Vec<f64> {
        Histogram::bounds().iter().map(|bound| bound.as_secs_f64()).collect()
    }
}
