//! The spans of interventions, through a real subscriber.
#![cfg(feature = "tracing")]

mod common;
#[path = "common/contract.rs"]
mod contract;

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use common::{PATIENCE, builder, eventually};
use contract::Promise;
use tokio_pulse::{Tier, config::Rule};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

const TARGET: &str = "tokio_pulse::intervention";

#[derive(Clone, Debug, Default)]
struct Span {
    fields: BTreeMap<String, String>,
    is_root: bool,
    closed: bool,
}

impl Visit for Span {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name().into(), format!("{value:?}"));
    }
}

/// Keeps Pulse's spans, and panics when the first of them is closed.
#[derive(Clone, Default)]
struct Recorder(Arc<Recorded>);

#[derive(Default)]
struct Recorded {
    next: AtomicU64,
    spans: Mutex<HashMap<u64, Span>>,
    sent: Mutex<Vec<Promise>>,
    entered: AtomicU64,
}

impl Recorder {
    fn spans(&self) -> Vec<Span> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Span>> {
        self.0.spans.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tokio_pulse")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Relaxed) + 1;
        let mut span = Span { is_root: attributes.is_root(), ..Span::default() };
        attributes.record(&mut span);
        self.0.sent.lock().unwrap().push(contract::sent(attributes.metadata()));
        self.lock().insert(id, span);
        Id::from_u64(id)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        if let Some(span) = self.lock().get_mut(&id.into_u64()) {
            values.record(span);
        }
    }

    fn event(&self, event: &Event<'_>) {
        self.0.sent.lock().unwrap().push(contract::sent(event.metadata()));
    }

    fn try_close(&self, id: Id) -> bool {
        if let Some(span) = self.lock().get_mut(&id.into_u64()) {
            span.closed = true;
        }
        assert_ne!(id.into_u64(), 1, "a subscriber that panics");
        true
    }

    fn enter(&self, _: &Id) {
        self.0.entered.fetch_add(1, Relaxed);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn a_treated_poll_is_a_span_with_what_was_done_and_what_it_came_to() {
    let recorder = Recorder::default();
    tracing::subscriber::set_global_default(recorder.clone()).unwrap();
    // Three tiers above what they deserve, and with all the time in the world: a busy machine adds
    // nothing to that.
    let rule = Rule::builder().site("*/tracing_spans.rs:*").tier(Tier::Three).budget(PATIENCE);
    let mut builder = builder(2);
    builder.rule(rule.build().unwrap());
    let runtime = builder.build().unwrap();
    let polls = |polls: usize| async move {
        for _ in 0..polls {
            tokio::task::yield_now().await;
        }
    };
    let of = |task: tokio::task::Id| {
        let is_of = move |span: &Span| span.fields["task_id"] == task.to_string();
        recorder.spans().into_iter().filter(is_of).collect::<Vec<_>>()
    };

    // Through Pulse, so that it is moved to the lane. Without Tokio's hooks there are no others.
    let moved = runtime.spawn(polls(5));
    let id = moved.id();
    runtime.block_on(moved).unwrap();
    eventually("its polls on the lane are told", || {
        of(id).iter().any(|span| span.closed && span.fields["on_lane"] == "true")
    });

    #[cfg(tokio_unstable)]
    {
        // Through Tokio: its polls give their worker away and pass the gate.
        let line = line!() + 1;
        let treated = runtime.tokio().spawn(polls(5));
        let id = treated.id();
        runtime.block_on(treated).unwrap();
        let closed = || of(id).into_iter().filter(|span| span.closed).collect::<Vec<_>>();
        eventually("its polls are told", || closed().len() >= 5);
        for span in closed() {
            assert!(span.is_root, "{span:?}");
            let fields = &span.fields;
            assert_eq!((&*fields["tier"], &*fields["on_lane"]), ("3", "false"));
            assert_eq!(fields["action"], "\"slow-queue\"");
            assert!(
                fields["spawned_at"].contains(&format!("tracing_spans.rs:{line}:")),
                "{span:?}"
            );
            assert!(matches!(&*fields["handed_off"], "true" | "false"), "{span:?}");
            // What is left is about all of it.
            let left: u64 = fields["budget_remaining"].parse().unwrap();
            let lasted: u64 = fields["lasted_us"].parse().unwrap();
            assert!(left > 0 && left <= PATIENCE.as_micros() as u64, "{span:?}");
            assert!(left + lasted >= PATIENCE.as_micros() as u64 - 1, "{span:?}");
        }
    }

    let spans = recorder.spans();
    assert!(spans.iter().all(|span| span.is_root));
    assert_eq!(recorder.0.entered.load(Relaxed), 0, "a poll's own spans stay its own");
    let sent = recorder.0.sent.lock().unwrap();
    assert!(sent.iter().any(|(target, kind, ..)| target == TARGET && kind == "span"));
    contract::assert_promised(sent.iter().cloned());
}

#[test]
fn every_row_of_the_contract_has_the_fields_that_were_asked_for() {
    let promised = contract::promised();
    for target in [TARGET, "tokio_pulse::tier"] {
        let (.., fields) = promised.iter().find(|(name, ..)| name == target).unwrap();
        for field in ["task_id", "tier", "budget_remaining", "action"] {
            assert!(fields.contains(field), "{target} {field}");
        }
    }
}
