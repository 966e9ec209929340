//! What must hold for every key, and between the table and its documentation.

use std::collections::HashSet;
use std::time::Duration;

use super::keys::Key;
use super::table::{Draft, FIELDS, Field};
use super::value::{Kind, Value};
use super::*;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");

fn draft() -> Draft {
    Draft { config: TierConfig::default(), runtime: RuntimeSettings::default() }
}

/// The least and the greatest value.
fn bounds(kind: Kind) -> [Value; 2] {
    match kind {
        Kind::Duration(min, max) => [min.into(), max.into()],
        Kind::Count(min, max) => [Value::Count(min), Value::Count(max)],
        Kind::Factor(min, max) => [min.into(), max.into()],
        Kind::Choice(words) => [words[0], words[words.len() - 1]].map(Value::from),
        Kind::Name => ["x", "01234567890123456789012345678901"].map(Value::from),
    }
}

/// Texts that no key of that kind takes.
fn nonsense(kind: Kind) -> Vec<String> {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let mut bad = match kind {
        Kind::Duration(min, max) => {
            let mut bad = texts(&["10", "soon", "-1ms", "10 ms", "NaN"]);
            bad.push(duration::text(max + Duration::from_nanos(1)));
            bad.extend(min.checked_sub(Duration::from_nanos(1)).map(duration::text));
            bad
        }
        Kind::Count(min, max) => {
            let mut bad = texts(&["-1", "1.5", "many", "0x10", "99999999999999999999"]);
            bad.push((max + 1).to_string());
            bad.extend(min.checked_sub(1).map(|below| below.to_string()));
            bad
        }
        Kind::Factor(..) => texts(&["0", "-1", "NaN", "inf", "1000.1", "0.009", "much"]),
        Kind::Choice(words) => vec!["nonsense".to_owned(), words[0].to_uppercase()],
        Kind::Name => vec!["a\nb".to_owned(), "x".repeat(33)],
    };
    bad.push(String::new());
    bad
}

#[test]
fn names_and_variables_are_unique_and_no_key_is_a_section() {
    let names: HashSet<_> = keys::all().iter().map(|key| &key.name).collect();
    let variables: HashSet<_> = keys::all().iter().map(|key| &key.variable).collect();
    assert_eq!((names.len(), variables.len()), (keys::all().len(), keys::all().len()));
    for (position, key) in keys::all().iter().enumerate() {
        assert_eq!(key.position, position);
        assert!(!keys::all().iter().any(|other| keys::section(&other.name) == key.name));
    }
    assert_eq!(keys::find("tier.1.action").unwrap().variable, "TOKIO_PULSE_TIER_1_ACTION");
    assert_eq!(keys::find("suspects.limit").unwrap().variable, "TOKIO_PULSE_SUSPECTS_LIMIT");
}

#[test]
fn what_is_set_is_what_is_got_at_both_bounds() {
    for key in keys::all() {
        let mut values = bounds(key.field.kind).to_vec();
        values.extend(key.field.unset.map(|_| Value::Unset));
        for value in values {
            let mut draft = draft();
            key.set(&mut draft, &value).unwrap();
            assert_eq!(key.get(&draft), value, "{}", key.name);
            assert_eq!(key.parse(&key.text(&value)).unwrap(), value, "{}", key.name);
        }
    }
}

#[test]
fn each_key_changes_nothing_but_itself() {
    let default = draft();
    for key in keys::all() {
        for value in bounds(key.field.kind) {
            let mut changed = default.clone();
            key.set(&mut changed, &value).unwrap();
            let others = keys::all().iter().filter(|other| other.name != key.name);
            for other in others {
                assert_eq!(other.get(&changed), other.get(&default), "{} {}", key.name, other.name);
            }
        }
    }
}

#[test]
fn every_word_of_every_choice_is_understood() {
    for key in keys::all() {
        if let Kind::Choice(words) = key.field.kind {
            for word in words {
                key.set(&mut draft(), &Value::from(*word)).unwrap();
            }
        }
    }
}

fn assert_refused(key: &Key, text: &str, error: ConfigError, origin: &Origin) {
    let message = error.to_string();
    assert!(error.is_value(), "{} = {text:?}: {message}", key.name);
    assert_eq!(error.key(), Some(key.name.as_str()), "{message}");
    assert_eq!(error.origin(), Some(origin), "{message}");
    assert!(message.contains(&key.expected()), "{message}");
}

#[test]
fn invalid_values_of_every_key_are_refused_in_every_layer_of_text() {
    for key in keys::all() {
        for text in nonsense(key.field.kind) {
            let error = Layers::new().set(&key.name, &text).resolve().unwrap_err();
            assert_refused(key, &text, error, &Origin::Builder);
            let variables = [(key.variable.clone(), text.clone())];
            let error = Layers::new().environment(variables).resolve().unwrap_err();
            assert_refused(key, &text, error, &Origin::variable(&key.variable));
        }
    }
}

#[test]
fn values_of_another_kind_are_refused() {
    let values = [
        Value::Duration(Duration::from_secs(1)),
        Value::Count(20),
        Value::Factor(1.0),
        Value::from("1s"),
        Value::Unset,
    ];
    for key in keys::all() {
        for value in &values {
            let own = match (key.field.kind, value) {
                (Kind::Duration(..), Value::Duration(_)) | (Kind::Count(..), Value::Count(_)) => {
                    true
                }
                (Kind::Factor(..), Value::Factor(_)) | (Kind::Name, Value::Word(_)) => true,
                (_, Value::Unset) => key.field.unset.is_some(),
                _ => false,
            };
            assert!(own || key.set(&mut draft(), value).is_err(), "{} {value:?}", key.name);
        }
    }
}

fn columns(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// The default of a field; one for each tier or priority where they differ.
fn defaults(field: &Field) -> String {
    let keys = keys::all().iter().filter(|key| std::ptr::eq(key.field, field));
    let mut values: Vec<_> =
        keys.map(|key| format!("`{}`", key.text(&key.get(&draft())))).collect();
    if values.iter().all(|value| *value == values[0]) {
        values.truncate(1);
    }
    values.join(", ")
}

fn keys_as_documented() -> String {
    let mut table = "| key | environment | default | range | effect |\n".to_owned();
    table += "| --- | --- | --- | --- | --- |\n";
    for field in FIELDS {
        let variable = keys::PREFIX.to_owned() + &field.name.replace('.', "_").to_uppercase();
        let unset = field.unset.map(|word| format!(", or `{word}`")).unwrap_or_default();
        table += &columns(&[
            format!("`{}`", field.name),
            format!("`{variable}`"),
            defaults(field),
            field.kind.range() + &unset,
            field.meaning.to_owned(),
        ]);
    }
    table
}

fn profiles_as_documented() -> String {
    let mut table = "| profile | tier | name | action | up after | down after |\n".to_owned();
    table += "| --- | --- | --- | --- | --- | --- |\n";
    for profile in [ConfigProfile::Aggressive, ConfigProfile::Balanced, ConfigProfile::Permissive] {
        for (tier, policy) in TierConfig::profile(profile).tiers().iter().enumerate() {
            let up = match (policy.promotion_violations(), policy.promotion_cpu()) {
                (Some(count), Some(cpu)) => {
                    let plural = if count == 1 { "" } else { "s" };
                    let cpu = duration::text(cpu);
                    format!("{count} violation{plural}, or {cpu} of CPU in violations")
                }
                _ => "-".into(),
            };
            let (good, cpu) = (policy.demotion_good_polls(), policy.good_poll_cpu());
            let minimum = duration::text(policy.minimum_time());
            table += &columns(&[
                format!("`{profile}`"),
                tier.to_string(),
                policy.name().to_owned(),
                format!("`{}`", policy.action()),
                up,
                format!("{good} polls of at most {}, and {minimum}", duration::text(cpu)),
            ]);
        }
    }
    table
}

fn assert_documented(mark: &str, expected: &str) {
    // A checkout on Windows may have its own ends of lines.
    let document = std::fs::read_to_string(DOCUMENT).unwrap().replace("\r\n", "\n");
    let begin = format!("<!-- {mark} -->");
    let (_, rest) = document.split_once(&begin).expect("the mark is in the document");
    let (found, _) = rest.split_once("<!-- end").expect("so is its end");
    let same = found.trim() == expected.trim();
    assert!(same, "docs/configuration.md must have here:\n\n{expected}");
}

#[test]
fn the_document_has_every_key_and_every_profile() {
    assert_documented("keys", &keys_as_documented());
    assert_documented("profiles", &profiles_as_documented());
}

#[cfg(feature = "config-file")]
#[test]
fn the_example_of_the_document_is_a_valid_file() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (_, rest) = document.split_once("```toml\n# pulse.toml").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let path = std::path::Path::new("pulse.toml");
    let found = Layers::new().resolve_with(path, &format!("# pulse.toml{example}")).unwrap();
    assert!(!found.config.rules().is_empty());
    // Every section is shown.
    for section in keys::all().iter().map(|key| keys::section(&key.name)) {
        let shown = section.starts_with("priority") || section.starts_with("tier");
        assert!(
            shown || section.is_empty() || example.contains(&format!("[{section}]")),
            "{section}"
        );
    }
}
