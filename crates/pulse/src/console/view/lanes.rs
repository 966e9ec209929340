//! The lane, the isolated lane and the gate.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};
use tokio_pulse_proto::v1::{Distribution, Gate, Lane};

use super::figure::{figure, label};
use super::style;
use crate::console::format::{count, maybe_time, printable, time};
use crate::console::state::State;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let lanes = &state.told.lanes;
    let mut lines = lane("Lane", lanes.lane.as_ref());
    lines.extend(lane("Isolated lane", lanes.isolated.as_ref()));
    lines.push(figure("waited", distribution(lanes.wait_time)));
    lines.push(figure("polls took", distribution(lanes.poll_time)));
    lines.push(Line::raw(""));
    lines.extend(gate(lanes.gate.unwrap_or_default()));
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: false }), area);
}

fn lane(title: &str, lane: Option<&Lane>) -> Vec<Line<'static>> {
    let title = Line::styled(title.to_owned(), style::strong());
    let Some(lane) = lane.filter(|lane| **lane != Lane::default()) else {
        return vec![title, Line::styled("not in use", style::faint()), Line::raw("")];
    };
    let threads = format!(
        "{} of {}, running {}, CPU {}",
        lane.threads,
        lane.target_threads,
        lane.running,
        time(lane.cpu_ns)
    );
    let queue = format!("{} of {}", lane.queued, lane.queue_bound);
    let tasks = format!(
        "admitted {}, refused {}, returned {}, completed {}, panicked {}",
        count(lane.admitted),
        count(lane.refused),
        count(lane.returned),
        count(lane.completed),
        count(lane.panicked)
    );
    let mut lines = vec![title, figure("threads", threads), figure("waiting", queue)];
    lines.push(figure("tasks", tasks));
    if lane.thread_start_failures > 0 {
        let text = format!("{} could not be started", count(lane.thread_start_failures));
        lines.push(Line::styled(text, style::bad()));
    }
    if let Some(isolation) = &lane.isolation {
        let look = if lane.isolation_failed { style::bad() } else { style::plain() };
        let text = Span::styled(printable(isolation), look);
        lines.push(Line::from(vec![label("quota"), text]));
    }
    lines.push(Line::raw(""));
    lines
}

fn gate(gate: Gate) -> Vec<Line<'static>> {
    let title = Line::styled("Gate", style::strong());
    if gate.permits == 0 {
        return vec![title, Line::styled("nobody has come yet", style::faint())];
    }
    vec![
        title,
        figure("inside", format!("{} of {}, waiting {}", gate.inside, gate.permits, gate.waiting)),
        figure(
            "polls",
            format!("waited {}, let in late {}", count(gate.waits), count(gate.forced)),
        ),
        figure("waited", distribution(gate.wait_time)),
    ]
}

fn distribution(of: Option<Distribution>) -> String {
    let of = of.unwrap_or_default();
    format!(
        "{} times; half below {}, 99 % below {}, at most {}",
        count(of.count),
        maybe_time(of.p50_ns),
        maybe_time(of.p99_ns),
        maybe_time(of.max_ns)
    )
}
