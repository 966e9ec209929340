//! From files to stalls: what belongs to one stall is put together.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use super::line::{End, Line, LineError, Report};
use crate::Error;

/// Malformed lines that are told one by one.
pub(super) const SHOWN: usize = 5;

/// One stall: its reports, and its end if that was told.
#[derive(Debug)]
pub(super) struct Stall {
    pub(super) samples: Vec<Report>,
    pub(super) end: Option<End>,
}

/// All that was read.
#[derive(Debug, Default)]
pub(super) struct Input {
    pub(super) stalls: Vec<Stall>,
    pub(super) reports: usize,
    pub(super) malformed: Vec<LineError>,
}

impl Stall {
    /// How long it took, as far as is known.
    pub(super) fn lasted_us(&self) -> u64 {
        let seen = self.samples.iter().map(|sample| sample.elapsed_us);
        seen.chain(self.end.as_ref().map(|end| end.lasted_us)).max().unwrap_or(0)
    }

    /// The part of that time that each sample stands for.
    pub(super) fn share_us(&self) -> u64 {
        self.lasted_us() / (self.samples.len() as u64).max(1)
    }

    /// Where its task was spawned.
    pub(super) fn spawned_at(&self) -> Option<&str> {
        let told = self.end.as_ref().and_then(|end| end.spawned_at.as_deref());
        told.or_else(|| self.samples.iter().find_map(|sample| sample.spawned_at.as_deref()))
    }

    pub(super) fn task_name(&self) -> Option<&str> {
        let told = self.end.as_ref().and_then(|end| end.task_name.as_deref());
        told.or_else(|| self.samples.iter().find_map(|sample| sample.task_name.as_deref()))
    }
}

/// Reads all files. With `strict` the first malformed line is an error.
pub(super) fn read(paths: &[PathBuf], strict: bool) -> Result<Input, Error> {
    let mut input = Input::default();
    for path in paths {
        read_file(path, strict, &mut input)?;
    }
    Ok(input)
}

fn read_file(path: &Path, strict: bool, input: &mut Input) -> Result<(), Error> {
    let failed = |source| Error::ReportFile { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    // Numbers begin anew with each process that wrote to the file.
    let mut latest: HashMap<u64, usize> = HashMap::new();
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        if reader.read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
            break;
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        match Line::parse(&bytes) {
            Ok(Line::Report(report)) => add(report, &mut latest, input),
            Ok(Line::End(end)) => {
                let stall = latest.remove(&end.stall).and_then(|at| input.stalls.get_mut(at));
                if let Some(stall) = stall {
                    stall.end = Some(end);
                }
            }
            Err(kind) => {
                let error = LineError { path: path.to_owned(), line: number, kind };
                if strict {
                    return Err(Error::ReportLine(error));
                }
                input.malformed.push(error);
            }
        }
    }
    Ok(())
}

fn add(report: Report, latest: &mut HashMap<u64, usize>, input: &mut Input) {
    input.reports += 1;
    let known = latest.get(&report.stall).and_then(|at| input.stalls.get_mut(*at));
    let goes_on = |stall: &&mut Stall| {
        let last = stall.samples.last();
        last.is_some_and(|last| last.tid == report.tid && last.elapsed_us <= report.elapsed_us)
    };
    match known.filter(goes_on) {
        Some(stall) => stall.samples.push(report),
        None => {
            latest.insert(report.stall, input.stalls.len());
            input.stalls.push(Stall { samples: vec![report], end: None });
        }
    }
}
