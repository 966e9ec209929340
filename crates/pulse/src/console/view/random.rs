//! Anything that a service may say, whether it makes sense or not.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::select;
use tokio_pulse_proto::v1;

use crate::console::message::{Answer, Event, Link, Outcome, Request};
use crate::console::{Refusal, sample, state::Key};

#[derive(Clone, Debug)]
pub(super) enum Step {
    Event(Said),
    Key(Key),
}

/// An event has errors in it that cannot be cloned: this is what one is made of.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Down,
    Connected(u32),
    Update(Box<v1::Update>),
    Stacks(Vec<v1::ThreadStack>),
    Sites(v1::GetSpawnSitesResponse),
    Refused(Request),
}

impl Said {
    pub(super) fn make(self) -> Event {
        let answer = |to, result| Event::Answer(Box::new(Answer { to, result }));
        match self {
            Self::Down => Event::Link(Link::Down {
                why: "gone".into(),
                next: Duration::MAX,
                attempt: u32::MAX,
            }),
            Self::Connected(process_id) => {
                let program = v1::HandshakeResponse { process_id, ..sample::program() };
                Event::Connected(Box::new(program))
            }
            Self::Update(update) => Event::Update(update),
            Self::Stacks(stacks) => {
                let to = v1::GetStacksRequest { which: None, stalled_only: true };
                answer(Request::Stacks(to), Ok(Outcome::Stacks(stacks)))
            }
            Self::Sites(sites) => answer(Request::Sites, Ok(Outcome::Sites(sites))),
            Self::Refused(to) => {
                let message = "because".to_owned();
                answer(to, Err(Refusal { reason: None, key: None, message }))
            }
        }
    }
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![said().prop_map(Step::Event), key().prop_map(Step::Key)]
}

fn key() -> impl Strategy<Value = Key> {
    use Key::{
        BackTab, Backspace, Clear, Down, End, Enter, Escape, Home, PageDown, PageUp, Tab, Up,
    };
    let others =
        [Enter, Escape, Backspace, Tab, BackTab, Up, Down, PageUp, PageDown, Home, End, Clear];
    let chars: Vec<char> = "12345678jkgGsomtpu/r?q0xü".chars().collect();
    prop_oneof![select(chars).prop_map(Key::Char), select(others.to_vec())]
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        1 => Just(Said::Down),
        2 => (0_u32..2).prop_map(Said::Connected),
        8 => update().prop_map(|update| Said::Update(Box::new(update))),
        1 => Just(Said::Stacks(sample::stacks(false))),
        1 => Just(Said::Sites(sample::sites())),
        1 => Just(Said::Refused(Request::Sites)),
    ]
}

/// Small numbers meet each other, large ones meet the ends.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![0_u64..4, Just(u64::MAX), any::<u64>()]
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "\\PC{0,12}", Just("\u{1b}[2J\r\n".to_owned())]
}

fn update() -> impl Strategy<Value = v1::Update> {
    let events = proptest::collection::vec(stall(), 0..3);
    let numbers = (number(), number(), number(), number());
    let workers = proptest::option::of(proptest::collection::vec(worker(), 0..4));
    let suspects = proptest::option::of(proptest::collection::vec(suspect(), 0..30));
    (numbers, events, workers, suspects, word(), any::<f64>()).prop_map(
        |((uptime_ns, delay, stalls, lost), events, workers, suspects, text, value)| {
            let setting =
                v1::Setting { key: text.clone(), value: text.clone(), ..Default::default() };
            v1::Update {
                sequence: stalls,
                uptime_ns,
                lost: Some(v1::Lost { updates: lost, stall_events: lost }),
                overview: Some(v1::Overview {
                    scheduling_delay_ns: delay,
                    stalls,
                    polls: delay,
                    longest_stall_ns: delay,
                    suspects_by_tier: vec![u32::MAX; (stalls % 9) as usize],
                    ..Default::default()
                }),
                workers: workers.map(|workers| v1::Workers { workers }),
                suspects: suspects.map(|suspects| v1::Suspects {
                    suspects,
                    matching: lost,
                    total: stalls,
                }),
                stalls: events,
                alerts: Some(v1::Alerts {
                    alerts: vec![v1::Alert {
                        name: text,
                        value,
                        active: true,
                        ..Default::default()
                    }],
                }),
                config: Some(v1::Config {
                    settings: vec![setting],
                    rules: vec![],
                    revision: delay,
                }),
                lanes: Some(v1::Lanes {
                    gate: Some(v1::Gate { permits: 1, waits: delay, ..Default::default() }),
                    ..Default::default()
                }),
                interval_ns: lost,
            }
        },
    )
}

fn worker() -> impl Strategy<Value = v1::Worker> {
    (word(), any::<Option<i32>>(), 0_i32..9, number()).prop_map(|(thread, tid, state, cpu_ns)| {
        v1::Worker { thread, tid, state, cpu_ns, polls: cpu_ns, ..Default::default() }
    })
}

fn suspect() -> impl Strategy<Value = v1::Suspect> {
    (number(), word(), any::<u32>(), -1_i32..9, number()).prop_map(
        |(task_id, name, tier, action, longest_ns)| v1::Suspect {
            task_id,
            name: name.clone(),
            tier,
            action,
            longest_ns,
            labels: vec![v1::Label { key: name.clone(), value: name.clone() }],
            spawned_at: Some(v1::Site { file: name, line: tier, column: tier }),
            ..Default::default()
        },
    )
}

fn stall() -> impl Strategy<Value = v1::StallEvent> {
    use v1::stall_event::Event;
    let report = (0_u64..4, word(), any::<i32>(), number(), any::<Option<u32>>()).prop_map(
        |(stall, thread, tid, elapsed_ns, culprit)| {
            let frames = vec![v1::Frame { function: thread.clone(), ..Default::default() }];
            let stack = Some(v1::Stack { frames, culprit, ..Default::default() });
            let report =
                v1::StallReport { stall, thread, tid, elapsed_ns, stack, ..Default::default() };
            Some(Event::Report(report))
        },
    );
    let end = (0_u64..4, number()).prop_map(|(stall, lasted_ns)| {
        Some(Event::End(v1::StallEnd { stall, lasted_ns, ..Default::default() }))
    });
    prop_oneof![report, end, Just(None)].prop_map(|event| v1::StallEvent { event })
}
