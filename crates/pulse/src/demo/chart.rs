//! The chart: percentiles as a number of nines on x, time on a logarithmic y, a line per run.

use svg::{
    Document, Node as _,
    node::element::{Circle, Group, Line as Stroke, Polyline, Rectangle, Text},
};

use super::table;
use crate::latencies::Latencies;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 470.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 64.0;
/// Points per line: smooth at this width.
const POINTS: u32 = 400;
/// Where lines begin: the very quickest of all samples would only stretch the axis.
const FIRST: f64 = 0.02;
/// The percentile at which each line has its figure, as a number of nines.
const MARK: f64 = 2.0;
/// The least distance of two labels.
const LABEL_GAP: f64 = 17.0;

const INK: &str = "#1f2933";
const FAINT: &str = "#52606d";
const GRID: &str = "#e4e7eb";

/// One line of the chart.
pub(super) struct Line<'a> {
    name: &'static str,
    colour: &'static str,
    dashes: &'static str,
    latencies: &'a Latencies,
}

impl<'a> Line<'a> {
    pub(super) fn stock(latencies: &'a Latencies) -> Self {
        Self { name: "stock Tokio", colour: "#c2410c", dashes: "none", latencies }
    }

    pub(super) fn pulse(latencies: &'a Latencies) -> Self {
        Self { name: "Tokio-Pulse", colour: "#0f766e", dashes: "none", latencies }
    }

    pub(super) fn calm(latencies: &'a Latencies) -> Self {
        Self { name: "no hogs", colour: FAINT, dashes: "5 4", latencies }
    }

    /// Up to where the line goes: a percentile finer than the number of samples says nothing.
    fn nines(&self) -> f64 {
        (self.latencies.summary().count.max(1) as f64).log10().min(5.0)
    }

    fn ms_at(&self, nines: f64) -> f64 {
        let percentile = 100.0 * (1.0 - 10f64.powf(-nines));
        self.latencies.percentile(percentile).as_secs_f64() * 1e3
    }
}

/// Draws an SVG document.
pub(super) fn draw(title: &str, subtitle: &str, quantity: &str, lines: &[Line<'_>]) -> String {
    let axes = Axes::around(lines);
    let mut document = Document::new()
        .set("viewBox", (0, 0, WIDTH, HEIGHT))
        .set("width", WIDTH)
        .set("height", HEIGHT)
        .set("role", "img")
        .set("font-family", "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, sans-serif")
        .set("font-size", 12);
    // A background of its own: it is looked at on light and on dark pages.
    document.append(
        Rectangle::new()
            .set("width", WIDTH)
            .set("height", HEIGHT)
            .set("rx", 10)
            .set("fill", "#ffffff"),
    );
    let heading = text(title, LEFT, 34.0, INK, "start");
    document.append(heading.set("font-size", 18).set("font-weight", 600));
    document.append(text(subtitle, LEFT, 56.0, FAINT, "start"));
    document.append(axes.grid(quantity));
    for line in lines {
        document.append(axes.polyline(line));
    }
    document.append(axes.marks(lines));
    document.append(axes.legend(lines));
    format!("{document}\n")
}

/// Where a percentile and a time lie.
struct Axes {
    nines: f64,
    /// Powers of ten, in milliseconds.
    low: i32,
    high: i32,
}

impl Axes {
    fn around(lines: &[Line<'_>]) -> Self {
        let nines = lines.iter().map(Line::nines).fold(MARK, f64::max);
        let decade = |ms: f64| ms.log10().clamp(-3.0, 6.0);
        let least = lines.iter().map(|line| decade(line.ms_at(FIRST))).fold(6.0, f64::min);
        let most = lines.iter().map(|line| decade(line.ms_at(nines))).fold(-3.0, f64::max);
        let (low, high) = (least.floor() as i32, most.ceil() as i32);
        Self { nines, low, high: high.max(low + 1) }
    }

    fn x(&self, nines: f64) -> f64 {
        LEFT + nines / self.nines * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, ms: f64) -> f64 {
        let share = (ms.max(1e-9).log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        HEIGHT - BOTTOM - share.clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }

    fn grid(&self, quantity: &str) -> Group {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        let mut group = Group::new();
        for power in self.low..=self.high {
            let y = self.y(10f64.powi(power));
            group.append(stroke((LEFT, y), (right, y), GRID));
            group.append(text(&power_of_ten(power), LEFT - 10.0, y + 4.0, FAINT, "end"));
        }
        for (nines, name) in ticks(self.nines) {
            let x = self.x(nines);
            group.append(stroke((x, TOP), (x, bottom), GRID));
            group.append(text(name, x, bottom + 20.0, FAINT, "middle"));
        }
        group.append(stroke((LEFT, bottom), (right, bottom), FAINT));
        let middle = LEFT + (right - LEFT) / 2.0;
        group.append(text(
            "percentile (each step is one more nine)",
            middle,
            bottom + 44.0,
            INK,
            "middle",
        ));
        let (x, y) = (20.0, TOP + (bottom - TOP) / 2.0);
        group.append(
            text(&format!("{quantity} (logarithmic)"), x, y, INK, "middle")
                .set("transform", format!("rotate(-90 {x} {y})")),
        );
        group
    }

    fn polyline(&self, line: &Line<'_>) -> Polyline {
        let length = line.nines().max(FIRST) - FIRST;
        let points: Vec<String> = (0..=POINTS)
            .map(|step| FIRST + f64::from(step) / f64::from(POINTS) * length)
            .map(|nines| format!("{:.1},{:.1}", self.x(nines), self.y(line.ms_at(nines))))
            .collect();
        Polyline::new()
            .set("points", points.join(" "))
            .set("fill", "none")
            .set("stroke", line.colour)
            .set("stroke-width", 2.5)
            .set("stroke-dasharray", line.dashes)
            .set("stroke-linejoin", "round")
    }

    /// The figure of each line at p99.
    fn marks(&self, lines: &[Line<'_>]) -> Group {
        let mut group = Group::new();
        let x = self.x(MARK);
        let times: Vec<f64> = lines.iter().map(|line| line.ms_at(MARK)).collect();
        // Labels sit a little above their points.
        let places = spread(times.iter().map(|ms| self.y(*ms) - 9.0).collect());
        for ((line, ms), label_y) in lines.iter().zip(times).zip(places) {
            group.append(
                Circle::new()
                    .set("cx", x)
                    .set("cy", self.y(ms))
                    .set("r", 4)
                    .set("fill", line.colour)
                    .set("stroke", "#ffffff")
                    .set("stroke-width", 1.5),
            );
            let label = format!("p99 {}", table::ms(ms));
            group.append(
                text(&label, x - 8.0, label_y, line.colour, "end")
                    .set("font-weight", 600)
                    // A white seam keeps it legible across lines.
                    .set("paint-order", "stroke")
                    .set("stroke", "#ffffff")
                    .set("stroke-width", 4),
            );
        }
        group
    }

    /// Names at the ends of the lines.
    fn legend(&self, lines: &[Line<'_>]) -> Group {
        let mut group = Group::new();
        let x = WIDTH - RIGHT + 10.0;
        let places =
            spread(lines.iter().map(|line| self.y(line.ms_at(self.nines)) + 4.0).collect());
        for (line, y) in lines.iter().zip(places) {
            group.append(
                stroke((x, y - 4.0), (x + 20.0, y - 4.0), line.colour)
                    .set("stroke-width", 3)
                    .set("stroke-dasharray", line.dashes),
            );
            let name = text(line.name, x + 26.0, y, line.colour, "start");
            group.append(name.set("font-size", 13).set("font-weight", 600));
        }
        group
    }
}

/// Moves labels down until none covers another; their order stays.
fn spread(places: Vec<f64>) -> Vec<f64> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|a, b| places[*a].total_cmp(&places[*b]));
    let mut places = places;
    for pair in order.windows(2) {
        places[pair[1]] = places[pair[1]].max(places[pair[0]] + LABEL_GAP);
    }
    places
}

fn ticks(nines: f64) -> impl Iterator<Item = (f64, &'static str)> {
    let names = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %"];
    (0u32..).map(f64::from).zip(names).filter(move |(at, _)| *at <= nines)
}

fn power_of_ten(power: i32) -> String {
    match power {
        0.. if power < 3 => format!("{} ms", 10i64.pow(power.unsigned_abs())),
        3.. => format!("{} s", 10i64.pow((power - 3).unsigned_abs().min(18))),
        // Not `powi`, whose last digit differs from system to system.
        _ => format!("{} ms", 1.0 / 10i64.pow(power.unsigned_abs().min(18)) as f64),
    }
}

fn stroke(from: (f64, f64), to: (f64, f64), colour: &str) -> Stroke {
    Stroke::new()
        .set("x1", from.0)
        .set("y1", from.1)
        .set("x2", to.0)
        .set("y2", to.1)
        .set("stroke", colour)
}

fn text(content: &str, x: f64, y: f64, colour: &str, anchor: &str) -> Text {
    Text::new(content).set("x", x).set("y", y).set("fill", colour).set("text-anchor", anchor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn samples(scale: u64) -> Latencies {
        let mut all = Latencies::new();
        (1..=2000).for_each(|n| all.record(Duration::from_micros(n * scale)));
        all
    }

    #[test]
    fn the_chart_has_its_title_axes_lines_and_legend() {
        let (slow, quick) = (samples(300), samples(3));
        let chart = draw("A title", "below", "latency", &[Line::stock(&slow), Line::pulse(&quick)]);
        for part in
            ["A title", "below", "percentile", "latency", "stock Tokio", "Tokio-Pulse", "99.9 %"]
        {
            assert!(chart.contains(part), "{part}");
        }
        assert_eq!(chart.matches("<polyline").count(), 2);
        assert!(!chart.contains("NaN"));
    }

    #[test]
    fn a_chart_of_nothing_is_still_a_chart() {
        let nothing = Latencies::new();
        let chart = draw("t", "s", "latency", &[Line::stock(&nothing), Line::calm(&nothing)]);
        assert!(!chart.contains("NaN") && !chart.contains("inf"));
        assert!(!draw("t", "s", "latency", &[]).contains("NaN"));
    }

    #[test]
    fn decades_have_readable_names() {
        let names: Vec<_> = (-2..=5).map(power_of_ten).collect();
        assert_eq!(names, ["0.01 ms", "0.1 ms", "1 ms", "10 ms", "100 ms", "1 s", "10 s", "100 s"]);
    }

    #[test]
    fn labels_that_would_touch_are_moved_apart() {
        assert_eq!(spread(vec![100.0, 40.0, 45.0]), [100.0, 40.0, 57.0]);
    }
}
