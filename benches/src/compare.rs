//! A run against a stored one.

use crate::figure::{Better, Figure};
use crate::report::Report;
use crate::table::{number, render};

/// A figure may get so much worse before anybody is told.
const TOLERANCE: f64 = 0.05;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Fine,
    Worse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Same,
    Better,
    Worse,
    /// One of the two runs spreads so widely that a change of the tolerance could be chance.
    Noisy,
    /// The baseline does not have it.
    New,
    /// The run does not have it.
    Gone,
}

impl Change {
    fn words(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Better => "better",
            Self::Worse => "WORSE",
            Self::Noisy => "noisy, not judged",
            Self::New => "new",
            Self::Gone => "not measured",
        }
    }
}

/// Compares the tracked figures, prints them, and says whether any got worse.
pub(crate) fn print(baseline: &Report, run: &Report) -> Outcome {
    if !baseline.machine.is_like(&run.machine) {
        println!("The baseline comes from another machine:\n{}\n", baseline.machine);
    }
    if baseline.quick || run.quick {
        println!("One of the runs was a quick one: nothing is judged.");
        return Outcome::Fine;
    }
    let changes = changes(&baseline.figures, &run.figures);
    println!("{}", table(&changes));
    let worse: Vec<_> = changes.iter().filter(|row| row.change == Change::Worse).collect();
    if worse.is_empty() {
        println!("No figure got worse by more than {} %.", TOLERANCE * 100.0);
        return Outcome::Fine;
    }
    for row in worse {
        println!("{} got worse by {:.1} %", row.name, -row.gain * 100.0);
    }
    Outcome::Worse
}

struct Row<'a> {
    name: &'a str,
    then: Option<f64>,
    now: Option<f64>,
    /// Positive is better.
    gain: f64,
    change: Change,
}

fn changes<'a>(baseline: &'a [Figure], run: &'a [Figure]) -> Vec<Row<'a>> {
    let find = |figures: &'a [Figure], name: &str| {
        figures.iter().find(|figure| figure.tracked && figure.name == name)
    };
    let absent = |figure: &'a Figure, change| {
        let value = Some(figure.spread.median);
        let (then, now) = if change == Change::Gone { (value, None) } else { (None, value) };
        Row { name: &figure.name, then, now, gain: 0.0, change }
    };
    let mut rows = Vec::new();
    for figure in run.iter().filter(|figure| figure.tracked) {
        rows.push(match find(baseline, &figure.name) {
            None => absent(figure, Change::New),
            Some(before) => {
                let gain = gain(before, figure);
                Row {
                    name: &figure.name,
                    then: Some(before.spread.median),
                    now: Some(figure.spread.median),
                    gain,
                    change: judge(before, figure, gain),
                }
            }
        });
    }
    let gone = |figure: &&Figure| figure.tracked && find(run, &figure.name).is_none();
    rows.extend(baseline.iter().filter(gone).map(|figure| absent(figure, Change::Gone)));
    rows
}

fn gain(before: &Figure, now: &Figure) -> f64 {
    let change = now.spread.median / before.spread.median - 1.0;
    if now.better == Better::Higher { change } else { 0.0 - change }
}

fn judge(before: &Figure, now: &Figure, gain: f64) -> Change {
    let noisy = |figure: &Figure| figure.spread.relative_range() > TOLERANCE;
    if noisy(before) || noisy(now) {
        Change::Noisy
    } else if gain < -TOLERANCE {
        Change::Worse
    } else if gain > TOLERANCE {
        Change::Better
    } else {
        Change::Same
    }
}

fn table(rows: &[Row<'_>]) -> String {
    let header = ["figure", "baseline", "now", "change", ""].map(String::from);
    let shown = |value: Option<f64>| value.map_or_else(String::new, number);
    let cells = |row: &Row<'_>| {
        let change = match (row.then, row.now) {
            (Some(_), Some(_)) => format!("{:+.1} %", row.gain * 100.0),
            _ => String::new(),
        };
        let words = row.change.words().into();
        vec![row.name.into(), shown(row.then), shown(row.now), change, words]
    };
    render(&header, &rows.iter().map(cells).collect::<Vec<_>>(), 1..4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure(better: Better, samples: &[f64]) -> Figure {
        Figure::new("a", "ratio", better, samples).tracked()
    }

    fn change(better: Better, before: &[f64], now: &[f64]) -> Change {
        changes(&[figure(better, before)], &[figure(better, now)])[0].change
    }

    #[test]
    fn worse_is_less_of_what_should_be_high_and_more_of_what_should_be_low() {
        assert_eq!(change(Better::Higher, &[1.0], &[0.94]), Change::Worse);
        assert_eq!(change(Better::Higher, &[1.0], &[0.96]), Change::Same);
        assert_eq!(change(Better::Higher, &[1.0], &[1.06]), Change::Better);
        assert_eq!(change(Better::Lower, &[1.0], &[1.06]), Change::Worse);
        assert_eq!(change(Better::Lower, &[1.0], &[0.94]), Change::Better);
    }

    #[test]
    fn a_wide_spread_in_either_run_is_not_judged() {
        let wide = [0.8, 0.9, 1.0, 1.1, 1.2];
        assert_eq!(change(Better::Higher, &wide, &[0.5; 5]), Change::Noisy);
        assert_eq!(change(Better::Higher, &[2.0; 5], &wide), Change::Noisy);
    }

    #[test]
    fn figures_that_only_one_run_has_are_named_and_do_not_fail() {
        let known = [figure(Better::Higher, &[1.0])];
        assert_eq!(changes(&[], &known)[0].change, Change::New);
        assert_eq!(changes(&known, &[])[0].change, Change::Gone);
    }

    #[test]
    fn figures_that_are_not_tracked_are_left_out() {
        let untracked = [Figure::new("a", "ms", Better::Lower, &[1.0])];
        assert!(changes(&untracked, &untracked).is_empty());
    }

    #[test]
    fn the_outcome_names_the_culprit_unless_the_run_was_quick() {
        let report = |value: f64, quick| {
            Report::of(quick, || Ok(vec![figure(Better::Higher, &[value])])).unwrap()
        };
        assert_eq!(print(&report(1.0, false), &report(0.9, false)), Outcome::Worse);
        assert_eq!(print(&report(1.0, false), &report(1.0, false)), Outcome::Fine);
        assert_eq!(print(&report(1.0, false), &report(0.9, true)), Outcome::Fine);
    }
}
