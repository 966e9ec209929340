//! Tasks on record and spawn sites, and what is asked of them.

use tokio_pulse::{
    Advice, InterventionAction, SiteReport, SuspectOrder, SuspectPage, SuspectQuery, SuspectReport,
    TaskPriority, Tier,
};
use tokio_pulse_proto::{Reason, v1};
use tonic::Status;

use super::{nanos, number};
use crate::limits;

pub(crate) fn suspects(page: SuspectPage) -> v1::Suspects {
    v1::Suspects {
        suspects: page.suspects.iter().map(suspect).collect(),
        matching: page.matching as u64,
        total: page.total as u64,
    }
}

pub(crate) fn suspect(report: &SuspectReport) -> v1::Suspect {
    v1::Suspect {
        task_id: number(report.task_id()),
        name: report.name().unwrap_or_default().to_owned(),
        labels: labels(report.labels()),
        spawned_at: Some(site(report.spawned_at())),
        tier: report.tier() as u32,
        tier_in_force: report.tier_in_force() as u32,
        action: action(report.action()).into(),
        priority: priority_out(report.priority()).into(),
        budget_ns: nanos(report.budget()),
        violations: report.violations(),
        cpu_ns: nanos(report.cpu()),
        longest_ns: nanos(report.longest()),
        last_violation_age_ns: report.last_violation_age().map(nanos),
        on_probation: report.is_on_probation(),
        movable: report.is_movable(),
        set_by_hand: report.set_by_hand().is_some(),
    }
}

pub(crate) fn spawn_site(report: &SiteReport) -> v1::SpawnSite {
    let advice = match report.advice() {
        Advice::DoNotBlock => v1::Advice::DoNotBlock,
        Advice::MoveComputation => v1::Advice::MoveComputation,
        _ => v1::Advice::Unspecified,
    };
    v1::SpawnSite {
        site: Some(site((report.file(), report.line(), report.column()))),
        offenders: report.offenders(),
        violations: report.violations(),
        cpu_ns: nanos(report.cpu()),
        longest_ns: nanos(report.longest()),
        suspect: report.is_suspect(),
        advice: advice.into(),
        advice_text: report.advice().to_string(),
    }
}

pub(crate) fn site((file, line, column): (&str, u32, u32)) -> v1::Site {
    v1::Site { file: file.to_owned(), line, column }
}

pub(super) fn labels(labels: &[(String, String)]) -> Vec<v1::Label> {
    let label =
        |(key, value): &(String, String)| v1::Label { key: key.clone(), value: value.clone() };
    labels.iter().map(label).collect()
}

fn action(action: InterventionAction) -> v1::Action {
    match action {
        InterventionAction::Monitor => v1::Action::Monitor,
        InterventionAction::Warn => v1::Action::Warn,
        InterventionAction::Yield => v1::Action::Yield,
        InterventionAction::SlowQueue => v1::Action::SlowQueue,
        InterventionAction::Isolate => v1::Action::Isolate,
        _ => v1::Action::Unspecified,
    }
}

pub(super) fn priority_out(priority: TaskPriority) -> v1::Priority {
    match priority {
        TaskPriority::Critical => v1::Priority::Critical,
        TaskPriority::High => v1::Priority::High,
        TaskPriority::Normal => v1::Priority::Normal,
        TaskPriority::Low => v1::Priority::Low,
    }
}

/// What a request says of a priority.
pub(crate) fn priority(number: i32) -> Result<TaskPriority, Status> {
    match v1::Priority::try_from(number) {
        Ok(v1::Priority::Critical) => Ok(TaskPriority::Critical),
        Ok(v1::Priority::High) => Ok(TaskPriority::High),
        Ok(v1::Priority::Normal) => Ok(TaskPriority::Normal),
        Ok(v1::Priority::Low) => Ok(TaskPriority::Low),
        _ => Err(Reason::Invalid.status(format!(
            "priority is {number}; give critical (1), high (2), normal (3) or low (4)"
        ))),
    }
}

/// What a request says of a tier.
pub(crate) fn tier(number: u32) -> Result<Tier, Status> {
    Tier::ALL.into_iter().find(|tier| *tier as u32 == number).ok_or_else(|| {
        Reason::Invalid.status(format!("tier is {number}; give a number from 0 to 3"))
    })
}

pub(crate) fn query(query: Option<v1::SuspectQuery>) -> Result<SuspectQuery, Status> {
    let query = query.unwrap_or_default();
    let order = match v1::SuspectOrder::try_from(query.order) {
        Ok(v1::SuspectOrder::Unspecified) => SuspectOrder::Tier,
        Ok(v1::SuspectOrder::Violations) => SuspectOrder::Violations,
        Ok(v1::SuspectOrder::Cpu) => SuspectOrder::Cpu,
        Ok(v1::SuspectOrder::Recent) => SuspectOrder::Recent,
        Ok(v1::SuspectOrder::Longest) => SuspectOrder::Longest,
        Err(_) => {
            let message = format!("order is {}; give a number from 0 to 4", query.order);
            return Err(Reason::Invalid.status(message));
        }
    };
    if query.filter.len() > limits::FILTER {
        let message = format!("the filter is longer than {} bytes; shorten it", limits::FILTER);
        return Err(Reason::Invalid.status(message));
    }
    let limit = match query.limit {
        0 => limits::DEFAULT_SUSPECTS,
        limit => (limit as usize).min(limits::SUSPECTS),
    };
    Ok(SuspectQuery { limit, order, filter: query.filter, min_tier: tier(query.min_tier)? })
}
