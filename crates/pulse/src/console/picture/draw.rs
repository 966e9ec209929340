//! The drawing: a window, and in it one screen after the other.

use std::fmt::Write as _;

use svg::Document;
use svg::Node as _;
use svg::node::element::{Circle, Group, Rectangle, Style, Text};

use super::ansi::{Look, Run};

/// Of one character.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 17.0;
/// From the top of a line to where its letters stand.
const BASELINE: f64 = 13.0;
const MARGIN: f64 = 14.0;
/// The window's own line.
const BAR: f64 = 30.0;
/// How long each screen is there.
const SECONDS: usize = 5;

const PAPER: &str = "#16191f";
const INK: &str = "#d8dee6";
/// As terminals have them, a little softer.
const COLOURS: [&str; 16] = [
    "#3b4048", "#e5737a", "#8cc474", "#e0b25f", "#6aa9e9", "#c07ed8", "#55b6c2", "#b5bcc6",
    "#7d8590", "#f08a90", "#a3d68c", "#f0c97c", "#88c0f5", "#d29ce6", "#74cdd8", "#ffffff",
];

/// Draws an SVG document.
pub(super) fn draw(screens: &[Vec<Vec<Run>>], title: &str) -> String {
    let columns = screens.iter().flatten().filter_map(|line| line.last());
    let columns =
        columns.map(|run| run.column + run.text.chars().count()).max().unwrap_or(0).max(80);
    let rows = screens.iter().map(Vec::len).max().unwrap_or(0);
    let width = columns as f64 * WIDTH + 2.0 * MARGIN;
    let height = rows as f64 * HEIGHT + BAR + 2.0 * MARGIN;
    let font = "ui-monospace, 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, Consolas, monospace";
    let mut document = Document::new()
        .set("viewBox", (0, 0, width.ceil(), height.ceil()))
        .set("role", "img")
        .set("font-family", font)
        .set("font-size", 14);
    document.append(Style::new(turns(screens.len())));
    let paper = Rectangle::new().set("width", "100%").set("height", "100%").set("rx", 8);
    document.append(paper.set("fill", PAPER));
    for (number, colour) in (0_u8..).zip([COLOURS[1], COLOURS[3], COLOURS[2]]) {
        let x = MARGIN + 6.0 + 18.0 * f64::from(number);
        document.append(
            Circle::new().set("cx", x).set("cy", BAR / 2.0).set("r", 5).set("fill", colour),
        );
    }
    let heading = Text::new(title).set("x", width / 2.0).set("y", BAR / 2.0 + 5.0);
    document.append(heading.set("text-anchor", "middle").set("fill", COLOURS[8]));
    for (number, screen) in screens.iter().enumerate() {
        let mut group = Group::new().set("class", format!("s{number}"));
        for (row, line) in screen.iter().enumerate() {
            let y = BAR + MARGIN + row as f64 * HEIGHT;
            line.iter().for_each(|run| draw_run(run, y, &mut group));
        }
        document.append(group);
    }
    format!("{document}\n")
}

/// Without animations, or for who does not want any, the first screen is there and no other.
fn turns(screens: usize) -> String {
    let mut style = String::from("g{opacity:0}.s0{opacity:1}");
    if screens < 2 {
        return style;
    }
    let share = 100.0 / screens as f64;
    let all = screens * SECONDS;
    // Writing to a String does not fail.
    let _ = write!(
        style,
        "@keyframes t{{0%,{share:.3}%{{opacity:1}}{:.3}%,100%{{opacity:0}}}}\
         @media (prefers-reduced-motion:no-preference){{g{{animation:t {all}s step-end infinite}}",
        share + 0.001
    );
    for number in 0..screens {
        // A delay of less than nothing: each has been there before.
        let before = (screens - number) % screens * SECONDS;
        let _ = write!(style, ".s{number}{{animation-delay:-{before}s}}");
    }
    style.push('}');
    style
}

fn draw_run(run: &Run, y: f64, group: &mut Group) {
    let ink = colour(run.look);
    let x = |column: usize| MARGIN + (run.column + column) as f64 * WIDTH;
    if run.look.reversed {
        let width = run.text.chars().count() as f64 * WIDTH;
        group.append(rectangle(x(0), y, width, HEIGHT, ink));
    }
    let ink = if run.look.reversed { PAPER } else { ink };
    let chars: Vec<char> = run.text.chars().collect();
    let mut column = 0;
    while column < chars.len() {
        let from = column;
        let kind = kind(chars[from]);
        let same = |c: &char| match kind {
            Kind::Letter => !matches!(self::kind(*c), Kind::Block(_) | Kind::Rule),
            _ => *c == chars[from],
        };
        column += chars[from..].iter().take_while(|c| same(c)).count();
        let width = (column - from) as f64 * WIDTH;
        match kind {
            Kind::Block(eighths) => {
                let height = HEIGHT * f64::from(eighths) / 8.0;
                group.append(rectangle(x(from), y + HEIGHT - height, width, height, ink));
            }
            Kind::Rule => group.append(rectangle(x(from), y + HEIGHT / 2.0, width, 1.0, ink)),
            Kind::Letter | Kind::Space => {
                words(&chars[from..column], |at, word| {
                    group.append(text(word, x(from + at), y + BASELINE, ink, run.look.bold));
                });
            }
        }
    }
}

/// What stands between two spaces or more has a place of its own: not each font is as wide as ours.
fn words(chars: &[char], mut each: impl FnMut(usize, &str)) {
    let line: String = chars.iter().collect();
    let mut at = 0;
    for part in line.split("  ") {
        let skipped = part.chars().take_while(|c| *c == ' ').count();
        let word = part.trim();
        if !word.is_empty() {
            each(at + skipped, word);
        }
        at += part.chars().count() + 2;
    }
}

enum Kind {
    Letter,
    Space,
    /// Of a sparkline.
    Block(u8),
    Rule,
}

fn kind(c: char) -> Kind {
    match c {
        ' ' => Kind::Space,
        '─' => Kind::Rule,
        '▁'..='█' => Kind::Block(u8::try_from(c as u32 - '▁' as u32 + 1).unwrap_or(8)),
        _ => Kind::Letter,
    }
}

fn colour(look: Look) -> &'static str {
    look.colour.map_or(INK, |number| COLOURS[usize::from(number) % COLOURS.len()])
}

fn rectangle(x: f64, y: f64, width: f64, height: f64, fill: &str) -> Rectangle {
    Rectangle::new()
        .set("x", round(x))
        .set("y", round(y))
        .set("width", round(width))
        .set("height", round(height))
        .set("fill", fill)
}

fn text(word: &str, x: f64, y: f64, fill: &str, bold: bool) -> Text {
    let text = Text::new(word)
        .set("x", round(x))
        .set("y", round(y))
        .set("textLength", round(word.chars().count() as f64 * WIDTH))
        .set("fill", fill);
    if bold { text.set("font-weight", "bold") } else { text }
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::super::ansi::parse;
    use super::*;

    #[test]
    fn the_same_screens_make_the_same_picture() {
        let screens = [parse("top  \u{1b}[31mSTUCK\u{1b}[0m Map<u8>\n▁█──"), parse("other")];
        let picture = draw(&screens, "pulse top");
        assert_eq!(picture, draw(&screens, "pulse top"));
        for part in ["STUCK", "Map&lt;u8&gt;", "class=\"s1\"", COLOURS[1], "-5s"] {
            assert!(picture.contains(part), "{part} in {picture}");
        }
        assert!(!draw(&screens[..1], "").contains("@keyframes"));
    }

    #[test]
    fn words_keep_their_columns() {
        let mut found = Vec::new();
        let line: Vec<char> = " a b   c    d".chars().collect();
        words(&line, |at, word| found.push((at, word.to_owned())));
        let expected = [(1, "a b"), (7, "c"), (12, "d")].map(|(at, word)| (at, word.to_owned()));
        assert_eq!(found, expected);
    }
}
