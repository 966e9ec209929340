//! A configuration as a TOML file, with the meaning of each key above it.

use super::table::Draft;
use super::value::Kind;
use super::{Rule, RuntimeSettings, TierConfig, duration, keys};

/// Without the keys that are read at start only.
pub(super) fn of_config(config: &TierConfig) -> String {
    let draft = Draft { config: config.clone(), runtime: RuntimeSettings::default() };
    write(&draft, |key| !key.is_start_only())
}

/// With all keys.
pub(super) fn of_draft(draft: &Draft) -> String {
    write(draft, |_| true)
}

fn write(draft: &Draft, wanted: impl Fn(&keys::Key) -> bool) -> String {
    let mut lines = Vec::new();
    let mut section = "";
    for key in keys::all().iter().filter(|key| wanted(key)) {
        let of_key = keys::section(&key.name);
        if of_key != section {
            section = of_key;
            lines.push(format!("\n[{section}]"));
        }
        // Once is enough for what is the same for each tier and priority.
        if key.index == 0 {
            lines.push(format!("# {}", key.field.meaning));
        }
        let name = key.name.rsplit('.').next().unwrap_or_default();
        lines.push(format!("{name} = {}", value(key, draft)));
    }
    lines.extend(draft.config.rules.iter().map(rule));
    lines.join("\n") + "\n"
}

fn value(key: &keys::Key, draft: &Draft) -> String {
    let value = key.get(draft);
    let text = key.text(&value);
    let is_number = matches!(key.field.kind, Kind::Count(..) | Kind::Factor(..));
    if is_number && key.field.unset != Some(text.as_str()) { text } else { quote(&text) }
}

fn rule(rule: &Rule) -> String {
    let mut lines = vec!["\n[[rule]]".to_owned()];
    lines.extend(rule.site.iter().map(|site| format!("site = {}", quote(&site.to_string()))));
    lines.extend(rule.name.iter().map(|name| format!("name = {}", quote(&name.to_string()))));
    if !rule.labels.is_empty() {
        let labels = rule.labels.iter().map(|(key, value)| quote(&format!("{key}={value}")));
        lines.push(format!("label = [{}]", labels.collect::<Vec<_>>().join(", ")));
    }
    lines.extend(rule.priority().map(|priority| format!("priority = \"{priority}\"")));
    lines.extend(rule.tier().map(|tier| format!("tier = {tier}")));
    lines.extend(rule.budget().map(|budget| format!("budget = \"{}\"", duration::text(budget))));
    lines.extend(rule.is_exempt().then(|| "exempt = true".to_owned()));
    lines.join("\n")
}

/// TOML's basic string.
fn quote(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
