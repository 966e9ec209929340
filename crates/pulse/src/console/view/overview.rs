//! How the runtime is, at a glance.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Sparkline};

use super::figure::{figure, label};
use super::style;
use crate::console::format::{count, maybe_time, time};
use crate::console::state::{Series, State};

/// A title and four rows.
const SPARKLINE: u16 = 5;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let rows = [SPARKLINE, SPARKLINE].map(Constraint::Length);
    let rows = rows.into_iter().chain([Constraint::Fill(1)]);
    let [delay, stalls, figures] = Layout::vertical(rows).areas(area);
    let overview = &state.told.overview;
    let history = &state.history;
    let title = format!(
        "Scheduling delay   now {}, highest {}",
        time(overview.scheduling_delay_ns),
        time(history.delay_ns.max())
    );
    sparkline(frame, delay, title, &history.delay_ns, style::name());
    let title = format!(
        "Stalls   {} in progress, at most {} new between two updates",
        overview.stalls_in_progress,
        history.stalls.max()
    );
    let look = if overview.stalls_in_progress > 0 { style::bad() } else { style::warning() };
    sparkline(frame, stalls, title, &history.stalls, look);
    frame.render_widget(Paragraph::new(figures_of(state)), figures);
}

fn sparkline(frame: &mut Frame<'_>, area: Rect, title: String, series: &Series, look: Style) {
    let rows = [Constraint::Length(1), Constraint::Fill(1)];
    let [above, below] = Layout::vertical(rows).areas(area);
    frame.render_widget(Line::styled(title, style::strong()), above);
    let width = usize::from(below.width);
    // The widget multiplies what it is given: small numbers, in proportion.
    let unit = (series.max() / u64::from(u16::MAX)).max(1);
    let mut values: Vec<Option<u64>> = series.last(width).map(|value| Some(value / unit)).collect();
    // The present is at the right, where it stays.
    let missing = width - values.len();
    values.splice(0..0, std::iter::repeat_n(None, missing));
    frame.render_widget(Sparkline::default().data(values).style(look), below);
}

fn figures_of(state: &State) -> Vec<Line<'static>> {
    let o = &state.told.overview;
    let quantiles = o.stall_time.unwrap_or_default();
    let reports = o.reports.unwrap_or_default();
    let tiers: Vec<String> = (0..)
        .zip(&o.suspects_by_tier)
        .map(|(tier, tasks)| format!("tier {tier}: {}", count((*tasks).into())))
        .collect();
    let active = state.told.alerts.iter().filter(|alert| alert.active);
    let active: Vec<String> =
        active.map(|alert| crate::console::format::printable(&alert.name)).collect();
    let escalated = if o.escalated { "; each task counts one tier more" } else { "" };
    let alerts = match active.as_slice() {
        [] => format!("none of {} active", state.told.alerts.len()),
        names => format!("{}{escalated}", names.join(", ")),
    };
    let alert_look = if active.is_empty() { style::plain() } else { style::bad() };
    vec![
        figure(
            "Workers",
            format!("{} and {} in reserve, {} free", o.workers, o.reserve_workers, o.reserves_free),
        ),
        figure("Polls", format!("{}, slow {}", count(o.polls), count(o.slow_polls))),
        figure(
            "Stalls",
            format!(
                "{}, rescued {}, longest {}, reserve exhausted {}",
                count(o.stalls),
                count(o.stalls_rescued),
                time(o.longest_stall_ns),
                count(o.reserve_exhausted)
            ),
        ),
        figure(
            "",
            format!(
                "half below {}, 90 % below {}, 99 % below {}",
                maybe_time(quantiles.p50_ns),
                maybe_time(quantiles.p90_ns),
                maybe_time(quantiles.p99_ns)
            ),
        ),
        figure("On record", tiers.join(", ")),
        figure(
            "Violations",
            format!(
                "{}, up a tier {}, down {}",
                count(o.violations),
                count(o.promotions),
                count(o.demotions)
            ),
        ),
        figure("Handoffs", format!("{}, failed {}", count(o.handoffs), count(o.failed_handoffs))),
        figure(
            "Reports",
            format!(
                "told {}, merged {}, suppressed {}, dropped {}",
                count(reports.told),
                count(reports.merged),
                count(reports.suppressed),
                count(reports.dropped)
            ),
        ),
        Line::from(vec![label("Alerts"), Span::styled(alerts, alert_look)]),
        figure(
            "Watchdog",
            format!("{} looks, consoles {}", count(o.watchdog_looks), o.subscribers),
        ),
    ]
}
