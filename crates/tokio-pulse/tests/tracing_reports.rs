//! A stall report as a `tracing` event, through a real subscriber.
#![cfg(feature = "tracing")]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_pulse::stall_report::{Reporter, StallFacts, TracingSink};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

type Fields = BTreeMap<String, String>;

#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<(String, Level, Fields)>>>);

struct Visitor(Fields);

impl Visit for Visitor {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().into(), format!("{value:?}"));
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut visitor = Visitor(Fields::new());
        event.record(&mut visitor);
        let target = event.metadata().target().to_owned();
        self.0.lock().unwrap().push((target, *event.metadata().level(), visitor.0));
    }
}

#[test]
fn a_report_is_one_event_with_its_fields() {
    let recorder = Recorder::default();
    tracing::subscriber::set_global_default(recorder.clone()).unwrap();
    let mut reporter = Reporter::builder().sink(TracingSink).build();
    // Of a thread that is not there: a report all the same.
    let mut facts = StallFacts::new(0, 1, Duration::from_millis(80));
    facts.thread = "worker-1".to_owned();
    facts.worker = Some(3);
    reporter.tell(&facts);
    assert!(reporter.flush(Duration::from_secs(60)));

    let events = recorder.0.lock().unwrap();
    let of_report = |event: &&(String, Level, Fields)| event.0 == "tokio_pulse::report";
    let reports: Vec<_> = events.iter().filter(of_report).collect();
    let [(_, level, fields)] = reports[..] else { panic!("{events:?}") };
    assert_eq!(*level, Level::WARN);
    assert_eq!((&*fields["thread"], &*fields["worker"]), ("\"worker-1\"", "3"));
    assert_eq!((&*fields["elapsed_us"], &*fields["verdict"]), ("80000", "\"unknown\""));
    assert!(fields["message"].starts_with("a poll has not ended for 80ms"));
    assert!(!fields.contains_key("task_id"));
}
