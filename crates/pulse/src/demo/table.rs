//! The one table on standard output.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use super::figures::{Endpoint, SideFigures, times_more, times_shorter};
use crate::{
    latencies::Summary,
    side::{PulseFigures, Side},
    workload::Outcome,
};

const RATIO: &str = "times better";
const NONE: &str = "-";
/// Three horizontal lines, nothing between rows or columns.
const LINES: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// The table of the service workload.
pub(super) fn service(stock: &SideFigures, pulse: &SideFigures) -> String {
    let mut rows = Vec::new();
    let latency = |name: &str, pick: fn(&SideFigures) -> f64| {
        let (a, b) = (pick(stock), pick(pulse));
        [name.to_owned(), ms(a), ms(b), ratio(times_shorter(a, b))]
    };
    rows.push(latency("/health p50", |side| side.health.latency.p50_ms));
    rows.push(latency("/health p99", |side| side.health.latency.p99_ms));
    rows.push(latency("/health p99.9", |side| side.health.latency.p999_ms));
    rows.push(latency("/health max", |side| side.health.latency.max_ms));
    rows.push(errors("/health errors", &stock.health, &pulse.health));
    rows.push(done("/login done", &stock.login, &pulse.login));
    rows.push(latency("/login p50", |side| side.login.latency.p50_ms));
    rows.push(errors("/login errors", &stock.login, &pulse.login));
    rows.push(done("/report done", &stock.report, &pulse.report));
    rows.push(latency("/report p50", |side| side.report.latency.p50_ms));
    rows.push(errors("/report errors", &stock.report, &pulse.report));
    for (name, value) in pulse.pulse.iter().flat_map(pulse_rows) {
        rows.push([name.to_owned(), NONE.to_owned(), value, String::new()]);
    }
    let lag = [stock, pulse].map(|side| ms(side.generator_lag.p99_ms));
    let [stock_lag, pulse_lag] = lag;
    rows.push(["sent late p99".into(), stock_lag, pulse_lag, String::new()]);
    let header = [String::new(), Side::Stock.to_string(), Side::Pulse.to_string(), RATIO.into()];
    render(&header, &rows)
}

/// The table of the hogs workload.
pub(super) fn hogs(calm: &Outcome, stock: &Outcome, pulse: &Outcome, seconds: f64) -> String {
    let [c, s, p] = [calm, stock, pulse].map(|side| side.lateness.summary());
    let late = |name: &str, pick: fn(&Summary) -> f64| {
        let (a, b) = (pick(&s), pick(&p));
        [name.to_owned(), ms(pick(&c)), ms(a), ms(b), ratio(times_shorter(a, b))]
    };
    let mut rows = vec![
        late("late p50", |it| it.p50_ms),
        late("late p90", |it| it.p90_ms),
        late("late p99", |it| it.p99_ms),
        late("late p99.9", |it| it.p999_ms),
        late("late max", |it| it.max_ms),
    ];
    let burns = |side: &Outcome| format!("{:.1} /s", side.burns / seconds);
    let more = ratio(times_more(stock.burns, pulse.burns));
    rows.push(["burns done".into(), NONE.into(), burns(stock), burns(pulse), more]);
    for (name, value) in pulse.pulse.iter().flat_map(pulse_rows) {
        rows.push([name.to_owned(), NONE.to_owned(), NONE.to_owned(), value, String::new()]);
    }
    let [stock, pulse] = [Side::Stock, Side::Pulse].map(|side| side.to_string());
    render(&[String::new(), "no hogs".into(), stock, pulse, RATIO.into()], &rows)
}

fn done(name: &str, stock: &Endpoint, pulse: &Endpoint) -> [String; 4] {
    let (a, b) = (stock.completed_per_s, pulse.completed_per_s);
    [name.into(), format!("{a:.1} /s"), format!("{b:.1} /s"), ratio(times_more(a, b))]
}

fn errors(name: &str, stock: &Endpoint, pulse: &Endpoint) -> [String; 4] {
    [name.into(), stock.errors.to_string(), pulse.errors.to_string(), String::new()]
}

fn pulse_rows(figures: &PulseFigures) -> [(&'static str, String); 4] {
    [
        ("stalls seen", figures.stalls.to_string()),
        ("stalls rescued", figures.rescued.to_string()),
        ("longest stall", ms(figures.longest_stall_ms)),
        ("reserve was empty", figures.exhausted.to_string()),
    ]
}

fn render<const N: usize>(header: &[String; N], rows: &[[String; N]]) -> String {
    let mut table = Table::new();
    table.load_style(LINES).set_header(header);
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// Three digits or so.
pub(super) fn ms(ms: f64) -> String {
    let digits = match ms {
        ms if ms < 10.0 => 2,
        ms if ms < 100.0 => 1,
        _ => 0,
    };
    format!("{ms:.digits$} ms")
}

fn ratio(times: Option<f64>) -> String {
    match times {
        None => NONE.into(),
        Some(times) if times < 10.0 => format!("{times:.2} x"),
        Some(times) => format!("{times:.0} x"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latencies::Latencies;
    use std::time::Duration;

    fn summary(ms: f64) -> Summary {
        Summary { count: 1, p50_ms: ms, p90_ms: ms, p99_ms: ms, p999_ms: ms, max_ms: ms }
    }

    fn side(ms: f64, per_s: f64, pulse: Option<PulseFigures>) -> SideFigures {
        let endpoint = Endpoint { latency: summary(ms), completed_per_s: per_s, errors: 0 };
        SideFigures {
            health: endpoint.clone(),
            login: endpoint.clone(),
            report: endpoint,
            generator_lag: summary(0.1),
            pulse,
        }
    }

    #[test]
    fn a_row_has_both_sides_and_how_many_times_better() {
        let counted = PulseFigures { stalls: 7, rescued: 6, ..PulseFigures::default() };
        let text = service(&side(200.0, 20.0, None), &side(4.0, 19.0, Some(counted)));
        let row = |name| text.lines().find(|line| line.contains(name)).unwrap().to_owned();
        let words = |name| row(name).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words("/health p99 "), "/health p99 200 ms 4.00 ms 50 x");
        assert_eq!(words("/login done"), "/login done 20.0 /s 19.0 /s 0.95 x");
        assert_eq!(words("stalls rescued"), "stalls rescued - 6");
    }

    #[test]
    fn the_table_of_the_hogs_has_three_columns_of_figures() {
        let outcome = |late, burns| {
            let mut lateness = Latencies::new();
            lateness.record(Duration::from_millis(late));
            Outcome { lateness, burns, pulse: None }
        };
        let text = hogs(&outcome(1, 0.0), &outcome(500, 100.0), &outcome(2, 99.0), 5.0);
        let line = |name| text.lines().find(|line| line.contains(name)).unwrap().to_owned();
        let words = |name| line(name).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words("late p50"), "late p50 1.00 ms 500 ms 2.00 ms 250 x");
        assert_eq!(words("burns"), "burns done - 20.0 /s 19.8 /s 0.99 x");
    }

    #[test]
    fn figures_keep_about_three_digits() {
        assert_eq!([0.345, 12.34, 345.6].map(ms), ["0.34 ms", "12.3 ms", "346 ms"]);
        assert_eq!([None, Some(1.0), Some(123.4)].map(ratio), ["-", "1.00 x", "123 x"]);
    }
}
