//! What a made-up service tells: always the same, and something of everything.

#![allow(dead_code, reason = "each test file uses a part")]

use tokio_pulse_proto::v1;

const MS: u64 = 1_000_000;
const S: u64 = 1_000 * MS;

pub(crate) fn program() -> v1::HandshakeResponse {
    v1::HandshakeResponse {
        version: 1,
        pulse_version: "0.1.0".into(),
        program: "orders".into(),
        process_id: 4242,
        began_at_unix_s: 1_700_000_000,
        flavor: "multi-thread".into(),
        capabilities: vec![v1::Capability {
            name: "stacks".into(),
            available: true,
            detail: "by a signal".into(),
        }],
        read_only: false,
        limits: Some(v1::Limits {
            max_subscribers: 16,
            min_interval_ns: 100 * MS,
            max_suspects: 1_000,
            stall_queue: 256,
            max_request_bytes: 65_536,
        }),
    }
}

/// The first update: complete.
pub(crate) fn update() -> v1::Update {
    v1::Update {
        sequence: 1,
        uptime_ns: 754 * S,
        lost: None,
        overview: Some(overview(12)),
        workers: Some(v1::Workers { workers: workers() }),
        suspects: Some(suspects(&v1::SuspectQuery::default())),
        stalls: vec![report(), end_of_another()],
        lanes: Some(lanes()),
        alerts: Some(v1::Alerts { alerts: alerts() }),
        config: Some(config("10ms", 3)),
        interval_ns: 500 * MS,
    }
}

/// A later one: time has passed, and one stall more began.
pub(crate) fn later(sequence: u64) -> v1::Update {
    v1::Update {
        sequence,
        uptime_ns: 754 * S + (sequence - 1) * 500 * MS,
        overview: Some(overview(11 + sequence)),
        ..Default::default()
    }
}

pub(crate) fn overview(stalls: u64) -> v1::Overview {
    v1::Overview {
        workers: 4,
        reserve_workers: 4,
        reserves_free: 3,
        polls: 1_234_567,
        slow_polls: 89,
        stalls,
        stalls_in_progress: 1,
        stalls_rescued: 11,
        longest_stall_ns: 2_100 * MS,
        stall_time: Some(distribution(stalls)),
        descheduled: 2,
        reserve_exhausted: 0,
        scheduling_delay_ns: (1 + stalls % 7) * 300_000,
        suspects_by_tier: vec![1, 0, 1, 1],
        violations: 45,
        promotions: 5,
        demotions: 1,
        handoffs: 17,
        failed_handoffs: 0,
        escalated: true,
        reports: Some(v1::ReportCounts { told: 9, merged: 3, suppressed: 0, dropped: 0 }),
        watchdog_looks: 65_432,
        subscribers: 1,
        ended: false,
    }
}

fn distribution(count: u64) -> v1::Distribution {
    v1::Distribution {
        count,
        sum_ns: count * 100 * MS,
        p50_ns: Some(64 * MS),
        p90_ns: Some(512 * MS),
        p99_ns: Some(2_048 * MS),
        max_ns: Some(2_100 * MS),
    }
}

fn workers() -> Vec<v1::Worker> {
    let worker = |number: u32, state: v1::WorkerState, polls: u64| v1::Worker {
        thread: format!("orders-{number}"),
        tid: Some(4250 + number as i32),
        worker: Some(number),
        state: state.into(),
        polls,
        stalls: u64::from(number),
        violations: u64::from(number) * 2,
        slow_polls: u64::from(number) * 3,
        handoffs: u64::from(number) * 4,
        cpu_ns: u64::from(number) * 1_500 * MS,
        waiting: Some(number * 5),
        task_id: (state == v1::WorkerState::Stalled).then_some(77),
    };
    vec![
        worker(0, v1::WorkerState::Running, 400_000),
        worker(1, v1::WorkerState::Stalled, 1_000),
        worker(2, v1::WorkerState::Idle, 300_000),
        worker(3, v1::WorkerState::HandedOff, 99_000),
        worker(4, v1::WorkerState::Reserve, 12),
    ]
}

fn site(file: &str, line: u32) -> v1::Site {
    v1::Site { file: file.into(), line, column: 9 }
}

/// Sorted and filtered as a service does it.
pub(crate) fn suspects(query: &v1::SuspectQuery) -> v1::Suspects {
    let suspect = |id: u64, name: &str, tier: u32, action: v1::Action| v1::Suspect {
        task_id: id,
        name: name.into(),
        labels: vec![v1::Label { key: "tenant".into(), value: "acme".into() }],
        spawned_at: Some(site("src/report.rs", 40 + tier)),
        tier,
        tier_in_force: (tier + 1).min(3),
        action: action.into(),
        priority: v1::Priority::Normal.into(),
        budget_ns: 10 * MS,
        violations: 10 * u64::from(4 - tier),
        cpu_ns: 900 * MS * u64::from(tier + 1),
        longest_ns: 700 * MS,
        last_violation_age_ns: Some(2 * S),
        on_probation: tier == 0,
        movable: tier == 3,
        set_by_hand: false,
    };
    let mut list = vec![
        suspect(77, "nightly-report", 3, v1::Action::SlowQueue),
        suspect(91, "", 2, v1::Action::Yield),
        suspect(12, "import", 0, v1::Action::Monitor),
    ];
    if query.order() == v1::SuspectOrder::Violations {
        list.reverse();
    }
    let total = list.len() as u64;
    list.retain(|one| one.name.contains(&query.filter) && one.tier >= query.min_tier);
    v1::Suspects { matching: list.len() as u64, total, suspects: list }
}

fn frame(function: &str, file: &str, line: u32, origin: v1::FrameOrigin) -> v1::Frame {
    v1::Frame {
        function: function.into(),
        file: file.into(),
        line,
        module: "orders".into(),
        offset: 0x1234,
        origin: origin.into(),
        inlined: false,
    }
}

fn stack() -> v1::Stack {
    use v1::FrameOrigin::{Std, Tokio, User};
    v1::Stack {
        frames: vec![
            frame("core::iter::adapters::map::Map::fold", "core/src/iter.rs", 88, Std),
            frame("orders::report::aggregate", "src/report.rs", 112, User),
            frame("orders::report::nightly::{async_fn#0}", "src/report.rs", 60, User),
            frame("tokio::runtime::task::core::Core::poll", "task/core.rs", 365, Tokio),
        ],
        missing: String::new(),
        truncated: true,
        culprit: Some(1),
    }
}

fn verdict() -> Option<v1::Verdict> {
    Some(v1::Verdict {
        kind: v1::VerdictKind::Computing.into(),
        system_call: None,
        system_call_name: None,
        text: "it computes".into(),
    })
}

fn report() -> v1::StallEvent {
    let report = v1::StallReport {
        stall: 12,
        task_id: Some(77),
        task_name: Some("nightly-report".into()),
        spawned_at: Some(site("src/report.rs", 43)),
        thread: "orders-1".into(),
        tid: 4251,
        worker: Some(1),
        elapsed_ns: 200 * MS,
        cpu_ns: Some(190 * MS),
        verdict: verdict(),
        waiting_behind: Some(5),
        stack: Some(stack()),
        fingerprint: 0xfeed,
        repeated: 3,
        suppressed: 0,
    };
    v1::StallEvent { event: Some(v1::stall_event::Event::Report(report)) }
}

fn end_of_another() -> v1::StallEvent {
    let end = v1::StallEnd {
        stall: 11,
        task_id: Some(91),
        task_name: None,
        spawned_at: Some(site("src/report.rs", 42)),
        lasted_ns: 350 * MS,
        cpu_ns: Some(20 * MS),
    };
    v1::StallEvent { event: Some(v1::stall_event::Event::End(end)) }
}

pub(crate) fn stacks(stalled_only: bool) -> Vec<v1::ThreadStack> {
    let thread = |number: u32, stalled: bool| v1::ThreadStack {
        thread: format!("orders-{number}"),
        tid: 4250 + number as i32,
        worker: Some(number),
        stalled,
        task_id: stalled.then_some(77),
        spawned_at: stalled.then(|| site("src/report.rs", 43)),
        verdict: verdict(),
        stack: Some(stack()),
    };
    let all = [thread(1, true), thread(3, false)];
    all.into_iter().filter(|thread| thread.stalled || !stalled_only).collect()
}

pub(crate) fn sites() -> v1::GetSpawnSitesResponse {
    let of = |line: u32, advice: v1::Advice, text: &str| v1::SpawnSite {
        site: Some(site("src/report.rs", line)),
        offenders: 4,
        violations: 40,
        cpu_ns: 2_700 * MS,
        longest_ns: 700 * MS,
        suspect: line == 43,
        advice: advice.into(),
        advice_text: text.into(),
    };
    let sites = vec![
        of(43, v1::Advice::MoveComputation, "Its tasks compute: move that to the lane."),
        of(42, v1::Advice::DoNotBlock, "Its tasks block: use an asynchronous call."),
    ];
    v1::GetSpawnSitesResponse { total: 2, sites }
}

fn lanes() -> v1::Lanes {
    v1::Lanes {
        lane: Some(v1::Lane {
            threads: 2,
            target_threads: 2,
            queued: 3,
            queue_bound: 1_024,
            running: 2,
            admitted: 55,
            refused: 1,
            returned: 7,
            completed: 40,
            polls: 900,
            cpu_ns: 12 * S,
            ..Default::default()
        }),
        isolated: None,
        gate: Some(v1::Gate {
            permits: 2,
            inside: 1,
            waiting: 0,
            waits: 31,
            forced: 2,
            wait_time: Some(distribution(31)),
        }),
        wait_time: Some(distribution(55)),
        poll_time: Some(distribution(900)),
    }
}

fn alerts() -> Vec<v1::Alert> {
    let alert = |name: &str, signal: &str, value: f64, active: bool| v1::Alert {
        name: name.into(),
        signal: signal.into(),
        value,
        active,
        raised: u64::from(active),
    };
    vec![
        alert("many-stalls", "stalls_per_minute", 14.5, true),
        alert("slow-start", "scheduling_delay_seconds", 0.0012, false),
    ]
}

pub(crate) fn config(slice: &str, revision: u64) -> v1::Config {
    let setting =
        |key: &str, value: &str, origin: &str, expected: &str, meaning: &str| v1::Setting {
            key: key.into(),
            value: value.into(),
            origin: origin.into(),
            expected: expected.into(),
            meaning: meaning.into(),
            choices: Vec::new(),
            start_only: key == "rescue.reserve_workers",
        };
    let origin = if slice == "10ms" { "default" } else { "console" };
    v1::Config {
        settings: vec![
            setting(
                "slice",
                slice,
                origin,
                "a duration, such as \"10ms\"",
                "How long a poll may take.",
            ),
            setting("rescue.reserve_workers", "4", "builder", "a number", "Workers that stand by."),
            setting(
                "tier.1.action",
                "warn",
                "profile balanced",
                "an action",
                "What is done at tier 1.",
            ),
        ],
        rules: vec![v1::Rule {
            site: Some("src/report.rs".into()),
            tier: Some(2),
            set_by_hand: true,
            ..Default::default()
        }],
        revision,
    }
}
