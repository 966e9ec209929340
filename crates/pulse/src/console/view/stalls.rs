//! The stalls, those that go on first to see.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Cell, Row};
use tokio_pulse_proto::v1;

use super::{style, table};
use crate::console::format::{culprit, maybe_time, printable, task, time, verdict};
use crate::console::state::{StallRow, State};

const COLUMNS: [(&str, Constraint); 6] = [
    ("", Constraint::Length(5)),
    ("lasted", Constraint::Length(9)),
    ("CPU", Constraint::Length(8)),
    ("thread", Constraint::Length(14)),
    ("task", Constraint::Length(14)),
    ("where, or why", Constraint::Fill(1)),
];

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let [above, list, _] = table::split(area, 0);
    let text = format!(
        "{} in progress; so far {}, the longest {}. Listed: told since we came",
        state.told.overview.stalls_in_progress,
        state.told.overview.stalls,
        time(state.told.overview.longest_stall_ns)
    );
    frame.render_widget(Line::styled(text, style::strong()), above);
    if state.stalls.cursor.len() == 0 {
        return table::nothing(frame, list, "None was told yet.");
    }
    let now = state.told.uptime_ns;
    let before = state.stalls.stuck_before().iter().map(stuck);
    let rows = before.chain(state.stalls.rows().map(|stall| row(stall, now)));
    table::list(frame, list, &COLUMNS, rows, Some(state.stalls.cursor.at()));
}

fn stuck(thread: &v1::ThreadStack) -> Row<'static> {
    let stack = thread.stack.as_ref();
    Row::new([
        Cell::from("NOW").style(style::bad()),
        Cell::from("-"),
        Cell::from("-"),
        Cell::from(printable(&thread.thread)),
        Cell::from(task(thread.task_id, "")),
        Cell::from(place(stack, thread.verdict.as_ref())),
    ])
}

fn row(stall: &StallRow, now: u64) -> Row<'static> {
    let goes_on = !stall.is_over();
    let (state, look) = if goes_on { ("NOW", style::bad()) } else { ("over", style::faint()) };
    let report = stall.report.as_ref();
    let thread = report.map_or_else(|| "-".to_owned(), |report| printable(&report.thread));
    let stack = report.and_then(|report| report.stack.as_ref());
    let verdict = report.and_then(|report| report.verdict.as_ref());
    Row::new([
        Cell::from(state).style(look),
        Cell::from(time(stall.lasted_ns(now))),
        Cell::from(maybe_time(stall.cpu_ns())),
        Cell::from(thread),
        Cell::from(task(stall.task_id(), stall.task_name().unwrap_or_default())),
        Cell::from(place(stack, verdict)),
    ])
}

/// The function to look at; without one, why it does not end.
fn place(stack: Option<&v1::Stack>, why: Option<&v1::Verdict>) -> String {
    let frame = stack.and_then(culprit).filter(|frame| !frame.function.is_empty());
    frame.map_or_else(|| verdict(why), |frame| printable(&frame.function))
}
