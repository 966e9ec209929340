//! What came of one run.

use serde::Deserialize;

use super::error::Failure;

#[derive(Debug)]
pub(crate) enum Outcome {
    Done { line: Line, text: String },
    Failed(Failure),
}

/// Of the line that a program prints, what the table needs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Line {
    /// Microseconds.
    p99: f64,
    ticks: u64,
    #[serde(rename = "S")]
    secs: f64,
    #[serde(rename = "hog_iters")]
    burns: u64,
    pub(crate) stuck: bool,
    pub(crate) version: Option<String>,
}

impl Line {
    pub(crate) fn late_ms(&self) -> f64 {
        self.p99 / 1e3
    }

    pub(crate) fn burns(&self) -> f64 {
        self.burns as f64
    }

    pub(crate) fn ticks_per_second(&self) -> f64 {
        self.ticks as f64 / self.secs
    }
}

impl Outcome {
    /// The last line counts: some start with a warning.
    pub(crate) fn read(output: &str) -> Self {
        let Some(text) = output.lines().map(str::trim).rfind(|line| !line.is_empty()) else {
            return Self::Failed(Failure::Silent);
        };
        match serde_json::from_str(text) {
            Ok(line) => Self::Done { line, text: text.into() },
            Err(error) => Self::Failed(Failure::Line(error)),
        }
    }

    pub(crate) fn line(&self) -> Option<&Line> {
        match self {
            Self::Done { line, .. } => Some(line),
            Self::Failed(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_read() {
        let output = "a warning\n{\"p99\":1500.0,\"ticks\":90,\"S\":3,\"hog_iters\":7,\
                      \"stuck\":false,\"version\":\"1\",\"more\":0}\n\n";
        let outcome = Outcome::read(output);
        let line = outcome.line().unwrap();
        assert_eq!((line.late_ms(), line.ticks_per_second(), line.burns()), (1.5, 30.0, 7.0));
        assert_eq!(line.version.as_deref(), Some("1"));
    }

    #[test]
    fn anything_else_is_a_failure() {
        assert!(matches!(Outcome::read(" \n"), Outcome::Failed(Failure::Silent)));
        for text in ["hello", "{}", "{\"p99\":", "{\"p99\":\"x\"}"] {
            assert!(matches!(Outcome::read(text), Outcome::Failed(Failure::Line(_))), "{text}");
        }
    }
}
