//! One measured figure, its bar, and whether it holds.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::stats::{Spread, median};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    Higher,
    Lower,
}

/// A promise of the design: a limit that the figure must keep to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Bar {
    pub(crate) id: String,
    pub(crate) limit: f64,
}

/// The two sides that a ratio or a difference was made from, as medians.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sides {
    pub(crate) reference: f64,
    pub(crate) subject: f64,
    pub(crate) unit: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// `benchmark/case/what`.
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) better: Better,
    pub(crate) sides: Option<Sides>,
    pub(crate) spread: Spread,
    pub(crate) bar: Option<Bar>,
    /// Whether `compare` looks at it: only ratios to a reference of the same run hold on another
    /// machine.
    pub(crate) tracked: bool,
}

impl Figure {
    pub(crate) fn new(name: impl Into<String>, unit: &str, better: Better, all: &[f64]) -> Self {
        Self {
            name: name.into(),
            unit: unit.into(),
            better,
            sides: None,
            spread: Spread::of(all),
            bar: None,
            tracked: false,
        }
    }

    /// Names the two series that it was made from.
    pub(crate) fn sides(mut self, reference: &[f64], subject: &[f64], unit: &str) -> Self {
        let (reference, subject) = (median(reference), median(subject));
        self.sides = Some(Sides { reference, subject, unit: unit.into() });
        self
    }

    pub(crate) fn bar(mut self, id: &str, limit: f64) -> Self {
        self.bar = Some(Bar { id: id.into(), limit });
        self
    }

    pub(crate) fn tracked(mut self) -> Self {
        self.tracked = true;
        self
    }

    /// Whether the bar holds; `None` without a bar.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        let limit = self.bar.as_ref()?.limit;
        let (best, worst) = match self.better {
            Better::Higher => (self.spread.high, self.spread.low),
            Better::Lower => (self.spread.low, self.spread.high),
        };
        Some(if self.keeps(worst, limit) {
            Verdict::Holds
        } else if !self.keeps(best, limit) {
            Verdict::Missed
        } else {
            Verdict::Unclear { median_holds: self.keeps(self.spread.median, limit) }
        })
    }

    fn keeps(&self, value: f64, limit: f64) -> bool {
        match self.better {
            Better::Higher => value >= limit,
            Better::Lower => value <= limit,
        }
    }
}

/// Whether a bar holds, with 95 % confidence either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Holds,
    Missed,
    /// The bar lies inside the interval around the median.
    Unclear {
        median_holds: bool,
    },
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holds => "holds",
            Self::Missed => "MISSED",
            Self::Unclear { median_holds: true } => "unclear, median holds",
            Self::Unclear { median_holds: false } => "unclear, median misses",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(better: Better, limit: f64) -> Verdict {
        let samples: Vec<f64> = (90..=110).map(|n| f64::from(n) / 100.0).collect();
        Figure::new("x", "ratio", better, &samples).bar("B0", limit).verdict().unwrap()
    }

    #[test]
    fn a_bar_is_judged_only_outside_the_interval() {
        // 21 samples from 0.90 to 1.10: the interval is 0.95 to 1.05.
        assert_eq!(verdict(Better::Higher, 0.94), Verdict::Holds);
        assert_eq!(verdict(Better::Higher, 0.99), Verdict::Unclear { median_holds: true });
        assert_eq!(verdict(Better::Higher, 1.01), Verdict::Unclear { median_holds: false });
        assert_eq!(verdict(Better::Higher, 1.06), Verdict::Missed);
        assert_eq!(verdict(Better::Lower, 1.06), Verdict::Holds);
        assert_eq!(verdict(Better::Lower, 0.94), Verdict::Missed);
    }

    #[test]
    fn without_a_bar_there_is_no_verdict() {
        assert_eq!(Figure::new("x", "ms", Better::Lower, &[1.0]).verdict(), None);
    }
}
