//! The threads.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::widgets::{Cell, Row};
use tokio_pulse_proto::v1::{Worker, WorkerState};

use super::{style, table};
use crate::console::format::{count, printable, time, worker_state};
use crate::console::state::State;

const COLUMNS: [(&str, Constraint); 10] = [
    ("thread", Constraint::Fill(1)),
    ("worker", Constraint::Length(6)),
    ("state", Constraint::Length(10)),
    ("polls", Constraint::Length(7)),
    ("slow", Constraint::Length(5)),
    ("stalls", Constraint::Length(6)),
    ("viol.", Constraint::Length(5)),
    ("CPU", Constraint::Length(8)),
    ("queue", Constraint::Length(5)),
    ("task", Constraint::Length(7)),
];

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let workers = &state.told.workers;
    if workers.is_empty() {
        return table::nothing(frame, area, "No thread has worked for the runtime yet.");
    }
    table::list(frame, area, &COLUMNS, workers.iter().map(row), Some(state.workers.at()));
}

fn row(worker: &Worker) -> Row<'static> {
    let look = match worker.state() {
        WorkerState::Stalled => style::bad(),
        WorkerState::HandedOff => style::warning(),
        WorkerState::Running => style::good(),
        _ => style::faint(),
    };
    let or_dash = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), count);
    Row::new([
        Cell::from(printable(&worker.thread)),
        Cell::from(or_dash(worker.worker.map(u64::from))),
        Cell::from(worker_state(worker.state())).style(look),
        Cell::from(count(worker.polls)),
        Cell::from(count(worker.slow_polls)),
        Cell::from(count(worker.stalls)),
        Cell::from(count(worker.violations)),
        Cell::from(time(worker.cpu_ns)),
        Cell::from(or_dash(worker.waiting.map(u64::from))),
        Cell::from(or_dash(worker.task_id)),
    ])
}
