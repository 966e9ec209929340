//! A value of some key, and the kinds of values there are.

use std::str::FromStr;
use std::time::Duration;

use super::{ConfigProfile, Demotion, duration};
use crate::lane::SchedulingAlgorithm;
use crate::tier::{InterventionAction, Tier};

/// What a key can hold. Its range is the key's business.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Duration(Duration),
    Count(u64),
    Factor(f64),
    Word(String),
    /// No value, for keys that have a word for that.
    Unset,
}

/// Which values a key takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Duration(Duration, Duration),
    Count(u64, u64),
    Factor(f64, f64),
    Choice(&'static [&'static str]),
    /// A name for people; the policy it belongs to has the rule.
    Name,
}

impl Kind {
    pub(super) fn parse(&self, text: &str) -> Option<Value> {
        match self {
            Self::Duration(..) => duration::parse(text).map(Value::Duration),
            Self::Count(..) => text.parse().ok().map(Value::Count),
            Self::Factor(..) => text.parse().ok().map(Value::Factor),
            Self::Choice(_) | Self::Name => Some(Value::Word(text.to_owned())),
        }
    }

    pub(super) fn contains(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Duration(min, max), Value::Duration(found)) => (min..=max).contains(&found),
            (Self::Count(min, max), Value::Count(found)) => (min..=max).contains(&found),
            // Not a number is in no range.
            (Self::Factor(min, max), Value::Factor(found)) => (min..=max).contains(&found),
            (Self::Choice(words), Value::Word(found)) => words.contains(&found.as_str()),
            (Self::Name, Value::Word(_)) => true,
            _ => false,
        }
    }

    /// The end of the sentence "give ...".
    pub(super) fn expected(&self) -> String {
        let range = self.range();
        match self {
            Self::Duration(..) => {
                format!("a duration from {range} with its unit, as in \"10ms\"")
            }
            Self::Count(..) => format!("a whole number from {range}"),
            Self::Factor(..) => format!("a number from {range}"),
            Self::Choice(_) => format!("one of {range}"),
            Self::Name => format!("a name of {range}"),
        }
    }

    /// The range alone, as in the documentation.
    pub(super) fn range(&self) -> String {
        match self {
            Self::Duration(min, max) => {
                format!("{} to {}", duration::text(*min), duration::text(*max))
            }
            Self::Count(min, max) => format!("{min} to {max}"),
            Self::Factor(min, max) => format!("{min} to {max}"),
            Self::Choice(words) => words.join(", "),
            Self::Name => "1 to 32 printable bytes".into(),
        }
    }
}

/// The way back from a value to what is stored.
pub(super) trait FromValue: Sized {
    fn from_value(value: &Value) -> Option<Self>;
}

impl From<Duration> for Value {
    fn from(duration: Duration) -> Self {
        Self::Duration(duration)
    }
}

impl FromValue for Duration {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Duration(duration) => Some(*duration),
            _ => None,
        }
    }
}

impl From<f64> for Value {
    fn from(factor: f64) -> Self {
        Self::Factor(factor)
    }
}

impl FromValue for f64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Factor(factor) => Some(*factor),
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(word: &str) -> Self {
        Self::Word(word.to_owned())
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        word(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unset, T::into)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Unset => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl From<Tier> for Value {
    fn from(tier: Tier) -> Self {
        Self::Count(tier as u64)
    }
}

impl FromValue for Tier {
    fn from_value(value: &Value) -> Option<Self> {
        usize::from_value(value).and_then(|index| Tier::ALL.get(index).copied())
    }
}

macro_rules! counts {
    ($($number:ty),*) => {$(
        impl From<$number> for Value {
            fn from(count: $number) -> Self {
                Self::Count(u64::try_from(count).unwrap_or(u64::MAX))
            }
        }

        impl FromValue for $number {
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::Count(count) => (*count).try_into().ok(),
                    _ => None,
                }
            }
        }
    )*};
}

macro_rules! words {
    ($($choice:ty),*) => {$(
        impl From<$choice> for Value {
            fn from(choice: $choice) -> Self {
                Self::from(choice.as_str())
            }
        }

        impl FromValue for $choice {
            fn from_value(value: &Value) -> Option<Self> {
                word(value)
            }
        }
    )*};
}

counts!(u8, u32, usize);
words!(ConfigProfile, Demotion, InterventionAction, SchedulingAlgorithm);

fn word<T: FromStr>(value: &Value) -> Option<T> {
    match value {
        Value::Word(word) => word.parse().ok(),
        _ => None,
    }
}
