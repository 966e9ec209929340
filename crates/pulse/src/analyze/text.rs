//! What was found, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::groups::Group;
use super::input::Input;
use super::line::Verdict;
use super::tree::{self, Node};

/// A branch that took less than this part of its group's time is left out.
const BRANCH: u64 = 50;
/// Rows of a tree.
const ROWS: usize = 24;
const PLACES: usize = 4;

pub(super) fn render(input: &Input, all: &[Group<'_>], shown: &[Group<'_>]) -> String {
    let mut text = format!(
        "{} reports of {} stalls in {} groups",
        input.reports,
        input.stalls.len(),
        all.len()
    );
    if !input.malformed.is_empty() {
        let _ = write!(text, "; {} malformed lines were left out", input.malformed.len());
    }
    let suppressed = suppressed(input);
    if suppressed > 0 {
        let _ = write!(text, "; {suppressed} reports were above the cap when they were written");
    }
    text.push('\n');
    for (number, group) in (1..).zip(shown) {
        let _ = write!(text, "\n{number}. ");
        render_group(group, &mut text);
    }
    if shown.len() < all.len() {
        let _ = writeln!(text, "\n{} more groups; see --top", all.len() - shown.len());
    }
    text
}

fn render_group(group: &Group<'_>, text: &mut String) {
    let function = group.function.as_deref().unwrap_or("in code that is not known");
    let _ = writeln!(text, "{function}");
    let spawned = group.spawned_at.unwrap_or("a place that is not known");
    let _ = writeln!(text, "   spawned at {spawned}{}", list(" as ", group.names()));
    let _ = writeln!(
        text,
        "   {} in {} stalls, the longest {}; {} samples, {} more stalls were merged",
        duration(group.total_us()),
        group.stalls.len(),
        duration(group.longest_us()),
        group.samples(),
        group.merged()
    );
    let verdicts = group.verdicts();
    let parts =
        verdicts.iter().map(|(verdict, us)| format!("{} {}", verdict.as_str(), duration(*us)));
    let _ = writeln!(text, "   why: {}{}", list("", parts), list("; in ", group.calls()));
    let places = group.places();
    if !places.is_empty() {
        let more = places.len().saturating_sub(PLACES);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(text, "   at {}{more}", list("", places.iter().take(PLACES)));
    }
    for advice in group.advice() {
        let _ = writeln!(text, "   -> {}", advice.text());
    }
    let tree = tree::of_own_frames(group);
    let mut rows = ROWS;
    for child in &tree.children {
        render_node(child, 0, tree.time_us, &mut rows, text);
    }
}

fn render_node(node: &Node, depth: usize, total_us: u64, rows: &mut usize, text: &mut String) {
    if *rows == 0 || node.time_us < total_us / BRANCH {
        return;
    }
    *rows -= 1;
    let indent = 2 * depth.min(20);
    let _ = writeln!(text, "   {:>8}  {:indent$}{}", duration(node.time_us), "", node.name);
    for child in &node.children {
        render_node(child, depth + 1, total_us, rows, text);
    }
}

/// The same as one object.
pub(super) fn json(input: &Input, all: &[Group<'_>], shown: &[Group<'_>]) -> Value {
    let groups: Vec<Value> = shown
        .iter()
        .map(|group| {
            let verdicts = group.verdicts();
            let time = |verdict: Verdict| verdicts.get(&verdict).copied().unwrap_or(0);
            let verdicts: serde_json::Map<_, _> = Verdict::ALL
                .iter()
                .map(|verdict| (format!("{}_us", verdict.as_str()), time(*verdict).into()))
                .collect();
            let advice = group.advice();
            json!({
                "spawned_at": group.spawned_at,
                "task_names": group.names(),
                "function": group.function,
                "places": group.places(),
                "stalls": group.stalls.len(),
                "samples": group.samples(),
                "merged": group.merged(),
                "total_us": group.total_us(),
                "longest_us": group.longest_us(),
                "verdicts": verdicts,
                "system_calls": group.calls(),
                "advice": advice,
            })
        })
        .collect();
    json!({
        "reports": input.reports,
        "stalls": input.stalls.len(),
        "malformed": input.malformed.len(),
        "suppressed": suppressed(input),
        "groups_found": all.len(),
        "groups": groups,
    })
}

fn suppressed(input: &Input) -> u64 {
    let samples = input.stalls.iter().flat_map(|stall| &stall.samples);
    samples.fold(0, |sum, sample| sum.saturating_add(sample.suppressed))
}

fn list<T: ToString>(before: &str, items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| item.to_string()).collect();
    if items.is_empty() { String::new() } else { format!("{before}{}", items.join(", ")) }
}

/// Not more digits than matter.
pub(super) fn duration(us: u64) -> String {
    match us {
        0..10_000 => format!("{:.1} ms", us as f64 / 1e3),
        10_000..10_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{} s", us / 1_000_000),
    }
}
