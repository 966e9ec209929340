//! `pulse doctor`: what of Tokio-Pulse works on this machine, and why the rest does not.

use serde::Serialize;
use tokio_pulse::Capabilities;

use crate::{Error, output};

#[derive(Serialize)]
struct Line {
    name: String,
    active: bool,
    detail: String,
}

/// Prints a line for each capability. What is missing is information, not an error.
pub(crate) fn run(json: bool) -> Result<(), Error> {
    let capabilities = Capabilities::detect();
    let lines: Vec<Line> = capabilities
        .items()
        .iter()
        .map(|item| Line {
            name: item.name().to_owned(),
            active: item.is_active(),
            detail: item.detail().to_owned(),
        })
        .collect();
    if json {
        output::say(&serde_json::json!({ "capabilities": lines }).to_string())
    } else {
        output::say(&render(&lines))
    }
}

fn render(lines: &[Line]) -> String {
    let width = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_capability_has_its_line_and_the_count_is_right() {
        let line = |name: &str, active| Line { name: name.into(), active, detail: "why".into() };
        let text = render(&[line("a", true), line("longer", false)]);
        assert_eq!(
            text,
            "active  a       why\noff     longer  why\n\n1 of 2 capabilities are active here."
        );
    }
}
