//! `pulse config get` and `pulse config set`.

use tokio_pulse_proto::v1;

use super::conn::Client;
use super::format::printable;
use super::once::json;
use super::options::{GetOptions, SetOptions};
use super::{ConsoleError, target::Target};
use crate::{Error, output};

/// The value of one key alone, for scripts; or all with their origins.
pub(super) async fn get(options: &GetOptions) -> Result<(), Error> {
    let target = Target::new(&options.connection)?;
    let config = Client::connect(&target).await?.config().await?;
    let Some(key) = &options.key else {
        let text = if options.json { json::config(&config).to_string() } else { table(&config) };
        return output::say(text.trim_end());
    };
    let setting = find(&config, key)?;
    let value = printable(&setting.value);
    output::say(&if options.json { json::setting(setting).to_string() } else { value })
}

/// Changes all that is named, or asks whether it would do.
pub(super) async fn set(options: &SetOptions) -> Result<(), Error> {
    let target = Target::new(&options.connection)?;
    let assignments = options
        .assignments
        .iter()
        .map(|(key, value)| v1::Assignment { key: key.clone(), value: value.clone() });
    let request = v1::SetConfigRequest {
        assignments: assignments.collect(),
        dry_run: options.dry_run,
        expected_revision: None,
    };
    let config = Client::connect(&target).await?.set_config(request).await?;
    let mut settings = Vec::new();
    for (key, _) in &options.assignments {
        settings.push(find(&config, key)?);
    }
    if options.json {
        let settings: Vec<_> = settings.into_iter().map(json::setting).collect();
        let changed = serde_json::json!({
            "dry_run": options.dry_run,
            "revision": config.revision,
            "settings": settings,
        });
        return output::say(&changed.to_string());
    }
    let would = if options.dry_run { "would be in force" } else { "is in force" };
    let lines = settings.into_iter().map(|setting| format!("{} {would}", line(setting)));
    output::say(&lines.collect::<Vec<_>>().join("\n"))
}

fn find<'a>(config: &'a v1::Config, key: &str) -> Result<&'a v1::Setting, ConsoleError> {
    let found = config.settings.iter().find(|setting| setting.key == key);
    found.ok_or_else(|| ConsoleError::UnknownKey(key.to_owned()))
}

fn line(setting: &v1::Setting) -> String {
    format!("{} = {}", printable(&setting.key), printable(&setting.value))
}

fn table(config: &v1::Config) -> String {
    let lines: Vec<String> = config.settings.iter().map(line).collect();
    let width = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let with_origin = lines.iter().zip(&config.settings).map(|(line, setting)| {
        let origin = printable(&setting.origin);
        let start_only = if setting.start_only { ", read at the start only" } else { "" };
        format!("{line:<width$}  # {origin}{start_only}\n")
    });
    with_origin.collect()
}
