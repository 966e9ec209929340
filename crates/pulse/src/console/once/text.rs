//! What is told, for people.

use std::fmt::Write as _;

use tokio_pulse_proto::v1;

use super::Snapshot;
use crate::console::format::{self, count, maybe_time, printable, time};
use crate::console::stacks;

/// More are in the JSON.
const SHOWN: usize = 10;

pub(super) fn render(of: &Snapshot) -> String {
    let update = &of.update;
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = head(&mut text, of);
    let workers = update.workers.as_ref().map(|it| it.workers.as_slice()).unwrap_or_default();
    let _ = list(&mut text, "Workers", workers, workers.len(), worker);
    let suspects = update.suspects.clone().unwrap_or_default();
    let total = usize::try_from(suspects.total).unwrap_or(usize::MAX);
    let _ = list(&mut text, "Suspects", &suspects.suspects, total, suspect);
    let total = usize::try_from(of.sites.total).unwrap_or(usize::MAX);
    let _ = list(&mut text, "Spawn sites", &of.sites.sites, total, spawn_site);
    let alerts = update.alerts.as_ref().map(|it| it.alerts.as_slice()).unwrap_or_default();
    let active: Vec<v1::Alert> = alerts.iter().filter(|alert| alert.active).cloned().collect();
    let _ = list(&mut text, "Active alerts", &active, active.len(), alert);
    if of.stuck.is_empty() {
        text += "\nNo thread is stuck.\n";
    } else {
        let _ =
            write!(text, "\nStuck threads: {}\n\n{}", of.stuck.len(), stacks::render(&of.stuck));
    }
    text
}

fn head(text: &mut String, of: &Snapshot) -> std::fmt::Result {
    let program = &of.program;
    let overview = of.update.overview.clone().unwrap_or_default();
    writeln!(
        text,
        "{} ({}), tokio-pulse {}, {}, watched for {}{}",
        printable(&program.program),
        program.process_id,
        printable(&program.pulse_version),
        printable(&program.flavor),
        format::long_time(of.update.uptime_ns),
        if overview.ended { ", and not any more" } else { "" }
    )?;
    writeln!(
        text,
        "workers {}, in reserve {}, of those free {}; scheduling delay {}",
        overview.workers,
        overview.reserve_workers,
        overview.reserves_free,
        time(overview.scheduling_delay_ns)
    )?;
    writeln!(
        text,
        "stalls {}, in progress {}, rescued {}, the longest {}; slow polls {} of {}",
        overview.stalls,
        overview.stalls_in_progress,
        overview.stalls_rescued,
        time(overview.longest_stall_ns),
        count(overview.slow_polls),
        count(overview.polls)
    )
}

fn list<T>(
    text: &mut String,
    title: &str,
    items: &[T],
    total: usize,
    one: impl Fn(&T) -> String,
) -> std::fmt::Result {
    if items.is_empty() {
        return writeln!(text, "\n{title}: none");
    }
    let shown = items.len().min(SHOWN);
    writeln!(text, "\n{title}: {shown} of {total}")?;
    items.iter().take(shown).try_for_each(|item| writeln!(text, "  {}", one(item)))
}

fn worker(of: &v1::Worker) -> String {
    let state = format::worker_state(of.state());
    format!(
        "{:<16} {state:<10} polls {}, slow {}, stalls {}, CPU {}",
        printable(&of.thread),
        count(of.polls),
        count(of.slow_polls),
        count(of.stalls),
        time(of.cpu_ns)
    )
}

fn suspect(of: &v1::Suspect) -> String {
    let spawned = of.spawned_at.as_ref().map_or_else(|| "?".to_owned(), format::site);
    format!(
        "tier {} {:<10} {}: violations {}, CPU {}, longest {}, last {} ago; spawned at {spawned}",
        of.tier_in_force,
        format::action(of.action()),
        format::task(Some(of.task_id), &of.name),
        count(of.violations),
        time(of.cpu_ns),
        time(of.longest_ns),
        maybe_time(of.last_violation_age_ns)
    )
}

fn spawn_site(of: &v1::SpawnSite) -> String {
    let site = of.site.as_ref().map_or_else(|| "?".to_owned(), format::site);
    let advice = printable(&of.advice_text);
    let (offenders, violations) = (count(of.offenders), count(of.violations));
    format!("{site}: offenders {offenders}, violations {violations}. {advice}")
}

fn alert(of: &v1::Alert) -> String {
    format!("{}: {} is {:.3}", printable(&of.name), printable(&of.signal), of.value)
}
