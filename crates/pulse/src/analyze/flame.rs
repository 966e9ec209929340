//! The flame graph: the width is time, each row is called by the one below.

use svg::{
    Document, Node as _,
    node::element::{Group, Rectangle, Text, Title},
};

use super::line::Origin;
use super::text::duration;
use super::tree::Node;

const WIDTH: f64 = 1_200.0;
const ROW: f64 = 18.0;
const TOP: f64 = 44.0;
const MARGIN: f64 = 10.0;
/// Narrower than this nobody sees it.
const NARROWEST: f64 = 0.3;
/// Of a character of the text, about.
const CHARACTER: f64 = 6.6;

/// The drawing, as text.
pub(super) fn draw(root: &Node) -> String {
    let rows = depth(root, WIDTH) as f64;
    let height = TOP + rows * ROW + MARGIN;
    let mut document = Document::new()
        .set("viewBox", (0.0, 0.0, WIDTH + 2.0 * MARGIN, height))
        .set("font-family", "monospace")
        .set("font-size", 11);
    document
        .append(Rectangle::new().set("width", "100%").set("height", "100%").set("fill", "#fff"));
    let heading = format!("Stalled polls: {} in all. Width is time.", duration(root.time_us));
    document.append(Text::new(heading).set("x", MARGIN).set("y", 26).set("font-size", 14));
    if root.time_us > 0 {
        bar(root, MARGIN, WIDTH, height - MARGIN - ROW, root.time_us, &mut document);
    }
    document.to_string()
}

fn width_of(child: &Node, parent: &Node, width: f64) -> f64 {
    width * child.time_us as f64 / parent.time_us.max(1) as f64
}

fn depth(node: &Node, width: f64) -> usize {
    let children = node.children.iter().map(|child| (child, width_of(child, node, width)));
    let wide = children.filter(|(_, width)| *width >= NARROWEST);
    1 + wide.map(|(child, width)| depth(child, width)).max().unwrap_or(0)
}

fn bar(node: &Node, x: f64, width: f64, y: f64, total_us: u64, document: &mut Document) {
    let part = 100.0 * node.time_us as f64 / total_us as f64;
    let tip = format!("{}: {} ({part:.1} %)", node.name, duration(node.time_us));
    let mut group = Group::new().add(Title::new(tip)).add(
        Rectangle::new()
            .set("x", x)
            .set("y", y)
            .set("width", width)
            .set("height", ROW - 1.0)
            .set("rx", 2)
            .set("fill", colour(node.origin)),
    );
    let room = (width / CHARACTER) as usize;
    if room > 4 {
        let name = cut(&node.name, room - 1);
        group.append(Text::new(name).set("x", x + 3.0).set("y", y + ROW - 6.0));
    }
    document.append(group);
    let mut x = x;
    for child in &node.children {
        let width = width_of(child, node, width);
        if width >= NARROWEST {
            bar(child, x, width, y - ROW, total_us, document);
        }
        x += width;
    }
}

/// The end of a path is what tells most.
fn cut(name: &str, room: usize) -> String {
    let length = name.chars().count();
    if length <= room {
        return name.to_owned();
    }
    let tail: String = name.chars().skip(length - room.saturating_sub(2)).collect();
    format!("..{tail}")
}

fn colour(origin: Origin) -> &'static str {
    match origin {
        Origin::User => "#f08c4a",
        Origin::Dependency => "#f2c14e",
        Origin::Tokio => "#9fc5e8",
        Origin::Pulse => "#8fd0c5",
        Origin::Std => "#d5d8dc",
        Origin::System | Origin::Unknown => "#e8eaed",
    }
}
