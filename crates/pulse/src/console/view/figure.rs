//! A figure with its name in front.

use ratatui::text::{Line, Span};

use super::style;

/// The name, in a column of its own.
pub(super) fn label(name: &str) -> Span<'static> {
    Span::styled(format!("{name:<12}"), style::faint())
}

pub(super) fn figure(name: &str, value: String) -> Line<'static> {
    Line::from(vec![label(name), Span::raw(value)])
}
