//! The line of JSON that all programs of the comparison print.

use std::fmt;
use std::time::Duration;

use super::record::{Record, TICK};
use super::{Mode, Options};

const TICK_NS: u64 = TICK.as_nanos() as u64;
/// Of something that did not happen.
const NONE: f64 = -1.0;

#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) options: Options,
    pub(crate) figures: Figures,
    pub(crate) ns_per_iter: f64,
    pub(crate) stuck: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Figures {
    /// Nanoseconds.
    lateness: Sorted,
    corrected: Sorted,
    burns: Sorted,
    ticks: u64,
    burns_of_hogs: Vec<u64>,
    unfinished: usize,
}

impl Figures {
    pub(crate) fn of(record: &Record, mode: Mode) -> Self {
        let ideal = if mode == Mode::Probe { TICK } else { Duration::ZERO };
        let (lateness, unfinished) = record.lateness_ns(ideal);
        let corrected = match mode {
            Mode::Probe => Sorted::new(corrected(&lateness)),
            Mode::Pingpong => Sorted::new(lateness.clone()),
        };
        Self {
            lateness: Sorted::new(lateness),
            corrected,
            burns: Sorted::new(record.burns_ns()),
            ticks: record.ticks(),
            burns_of_hogs: record.burns(),
            unfinished,
        }
    }
}

/// Without coordinated omission: a long wait also held up the ticks that should have come each
/// millisecond meanwhile.
fn corrected(lateness: &[u64]) -> Vec<u64> {
    let mut all = lateness.to_vec();
    for &late in lateness {
        let mut rest = late;
        while rest > TICK_NS {
            rest -= TICK_NS;
            all.push(rest);
        }
    }
    all
}

#[derive(Clone, Debug)]
struct Sorted(Vec<u64>);

impl Sorted {
    fn new(mut all: Vec<u64>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    /// In microseconds.
    fn percentile(&self, share: f64) -> f64 {
        if self.0.is_empty() {
            return NONE;
        }
        let rank = (self.0.len() as f64 * share).ceil() as usize;
        self.0[rank.clamp(1, self.0.len()) - 1] as f64 / 1e3
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { system, mode, workers, hogs, hog_ms, probes, secs, pace_us: _ } =
            &self.options;
        let expected = match mode {
            Mode::Probe => (*probes as f64 * secs * 1e3) as u64,
            Mode::Pingpong => 0,
        };
        write!(f, r#"{{"system":"{system}","mode":"{mode}","W":{workers},"H":{hogs},"#)?;
        write!(f, r#""B":{hog_ms},"P":{probes},"S":{secs},"#)?;
        self.figures.write(f, expected)?;
        let Self { figures: Figures { unfinished, .. }, ns_per_iter, stuck, .. } = self;
        write!(f, r#""ns_per_iter":{ns_per_iter:.4},"unfinished":{unfinished},"stuck":{stuck}}}"#)
    }
}

impl Figures {
    fn write(&self, f: &mut fmt::Formatter<'_>, expected: u64) -> fmt::Result {
        let percentiles =
            [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)];
        for (name, share) in percentiles {
            write!(f, r#""{name}":{:.1},"#, self.lateness.percentile(share))?;
        }
        for (name, share) in [("co_p50", 0.5), ("co_p99", 0.99)] {
            write!(f, r#""{name}":{:.1},"#, self.corrected.percentile(share))?;
        }
        let hogs = &self.burns_of_hogs;
        let counts = [
            ("ticks", self.ticks),
            ("expected", expected),
            ("hog_iters", hogs.iter().sum()),
            ("hog_min", hogs.iter().min().copied().unwrap_or(0)),
            ("hog_max", hogs.iter().max().copied().unwrap_or(0)),
        ];
        for (name, count) in counts {
            write!(f, r#""{name}":{count},"#)?;
        }
        for (name, share) in [("burn_ms_p50", 0.5), ("burn_ms_max", 1.0)] {
            write!(f, r#""{name}":{:.2},"#, self.burns.percentile(share) / 1e3)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anchor::options::System;

    #[test]
    fn the_line_is_that_of_the_other_programs() {
        let lateness = vec![2_500_000, 100_000, 200_040];
        let line = Line {
            options: Options {
                system: System::Pulse,
                mode: Mode::Probe,
                workers: 2,
                hogs: 2,
                hog_ms: 100.0,
                probes: 16,
                secs: 0.5,
                pace_us: 0,
            },
            figures: Figures {
                corrected: Sorted::new(corrected(&lateness)),
                lateness: Sorted::new(lateness),
                burns: Sorted::new(vec![101_230_000]),
                ticks: 3,
                burns_of_hogs: vec![4, 5],
                unfinished: 1,
            },
            ns_per_iter: 1.234_56,
            stuck: false,
        };
        let expected = concat!(
            r#"{"system":"pulse","mode":"probe","W":2,"H":2,"B":100,"P":16,"S":0.5,"#,
            r#""p50":200.0,"p90":2500.0,"p99":2500.0,"p999":2500.0,"max":2500.0,"#,
            r#""co_p50":500.0,"co_p99":2500.0,"ticks":3,"expected":8000,"hog_iters":9,"#,
            r#""hog_min":4,"hog_max":5,"burn_ms_p50":101.23,"burn_ms_max":101.23,"#,
            r#""ns_per_iter":1.2346,"unfinished":1,"stuck":false}"#,
        );
        assert_eq!(line.to_string(), expected);
        serde_json::from_str::<serde_json::Value>(expected).unwrap();
    }

    #[test]
    fn a_long_wait_counts_for_the_ticks_it_held_up() {
        let all = corrected(&[3_200_000, 500_000]);
        assert_eq!(all, [3_200_000, 500_000, 2_200_000, 1_200_000, 200_000]);
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(Sorted::new(Vec::new()).percentile(0.99), -1.0);
    }
}
