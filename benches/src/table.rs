//! Figures for people.

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};

use crate::figure::{Better, Figure};

/// Three horizontal lines, nothing between rows or columns.
const LINES: TableStyle = TableStyle::new()
    .top_border(LineStyle::none().fill('─').junction('─'))
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

const HEADER: [&str; 7] =
    ["figure", "reference", "subject", "median", "interquartile range", "n", "bar"];

pub(crate) fn figures(figures: &[Figure], quick: bool) -> String {
    let rows: Vec<_> = figures.iter().map(|figure| row(figure, quick).to_vec()).collect();
    let header: Vec<String> = HEADER.iter().map(|&title| title.into()).collect();
    render(&header, &rows, 1..6)
}

/// Columns in `numbers` are aligned to the right.
pub(crate) fn render(
    header: &[String],
    rows: &[Vec<String>],
    numbers: std::ops::Range<usize>,
) -> String {
    let mut table = Table::new();
    table.load_style(LINES).set_header(header.to_vec()).add_rows(rows.to_vec());
    for index in numbers {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn row(figure: &Figure, quick: bool) -> [String; 7] {
    let (reference, subject) = figure.sides.as_ref().map_or_else(Default::default, |sides| {
        let with_unit = |value| format!("{} {}", number(value), sides.unit);
        (with_unit(sides.reference), with_unit(sides.subject))
    });
    let spread = figure.spread;
    [
        figure.name.clone(),
        reference,
        subject,
        value(spread.median, &figure.unit),
        format!("{} to {}", number(spread.q1), number(spread.q3)),
        spread.rounds.to_string(),
        bar(figure, quick),
    ]
}

fn bar(figure: &Figure, quick: bool) -> String {
    let Some(bar) = &figure.bar else { return String::new() };
    let sign = if figure.better == Better::Higher { ">=" } else { "<=" };
    let limit = format!("{} {sign} {}", bar.id, bar.limit);
    match figure.verdict().filter(|_| !quick) {
        Some(verdict) => format!("{limit}: {verdict}"),
        None => limit,
    }
}

pub(crate) fn value(value: f64, unit: &str) -> String {
    if unit == "ratio" { number(value) } else { format!("{} {unit}", number(value)) }
}

/// Four digits that say something.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    let digits = match size {
        size if size >= 1_000.0 => 0,
        size if size >= 100.0 => 1,
        size if size >= 10.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_four_digits_or_three_places() {
        let seen = [12_345.6, 123.46, 12.346, 1.2346, 0.0123, -0.5].map(number);
        assert_eq!(seen, ["12346", "123.5", "12.35", "1.235", "0.012", "-0.500"]);
    }

    #[test]
    fn a_quick_run_is_not_judged() {
        let figure = Figure::new("a", "ratio", Better::Higher, &[0.5; 7]).bar("B3", 0.99);
        assert!(figures(std::slice::from_ref(&figure), false).contains("B3 >= 0.99: MISSED"));
        assert!(!figures(&[figure], true).contains("MISSED"));
    }
}
