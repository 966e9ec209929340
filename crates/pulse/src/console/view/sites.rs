//! The places in the source that offenders were spawned at.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Cell, Row};
use tokio_pulse_proto::v1::SpawnSite;

use super::{style, table};
use crate::console::format::{count, printable, site, tail, time};
use crate::console::state::State;

const COLUMNS: [(&str, Constraint); 6] = [
    ("offenders", Constraint::Length(9)),
    ("viol.", Constraint::Length(6)),
    ("CPU", Constraint::Length(8)),
    ("longest", Constraint::Length(8)),
    ("", Constraint::Length(8)),
    ("spawned at", Constraint::Fill(1)),
];
/// What the other columns leave on the smallest terminal.
const ROOM: u16 = 44;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let pane = &state.sites;
    let [above, list, below] = table::split(area, 4);
    let text = format!("{} shown of {} on record", pane.sites.len(), count(pane.total));
    frame.render_widget(Line::styled(text, style::strong()), above);
    if pane.sites.is_empty() {
        return table::nothing(frame, list, "No offender's spawn site is on record.");
    }
    let room = usize::from(area.width.saturating_sub(ROOM));
    let rows = pane.sites.iter().map(|site| row(site, room));
    table::list(frame, list, &COLUMNS, rows, Some(pane.cursor.at()));
    if let Some(selected) = state.selected_site() {
        let place = selected.site.as_ref().map_or_else(|| "not known".to_owned(), site);
        let advice = match selected.advice_text.as_str() {
            "" => "No advice yet.".to_owned(),
            text => printable(text),
        };
        let lines = vec![Line::styled(place, style::strong()), Line::raw(advice)];
        table::detail(frame, below, lines);
    }
}

fn row(of: &SpawnSite, room: usize) -> Row<'static> {
    let place = of.site.as_ref().map_or_else(|| "not known".to_owned(), site);
    let state = if of.suspect { "SUSPECT" } else { "" };
    Row::new([
        Cell::from(count(of.offenders)),
        Cell::from(count(of.violations)),
        Cell::from(time(of.cpu_ns)),
        Cell::from(time(of.longest_ns)),
        Cell::from(state).style(style::warning()),
        Cell::from(tail(&place, room)),
    ])
}
