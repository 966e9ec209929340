//! Stacks laid upon each other, from the outermost frame inwards.

use super::groups::Group;
use super::input::Stall;
use super::line::{Frame, Origin, Report};

/// A function, the time in it, and what it called.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) origin: Origin,
    pub(super) time_us: u64,
    pub(super) children: Vec<Node>,
}

impl Node {
    fn new(name: String, origin: Origin) -> Self {
        Self { name, origin, time_us: 0, children: Vec::new() }
    }

    fn add<'a>(&mut self, frames: impl Iterator<Item = &'a Frame>, time_us: u64) {
        let mut node = self;
        node.time_us = node.time_us.saturating_add(time_us);
        for frame in frames {
            let name = frame.name();
            let known = node.children.iter().position(|child| child.name == name);
            let index = known.unwrap_or_else(|| {
                node.children.push(Node::new(name, frame.origin));
                node.children.len() - 1
            });
            node = &mut node.children[index];
            node.time_us = node.time_us.saturating_add(time_us);
        }
    }

    fn sort(&mut self) {
        self.children.sort_by_key(|child| std::cmp::Reverse(child.time_us));
        self.children.iter_mut().for_each(Node::sort);
    }
}

/// All stalls with all their frames.
pub(super) fn of_all_frames(stalls: &[Stall]) -> Node {
    build(stalls.iter(), |sample, root, time| root.add(sample.stack.iter().rev(), time))
}

/// A group with the frames that are its user's, or of crates that its user chose.
pub(super) fn of_own_frames(group: &Group<'_>) -> Node {
    build(group.stalls.iter().copied(), |sample, root, time| {
        root.add(sample.stack.iter().rev().filter(|frame| frame.is_own()), time);
    })
}

fn build<'a>(
    stalls: impl Iterator<Item = &'a Stall>,
    add: impl Fn(&Report, &mut Node, u64),
) -> Node {
    let mut root = Node::new("all stalls".to_owned(), Origin::Unknown);
    for stall in stalls {
        for sample in &stall.samples {
            add(sample, &mut root, stall.share_us());
        }
    }
    root.sort();
    root
}
