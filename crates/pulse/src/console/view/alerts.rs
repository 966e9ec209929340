//! The alerts.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::widgets::{Cell, Row};
use tokio_pulse_proto::v1::Alert;

use super::{style, table};
use crate::console::format::{count, printable};
use crate::console::state::State;

const COLUMNS: [(&str, Constraint); 5] = [
    ("", Constraint::Length(7)),
    ("name", Constraint::Fill(1)),
    ("signal", Constraint::Length(28)),
    ("value", Constraint::Length(12)),
    ("raised", Constraint::Length(7)),
];

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let alerts = &state.told.alerts;
    if alerts.is_empty() {
        let text = "There are no rules for alerts; the program's configuration may have some.";
        return table::nothing(frame, area, text);
    }
    table::list(frame, area, &COLUMNS, alerts.iter().map(row), None);
}

fn row(alert: &Alert) -> Row<'static> {
    let (state, look) = if alert.active { ("ACTIVE", style::bad()) } else { ("", style::plain()) };
    Row::new([
        Cell::from(state).style(look),
        Cell::from(printable(&alert.name)),
        Cell::from(printable(&alert.signal)),
        Cell::from(format!("{:.3}", alert.value)),
        Cell::from(count(alert.raised)),
    ])
}
