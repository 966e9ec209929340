//! The command line that all programs of the comparison share.

use std::fmt;
use std::time::Duration;

use clap::{Args, ValueEnum};
use pulse::side::Side;

/// A day; more is a mistake.
const MOST_SECS: f64 = 86_400.0;
const MOST_MS: f64 = MOST_SECS * 1e3;

#[derive(Args, Clone, Debug, PartialEq)]
pub(crate) struct Options {
    /// The runtime.
    #[arg(long, value_enum, default_value_t = System::Pulse)]
    pub(crate) system: System,
    /// What the well-behaved tasks do.
    #[arg(long, value_enum, default_value_t = Mode::Probe)]
    pub(crate) mode: Mode,
    /// Workers of the runtime.
    #[arg(long, value_name = "W", default_value_t = 2)]
    pub(crate) workers: usize,
    /// Tasks that burn CPU.
    #[arg(long, value_name = "H", default_value_t = 0)]
    pub(crate) hogs: usize,
    /// CPU time of one burn.
    #[arg(long, value_name = "MS", default_value_t = 100.0, value_parser = milliseconds)]
    pub(crate) hog_ms: f64,
    /// Well-behaved tasks, or pairs of them.
    #[arg(long, value_name = "P", default_value_t = 16)]
    pub(crate) probes: usize,
    /// How long to measure.
    #[arg(long, value_name = "S", default_value_t = 5.0, value_parser = seconds)]
    pub(crate) secs: f64,
    /// Pause of a pair after each round trip.
    #[arg(long, value_name = "US", default_value_t = 0)]
    pub(crate) pace_us: u64,
}

impl Options {
    pub(crate) fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.secs)
    }

    pub(crate) fn pace(&self) -> Option<Duration> {
        (self.pace_us > 0).then(|| Duration::from_micros(self.pace_us))
    }
}

/// What this program can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum System {
    /// Tokio-Pulse with its defaults.
    Pulse,
    /// Stock Tokio: shows that this program measures what the others do.
    Tokio,
}

impl System {
    pub(crate) fn side(self) -> Side {
        match self {
            Self::Pulse => Side::Pulse,
            Self::Tokio => Side::Stock,
        }
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pulse => "pulse",
            Self::Tokio => "tokio",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Sleep 1 ms, and note how much later than that they woke.
    Probe,
    /// Send a number to and fro.
    Pingpong,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Probe => "probe",
            Self::Pingpong => "pingpong",
        })
    }
}

pub(crate) fn seconds(text: &str) -> Result<f64, OutOfRange> {
    up_to(text, MOST_SECS)
}

fn milliseconds(text: &str) -> Result<f64, OutOfRange> {
    up_to(text, MOST_MS)
}

fn up_to(text: &str, most: f64) -> Result<f64, OutOfRange> {
    let number = text.parse().ok().filter(|&number: &f64| number > 0.0 && number <= most);
    number.ok_or(OutOfRange { most })
}

#[derive(Debug, thiserror::Error)]
#[error("give a number above 0, up to {most}")]
pub(crate) struct OutOfRange {
    most: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        options: Options,
    }

    fn parse(line: &str) -> Result<Options, clap::Error> {
        let words = std::iter::once("program").chain(line.split_whitespace());
        Program::try_parse_from(words).map(|program| program.options)
    }

    #[test]
    fn the_defaults_are_those_of_the_other_programs() {
        let defaults = Options {
            system: System::Pulse,
            mode: Mode::Probe,
            workers: 2,
            hogs: 0,
            hog_ms: 100.0,
            probes: 16,
            secs: 5.0,
            pace_us: 0,
        };
        assert_eq!(parse("").unwrap(), defaults);
        assert_eq!(defaults.pace(), None);
    }

    #[test]
    fn every_argument_is_taken() {
        let line = "--system tokio --mode pingpong --workers 3 --hogs 8 --hog-ms 2.5 --probes 4 \
                    --secs 0.5 --pace-us 10";
        let options = parse(line).unwrap();
        let expected = Options {
            system: System::Tokio,
            mode: Mode::Pingpong,
            workers: 3,
            hogs: 8,
            hog_ms: 2.5,
            probes: 4,
            secs: 0.5,
            pace_us: 10,
        };
        assert_eq!(options, expected);
        assert_eq!(options.duration(), Duration::from_millis(500));
        assert_eq!(options.pace(), Some(Duration::from_micros(10)));
    }

    #[test]
    fn nonsense_is_refused() {
        let lines = [
            "--system go",
            "--mode idle",
            "--hogs -1",
            "--hog-ms 0",
            "--hog-ms inf",
            "--secs 0",
            "--secs -1",
            "--secs NaN",
            "--secs 1e300",
            "--secs x",
            "--other 1",
        ];
        for line in lines {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
