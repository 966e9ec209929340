//! The keys.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::style;
use crate::console::state::View;
use crate::console::state::keys::{BINDINGS, Binding};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, view: View) {
    let halves = [Constraint::Length(38), Constraint::Fill(1)];
    let [left, right] = Layout::horizontal(halves).spacing(2).areas(area);
    let everywhere = BINDINGS.iter().filter(|binding| binding.views.is_empty());
    frame.render_widget(Paragraph::new(lines("Everywhere", everywhere)), left);
    let here = BINDINGS.iter().filter(|binding| binding.views.contains(&view));
    let here = lines(&format!("In {}", view.title()), here);
    if here.len() > 1 {
        frame.render_widget(Paragraph::new(here).wrap(Wrap { trim: false }), right);
    }
}

fn lines<'a>(title: &str, bindings: impl Iterator<Item = &'a Binding>) -> Vec<Line<'static>> {
    let title = Line::styled(title.to_owned(), style::faint());
    let lines = bindings.map(|binding| {
        let key = Span::styled(format!("{:<11}", binding.label), style::strong());
        Line::from(vec![key, Span::raw(binding.help)])
    });
    std::iter::once(title).chain(lines).collect()
}
