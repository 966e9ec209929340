//! The configuration in force.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Row};
use tokio_pulse_proto::v1::Setting;

use super::{style, table};
use crate::console::format::printable;
use crate::console::state::{ConfigPane, State};

const COLUMNS: [(&str, Constraint); 3] = [
    ("key", Constraint::Length(34)),
    ("value", Constraint::Length(18)),
    ("from, or why not", Constraint::Fill(1)),
];

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let pane = &state.config;
    let [above, list, below] = table::split(area, 5);
    frame.render_widget(title(pane), above);
    if pane.cursor.len() == 0 {
        let text = "No key contains the filter. / changes it.";
        return table::nothing(frame, list, text);
    }
    let rows = pane.shown().map(|setting| row(setting, pane));
    table::list(frame, list, &COLUMNS, rows, Some(pane.cursor.at()));
    if let Some(setting) = pane.selected() {
        table::detail(frame, below, detail(setting, pane));
    }
}

fn title(pane: &ConfigPane) -> Line<'static> {
    let by_hand = pane.rules.iter().filter(|rule| rule.set_by_hand).count();
    let mut text =
        format!("revision {}; {} rules, set by hand {by_hand}", pane.revision, pane.rules.len());
    if !pane.filter.is_empty() {
        text += &format!("; keys with {:?}", pane.filter);
    }
    Line::styled(text, style::strong())
}

fn row(setting: &Setting, pane: &ConfigPane) -> Row<'static> {
    let from = match pane.errors.get(&setting.key) {
        Some(error) => Cell::from(format!("! {}", printable(error))).style(style::bad()),
        None => Cell::from(printable(&setting.origin)).style(style::faint()),
    };
    let look = if setting.start_only { style::faint() } else { style::plain() };
    let key = Cell::from(printable(&setting.key)).style(look);
    Row::new([key, Cell::from(printable(&setting.value)), from])
}

fn detail(setting: &Setting, pane: &ConfigPane) -> Vec<Line<'static>> {
    let mut lines = vec![Line::from(vec![
        Span::styled(printable(&setting.key), style::strong()),
        Span::raw(format!("  {}", printable(&setting.meaning))),
    ])];
    lines.push(match pane.errors.get(&setting.key) {
        Some(error) => Line::styled(printable(error), style::bad()),
        None if setting.start_only => {
            Line::styled("Read when the runtime starts, and not later.", style::warning())
        }
        None => Line::raw(format!("Give {}.", printable(&setting.expected))),
    });
    lines
}
