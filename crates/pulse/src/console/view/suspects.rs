//! The tasks on record.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Row};
use tokio_pulse_proto::v1::Suspect;

use super::{style, table};
use crate::console::format::{action, count, maybe_time, printable, priority, site, task, time};
use crate::console::state::State;

const COLUMNS: [(&str, Constraint); 8] = [
    ("tier", Constraint::Length(4)),
    ("viol.", Constraint::Length(6)),
    ("CPU", Constraint::Length(8)),
    ("longest", Constraint::Length(8)),
    ("last", Constraint::Length(8)),
    ("action", Constraint::Length(10)),
    ("priority", Constraint::Length(8)),
    ("task", Constraint::Fill(1)),
];

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let pane = &state.suspects;
    let [above, list, below] = table::split(area, 4);
    frame.render_widget(asked(state), above);
    if pane.list.is_empty() {
        let text = if pane.total == 0 {
            "Nobody is on record: no task has held its worker for too long."
        } else {
            "None that is on record matches. / changes the filter, m the tiers."
        };
        return table::nothing(frame, list, text);
    }
    table::list(frame, list, &COLUMNS, pane.list.iter().map(row), Some(pane.cursor.at()));
    if let Some(suspect) = pane.selected() {
        table::detail(frame, below, detail(suspect));
    }
}

fn asked(state: &State) -> Line<'static> {
    let pane = &state.suspects;
    let mut text = format!(
        "{} shown of {} that match, {} on record; by {}",
        pane.list.len(),
        count(pane.matching),
        count(pane.total),
        pane.order()
    );
    if pane.query.min_tier > 0 {
        text += &format!("; tier {} and above", pane.query.min_tier);
    }
    if !pane.query.filter.is_empty() {
        text += &format!("; with {:?}", pane.query.filter);
    }
    Line::styled(text, style::strong())
}

fn row(suspect: &Suspect) -> Row<'static> {
    let (tier, in_force) = (suspect.tier, suspect.tier_in_force);
    let shown = if tier == in_force { tier.to_string() } else { format!("{tier}>{in_force}") };
    Row::new([
        Cell::from(shown).style(style::tier(in_force)),
        Cell::from(count(suspect.violations)),
        Cell::from(time(suspect.cpu_ns)),
        Cell::from(time(suspect.longest_ns)),
        Cell::from(maybe_time(suspect.last_violation_age_ns)),
        Cell::from(action(suspect.action())),
        Cell::from(priority(suspect.priority())),
        Cell::from(name(suspect)),
    ])
}

/// Where it was spawned tells more of a task without a name than its number.
fn name(suspect: &Suspect) -> String {
    match &suspect.spawned_at {
        Some(at) if suspect.name.is_empty() => {
            let file = at.file.rsplit(['/', '\\']).next().unwrap_or_default();
            format!("{} {}:{}", suspect.task_id, printable(file), at.line)
        }
        _ => task(Some(suspect.task_id), &suspect.name),
    }
}

fn detail(suspect: &Suspect) -> Vec<Line<'static>> {
    let spawned = suspect.spawned_at.as_ref().map_or_else(|| "not known".to_owned(), site);
    let labels: Vec<String> = suspect
        .labels
        .iter()
        .map(|label| format!("{}={}", printable(&label.key), printable(&label.value)))
        .collect();
    let mut traits = vec![format!("budget {}", time(suspect.budget_ns))];
    traits.push(if suspect.movable { "can run on the lane" } else { "cannot be moved" }.to_owned());
    if suspect.on_probation {
        traits.push("on probation for its spawn site".to_owned());
    }
    if suspect.set_by_hand {
        traits.push("set by hand".to_owned());
    }
    let who = format!("task {}  {}  ", suspect.task_id, printable(&suspect.name));
    vec![
        Line::from(vec![Span::styled(who, style::strong()), Span::raw(labels.join(" "))]),
        Line::from(format!("spawned at {spawned}")),
        Line::from(traits.join(", ")),
    ]
}
