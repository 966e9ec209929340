//! One line of a file of reports, as `tokio_pulse::stall_report::JsonLines` writes it.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

/// Frames of a stack that are looked at, from the innermost; no honest stack has more.
const FRAMES: usize = 1_024;

/// A line that is neither a report nor the end of a stall.
#[derive(Debug, thiserror::Error)]
#[error("{}:{line}: {kind}", path.display())]
#[non_exhaustive]
pub struct LineError {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: Malformed,
}

/// What is wrong with a line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Not text.
    #[error("the line is not UTF-8")]
    NotText,
    /// Not JSON at all, or cut off.
    #[error("the line is no JSON: {0}")]
    NotJson(serde_json::Error),
    /// JSON that is something else.
    #[error("the line is no report of a stall: {0}")]
    NotAReport(serde_json::Error),
}

/// What a line may be.
#[derive(Debug)]
pub(super) enum Line {
    Report(Report),
    End(End),
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Report {
    pub(super) stall: u64,
    #[serde(deserialize_with = "clean")]
    pub(super) task_name: Option<String>,
    #[serde(deserialize_with = "clean")]
    pub(super) spawned_at: Option<String>,
    pub(super) tid: i64,
    pub(super) elapsed_us: u64,
    pub(super) verdict: Verdict,
    #[serde(deserialize_with = "clean")]
    pub(super) system_call: Option<String>,
    pub(super) repeated: u64,
    pub(super) suppressed: u64,
    pub(super) culprit: Option<Frame>,
    pub(super) stack: Vec<Frame>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct End {
    #[serde(rename = "ended")]
    _ended: bool,
    pub(super) stall: u64,
    #[serde(deserialize_with = "clean")]
    pub(super) task_name: Option<String>,
    #[serde(deserialize_with = "clean")]
    pub(super) spawned_at: Option<String>,
    pub(super) lasted_us: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Frame {
    #[serde(deserialize_with = "clean")]
    function: Option<String>,
    #[serde(deserialize_with = "clean")]
    pub(super) file: Option<String>,
    pub(super) line: Option<u64>,
    #[serde(deserialize_with = "clean")]
    module: Option<String>,
    offset: u64,
    pub(super) origin: Origin,
}

/// As in `tokio_pulse::stall_report::FrameOrigin`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Origin {
    User,
    Dependency,
    Std,
    Tokio,
    Pulse,
    System,
    Unknown,
}

/// As in `tokio_pulse::stall_report::StallVerdict`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Computing,
    SystemCall,
    Lock,
    Descheduled,
    PageFault,
    Unknown,
}

impl Verdict {
    pub(super) const ALL: [Self; 6] = [
        Self::Computing,
        Self::SystemCall,
        Self::Lock,
        Self::Descheduled,
        Self::PageFault,
        Self::Unknown,
    ];

    /// As in the file.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Computing => "computing",
            Self::SystemCall => "system_call",
            Self::Lock => "lock",
            Self::Descheduled => "descheduled",
            Self::PageFault => "page_fault",
            Self::Unknown => "unknown",
        }
    }
}

impl Frame {
    /// The function, or where it would be.
    pub(super) fn name(&self) -> String {
        match (&self.function, &self.module) {
            (Some(function), _) => function.clone(),
            (None, Some(module)) => format!("{module}+{:#x}", self.offset),
            (None, None) => format!("{:#x}", self.offset),
        }
    }

    /// Whether it is code that its user can change, or chose.
    pub(super) fn is_own(&self) -> bool {
        matches!(self.origin, Origin::User | Origin::Dependency)
    }
}

impl Line {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed::NotText)?;
        let value: serde_json::Value = serde_json::from_str(text).map_err(Malformed::NotJson)?;
        if value.get("ended").is_some() {
            return End::deserialize(value).map(Self::End).map_err(Malformed::NotAReport);
        }
        let mut report = Report::deserialize(value).map_err(Malformed::NotAReport)?;
        report.stack.truncate(FRAMES);
        Ok(Self::Report(report))
    }
}

/// Names go to terminals and into drawings: without what would be a command to either.
fn clean<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    Ok(text.map(|text| text.replace(|character: char| character.is_control(), "?")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &[u8]) -> String {
        Line::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_told() {
        assert!(error(b"\xff").contains("UTF-8"));
        assert!(error(b"{\"stall\":1").contains("no JSON"));
        assert!(error(b"[]").contains("no report"));
        assert!(error(b"{}").contains("missing field"));
        assert!(error(b"{\"ended\":true}").contains("missing field `stall`"));
    }

    #[test]
    fn names_command_no_terminal() {
        let line =
            r#"{"ended":true,"stall":1,"task_name":"a\u001b[2Jb","spawned_at":null,"lasted_us":3}"#;
        let Line::End(end) = Line::parse(line.as_bytes()).unwrap() else { panic!("an end") };
        assert_eq!(end.task_name.as_deref(), Some("a?[2Jb"));
    }
}
