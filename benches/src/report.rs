//! A run as it is printed and stored.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::figure::Figure;
use crate::machine::{self, Machine};
use crate::table;

/// Grows when old files cannot be read any more.
const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    format: u32,
    pub(crate) machine: Machine,
    /// One-minute load average after the last measurement; the runs themselves are in it.
    load_average_after: String,
    /// Too short to judge anything by.
    pub(crate) quick: bool,
    pub(crate) figures: Vec<Figure>,
}

impl Report {
    /// Runs the benchmarks between two looks at the machine.
    pub(crate) fn of(quick: bool, run: impl FnOnce() -> Result<Vec<Figure>>) -> Result<Self> {
        let machine = Machine::this();
        let figures = run()?;
        let load_average_after = machine::load_average();
        Ok(Self { format: FORMAT, machine, load_average_after, quick, figures })
    }

    pub(crate) fn print(&self) {
        println!("{}, {} at the end\n", self.machine, self.load_average_after);
        println!("{}", table::figures(&self.figures, self.quick));
        if self.quick {
            println!("A quick run shows that everything works. Its figures mean nothing.");
        }
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(())
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let report: Self = serde_json::from_str(&text)
            .map_err(|error| format!("{} is not a run: {error}", path.display()))?;
        if report.format != FORMAT {
            return Err(format!("{} has format {}", path.display(), report.format).into());
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Better;

    #[test]
    fn a_report_survives_its_file() {
        let report = Report::of(true, || {
            let figure = Figure::new("a/b", "ratio", Better::Higher, &[1.0, 1.1]);
            Ok(vec![figure.sides(&[2.0], &[1.9], "us").bar("B3", 0.99).tracked()])
        })
        .unwrap();
        let path = std::env::temp_dir().join(format!("pulse-bench-{}.json", std::process::id()));
        report.write(&path).unwrap();
        let back = Report::read(&path);
        fs::remove_file(&path).unwrap();
        assert_eq!(back.unwrap(), report);
    }
}
