//! What is told, as JSON. Fields have the names that they have in `console.proto`; what is not known is
//! `null`, and words are those of the configuration. `docs/console.md` says which are there.

use serde_json::{Map, Value, json};
use tokio_pulse_proto::v1;

use super::Snapshot;
use crate::console::format;

/// Grows when a field goes or gets another meaning, and not when one comes.
const FORMAT: u32 = 1;

/// An object of fields that are written as they are.
macro_rules! fields {
    ($message:expr; $($field:ident),+ $(; $name:literal: $value:expr)* $(,)?) => {{
        let message = $message;
        let mut object = Map::new();
        $(object.insert(stringify!($field).to_owned(), json!(message.$field));)+
        $(object.insert($name.to_owned(), json!($value));)*
        Value::Object(object)
    }};
}

pub(super) fn snapshot(of: &Snapshot) -> Value {
    let update = &of.update;
    json!({
        "format": FORMAT,
        "program": program(&of.program),
        "uptime_ns": update.uptime_ns,
        "overview": overview(&update.overview.clone().unwrap_or_default()),
        "workers": list(update.workers.as_ref().map(|it| it.workers.as_slice()), worker),
        "suspects": update.suspects.as_ref().map(suspects),
        "stuck": stacks(&of.stuck),
        "spawn_sites": { "total": of.sites.total, "list": list(Some(&of.sites.sites), spawn_site) },
        "lanes": lanes(update.lanes.as_ref().unwrap_or(&v1::Lanes::default())),
        "alerts": list(update.alerts.as_ref().map(|it| it.alerts.as_slice()), alert),
        "config": config(update.config.as_ref().unwrap_or(&v1::Config::default())),
    })
}

pub(crate) fn config(of: &v1::Config) -> Value {
    fields!(of; revision;
        "settings": list(Some(&of.settings), setting);
        "rules": list(Some(&of.rules), rule))
}

pub(crate) fn setting(of: &v1::Setting) -> Value {
    fields!(of; key, value, origin, expected, meaning, choices, start_only)
}

pub(crate) fn stacks(of: &[v1::ThreadStack]) -> Value {
    list(Some(of), thread_stack)
}

fn list<T>(of: Option<&[T]>, one: impl Fn(&T) -> Value) -> Value {
    of.unwrap_or_default().iter().map(one).collect()
}

fn program(of: &v1::HandshakeResponse) -> Value {
    let capability = |of: &v1::Capability| fields!(of; name, available, detail);
    fields!(of; process_id, pulse_version, flavor, began_at_unix_s, read_only;
        "name": of.program;
        "protocol": of.version;
        "capabilities": list(Some(&of.capabilities), capability))
}

fn overview(of: &v1::Overview) -> Value {
    fields!(of; workers, reserve_workers, reserves_free, polls, slow_polls, stalls, stalls_in_progress,
        stalls_rescued, longest_stall_ns, descheduled, reserve_exhausted, scheduling_delay_ns,
        suspects_by_tier, violations, promotions, demotions, handoffs, failed_handoffs, escalated,
        watchdog_looks, subscribers, ended;
        "stall_time": of.stall_time.as_ref().map(distribution);
        "reports": of.reports.as_ref().map(|it| fields!(it; told, merged, suppressed, dropped)))
}

fn distribution(of: &v1::Distribution) -> Value {
    fields!(of; count, sum_ns, p50_ns, p90_ns, p99_ns, max_ns)
}

fn worker(of: &v1::Worker) -> Value {
    fields!(of; thread, tid, worker, polls, stalls, violations, slow_polls, handoffs, cpu_ns, waiting,
        task_id;
        "state": format::worker_state(of.state()).to_lowercase())
}

fn suspects(of: &v1::Suspects) -> Value {
    fields!(of; matching, total; "list": list(Some(&of.suspects), suspect))
}

fn suspect(of: &v1::Suspect) -> Value {
    fields!(of; task_id, name, tier, tier_in_force, budget_ns, violations, cpu_ns, longest_ns,
        last_violation_age_ns, on_probation, movable, set_by_hand;
        "labels": labels(&of.labels);
        "spawned_at": site(of.spawned_at.as_ref());
        "action": format::action(of.action());
        "priority": format::priority(of.priority()))
}

fn labels(of: &[v1::Label]) -> Value {
    of.iter().map(|label| (label.key.clone(), Value::from(label.value.clone()))).collect()
}

/// "src/report.rs:10:5", as in the configuration.
fn site(of: Option<&v1::Site>) -> Value {
    of.map(|site| format!("{}:{}:{}", site.file, site.line, site.column)).into()
}

fn spawn_site(of: &v1::SpawnSite) -> Value {
    let advice = match of.advice() {
        v1::Advice::Unspecified => None,
        v1::Advice::DoNotBlock => Some("do-not-block"),
        v1::Advice::MoveComputation => Some("move-computation"),
    };
    fields!(of; offenders, violations, cpu_ns, longest_ns, suspect, advice_text;
        "site": site(of.site.as_ref());
        "advice": advice)
}

fn thread_stack(of: &v1::ThreadStack) -> Value {
    fields!(of; thread, tid, worker, stalled, task_id;
        "spawned_at": site(of.spawned_at.as_ref());
        "verdict": of.verdict.as_ref().map(verdict);
        "stack": of.stack.as_ref().map(stack))
}

fn verdict(of: &v1::Verdict) -> Value {
    let kind = match of.kind() {
        v1::VerdictKind::Unspecified => None,
        v1::VerdictKind::Computing => Some("computing"),
        v1::VerdictKind::SystemCall => Some("system-call"),
        v1::VerdictKind::Lock => Some("lock"),
        v1::VerdictKind::Descheduled => Some("descheduled"),
        v1::VerdictKind::PageFault => Some("page-fault"),
    };
    fields!(of; system_call, system_call_name, text; "kind": kind)
}

fn stack(of: &v1::Stack) -> Value {
    let missing = Some(&of.missing).filter(|why| !why.is_empty());
    fields!(of; truncated, culprit; "missing": missing; "frames": list(Some(&of.frames), frame))
}

fn frame(of: &v1::Frame) -> Value {
    let origin = match of.origin() {
        v1::FrameOrigin::Unspecified => None,
        v1::FrameOrigin::User => Some("user"),
        v1::FrameOrigin::Dependency => Some("dependency"),
        v1::FrameOrigin::Std => Some("std"),
        v1::FrameOrigin::Tokio => Some("tokio"),
        v1::FrameOrigin::Pulse => Some("pulse"),
        v1::FrameOrigin::System => Some("system"),
    };
    fields!(of; function, file, line, module, offset, inlined; "origin": origin)
}

fn lanes(of: &v1::Lanes) -> Value {
    json!({
        "lane": of.lane.as_ref().map(lane),
        "isolated": of.isolated.as_ref().map(lane),
        "gate": of.gate.as_ref().map(gate),
        "wait_time": of.wait_time.as_ref().map(distribution),
        "poll_time": of.poll_time.as_ref().map(distribution),
    })
}

fn lane(of: &v1::Lane) -> Value {
    fields!(of; threads, target_threads, queued, queue_bound, running, admitted, refused, returned,
        completed, panicked, thread_start_failures, polls, cpu_ns, isolation, isolation_failed)
}

fn gate(of: &v1::Gate) -> Value {
    fields!(of; permits, inside, waiting, waits, forced;
        "wait_time": of.wait_time.as_ref().map(distribution))
}

fn alert(of: &v1::Alert) -> Value {
    fields!(of; name, signal, value, active, raised)
}

fn rule(of: &v1::Rule) -> Value {
    let priority = of.priority.map(|_| format::priority(of.priority()));
    fields!(of; site, name, tier, budget_ns, exempt, set_by_hand;
        "labels": labels(&of.labels);
        "priority": priority)
}
