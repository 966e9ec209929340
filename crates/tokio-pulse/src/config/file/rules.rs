//! The rules of a file: `[[rule]]`.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::{Source, in_order, show};
use crate::config::{ConfigError, Rule, RuleBuilder, duration, nearest};
use crate::tier::Tier;

const KEYS: [&str; 7] = ["site", "name", "label", "priority", "tier", "budget", "exempt"];

pub(super) fn read(
    source: &Source<'_>,
    value: &DeValue<'_>,
    span: Range<usize>,
) -> Result<Vec<Rule>, ConfigError> {
    let tables = "tables, each as [[rule]]";
    let DeValue::Array(array) = value else {
        return Err(ConfigError::value("rule", show(value), tables).at(source.at(span)));
    };
    let rule = |entry: &toml::Spanned<DeValue<'_>>| match entry.get_ref() {
        DeValue::Table(table) => read_one(source, table, entry.span()),
        other => Err(ConfigError::value("rule", show(other), tables).at(source.at(entry.span()))),
    };
    array.iter().map(rule).collect()
}

fn read_one(
    source: &Source<'_>,
    table: &DeTable<'_>,
    span: Range<usize>,
) -> Result<Rule, ConfigError> {
    let mut rule = Rule::builder();
    for (word, value) in in_order(table) {
        let key = word.get_ref().as_ref();
        let Some(key) = KEYS.into_iter().find(|known| *known == key) else {
            let nearest = nearest::nearest(key, KEYS).map(|key| format!("rule.{key}"));
            let name = format!("rule.{key}");
            let error = ConfigError::unknown_key(name, nearest.as_deref());
            return Err(error.at(source.at(word.span())));
        };
        rule = add(rule, key, value.get_ref()).map_err(|expected| {
            let found = show(value.get_ref());
            let error = ConfigError::value(format!("rule.{key}"), found, expected);
            error.at(source.at(value.span()))
        })?;
    }
    rule.build().map_err(|error| {
        // At the value that was refused, or else at the rule.
        let key = error.key().and_then(|key| key.strip_prefix("rule."));
        let value = key.and_then(|key| table.get(key));
        error.at(source.at(value.map_or(span, |value| value.span())))
    })
}

/// Adds one key; the error is what would have done.
fn add(rule: RuleBuilder, key: &str, value: &DeValue<'_>) -> Result<RuleBuilder, &'static str> {
    const PATTERN: &str = "a pattern in quotes, as in \"src/heavy.rs:*\"";
    const PRIORITY: &str = "one of critical, high, normal, low";
    const TIER: &str = "0, 1, 2 or 3";
    const BUDGET: &str = "a duration from 1ms to 60s with its unit, as in \"10ms\"";
    let text = |expected| value.as_str().ok_or(expected);
    Ok(match key {
        "site" => rule.site(text(PATTERN)?),
        "name" => rule.name(text(PATTERN)?),
        "label" => labels(rule, value)?,
        "priority" => rule.priority(text(PRIORITY)?.parse().map_err(|_| PRIORITY)?),
        "tier" => match value {
            DeValue::Integer(number) => {
                rule.tier(number.as_str().parse::<Tier>().map_err(|_| TIER)?)
            }
            _ => return Err(TIER),
        },
        "budget" => rule.budget(duration::parse(text(BUDGET)?).ok_or(BUDGET)?),
        _ => match value {
            DeValue::Boolean(true) => rule.exempt(),
            DeValue::Boolean(false) => rule,
            _ => return Err("true or false"),
        },
    })
}

/// One label, or an array of them.
fn labels(rule: RuleBuilder, value: &DeValue<'_>) -> Result<RuleBuilder, &'static str> {
    const LABEL: &str = "\"key=value\", or an array of such";
    let one = |rule: RuleBuilder, value: &DeValue<'_>| {
        let (key, value) = value.as_str().and_then(|text| text.split_once('=')).ok_or(LABEL)?;
        Ok(rule.label(key, value))
    };
    match value {
        DeValue::Array(array) => {
            array.iter().try_fold(rule, |rule, value| one(rule, value.get_ref()))
        }
        value => one(rule, value),
    }
}
