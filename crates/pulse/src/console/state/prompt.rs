//! What is being typed, and what for.

use tokio_pulse_proto::v1;

/// No value or filter is longer.
const LONGEST: usize = 200;

/// One line of input.
#[derive(Debug)]
pub(crate) struct Prompt {
    pub(crate) purpose: Purpose,
    pub(crate) text: String,
    pub(crate) stage: Stage,
    /// Why it would not do.
    pub(crate) error: Option<String>,
}

/// What is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    SuspectFilter,
    ConfigFilter,
    Tier(Whom),
    Priority(Whom),
    Value { key: String },
}

/// How far a value is on its way. The others are done at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Typing,
    /// The service was asked whether it would do.
    Checking,
    /// It would do, in this revision of the configuration.
    Checked {
        revision: u64,
    },
    /// The service was asked to do it.
    Applying,
}

/// Whose tier or priority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    Task { id: u64, name: String },
    Site(String),
}

impl Whom {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Task { id, name } if name.is_empty() => format!("task {id}"),
            Self::Task { id, name } => format!("{name} (task {id})"),
            Self::Site(site) => format!("tasks from {site}"),
        }
    }
}

impl Prompt {
    pub(super) fn new(purpose: Purpose, text: String) -> Self {
        Self { purpose, text, stage: Stage::Typing, error: None }
    }

    pub(super) fn type_in(&mut self, c: char) {
        if self.text.chars().count() < LONGEST && !c.is_control() {
            self.text.push(c);
            self.touched();
        }
    }

    pub(super) fn erase(&mut self) {
        self.text.pop();
        self.touched();
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.touched();
    }

    /// What was found out was found out about another text.
    fn touched(&mut self) {
        self.stage = Stage::Typing;
        self.error = None;
    }
}

/// A tier as it is typed.
pub(super) fn tier(text: &str) -> Result<u32, String> {
    match text.trim().parse() {
        Ok(tier @ 0..=3) => Ok(tier),
        _ => Err("give a tier from 0 to 3".to_owned()),
    }
}

/// A priority as it is typed: its word, or the beginning of it.
pub(super) fn priority(text: &str) -> Result<v1::Priority, String> {
    let text = text.trim().to_lowercase();
    let words = [
        ("critical", v1::Priority::Critical),
        ("high", v1::Priority::High),
        ("normal", v1::Priority::Normal),
        ("low", v1::Priority::Low),
    ];
    let meant = words.into_iter().find(|(word, _)| !text.is_empty() && word.starts_with(&text));
    meant
        .map(|(_, priority)| priority)
        .ok_or_else(|| "give critical, high, normal or low".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_and_priorities_as_they_are_typed() {
        assert_eq!(tier(" 3"), Ok(3));
        for wrong in ["", "4", "-1", "one"] {
            assert!(tier(wrong).is_err(), "{wrong}");
        }
        assert_eq!(priority("H"), Ok(v1::Priority::High));
        assert_eq!(priority("critical"), Ok(v1::Priority::Critical));
        for wrong in ["", "x", "highest"] {
            assert!(priority(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_touched_value_has_to_be_checked_again() {
        let mut prompt = Prompt::new(Purpose::Value { key: "slice".into() }, "5ms".into());
        prompt.stage = Stage::Checked { revision: 1 };
        prompt.erase();
        assert_eq!((prompt.stage, prompt.text.as_str()), (Stage::Typing, "5m"));
        prompt.type_in('\u{1b}');
        (0..1_000).for_each(|_| prompt.type_in('ü'));
        assert_eq!(prompt.text.chars().count(), LONGEST);
    }
}
