//! The keys: one table for what they do, for the line at the bottom, for the help and for the documentation.

use super::View;

/// A key as the terminal tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Char(char),
    Enter,
    Escape,
    Backspace,
    Tab,
    BackTab,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    /// Ctrl-C: raw mode makes a key of it.
    Interrupt,
    /// Ctrl-U.
    Clear,
}

/// What a key does while nothing is being typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Show(View),
    Turn(usize),
    Move(isize),
    Open,
    Back,
    Stack,
    Order,
    LeastTier,
    Filter,
    Tier,
    Priority,
    Reset,
    Refresh,
    Help,
    Quit,
}

/// One line of the help.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    /// The first is the one on the line at the bottom.
    pub(crate) keys: &'static [Key],
    /// As they are written.
    pub(crate) label: &'static str,
    /// On the line at the bottom. Empty: not there.
    pub(crate) short: &'static str,
    pub(crate) help: &'static str,
    /// Empty: everywhere.
    pub(crate) views: &'static [View],
    pub(super) action: Action,
}

/// As many rows as a page has on the smallest terminal.
const PAGE: isize = 10;

const fn bind(
    keys: &'static [Key],
    label: &'static str,
    short: &'static str,
    help: &'static str,
    views: &'static [View],
    action: Action,
) -> Binding {
    Binding { keys, label, short, help, views, action }
}

use Key::{BackTab, Backspace, Char, Down, End, Enter, Escape, Home, PageDown, PageUp, Tab, Up};
use View::{Alerts, Config, Lanes, Overview, Sites, Stalls, Suspects, Workers};

/// All of them, those of a view before those of all.
#[rustfmt::skip]
pub(crate) const BINDINGS: &[Binding] = &[
    bind(&[Enter, Char('s')], "Enter, s", "stack", "What the thread does, now", &[Workers], Action::Stack),
    bind(&[Enter, Char('s')], "Enter, s", "stack", "What the task does, now", &[Suspects], Action::Stack),
    bind(&[Enter], "Enter", "stack", "The stall with its stack", &[Stalls], Action::Open),
    bind(&[Enter], "Enter", "edit", "Edit the key: Enter checks, Enter again applies", &[Config], Action::Open),
    bind(&[Char('o')], "o", "order", "Sort by tier, violations, CPU, last offence, longest", &[Suspects], Action::Order),
    bind(&[Char('m')], "m", "tiers", "Only of a tier and above: all, 1, 2, 3", &[Suspects], Action::LeastTier),
    bind(&[Char('/')], "/", "filter", "Only those that contain a text", &[Suspects, Config], Action::Filter),
    bind(&[Char('t')], "t", "tier", "Set the tier, 0 to 3", &[Suspects, Sites], Action::Tier),
    bind(&[Char('p')], "p", "prio", "Set the priority", &[Suspects, Sites], Action::Priority),
    bind(&[Char('u')], "u", "undo", "Take back what was set by hand", &[Suspects, Sites], Action::Reset),
    bind(&[Char('r')], "r", "refresh", "Ask again", &[Stalls, Sites], Action::Refresh),
    bind(&[Char('1')], "1", "", "Overview", &[], Action::Show(Overview)),
    bind(&[Char('2')], "2", "", "Workers", &[], Action::Show(Workers)),
    bind(&[Char('3')], "3", "", "Suspects, on record", &[], Action::Show(Suspects)),
    bind(&[Char('4')], "4", "", "Stalls", &[], Action::Show(Stalls)),
    bind(&[Char('5')], "5", "", "Spawn sites, with advice", &[], Action::Show(Sites)),
    bind(&[Char('6')], "6", "", "Lanes and gate", &[], Action::Show(Lanes)),
    bind(&[Char('7')], "7", "", "Alerts", &[], Action::Show(Alerts)),
    bind(&[Char('8')], "8", "", "Configuration", &[], Action::Show(Config)),
    bind(&[Tab], "Tab", "", "The next view", &[], Action::Turn(1)),
    bind(&[BackTab], "Shift-Tab", "", "The view before", &[], Action::Turn(View::ALL.len() - 1)),
    bind(&[Down, Char('j')], "Down, j", "", "The next row", &[], Action::Move(1)),
    bind(&[Up, Char('k')], "Up, k", "", "The row before", &[], Action::Move(-1)),
    bind(&[PageDown], "PageDown", "", "A page down", &[], Action::Move(PAGE)),
    bind(&[PageUp], "PageUp", "", "A page up", &[], Action::Move(-PAGE)),
    bind(&[Home, Char('g')], "Home, g", "", "The first row", &[], Action::Move(isize::MIN)),
    bind(&[End, Char('G')], "End, G", "", "The last row", &[], Action::Move(isize::MAX)),
    bind(&[Escape, Backspace], "Esc", "", "Back, or out of a line", &[], Action::Back),
    bind(&[Char('?')], "?", "help", "The keys", &[], Action::Help),
    bind(&[Char('q'), Key::Interrupt], "q, Ctrl-C", "quit", "Leave", &[], Action::Quit),
];

/// What a key does in a view.
pub(super) fn action(key: Key, view: View) -> Option<Action> {
    let here = BINDINGS.iter().filter(|binding| binding.is_in(view));
    here.into_iter().find(|binding| binding.keys.contains(&key)).map(|binding| binding.action)
}

impl Binding {
    pub(crate) fn is_in(&self, view: View) -> bool {
        self.views.is_empty() || self.views.contains(&view)
    }

    /// The views in words.
    #[cfg(test)]
    fn place(&self) -> String {
        self.views.iter().map(|view| view.title()).collect::<Vec<_>>().join(", ")
    }
}

/// The table of the documentation.
#[cfg(test)]
pub(crate) fn as_markdown() -> String {
    let mut text = String::from("| key | in | what it does |\n| --- | --- | --- |\n");
    for binding in BINDINGS {
        let keys: Vec<String> = binding.label.split(", ").map(|key| format!("`{key}`")).collect();
        let keys = keys.join(", ");
        text += &format!("| {keys} | {} | {} |\n", binding.place(), binding.help);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_has_two_meanings_in_a_view() {
        for view in View::ALL {
            let mut seen = Vec::new();
            for binding in BINDINGS.iter().filter(|binding| binding.is_in(view)) {
                for key in binding.keys {
                    assert!(!seen.contains(key), "{key:?} in {view:?}");
                    seen.push(*key);
                }
            }
        }
    }

    #[test]
    fn the_documentation_has_the_same_keys() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/console.md");
        let text = std::fs::read_to_string(path).unwrap().replace("\r\n", "\n");
        let (_, rest) = text.split_once("<!-- keys -->\n\n").unwrap();
        let table = rest.split("\n\n").next().unwrap();
        assert_eq!(table.trim_end(), as_markdown().trim_end(), "put this into docs/console.md");
    }
}
