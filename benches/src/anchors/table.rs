//! The comparison in Markdown.

use std::fmt::Write as _;
use std::iter;

use super::Cell;
use super::columns::{self, Column, Kind};
use super::outcome::{Line, Outcome};
use super::systems::System;
use crate::rounds::pick;
use crate::stats::median;

type Results<'a> = [(Cell<'a>, Vec<Outcome>)];

/// Lateness first, as the p99 in milliseconds; then burns, then round trips.
pub(crate) fn markdown(systems: &[System], results: &Results<'_>) -> String {
    let titles = columns::ALL.iter().filter(|column| column.kind != Kind::RoundTrips);
    let titles = titles.map(|column| column.title);
    let mut rows =
        vec![row(iter::once("system").chain(titles).chain(["burns in W8", "round trips / s"]))];
    rows.push(row(iter::repeat_n("---", columns::ALL.len() + 2)));
    rows.extend(systems.iter().map(|system| row_of(system, results)));
    rows.concat()
}

fn row<T: AsRef<str>>(cells: impl Iterator<Item = T>) -> String {
    let mut text = String::from("|");
    for cell in cells {
        text.push(' ');
        text.push_str(cell.as_ref());
        text.push_str(" |");
    }
    text + "\n"
}

fn row_of(system: &System, results: &Results<'_>) -> String {
    let of = |column: &Column| -> &[Outcome] {
        let found = results.iter().find(|(cell, _)| {
            std::ptr::eq(cell.system, system) && cell.column.title == column.title
        });
        found.map_or(&[], |(_, outcomes)| outcomes)
    };
    let (mut lateness, mut burns, mut round_trips) = (Vec::new(), Vec::new(), Vec::new());
    for column in &columns::ALL {
        let outcomes = of(column);
        match column.kind {
            Kind::Lateness => lateness.push(cell(outcomes, Line::late_ms, number)),
            Kind::LatenessAndBurns => {
                lateness.push(cell(outcomes, Line::late_ms, number));
                burns.push(cell(outcomes, Line::burns, count));
            }
            Kind::RoundTrips => {
                round_trips.push(cell(outcomes, Line::ticks_per_second, millions));
            }
        }
    }
    let name = iter::once(name(system, results));
    row(name.chain(lateness).chain(burns).chain(round_trips))
}

/// With the version, if the program tells it.
fn name(system: &System, results: &Results<'_>) -> String {
    let own = results.iter().filter(|(cell, _)| std::ptr::eq(cell.system, system));
    let mut lines = own.flat_map(|(_, outcomes)| outcomes).filter_map(Outcome::line);
    match lines.find_map(|line| line.version.as_deref()) {
        Some(version) => format!("{} ({version})", system.name),
        None => system.name.clone(),
    }
}

/// The median of the runs that have a result.
fn cell(outcomes: &[Outcome], of: fn(&Line) -> f64, show: fn(f64) -> String) -> String {
    let lines: Vec<&Line> = outcomes.iter().filter_map(Outcome::line).collect();
    if lines.is_empty() {
        return "failed".into();
    }
    show(median(&pick(&lines, |line| of(line))))
}

/// Three digits.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

fn count(value: f64) -> String {
    format!("{value:.0}")
}

fn millions(value: f64) -> String {
    format!("{:.2} M", value / 1e6)
}

/// What the table does not show: who is missing, and what went wrong.
pub(crate) fn notes(missing: &[System], results: &Results<'_>) -> String {
    let mut notes = String::new();
    for System { name, program, .. } in missing {
        let _ = writeln!(notes, "* {name} is left out: there is no {}.", program.display());
    }
    for (cell, outcomes) in results {
        let place = format!("{}, {}", cell.system.name, cell.column.title);
        for outcome in outcomes {
            let _ = match outcome {
                Outcome::Failed(failure) => writeln!(notes, "* {place}: failed: {failure}."),
                Outcome::Done { line, .. } if line.stuck => {
                    writeln!(notes, "* {place}: tasks were stuck at the end of a run.")
                }
                Outcome::Done { .. } => Ok(()),
            };
        }
    }
    if !notes.is_empty() {
        notes.push('\n');
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anchors::error::Failure;

    fn system(name: &str) -> System {
        System { name: name.into(), program: "there".into(), arguments: Vec::new() }
    }

    fn done(p99: f64, burns: u64, stuck: bool) -> Outcome {
        Outcome::read(&format!(
            r#"{{"p99":{p99},"ticks":5000000,"S":2,"hog_iters":{burns},"stuck":{stuck},"version":"1.2"}}"#
        ))
    }

    fn results<'a>(
        system: &'a System,
        mut outcomes: impl FnMut(usize) -> Vec<Outcome>,
    ) -> Vec<(Cell<'a>, Vec<Outcome>)> {
        let cell = |column| Cell { system, column };
        columns::ALL
            .iter()
            .enumerate()
            .map(|(index, column)| (cell(column), outcomes(index)))
            .collect()
    }

    #[test]
    fn medians_are_put_in_a_table() {
        let systems = [system("Go"), system("Other")];
        let mut all = results(&systems[0], |index| {
            let late = 1_234.5 * 10_f64.powi(index as i32);
            vec![done(late, 94, false), done(late + 1.0, 95, false), done(0.0, 0, false)]
        });
        all.extend(results(&systems[1], |_| vec![Outcome::Failed(Failure::Silent)]));
        let expected = "\
            | system | no hogs | 2 x 100 ms | 8 x 100 ms (W8) | 8 x 10 ms | 64 x 20 ms | \
            burns in W8 | round trips / s |\n\
            | --- | --- | --- | --- | --- | --- | --- | --- |\n\
            | Go (1.2) | 1.23 | 12.3 | 123 | 1234 | 12345 | 94 | 2.50 M |\n\
            | Other | failed | failed | failed | failed | failed | failed | failed |\n";
        assert_eq!(markdown(&systems, &all), expected);
    }

    #[test]
    fn a_run_that_failed_does_not_count() {
        let systems = [system("Go")];
        let all = results(&systems[0], |_| {
            vec![Outcome::Failed(Failure::Silent), done(1_000.0, 94, true)]
        });
        assert!(markdown(&systems, &all).contains("| 1.00 |"));
        let notes = notes(&[system("Erlang")], &all[..1]);
        assert_eq!(
            notes,
            "* Erlang is left out: there is no there.\n* Go, no hogs: failed: printed nothing.\n\
             * Go, no hogs: tasks were stuck at the end of a run.\n\n"
        );
    }
}
