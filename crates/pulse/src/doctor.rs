//! `pulse doctor`: what of Tokio-Pulse works on this machine, and why the rest does not; then what
//! it goes by here, and who said so.

use serde::Serialize;
use tokio_pulse::Capabilities;
use tokio_pulse::config::{Layers, Resolved};

use crate::{Error, cli::DoctorOptions, output};

#[derive(Serialize)]
struct Line {
    name: String,
    active: bool,
    detail: String,
}

#[derive(Serialize)]
struct Setting {
    key: &'static str,
    value: String,
    origin: String,
}

/// Prints a line for each capability and each key. What is missing is information, not an error;
/// a configuration that would stop a program is one here, too.
pub(crate) fn run(options: &DoctorOptions) -> Result<(), Error> {
    let mut layers = Layers::new();
    layers.with_environment();
    if let Some(path) = &options.config {
        layers.file(path);
    }
    let configuration = layers.resolve().map_err(Error::Configuration);
    if options.toml {
        return output::say(configuration?.to_toml().trim_end());
    }
    if options.json {
        let configuration = configuration?;
        let object = serde_json::json!({
            "capabilities": capabilities(),
            "configuration": settings(&configuration),
            "rules": rules(&configuration),
        });
        return output::say(&object.to_string());
    }
    output::say(&render_capabilities(&capabilities()))?;
    let configuration = configuration?;
    output::say(&render_settings(&settings(&configuration), &rules(&configuration)))
}

fn capabilities() -> Vec<Line> {
    Capabilities::detect()
        .items()
        .iter()
        .map(|item| Line {
            name: item.name().to_owned(),
            active: item.is_active(),
            detail: item.detail().to_owned(),
        })
        .collect()
}

fn settings(configuration: &Resolved) -> Vec<Setting> {
    configuration
        .settings
        .iter()
        .map(|setting| Setting {
            key: setting.key,
            value: setting.value.clone(),
            origin: setting.origin.to_string(),
        })
        .collect()
}

fn rules(configuration: &Resolved) -> Vec<String> {
    configuration.config.rules().iter().map(ToString::to_string).collect()
}

fn render_capabilities(lines: &[Line]) -> String {
    let width = width(lines.iter().map(|line| line.name.as_str()));
    let mut text = lines
        .iter()
        .map(|line| {
            let state = if line.active { "active" } else { "off" };
            format!("{state:<8}{:<width$}  {}\n", line.name, line.detail)
        })
        .collect::<String>();
    let active = lines.iter().filter(|line| line.active).count();
    text.push_str(&format!("\n{active} of {} capabilities are active here.", lines.len()));
    text
}

fn render_settings(settings: &[Setting], rules: &[String]) -> String {
    let keys = width(settings.iter().map(|setting| setting.key));
    let values = width(settings.iter().map(|setting| setting.value.as_str()));
    let mut text = "\nConfiguration:\n".to_owned();
    for Setting { key, value, origin } in settings {
        text.push_str(&format!("\n{key:<keys$}  {value:<values$}  {origin}"));
    }
    for (number, rule) in (1..).zip(rules) {
        text.push_str(&format!("\nrule {number}: {rule}"));
    }
    text
}

fn width<'a>(cells: impl Iterator<Item = &'a str>) -> usize {
    cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_capability_has_its_line_and_the_count_is_right() {
        let line = |name: &str, active| Line { name: name.into(), active, detail: "why".into() };
        let text = render_capabilities(&[line("a", true), line("longer", false)]);
        assert_eq!(
            text,
            "active  a       why\noff     longer  why\n\n1 of 2 capabilities are active here."
        );
    }

    #[test]
    fn each_setting_and_each_rule_has_its_line() {
        let setting = |key, value: &str, origin: &str| Setting {
            key,
            value: value.into(),
            origin: origin.into(),
        };
        let settings = [setting("slice", "5ms", "p.toml:1:9"), setting("a.b", "9", "default")];
        assert_eq!(
            render_settings(&settings, &["name x -> tier 1".into()]),
            "\nConfiguration:\n\nslice  5ms  p.toml:1:9\na.b    9    default\nrule 1: name x -> tier 1"
        );
    }
}
