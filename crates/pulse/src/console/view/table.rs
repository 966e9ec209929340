//! What all lists have in common.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, Borders, Paragraph, Row, Table, TableState, Wrap};

use super::style;

/// A list whose selected row is in sight.
pub(super) fn list<'a>(
    frame: &mut Frame<'_>,
    area: Rect,
    columns: &[(&'static str, Constraint)],
    rows: impl Iterator<Item = Row<'a>>,
    selected: Option<usize>,
) {
    let header = Row::new(columns.iter().map(|(title, _)| *title)).style(style::faint());
    let table = Table::new(rows, columns.iter().map(|(_, width)| *width))
        .header(header)
        .column_spacing(1)
        .row_highlight_style(style::selected());
    let mut state = TableState::default().with_selected(selected);
    frame.render_stateful_widget(table, area, &mut state);
}

/// In place of a list without rows.
pub(super) fn nothing(frame: &mut Frame<'_>, area: Rect, text: &str) {
    let paragraph = Paragraph::new(text.to_owned()).style(style::faint()).wrap(Wrap { trim: true });
    frame.render_widget(paragraph, area);
}

/// A line above a list, the list, and below a line more about what is selected.
pub(super) fn split(area: Rect, below: u16) -> [Rect; 3] {
    Layout::vertical([Constraint::Length(1), Constraint::Fill(1), Constraint::Length(below)])
        .areas(area)
}

/// More about what is selected.
pub(super) fn detail(frame: &mut Frame<'_>, area: Rect, lines: Vec<Line<'_>>) {
    let block = Block::new().borders(Borders::TOP).border_style(style::faint());
    frame.render_widget(Paragraph::new(lines).block(block).wrap(Wrap { trim: true }), area);
}
