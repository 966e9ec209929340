//! The colours: of the sixteen that each terminal has and its user has chosen. Nothing is told by colour
//! alone.

use ratatui::style::{Color, Modifier, Style};

pub(super) const fn plain() -> Style {
    Style::new()
}

pub(super) const fn strong() -> Style {
    Style::new().add_modifier(Modifier::BOLD)
}

pub(super) const fn faint() -> Style {
    Style::new().fg(Color::DarkGray)
}

pub(super) const fn name() -> Style {
    Style::new().fg(Color::Cyan)
}

pub(super) const fn good() -> Style {
    Style::new().fg(Color::Green)
}

pub(super) const fn warning() -> Style {
    Style::new().fg(Color::Yellow)
}

pub(super) const fn bad() -> Style {
    Style::new().fg(Color::Red).add_modifier(Modifier::BOLD)
}

pub(super) const fn selected() -> Style {
    Style::new().add_modifier(Modifier::REVERSED)
}

/// What a tier does gets stricter, and so does its colour.
pub(super) const fn tier(tier: u32) -> Style {
    match tier {
        0 => plain(),
        1 => name(),
        2 => warning(),
        _ => bad(),
    }
}
