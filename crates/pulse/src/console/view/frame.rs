//! What is around each view: who is watched and how the connection is, the views, one line for what goes
//! on, and the keys.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::style;
use crate::console::format;
use crate::console::message::Link;
use crate::console::state::keys::BINDINGS;
use crate::console::state::{Lost, Prompt, Purpose, Stage, State, View};

pub(super) fn title(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let (status, look) = status(state);
    let width = u16::try_from(status.chars().count()).unwrap_or(u16::MAX);
    let columns = [Constraint::Fill(1), Constraint::Length(width)];
    let [left, right] = Layout::horizontal(columns).spacing(1).areas(area);
    let mut line = Line::from(Span::styled("pulse top", style::strong()));
    if let Some(program) = &state.program {
        let name = format!("  {} ({})", format::printable(&program.program), program.process_id);
        line.push_span(Span::styled(name, style::name()));
        // What has no room is not told in part.
        let up = format!("  watched for {}", format::long_time(state.told.uptime_ns));
        for part in [up, format!("  {}", format::printable(&program.pulse_version))] {
            if line.width() + part.len() <= usize::from(left.width) {
                line.push_span(Span::raw(part));
            }
        }
    }
    frame.render_widget(line, left);
    frame.render_widget(Line::styled(status, look).alignment(Alignment::Right), right);
}

fn status(state: &State) -> (String, Style) {
    let (link, look) = match &state.link {
        Link::Connecting => ("connecting".to_owned(), style::warning()),
        Link::Down { next, attempt, .. } => {
            let next = format::time(u64::try_from(next.as_nanos()).unwrap_or(u64::MAX));
            (format!("NO CONNECTION, attempt {attempt} failed, next in {next}"), style::bad())
        }
        Link::Up if state.told.overview.ended => ("WATCH HAS ENDED".to_owned(), style::bad()),
        Link::Up if state.program.as_ref().is_some_and(|program| program.read_only) => {
            ("connected, read-only".to_owned(), style::good())
        }
        Link::Up => ("connected".to_owned(), style::good()),
    };
    match &state.lost {
        Lost { updates: 0, stall_events: 0 } => (link, look),
        Lost { updates, stall_events } => {
            let (updates, events) = (format::count(*updates), format::count(*stall_events));
            (format!("LOST {updates} updates, {events} stalls  {link}"), style::bad())
        }
    }
}

pub(super) fn tabs(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let mut spans = Vec::new();
    for (number, view) in (1..).zip(View::ALL) {
        let look = if view == state.view { style::selected() } else { style::plain() };
        spans.push(Span::styled(format!("{number} {}", view.title()), look));
        spans.push(Span::raw(" "));
    }
    frame.render_widget(Line::from(spans), area);
}

pub(super) fn line(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let line = if let Some(prompt) = &state.prompt {
        typed(prompt, usize::from(area.width))
    } else if let Some(notice) = &state.notice {
        let look = if notice.is_bad { style::bad() } else { style::good() };
        Line::styled(format::printable(&notice.text), look)
    } else if let Link::Down { why, .. } = &state.link {
        Line::styled(format::printable(why), style::bad())
    } else {
        return;
    };
    frame.render_widget(Paragraph::new(line), area);
}

fn typed(prompt: &Prompt, width: usize) -> Line<'static> {
    let what = match &prompt.purpose {
        Purpose::SuspectFilter | Purpose::ConfigFilter => "filter: ".to_owned(),
        Purpose::Tier(whom) => format!("tier of {}, 0 to 3: ", whom.name()),
        Purpose::Priority(whom) => format!("priority of {}: ", whom.name()),
        Purpose::Value { key } => format!("{key} = "),
    };
    let (hint, look) = match (&prompt.error, prompt.stage) {
        (Some(error), _) => (format!("  ! {error}"), style::bad()),
        (None, Stage::Checking) => ("  asking whether it would do".to_owned(), style::faint()),
        (None, Stage::Checked { .. }) => ("  would do; Enter applies".to_owned(), style::good()),
        (None, Stage::Applying) => ("  applying".to_owned(), style::faint()),
        (None, Stage::Typing) => match prompt.purpose {
            Purpose::Value { .. } => ("  Enter checks, Esc leaves".to_owned(), style::faint()),
            Purpose::Priority(_) => ("  critical, high, normal or low".to_owned(), style::faint()),
            _ => (String::new(), style::faint()),
        },
    };
    let what = format::printable(&what);
    // What is being typed is in sight, whatever it is for.
    let what = format::tail(&what, width * 3 / 5);
    Line::from(vec![
        Span::raw(what),
        Span::styled(format::tail(&prompt.text, width / 3), style::strong()),
        Span::styled("_", style::selected()),
        Span::styled(format::printable(&hint), look),
    ])
}

pub(super) fn keys(frame: &mut Frame<'_>, area: Rect, state: &State) {
    frame.render_widget(keys_of(state), area);
}

fn keys_of(state: &State) -> Line<'static> {
    let hint = |key: &'static str, does: &'static str| {
        [Span::styled(key, style::strong()), Span::raw(format!(" {does}  "))]
    };
    let spans: Vec<Span<'_>> = if state.prompt.is_some() {
        [hint("Enter", "done"), hint("Esc", "leave"), hint("Ctrl-U", "clear")].concat()
    } else if state.stack.is_some() {
        [hint("Up/Down", "scroll"), hint("Esc", "back"), hint("?", "help"), hint("q", "quit")]
            .concat()
    } else {
        let shown = BINDINGS
            .iter()
            .filter(|binding| binding.is_in(state.view) && !binding.short.is_empty());
        let first = |label: &'static str| label.split(", ").next().unwrap_or(label);
        shown.flat_map(|binding| hint(first(binding.label), binding.short)).collect()
    };
    Line::from(spans)
}
