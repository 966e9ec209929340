//! One stack.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use tokio_pulse_proto::v1::{self, FrameOrigin};

use super::style;
use crate::console::format;
use crate::console::state::{StackPane, StallRow, State};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, pane: &StackPane) {
    let (lines, scroll) = match pane {
        StackPane::Asked(_) => (vec![Line::styled("Asking for the stack.", style::faint())], 0),
        StackPane::Stall { stall, scroll } => match state.stalls.find(*stall) {
            Some(stall) => (of_stall(stall, state.told.uptime_ns), *scroll),
            None => (vec![Line::raw("It is too long ago: the list has no room for it.")], 0),
        },
        StackPane::Threads { stacks, scroll } => (of_threads(stacks), *scroll),
    };
    // The last line stays in sight.
    let scroll = scroll.min(lines.len().saturating_sub(1));
    let scroll = u16::try_from(scroll).unwrap_or(u16::MAX);
    frame.render_widget(Paragraph::new(lines).scroll((scroll, 0)), area);
}

fn of_stall(stall: &StallRow, now: u64) -> Vec<Line<'static>> {
    let who = format::task(stall.task_id(), stall.task_name().unwrap_or_default());
    let state = if stall.is_over() { "was stuck for" } else { "is STUCK, for" };
    let lasted = format::time(stall.lasted_ns(now));
    let cpu = format::maybe_time(stall.cpu_ns());
    let mut lines =
        vec![Line::styled(format!("{who} {state} {lasted}, CPU {cpu}"), style::strong())];
    if let Some(site) = stall.site() {
        lines.push(Line::raw(format!("spawned at {}", format::site(site))));
    }
    let Some(report) = &stall.report else {
        lines.push(Line::styled("Its report was not told to us.", style::faint()));
        return lines;
    };
    let mut place = format!("on {} ({})", format::printable(&report.thread), report.tid);
    if let Some(worker) = report.worker {
        place += &format!(", worker {worker}");
    }
    if let Some(waiting) = report.waiting_behind {
        place += &format!(", tasks behind it {waiting}");
    }
    lines.push(Line::raw(format!("{place}; {}", format::verdict(report.verdict.as_ref()))));
    if report.repeated > 0 {
        lines.push(Line::raw(format!(
            "of the same kind since the last report: {}",
            report.repeated
        )));
    }
    lines.push(Line::raw(""));
    lines.extend(frames(report.stack.as_ref()));
    lines
}

fn of_threads(threads: &[v1::ThreadStack]) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for thread in threads {
        let stuck = if thread.stalled { "STUCK, " } else { "" };
        let worker = thread
            .worker
            .map_or_else(|| "without a worker".to_owned(), |worker| format!("worker {worker}"));
        let title =
            format!("{} ({}): {stuck}{worker}", format::printable(&thread.thread), thread.tid);
        lines.push(Line::styled(title, style::strong()));
        if thread.task_id.is_some() || thread.spawned_at.is_some() {
            let site = thread.spawned_at.as_ref().map(format::site);
            let site = site.map_or_else(String::new, |site| format!(", spawned at {site}"));
            lines.push(Line::raw(format!("{}{site}", format::task(thread.task_id, ""))));
        }
        lines.push(Line::raw(format::verdict(thread.verdict.as_ref())));
        lines.push(Line::raw(""));
        lines.extend(frames(thread.stack.as_ref()));
        lines.push(Line::raw(""));
    }
    if lines.is_empty() {
        lines.push(Line::styled("It does not run a task now.", style::faint()));
    }
    lines
}

fn frames(stack: Option<&v1::Stack>) -> Vec<Line<'static>> {
    let stack = stack.cloned().unwrap_or_default();
    let mut lines: Vec<Line<'_>> = (0_u32..)
        .zip(&stack.frames)
        .map(|(number, frame)| {
            let file = format::short_path(&frame.file).to_owned();
            let text = format::frame(&v1::Frame { file, ..frame.clone() });
            if stack.culprit == Some(number) {
                return Line::from(vec![
                    Span::styled("> ", style::bad()),
                    Span::styled(text, style::bad()),
                ]);
            }
            let look = match frame.origin() {
                FrameOrigin::User => style::plain(),
                FrameOrigin::Dependency => style::name(),
                _ => style::faint(),
            };
            Line::styled(format!("  {text}"), look)
        })
        .collect();
    if lines.is_empty() {
        let why = if stack.missing.is_empty() { "it was not taken" } else { &stack.missing };
        lines.push(Line::styled(format!("No stack: {}", format::printable(why)), style::warning()));
    }
    if stack.truncated {
        lines.push(Line::styled("  (the outer ones are missing)", style::faint()));
    }
    lines
}
