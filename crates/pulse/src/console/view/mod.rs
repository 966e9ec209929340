//! Draws a state, and nothing that is not in it.

mod alerts;
mod config;
mod figure;
mod frame;
mod help;
mod lanes;
mod overview;
#[cfg(test)]
mod random;
mod sites;
mod stack;
mod stalls;
mod style;
mod suspects;
mod table;
#[cfg(test)]
mod tests;
mod workers;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::widgets::{Paragraph, Wrap};

use super::state::{State, View};

/// The least that everything has room in.
pub(crate) const SMALLEST: (u16, u16) = (80, 24);

/// Draws all of it.
pub(crate) fn draw(frame: &mut Frame<'_>, state: &State) {
    let area = frame.area();
    let (width, height) = SMALLEST;
    if area.width < width || area.height < height {
        let text = format!(
            "This terminal has {} x {} characters. pulse top needs {width} x {height}: make it larger, \
             or use pulse top --once. q leaves.",
            area.width, area.height
        );
        frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), area);
        return;
    }
    let rows = [1, 1].map(Constraint::Length);
    let rows = rows.into_iter().chain([Constraint::Fill(1)]).chain([1, 1].map(Constraint::Length));
    let [title, tabs, body, line, keys] = Layout::vertical(rows).areas(area);
    frame::title(frame, title, state);
    frame::tabs(frame, tabs, state);
    frame::line(frame, line, state);
    frame::keys(frame, keys, state);
    if state.help {
        return help::draw(frame, body, state.view);
    }
    if let Some(stack) = &state.stack {
        return stack::draw(frame, body, state, stack);
    }
    match state.view {
        View::Overview => overview::draw(frame, body, state),
        View::Workers => workers::draw(frame, body, state),
        View::Suspects => suspects::draw(frame, body, state),
        View::Stalls => stalls::draw(frame, body, state),
        View::Sites => sites::draw(frame, body, state),
        View::Lanes => lanes::draw(frame, body, state),
        View::Alerts => alerts::draw(frame, body, state),
        View::Config => config::draw(frame, body, state),
    }
}
